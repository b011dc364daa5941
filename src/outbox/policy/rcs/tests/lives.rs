//! Seeded lives of one message: whatever may happen to it, in whichever order, with a platform, a carrier, a process that
//! falls, an agent that is down and a recipient who wants no more.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// What is so, whether the outbox knows it or not.
#[derive(Debug, Default)]
struct Truth {
    /// The platform has taken the message's id.
    platform_has_it: bool,
    /// It said that it has taken the message back.
    withdrawn: bool,
    /// It told of its delivery.
    reported: bool,
    /// SMS that left, or may have.
    sms: u32,
    /// Doubts about them.
    sms_doubts: u32,
    /// An SMS left while the handset may have had it by RCS, or was yet to.
    beside: bool,
    /// Delivered was first reported when a carrier had said that it took the SMS.
    too_late: bool,
    sms_taken: bool,
    /// Answers to tries by RCS that nobody got.
    doubts: u32,
    stopped: bool,
}

struct Story {
    life: Life,
    random: StdRng,
    truth: Truth,
    by_rcs: Option<Arc<Claimed>>,
    by_sms: Option<Arc<Claimed>>,
    told: Vec<String>,
}

impl Story {
    async fn begin(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let class = Class::ALL[random.random_range(0..Class::ALL.len())];
        Self {
            life: Life::of(class, "both").await,
            random,
            truth: Truth::default(),
            by_rcs: None,
            by_sms: None,
            told: Vec::new(),
        }
    }

    async fn something(&mut self) {
        match self.random.random_range(0..14) {
            0 | 1 => {
                let span = Duration::from_secs(self.random.random_range(0..40));
                self.life.wait(span).await;
            }
            2 | 3 => self.claim_by_rcs().await,
            4 | 5 => {
                let how = self.random.random_range(0..7);
                self.settle_by_rcs(how).await;
            }
            // The agent is down, and others stand in for it.
            6 => self.claim_by_sms(0).await,
            7 => self.claim_by_sms(1).await,
            8 => {
                let how = self.random.random_range(0..3);
                self.settle_by_sms(how).await;
            }
            9 => self.fall().await,
            10 if self.random.random_bool(0.2) => self.stop().await,
            11 => self.another_agent_tells().await,
            _ => self.platform_tells().await,
        }
        let progress = self.life.progress().await;
        let (state, step, flags) = (progress.state, progress.step, progress.flags.0);
        self.told.push(format!("  -> {state} {step} {flags:#x}"));
    }

    async fn claim_by_rcs(&mut self) {
        if self.by_rcs.is_none()
            && let Some(claimed) = self.life.claim("rbm", 0).await
        {
            match self.life.policy.held_back(&claimed, self.life.now) {
                None => self.by_rcs = Some(claimed),
                Some((progress, event)) => {
                    let settle = Settle {
                        claimed,
                        progress,
                        event,
                    };
                    let batch = Batch {
                        settle: vec![settle],
                        ..Batch::new(self.life.now)
                    };
                    self.life.commit(batch).await;
                }
            }
            self.tell("claimed by RCS");
        }
    }

    /// A try ends, or the tries do: taken, refused for good or for now, never written, or nobody knows.
    async fn settle_by_rcs(&mut self, how: u32) {
        let Some(claimed) = self.by_rcs.take() else { return };
        let outcome = match how {
            0 | 1 => taken("rcs-id"),
            2 => Outcome::NotReachable { status: 404 },
            3 => BUSY,
            4 => Outcome::NotWritten,
            5 => Outcome::Throttled { status: 503 },
            _ => Outcome::Uncertain,
        };
        match outcome {
            Outcome::Submitted { .. } => self.truth.platform_has_it = true,
            Outcome::Uncertain => self.answer_is_lost(),
            _ => {}
        }
        self.tell(&format!("RCS: {outcome:?}"));
        self.life.settle(&claimed, &outcome).await;
    }

    fn answer_is_lost(&mut self) {
        self.truth.doubts += 1;
        self.truth.platform_has_it |= self.random.random_bool(0.5);
    }

    async fn claim_by_sms(&mut self, step: u8) {
        if self.by_sms.is_some() || self.by_rcs.is_some() {
            return;
        }
        if let Some(claimed) = self.life.claim_sms(step).await {
            self.tell(&format!("claimed by SMS in step {step}"));
            let exempt = matches!(self.life.class, Class::Otp | Class::Alert);
            assert!(!self.truth.stopped || exempt, "an SMS after a STOP: {}", self.story());
            let shown = self.truth.platform_has_it && !self.truth.withdrawn;
            let copy = claimed.progress.copies > 0;
            assert!(
                self.life.class.sends_sms_in_doubt() || !shown || copy,
                "an SMS beside RCS for what is merely useful: {}",
                self.story()
            );
            self.by_sms = Some(claimed);
        }
    }

    async fn settle_by_sms(&mut self, how: u32) {
        let Some(claimed) = self.by_sms.take() else { return };
        let outcome = match how {
            0 => Outcome::NotWritten,
            1 => Outcome::Uncertain,
            _ => taken("sms-id"),
        };
        self.tell(&format!("SMS: {outcome:?}"));
        if outcome != Outcome::NotWritten {
            self.sms_may_have_left();
            self.truth.sms_doubts += u32::from(outcome == Outcome::Uncertain);
        }
        let before = self.life.progress().await;
        self.truth.sms_taken |= how >= 2 && before.state == State::Claimed;
        self.life.settle(&claimed, &outcome).await;
    }

    fn sms_may_have_left(&mut self) {
        self.truth.sms += 1;
        self.truth.beside |= self.truth.platform_has_it && !self.truth.withdrawn;
    }

    async fn fall(&mut self) {
        self.tell("the process falls");
        if self.by_rcs.take().is_some() {
            self.answer_is_lost();
        }
        if self.by_sms.take().is_some() {
            self.sms_may_have_left();
            self.truth.sms_doubts += 1;
        }
        self.life.fall().await;
    }

    async fn stop(&mut self) {
        self.tell("STOP");
        self.life.stop().await;
        self.truth.stopped = true;
    }

    async fn another_agent_tells(&mut self) {
        let before = self.life.progress().await;
        let said = [RcsSaid::Delivered, RcsSaid::Revoked, RcsSaid::NotRevoked, RcsSaid::Read];
        let said = said[self.random.random_range(0..said.len())];
        self.life.say_by("other", said).await;
        assert_eq!(self.life.progress().await, before, "{}", self.story());
    }

    /// A platform tells nothing but what it has made of the message; and asked for one that it never had, that it could not
    /// take it back.
    async fn platform_tells(&mut self) {
        let has_it = self.truth.platform_has_it;
        let is_asked = self.life.revocations().await > 0;
        let said = match self.random.random_range(0..4) {
            0 if has_it => RcsSaid::Delivered,
            1 if has_it => RcsSaid::Read,
            2 if has_it && !self.truth.reported => RcsSaid::Revoked,
            3 if has_it || is_asked => RcsSaid::NotRevoked,
            _ => return,
        };
        match said {
            RcsSaid::Delivered | RcsSaid::Read => {
                self.truth.too_late |= !self.truth.reported && self.truth.sms_taken;
                self.truth.reported = true;
            }
            RcsSaid::Revoked => self.truth.withdrawn = true,
            RcsSaid::NotRevoked | RcsSaid::Tapped { .. } => {}
        }
        self.tell(&format!("told {said:?}"));
        self.life.say(said).await;
    }

    /// All that is open comes to its end: the agent takes part, or is down for good.
    async fn end(&mut self) {
        let outage = self.random.random_bool(0.5);
        self.tell(if outage { "the agent is down" } else { "quiet" });
        for _ in 0..12 {
            if outage {
                self.settle_by_rcs(5).await;
                self.claim_by_sms(0).await;
            } else {
                self.claim_by_rcs().await;
                self.settle_by_rcs(6).await;
            }
            self.settle_by_sms(2).await;
            self.life.wait(Duration::from_secs(40)).await;
            self.claim_by_sms(1).await;
            self.settle_by_sms(2).await;
        }
        for _ in 0..4 {
            self.life.wait(Duration::from_hours(25)).await;
        }
    }

    async fn judge(&mut self) {
        let progress = self.life.progress().await;
        let (class, truth) = (self.life.class, &self.truth);
        let told = || self.story();
        let copies = truth.sms_doubts.min(u32::from(class.copies_allowed()));
        assert!(truth.sms <= 1 + copies, "an SMS too many: {}", told());
        let is_delivered = progress.state == State::Delivered;
        assert_eq!(
            is_delivered,
            truth.reported,
            "delivered wins, and nothing else: {}",
            told()
        );
        assert!(
            truth.stopped || progress.state != State::Suppressed,
            "nobody said STOP: {}",
            told()
        );
        let exempt = matches!(class, Class::Otp | Class::Alert);
        let unwanted = matches!(progress.state, State::Suppressed | State::Unconfirmed);
        let suppressed = truth.stopped && !exempt && unwanted;
        assert!(
            truth.reported || truth.sms > 0 || suppressed || truth.doubts > 0 || truth.platform_has_it,
            "nobody has tried it: {}",
            told()
        );
        if class.sends_sms_in_doubt() {
            assert!(
                truth.reported || truth.sms > 0 || suppressed,
                "silence where it harms: {}",
                told()
            );
        }
        if truth.beside {
            let noted = [Flag::PossibleDuplicate, Flag::DeliveredTwice].map(|flag| progress.flags.has(flag));
            assert!(
                noted.contains(&true),
                "two copies may be out, and nobody is told: {}",
                told()
            );
        }
        if truth.too_late {
            assert!(
                progress.flags.has(Flag::DeliveredTwice),
                "twice, and not noted: {}",
                told()
            );
        }
        assert!(
            progress.state.is_final() || (progress.state == State::Submitted && progress.wake_at.is_none()),
            "no end: {}",
            told()
        );
        assert_eq!(
            self.life.revocations().await,
            0,
            "nothing is left to ask: {}",
            self.story()
        );
    }

    fn tell(&mut self, what: &str) {
        self.told.push(what.to_owned());
    }

    fn story(&self) -> String {
        let (class, truth) = (self.life.class, &self.truth);
        format!("{class}: {truth:?}\n{}", self.told.join("\n"))
    }
}

async fn live(seed: u64) {
    let mut story = Story::begin(seed).await;
    story.tell(&format!("ARALDO_SEED={seed}"));
    for _ in 0..story.random.random_range(1..20) {
        story.something().await;
    }
    story.end().await;
    story.judge().await;
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
