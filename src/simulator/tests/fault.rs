//! Faults: what each does to a link, and that the seed decides.

use std::time::Duration;

use araldo_smpp::CommandStatus;
use araldo_smpp::session::CloseReason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::esme::{Esme, Seen, hello, long, receipt_of, say};
use super::{faulty, simulator};
use crate::clock::monotonic;
use crate::simulator::{Fault, FaultRule, Status};

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
