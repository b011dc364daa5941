use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::plan::Writing;
use crate::gsm7::pieces;

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
        let (mut length, mut units) = self.fill(rest);
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
        Some((range, units))
    }
}

impl Cuts<'_> {
    /// Bytes and units of as much of `rest` as fits.
    fn fill(&self, rest: &str) -> (usize, usize) {
        let (mut length, mut units) = (0, 0);
        for piece in pieces(rest) {
            let piece_units = self.writing.units(piece);
            if units + piece_units > self.limit {
                for character in piece.chars() {
                    let width = self.writing.width(character);
                    if units + width > self.limit {
                        break;
                    }
                    length += character.len_utf8();
                    units += width;
                }
                break;
            }
            length += piece.len();
            units += piece_units;
        }
        (length, units)
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
