//! Long texts put together, over binds and restarts: their segments are rows that are not handled until the text is
//! whole, or its time is over. Then what has come is handled as it is.

use std::time::Duration;

use araldo_sms::{Incomplete, Outcome, Reassembly, ReassemblyLimits};

use crate::domain::UnixMillis;
use crate::store::UnhandledText;

/// What waits for its other segments.
pub(super) struct Joiner(Reassembly<Box<str>, UnhandledText>);

/// A text to handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// The row in which it stands: of its first segment that is there.
    pub(super) text: UnhandledText,
    /// The rows of its other segments.
    pub(super) parts: Vec<i64>,
    /// Whether it was put together.
    pub(super) is_long: bool,
}

/// What stands for segments that never came.
const GAP: &str = "…";

impl Joiner {
    pub(super) fn new(timeout: Duration) -> Self {
        let timeout_millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        Self(Reassembly::new(ReassemblyLimits {
            timeout_millis,
            ..ReassemblyLimits::default()
        }))
    }

    /// Takes a text; gives those that can be handled now.
    pub(super) fn take(&mut self, text: UnhandledText) -> Vec<Joined> {
        let Some(place) = text.segment else {
            return vec![Joined::alone(text)];
        };
        let (from, to, at) = (text.from.clone(), text.to.clone(), millis(text.at));
        let inserted = self.0.insert(from, to, place, text, at);
        let mut ready: Vec<Joined> = inserted.incomplete.into_iter().filter_map(incomplete).collect();
        match inserted.outcome {
            Outcome::Kept => {}
            Outcome::Complete(segments) => {
                let numbered = (1..).zip(segments).collect();
                ready.extend(join(numbered));
            }
            // The same segment again, or one that cannot be: the text that it is of goes on without it.
            Outcome::Duplicate(text) | Outcome::Refused(text) => ready.push(Joined {
                text: UnhandledText { text: None, ..text },
                parts: Vec::new(),
                is_long: false,
            }),
        }
        ready
    }

    /// Those that have waited long enough.
    pub(super) fn expire(&mut self, now: UnixMillis) -> Vec<Joined> {
        self.0.expire(millis(now)).into_iter().filter_map(incomplete).collect()
    }

    /// When the next will have.
    pub(super) fn next_timeout(&self) -> Option<UnixMillis> {
        self.0
            .next_timeout()
            .map(|at| UnixMillis(i64::try_from(at).unwrap_or(i64::MAX)))
    }
}

impl Joined {
    fn alone(text: UnhandledText) -> Self {
        Self {
            text,
            parts: Vec::new(),
            is_long: false,
        }
    }
}

fn millis(at: UnixMillis) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

fn incomplete(given_up: Incomplete<Box<str>, UnhandledText>) -> Option<Joined> {
    join(given_up.segments)
}

fn join(segments: Vec<(u8, UnhandledText)>) -> Option<Joined> {
    let mut whole = String::new();
    let mut any = false;
    let mut expected = 1;
    let total = segments.first()?.1.segment.map_or(1, |segment| segment.total);
    let parts = segments.iter().skip(1).map(|(_, text)| text.seq).collect();
    for (number, text) in &segments {
        if *number > expected {
            whole.push_str(GAP);
        }
        expected = number.saturating_add(1);
        any |= text.text.is_some();
        whole.push_str(text.text.as_deref().unwrap_or_default());
    }
    if expected <= total {
        whole.push_str(GAP);
    }
    let (_, first) = segments.into_iter().next()?;
    Some(Joined {
        text: UnhandledText {
            text: any.then(|| whole.into()),
            ..first
        },
        parts,
        is_long: true,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Concat, InboundId, Name, ReferenceSize};

    fn segment(seq: i64, number: u8, text: &str, at: i64) -> UnhandledText {
        UnhandledText {
            seq,
            id: InboundId(Uuid::nil()),
            carrier: Name::parse("tim").unwrap(),
            from: "393331234567".into(),
            to: "12345".into(),
            text: Some(text.into()),
            code: None,
            segment: Concat::new(ReferenceSize::Bits8, 7, 3, number),
            at: UnixMillis(at),
        }
    }

    #[test]
    fn segments_in_any_order_make_one_text_that_stands_in_the_row_of_the_first() {
        let mut joiner = Joiner::new(Duration::from_mins(5));
        assert!(joiner.take(segment(1, 3, "c", 0)).is_empty());
        assert!(joiner.take(segment(2, 1, "a", 1)).is_empty());
        let ready = joiner.take(segment(3, 2, "b", 2));
        assert_eq!(ready.len(), 1);
        assert_eq!((ready[0].text.seq, &ready[0].parts), (2, &vec![3, 1]));
        assert_eq!(ready[0].text.text.as_deref(), Some("abc"));
    }

    #[test]
    fn what_has_come_is_handled_as_it_is_once_the_time_is_over() {
        let mut joiner = Joiner::new(Duration::from_mins(5));
        joiner.take(segment(1, 2, "b", 1_000));
        assert_eq!(joiner.next_timeout(), Some(UnixMillis(301_000)));
        assert!(joiner.expire(UnixMillis(300_999)).is_empty());
        let ready = joiner.expire(UnixMillis(301_000));
        assert_eq!(ready[0].text.text.as_deref(), Some("…b…"));
    }

    #[test]
    fn a_segment_that_comes_again_changes_nothing() {
        let mut joiner = Joiner::new(Duration::from_mins(5));
        joiner.take(segment(1, 1, "a", 0));
        let again = joiner.take(segment(2, 1, "a", 1));
        assert_eq!((again.len(), again[0].text.seq, &again[0].text.text), (1, 2, &None));
    }
}
