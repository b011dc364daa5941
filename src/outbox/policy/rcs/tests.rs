//! Rows in the hands of the rules, and whole lives of messages in a store.

mod lives;
mod scenarios;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::config::Config;
use crate::consent::Gate;
use crate::domain::{BindRef, Lane, MessageId, NewMessage, PlanStep, Source, Will};
use crate::fixture::{self, name};
use crate::outbox::{CarrierPolicy, Outcome};
use crate::store::memory::MemoryStore;
use crate::store::{
    Act, ActItem, ActResult, Applied, Batch, Claim, Claimed, Enqueue, LaneClaim, Lease, NewConsent, RcsResult, Receipt,
    Settle, Store, Sweep, Verdict,
};

const NOW: UnixMillis = UnixMillis(1_764_000_000_000);
const WAIT: Duration = Duration::from_secs(30);

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
        agents: HashMap::from([(name("both"), name("rbm")), (name("rcs"), name("rbm"))]),
        carriers: HashMap::from([(name("rbm"), rcs), (name("tim"), CarrierPolicy::default())]),
        habits: Mutex::default(),
        // With the classes that are sent whatever was refused.
        gate: Arc::new(Gate::new(&Config::default())),
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
    lease: Lease,
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
            lease: Lease(1),
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
            lease: self.lease,
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

    /// What a carrier of SMS has claimed and may send.
    async fn claim_sms(&mut self, step: u8) -> Option<Arc<Claimed>> {
        let claimed = self.claim("tim", step).await?;
        let Some((progress, event)) = self.policy.held_back(&claimed, self.now) else {
            return Some(claimed);
        };
        let batch = Batch {
            settle: vec![Settle {
                claimed,
                progress,
                event,
            }],
            ..Batch::new(self.now)
        };
        self.commit(batch).await;
        None
    }

    /// The process falls, and another one takes its place.
    async fn fall(&mut self) {
        self.lease = Lease(self.lease.0 + 1);
        let orphans = Sweep::Orphans {
            lease: self.lease,
            limit: 9,
        };
        let batch = Batch {
            sweeps: vec![orphans],
            ..Batch::new(self.now)
        };
        self.commit(batch).await;
    }

    async fn requeue(&mut self) -> ActResult {
        let item = ActItem {
            id: self.id,
            client: None,
            act: Act::Requeue,
        };
        let batch = Batch {
            acts: vec![item],
            ..Batch::new(self.now)
        };
        self.commit(batch).await.acts.remove(0)
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
        self.say_by("rbm", said).await
    }

    async fn say_by(&mut self, agent: &str, said: RcsSaid) -> RcsResult {
        let report = RcsReport {
            message: self.id,
            to: "393331234567".into(),
            carrier: name(agent),
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

    /// The carrier of each entry of the timeline.
    async fn carriers(&self) -> Vec<(EventKind, String)> {
        let events = self.record().await.events;
        let carrier = |event: &Event| event.bind.as_ref().unwrap().carrier.to_string();
        events.iter().map(|event| (event.kind, carrier(event))).collect()
    }

    async fn record(&self) -> crate::store::MessageRecord {
        self.store.message(self.id, None).await.unwrap().unwrap()
    }

    async fn revocations(&self) -> usize {
        self.store.revocations(&name("rbm"), 0, 9).await.unwrap().len()
    }
}

fn taken_by_rcs() -> (EventKind, Option<String>) {
    (EventKind::Submitted, Some("rcs-id".to_owned()))
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
        assert_eq!(life.events().await.last(), Some(&(EventKind::Revoking, None)));
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
    assert_eq!(life.events().await, [taken_by_rcs(), (EventKind::Read, None)]);
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
        [taken_by_rcs(), (EventKind::Tapped, Some("suggestion 2".to_owned()))]
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
    life.fall().await;
    let progress = life.progress().await;
    assert_eq!((progress.state, progress.step, progress.copies), (State::Queued, 0, 0));
    assert!(!progress.flags.has(Flag::PossibleDuplicate));
    life.accepted().await;
    assert!(!life.progress().await.flags.has(Flag::MayBeThere), "it is known now");
}

const BUSY: Outcome = Outcome::NextStep { status: 503 };

#[tokio::test]
async fn what_a_dead_process_had_claimed_is_taken_back_before_an_sms_takes_its_place() {
    for later in [
        BUSY,
        Outcome::NotReachable { status: 404 },
        Outcome::NextStep { status: 429 },
    ] {
        for class in Class::ALL {
            let mut life = Life::of(class, "both").await;
            life.claim("rbm", 0).await.unwrap();
            life.fall().await;
            let claimed = life.claim("rbm", 0).await.unwrap();
            life.settle(&claimed, &later).await;
            assert_eq!(
                (life.state().await, life.revocations().await),
                ((State::Uncertain, 0), 1),
                "{class}, {later:?}"
            );
            life.wait(Duration::from_secs(30)).await;
            let progress = life.progress().await;
            if class.sends_sms_in_doubt() {
                assert_eq!((progress.state, progress.step), (State::Queued, 1), "{class}");
                assert!(progress.flags.has(Flag::PossibleDuplicate), "{class}");
            } else {
                assert_eq!(progress.state, State::Unconfirmed, "{class}");
            }
        }
    }
}

#[tokio::test]
async fn a_carrier_of_sms_that_stands_in_for_the_agent_sends_what_may_be_there_by_class() {
    for class in Class::ALL {
        let mut life = Life::of(class, "both").await;
        life.claim("rbm", 0).await.unwrap();
        life.fall().await;
        match life.claim_sms(0).await {
            Some(sms) => {
                assert!(class.sends_sms_in_doubt(), "{class}");
                life.settle(&sms, &taken("sms-id")).await;
                let flags = life.progress().await.flags;
                assert!(flags.has(Flag::PossibleDuplicate) && !flags.has(Flag::MayBeThere));
                life.say(RcsSaid::Delivered).await;
                assert!(life.progress().await.flags.has(Flag::DeliveredTwice));
            }
            None => {
                assert!(!class.sends_sms_in_doubt(), "{class}");
                assert_eq!(life.state().await, (State::Scheduled, 0), "{class}");
                life.wait(Duration::from_secs(10)).await;
                life.accepted().await;
                assert_eq!(life.state().await, (State::Submitted, 0), "its agent is back: {class}");
            }
        }
    }
}

#[tokio::test]
async fn what_may_be_there_when_its_time_is_over_has_not_expired() {
    for by_sms in [false, true] {
        let mut life = Life::of(Class::Service, "both").await;
        life.claim("rbm", 0).await.unwrap();
        life.fall().await;
        if by_sms {
            assert!(life.claim_sms(0).await.is_none());
        }
        life.wait(Duration::from_hours(1)).await;
        life.wait(Duration::from_mins(1)).await;
        let progress = life.progress().await;
        assert_eq!(
            (progress.state, progress.reason),
            (State::Unconfirmed, Some(Reason::NoReceipt)),
            "{by_sms}"
        );
        life.say(RcsSaid::Delivered).await;
        let progress = life.progress().await;
        assert_eq!(progress.state, State::Delivered);
        assert!(!progress.flags.has(Flag::DeliveredTwice));
    }
}

#[tokio::test]
async fn where_nothing_else_follows_a_lost_answer_is_tried_again_for_as_long_as_it_is_worth_it() {
    let mut life = Life::of(Class::Service, "rcs").await;
    let mut tries = 0;
    for _ in 0..400 {
        if let Some(claimed) = life.claim("rbm", 0).await {
            life.settle(&claimed, &Outcome::Uncertain).await;
            tries += 1;
        }
        if life.now >= NOW.after(Duration::from_mins(58)) {
            break;
        }
        assert_eq!(life.state().await, (State::Scheduled, 0), "after {tries} tries");
        life.wait(Duration::from_secs(10)).await;
    }
    assert!((8..30).contains(&tries), "{tries} tries, further and further apart");
    life.wait(Duration::from_mins(2)).await;
    assert_eq!(life.revocations().await, 1, "over: nobody wants to see it now");
    life.wait(Duration::from_secs(30)).await;
    assert_eq!(life.state().await.0, State::Unconfirmed);
}

#[tokio::test]
async fn a_lost_answer_that_is_given_by_a_later_try_is_forgotten() {
    let mut life = Life::of(Class::Service, "rcs").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &Outcome::Uncertain).await;
    life.wait(Duration::from_secs(10)).await;
    life.accepted().await;
    life.say(RcsSaid::Delivered).await;
    assert_eq!(life.state().await.0, State::Delivered);
}

#[tokio::test]
async fn an_agent_tells_of_its_own_messages_alone_even_after_their_sms_has_left() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    let before = life.progress().await;
    life.say_by("other", RcsSaid::Revoked).await;
    assert_eq!(life.progress().await, before);
    life.say(RcsSaid::Revoked).await;
    let sms = life.claim("tim", 1).await.unwrap();
    life.settle(&sms, &taken("sms-id")).await;
    let before = life.progress().await;
    life.say_by("other", RcsSaid::Delivered).await;
    assert_eq!(life.progress().await, before);
    life.say(RcsSaid::Delivered).await;
    assert!(life.progress().await.flags.has(Flag::DeliveredTwice));
}

#[tokio::test]
async fn what_a_platform_has_had_is_queued_anew_for_sms_or_not_at_all() {
    let mut life = Life::of(Class::Service, "rcs").await;
    life.accepted().await;
    life.say(RcsSaid::Revoked).await;
    assert_eq!(life.state().await.0, State::Undelivered);
    assert_eq!(life.requeue().await, ActResult::IdSpent);
    assert_eq!(life.state().await.0, State::Undelivered);

    let mut life = Life::of(Class::Service, "both").await;
    life.accepted().await;
    life.say(RcsSaid::Revoked).await;
    let sms = life.claim("tim", 1).await.unwrap();
    let refused = Outcome::Refused {
        status: 1,
        reason: Reason::CarrierRefused,
    };
    life.settle(&sms, &refused).await;
    assert_eq!(life.requeue().await, ActResult::Done(State::Queued));
    assert_eq!(life.state().await, (State::Queued, 1));

    let mut life = Life::of(Class::Service, "rcs").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &Outcome::NotReachable { status: 404 }).await;
    assert_eq!(
        life.requeue().await,
        ActResult::Done(State::Queued),
        "it never was there"
    );
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

#[tokio::test]
async fn a_fault_of_the_agent_takes_the_next_step_and_is_not_told_as_a_handset_out_of_reach() {
    let refused = Outcome::Rejected {
        status: 400,
        reason: Reason::RejectedContent,
        field: Some("messageTrafficType".into()),
    };
    let mut life = Life::of(Class::Service, "both").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &refused).await;
    let events = |record: &crate::store::MessageRecord| {
        let last = record.events.last().unwrap();
        (last.kind, last.code, last.note.as_deref().map(str::to_owned))
    };
    let record = life.record().await;
    let note = Some("rejected_content messageTrafficType".to_owned());
    assert_eq!(events(&record), (EventKind::NextStep, Some(400), note));
    assert!(life.claim("tim", 1).await.is_some(), "a customer gets his message");
    // Without another way it ends for that reason.
    let mut life = Life::of(Class::Service, "rcs").await;
    let claimed = life.claim("rbm", 0).await.unwrap();
    life.settle(&claimed, &refused).await;
    let record = life.record().await;
    let ended = (record.row.progress.state, record.row.progress.reason);
    assert_eq!(ended, (State::Failed, Some(Reason::RejectedContent)));
    let note = Some("messageTrafficType".to_owned());
    assert_eq!(events(&record), (EventKind::Refused, Some(400), note));
}

#[tokio::test]
async fn after_the_fallback_what_rcs_took_and_tells_late_is_still_of_rcs_and_a_second_delivery_is_told() {
    let mut life = Life::of(Class::Otp, "both").await;
    life.accepted().await;
    life.wait(WAIT).await;
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
    let batch = Batch {
        receipts: vec![receipt],
        ..Batch::new(life.now)
    };
    life.commit(batch).await;
    life.say(RcsSaid::Delivered).await;
    life.say(RcsSaid::Delivered).await;
    life.say(RcsSaid::Read).await;
    let told = [
        EventKind::Submitted,
        EventKind::Revoking,
        EventKind::NextStep,
        EventKind::ReceiptAgain,
        EventKind::Read,
    ];
    assert_eq!(life.carriers().await, told.map(|kind| (kind, "rbm".to_owned())));
    assert!(life.events().await.contains(&taken_by_rcs()), "its id is kept");
    let query = crate::store::NoticeQuery {
        after: Some(0),
        limit: 99,
        ..crate::store::NoticeQuery::default()
    };
    let notices = life.store.notices(&query).await.unwrap().rows;
    let mut heard: Vec<_> = notices
        .iter()
        .map(|record| {
            (
                record.notice.seq,
                record.notice.kind.as_str(),
                record.notice.carrier.clone().unwrap().to_string(),
            )
        })
        .collect();
    heard.sort_unstable();
    let heard: Vec<_> = heard
        .iter()
        .map(|(_, kind, carrier)| (*kind, carrier.as_str()))
        .collect();
    let expected = [
        ("message.submitted", "rbm"),
        ("message.submitted", "tim"),
        ("message.delivered", "tim"),
        ("message.delivered", "rbm"),
        ("message.read", "rbm"),
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn what_the_platform_would_try_longer_than_it_is_worth_is_taken_back_at_its_expiry_and_expires() {
    for route in ["both", "rcs"] {
        let mut life = Life::of(Class::Otp, route).await;
        let claimed = life.claim("rbm", 0).await.unwrap();
        let left = Duration::from_secs(4);
        life.now = claimed.progress.expires_at.before(left);
        life.settle(&claimed, &taken("rcs-id")).await;
        life.wait(left.checked_sub(Duration::from_secs(1)).unwrap()).await;
        assert_eq!(life.revocations().await, 0);
        life.wait(Duration::from_secs(1)).await;
        assert_eq!(
            life.revocations().await,
            1,
            "{route}: not to be delivered after its time"
        );
        life.say(RcsSaid::Revoked).await;
        let progress = life.progress().await;
        let end = (progress.state, progress.reason);
        assert_eq!(end, (State::Expired, Some(Reason::ValidityOver)), "{route}");
    }
}
