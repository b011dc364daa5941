//! Rows in the hands of the rules, and whole lives of messages in a store.

mod scenarios;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::domain::{BindRef, Lane, MessageId, NewMessage, PlanStep, Source, Will};
use crate::fixture::{self, name};
use crate::outbox::{CarrierPolicy, Outcome};
use crate::store::memory::MemoryStore;
use crate::store::{
    Applied, Batch, Claim, Claimed, Enqueue, LaneClaim, Lease, NewConsent, RcsResult, Receipt, Settle, Store, Sweep,
    Verdict,
};

const NOW: UnixMillis = UnixMillis(1_764_000_000_000);
const WAIT: Duration = Duration::from_secs(30);
const LEASE: Lease = Lease(1);

fn policy() -> Policy {
    let rcs = CarrierPolicy {
        channel: Channel::Rcs,
        ..CarrierPolicy::default()
    };
    Policy {
        steps: HashMap::from([
            (name("both"), vec![PlanStep::rcs(Some(WAIT)), PlanStep::sms(None)]),
            (name("rcs"), vec![PlanStep::rcs(None)]),
        ]),
        carriers: HashMap::from([(name("rbm"), rcs), (name("tim"), CarrierPolicy::default())]),
        habits: Mutex::default(),
        ..fixture::policy()
    }
}

fn bind(carrier: &str) -> BindRef {
    BindRef {
        carrier: name(carrier),
        bind: 0,
    }
}

fn message(class: Class, route: &str) -> NewMessage {
    NewMessage {
        class,
        lane: Lane {
            route: name(route),
            step: 0,
        },
        rich: Some("{}".into()),
        expires_at: NOW.after(Duration::from_hours(1)),
        ..fixture::message(NOW)
    }
}

/// A message as a store has it, with a carrier of either channel beside it.
struct Life {
    store: MemoryStore,
    policy: Policy,
    id: MessageId,
    class: Class,
    route: &'static str,
    now: UnixMillis,
}

impl Life {
    async fn of(class: Class, route: &'static str) -> Self {
        let message = message(class, route);
        let mut life = Self {
            store: MemoryStore::default(),
            policy: policy(),
            id: message.id,
            class,
            route,
            now: NOW,
        };
        let batch = Batch {
            enqueue: vec![Enqueue::new(message)],
            ..Batch::new(NOW)
        };
        life.commit(batch).await;
        life
    }

    async fn commit(&mut self, batch: Batch) -> Applied {
        self.store.commit(&batch, &self.policy).await.unwrap()
    }

    async fn claim(&mut self, carrier: &str, step: u8) -> Option<Arc<Claimed>> {
        let lane = Lane {
            route: name(self.route),
            step,
        };
        let claim = Claim {
            bind: bind(carrier),
            lease: LEASE,
            lanes: vec![LaneClaim {
                lane,
                priority: self.class.priority(),
                segments: 1,
            }],
        };
        let batch = Batch {
            claims: vec![claim],
            ..Batch::new(self.now)
        };
        let mut claimed = self.commit(batch).await.claims;
        claimed.remove(0).remove(0).rows.pop().map(Arc::new)
    }

    async fn settle(&mut self, claimed: &Arc<Claimed>, outcome: &Outcome) {
        let settle: Settle = self.policy.settle(claimed, outcome, self.now, 0.0);
        let batch = Batch {
            settle: vec![settle],
            ..Batch::new(self.now)
        };
        self.commit(batch).await;
    }

    async fn accepted(&mut self) {
        let claimed = self.claim("rbm", 0).await.expect("waits for RCS");
        self.settle(&claimed, &taken("rcs-id")).await;
    }

    /// Its recipient wants no more.
    async fn stop(&mut self) {
        let out = NewConsent {
            msisdn: "393331234567".into(),
            brand: name("bank"),
            topic: None,
            will: Will::OptedOut,
            source: Source::Sms,
            at: self.now,
            note: None,
            told: Arc::new([]),
        };
        let batch = Batch {
            consents: vec![out],
            ..Batch::new(self.now)
        };
        let applied = self.commit(batch).await;
        self.policy.gate.learn(&applied.wants);
    }

    async fn say(&mut self, said: RcsSaid) -> RcsResult {
        let report = RcsReport {
            message: self.id,
            to: "393331234567".into(),
            carrier: name("rbm"),
            said,
            at: self.now,
        };
        let batch = Batch {
            rcs: vec![report],
            ..Batch::new(self.now)
        };
        self.commit(batch).await.rcs[0]
    }

    async fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        let sweeps = [State::Scheduled, State::Queued, State::Uncertain, State::Submitted];
        let batch = Batch {
            sweeps: sweeps.map(|state| Sweep::Due { state, limit: 9 }).into(),
            ..Batch::new(self.now)
        };
        self.commit(batch).await;
    }

    async fn progress(&self) -> Progress {
        self.store.message(self.id, None).await.unwrap().unwrap().row.progress
    }

    async fn state(&self) -> (State, u8) {
        let progress = self.progress().await;
        (progress.state, progress.step)
    }

    async fn events(&self) -> Vec<(EventKind, Option<String>)> {
        let events = self.store.message(self.id, None).await.unwrap().unwrap().events;
        events
            .into_iter()
            .map(|event| (event.kind, event.note.map(Into::into)))
            .collect()
    }

    async fn revocations(&self) -> usize {
        self.store.revocations(&name("rbm"), 0, 9).await.unwrap().len()
    }
}

fn taken(id: &str) -> Outcome {
    Outcome::Submitted {
        carrier_message_id: Some(id.into()),
    }
}

#[tokio::test]
async fn a_handset_without_rcs_gets_the_sms_at_once() {
    let mut life = Life::of(Class::Otp, "both").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &Outcome::NotReachable { status: 404 }).await;
    assert_eq!(life.state().await, (State::Queued, 1));
    assert!(!life.progress().await.flags.has(Flag::PossibleDuplicate));
    assert_eq!(
        life.events().await,
        [(EventKind::NextStep, Some("not_reachable".to_owned()))]
    );
    assert!(life.claim("tim", 1).await.is_some());
}

#[tokio::test]
async fn without_another_step_it_fails_as_not_reachable() {
    let mut life = Life::of(Class::Otp, "rcs").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &Outcome::NotReachable { status: 404 }).await;
    let progress = life.progress().await;
    assert_eq!(
        (progress.state, progress.reason, progress.code),
        (State::Failed, Some(Reason::NotReachable), Some(404))
    );
}

#[tokio::test]
async fn what_is_not_delivered_in_time_is_taken_back_and_then_sent_by_sms() {
    let mut life = Life::of(Class::Marketing, "both").await;
    life.accepted().await;
    life.wait(WAIT.checked_sub(Duration::from_secs(1)).unwrap()).await;
    assert_eq!(
        (life.state().await, life.revocations().await),
        ((State::Submitted, 0), 0)
    );
    life.wait(Duration::from_secs(1)).await;
    assert_eq!(
        (life.state().await, life.revocations().await),
        ((State::Submitted, 0), 1)
    );
    assert_eq!(life.say(RcsSaid::Revoked).await, RcsResult::Met);
    assert_eq!((life.state().await, life.revocations().await), ((State::Queued, 1), 0));
    let progress = life.progress().await;
    assert_eq!(
        (progress.copies, progress.flags.has(Flag::PossibleDuplicate)),
        (0, false)
    );
}

#[tokio::test]
async fn an_offer_that_its_recipient_has_opted_out_of_is_taken_back_and_no_sms_follows() {
    for route in ["both", "rcs"] {
        let mut life = Life::of(Class::Marketing, route).await;
        life.accepted().await;
        life.stop().await;
        assert_eq!(
            (life.state().await, life.revocations().await),
            ((State::Submitted, 0), 1)
        );
        assert_eq!(life.events().await, [(EventKind::Revoking, None)]);
        life.say(RcsSaid::Revoked).await;
        let progress = life.progress().await;
        assert_eq!(
            (progress.state, progress.reason),
            (State::Suppressed, Some(Reason::OptedOut)),
            "{route}"
        );
        assert_eq!(life.revocations().await, 0);
        // It was on the handset before it could be taken back.
        life.say(RcsSaid::Delivered).await;
        assert_eq!(life.state().await.0, State::Delivered);
    }
}

#[tokio::test]
async fn what_is_told_as_its_recipient_opts_out_is_taken_back_once_it_is_taken() {
    let mut life = Life::of(Class::Service, "both").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.stop().await;
    life.settle(&claimed, &taken("rcs-id")).await;
    assert_eq!(
        (life.state().await, life.revocations().await),
        ((State::Submitted, 0), 1)
    );
}

#[tokio::test]
async fn of_what_nobody_wants_and_nobody_knows_no_sms_follows_whatever_its_class() {
    for class in [Class::Transaction, Class::Service, Class::Marketing] {
        let mut life = Life::of(class, "both").await;
        life.accepted().await;
        life.stop().await;
        life.wait(WAIT).await;
        let progress = life.progress().await;
        assert_eq!(
            (progress.state, progress.reason),
            (State::Unconfirmed, Some(Reason::NoReceipt)),
            "{class}"
        );
    }
}

#[tokio::test]
async fn an_opt_out_leaves_alone_what_has_gone_by_sms() {
    let mut life = Life::of(Class::Service, "both").await;
    life.accepted().await;
    life.say(RcsSaid::Revoked).await;
    let sms = life.claim("tim", 1).await.unwrap();
    life.settle(&sms, &taken("sms-id")).await;
    let before = life.progress().await;
    life.stop().await;
    assert_eq!(life.progress().await, before);
}

#[tokio::test]
async fn in_doubt_the_class_decides() {
    for class in Class::ALL {
        let mut life = Life::of(class, "both").await;
        life.accepted().await;
        life.wait(WAIT).await;
        life.say(RcsSaid::NotRevoked).await;
        assert_eq!(
            (life.state().await, life.revocations().await),
            ((State::Uncertain, 0), 0),
            "{class}"
        );
        let hold = Duration::from_secs(if class.is_urgent() { 5 } else { 30 });
        life.wait(hold.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(
            life.state().await.0,
            State::Uncertain,
            "{class}: a late report is awaited"
        );
        life.wait(Duration::from_millis(1)).await;
        let progress = life.progress().await;
        match class {
            Class::Otp | Class::Alert | Class::Reply | Class::Transaction => {
                assert_eq!((progress.state, progress.step), (State::Queued, 1), "{class}");
                assert!(progress.flags.has(Flag::PossibleDuplicate), "{class}");
            }
            Class::Service | Class::Marketing => {
                assert_eq!(
                    (progress.state, progress.reason),
                    (State::Unconfirmed, Some(Reason::NoReceipt)),
                    "{class}"
                );
                life.say(RcsSaid::Delivered).await;
                assert_eq!(
                    life.state().await.0,
                    State::Delivered,
                    "{class}: a late report corrects it"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_revocation_that_nobody_answers_ends_in_doubt() {
    let mut life = Life::of(Class::Alert, "both").await;
    life.accepted().await;
    life.wait(WAIT).await;
    life.wait(Duration::from_secs(5)).await;
    assert_eq!((life.state().await, life.revocations().await), ((State::Queued, 1), 0));
    assert!(life.progress().await.flags.has(Flag::PossibleDuplicate));
}

#[tokio::test]
async fn delivered_withdraws_the_sms_that_has_not_left() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    life.say(RcsSaid::Revoked).await;
    assert_eq!(life.state().await, (State::Queued, 1));
    life.say(RcsSaid::Delivered).await;
    let progress = life.progress().await;
    assert_eq!(progress.state, State::Delivered);
    assert!(progress.flags.has(Flag::DeliveredByRcs) && !progress.flags.has(Flag::DeliveredTwice));
    assert!(life.claim("tim", 1).await.is_none());
}

#[tokio::test]
async fn delivered_after_the_sms_has_left_is_delivered_twice() {
    for receipt_first in [false, true] {
        let mut life = Life::of(Class::Otp, "both").await;
        life.accepted().await;
        life.say(RcsSaid::Revoked).await;
        let sms = life.claim("tim", 1).await.unwrap();
        life.settle(&sms, &taken("sms-id")).await;
        let receipt = Receipt {
            carrier: name("tim"),
            carrier_message_id: "sms-id".into(),
            candidates: vec!["sms-id".into()],
            destination: "393331234567".into(),
            reference: None,
            verdict: Verdict::Delivered,
            code: None,
            done_at: None,
            at: life.now,
        };
        if receipt_first {
            let batch = Batch {
                receipts: vec![receipt],
                ..Batch::new(life.now)
            };
            life.commit(batch).await;
            assert_eq!(life.state().await.0, State::Delivered);
        }
        life.say(RcsSaid::Delivered).await;
        let progress = life.progress().await;
        assert_eq!(progress.state, State::Delivered);
        assert!(progress.flags.has(Flag::DeliveredTwice), "{receipt_first}");
        let events = life.events().await;
        life.say(RcsSaid::Delivered).await;
        assert_eq!(life.events().await, events, "the same once more changes nothing");
    }
}

#[tokio::test]
async fn read_is_delivered_and_an_entry_of_its_own_once() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    life.say(RcsSaid::Read).await;
    life.say(RcsSaid::Read).await;
    life.say(RcsSaid::Delivered).await;
    let progress = life.progress().await;
    assert_eq!(progress.state, State::Delivered);
    assert_eq!(progress.flags.words(), ["delivered_by_rcs", "read"]);
    assert_eq!(life.events().await, [(EventKind::Read, None)]);
}

#[tokio::test]
async fn a_tap_is_noted_with_its_place_and_changes_nothing() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    let before = life.progress().await;
    life.say(RcsSaid::Tapped { place: 1 }).await;
    assert_eq!(life.progress().await, before);
    assert_eq!(
        life.events().await,
        [(EventKind::Tapped, Some("suggestion 2".to_owned()))]
    );
}

#[tokio::test]
async fn a_try_whose_answer_was_lost_is_taken_back() {
    let mut life = Life::of(Class::Service, "both").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &Outcome::Uncertain).await;
    assert_eq!(
        (life.state().await, life.revocations().await),
        ((State::Uncertain, 0), 1)
    );
    life.say(RcsSaid::Revoked).await;
    assert_eq!(life.state().await, (State::Queued, 1));
}

#[tokio::test]
async fn what_a_dead_process_had_claimed_is_tried_again_under_its_id() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.claim("rbm", 0).await.unwrap();
    let batch = Batch {
        sweeps: vec![Sweep::Orphans {
            lease: Lease(2),
            limit: 9,
        }],
        ..Batch::new(life.now)
    };
    life.commit(batch).await;
    let progress = life.progress().await;
    assert_eq!((progress.state, progress.step, progress.copies), (State::Queued, 0, 0));
    assert!(!progress.flags.has(Flag::PossibleDuplicate));
}

#[tokio::test]
async fn a_report_about_another_number_is_about_another_message() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    let report = RcsReport {
        message: life.id,
        to: "393339999999".into(),
        carrier: name("rbm"),
        said: RcsSaid::Delivered,
        at: life.now,
    };
    let batch = Batch {
        rcs: vec![report],
        ..Batch::new(life.now)
    };
    assert_eq!(life.commit(batch).await.rcs, [RcsResult::Unknown]);
    assert_eq!(life.state().await.0, State::Submitted);
}

#[tokio::test]
async fn the_platform_gives_up_a_little_after_the_outbox() {
    let policy = policy();
    let waiting = Progress::waiting(0, None, NOW.after(Duration::from_mins(10)));
    assert_eq!(
        policy.rcs_ttl(&name("both"), &waiting, NOW),
        WAIT + Duration::from_secs(15)
    );
    assert_eq!(policy.rcs_ttl(&name("rcs"), &waiting, NOW), Duration::from_mins(10));
    let late = Progress::waiting(0, None, NOW.after(Duration::from_secs(2)));
    assert_eq!(policy.rcs_ttl(&name("both"), &late, NOW), Duration::from_secs(10));
}

/// What a life has seen.
#[derive(Debug, Default)]
struct Seen {
    reported: bool,
    /// That nothing was or will be shown by RCS.
    conclusive: bool,
    /// Claims of the SMS.
    sms: u32,
    /// Delivered was first reported after the SMS had left.
    too_late: bool,
}

/// A life with whatever comes in whichever order, the same things several times.
async fn live(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let class = Class::ALL[random.random_range(0..Class::ALL.len())];
    let mut life = Life::of(class, "both").await;
    let mut seen = Seen::default();
    for _ in 0..random.random_range(1..12) {
        match random.random_range(0..8) {
            0 => life.wait(Duration::from_secs(random.random_range(0..40))).await,
            1 | 2 => try_rcs(&mut life, &mut seen, random.random_range(0..5)).await,
            3 => try_sms(&mut life, &mut seen).await,
            4 => hear(&mut life, &mut seen, RcsSaid::Delivered).await,
            5 => hear(&mut life, &mut seen, RcsSaid::Read).await,
            6 => hear(&mut life, &mut seen, RcsSaid::Revoked).await,
            _ => hear(&mut life, &mut seen, RcsSaid::NotRevoked).await,
        }
    }
    for _ in 0..6 {
        try_rcs(&mut life, &mut seen, 4).await;
        life.wait(Duration::from_secs(40)).await;
        try_sms(&mut life, &mut seen).await;
    }
    let progress = life.progress().await;
    let told = || format!("ARALDO_SEED={seed} {class}: {seen:?} {progress:?}");
    assert!(seen.sms <= 1, "more than one SMS: {}", told());
    let is_delivered = progress.state == State::Delivered;
    assert_eq!(
        is_delivered,
        seen.reported,
        "delivered wins, and nothing else does: {}",
        told()
    );
    if class.sends_sms_in_doubt() {
        assert!(seen.reported || seen.sms == 1, "silence where it harms: {}", told());
    } else {
        assert!(seen.sms == 0 || seen.conclusive, "a copy in doubt: {}", told());
        assert!(
            is_delivered || seen.sms == 1 || progress.state == State::Unconfirmed,
            "no end: {}",
            told()
        );
    }
    let twice = progress.flags.has(Flag::DeliveredTwice);
    assert_eq!(twice, seen.too_late, "two copies are noted, and only they: {}", told());
    assert_eq!(life.revocations().await, 0, "nothing is left to ask: {}", told());
}

async fn try_rcs(life: &mut Life, seen: &mut Seen, how: u32) {
    let Some(claimed) = life.claim("rbm", 0).await else {
        return;
    };
    let outcome = match how {
        0 | 1 => taken("rcs-id"),
        2 => Outcome::NotReachable { status: 404 },
        3 => Outcome::NotWritten,
        _ => Outcome::Uncertain,
    };
    seen.conclusive |= how == 2;
    life.settle(&claimed, &outcome).await;
}

async fn try_sms(life: &mut Life, seen: &mut Seen) {
    let Some(claimed) = life.claim("tim", 1).await else {
        return;
    };
    seen.sms += 1;
    life.settle(&claimed, &taken("sms-id")).await;
}

async fn hear(life: &mut Life, seen: &mut Seen, said: RcsSaid) {
    match said {
        RcsSaid::Delivered | RcsSaid::Read => {
            seen.too_late |= !seen.reported && seen.sms > 0;
            seen.reported = true;
        }
        RcsSaid::Revoked => seen.conclusive = true,
        RcsSaid::NotRevoked | RcsSaid::Tapped { .. } => {}
    }
    life.say(said).await;
}

/// `ARALDO_SEED=n` lives one of them again; `ARALDO_LONG` lives ten times as many.
#[tokio::test]
async fn every_order_of_what_comes_ends_as_it_must() {
    if let Some(seed) = std::env::var("ARALDO_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return live(seed).await;
    }
    let lives = if std::env::var_os("ARALDO_LONG").is_some() {
        100_000
    } else {
        10_000
    };
    for seed in 0..lives {
        live(seed).await;
    }
}
