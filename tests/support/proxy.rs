//! A proxy between daemon and carrier that cuts the link in the middle of a submit_sm.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const SUBMIT_SM: u32 = 4;

/// Stops with the test.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    cutter: Arc<Mutex<Cutter>>,
    task: JoinHandle<()>,
}

/// Which submits are cut: of each mark every so manieth.
struct Cutter {
    marks: Vec<Mark>,
    every: u32,
}

struct Mark {
    name: String,
    /// The mark in GSM's octets and in UCS-2's.
    forms: [Vec<u8>; 2],
    seen: u32,
    cut: u32,
}

impl Proxy {
    /// Listens on a free port and cuts, for each mark, every so manieth submit_sm whose text has it.
    pub(crate) async fn start(carrier: SocketAddr, marks: &[String], every: u32) -> Self {
        let marks = marks.iter().map(|mark| {
            let wide = mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
            Mark {
                name: mark.clone(),
                forms: [mark.clone().into_bytes(), wide],
                seen: 0,
                cut: 0,
            }
        });
        let cutter = Arc::new(Mutex::new(Cutter {
            marks: marks.collect(),
            every,
        }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = cutter.clone();
        let task = tokio::spawn(async move {
            while let Ok((daemon, _)) = listener.accept().await {
                let cutter = shared.clone();
                tokio::spawn(async move {
                    let Ok(carrier) = TcpStream::connect(carrier).await else {
                        return;
                    };
                    let _ = (daemon.set_nodelay(true), carrier.set_nodelay(true));
                    let (from_daemon, to_daemon) = daemon.into_split();
                    let (from_carrier, to_carrier) = carrier.into_split();
                    // Whichever way ends first, both connections end: dropping the halves closes them.
                    tokio::select! {
                        () = towards_carrier(from_daemon, to_carrier, &cutter) => {}
                        () = towards_daemon(from_carrier, to_daemon) => {}
                    }
                });
            }
        });
        Self { addr, cutter, task }
    }

    /// How often each mark was cut.
    pub(crate) fn cuts(&self) -> Vec<(String, u32)> {
        let cutter = self.cutter.lock().unwrap();
        cutter.marks.iter().map(|mark| (mark.name.clone(), mark.cut)).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cutter {
    fn cuts(&mut self, pdu: &[u8]) -> bool {
        let every = self.every;
        self.marks.iter_mut().any(|mark| {
            let says = mark
                .forms
                .iter()
                .any(|form| pdu.windows(form.len()).any(|octets| octets == form));
            mark.seen += u32::from(says);
            let cut = says && mark.seen.is_multiple_of(every);
            mark.cut += u32::from(cut);
            cut
        })
    }
}

async fn towards_daemon(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn towards_carrier(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, cutter: &Mutex<Cutter>) {
    let mut held = Vec::new();
    let mut out = Vec::new();
    loop {
        match from.read_buf(&mut held).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        out.clear();
        let mut at = 0;
        let mut cut = false;
        while let Some(word) = held.get(at..at + 8) {
            let length = u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize;
            let Some(pdu) = held.get(at..at + length) else { break };
            let command = u32::from_be_bytes([word[4], word[5], word[6], word[7]]);
            if command == SUBMIT_SM && cutter.lock().unwrap().cuts(pdu) {
                out.extend_from_slice(&pdu[..length / 2]);
                cut = true;
                break;
            }
            out.extend_from_slice(pdu);
            at += length;
        }
        held.drain(..at);
        if to.write_all(&out).await.is_err() || cut {
            return;
        }
    }
}
