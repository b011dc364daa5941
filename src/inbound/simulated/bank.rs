//! A bank with books of its own, which does what a call says or not, and answers or not.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use serde_json::Value;

use super::world::World;
use crate::backend::{Call, Called, Failure, Said};
use crate::dispatch::action::Caller;
use crate::domain::UnixMillis;

/// What the bank knows. A sum stands for a wish: no two are equal.
#[derive(Default)]
pub(super) struct Bank {
    /// How often each sum was moved.
    pub(super) moved: BTreeMap<String, u32>,
    /// The keys under which it was asked to move it.
    pub(super) keys: BTreeMap<String, BTreeSet<String>>,
    /// What became of each key: whether it was done, or refused.
    ended: BTreeMap<String, bool>,
    /// What it has not got round to: by time, a key and its sum.
    later: Vec<(UnixMillis, String, String)>,
}

impl Bank {
    /// Does what it has got round to by now.
    pub(super) fn catch_up(&mut self, now: UnixMillis) {
        let (due, later) = std::mem::take(&mut self.later)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.later = later;
        for (_, key, sum) in due {
            // What it has refused meanwhile stays refused.
            if let Entry::Vacant(end) = self.ended.entry(key) {
                end.insert(true);
                *self.moved.entry(sum).or_default() += 1;
            }
        }
    }

    fn moves(&mut self, key: &str, sum: &str, heeds_keys: bool) {
        let again = self.ended.insert(key.to_owned(), true).is_some();
        if !(again && heeds_keys) {
            *self.moved.entry(sum.to_owned()).or_default() += 1;
        }
    }
}

pub(super) struct SimulatedBank(pub(super) Arc<Mutex<World>>);

impl Caller for SimulatedBank {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Called> {
        async move {
            self.rest(1..40).await;
            let (called, answers_in) = {
                let mut world = self.0.lock().unwrap();
                let now = world.clock.now();
                world.bank.catch_up(now);
                let falls = world.faults.falls;
                if world.fails(falls) {
                    world.fall();
                }
                let (called, answers_in) = match call.body.is_empty() {
                    true => asked(&mut world, call.key),
                    false => {
                        let body: Value = serde_json::from_slice(&call.body).unwrap();
                        let sum = body["slots"]["amount"].as_str().unwrap();
                        act(&mut world, call.key, sum)
                    }
                };
                world.note(format_args!("bank: {called:?} in {answers_in:?}"));
                (called, answers_in)
            };
            if answers_in >= call.timeout {
                tokio::time::sleep(call.timeout).await;
                return Called::Unknown(Failure::Timeout);
            }
            tokio::time::sleep(answers_in).await;
            let mut world = self.0.lock().unwrap();
            let falls = world.faults.falls;
            if world.fails(falls) {
                world.fall();
            }
            called
        }
        .boxed()
    }
}

impl SimulatedBank {
    async fn rest(&self, millis: std::ops::Range<u64>) {
        let rest = Duration::from_millis(self.0.lock().unwrap().random.random_range(millis));
        tokio::time::sleep(rest).await;
    }
}

/// What it says of a wish, and when; what it does of it is done.
fn act(world: &mut World, key: &str, sum: &str) -> (Called, Duration) {
    let soon = Duration::from_millis(world.random.random_range(1..40));
    let (faults, heeds_keys) = (world.faults, world.kind.heeds_keys());
    if world.is_out() {
        return (Called::NotDone(Failure::Connect), soon);
    }
    if world.fails(faults.busy) {
        return (Called::NotDone(Failure::Status(429)), soon);
    }
    if world.fails(faults.fails_before) {
        return (Called::Unknown(Failure::Status(503)), soon);
    }
    let keys = world.bank.keys.entry(sum.to_owned()).or_default();
    keys.insert(key.to_owned());
    if world.bank.ended.get(key) == Some(&false) || (!world.bank.ended.contains_key(key) && world.fails(faults.refuses))
    {
        world.bank.ended.insert(key.to_owned(), false);
        return (refused(), soon);
    }
    if world.fails(faults.slow) {
        let slow = Duration::from_millis(world.random.random_range(500..8_000));
        if heeds_keys && world.random.random_bool(0.5) {
            let at = world.clock.now().after(slow);
            world.bank.later.push((at, key.to_owned(), sum.to_owned()));
        } else {
            world.bank.moves(key, sum, heeds_keys);
        }
        return (done(), slow + soon);
    }
    world.bank.moves(key, sum, heeds_keys);
    match world.fails(faults.fails_after) {
        true => (Called::Unknown(Failure::Broken), soon),
        false => (done(), soon),
    }
}

/// What it says of what became of a key.
fn asked(world: &mut World, key: &str) -> (Called, Duration) {
    let soon = Duration::from_millis(world.random.random_range(1..40));
    let faults = world.faults;
    if world.is_out() {
        return (Called::NotDone(Failure::Connect), soon);
    }
    if world.fails(faults.fails_before) {
        return (Called::Unknown(Failure::Status(503)), soon);
    }
    let said = match world.bank.ended.get(key) {
        Some(true) => done(),
        Some(false) => Called::Answered(Said {
            result: Some("refused".to_owned()),
            ..Said::default()
        }),
        None => Called::Refused {
            status: 404,
            said: Said::default(),
        },
    };
    (said, soon)
}

fn done() -> Called {
    Called::Answered(Said::default())
}

fn refused() -> Called {
    Called::Refused {
        status: 402,
        said: Said::default(),
    }
}
