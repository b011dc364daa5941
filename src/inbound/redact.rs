//! PINs are never asked for, and not kept where somebody sends one all the same.

use std::borrow::Cow;

/// Words after which a short run of digits is taken for a secret.
const WORDS: [&str; 11] = [
    "pin",
    "puk",
    "password",
    "passwort",
    "parola d'ordine",
    "codice segreto",
    "secret code",
    "passcode",
    "cvv",
    "cvc",
    "mot de passe",
];
/// Digits of what may be one.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=8;
/// Characters between the word and the digits.
const NEAR: usize = 24;

/// The text with the digits behind such a word as stars.
pub fn redact(text: &str) -> Cow<'_, str> {
    let folded = text.to_lowercase();
    let mut ends: Vec<usize> = Vec::new();
    // Where lower case is longer, places differ: the whole text is then looked at.
    let aligned = folded.len() == text.len();
    for word in WORDS {
        let bounded = |at: usize| {
            let letter = |c: char| c.is_alphanumeric();
            !folded[..at].ends_with(letter) && !folded[at + word.len()..].starts_with(|c: char| c.is_alphabetic())
        };
        let found = folded.match_indices(word).map(|(at, _)| at).filter(|at| bounded(*at));
        ends.extend(found.map(|at| if aligned { at + word.len() } else { 0 }));
    }
    if ends.is_empty() {
        return text.into();
    }
    let near = |at: usize| {
        ends.iter()
            .any(|end| *end <= at && (!aligned || text[*end..at].chars().count() <= NEAR))
    };
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let length = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let at = text.len() - from.len();
        redacted.push_str(before);
        if DIGITS.contains(&length) && near(at) {
            redacted.push_str(&"*".repeat(length));
        } else {
            redacted.push_str(&from[..length]);
        }
        rest = &from[length..];
    }
    redacted.push_str(rest);
    redacted.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_behind_a_word_for_a_secret_are_not_kept() {
        for (text, kept) in [
            ("il mio pin è 12345", "il mio pin è *****"),
            ("PIN:1234 aiuto", "PIN:**** aiuto"),
            ("pin1234", "pin****"),
            ("cvv 123 carta 4321", "cvv *** carta ****"),
            ("my password is 998877", "my password is ******"),
        ] {
            assert_eq!(redact(text), kept);
        }
    }

    #[test]
    fn other_digits_are_kept() {
        for text in [
            "ricarica 10",
            "123456",
            "pin",
            "shipping 1234",
            "ho dimenticato il pin, chiamatemi al 3331234567",
            "spingi 1234",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
