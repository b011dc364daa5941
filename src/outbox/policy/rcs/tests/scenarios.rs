//! The scenarios of the fact sheet, each lived through by every class that it means: once where the SMS leaves as soon as it
//! waits, and once where it leaves in the end.

use serde_json::Value;

use super::*;

const SCENARIOS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/protocols/rcs/tests/vectors/samples/fallback-scenarios.json"
));
/// How much longer than the platform the scenarios wait by themselves.
const GRACE: Duration = Duration::from_secs(15);
/// Told by the worker that hears users, and tested there.
const OF_CONSENT_ALONE: &str = "unsubscribe-double-signal";
/// What a handset cannot show goes by SMS at once: of what it can show the carrier has asked before.
const NOT_TRIED_AGAIN: &str = "unsupported-feature";

/// A scenario as one class lives through it.
struct Scenario<'s> {
    is: &'s Value,
    life: Life,
    /// Whether a carrier takes the SMS as soon as it waits.
    at_once: bool,
    /// When it began.
    begun: UnixMillis,
    sms: u64,
}

impl<'s> Scenario<'s> {
    async fn of(is: &'s Value, class: Class, at_once: bool) -> Self {
        let ttl = Duration::from_secs(is["ttlSeconds"].as_u64().unwrap());
        let mut policy = policy();
        let steps = vec![PlanStep::rcs(Some(ttl + GRACE)), PlanStep::sms(None)];
        policy.steps.insert(name("both"), steps);
        let message = NewMessage {
            expires_at: NOW.after(Duration::from_hours(24)),
            ..message(class, "both")
        };
        let mut life = Life {
            store: MemoryStore::default(),
            policy,
            id: message.id,
            class,
            route: "both",
            now: NOW,
        };
        let batch = Batch {
            enqueue: vec![Enqueue::new(message)],
            ..Batch::new(NOW)
        };
        life.commit(batch).await;
        Self {
            is,
            life,
            at_once,
            begun: NOW,
            sms: 0,
        }
    }

    /// Lives through its steps and a minute more.
    async fn live(&mut self) {
        let steps = self.is["steps"].as_array().unwrap();
        for (place, step) in steps.iter().enumerate() {
            let at = Duration::from_secs_f64(step["t"].as_f64().unwrap());
            self.pass(self.begun.after(at)).await;
            if !step["create"].is_null() {
                // Tries of one claim are the carrier's: the last one is its outcome.
                let again = steps.get(place + 1).is_some_and(|next| !next["create"].is_null());
                if !again || step["create"] == 400 {
                    self.create(&step["create"]).await;
                }
            } else if let Some(told) = step["webhook"].as_str() {
                self.hear(told).await;
            } else if !step["revoke"].is_null() {
                assert_eq!(
                    self.life.revocations().await,
                    1,
                    "{}: it is asked back",
                    self.is["name"]
                );
                let in_time = step["revoke"] == 200;
                self.say(if in_time { RcsSaid::Revoked } else { RcsSaid::NotRevoked })
                    .await;
            }
            self.take_sms(self.at_once).await;
        }
        self.pass(self.life.now.after(Duration::from_mins(1))).await;
        self.take_sms(true).await;
    }

    /// Time passes, a second at a time.
    async fn pass(&mut self, until: UnixMillis) {
        while self.life.now < until {
            let step = until.since(self.life.now).min(Duration::from_secs(1));
            self.life.wait(step).await;
            self.take_sms(self.at_once).await;
        }
    }

    async fn create(&mut self, answer: &Value) {
        let Some(claimed) = self.life.claim("rbm", 0).await else {
            return assert_eq!(self.is["name"], NOT_TRIED_AGAIN);
        };
        let outcome = match answer.as_u64() {
            Some(200) => taken("rcs-id"),
            Some(status @ (400 | 404)) => Outcome::NotReachable { status: status as u32 },
            Some(429) => Outcome::NextStep { status: 429 },
            other => panic!("{other:?}"),
        };
        self.life.settle(&claimed, &outcome).await;
    }

    async fn hear(&mut self, told: &str) {
        match told {
            "DELIVERED" => self.say(RcsSaid::Delivered).await,
            "READ" => {
                self.say(RcsSaid::Delivered).await;
                self.say(RcsSaid::Read).await;
            }
            "TTL_EXPIRATION_REVOKED" => self.say(RcsSaid::Revoked).await,
            "TTL_EXPIRATION_REVOKE_FAILED" => self.say(RcsSaid::NotRevoked).await,
            "UNSUBSCRIBE" => self.life.stop().await,
            other => panic!("{other}"),
        }
    }

    /// Says it, and then once more: that changes nothing.
    async fn say(&mut self, said: RcsSaid) {
        self.life.say(said).await;
        let (progress, events) = (self.life.progress().await, self.life.events().await);
        self.life.say(said).await;
        assert_eq!(
            (self.life.progress().await, self.life.events().await),
            (progress, events)
        );
    }

    /// A carrier takes the SMS that waits. The writer asks the gate of consent before.
    async fn take_sms(&mut self, does: bool) {
        let claimed = if does { self.life.claim("tim", 1).await } else { None };
        let Some(claimed) = claimed else { return };
        assert!(
            !self.life.policy.gate.withholds(&claimed_for(&claimed)),
            "an SMS that nobody wants"
        );
        self.sms += 1;
        self.life.settle(&claimed, &taken("sms-id")).await;
    }

    /// How many SMS are to have left.
    fn sms_expected(&self) -> u64 {
        let is_critical = self.life.class.sends_sms_in_doubt();
        match (&self.is["expect"]["sms"], self.is["name"].as_str().unwrap()) {
            (_, NOT_TRIED_AGAIN) => 1,
            (Value::Number(n), _) => n.as_u64().unwrap(),
            (Value::String(_), "ttl-event-then-late-delivered") => self.at_once.into(),
            (Value::String(_), "silence-revoke-says-delivered") => is_critical.into(),
            // That it is refused is known: the SMS takes its place.
            (Value::String(_), "per-user-cap") => 1,
            other => panic!("{other:?}"),
        }
    }

    async fn judge(&mut self) {
        let expected = self.sms_expected();
        let progress = self.life.progress().await;
        let told = format!(
            "{} {} at once {}: {progress:?}",
            self.is["name"], self.life.class, self.at_once
        );
        assert_eq!(self.sms, expected, "{told}");
        let by_rcs = progress.flags.has(Flag::DeliveredByRcs);
        let how = (progress.state, progress.reason, by_rcs);
        let sms_left = (State::Submitted, None, false);
        match self.is["expect"]["final"].as_str().unwrap() {
            "RCS_DELIVERED" => assert_eq!(how, (State::Delivered, None, true), "{told}"),
            "RCS_READ" => assert!(by_rcs && progress.flags.has(Flag::Read), "{told}"),
            "DUPLICATE_POSSIBLE or RCS_DELIVERED" => assert_eq!(how, (State::Delivered, None, true), "{told}"),
            "SUPPRESSED_OPT_OUT" => {
                assert_eq!(how, (State::Suppressed, Some(Reason::OptedOut), false), "{told}");
            }
            "UNKNOWN_OR_SMS" if expected == 0 => {
                assert_eq!(how, (State::Unconfirmed, Some(Reason::NoReceipt), false), "{told}");
            }
            "SMS" | "UNKNOWN_OR_SMS" | "SMS or DROPPED" | "RCS_ACCEPTED_DOWNGRADED" => {
                assert_eq!(how, sms_left, "{told}");
            }
            other => panic!("{other}"),
        }
        let twice = progress.flags.has(Flag::DeliveredTwice);
        assert_eq!(twice, by_rcs && self.sms == 1, "{told}");
        let may_be_twice = self.is["expect"]["duplicateRisk"] == true || self.is["expect"]["final"] == "UNKNOWN_OR_SMS";
        let is_marked = progress.flags.has(Flag::PossibleDuplicate);
        assert_eq!(is_marked, may_be_twice && self.sms == 1, "{told}");
        assert_eq!(self.life.revocations().await, 0, "{told}");
        assert!(
            self.life.claim("rbm", 0).await.is_none(),
            "it is not tried by RCS again: {told}"
        );
    }
}

/// Those that a scenario means.
fn classes(scenario: &Value) -> impl Iterator<Item = Class> {
    let which = scenario["class"].as_str().unwrap().to_owned();
    Class::ALL.into_iter().filter(move |class| match which.as_str() {
        "any" => true,
        "critical" => class.sends_sms_in_doubt(),
        "non-critical" => !class.sends_sms_in_doubt(),
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn every_scenario_of_the_fact_sheet_ends_as_it_says() {
    let scenarios: Vec<Value> = serde_json::from_str(SCENARIOS).unwrap();
    assert_eq!(scenarios.len(), 16);
    for scenario in scenarios.iter().filter(|scenario| scenario["name"] != OF_CONSENT_ALONE) {
        for class in classes(scenario) {
            for at_once in [true, false] {
                let mut lived = Scenario::of(scenario, class, at_once).await;
                lived.live().await;
                lived.judge().await;
            }
        }
    }
}
