//! UCS-2, `data_coding` 8. Handsets read it as UTF-16 and so do we, most significant octet first.

/// UTF-16 code units of `text`, and how many characters among them take a surrogate pair.
pub(crate) fn measure(text: &str) -> CodeUnits {
    // A character starts at each octet that is no continuation; those outside the first plane start with 0xF0 or more.
    let (mut characters, mut pairs) = (0, 0);
    for octet in text.bytes() {
        characters += usize::from(octet & 0xC0 != 0x80);
        pairs += usize::from(octet >= 0xF0);
    }
    CodeUnits {
        total: characters + pairs,
        pairs,
    }
}

/// A count of UTF-16 code units, the pairs among them counted apart.
#[derive(Clone, Copy)]
pub(crate) struct CodeUnits {
    pub(crate) total: usize,
    pub(crate) pairs: usize,
}

/// Appends two octets a code unit.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_be_bytes());
    }
}

/// Reads UTF-16. The flag is true when a surrogate stood alone or an octet was left over; each gives a replacement mark.
pub(crate) fn decode(octets: &[u8]) -> (String, bool) {
    let (units, left_over) = octets.as_chunks::<2>();
    let mut text = String::with_capacity(octets.len());
    let mut lossy = false;
    for character in char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))) {
        lossy |= character.is_err();
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !left_over.is_empty() {
        lossy = true;
        text.push(char::REPLACEMENT_CHARACTER);
    }
    (text, lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_become_replacement_marks() {
        assert_eq!(decode(&[0xD8, 0x3D, 0x00, 0x41]), ("\u{FFFD}A".to_owned(), true));
        assert_eq!(decode(&[0x00, 0x41, 0xDE, 0x00]), ("A\u{FFFD}".to_owned(), true));
    }

    #[test]
    fn octet_left_over_becomes_a_replacement_mark() {
        assert_eq!(decode(&[0x00, 0x41, 0x00]), ("A\u{FFFD}".to_owned(), true));
    }

    #[test]
    fn surrogate_pair_is_one_character() {
        assert_eq!(decode(&[0xD8, 0x3D, 0xDE, 0x00]), ("😀".to_owned(), false));
    }

    #[test]
    fn units_are_those_of_utf_16() {
        for text in ["", "a", "è€", "日本", "😀a😀"] {
            assert_eq!(measure(text).total, text.encode_utf16().count(), "{text}");
        }
    }
}
