//! A simulator and a small ESME over loopback.

use std::path::Path;
use std::time::Duration;

use araldo_smpp::pdu::{Bind, SubmitSm};
use araldo_smpp::session::{Answered, CloseReason, EsmeConfig, Event, Settings};
use araldo_smpp::{
    Address, BindMode, COctet, CommandStatus, EsmClass, InterfaceVersion, Packet, Pdu, RegisteredDelivery, Session,
};
use araldo_sms::DeliveryReceipt;
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// An ESME that answers every deliver_sm ESME_ROK, or as told.
struct Esme {
    stream: TcpStream,
    session: Session<u32>,
    input: BytesMut,
    answer: CommandStatus,
    /// Everything that came, in order.
    seen: Vec<Seen>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful in a test")]
enum Seen {
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
    async fn connect(simulator: &Simulator) -> Self {
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

    async fn bound(simulator: &Simulator) -> Self {
        Self::bound_as(simulator, BindMode::Transceiver).await
    }

    async fn bound_as(simulator: &Simulator, mode: BindMode) -> Self {
        let mut esme = Self::connect(simulator).await;
        esme.bind(mode, "secret").await;
        esme.until(|seen| matches!(seen, Seen::Bound)).await;
        esme
    }

    async fn bind(&mut self, mode: BindMode, password: &str) {
        let bind = Bind {
            system_id: "bank".into(),
            password: password.into(),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        self.session.bind(mode, bind, monotonic()).expect("bind");
        self.write().await;
    }

    async fn submit(&mut self, ticket: u32, submit: &SubmitSm) {
        self.session.submit(submit, ticket, monotonic()).expect("submitted");
        self.write().await;
    }

    async fn write(&mut self) {
        let out = self.session.transmit().split();
        // A link that the simulator has cut is what some tests want.
        let _ = self.stream.write_all(&out).await;
    }

    /// Reads until something fits; gives back what does.
    async fn until(&mut self, wanted: impl Fn(&Seen) -> bool) -> &Seen {
        let from = self.seen.len();
        self.until_from(from, wanted).await
    }

    async fn until_from(&mut self, mut from: usize, wanted: impl Fn(&Seen) -> bool) -> &Seen {
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

    async fn read(&mut self) {
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

    async fn answer_to(&mut self, ticket: u32) -> (CommandStatus, String) {
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

    async fn close_reason(&mut self) -> CloseReason {
        match self.until_from(0, |seen| matches!(seen, Seen::Closed(_))).await {
            Seen::Closed(reason) => *reason,
            _ => unreachable!("it was looked for"),
        }
    }

    fn answers(&self) -> Vec<u32> {
        let ticket = |seen: &Seen| match seen {
            Seen::Answer { ticket, .. } => Some(*ticket),
            _ => None,
        };
        self.seen.iter().filter_map(ticket).collect()
    }

    fn deliveries(&self) -> Vec<&Packet> {
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

    async fn delivered(&mut self, count: usize) -> Vec<Packet> {
        while self.deliveries().len() < count {
            self.until(|seen| matches!(seen, Seen::Deliver(_))).await;
        }
        self.deliveries().into_iter().cloned().collect()
    }
}

fn hello(to: &str) -> SubmitSm {
    say(to, "Ciao")
}

fn say(to: &str, text: &str) -> SubmitSm {
    SubmitSm {
        source: Address::alphanumeric("BANK"),
        destination: Address::international(to),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: Bytes::from(text.to_owned()),
        ..SubmitSm::default()
    }
}

fn long(to: &str, text: &str) -> Vec<SubmitSm> {
    let segments = araldo_sms::split(text, &araldo_sms::SplitOptions::default()).expect("split");
    let submit = |segment: araldo_sms::Segment| SubmitSm {
        esm_class: EsmClass::UDHI,
        short_message: Bytes::from(segment.data),
        ..hello(to)
    };
    segments.segments.into_iter().map(submit).collect()
}

fn receipt_of(packet: &Packet) -> (String, String) {
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

async fn simulator(change: impl FnOnce(&mut SimulatorConfig)) -> Simulator {
    let mut config = SimulatorConfig {
        control: None,
        ..SimulatorConfig::on_free_ports()
    };
    change(&mut config);
    Simulator::start(config).await.expect("started")
}

async fn faulty(rules: Vec<FaultRule>) -> Simulator {
    simulator(|config| config.faults = rules).await
}

fn lines(ledger: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(ledger).expect("ledger");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[tokio::test]
async fn a_message_is_answered_and_its_receipt_comes_in_every_form() {
    for form in [ReceiptForm::Text, ReceiptForm::Tlv, ReceiptForm::Both] {
        let simulator = simulator(|config| config.receipts.form = form).await;
        let mut esme = Esme::bound(&simulator).await;
        esme.submit(1, &hello("393471234567")).await;
        let (status, id) = esme.answer_to(1).await;
        assert!(status.is_ok());
        let receipts = esme.delivered(1).await;
        assert_eq!(receipt_of(&receipts[0]), (id, "delivered".to_owned()), "{form:?}");
        assert!(simulator.until(LIMIT, |stats| stats.receipts_taken == 1).await);
    }
}

#[tokio::test]
async fn the_receipt_may_write_the_id_in_another_form() {
    let simulator = simulator(|config| {
        config.id_form = IdForm::HexThenDecimal;
        config.first_id = Some(255);
    })
    .await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("393471234567")).await;
    assert_eq!(esme.answer_to(1).await.1, "ff");
    assert_eq!(receipt_of(&esme.delivered(1).await[0]).0, "255");
}

#[tokio::test]
async fn a_receipt_before_its_response_comes_first() {
    let simulator = simulator(|config| config.receipts.before_response = 1.0).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("393471234567")).await;
    esme.answer_to(1).await;
    assert!(
        matches!(esme.seen[..], [Seen::Bound, Seen::Deliver(_), Seen::Answer { .. }]),
        "{:?}",
        esme.seen
    );
}

#[tokio::test]
async fn receipts_may_come_twice_with_a_notification_before_or_not_at_all() {
    let simulator = simulator(|config| {
        config.receipts.duplicate = 1.0;
        config.receipts.intermediate = 1.0;
        config.receipts.undelivered = 1.0;
    })
    .await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("393471234567")).await;
    let states: Vec<String> = esme
        .delivered(3)
        .await
        .iter()
        .map(|packet| receipt_of(packet).1)
        .collect();
    assert_eq!(states, ["enroute", "undeliverable", "undeliverable"]);

    simulator
        .set_receipts(ReceiptConfig {
            silent: 1.0,
            ..ReceiptConfig::default()
        })
        .expect("set");
    esme.submit(2, &hello("393471234567")).await;
    esme.answer_to(2).await;
    assert_eq!(simulator.stats().receipts_sent, 3);
}

#[tokio::test]
async fn one_receipt_may_stand_for_all_segments() {
    let text = "lungo ".repeat(60);
    for (segments, which) in [(SegmentReceipts::First, 0), (SegmentReceipts::Last, 2)] {
        let simulator = simulator(|config| config.receipts.segments = segments).await;
        let mut esme = Esme::bound(&simulator).await;
        let mut ids = Vec::new();
        for (ticket, segment) in (0..).zip(long("393471234567", &text)) {
            esme.submit(ticket, &segment).await;
            ids.push(esme.answer_to(ticket).await.1);
        }
        assert_eq!(ids.len(), 3);
        assert_eq!(receipt_of(&esme.delivered(1).await[0]).0, ids[which]);
        assert!(simulator.until(LIMIT, |stats| stats.receipts_taken == 1).await);
        assert_eq!(simulator.stats().receipts_sent, 1);
        let messages = simulator.messages(Some("393471234567"), 10);
        assert_eq!((messages[0].text.as_str(), messages[0].segments), (text.as_str(), 3));
        assert_eq!((messages[0].state, messages[0].from.as_str()), ("delivered", "BANK"));
    }
}

#[tokio::test]
async fn receipts_of_a_transmitter_go_to_the_receiver_even_if_it_binds_later() {
    let simulator = simulator(|_| {}).await;
    let mut transmitter = Esme::bound_as(&simulator, BindMode::Transmitter).await;
    transmitter.submit(1, &hello("393471234567")).await;
    let (_, id) = transmitter.answer_to(1).await;
    assert!(simulator.until(LIMIT, |stats| stats.waiting == 1).await);
    let mut receiver = Esme::bound_as(&simulator, BindMode::Receiver).await;
    assert_eq!(receipt_of(&receiver.delivered(1).await[0]).0, id);
    transmitter.submit(2, &hello("393471234567")).await;
    receiver.delivered(2).await;
}

#[tokio::test]
async fn a_receipt_that_was_not_answered_comes_again_on_the_next_link() {
    let simulator = faulty(vec![FaultRule::nth(Fault::DropBeforeReading, 1).on("deliver_sm_resp")]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("393471234567")).await;
    let first = receipt_of(&esme.delivered(1).await[0]);
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    let mut again = Esme::bound(&simulator).await;
    assert_eq!(receipt_of(&again.delivered(1).await[0]), first);
}

#[tokio::test]
async fn a_receipt_refused_for_a_passing_reason_is_tried_again() {
    let simulator = simulator(|config| config.deliver_retry = Duration::from_millis(20)).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.answer = CommandStatus::ESME_RTHROTTLED;
    esme.submit(1, &hello("393471234567")).await;
    esme.delivered(2).await;
    esme.answer = CommandStatus::ESME_ROK;
    esme.delivered(3).await;
    assert!(
        simulator
            .until(LIMIT, |stats| stats.receipts_taken == 1 && stats.receipts_refused == 2)
            .await
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let simulator = simulator(|config| config.password = Some("other".to_owned())).await;
    let mut esme = Esme::connect(&simulator).await;
    esme.bind(BindMode::Transceiver, "secret").await;
    assert_eq!(
        esme.close_reason().await,
        CloseReason::BindRefused(CommandStatus::ESME_RINVPASWD)
    );
    assert_eq!(simulator.stats().binds_refused, 1);
}

#[tokio::test]
async fn above_the_throughput_messages_are_throttled() {
    let simulator = simulator(|config| config.throughput = Some(1)).await;
    let mut esme = Esme::bound(&simulator).await;
    let mut throttled = 0;
    for ticket in 0..20 {
        esme.submit(ticket, &hello("393471234567")).await;
        throttled += u32::from(esme.answer_to(ticket).await.0 == CommandStatus::ESME_RTHROTTLED);
    }
    assert!((5..=10).contains(&throttled), "{throttled}");
    assert_eq!(simulator.stats().throttled, u64::from(throttled));
}

#[tokio::test]
async fn a_link_dropped_before_the_response_has_taken_the_message() {
    let simulator = faulty(vec![FaultRule::nth(Fault::DropBeforeResponse, 2)]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.submit(2, &hello("392")).await;
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert_eq!(esme.answers(), [1]);
    assert_eq!(simulator.messages(Some("392"), 10).len(), 1);
    let stats = simulator.stats();
    assert_eq!(
        (stats.accepted, stats.faults.get("drop_before_response")),
        (2, Some(&1))
    );
}

#[tokio::test]
async fn a_link_dropped_before_reading_has_not_taken_the_message() {
    let simulator = faulty(vec![FaultRule::always(Fault::DropBeforeReading).to("392")]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.answer_to(1).await;
    esme.submit(2, &hello("392")).await;
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert!(simulator.messages(Some("392"), 10).is_empty());
    assert_eq!(simulator.stats().submits, 1);
}

#[tokio::test]
async fn a_link_dropped_after_the_response_has_sent_it() {
    let simulator = faulty(vec![FaultRule::always(Fault::DropAfterResponse).saying("#otp")]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &say("391", "#otp 1234")).await;
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert_eq!(esme.answers(), [1]);
}

#[tokio::test]
async fn two_of_three_segments_are_answered_and_then_the_link_is_dropped() {
    let simulator = faulty(vec![FaultRule::always(Fault::AnswerSegments { answered: 2 })]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(9, &hello("391")).await;
    esme.answer_to(9).await;
    for (ticket, segment) in (1..).zip(long("391", &"lungo ".repeat(60))) {
        esme.submit(ticket, &segment).await;
    }
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert_eq!(esme.answers(), [9, 1, 2]);
    assert_eq!(simulator.stats().faults["answer_segments"], 1);
}

#[tokio::test]
async fn a_stall_leaves_half_a_response() {
    let simulator = faulty(vec![FaultRule::always(Fault::Stall {
        drop_after: Some(Duration::from_millis(50)),
    })])
    .await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    while !esme.session.is_closed() {
        esme.read().await;
    }
    assert!(esme.answers().is_empty());
    assert_eq!(simulator.stats().answers.len(), 0, "half an answer is none");
}

#[tokio::test]
async fn wrong_duplicate_refused_and_reset_answers() {
    let status = Fault::Status(Status(CommandStatus::ESME_RINVDSTADR));
    let simulator = faulty(vec![
        FaultRule::always(Fault::WrongSequence).to("391"),
        FaultRule::always(Fault::DuplicateResponse).to("392"),
        FaultRule::always(status).to("393"),
        FaultRule::always(Fault::Reset).to("394"),
    ])
    .await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.until_from(0, |seen| matches!(seen, Seen::Unknown(number) if *number > 0x4000_0000))
        .await;
    esme.submit(2, &hello("392")).await;
    esme.until_from(0, |seen| matches!(seen, Seen::Unknown(number) if *number < 0x4000_0000))
        .await;
    esme.submit(3, &hello("393")).await;
    assert_eq!(esme.answer_to(3).await.0, CommandStatus::ESME_RINVDSTADR);
    assert!(simulator.messages(Some("393"), 10).is_empty());
    esme.submit(4, &hello("394")).await;
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert_eq!(esme.answers(), [2, 3]);
}

#[tokio::test]
async fn garbage_is_no_pdu() {
    let simulator = faulty(vec![FaultRule::always(Fault::Garbage { octets: 64 })]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    assert!(matches!(esme.close_reason().await, CloseReason::Frame(_)));
}

#[tokio::test]
async fn a_delayed_answer_lets_others_pass() {
    let simulator = faulty(vec![FaultRule::nth(
        Fault::Delay {
            by: Duration::from_millis(100),
        },
        1,
    )])
    .await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.submit(2, &hello("391")).await;
    esme.answer_to(1).await;
    assert_eq!(esme.answers(), [2, 1]);
    assert_eq!(simulator.stats().peak_unanswered, 1);
}

#[tokio::test]
async fn an_unbind_in_mid_window_leaves_the_rest_unanswered() {
    let simulator = faulty(vec![FaultRule::nth(Fault::Unbind, 2)]).await;
    let mut esme = Esme::bound(&simulator).await;
    for ticket in 1..=3 {
        esme.submit(ticket, &hello("391")).await;
    }
    assert_eq!(esme.close_reason().await, CloseReason::PeerUnbound);
    assert_eq!(esme.answers(), [1]);
    assert_eq!(
        simulator.stats().accepted,
        2,
        "what came after the unbind has no effect"
    );
}

#[tokio::test]
async fn binds_are_refused_as_often_as_told_and_then_let_in() {
    let refusal = Fault::Status(Status(CommandStatus::ESME_RBINDFAIL));
    let simulator = faulty(vec![FaultRule::always(refusal).on("bind").times(2)]).await;
    for _ in 0..2 {
        let mut esme = Esme::connect(&simulator).await;
        esme.bind(BindMode::Transceiver, "secret").await;
        assert_eq!(
            esme.close_reason().await,
            CloseReason::BindRefused(CommandStatus::ESME_RBINDFAIL)
        );
    }
    Esme::bound(&simulator).await;
}

#[tokio::test]
async fn an_unanswered_probe_leaves_the_link_as_it_is() {
    let simulator = faulty(vec![FaultRule::always(Fault::NoResponse).on("enquire_link").times(1)]).await;
    let mut esme = Esme::bound(&simulator).await;
    let probe = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\x12\x34";
    esme.stream
        .write_all(&[&probe[..], &probe[..]].concat())
        .await
        .expect("written");
    let mut answer = [0; 16];
    esme.stream.read_exact(&mut answer).await.expect("read");
    assert_eq!(&answer, b"\0\0\0\x10\x80\0\0\x15\0\0\0\0\0\0\x12\x34");
    esme.submit(1, &hello("391")).await;
    esme.answer_to(1).await;
    assert_eq!(simulator.stats().faults["no_response"], 1);
}

#[tokio::test]
async fn reading_stops_and_goes_on() {
    let pause = Fault::StopReading {
        resume_after: Some(Duration::from_millis(80)),
    };
    let simulator = faulty(vec![FaultRule::nth(pause, 1)]).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.answer_to(1).await;
    let stopped = monotonic();
    esme.submit(2, &hello("391")).await;
    esme.answer_to(2).await;
    assert!(monotonic() - stopped >= Duration::from_millis(60));
}

#[tokio::test]
async fn the_same_seed_befalls_the_same_messages() {
    let run = async |seed| {
        let refusal = Fault::Status(Status(CommandStatus::ESME_RSYSERR));
        let simulator = simulator(|config| {
            config.faults = vec![FaultRule::with_probability(refusal, 0.3)];
            config.receipts.undelivered = 0.5;
            config.first_id = Some(1);
            config.seed = seed;
        })
        .await;
        let mut esme = Esme::bound(&simulator).await;
        let mut outcome = Vec::new();
        for ticket in 0..40 {
            esme.submit(ticket, &hello("391")).await;
            let (status, id) = esme.answer_to(ticket).await;
            outcome.push((status.0, id));
        }
        let accepted = usize::try_from(simulator.stats().accepted).expect("few");
        let receipts: Vec<_> = esme.delivered(accepted).await.iter().map(receipt_of).collect();
        (outcome, receipts)
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
}

#[tokio::test]
async fn the_ledger_holds_every_pdu_before_its_answer_arrives() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("ledger.jsonl");
    let simulator = simulator(|config| {
        config.ledger = Some(path.clone());
        config.receipts.enabled = false;
    })
    .await;
    let mut esme = Esme::bound(&simulator).await;
    for ticket in 0..50 {
        esme.submit(ticket, &hello("391")).await;
        let (_, id) = esme.answer_to(ticket).await;
        let last = lines(&path).pop().expect("a line");
        assert_eq!(
            (&last["dir"], &last["command"], &last["status"]),
            (&json!("out"), &json!("submit_sm_resp"), &json!(0))
        );
        let octets = hex::decode(last["hex"].as_str().expect("hex")).expect("hex");
        assert_eq!(&octets[16..], [id.as_bytes(), b"\0"].concat());
    }
    let all = lines(&path);
    let count = |dir: &str, command: &str| {
        all.iter()
            .filter(|line| line["dir"] == dir && line["command"] == command)
            .count()
    };
    assert_eq!((count("in", "submit_sm"), count("out", "submit_sm_resp")), (50, 50));
    assert_eq!(
        (count("in", "bind_transceiver"), count("out", "bind_transceiver_resp")),
        (1, 1)
    );
    let secret = hex::encode("secret");
    assert!(
        all.iter()
            .all(|line| !line["hex"].as_str().expect("hex").contains(&secret))
    );
}

#[tokio::test]
async fn the_ledger_notes_faults_and_leaves_out_what_was_never_read_or_never_whole() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("ledger.jsonl");
    let stall = Fault::Stall {
        drop_after: Some(Duration::from_millis(10)),
    };
    let simulator = simulator(|config| {
        config.ledger = Some(path.clone());
        config.faults = vec![
            FaultRule::always(Fault::DropBeforeReading).to("391"),
            FaultRule::always(stall).to("392"),
        ];
    })
    .await;
    for to in ["391", "392"] {
        let mut esme = Esme::bound(&simulator).await;
        esme.submit(1, &hello(to)).await;
        esme.close_reason().await;
    }
    let all = lines(&path);
    let count = |dir: &str, command: &str| {
        all.iter()
            .filter(|line| line["dir"] == dir && line["command"] == command)
            .count()
    };
    assert_eq!((count("in", "submit_sm"), count("out", "submit_sm_resp")), (1, 0));
    let notes: Vec<&str> = all.iter().filter_map(|line| line["note"].as_str()).collect();
    assert_eq!(notes, ["drop_before_reading", "stall", "half of the answer"]);
}

#[tokio::test]
async fn a_text_from_a_phone_arrives_in_segments_and_brings_the_answer_back() {
    let simulator = simulator(|_| {}).await;
    let mo = |text: &str| Mo {
        from: "+393471234567".into(),
        to: "12345".into(),
        text: text.into(),
        system_id: None,
    };
    assert_eq!(simulator.inject_mo(mo("SALDO")).await, Err(MoError::NotBound));
    let mut esme = Esme::bound(&simulator).await;
    esme.answer = CommandStatus::ESME_RX_P_APPN;
    let text = "però ".repeat(40);
    let (answer, _) = tokio::join!(simulator.inject_mo(mo(&text)), esme.delivered(2));
    assert_eq!(answer.expect("answered").statuses, [CommandStatus::ESME_RX_P_APPN; 2]);
    let packets = esme.deliveries();
    let Pdu::DeliverSm(first) = &packets[0].pdu else {
        panic!("no deliver_sm")
    };
    assert_eq!(
        (&first.source.addr, &first.destination.addr),
        (&COctet::from("393471234567"), &COctet::from("12345"))
    );
    assert!(first.esm_class.has_udhi());
}

#[tokio::test]
async fn down_cuts_links_and_refuses_connections_and_up_takes_them_again() {
    let simulator = simulator(|_| {}).await;
    let mut esme = Esme::bound(&simulator).await;
    simulator.set_up(false).await;
    assert!(!simulator.is_up());
    assert_eq!(esme.close_reason().await, CloseReason::LinkLost);
    assert!(TcpStream::connect(simulator.addr).await.is_err());
    assert_eq!((simulator.stats().links, simulator.stats().bound), (0, 0));
    simulator.set_up(true).await;
    Esme::bound(&simulator).await;
    assert_eq!(simulator.stats().binds, 2);
}

#[tokio::test]
async fn shutdown_unbinds() {
    let simulator = simulator(|_| {}).await;
    let mut esme = Esme::bound(&simulator).await;
    let (stats, reason) = tokio::join!(simulator.shutdown(), esme.close_reason());
    assert_eq!(reason, CloseReason::PeerUnbound);
    assert_eq!((stats.binds, stats.links, stats.up), (1, 0, false));
}

#[tokio::test]
async fn query_sm_tells_the_state_and_an_unknown_id_fails() {
    let simulator = simulator(|config| config.receipts.enabled = false).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    let (_, id) = esme.answer_to(1).await;
    for (ticket, message_id, status) in [
        (2, id.as_str(), CommandStatus::ESME_ROK),
        (3, "none", CommandStatus::ESME_RQUERYFAIL),
    ] {
        let query = araldo_smpp::pdu::QuerySm {
            message_id: message_id.into(),
            ..Default::default()
        };
        esme.session.submit(&query, ticket, monotonic()).expect("asked");
        esme.write().await;
        assert_eq!(esme.answer_to(ticket).await.0, status);
    }
}

#[tokio::test]
async fn watchers_see_the_message_and_the_pdus_around_it() {
    let simulator = simulator(|_| {}).await;
    let mut events = simulator.subscribe();
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    esme.delivered(1).await;
    assert!(simulator.until(LIMIT, |stats| stats.receipts_taken == 1).await);
    let mut names = Vec::new();
    while let Ok(event) = events.try_recv() {
        names.push(match &*event {
            SimulatorEvent::Pdu { command, .. } => command.clone(),
            other => other.name().to_owned(),
        });
    }
    assert_eq!(
        names,
        [
            "bind_transceiver",
            "bound",
            "bind_transceiver_resp",
            "submit_sm",
            "message",
            "submit_sm_resp",
            "receipt",
            "deliver_sm",
            "deliver_sm_resp",
        ]
    );
}

#[tokio::test]
async fn a_flood_is_answered_to_the_last_and_every_receipt_taken() {
    const COUNT: u32 = 5_000;
    let simulator = simulator(|config| config.receipts.delay_max = Duration::from_millis(20)).await;
    let mut esme = Esme::bound(&simulator).await;
    let mut sent = 0;
    while esme.answers().len() < COUNT as usize {
        while sent < COUNT && esme.session.window_free() > 0 {
            esme.session
                .submit(&hello("391"), sent, monotonic())
                .expect("submitted");
            sent += 1;
        }
        esme.write().await;
        esme.read().await;
    }
    esme.delivered(COUNT as usize).await;
    assert!(
        simulator
            .until(LIMIT, |stats| stats.receipts_taken == u64::from(COUNT))
            .await,
        "{:?}",
        simulator.stats()
    );
    let mut ids: Vec<String> = esme.deliveries().iter().map(|packet| receipt_of(packet).0).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), COUNT as usize);
}

mod control {
    use super::*;

    async fn call(simulator: &Simulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let addr = simulator.control_addr.expect("control");
        let mut stream = TcpStream::connect(addr).await.expect("connected");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("status");
        (
            status,
            serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}")),
        )
    }

    async fn controlled() -> Simulator {
        simulator(|config| {
            config.control = SimulatorConfig::on_free_ports().control;
            config.mo_timeout = Duration::from_millis(200);
        })
        .await
    }

    #[tokio::test]
    async fn stats_and_messages_are_json() {
        let simulator = controlled().await;
        let mut esme = Esme::bound(&simulator).await;
        esme.submit(1, &hello("393471234567")).await;
        let (_, id) = esme.answer_to(1).await;
        esme.delivered(1).await;
        let (status, messages) = call(&simulator, "GET", "/messages?to=+393471234567", &Value::Null).await;
        assert_eq!(
            (status, &messages[0]["text"], &messages[0]["id"]),
            (200, &json!("Ciao"), &json!(id))
        );
        assert_eq!(
            call(&simulator, "GET", "/messages?to=1", &Value::Null).await.1,
            json!([])
        );
        let (_, stats) = call(&simulator, "GET", "/stats", &Value::Null).await;
        assert_eq!(
            (&stats["accepted"], &stats["answers"]["ESME_ROK"]),
            (&json!(1), &json!(1))
        );
    }

    #[tokio::test]
    async fn a_text_is_answered_with_the_status_or_times_out() {
        let simulator = controlled().await;
        let mo = json!({ "from": "393471234567", "to": "12345", "text": "SALDO" });
        assert_eq!(call(&simulator, "POST", "/mo", &mo).await.0, 503);
        let mut esme = Esme::bound(&simulator).await;
        let (status, body) = call(&simulator, "POST", "/mo", &mo).await;
        assert_eq!((status, &body["code"]), (504, &json!("not_answered")));
        esme.delivered(1).await;
        let ((status, body), _) = tokio::join!(call(&simulator, "POST", "/mo", &mo), esme.delivered(2));
        assert_eq!(
            (status, body),
            (
                200,
                json!({ "status": "ESME_ROK", "segments": 1, "statuses": ["ESME_ROK"] })
            )
        );
        let nowhere = json!({ "from": "", "to": "12345", "text": "x" });
        assert_eq!(
            call(&simulator, "POST", "/mo", &nowhere).await.1["code"],
            "invalid_address"
        );
    }

    #[tokio::test]
    async fn faults_receipts_and_state_are_changed_while_it_runs() {
        let simulator = controlled().await;
        let rules = json!([{ "fault": "reset", "when": { "nth": 1 } }]);
        assert_eq!(call(&simulator, "PUT", "/faults", &rules).await, (200, rules.clone()));
        assert_eq!(call(&simulator, "GET", "/faults", &Value::Null).await, (200, rules));
        let (status, receipts) = call(
            &simulator,
            "PUT",
            "/receipts",
            &json!({ "silent": 0.5, "delay_max": "2s" }),
        )
        .await;
        assert_eq!(
            (status, &receipts["silent"], &receipts["delay_max"]),
            (200, &json!(0.5), &json!("2s"))
        );
        assert_eq!(simulator.receipts().delay_max, Duration::from_secs(2));
        assert_eq!(
            call(&simulator, "PUT", "/state", &json!({ "up": false })).await,
            (200, json!({ "up": false }))
        );
        assert!(TcpStream::connect(simulator.addr).await.is_err());
        assert_eq!(
            call(&simulator, "PUT", "/state", &json!({ "up": true })).await,
            (200, json!({ "up": true }))
        );
    }

    #[tokio::test]
    async fn mistakes_are_told_in_json() {
        let simulator = controlled().await;
        let cases = [
            ("PUT", "/faults", json!([{ "fault": "explode" }]), 422, "invalid_json"),
            (
                "PUT",
                "/faults",
                json!([{ "fault": "reset", "when": { "nth": 0 } }]),
                422,
                "invalid_rule",
            ),
            ("PUT", "/receipts", json!({ "silent": 2.0 }), 422, "invalid_receipts"),
            ("PUT", "/receipts", json!({ "slient": 0.1 }), 422, "invalid_receipts"),
            ("PUT", "/state", json!({ "up": "yes" }), 422, "invalid_json"),
            ("GET", "/messages?limit=many", Value::Null, 400, "invalid_query"),
            ("GET", "/nowhere", Value::Null, 404, "not_found"),
            ("DELETE", "/stats", Value::Null, 405, "method_not_allowed"),
        ];
        for (method, path, body, status, code) in cases {
            let (got, answer) = call(&simulator, method, path, &body).await;
            assert_eq!((got, &answer["code"]), (status, &json!(code)), "{method} {path} {body}");
        }
    }

    #[tokio::test]
    async fn events_stream_while_messages_pass() {
        let simulator = controlled().await;
        let addr = simulator.control_addr.expect("control");
        let mut stream = TcpStream::connect(addr).await.expect("connected");
        stream
            .write_all(format!("GET /events HTTP/1.1\r\nhost: {addr}\r\n\r\n").as_bytes())
            .await
            .expect("written");
        let mut got = BytesMut::new();
        let mut esme = None;
        while !String::from_utf8_lossy(&got).contains("event: message") {
            tokio::time::timeout(LIMIT, stream.read_buf(&mut got))
                .await
                .expect("in time")
                .expect("read");
            if esme.is_none() {
                // The head has come, so the stream is subscribed.
                let mut bound = Esme::bound(&simulator).await;
                bound.submit(1, &hello("391")).await;
                esme = Some(bound);
            }
        }
        let text = String::from_utf8_lossy(&got);
        assert!(text.contains("event: bound") && !text.contains("secret"), "{text}");
    }
}
