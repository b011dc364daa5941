//! The GSM 7-bit alphabet (3GPP TS 23.038 §6.2.1), one septet an octet as SMPP carries them.

use std::ops::Add;
use std::sync::OnceLock;

use crate::language::Language;
use crate::shift::ShiftTables;
use crate::tables::{self, ESCAPE, NONE, Rows};

/// Marks a code of the single shift table in what [`Alphabet::code`] gives.
const EXTENDED: u8 = 0x80;

/// What [`Alphabet::code`] gives for a character outside both tables: an escape after an escape is no character.
const OUTSIDE: u8 = EXTENDED | ESCAPE;

/// A locking table with a single shift table, read in both directions.
pub(crate) struct Alphabet {
    locking: [char; 128],
    single: [char; 128],
    /// The code of each character before U+0E00, where all letters of the tables are.
    low: [u8; 0xE00],
    /// The others with their codes, by character.
    high: Vec<(char, u8)>,
}

/// Made when first asked for, and kept: there are 14 times 14 of them, and nobody asks for more than a few.
pub(crate) fn alphabet(tables: ShiftTables) -> &'static Alphabet {
    const COUNT: usize = Language::ALL.len() + 1;
    static ALPHABETS: [[OnceLock<Alphabet>; COUNT]; COUNT] = [const { [const { OnceLock::new() }; COUNT] }; COUNT];
    let place = |language: Option<Language>| language.map_or(0, |language| usize::from(language.number()));
    ALPHABETS[place(tables.locking)][place(tables.single)].get_or_init(|| Alphabet::new(tables))
}

/// A count of septets, the escapes among them counted apart: without any, segments are a matter of division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Septets {
    pub(crate) total: usize,
    pub(crate) escapes: usize,
}

impl Add for Septets {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            escapes: self.escapes + other.escapes,
        }
    }
}

impl Alphabet {
    fn new(tables: ShiftTables) -> Self {
        let mut alphabet = Self {
            locking: codes(tables::locking(tables.locking)),
            single: codes(tables::single_shift(tables.single)),
            low: [OUTSIDE; 0xE00],
            high: Vec::new(),
        };
        let extended = (EXTENDED..=u8::MAX).zip(alphabet.single);
        let basic = (0..).zip(alphabet.locking).filter(|(code, _)| *code != ESCAPE);
        // The cheaper code first, which is then the one that counts.
        for (code, character) in basic.chain(extended).filter(|(_, character)| *character != NONE) {
            if alphabet.code(character) == OUTSIDE {
                alphabet.learn(character, code);
            }
        }
        alphabet
    }

    fn learn(&mut self, character: char, code: u8) {
        match self.low.get_mut(character as usize) {
            Some(low) => *low = code,
            None => {
                let place = self.high.partition_point(|(other, _)| *other < character);
                self.high.insert(place, (character, code));
            }
        }
    }

    /// Septets that `text` takes, or `None` when a character is outside the alphabet.
    pub(crate) fn measure(&self, text: &str) -> Option<Septets> {
        pieces(text).try_fold(Septets { total: 0, escapes: 0 }, |septets, piece| {
            self.measure_piece(piece).map(|of_piece| septets + of_piece)
        })
    }

    /// The same for one of the [`pieces`] of a text.
    #[inline]
    pub(crate) fn measure_piece(&self, piece: &str) -> Option<Septets> {
        let (mut characters, mut escapes, mut is_outside) = (0, 0, false);
        if piece.is_ascii() {
            characters = piece.len();
            for octet in piece.bytes() {
                let code = self.low[usize::from(octet)];
                escapes += usize::from(code >> 7);
                is_outside |= code == OUTSIDE;
            }
        } else {
            for character in piece.chars() {
                let code = self.code(character);
                characters += 1;
                escapes += usize::from(code >> 7);
                is_outside |= code == OUTSIDE;
            }
        }
        let total = characters + escapes;
        (!is_outside).then_some(Septets { total, escapes })
    }

    /// Septets of one character known to be in the alphabet: 1, or 2 with the escape.
    pub(crate) fn width(&self, character: char) -> usize {
        1 + usize::from(self.code(character) >> 7)
    }

    /// Whether either table has it.
    pub(crate) fn has(&self, character: char) -> bool {
        self.code(character) != OUTSIDE
    }

    /// Appends one octet a septet, or gives back the first character outside the alphabet and its position.
    pub(crate) fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
        if pieces(text).all(|piece| self.encode_piece(piece, out)) {
            return Ok(());
        }
        self.first_outside(text).map_or(Ok(()), Err)
    }

    /// The same for one of the [`pieces`] of a text; `false` at a character outside, after what came before it.
    #[inline]
    pub(crate) fn encode_piece(&self, piece: &str, out: &mut Vec<u8>) -> bool {
        if piece.is_ascii() && piece.bytes().all(|octet| self.low[usize::from(octet)] < EXTENDED) {
            out.extend(piece.bytes().map(|octet| self.low[usize::from(octet)]));
            return true;
        }
        // An escape is written always, and overwritten where the code needs none.
        let (mut septets, mut length) = ([0; 4 * PIECE], 0);
        let mut characters = piece.chars();
        let is_inside = characters.all(|character| {
            let code = self.code(character);
            if code != OUTSIDE {
                septets[length] = ESCAPE;
                length += usize::from(code >> 7);
                septets[length] = code & !EXTENDED;
                length += 1;
            }
            code != OUTSIDE
        });
        out.extend_from_slice(&septets[..length]);
        is_inside
    }

    /// The position and value of the first character outside the alphabet.
    pub(crate) fn first_outside(&self, text: &str) -> Option<(usize, char)> {
        text.chars().enumerate().find(|&(_, character)| !self.has(character))
    }

    /// Reads one septet an octet. The flag is true when something was not as the tables have it: a code that neither
    /// has, a reserved escape, an escape at the end, an octet above 0x7F.
    pub(crate) fn decode(&self, octets: &[u8]) -> (String, bool) {
        let mut text = String::with_capacity(octets.len() + octets.len() / 8);
        let mut lossy = false;
        let mut octets = octets.iter().copied();
        while let Some(octet) = octets.next() {
            let character = if octet != ESCAPE {
                read(&self.locking, octet)
            } else if let Some(code) = octets.next() {
                match read(&self.single, code) {
                    NONE => {
                        // TS 23.038 §6.2.1.1: shown as the character of the other table.
                        lossy = true;
                        read(&self.locking, code)
                    }
                    extended => extended,
                }
            } else {
                lossy = true;
                break;
            };
            lossy |= character == NONE;
            text.push(character);
        }
        (text, lossy)
    }

    /// The locking table's code of a character, or the other one's with [`EXTENDED`], or [`OUTSIDE`].
    #[inline]
    fn code(&self, character: char) -> u8 {
        match self.low.get(character as usize) {
            Some(code) => *code,
            None => match self.high.binary_search_by_key(&character, |(other, _)| *other) {
                Ok(place) => self.high[place].1,
                Err(_) => OUTSIDE,
            },
        }
    }
}

/// Octets of a piece, but for a character that goes on behind them.
const PIECE: usize = 16;

/// A text in pieces of a few octets, most of which are ASCII in most texts: those need no decoding.
pub(crate) fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.ceil_char_boundary(PIECE));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn read(table: &[char; 128], code: u8) -> char {
    table.get(usize::from(code)).copied().unwrap_or(NONE)
}

fn codes(rows: &Rows) -> [char; 128] {
    let mut codes = [NONE; 128];
    for (code, character) in codes.iter_mut().zip(rows.iter().flat_map(|row| row.chars())) {
        *code = character;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> &'static Alphabet {
        alphabet(ShiftTables::DEFAULT)
    }

    fn decode(octets: &[u8]) -> (String, bool) {
        default().decode(octets)
    }

    #[test]
    fn every_table_has_128_codes_and_the_escape_is_no_character() {
        for language in [None].into_iter().chain(Language::ALL.map(Some)) {
            for rows in [tables::locking(language), tables::single_shift(language)] {
                assert!(rows.iter().all(|row| row.chars().count() == 16), "{language:?}");
            }
            assert_eq!(codes(tables::locking(language))[usize::from(ESCAPE)], ' ');
            assert_eq!(codes(tables::single_shift(language))[usize::from(ESCAPE)], NONE);
        }
    }

    #[test]
    fn every_character_of_both_tables_is_found_again_by_a_code_that_reads_the_same() {
        for locking in [None].into_iter().chain(Language::ALL.map(Some)) {
            for single in [None].into_iter().chain(Language::ALL.map(Some)) {
                let alphabet = alphabet(ShiftTables { locking, single });
                for character in alphabet.locking.into_iter().chain(alphabet.single) {
                    if character != NONE {
                        let mut octets = Vec::new();
                        alphabet.encode(&character.to_string(), &mut octets).unwrap();
                        assert_eq!(alphabet.decode(&octets), (character.to_string(), false));
                        assert_eq!(octets.len(), alphabet.width(character));
                    }
                }
            }
        }
    }

    #[test]
    fn no_more_characters_than_the_tables_hold_are_inside() {
        let inside = ('\0'..=char::MAX).filter(|character| default().has(*character)).count();
        assert_eq!(inside, 127 + 10);
    }

    #[test]
    fn code_that_a_national_table_lacks_becomes_the_replacement_mark() {
        let bengali = alphabet(ShiftTables {
            locking: Some(Language::Bengali),
            single: None,
        });
        assert_eq!(bengali.decode(&[0x61, 0x0C]), ("a\u{FFFD}".to_owned(), true));
    }

    #[test]
    fn undefined_escape_is_read_from_the_default_table() {
        assert_eq!(decode(b"a\x1bAb"), ("aAb".to_owned(), true));
    }

    #[test]
    fn escape_before_escape_is_a_space() {
        assert_eq!(decode(b"a\x1b\x1bb"), ("a b".to_owned(), true));
    }

    #[test]
    fn escape_at_the_end_is_dropped_and_flagged() {
        assert_eq!(decode(b"a\x1b"), ("a".to_owned(), true));
    }

    #[test]
    fn octet_above_a_septet_becomes_the_replacement_mark() {
        assert_eq!(decode(b"a\xE9"), ("a\u{FFFD}".to_owned(), true));
    }
}
