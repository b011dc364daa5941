//! Latin-1 (ISO 8859-1), `data_coding` 3: the octet is the code point.

/// The position and value of the first character above U+00FF.
pub(crate) fn first_outside(text: &str) -> Option<(usize, char)> {
    text.chars()
        .enumerate()
        .find(|&(_, character)| u8::try_from(character).is_err())
}

/// Appends an octet a character, or gives back the first character outside and its position.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) -> Result<(), (usize, char)> {
    for (position, character) in text.chars().enumerate() {
        out.push(u8::try_from(character).map_err(|_| (position, character))?);
    }
    Ok(())
}

/// Reads a character an octet; every octet is one.
pub(crate) fn decode(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}
