//! The store cannot write: another program holds its lock, or the disk takes nothing. The carrier hears in time that we
//! are busy, in the word that it is configured for, and never that we have its text; what it brings again is taken once.

use std::time::Duration;

use araldo_smpp::CommandStatus;

use crate::shim::{Shim, WRITE};
use crate::support::bank::Bank;
use crate::support::ledger::Ledger;
use crate::support::scene::{ADDRESS, Scene, action};
use crate::support::{alone, until};

/// The carrier hears within this time, whatever happens.
const ANSWERED: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(30);
/// Linux's number for a full device.
const ENOSPC: u64 = 28;
const NUMBER: &str = "+393331234621";

/// A daemon that says to its carrier that it is busy in this word.
async fn scene(busy: &str) -> Scene {
    let ours = |bank: &Bank| action(bank, "balance", "late_after = \"60s\"");
    let mut scene = Scene::new(ours, "").await;
    scene.house.environment("ARALDO__CARRIER__C__BUSY_STATUS", busy);
    scene
}

/// What came of the text that found the store shut, once it is open again.
async fn taken_once(scene: &Scene, busy: CommandStatus) {
    assert_eq!(scene.hears(NUMBER, 1).await, "Il tuo saldo è 12,34 EUR.");
    scene.handled().await;
    // A commit that waited may have stored what was answered busy: then it is answered before it is brought again.
    let brought = until(LIMIT, "it is brought again and taken", async || {
        let brought = Ledger::brought(scene.carrier.ledger_file());
        let is_taken = brought.last()?.status == Some(CommandStatus::ESME_ROK.0);
        is_taken.then_some(brought)
    })
    .await;
    let (_, before) = brought.split_last().unwrap();
    assert!(!before.is_empty(), "{brought:?}");
    assert!(before.iter().all(|text| text.status == Some(busy.0)), "{brought:?}");
    let slowest = brought.iter().map(|text| text.took.unwrap()).max().unwrap();
    assert!(slowest < ANSWERED, "answered after {slowest:?}");
    eprintln!(
        "busy: {} times {busy}, after {slowest:?} at the latest, then taken",
        before.len()
    );
    assert_eq!(scene.bank.asked().len(), 1);
    assert_eq!(scene.phone(NUMBER).len(), 1);
    assert!(scene.house.alarms().is_empty(), "{:?}", scene.house.alarms());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_locked_the_carrier_hears_in_time_that_we_are_busy_in_its_own_word() {
    let _stage = alone().await;
    let each = [CommandStatus::ESME_RTHROTTLED, CommandStatus::ESME_RSYSERR].map(|busy| async move {
        let scene = scene(&busy.to_string()).await;
        let daemon = scene.start().await;
        let held = scene.house.database().hold().await;
        let answer = scene.carrier.text(NUMBER, ADDRESS, "saldo").await;
        assert_eq!(answer, Some(vec![busy.to_string()]));
        drop(held);
        taken_once(&scene, busy).await;
        assert!(daemon.stop().await.success());
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_takes_nothing_the_carrier_hears_that_we_are_busy() {
    let _stage = alone().await;
    let busy = CommandStatus::ESME_RSYSERR;
    let mut scene = scene(&busy.to_string()).await;
    let Some(shim) = Shim::load(&mut scene.house) else {
        return;
    };
    let daemon = scene.start().await;
    shim.fail_from(WRITE, 1, ENOSPC);
    let answer = scene.carrier.text(NUMBER, ADDRESS, "saldo").await;
    assert_eq!(answer, Some(vec![busy.to_string()]));
    assert!(shim.hits() > 0);
    shim.count(0);
    taken_once(&scene, busy).await;
    assert!(daemon.stop().await.success());
}
