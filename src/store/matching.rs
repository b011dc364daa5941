//! Which message a receipt is about: the rules that every store shares.

use crate::domain::{BindRef, Reason, UnknownWord};

use super::{Receipt, Row, SegmentRecord, SegmentState, Verdict};

/// Digits at the end of a number that all its spellings share: national, international, with and without prefix.
const TAIL: usize = 7;

/// The end of a number, under which parked receipts are filed.
pub fn tail(number: &str) -> &str {
    number.len().checked_sub(TAIL).and_then(|from| number.get(from..)).unwrap_or(number)
}

/// Whether two spellings can be the same number: equal, or one is the other's end.
pub fn agrees(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_start_matches(['+', '0']), b.trim_start_matches(['+', '0']));
    a == b || (a.len().min(b.len()) >= TAIL && (a.ends_with(b) || b.ends_with(a)))
}

/// The row in doubt that a receipt without a known id settles: by our own reference where the carrier gives it back,
/// else by the recipient, where exactly one row in doubt on that carrier has it.
pub fn doubt_settled_by(receipt: &Receipt, rows: impl Iterator<Item = Row>) -> Option<Row> {
    let mut fitting = rows.filter(|row| could_be(receipt, row));
    match receipt.reference {
        Some(reference) => fitting.find(|row| row.reference() == reference),
        None => {
            let row = fitting.next()?;
            fitting.next().is_none().then_some(row)
        }
    }
}

/// Whether a parked receipt is about this row, which has just been answered or come into doubt; which of its segments,
/// where it has several.
pub fn parked_is_about(receipt: &Receipt, row: &Row, segments: &[SegmentRecord]) -> Option<Option<u8>> {
    use crate::domain::State;
    if !could_be(receipt, row) {
        return None;
    }
    let named = |id: &str| receipt.candidates.iter().any(|candidate| &**candidate == id);
    if row.progress.carrier_message_id.as_deref().is_some_and(named) {
        return Some(None);
    }
    let segment = segments.iter().find(|segment| segment.carrier_message_id.as_deref().is_some_and(named));
    if let Some(segment) = segment {
        return Some(Some(segment.number));
    }
    let since_claim = row.progress.claimed_at.is_some_and(|claimed| receipt.at >= claimed);
    let by_reference = receipt.reference.is_none_or(|reference| reference == row.reference());
    (row.progress.state == State::Uncertain && since_claim && by_reference).then_some(None)
}

fn could_be(receipt: &Receipt, row: &Row) -> bool {
    row.receipt
        && row.progress.bind.as_ref().is_some_and(|bind| bind.carrier == receipt.carrier)
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

/// The segments that this bind's carrier has taken already.
pub fn answered_by(segments: &[SegmentRecord], bind: Option<&BindRef>) -> Vec<u8> {
    let taken = |segment: &&SegmentRecord| {
        bind.is_some_and(|bind| bind.carrier == segment.carrier)
            && matches!(segment.state, SegmentState::Submitted | SegmentState::Delivered)
    };
    segments.iter().filter(taken).map(|segment| segment.number).collect()
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
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low 16 bits are what is wanted")]
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
