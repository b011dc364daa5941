//! What becomes of notices whose post was answered: pure rules.

use std::time::Duration;

use crate::backend::{Answer, Failure};
use crate::domain::UnixMillis;
use crate::store::{Fate, NoticeSettle, Seq};

/// The waits between the tries of a notice. After the last of them it is given up.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];
/// The share of a wait that chance adds at the most, so that what failed together does not come back together.
const SPREAD: f64 = 0.1;
/// Failures of a post of several after which it is halved, again and again, until the bad member stands alone.
const HALVED_AFTER: u16 = 3;
/// The shortest pause that an endpoint is believed to want.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A post that was tried.
pub(super) struct Tried<'a> {
    /// Its notices, in their order, and how often each was tried before.
    pub(super) members: &'a [(Seq, u16)],
    /// Whether it went to an address that its message names.
    pub(super) callback: bool,
    /// Whether it was to find out if an endpoint that was given up is back.
    pub(super) probe: bool,
    /// When it was sent.
    pub(super) at: UnixMillis,
    /// When it was answered.
    pub(super) now: UnixMillis,
}

/// What becomes of a post's notices. `jitter` in `0.0..1.0` spreads the tries.
pub(super) fn settle(tried: &Tried<'_>, answer: Answer, jitter: f64) -> Vec<NoticeSettle> {
    let before = tried.members.iter().map(|(_, attempts)| *attempts).max().unwrap_or(0);
    let all = |fate: Fate, attempts: u16| settled(tried, tried.members, fate, attempts, answer);
    match answer {
        Answer::Taken { .. } => all(Fate::Told, before + 1),
        Answer::Gone if tried.callback => all(Fate::Dead, before + 1),
        // The endpoint is switched off: nothing is lost, and no try is counted.
        Answer::Gone => all(again(tried, tried.now), before),
        // It is the endpoint that was tried: its notices wait for it.
        Answer::Failed { .. } if tried.probe => all(again(tried, tried.now), before),
        Answer::Failed { failure, .. } if halves(tried, before, failure) => {
            // Nobody knows whose fault it was: it counts for none beyond the third.
            let (first, second) = tried.members.split_at(tried.members.len().div_ceil(2));
            let at = tried.now.after(WAITS[0].mul_f64(1.0 + SPREAD * jitter));
            let half = |members: &[(Seq, u16)]| {
                let bundle = bundle(members);
                settled(tried, members, Fate::Again { at, bundle }, HALVED_AFTER, answer)
            };
            [half(first), half(second)].concat()
        }
        Answer::Failed { retry_after, .. } => match WAITS.get(usize::from(before)) {
            None => all(Fate::Dead, before + 1),
            Some(wait) => {
                let wished = retry_after.map_or(Duration::ZERO, |pause| pause.max(SHORTEST_PAUSE));
                let wait = wait.mul_f64(1.0 + SPREAD * jitter).max(wished);
                all(again(tried, tried.now.after(wait)), before + 1)
            }
        },
    }
}

/// Whether a post that failed goes on in two. What cannot be a member's fault halves nothing.
fn halves(tried: &Tried<'_>, before: u16, failure: Failure) -> bool {
    let own_fault = match failure {
        Failure::Status(_) => !slows_down(failure),
        Failure::Timeout | Failure::Broken => true,
        Failure::Connect | Failure::Tls | Failure::Forbidden => false,
    };
    tried.members.len() > 1 && own_fault && before + 1 >= HALVED_AFTER
}

/// Whether the failure says that the endpoint has too much to do (Standard Webhooks 1.0.0).
pub(super) fn slows_down(failure: Failure) -> bool {
    matches!(failure, Failure::Status(429 | 502 | 503 | 504))
}

/// How the answer is written down: `200`, `status_500`, `timeout`.
fn word(answer: Answer) -> Box<str> {
    match answer {
        Answer::Taken { status } => status.to_string(),
        Answer::Gone => Failure::Status(410).to_string(),
        Answer::Failed { failure, .. } => failure.to_string(),
    }
    .into()
}

fn again(tried: &Tried<'_>, at: UnixMillis) -> Fate {
    let bundle = bundle(tried.members);
    Fate::Again { at, bundle }
}

/// Under what the members of a post are kept together; one that stands alone stays alone.
fn bundle(members: &[(Seq, u16)]) -> Option<Seq> {
    members.first().map(|(seq, _)| *seq)
}

fn settled(tried: &Tried<'_>, members: &[(Seq, u16)], fate: Fate, attempts: u16, answer: Answer) -> Vec<NoticeSettle> {
    let outcome = word(answer);
    let of = |(seq, _): &(Seq, u16)| NoticeSettle {
        seq: *seq,
        fate,
        attempts,
        tried_at: tried.at,
        outcome: outcome.clone(),
    };
    members.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis(1_000_000);

    fn tried(members: &[(Seq, u16)]) -> Tried<'_> {
        Tried {
            members,
            callback: false,
            probe: false,
            at: AT,
            now: AT,
        }
    }

    fn failed(failure: Failure) -> Answer {
        failure.into()
    }

    #[test]
    fn tries_follow_the_schedule_and_end() {
        let mut waits = Vec::new();
        for before in 0..8 {
            let members = [(1, before)];
            let done = settle(&tried(&members), failed(Failure::Timeout), 0.0).remove(0);
            assert_eq!((done.attempts, &*done.outcome), (before + 1, "timeout"));
            match done.fate {
                Fate::Again { at, bundle: Some(1) } => waits.push(at.since(AT)),
                Fate::Dead => assert_eq!(before, 7),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(waits, WAITS);
    }

    #[test]
    fn a_wished_pause_is_kept_where_it_is_the_longer_one_and_jitter_adds_a_tenth() {
        let wish = |pause, jitter| {
            let answer = Answer::Failed {
                failure: Failure::Status(503),
                retry_after: Some(pause),
            };
            match settle(&tried(&[(1, 0)]), answer, jitter)[0].fate {
                Fate::Again { at, .. } => at.since(AT),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wish(Duration::from_hours(3), 0.0), Duration::from_hours(3));
        assert_eq!(wish(Duration::ZERO, 0.0), Duration::from_secs(5));
        assert_eq!(wish(Duration::ZERO, 1.0), Duration::from_millis(5_500));
    }

    #[test]
    fn members_stay_together_until_the_third_failure_and_are_halved_from_then_on() {
        let fates = |members: &[(Seq, u16)], failure| -> Vec<(Seq, u16, Option<Seq>, u64)> {
            let done = settle(&tried(members), failed(failure), 0.0);
            let shown = done.iter().map(|it| match it.fate {
                Fate::Again { at, bundle } => (it.seq, it.attempts, bundle, at.since(AT).as_secs()),
                other => panic!("{other:?}"),
            });
            shown.collect()
        };
        let status = Failure::Status(500);
        let second = fates(&[(4, 1), (5, 1), (9, 1)], status);
        assert_eq!(
            second,
            [(4, 2, Some(4), 300), (5, 2, Some(4), 300), (9, 2, Some(4), 300)]
        );
        let third = fates(&[(4, 2), (5, 2), (9, 2)], status);
        assert_eq!(third, [(4, 3, Some(4), 5), (5, 3, Some(4), 5), (9, 3, Some(9), 5)]);
        let fourth = fates(&[(4, 3), (5, 3)], status);
        assert_eq!(fourth, [(4, 3, Some(4), 5), (5, 3, Some(5), 5)]);
        // The bad one, alone at last, goes on with the schedule.
        assert_eq!(fates(&[(4, 3)], status), [(4, 4, Some(4), 7_200)]);
        // An endpoint that is away proves no member bad.
        assert_eq!(fates(&[(4, 2), (5, 2)], Failure::Connect)[1], (5, 3, Some(4), 1_800));
        assert_eq!(
            fates(&[(4, 2), (5, 2)], Failure::Status(429))[1],
            (5, 3, Some(4), 1_800)
        );
    }

    #[test]
    fn a_probe_costs_no_try_and_halves_nothing() {
        let members = [(1, 7), (2, 7)];
        let probe = Tried {
            probe: true,
            ..tried(&members)
        };
        let kept = settle(&probe, failed(Failure::Status(500)), 0.0);
        let again = Fate::Again {
            at: AT,
            bundle: Some(1),
        };
        assert_eq!((kept[1].fate, kept[1].attempts), (again, 7));
    }

    #[test]
    fn what_is_gone_costs_no_try_and_ends_a_callback_alone() {
        let members = [(1, 3), (2, 3)];
        let kept = settle(&tried(&members), Answer::Gone, 0.0);
        let again = Fate::Again {
            at: AT,
            bundle: Some(1),
        };
        assert_eq!((kept[0].fate, kept[0].attempts), (again, 3));
        let callback = Tried {
            callback: true,
            ..tried(&members)
        };
        let dead = settle(&callback, Answer::Gone, 0.0);
        assert_eq!((dead[1].fate, &*dead[1].outcome), (Fate::Dead, "status_410"));
    }
}
