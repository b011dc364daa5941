//! Messages: the throttle, query_sm, what watchers see, and many at once.

use std::time::Duration;

use araldo_smpp::CommandStatus;
use araldo_smpp::pdu::QuerySm;

use super::esme::{Esme, hello, receipt_of};
use super::{LIMIT, simulator};
use crate::clock::monotonic;
use crate::simulator::SimulatorEvent;

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
async fn query_sm_tells_the_state_and_an_unknown_id_fails() {
    let simulator = simulator(|config| config.receipts.enabled = false).await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("391")).await;
    let (_, id) = esme.answer_to(1).await;
    for (ticket, message_id, status) in [
        (2, id.as_str(), CommandStatus::ESME_ROK),
        (3, "none", CommandStatus::ESME_RQUERYFAIL),
    ] {
        let query = QuerySm {
            message_id: message_id.into(),
            ..QuerySm::default()
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
