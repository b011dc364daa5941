//! The tables of the GSM 7-bit alphabet as the standard prints them (3GPP TS 23.038 §6.2.1 and Annex A, release 18).

mod locking;
mod single_shift;

use crate::language::Language;

/// Leads to the single shift table; not a character of its own.
pub(crate) const ESCAPE: u8 = 0x1B;

/// No character at this code.
pub(crate) const NONE: char = char::REPLACEMENT_CHARACTER;

/// A table of 128 codes, sixteen a row.
pub(crate) type Rows = [&'static str; 8];

/// The characters of a table; the escape, which is none, left out.
pub(crate) fn characters(rows: &Rows) -> impl Iterator<Item = char> {
    let codes = rows.iter().flat_map(|row| row.chars()).enumerate();
    let characters = codes.filter(|(code, _)| *code != usize::from(ESCAPE));
    characters
        .map(|(_, character)| character)
        .filter(|character| *character != NONE)
}

/// What a septet is without an escape before it. Spanish has no table of its own here and uses the default one.
pub(crate) fn locking(language: Option<Language>) -> &'static Rows {
    match language {
        None | Some(Language::Spanish) => &locking::DEFAULT,
        Some(Language::Turkish) => &locking::TURKISH,
        Some(Language::Portuguese) => &locking::PORTUGUESE,
        Some(Language::Bengali) => &locking::BENGALI,
        Some(Language::Gujarati) => &locking::GUJARATI,
        Some(Language::Hindi) => &locking::HINDI,
        Some(Language::Kannada) => &locking::KANNADA,
        Some(Language::Malayalam) => &locking::MALAYALAM,
        Some(Language::Oriya) => &locking::ORIYA,
        Some(Language::Punjabi) => &locking::PUNJABI,
        Some(Language::Tamil) => &locking::TAMIL,
        Some(Language::Telugu) => &locking::TELUGU,
        Some(Language::Urdu) => &locking::URDU,
    }
}

/// What a septet is after an escape.
pub(crate) fn single_shift(language: Option<Language>) -> &'static Rows {
    match language {
        None => &single_shift::DEFAULT,
        Some(Language::Turkish) => &single_shift::TURKISH,
        Some(Language::Spanish) => &single_shift::SPANISH,
        Some(Language::Portuguese) => &single_shift::PORTUGUESE,
        Some(Language::Bengali) => &single_shift::BENGALI,
        Some(Language::Gujarati) => &single_shift::GUJARATI,
        Some(Language::Hindi) => &single_shift::HINDI,
        Some(Language::Kannada) => &single_shift::KANNADA,
        Some(Language::Malayalam) => &single_shift::MALAYALAM,
        Some(Language::Oriya) => &single_shift::ORIYA,
        Some(Language::Punjabi) => &single_shift::PUNJABI,
        Some(Language::Tamil) => &single_shift::TAMIL,
        Some(Language::Telugu) => &single_shift::TELUGU,
        Some(Language::Urdu) => &single_shift::URDU,
    }
}
