//! A store that refuses, and people who are faster.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::case_tests::{CATALOGUE, SENTENCE};
use super::consent_tests::House;
use super::*;
use crate::store::double::{Commits, Double};
use crate::store::memory::MemoryStore;
use crate::store::two_way::Leaves;
use crate::store::{ActionQuery, Applied, Batch, CaseAct, CaseChange, CaseQuery, Rules, Seq};

fn has_text(batch: &Batch, wanted: impl Fn(Seq) -> bool) -> bool {
    let mut turns = batch.turns.iter();
    turns.any(|turn| matches!(&turn.leaves, Leaves::Text { seq, .. } if wanted(*seq)))
}

/// Refuses the turn of the first text so often.
struct Refuses(AtomicU32);

impl Commits for Refuses {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        Box::pin(async move {
            let less = |left: u32| left.checked_sub(1);
            if has_text(batch, |seq| seq == 1)
                && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
            {
                return Err(StoreError::Statement("out of mood".to_owned()));
            }
            store.commit(batch, rules).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_the_store_refuses_holds_back_no_other_number() {
    let store = Double::new(Arc::new(MemoryStore::new()), Arc::new(Refuses(AtomicU32::new(9))));
    let mut house = House::over(Arc::new(store), CATALOGUE, false).await;
    let (one, other) = ("393331110001", "393331110002");
    for (from, said) in [
        (one, "blocca carta"),
        (other, "blocca carta"),
        (other, "si"),
        (one, "no"),
    ] {
        house.bring_from(from, said, None).await;
    }
    // No time goes by: nobody sleeps while there is something to do.
    assert_eq!(house.answers().await.len(), 2, "the other number has both answers");
    for _ in 0..5 {
        house.clock.set(house.clock.now().after(Duration::from_secs(2)));
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let answers = house.answers().await;
    assert!(
        answers.len() == 2 && answers[1].starts_with("Annullato"),
        "in their order: {answers:?}"
    );
}

/// Notes which texts' turns are taken, in their order.
#[derive(Default)]
struct Notes(Mutex<Vec<Seq>>);

impl Commits for Notes {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        let texts = batch.turns.iter().filter_map(|turn| match &turn.leaves {
            Leaves::Text { seq, .. } => Some(*seq),
            _ => None,
        });
        self.0.lock().unwrap().extend(texts);
        store.commit(batch, rules)
    }
}

#[tokio::test(start_paused = true)]
async fn the_texts_of_a_number_are_answered_in_the_order_in_which_they_came() {
    let notes = Arc::new(Notes::default());
    let store = Double::new(Arc::new(MemoryStore::new()), notes.clone());
    let mut house = House::over(Arc::new(store), CATALOGUE, false).await;
    let mut hers = Vec::new();
    for n in 1..=250 {
        let from = match n % 5 {
            0 => format!("3933311100{n:02}"),
            _ => {
                hers.push(n);
                "393331110001".to_owned()
            }
        };
        house.bring_from(&from, "blocca carta", None).await;
    }
    for _ in 0..20 {
        house.answers().await;
    }
    let taken = notes.0.lock().unwrap();
    let of_hers: Vec<Seq> = taken.iter().copied().filter(|seq| hers.contains(seq)).collect();
    assert_eq!((of_hers, taken.len()), (hers, 250));
}

/// A person takes the case while the turn of a text is on its way.
struct Takes(AtomicBool);

impl Commits for Takes {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        Box::pin(async move {
            if has_text(batch, |seq| seq > 1) && !self.0.swap(true, Ordering::Relaxed) {
                let query = CaseQuery {
                    limit: 1,
                    ..CaseQuery::default()
                };
                let act = CaseAct {
                    id: store.cases(&query).await?.rows[0].id,
                    client: None,
                    change: CaseChange::Take {
                        by: "anna".into(),
                        from: None,
                    },
                };
                let turns = vec![Turn::new(Leaves::Case(Box::new(act)))];
                let taken = Batch {
                    now: batch.now,
                    turns,
                    ..Batch::default()
                };
                store.commit(&taken, rules).await?;
            }
            store.commit(batch, rules).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_answered_once_a_person_has_taken_the_conversation() {
    let store = Double::new(Arc::new(MemoryStore::new()), Arc::new(Takes(AtomicBool::new(false))));
    let mut house = House::over(Arc::new(store), CATALOGUE, true).await;
    assert_eq!(house.text(SENTENCE).await.len(), 1);
    assert_eq!(house.text("blocca carta").await, [""; 0]);
    let query = CaseQuery {
        limit: 9,
        ..CaseQuery::default()
    };
    let cases = house.store.cases(&query).await.unwrap().rows;
    assert_eq!((cases.len(), cases[0].joined), (1, 1), "it is the person's");
}

/// Nobody may be called at this address: a call is not done, and waits to be tried again.
const PING: &str = r#"
[command.ping]
title = { it = "Ping", en = "Ping" }
keywords = { it = ["ping"], en = ["ping"] }
[command.ping.action]
kind = "http"
method = "POST"
url = "http://192.0.2.1/ping"
"#;

impl House {
    fn only_place(&self) -> OwnedSemaphorePermit {
        let place = self.actions.permit().unwrap();
        assert!(self.actions.permit().is_none(), "there is one place");
        place
    }

    /// Tries of the calls that wait.
    async fn attempts(&self) -> Vec<u16> {
        let now = self.clock.now().after(Duration::from_mins(10));
        let left = self.store.actions(ActionQuery::Due { now, limit: 9 }).await.unwrap();
        left.iter().map(|record| record.action.progress.attempts).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_a_little_for_its_place_and_then_in_its_row() {
    for (taken_for, attempts) in [(5, 1), (500, 0)] {
        let mut house = House::with(PING, false).await;
        let place = house.only_place();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(taken_for)).await;
            drop(place);
        });
        house.bring_from("393331110001", "ping", None).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(house.attempts().await, [attempts]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_its_row_begins_when_a_place_is_left() {
    let mut house = House::with(PING, false).await;
    tokio::spawn(house.actions.clone().run());
    let place = house.only_place();
    house.bring_from("393331110001", "ping", None).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.attempts().await, [0]);
    drop(place);
    // Far from the second after which it is looked for in any case.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(house.attempts().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn ten_texts_in_five_minutes_are_the_most_that_are_sent_by_themselves() {
    let mut house = House::with(CATALOGUE, false).await;
    let mut answers = 0;
    for n in 0..30 {
        let said = ["blocca carta", "block card", "pratica"][n % 3];
        answers += house.text(said).await.len();
    }
    assert_eq!(answers, 10, "what comes in costs nothing, what goes out does");
    house.clock.set(house.clock.now().after(Duration::from_mins(5)));
    assert_eq!(house.text("blocca carta").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_and_the_same_text_is_answered_four_times_in_five_minutes() {
    let mut house = House::with(CATALOGUE, false).await;
    let mut answers = Vec::new();
    for said in [
        "blocca carta",
        "Blocca carta!",
        "blocca carta",
        "BLOCCA CARTA",
        "blocca carta",
        "pratica",
    ] {
        answers.push(house.text(said).await.len());
    }
    assert_eq!(answers, [1, 1, 1, 1, 0, 1]);
    house.clock.set(house.clock.now().after(Duration::from_mins(5)));
    assert_eq!(house.text("blocca carta").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_day_has_no_room_for_is_told_so_though_it_is_decided_upon_twice() {
    const CATALOGUE: &str = r#"
[command.gift]
title = { it = "Dono", en = "Gift" }
money = true
limits = { value_per_day = "50.00", number_per_hour = 1 }
keywords = { it = ["dono"], en = ["gift"] }
[command.gift.slots.amount]
type = "money"
required = true
[command.gift.action]
url = "https://bank.example/gift"
"#;
    let mut house = House::with(CATALOGUE, false).await;
    let answers = house.text("dono 60 euro").await;
    assert!(answers.len() == 1 && answers[0].contains("50,00"), "{answers:?}");
}
