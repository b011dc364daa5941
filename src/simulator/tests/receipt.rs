//! Receipts: their forms, their order, and that none is lost.

use std::time::Duration;

use araldo_smpp::session::CloseReason;
use araldo_smpp::{BindMode, CommandStatus};

use super::esme::{Esme, Seen, hello, long, receipt_of};
use super::{LIMIT, faulty, simulator};
use crate::simulator::{Fault, FaultRule, IdForm, ReceiptConfig, ReceiptForm, SegmentReceipts};

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
