//! Who stands on an address and counts who comes.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Hits, PUBLIC};

/// The ports that are called.
pub(crate) const PORTS: [u16; 3] = [80, 443, 8080];

/// Called by the listener itself: connections are heard in the order they came, so all before this one have been.
const BELL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 99, 99));

/// Hears every address of the namespace, of both families.
pub(crate) struct Listener {
    hits: Arc<Mutex<Hits>>,
    news: Arc<Condvar>,
}

impl Listener {
    /// Listens; with TLS it is the back end too, on the public addresses.
    pub(crate) fn start(tls: Option<&Arc<ServerConfig>>) -> Self {
        let (hits, news) = (Arc::<Mutex<Hits>>::default(), Arc::<Condvar>::default());
        for port in PORTS {
            let listener = TcpListener::bind(("::", port)).unwrap();
            let (hits, news, tls) = (Arc::clone(&hits), Arc::clone(&news), tls.cloned());
            thread::spawn(move || {
                for tcp in listener.incoming() {
                    let tcp = tcp.unwrap();
                    let address = tcp.local_addr().unwrap().ip().to_canonical();
                    *hits.lock().unwrap().entry(address).or_default() += 1;
                    news.notify_all();
                    let public = PUBLIC.iter().any(|public| public.parse() == Ok(address));
                    if let (Some(tls), true, 443) = (&tls, public, port) {
                        let tls = Arc::clone(tls);
                        thread::spawn(move || answer(tcp, tls));
                    }
                }
            });
        }
        Self { hits, news }
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Hits {
        let rings: Vec<_> = PORTS
            .iter()
            .map(|port| TcpStream::connect((BELL, *port)).unwrap())
            .collect();
        let mut hits = self.hits.lock().unwrap();
        while hits.get(&BELL).is_none_or(|count| *count < rings.len() as u64) {
            hits = self.news.wait(hits).unwrap();
        }
        hits.remove(&BELL);
        std::mem::take(&mut hits)
    }
}

/// Answers one request: a redirect to what follows `/to/`, 200 otherwise.
fn answer(tcp: TcpStream, tls: Arc<ServerConfig>) {
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), tcp);
    let mut request = Vec::new();
    let mut octets = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut octets) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&octets[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap();
    let head = match path.strip_prefix("/to/") {
        Some(place) => format!("302 Found\r\nlocation: {place}"),
        None => "200 OK".to_owned(),
    };
    let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // Whoever does not wait for it has had its connection counted.
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
}

/// Whether head and body have come.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}
