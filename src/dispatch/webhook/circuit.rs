//! How much an endpoint is asked at a time: pure.
//!
//! One that fails again and again is paused, and then probed by one post after growing pauses: so a dead endpoint costs
//! a post a pause, and what waits for it loses no try. One that says it has too much to do is asked less at a time. One
//! that was given up, since it fails for days, is probed once an hour.

use std::time::Duration;

use super::policy::slows_down;
use crate::backend::Answer;
use crate::domain::UnixMillis;

/// Failures in a row after which an endpoint is paused.
const FAILURES: u32 = 5;
/// The first pause; doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The pause between the probes of one that was given up.
const GIVEN_UP_PAUSE: Duration = Duration::from_hours(1);
/// The longest pause that an endpoint gets because it wishes so. The notice that met the wish waits as long as was said.
const LONGEST_WISH: Duration = Duration::from_hours(1);

/// An endpoint's circuit.
#[derive(Debug)]
pub(super) struct Circuit {
    /// Posts at a time when all is well, at least 1.
    most: usize,
    /// The longest pause that we make of our own accord.
    longest: Duration,
    /// Posts at a time at present.
    allowed: usize,
    /// Failures since the last post that was taken.
    failures: u32,
    /// The last pause made.
    pause: Duration,
    /// It is probed alone, until it takes a post.
    given_up: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All goes.
    Closed,
    /// Nothing goes until then.
    Open { until: UnixMillis },
    /// One post finds out.
    Probing,
}

impl Circuit {
    pub(super) fn new(most: usize, longest: Duration) -> Self {
        Self {
            most: most.max(1),
            longest,
            allowed: most.max(1),
            failures: 0,
            pause: Duration::ZERO,
            given_up: false,
            state: State::Closed,
        }
    }

    /// The endpoint is switched off for failing: from now on it is only probed.
    pub(super) fn give_up(&mut self) {
        if !std::mem::replace(&mut self.given_up, true) && self.state == State::Closed {
            self.state = State::Probing;
        }
    }

    /// How many posts may be under way now.
    pub(super) fn allowed(&mut self, now: UnixMillis) -> usize {
        if matches!(self.state, State::Open { until } if until <= now) {
            self.state = State::Probing;
        }
        match self.state {
            State::Closed => self.allowed,
            State::Open { .. } => 0,
            State::Probing => 1,
        }
    }

    /// Until when nothing goes.
    pub(super) fn paused_until(&self) -> Option<UnixMillis> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed | State::Probing => None,
        }
    }

    /// A post was answered.
    pub(super) fn answered(&mut self, answer: Answer, now: UnixMillis) {
        match answer {
            Answer::Taken { .. } => {
                (self.failures, self.pause, self.state) = (0, Duration::ZERO, State::Closed);
                self.given_up = false;
                self.allowed = (self.allowed + 1).min(self.most);
            }
            Answer::Gone => {}
            Answer::Failed { failure, retry_after } => {
                self.failures = self.failures.saturating_add(1);
                let slow = slows_down(failure);
                if slow {
                    self.allowed = (self.allowed / 2).max(1);
                }
                // Those that were under way when it was paused tell nothing new.
                let fails = match self.state {
                    State::Closed => self.failures >= FAILURES,
                    State::Open { .. } => false,
                    State::Probing => true,
                };
                if fails {
                    self.pause = match self.given_up {
                        true => GIVEN_UP_PAUSE,
                        false => (self.pause * 2).clamp(FIRST_PAUSE, self.longest.max(FIRST_PAUSE)),
                    };
                    self.open(now.after(self.pause));
                }
                if let Some(wished) = retry_after.filter(|_| slow) {
                    self.open(now.after(wished.min(LONGEST_WISH)));
                }
            }
        }
    }

    /// A person has switched it on again: what was before is forgotten.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.most, self.longest);
    }

    fn open(&mut self, until: UnixMillis) {
        let until = self.paused_until().map_or(until, |known| known.max(until));
        self.state = State::Open { until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Failure;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn at(secs: u64) -> UnixMillis {
        NOW.after(Duration::from_secs(secs))
    }

    fn circuit() -> Circuit {
        Circuit::new(8, Duration::from_secs(30))
    }

    #[test]
    fn failures_in_a_row_pause_an_endpoint_and_pauses_grow_to_a_bound() {
        let mut circuit = circuit();
        let failed = Failure::Timeout.into();
        for _ in 0..4 {
            circuit.answered(failed, NOW);
        }
        assert_eq!(circuit.allowed(NOW), 8);
        circuit.answered(failed, NOW);
        assert_eq!((circuit.allowed(at(4)), circuit.paused_until()), (0, Some(at(5))));
        let mut now = at(5);
        for pause in [10, 20, 30, 30] {
            assert_eq!(circuit.allowed(now), 1);
            circuit.answered(failed, now);
            let until = now.after(Duration::from_secs(pause));
            assert_eq!((circuit.allowed(now), circuit.paused_until()), (0, Some(until)));
            now = until;
        }
        assert_eq!(circuit.allowed(now), 1);
        circuit.answered(Answer::Taken { status: 200 }, now);
        assert_eq!(circuit.allowed(now), 8);
    }

    #[test]
    fn posts_under_way_when_an_endpoint_is_paused_make_the_pause_no_longer() {
        let mut circuit = circuit();
        for _ in 0..12 {
            circuit.answered(Failure::Connect.into(), NOW);
        }
        assert_eq!(circuit.paused_until(), Some(at(5)));
        assert_eq!(circuit.allowed(at(5)), 1);
    }

    #[test]
    fn one_that_was_given_up_is_probed_once_an_hour_until_it_takes_a_post() {
        let mut circuit = circuit();
        circuit.give_up();
        assert_eq!(circuit.allowed(NOW), 1);
        for hour in 1..4 {
            let next = at(hour * 3_600);
            circuit.answered(Failure::Timeout.into(), next.before(GIVEN_UP_PAUSE));
            // What is said again changes nothing.
            circuit.give_up();
            assert_eq!(circuit.allowed(next.before(Duration::from_millis(1))), 0);
            assert_eq!(circuit.allowed(next), 1);
        }
        circuit.answered(Answer::Taken { status: 200 }, at(3 * 3_600));
        assert_eq!(circuit.allowed(at(3 * 3_600)), 8);
    }

    #[test]
    fn one_that_fails_now_and_then_is_not_paused() {
        let mut circuit = circuit();
        for _ in 0..20 {
            for _ in 0..4 {
                circuit.answered(Failure::Status(400).into(), NOW);
            }
            circuit.answered(Answer::Taken { status: 200 }, NOW);
        }
        assert_eq!(circuit.allowed(NOW), 8);
    }

    #[test]
    fn one_with_too_much_to_do_is_asked_less_and_left_alone_as_long_as_it_wishes() {
        let mut circuit = circuit();
        circuit.answered(Failure::Status(429).into(), NOW);
        assert_eq!(circuit.allowed(NOW), 4);
        let wish = Answer::Failed {
            failure: Failure::Status(503),
            retry_after: Some(Duration::from_secs(90)),
        };
        circuit.answered(wish, NOW);
        assert_eq!((circuit.allowed(at(89)), circuit.allowed(at(90))), (0, 1));
        circuit.answered(Answer::Taken { status: 204 }, at(90));
        assert_eq!(circuit.allowed(at(90)), 3);
    }
}
