//! The choice of how a text is written.

use std::borrow::Cow;

use super::cuts::Cuts;
use super::{MAX_PAYLOAD_OCTETS, National, SplitMode, SplitOptions};
use crate::census::{Census, tables_of};
use crate::encoding::{Encoding, TextError};
use crate::gsm7::{self, Alphabet, Septets};
use crate::lookalike::{Replaced, Replacement, lookalike, replace};
use crate::shift::ShiftTables;
use crate::{latin1, ucs2};

/// An encoding, with its tables where it is GSM-7.
#[derive(Clone, Copy)]
pub(super) enum Writing {
    Gsm7(ShiftTables, &'static Alphabet),
    Latin1,
    Ucs2,
}

impl Writing {
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Self::Gsm7(..) => Encoding::Gsm7,
            Self::Latin1 => Encoding::Latin1,
            Self::Ucs2 => Encoding::Ucs2,
        }
    }

    pub(super) fn tables(self) -> ShiftTables {
        match self {
            Self::Gsm7(tables, _) => tables,
            Self::Latin1 | Self::Ucs2 => ShiftTables::DEFAULT,
        }
    }

    /// Units of one character that it is known to have.
    pub(super) fn width(self, character: char) -> usize {
        match self {
            Self::Gsm7(_, alphabet) => alphabet.width(character),
            Self::Latin1 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }

    /// Units of one of the [`pieces`](gsm7::pieces) of a text that it is known to have.
    pub(super) fn units(self, piece: &str) -> usize {
        match self {
            Self::Gsm7(_, alphabet) => alphabet.measure_piece(piece).map_or(0, |septets| septets.total),
            // Latin-1 too has a unit a character, none of them a pair.
            Self::Latin1 | Self::Ucs2 => ucs2::measure(piece).total,
        }
    }

    /// Appends one of the [`pieces`](gsm7::pieces) of a text that it is known to have.
    pub(super) fn encode(self, piece: &str, out: &mut Vec<u8>) {
        let is_encoded = match self {
            Self::Gsm7(_, alphabet) => alphabet.encode_piece(piece, out),
            Self::Latin1 => latin1::encode(piece, out).is_ok(),
            Self::Ucs2 => {
                ucs2::encode(piece, out);
                true
            }
        };
        debug_assert!(is_encoded, "what was measured has every character");
    }

    /// The octets of `units` in SMPP, where a septet takes an octet.
    pub(super) fn payload_octets(self, units: usize) -> usize {
        match self {
            Self::Gsm7(..) | Self::Latin1 => units,
            Self::Ucs2 => 2 * units,
        }
    }

    /// The bits of `units` on the air.
    fn bits(self, units: usize) -> usize {
        match self {
            Self::Gsm7(..) => 7 * units,
            Self::Latin1 => 8 * units,
            Self::Ucs2 => 16 * units,
        }
    }
}

/// How a text is going to be sent.
pub(super) struct Plan<'a> {
    /// The text, after what was replaced.
    pub(super) text: Cow<'a, str>,
    /// What was replaced.
    pub(super) replacements: Vec<Replacement>,
    pub(super) writing: Writing,
    pub(super) units: usize,
    /// Characters of more than one unit.
    wide: usize,
}

impl<'a> Plan<'a> {
    /// The best way that the options allow.
    pub(super) fn of(text: &'a str, options: &SplitOptions) -> Result<Self, TextError> {
        let plan = match options.encoding {
            None => Self::gsm7(text, options)
                .unwrap_or_else(|| Self::ucs2(text))
                .or_shorter(text, options),
            Some(Encoding::Gsm7) => match Self::gsm7(text, options) {
                Some(plan) => plan.or_shorter(text, options),
                None => Self::shortest_national(text, options).ok_or_else(|| lacking(text, options))?,
            },
            Some(Encoding::Latin1) => Self::latin1(text)?,
            Some(Encoding::Ucs2) => Self::ucs2(text),
        };
        plan.checked(options)
    }

    /// With the tables that need no choice; `None` when they lack a character.
    fn gsm7(text: &'a str, options: &SplitOptions) -> Option<Self> {
        Self::with_tables(text, first_tables(options), options)
    }

    fn with_tables(text: &'a str, tables: ShiftTables, options: &SplitOptions) -> Option<Self> {
        let alphabet = gsm7::alphabet(tables);
        let writing = Writing::Gsm7(tables, alphabet);
        if let Some(Septets { total, escapes }) = alphabet.measure(text) {
            return Some(Self::new(text.into(), writing, total, escapes));
        }
        if !options.smart {
            return None;
        }
        let (Replaced { text, replacements }, septets) = replace(text, alphabet);
        let Septets { total, escapes } = septets?;
        Some(Self {
            replacements,
            ..Self::new(text.into(), writing, total, escapes)
        })
    }

    fn latin1(text: &'a str) -> Result<Self, TextError> {
        Encoding::Latin1.check(text)?;
        let units = Writing::Latin1.units(text);
        Ok(Self::new(text.into(), Writing::Latin1, units, 0))
    }

    fn ucs2(text: &'a str) -> Self {
        let units = ucs2::measure(text);
        Self::new(text.into(), Writing::Ucs2, units.total, units.pairs)
    }

    fn new(text: Cow<'a, str>, writing: Writing, units: usize, wide: usize) -> Self {
        Self {
            text,
            replacements: Vec::new(),
            writing,
            units,
            wide,
        }
    }

    /// How many segments it takes, be it more than a header can number.
    pub(super) fn segments(&self, options: &SplitOptions) -> usize {
        if self.is_one_segment(options) {
            1
        } else {
            // A character of two units may leave one place empty at the end of each segment, and nothing else does.
            let limit = self.limit(true, options);
            let least = self.units.div_ceil(limit);
            let most = if self.wide == 0 {
                least
            } else {
                self.units.div_ceil(limit - 1)
            };
            if least == most && !options.whole_graphemes {
                least
            } else {
                self.cuts(options).count()
            }
        }
    }

    pub(super) fn is_one_segment(&self, options: &SplitOptions) -> bool {
        options.mode == SplitMode::Payload || self.units <= self.limit(false, options)
    }

    /// Where the segments are cut.
    pub(super) fn cuts(&self, options: &SplitOptions) -> Cuts<'_> {
        Cuts {
            text: &self.text,
            from: 0,
            writing: self.writing,
            limit: if self.is_one_segment(options) {
                self.units
            } else {
                self.limit(true, options)
            },
            whole_graphemes: options.whole_graphemes,
        }
    }

    fn limit(&self, is_one_of_several: bool, options: &SplitOptions) -> usize {
        options.limit(is_one_of_several, self.writing.encoding(), self.writing.tables())
    }

    /// Itself, or what the languages allowed make of the text if that is shorter. A text without escapes has no shorter
    /// form: every character takes one septet already.
    fn or_shorter(self, text: &'a str, options: &SplitOptions) -> Self {
        if self.writing.encoding() == Encoding::Gsm7 && self.wide == 0 {
            return self;
        }
        match Self::shortest_national(text, options) {
            Some(national) if national.cost(options) < self.cost(options) => national,
            _ => self,
        }
    }

    fn shortest_national(text: &'a str, options: &SplitOptions) -> Option<Self> {
        let National::WhereShorter(languages) = options.national else {
            return None;
        };
        if options.mode != SplitMode::UdhConcat {
            return None;
        }
        if options.smart {
            let plans = languages.iter().flat_map(tables_of);
            let plans = plans.filter_map(|tables| Self::with_tables(text, tables, options));
            return plans.min_by_key(|plan| plan.cost(options));
        }
        let census = Census::of(text);
        let plans = census.fitting(languages).map(|(tables, Septets { total, escapes })| {
            let writing = Writing::Gsm7(tables, gsm7::alphabet(tables));
            Self::new(text.into(), writing, total, escapes)
        });
        plans.min_by_key(|plan| plan.cost(options))
    }

    /// Segments, then bits on the air.
    fn cost(&self, options: &SplitOptions) -> (usize, usize) {
        let segments = self.segments(options);
        let header_octets = options.header_octets(segments > 1, self.writing.tables());
        (segments, segments * header_octets * 8 + self.writing.bits(self.units))
    }

    fn checked(self, options: &SplitOptions) -> Result<Self, TextError> {
        let octets = options.header_octets(false, self.writing.tables()) + self.writing.payload_octets(self.units);
        if options.mode == SplitMode::Payload && octets > MAX_PAYLOAD_OCTETS {
            return Err(TextError::PayloadTooLong { octets });
        }
        Ok(self)
    }
}

fn first_tables(options: &SplitOptions) -> ShiftTables {
    match options.national {
        National::Always(tables) => tables,
        National::Never | National::WhereShorter(_) => ShiftTables::DEFAULT,
    }
}

/// The first character that keeps a text from GSM-7.
fn lacking(text: &str, options: &SplitOptions) -> TextError {
    let alphabet = gsm7::alphabet(first_tables(options));
    let is_lacking =
        |character| !(alphabet.has(character) || options.smart && lookalike(character, alphabet).is_some());
    let first = text.chars().enumerate().find(|(_, character)| is_lacking(*character));
    let (position, character) = first.unwrap_or_default();
    TextError::Unencodable {
        character,
        position,
        encoding: Encoding::Gsm7,
    }
}
