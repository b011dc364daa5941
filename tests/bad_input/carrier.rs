//! Carriers over real sockets: one that a test leads by the hand, and one that behaves.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use araldo_smpp::pdu::{BindResp, EnquireLink, Packet, Pdu, SubmitSm, SubmitSmResp};
use araldo_smpp::{COctet, CommandId, CommandStatus, Header, Mode, SequenceNumber};
use bytes::{Bytes, BytesMut};

use crate::daemon::{PASSWORD, PATIENCE};

pub(crate) const BIND_TRANSCEIVER: u32 = 0x0000_0009;
pub(crate) const BIND_TRANSCEIVER_RESP: u32 = 0x8000_0009;
pub(crate) const SUBMIT_SM: u32 = 0x0000_0004;
pub(crate) const SUBMIT_SM_RESP: u32 = 0x8000_0004;
pub(crate) const DELIVER_SM: u32 = 0x0000_0005;
pub(crate) const DELIVER_SM_RESP: u32 = 0x8000_0005;
pub(crate) const UNBIND: u32 = 0x0000_0006;
pub(crate) const UNBIND_RESP: u32 = 0x8000_0006;
pub(crate) const OUTBIND: u32 = 0x0000_000b;
pub(crate) const ENQUIRE_LINK: u32 = 0x0000_0015;
pub(crate) const ENQUIRE_LINK_RESP: u32 = 0x8000_0015;

/// A stream of octets that can be told how long to wait.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A carrier led by the test.
pub(crate) struct Hostile {
    listener: TcpListener,
}

/// A link that the daemon opened to it.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    input: BytesMut,
    /// Whether anything was written to the other end that the kernel may still hold: then a reset is a close too.
    closed: bool,
}

/// A PDU of the daemon's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) command: u32,
    pub(crate) status: u32,
    pub(crate) sequence: u32,
    pub(crate) octets: Bytes,
}

impl Hostile {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// `[carrier.*]` with short times, and `more` keys.
    pub(crate) fn table(&self, name: &str, more: &str) -> String {
        plain_table(name, self.port(), more)
    }

    /// The next link within `PATIENCE`.
    pub(crate) fn accept(&self) -> Peer {
        Peer::new(self.accept_stream())
    }

    pub(crate) fn accept_stream(&self) -> TcpStream {
        self.accept_within(PATIENCE).expect("the daemon should connect")
    }

    pub(crate) fn accept_within(&self, within: Duration) -> Option<TcpStream> {
        let begun = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    return Some(stream);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            if begun.elapsed() > within {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets go of links that a daemon before opened.
    pub(crate) fn forget(&self) {
        while self.accept_within(Duration::ZERO).is_some() {}
    }

    /// The next link, bound.
    pub(crate) fn bound(&self) -> Peer {
        let mut peer = self.accept();
        peer.let_in();
        peer
    }
}

pub(crate) fn plain_table(name: &str, port: u16, more: &str) -> String {
    format!(
        "[carrier.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"araldo\"\npassword_file = \"carrier.pw\"\n\
         tls = false\ninsecure_plaintext = true\nreconnect_min = \"100ms\"\nreconnect_max = \"1s\"\n{more}\n"
    )
}

/// `[route.all]` over this one carrier.
pub(crate) fn route(carrier: &str) -> String {
    format!("[route.all]\nsteps = [{{ carriers = [\"{carrier}\"] }}]\n")
}

impl Peer {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            input: BytesMut::new(),
            closed: false,
        }
    }

    /// Takes the bind and accepts it.
    pub(crate) fn let_in(&mut self) {
        let bind = self.hear_bind();
        self.say(&pdu(BIND_TRANSCEIVER_RESP, 0, bind.sequence, b"evil\0"));
    }

    /// Takes the bind.
    pub(crate) fn hear_bind(&mut self) -> Heard {
        let bind = self.hear();
        assert_eq!(bind.command, BIND_TRANSCEIVER);
        let password = [PASSWORD.as_bytes(), b"\0"].concat();
        assert!(
            bind.octets.windows(password.len()).any(|window| window == password),
            "the bind shows the password"
        );
        bind
    }

    pub(crate) fn say(&mut self, octets: &[u8]) {
        self.try_say(octets).unwrap();
    }

    pub(crate) fn try_say(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    /// The next PDU; the link must live.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> Heard {
        self.hear_or_end().expect("the link should live")
    }

    /// The next PDU, or `None` when the link was closed.
    #[track_caller]
    pub(crate) fn hear_or_end(&mut self) -> Option<Heard> {
        loop {
            if let Some(frame) = araldo_smpp::framing::next_frame(&mut self.input, 65_536).unwrap() {
                let header = Header::parse(&frame).unwrap();
                return Some(Heard {
                    command: header.command_id.0,
                    status: header.command_status.0,
                    sequence: header.sequence_number.0,
                    octets: frame,
                });
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(octets) => self.input.extend_from_slice(&chunk[..octets]),
                // Octets of ours that nobody read turn a close into a reset.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
                    ) =>
                {
                    self.closed = true;
                }
                Err(error) => panic!("nothing came within {PATIENCE:?}: {error}"),
            }
            if self.closed {
                assert!(self.input.is_empty(), "half a PDU at the end: {:02x?}", self.input);
                return None;
            }
        }
    }

    /// The next PDU but enquire_links, which are answered.
    #[track_caller]
    pub(crate) fn hear_past_probes(&mut self) -> Heard {
        loop {
            let heard = self.hear();
            if heard.command != ENQUIRE_LINK {
                return heard;
            }
            self.say(&pdu(ENQUIRE_LINK_RESP, 0, heard.sequence, b""));
        }
    }

    /// The next PDU to the octet.
    #[track_caller]
    pub(crate) fn expect(&mut self, octets: &[u8], what: &str) {
        let heard = self.hear_past_probes();
        assert_eq!(hex::encode(&heard.octets), hex::encode(octets), "{what}");
    }

    /// A good enquire_link is answered: the session lives.
    #[track_caller]
    pub(crate) fn lives(&mut self, what: &str) {
        self.say(&pdu(ENQUIRE_LINK, 0, 0x5151, b""));
        self.expect(&pdu(ENQUIRE_LINK_RESP, 0, 0x5151, b""), what);
    }

    /// Nothing more comes but the end.
    #[track_caller]
    pub(crate) fn ends(&mut self, what: &str) {
        let heard = self.hear_or_end();
        assert_eq!(heard, None, "{what}: the link should be closed");
    }

    /// The next submit_sm: its number.
    #[track_caller]
    pub(crate) fn hear_submit(&mut self) -> u32 {
        let heard = self.hear_past_probes();
        assert_eq!(heard.command, SUBMIT_SM, "{heard:02x?}");
        heard.sequence
    }

    #[track_caller]
    pub(crate) fn accept_submit(&mut self, id: &str) {
        let sequence = self.hear_submit();
        self.say(&submit_sm_resp(sequence, id));
    }
}

/// A header and a body.
pub(crate) fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let mut octets = Vec::with_capacity(16 + body.len());
    for word in [length, command, status, sequence] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(body);
    octets
}

pub(crate) fn submit_sm_resp(sequence: u32, id: &str) -> Vec<u8> {
    pdu(SUBMIT_SM_RESP, 0, sequence, &[id.as_bytes(), b"\0"].concat())
}

/// deliver_sm from a handset to 12345.
pub(crate) fn deliver_sm(sequence: u32, esm_class: u8, data_coding: u8, text: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x01\x01393331234567\0\0\0".to_vec();
    body.extend_from_slice(b"12345\0");
    body.extend_from_slice(&[
        esm_class,
        0,
        0,
        0,
        0,
        0,
        0,
        data_coding,
        0,
        u8::try_from(text.len()).unwrap(),
    ]);
    body.extend_from_slice(text);
    pdu(DELIVER_SM, 0, sequence, &body)
}

/// A receipt in text form.
pub(crate) fn receipt(sequence: u32, id: &str, stat: &str) -> Vec<u8> {
    let text =
        format!("id:{id} sub:001 dlvrd:001 submit date:2611211000 done date:2611211001 stat:{stat} err:000 text:x");
    deliver_sm(sequence, 4, 0, text.as_bytes())
}

/// A carrier that answers everything as it should.
pub(crate) struct Tame {
    port: u16,
    pub(crate) taken: Arc<Mutex<Vec<SubmitSm>>>,
}

impl Tame {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let shared = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = shared.clone();
                std::thread::spawn(move || serve(stream, &taken));
            }
        });
        Self { port, taken }
    }

    pub(crate) fn table(&self, name: &str, more: &str) -> String {
        plain_table(name, self.port, more)
    }
}

fn serve(mut stream: TcpStream, taken: &Mutex<Vec<SubmitSm>>) {
    let mut input = BytesMut::new();
    let mut chunk = [0; 65_536];
    loop {
        while let Some(frame) = araldo_smpp::framing::next_frame(&mut input, 65_536).unwrap() {
            let Packet {
                sequence_number, pdu, ..
            } = Packet::decode(frame, Mode::Strict).unwrap().packet;
            let answer = match pdu {
                Pdu::BindTransceiver(_) => Pdu::BindTransceiverResp(BindResp::default()),
                Pdu::EnquireLink(EnquireLink { .. }) => Pdu::Bodiless(CommandId::ENQUIRE_LINK_RESP),
                Pdu::Unbind(_) => Pdu::Bodiless(CommandId::UNBIND_RESP),
                Pdu::SubmitSm(submit) => {
                    let mut taken = taken.lock().unwrap();
                    taken.push(submit);
                    let message_id = COctet::from_latin1(&format!("tame-{}", taken.len())).unwrap();
                    Pdu::SubmitSmResp(SubmitSmResp {
                        message_id,
                        ..SubmitSmResp::default()
                    })
                }
                _ => continue,
            };
            let mut out = BytesMut::new();
            let packet = Packet {
                command_status: CommandStatus::ESME_ROK,
                sequence_number: SequenceNumber(sequence_number.0),
                pdu: answer,
            };
            packet.encode(&mut out).unwrap();
            if stream.write_all(&out).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(octets) => input.extend_from_slice(&chunk[..octets]),
        }
    }
}
