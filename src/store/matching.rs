//! Which message a receipt is about: the rules that every store shares.

use std::time::Duration;

use crate::domain::{Flag, Reason, State, UnixMillis, UnknownWord};

use super::{Claimed, Loss, NewInbound, Receipt, Row, SegmentRecord, SegmentState, Verdict};

/// Digits at the end of a number that all its spellings share: national, international, with and without prefix.
const TAIL: usize = 7;

/// The end of a number, under which parked receipts are filed.
pub fn tail(number: &str) -> &str {
    number
        .len()
        .checked_sub(TAIL)
        .and_then(|from| number.get(from..))
        .unwrap_or(number)
}

/// Whether two spellings can be the same number: equal, or one is the other's end.
pub fn agrees(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_start_matches(['+', '0']), b.trim_start_matches(['+', '0']));
    a == b || (a.len().min(b.len()) >= TAIL && (a.ends_with(b) || b.ends_with(a)))
}

/// How long a message that was given up in doubt is still looked for: handsets are off, and the receipt comes late.
const GIVEN_UP_FOR: Duration = Duration::from_hours(24);

/// Whether the row is, or may be, out with a carrier whose id for it we do not know: in doubt, given up in doubt of
/// late, or taken without an id.
pub fn is_out_unnamed(row: &Row, now: UnixMillis) -> bool {
    let progress = &row.progress;
    let unnamed = progress.carrier_message_id.is_none();
    match progress.state {
        // What an RCS platform may have is named by our own id.
        State::Uncertain => !progress.flags.has(Flag::MayBeThere),
        State::Submitted => row.segments == 1 && unnamed,
        State::Failed => {
            let in_doubt = progress.reason == Some(Reason::OutcomeUnknown);
            in_doubt && unnamed && progress.final_at.is_some_and(|at| now <= at.after(GIVEN_UP_FOR))
        }
        State::Scheduled
        | State::Queued
        | State::Claimed
        | State::Delivered
        | State::Undelivered
        | State::Expired
        | State::Canceled
        | State::Suppressed
        | State::Unconfirmed
        | State::Quarantined => false,
    }
}

/// Whether one of these rows, which have just been answered or come into doubt, is out unnamed to where a receipt is
/// about: only then is it looked for among all such rows.
pub fn may_be_about_unnamed<'a>(receipt: &Receipt, rows: impl IntoIterator<Item = &'a Row>) -> bool {
    let of_tail = |row: &&Row| tail(&row.to) == tail(&receipt.destination);
    rows.into_iter()
        .filter(of_tail)
        .any(|row| is_out_unnamed(row, receipt.at))
}

/// The row that a receipt without a known id is about: the only one out with that carrier to that recipient, and of
/// our own reference where the carrier gives it back. `rows` are those out unnamed and those claimed, as the receipt of
/// a claimed row may come before its answer: where two fit, nobody guesses.
pub fn doubt_settled_by<'a>(receipt: &Receipt, rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    let out = |row: &&Row| {
        (is_out_unnamed(row, receipt.at) || row.progress.state == State::Claimed)
            && could_be(receipt, row)
            && row.progress.claimed_at.is_some_and(|claimed| receipt.at >= claimed)
            && receipt.reference.is_none_or(|reference| reference == row.reference())
    };
    let mut fitting = rows.filter(out);
    let row = fitting.next()?;
    (fitting.next().is_none() && is_out_unnamed(row, receipt.at)).then_some(row)
}

/// A row that a receipt may be about.
pub(super) struct Candidate {
    /// Index into the candidates of the receipt.
    pub(super) rank: usize,
    /// The segment whose id it is, of a long message.
    pub(super) segment: Option<u8>,
    /// The row as it stands.
    pub(super) row: Row,
}

/// The row that a receipt is about, among those known by its id: ids are recycled, so the newest open message first,
/// and the recipient must agree.
pub(super) fn choose(receipt: &Receipt, found: impl IntoIterator<Item = Candidate>) -> Option<Candidate> {
    found
        .into_iter()
        .filter(|candidate| agrees(&candidate.row.to, &receipt.destination))
        .min_by_key(|candidate| {
            let open = !candidate.row.progress.state.is_final();
            (!open, std::cmp::Reverse(candidate.row.seq), candidate.rank)
        })
}

/// An inbound text that is stored already, as far as telling a repetition needs it.
pub(super) struct KnownInbound<'a> {
    pub(super) carrier: &'a str,
    pub(super) carrier_message_id: Option<&'a str>,
    pub(super) digest: &'a [u8],
    pub(super) at: UnixMillis,
}

impl<'a> KnownInbound<'a> {
    pub(super) fn of(item: &'a NewInbound) -> Self {
        Self {
            carrier: item.bind.carrier.as_str(),
            carrier_message_id: item.carrier_message_id.as_deref(),
            digest: &item.digest,
            at: item.at,
        }
    }
}

/// Whether the carrier sends again what it may think we never had: the same id of its own, or the same octets as a
/// text whose answer may have been lost.
pub(super) fn is_repeated(item: &NewInbound, known: &KnownInbound<'_>) -> bool {
    let same = known.carrier == item.bind.carrier.as_str() && known.digest == item.digest;
    let by_id = item.carrier_message_id.is_some() && known.carrier_message_id == item.carrier_message_id.as_deref();
    let answer_lost = |loss: &Loss| {
        known.at <= loss.to
            && known.at >= loss.from.before(NewInbound::ANSWER_IN_FLIGHT)
            && item.at <= loss.to.after(NewInbound::REPEATED_WITHIN)
    };
    same && (by_id || item.losses.iter().any(answer_lost))
}

/// Whether a parked receipt names this row, which has just been answered; which of its segments, where it has several.
pub fn names(receipt: &Receipt, row: &Row, segments: &[SegmentRecord]) -> Option<Option<u8>> {
    if !could_be(receipt, row) {
        return None;
    }
    let named = |id: Option<&str>| id.is_some_and(|id| receipt.candidates.iter().any(|candidate| &**candidate == id));
    if named(row.progress.carrier_message_id.as_deref()) {
        return Some(None);
    }
    let of_carrier = |segment: &&SegmentRecord| segment.carrier == receipt.carrier;
    let segment = segments
        .iter()
        .filter(of_carrier)
        .find(|segment| named(segment.carrier_message_id.as_deref()))?;
    Some(Some(segment.number))
}

fn could_be(receipt: &Receipt, row: &Row) -> bool {
    row.receipt
        && row
            .progress
            .bind
            .as_ref()
            .is_some_and(|bind| bind.carrier == receipt.carrier)
        && agrees(&row.to, &receipt.destination)
}

/// What a receipt makes of the segment that it is about; `None` where it ends nothing.
pub fn segment_after(verdict: Verdict) -> Option<SegmentState> {
    match verdict {
        Verdict::Delivered => Some(SegmentState::Delivered),
        Verdict::Undelivered(_) => Some(SegmentState::Undelivered),
        Verdict::Progress(_) => None,
    }
}

/// Notes which segments of a long message, just claimed, its carrier or another one has taken already.
pub fn recall(claimed: &mut Claimed, segments: &[SegmentRecord]) {
    let Some(bind) = &claimed.progress.bind else { return };
    let taken = segments
        .iter()
        .filter(|s| matches!(s.state, SegmentState::Submitted | SegmentState::Delivered));
    let (here, elsewhere): (Vec<_>, Vec<_>) = taken.partition(|segment| segment.carrier == bind.carrier);
    claimed.answered = here.iter().map(|segment| segment.number).collect();
    claimed.taken_elsewhere = !elsewhere.is_empty();
}

/// The words that a row keeps of a verdict: itself, and its reason.
pub fn verdict_words(verdict: Verdict) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Delivered => ("delivered", None),
        Verdict::Undelivered(reason) => ("undelivered", Some(reason.as_str())),
        Verdict::Progress(word) => ("progress", Some(word)),
    }
}

/// Reads [`verdict_words`] back.
pub fn verdict_of(verdict: &str, reason: Option<&str>) -> Result<Verdict, UnknownWord> {
    match (verdict, reason) {
        ("delivered", _) => Ok(Verdict::Delivered),
        ("undelivered", Some(reason)) => reason.parse::<Reason>().map(Verdict::Undelivered),
        ("progress", word) => Ok(Verdict::Progress(
            ["enroute", "accepted", "unknown", "scheduled", "other"]
                .into_iter()
                .find(|known| Some(*known) == word)
                .unwrap_or("other"),
        )),
        _ => Err(UnknownWord::new("verdict", verdict)),
    }
}

impl Row {
    /// The `user_message_reference` with which the message goes out: not unique, so it is asked together with the
    /// recipient.
    pub fn reference(&self) -> u16 {
        reference_of(self.seq)
    }
}

/// The `user_message_reference` of a row.
pub fn reference_of(seq: super::Seq) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the low 16 bits are what is wanted"
    )]
    let reference = seq as u16;
    reference
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_agree() {
        assert!(agrees("393331234567", "393331234567"));
        assert!(agrees("393331234567", "+393331234567"));
        assert!(agrees("393331234567", "3331234567"));
        assert!(agrees("393331234567", "00393331234567"));
        assert!(!agrees("393331234567", "393331234568"));
        assert!(!agrees("393331234567", "567"));
        assert!(!agrees("393331234567", ""));
    }

    #[test]
    fn numbers_are_filed_under_their_end() {
        assert_eq!(tail("393331234567"), "1234567");
        assert_eq!(tail("123"), "123");
        assert_eq!(tail("ééééééééé"), "ééééééééé");
    }
}
