use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::plan::Writing;
use crate::gsm7::pieces;

/// Octets that [`Cuts::write`] needs beyond those of a full segment: a piece of sixteen octets, each an escape and a code.
pub(super) const MOST_OVER: usize = 32;

/// Byte ranges and units of the segments, each filled before the next begins.
pub(super) struct Cuts<'a> {
    pub(super) text: &'a str,
    pub(super) from: usize,
    pub(super) writing: Writing,
    /// Units of a segment; no character takes more.
    pub(super) limit: usize,
    pub(super) whole_graphemes: bool,
}

impl Iterator for Cuts<'_> {
    type Item = (Range<usize>, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.from..];
        if rest.is_empty() {
            return None;
        }
        let filled = self.fill(rest, |piece| self.writing.units(piece));
        Some(self.cut(filled))
    }
}

impl Cuts<'_> {
    /// Appends the next segment's text to `out`, or nothing at the end.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> (Range<usize>, usize) {
        let start = out.len();
        // Up to a piece more than fits is written.
        let octets = self.writing.payload_octets(1);
        let filled = self.fill(&self.text[self.from..], |piece| {
            let before = out.len();
            self.writing.encode(piece, out);
            (out.len() - before) / octets
        });
        let (range, units) = self.cut(filled);
        out.truncate(start + self.writing.payload_octets(units));
        (range, units)
    }

    /// Bytes and units of as much of `rest` as fits. `measure` gives the units of each piece, the last of which may not
    /// fit whole.
    #[inline]
    fn fill(&self, rest: &str, mut measure: impl FnMut(&str) -> usize) -> (usize, usize) {
        let (mut length, mut units) = (0, 0);
        for piece in pieces(rest) {
            let piece_units = measure(piece);
            if units + piece_units > self.limit {
                let (piece_length, piece_units) = self.begin(piece, self.limit - units);
                return (length + piece_length, units + piece_units);
            }
            length += piece.len();
            units += piece_units;
        }
        (length, units)
    }

    /// Bytes and units of as many characters of a piece as fit `limit`.
    fn begin(&self, piece: &str, limit: usize) -> (usize, usize) {
        let (mut length, mut units) = (0, 0);
        for character in piece.chars() {
            let width = self.writing.width(character);
            if units + width > limit {
                break;
            }
            length += character.len_utf8();
            units += width;
        }
        (length, units)
    }

    /// Ends a segment after so many bytes and units, or before if a grapheme cluster would be cut.
    fn cut(&mut self, (mut length, mut units): (usize, usize)) -> (Range<usize>, usize) {
        let rest = &self.text[self.from..];
        if self.whole_graphemes
            && let Some(whole) = last_boundary(rest, length)
        {
            let over = rest[whole..length]
                .chars()
                .map(|character| self.writing.width(character));
            units -= over.sum::<usize>();
            length = whole;
        }
        let range = self.from..self.from + length;
        self.from = range.end;
        (range, units)
    }
}

/// Where to cut before `length` so that no grapheme cluster is; `None` when one fills it all. Whether a cluster ends
/// at a place depends on what stands before it and on the one character after, so no more is looked at.
fn last_boundary(rest: &str, length: usize) -> Option<usize> {
    let after = rest[length..].chars().next()?;
    let is_cr_lf = rest[..length].ends_with('\r') && after == '\n';
    if after.is_ascii() && rest.as_bytes()[..length].last()?.is_ascii() && !is_cr_lf {
        return Some(length);
    }
    let seen = &rest[..length + after.len_utf8()];
    let (last, _) = seen.grapheme_indices(true).next_back()?;
    (last > 0).then_some(last)
}
