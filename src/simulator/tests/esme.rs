//! A small ESME, what it says and what it hears.

use araldo_smpp::pdu::{Bind, SubmitSm};
use araldo_smpp::session::{Answered, CloseReason, EsmeConfig, Event, Settings};
use araldo_smpp::{
    Address, BindMode, COctet, CommandStatus, EsmClass, InterfaceVersion, Packet, Pdu, RegisteredDelivery, Session,
};
use araldo_sms::DeliveryReceipt;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::LIMIT;
use crate::clock::monotonic;
use crate::simulator::Simulator;

/// An ESME that answers every deliver_sm ESME_ROK, or as told.
pub(super) struct Esme {
    pub(super) stream: TcpStream,
    pub(super) session: Session<u32>,
    input: BytesMut,
    pub(super) answer: CommandStatus,
    /// Everything that came, in order.
    pub(super) seen: Vec<Seen>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful in a test")]
pub(super) enum Seen {
    Bound,
    Answer {
        ticket: u32,
        status: CommandStatus,
        id: String,
    },
    Deliver(Packet),
    Unknown(u32),
    Closed(CloseReason),
}

impl Esme {
    pub(super) async fn connect(simulator: &Simulator) -> Self {
        let settings = Settings {
            window: 100,
            ..Settings::default()
        };
        Self {
            stream: TcpStream::connect(simulator.addr).await.expect("connected"),
            session: Session::esme(
                EsmeConfig {
                    settings,
                    ..EsmeConfig::default()
                },
                monotonic(),
            ),
            input: BytesMut::new(),
            answer: CommandStatus::ESME_ROK,
            seen: Vec::new(),
        }
    }

    pub(super) async fn bound(simulator: &Simulator) -> Self {
        Self::bound_as(simulator, BindMode::Transceiver).await
    }

    pub(super) async fn bound_as(simulator: &Simulator, mode: BindMode) -> Self {
        let mut esme = Self::connect(simulator).await;
        esme.bind(mode, "secret").await;
        esme.until(|seen| matches!(seen, Seen::Bound)).await;
        esme
    }

    pub(super) async fn bind(&mut self, mode: BindMode, password: &str) {
        let bind = Bind {
            system_id: "bank".into(),
            password: password.into(),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        self.session.bind(mode, bind, monotonic()).expect("bind");
        self.write().await;
    }

    pub(super) async fn submit(&mut self, ticket: u32, submit: &SubmitSm) {
        self.session.submit(submit, ticket, monotonic()).expect("submitted");
        self.write().await;
    }

    pub(super) async fn write(&mut self) {
        let out = self.session.transmit().split();
        // A link that the simulator has cut is what some tests want.
        let _ = self.stream.write_all(&out).await;
    }

    /// Reads until something fits; gives back what does.
    pub(super) async fn until(&mut self, wanted: impl Fn(&Seen) -> bool) -> &Seen {
        let from = self.seen.len();
        self.until_from(from, wanted).await
    }

    pub(super) async fn until_from(&mut self, mut from: usize, wanted: impl Fn(&Seen) -> bool) -> &Seen {
        loop {
            if let Some(found) = self.seen[from..].iter().position(&wanted) {
                return &self.seen[from + found];
            }
            from = self.seen.len();
            assert!(!self.session.is_closed(), "closed before: {:?}", self.seen);
            tokio::time::timeout(LIMIT, self.read())
                .await
                .unwrap_or_else(|_| panic!("nothing came after {:?}", self.seen));
        }
    }

    pub(super) async fn read(&mut self) {
        let count = self.stream.read_buf(&mut self.input).await.unwrap_or(0);
        self.session.handle_bytes(&mut self.input, monotonic());
        if count == 0 {
            self.session.close(CloseReason::LinkLost);
        }
        while let Some(event) = self.session.poll_event() {
            let seen = match event {
                Event::Bound { .. } => Seen::Bound,
                Event::Answered(Answered {
                    ticket,
                    command_status: status,
                    pdu,
                    ..
                }) => {
                    let id = pdu.message_id().map(|id| id.as_str().into_owned()).unwrap_or_default();
                    Seen::Answer { ticket, status, id }
                }
                Event::Request { packet, .. } => {
                    let (command, sequence) = (packet.command_id(), packet.sequence_number);
                    // After an unbind in the same read nothing can be answered any more.
                    let _ = self.session.respond(command, sequence, self.answer, &COctet::EMPTY);
                    Seen::Deliver(packet)
                }
                Event::UnknownResponse { sequence_number, .. } => Seen::Unknown(sequence_number.0),
                Event::Closed(reason) => Seen::Closed(reason),
                other => panic!("unexpected {other:?}"),
            };
            self.seen.push(seen);
        }
        self.write().await;
    }

    pub(super) async fn answer_to(&mut self, ticket: u32) -> (CommandStatus, String) {
        match self
            .until_from(
                0,
                |seen| matches!(seen, Seen::Answer { ticket: of, .. } if *of == ticket),
            )
            .await
        {
            Seen::Answer { status, id, .. } => (*status, id.clone()),
            _ => unreachable!("it was looked for"),
        }
    }

    pub(super) async fn close_reason(&mut self) -> CloseReason {
        match self.until_from(0, |seen| matches!(seen, Seen::Closed(_))).await {
            Seen::Closed(reason) => *reason,
            _ => unreachable!("it was looked for"),
        }
    }

    pub(super) fn answers(&self) -> Vec<u32> {
        let ticket = |seen: &Seen| match seen {
            Seen::Answer { ticket, .. } => Some(*ticket),
            _ => None,
        };
        self.seen.iter().filter_map(ticket).collect()
    }

    pub(super) fn deliveries(&self) -> Vec<&Packet> {
        self.seen
            .iter()
            .filter_map(|seen| {
                if let Seen::Deliver(packet) = seen {
                    Some(packet)
                } else {
                    None
                }
            })
            .collect()
    }

    pub(super) async fn delivered(&mut self, count: usize) -> Vec<Packet> {
        while self.deliveries().len() < count {
            self.until(|seen| matches!(seen, Seen::Deliver(_))).await;
        }
        self.deliveries().into_iter().cloned().collect()
    }
}

pub(super) fn hello(to: &str) -> SubmitSm {
    say(to, "Ciao")
}

pub(super) fn say(to: &str, text: &str) -> SubmitSm {
    SubmitSm {
        source: Address::alphanumeric("BANK"),
        destination: Address::international(to),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: Bytes::from(text.to_owned()),
        ..SubmitSm::default()
    }
}

pub(super) fn long(to: &str, text: &str) -> Vec<SubmitSm> {
    let segments = araldo_sms::split(text, &araldo_sms::SplitOptions::default()).expect("split");
    let submit = |segment: araldo_sms::Segment| SubmitSm {
        esm_class: EsmClass::UDHI,
        short_message: Bytes::from(segment.data),
        ..hello(to)
    };
    segments.segments.into_iter().map(submit).collect()
}

pub(super) fn receipt_of(packet: &Packet) -> (String, String) {
    let Pdu::DeliverSm(pdu) = &packet.pdu else {
        panic!("no deliver_sm: {packet:?}")
    };
    let text = String::from_utf8_lossy(&pdu.short_message);
    let id = pdu.tlvs.receipted_message_id().map(|id| id.as_str().into_owned());
    let mut receipt = DeliveryReceipt::parse(&text);
    receipt.fill(id.as_deref(), pdu.tlvs.message_state().map(|state| state.0));
    (
        receipt.id.expect("id").to_owned(),
        receipt.state.expect("state").as_str().to_owned(),
    )
}
