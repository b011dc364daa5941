//! The GSM 7-bit default alphabet and its extension (3GPP TS 23.038 §6.2.1, §6.2.1.1), one septet an octet as SMPP
//! carries them.

/// Leads to the extension table; not a character of its own.
const ESCAPE: u8 = 0x1B;

/// TS 23.038 §6.2.1. The place of the escape holds a space, which is how an escape before an escape is shown.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// TS 23.038 §6.2.1.1: the code after the escape, and its character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Marks a code of the extension table in what [`code`] gives.
const EXTENDED: u8 = 0x80;

/// What [`code`] gives for a character outside both tables. No extension code is 0x7F, so it means nothing else.
const OUTSIDE: u8 = 0xFF;

/// The code of each character up to U+00FF, where all but eleven of the alphabet are.
static LOW: [u8; 256] = low_table();

/// Septets that `text` takes, or `None` when a character is outside the alphabet.
pub(crate) fn measure(text: &str) -> Option<Septets> {
    let (mut characters, mut escapes) = (0, 0);
    for character in text.chars() {
        let code = code(character);
        if code == OUTSIDE {
            return None;
        }
        characters += 1;
        escapes += usize::from(code >> 7);
    }
    Some(Septets {
        total: characters + escapes,
        escapes,
    })
}

/// A count of septets, the escapes among them counted apart: without any, segments are a matter of division.
#[derive(Clone, Copy)]
pub(crate) struct Septets {
    pub(crate) total: usize,
    pub(crate) escapes: usize,
}

/// Septets of one character known to be in the alphabet: 1, or 2 with the escape.
pub(crate) fn width(character: char) -> usize {
    1 + usize::from(code(character) >> 7)
}

/// Appends one octet a septet, or gives back the first character outside the alphabet and its position.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
    out.reserve(text.len());
    for (position, character) in text.chars().enumerate() {
        match code(character) {
            OUTSIDE => return Err((position, character)),
            extended if extended >= EXTENDED => out.extend_from_slice(&[ESCAPE, extended & !EXTENDED]),
            code => out.push(code),
        }
    }
    Ok(())
}

/// The position and value of the first character outside the alphabet.
pub(crate) fn first_outside(text: &str) -> Option<(usize, char)> {
    text.chars()
        .enumerate()
        .find(|&(_, character)| code(character) == OUTSIDE)
}

/// Reads one septet an octet. The flag is true when something was not as the tables have it: a reserved escape, an
/// escape at the end, an octet above 0x7F.
pub(crate) fn decode(octets: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(octets.len() + octets.len() / 8);
    let mut lossy = false;
    let mut octets = octets.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            ESCAPE => match octets.next() {
                Some(code) => {
                    let extended = extension(code);
                    lossy |= extended.is_none();
                    text.push(extended.unwrap_or_else(|| default(code)));
                }
                None => lossy = true,
            },
            0x80.. => {
                lossy = true;
                text.push(char::REPLACEMENT_CHARACTER);
            }
            code => text.push(default(code)),
        }
    }
    (text, lossy)
}

fn default(code: u8) -> char {
    DEFAULT
        .get(usize::from(code))
        .copied()
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn extension(code: u8) -> Option<char> {
    EXTENSION.iter().find(|entry| entry.0 == code).map(|entry| entry.1)
}

/// The default table's code of a character, or the extension's with [`EXTENDED`], or [`OUTSIDE`].
#[inline]
fn code(character: char) -> u8 {
    match character as u32 {
        low @ 0..=0xFF => LOW[low as usize],
        high => high_code(high),
    }
}

/// The ten capital Greek letters and the euro.
fn high_code(high: u32) -> u8 {
    match high {
        0x0394 => 0x10,
        0x03A6 => 0x12,
        0x0393 => 0x13,
        0x039B => 0x14,
        0x03A9 => 0x15,
        0x03A0 => 0x16,
        0x03A8 => 0x17,
        0x03A3 => 0x18,
        0x0398 => 0x19,
        0x039E => 0x1A,
        0x20AC => EXTENDED | 0x65,
        _ => OUTSIDE,
    }
}

/// Turns the two tables round, at compile time.
const fn low_table() -> [u8; 256] {
    let mut table = [OUTSIDE; 256];
    let mut code = 0;
    while code < DEFAULT.len() {
        let character = DEFAULT[code] as usize;
        if character < table.len() && code != ESCAPE as usize {
            table[character] = code as u8;
        }
        code += 1;
    }
    let mut entry = 0;
    while entry < EXTENSION.len() {
        let character = EXTENSION[entry].1 as usize;
        if character < table.len() {
            table[character] = EXTENDED | EXTENSION[entry].0;
        }
        entry += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_both_tables_encodes_to_its_own_code() {
        for (at, character) in DEFAULT.iter().enumerate().filter(|(at, _)| *at != usize::from(ESCAPE)) {
            assert_eq!(usize::from(code(*character)), at, "{character:?}");
        }
        for (at, character) in EXTENSION {
            assert_eq!(code(character), EXTENDED | at, "{character:?}");
        }
    }

    #[test]
    fn no_more_characters_than_the_tables_hold_are_inside() {
        let inside = ('\0'..=char::MAX)
            .filter(|character| code(*character) != OUTSIDE)
            .count();
        assert_eq!(inside, 127 + EXTENSION.len());
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
