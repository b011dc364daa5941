//! What follows from a call: an answer for the customer, another call, a question what became of it, or the truth that
//! nobody knows. Values in, values out.

use std::time::Duration;

use crate::backend::{Called, Said, Swapped};
use crate::domain::UnixMillis;
use crate::outbox::backoff;

/// Between two calls.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// Questions what became of a call, beyond its own tries, before it is said that nobody knows.
const MOST_ASKED: u16 = 10;

/// What may be done about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// Tries beyond the first.
    pub(super) retries: u16,
    /// Whether it may be made again though it may have been done.
    pub(super) idempotent: bool,
    /// Whether one may ask what became of it.
    pub(super) can_ask: bool,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// It is over.
    Over(End),
    /// Another call is due.
    Again {
        /// When.
        at: UnixMillis,
        /// Whether it asks what became of it.
        asks: bool,
        /// Whether what was called so far may have been done.
        doubt: bool,
    },
}

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// The back end answered.
    Answered(Said),
    /// The back end does not do it.
    Refused(Said),
    /// It was not asked for: the SIM of the number was changed, or nobody says that it was not. The word for the books.
    Stopped(&'static str),
    /// Nothing was done.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl End {
    /// The word for counters.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Refused(_) => "refused",
            Self::Stopped(_) => "stopped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What follows from the outcome of a call; `attempts` counts it, and `doubt` says that one before may have been done.
pub(super) fn after(
    called: &Called,
    asked: bool,
    doubt: bool,
    attempts: u16,
    manner: Manner,
    now: UnixMillis,
    jitter: f64,
) -> After {
    let at = now.after(backoff(RETRY_MIN, RETRY_MAX, attempts.saturating_sub(1), jitter));
    let more = attempts <= manner.retries;
    let ask_more = attempts <= manner.retries.saturating_add(MOST_ASKED);
    let call = |doubt| After::Again { at, asks: false, doubt };
    let ask = After::Again {
        at,
        asks: true,
        doubt: true,
    };
    match called {
        Called::Answered(said) if said.result.as_deref() == Some("pending") => {
            if manner.can_ask && ask_more {
                ask
            } else {
                After::Over(End::Answered(said.clone()))
            }
        }
        Called::Answered(said) => After::Over(End::Answered(said.clone())),
        // It never came: so it was not done, and may be.
        Called::Refused { status: 404, .. } if asked && more => call(false),
        Called::Refused { status: 404, .. } if asked => After::Over(End::Failed),
        Called::Refused { said, .. } if !asked => After::Over(End::Refused(said.clone())),
        Called::NotDone(_) if !asked && more => call(doubt),
        Called::NotDone(_) if !asked && doubt => After::Over(End::Unknown),
        Called::NotDone(_) if !asked => After::Over(End::Failed),
        // The question was not answered: what became of the call is as unknown as before.
        Called::Refused { .. } | Called::NotDone(_) | Called::Unknown(_) if asked && ask_more => ask,
        Called::Refused { .. } | Called::NotDone(_) | Called::Unknown(_) if asked => After::Over(End::Unknown),
        Called::Refused { .. } | Called::NotDone(_) | Called::Unknown(_) => match manner {
            Manner { idempotent: true, .. } if more => call(true),
            Manner { can_ask: true, .. } if ask_more => ask,
            _ => After::Over(End::Unknown),
        },
    }
}

/// What follows for a call that a process made which is no more: it may have been done.
pub(super) fn orphaned(asked: bool, attempts: u16, manner: Manner, now: UnixMillis) -> After {
    let asks = asked || !manner.idempotent;
    if asks && !manner.can_ask {
        return After::Over(End::Unknown);
    }
    if attempts > manner.retries.saturating_add(MOST_ASKED) {
        return After::Over(End::Unknown);
    }
    After::Again {
        at: now,
        asks,
        doubt: true,
    }
}

/// What follows from what is known of the SIM before a call; `None` where the call may be made. `doubt` says that a try
/// before this one may have been done.
pub(super) fn before(swapped: Swapped, money: bool, doubt: bool) -> Option<End> {
    let word = match swapped {
        Swapped::Yes => "sim_swapped",
        // What is not known counts as a change where money moves.
        Swapped::Unknown(_) if money => "sim_unknown",
        Swapped::Unknown(_) | Swapped::No => return None,
    };
    Some(if doubt { End::Unknown } else { End::Stopped(word) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Failure;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn money(can_ask: bool) -> Manner {
        Manner {
            retries: 3,
            idempotent: false,
            can_ask,
        }
    }

    fn harmless() -> Manner {
        Manner {
            retries: 3,
            idempotent: true,
            can_ask: false,
        }
    }

    fn refused(status: u16) -> Called {
        Called::Refused {
            status,
            said: Said::default(),
        }
    }

    #[test]
    fn a_money_command_whose_outcome_is_not_known_is_never_made_again_blindly() {
        for failure in [Failure::Timeout, Failure::Broken, Failure::Status(503)] {
            let called = Called::Unknown(failure);
            assert_eq!(
                after(&called, false, false, 1, money(false), NOW, 0.0),
                After::Over(End::Unknown)
            );
            assert!(matches!(
                after(&called, false, false, 1, money(true), NOW, 0.0),
                After::Again { asks: true, .. }
            ));
        }
        assert_eq!(orphaned(false, 1, money(false), NOW), After::Over(End::Unknown));
        assert_eq!(
            orphaned(false, 1, money(true), NOW),
            After::Again {
                at: NOW,
                asks: true,
                doubt: true
            }
        );
    }

    #[test]
    fn what_never_reached_the_back_end_is_tried_again_whatever_it_moves() {
        let called = Called::NotDone(Failure::Connect);
        for attempts in 1..=3 {
            assert!(matches!(
                after(&called, false, false, attempts, money(false), NOW, 0.0),
                After::Again { asks: false, .. }
            ));
        }
        assert_eq!(
            after(&called, false, false, 4, money(false), NOW, 0.0),
            After::Over(End::Failed)
        );
    }

    #[test]
    fn what_may_have_been_done_once_is_never_told_as_not_done() {
        let tried = |called: Called, doubt, attempts| after(&called, false, doubt, attempts, harmless(), NOW, 0.0);
        let (busy, mute) = (
            || Called::NotDone(Failure::Status(429)),
            || Called::Unknown(Failure::Timeout),
        );
        for (called, before, doubt) in [(busy(), false, false), (mute(), false, true), (busy(), true, true)] {
            let again = tried(called, before, 1);
            assert!(
                matches!(again, After::Again { asks: false, doubt: now, .. } if now == doubt),
                "{again:?}"
            );
        }
        assert_eq!(tried(busy(), true, 4), After::Over(End::Unknown));
        assert_eq!(tried(busy(), false, 4), After::Over(End::Failed));
    }

    #[test]
    fn a_harmless_call_is_made_again_and_given_up_in_the_end() {
        let called = Called::Unknown(Failure::Timeout);
        assert!(matches!(
            after(&called, false, false, 3, harmless(), NOW, 0.0),
            After::Again { asks: false, .. }
        ));
        assert_eq!(
            after(&called, false, false, 4, harmless(), NOW, 0.0),
            After::Over(End::Unknown)
        );
        assert_eq!(
            orphaned(false, 1, harmless(), NOW),
            After::Again {
                at: NOW,
                asks: false,
                doubt: true
            }
        );
    }

    #[test]
    fn a_question_that_finds_nothing_allows_the_call_and_one_without_answer_is_asked_again() {
        assert!(matches!(
            after(&refused(404), true, false, 2, money(true), NOW, 0.0),
            After::Again { asks: false, .. }
        ));
        for called in [
            refused(403),
            Called::NotDone(Failure::Connect),
            Called::Unknown(Failure::Timeout),
        ] {
            assert!(matches!(
                after(&called, true, false, 2, money(true), NOW, 0.0),
                After::Again { asks: true, .. }
            ));
            assert_eq!(
                after(&called, true, false, 14, money(true), NOW, 0.0),
                After::Over(End::Unknown)
            );
        }
        assert_eq!(
            after(&refused(403), false, false, 1, money(true), NOW, 0.0),
            After::Over(End::Refused(Said::default()))
        );
    }

    #[test]
    fn an_answer_that_is_still_to_come_is_asked_for() {
        let pending = Called::Answered(Said {
            result: Some("pending".into()),
            ..Said::default()
        });
        assert!(matches!(
            after(&pending, false, false, 1, money(true), NOW, 0.0),
            After::Again { asks: true, .. }
        ));
        assert!(matches!(
            after(&pending, false, false, 1, money(false), NOW, 0.0),
            After::Over(End::Answered(_))
        ));
    }

    #[test]
    fn a_changed_sim_stops_all_and_one_that_nobody_knows_stops_money() {
        let unknown = Swapped::Unknown(Failure::Timeout);
        for (swapped, money, follows) in [
            (Swapped::No, true, None),
            (Swapped::No, false, None),
            (Swapped::Yes, true, Some(End::Stopped("sim_swapped"))),
            (Swapped::Yes, false, Some(End::Stopped("sim_swapped"))),
            (unknown, true, Some(End::Stopped("sim_unknown"))),
            (unknown, false, None),
        ] {
            assert_eq!(before(swapped, money, false), follows, "{swapped} {money}");
        }
        // Where an earlier try may have been done, nobody says that nothing was.
        assert_eq!(before(Swapped::Yes, true, true), Some(End::Unknown));
    }
}
