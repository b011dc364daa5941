//! PINs are never asked for, and not kept where somebody sends one all the same.

use std::borrow::Cow;
use std::ops::Range;

/// Words beside which a short run of digits is taken for a secret.
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
/// Words that link digits with the word behind them: `12345 e il mio pin`.
const LINKS: [&str; 35] = [
    "e", "è", "é", "ed", "il", "lo", "la", "mio", "mia", "is", "was", "the", "my", "and", "as", "est", "et", "le",
    "mon", "ma", "ist", "und", "mein", "meine", "das", "es", "y", "el", "mi", "o", "meu", "minha", "come", "era",
    "sarebbe",
];
/// Words before digits that are no secret, but name a card.
const CARDS: [&str; 14] = [
    "carta", "card", "carte", "karte", "tarjeta", "cartão", "cartao", "bancomat", "finale", "finali", "finisce",
    "ending", "ends", "termina",
];
/// Words that stand between such a word and its digits.
const BETWEEN: [&str; 9] = ["numero", "number", "nummer", "n", "nr", "con", "with", "in", "per"];
/// Digits of what may be a secret.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=8;
/// Digits of one that stands before its word.
const BEFORE: std::ops::RangeInclusive<usize> = 4..=8;
/// Digits of each group, where a secret is written in several: `1 2 3 4 5`.
const MOST_OF_GROUP: usize = 2;
/// Characters between the word and the digits.
const NEAR: usize = 24;

/// The text with the digits beside such a word as stars.
pub fn redact(text: &str) -> Cow<'_, str> {
    let words = words(text);
    if words.is_empty() {
        return text.into();
    }
    let mut redacted = text.to_owned();
    for run in runs(text).iter().filter(|run| is_secret(text, &words, run)) {
        for group in run {
            redacted.replace_range(group.clone(), &"*".repeat(group.len()));
        }
    }
    redacted.into()
}

/// Where the words stand. Where lower case is longer, places differ: the whole text is then behind a word.
fn words(text: &str) -> Vec<Range<usize>> {
    let folded = text.to_lowercase();
    let aligned = folded.len() == text.len();
    let mut words = Vec::new();
    for word in WORDS {
        let bounded = |at: usize| {
            !folded[..at].ends_with(char::is_alphabetic) && !folded[at + word.len()..].starts_with(char::is_alphabetic)
        };
        let found = folded.match_indices(word).map(|(at, _)| at).filter(|at| bounded(*at));
        words.extend(found.map(|at| if aligned { at..at + word.len() } else { 0..0 }));
    }
    words
}

/// Runs of digits: each of one group, or of several short ones of the same length.
fn runs(text: &str) -> Vec<Vec<Range<usize>>> {
    let mut runs: Vec<Vec<Range<usize>>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|start| at + start) {
        let length = text[start..].find(|c: char| !c.is_ascii_digit());
        at = length.map_or(text.len(), |length| start + length);
        let group = start..at;
        let goes_on = |run: &&mut Vec<Range<usize>>| {
            run.last().is_some_and(|last| {
                last.len() == group.len()
                    && group.len() <= MOST_OF_GROUP
                    && matches!(&text[last.end..group.start], " " | "-" | ".")
            })
        };
        match runs.last_mut().filter(goes_on) {
            Some(run) => run.push(group),
            None => runs.push(vec![group]),
        }
    }
    runs
}

fn is_secret(text: &str, words: &[Range<usize>], run: &[Range<usize>]) -> bool {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return false;
    };
    let digits = run.iter().map(Range::len).sum();
    let near = |between: &str| between.chars().count() <= NEAR;
    let behind =
        |word: &Range<usize>| word.end <= first.start && (word.is_empty() || near(&text[word.end..first.start]));
    let before = |word: &Range<usize>| last.end <= word.start && links(&text[last.end..word.start]);
    DIGITS.contains(&digits) && words.iter().any(behind)
        || BEFORE.contains(&digits) && words.iter().any(before) && !names_card(&text[..first.start])
}

/// Whether nothing but links stands between digits and a word.
fn links(between: &str) -> bool {
    let mut words = between
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    between.chars().count() <= NEAR && words.all(|word| LINKS.contains(&word.to_lowercase().as_str()))
}

/// Whether the last word names a card: `carta 4321`, `carta numero 4321`.
fn names_card(before: &str) -> bool {
    let words = before
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase);
    let mut words = words.rev().skip_while(|word| BETWEEN.contains(&word.as_str()));
    words.next().is_some_and(|word| CARDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beside_a_word_for_a_secret_are_not_kept() {
        for (text, kept) in [
            ("il mio pin è 12345", "il mio pin è *****"),
            ("PIN:1234 aiuto", "PIN:**** aiuto"),
            ("pin1234", "pin****"),
            ("cvv 123 carta 4321", "cvv *** carta ****"),
            ("my password is 998877", "my password is ******"),
            ("12345 e il mio pin", "***** e il mio pin"),
            ("12345 è il mio PIN, aiuto", "***** è il mio PIN, aiuto"),
            ("1234 pin", "**** pin"),
            ("1234pin", "****pin"),
            (
                "carta bloccata, 54321 is my passcode",
                "carta bloccata, ***** is my passcode",
            ),
            ("pin 1 2 3 4 5", "pin * * * * *"),
            ("pin 12-34", "pin **-**"),
            ("1 2 3 4 5 il mio pin", "* * * * * il mio pin"),
            ("İ pin 1234", "İ pin ****"),
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
            "blocca la carta 4321 e il pin",
            "carta numero 4321 e il pin",
            "ricarica 10 e il pin non funziona",
            "1234 euro sul conto e il pin non funziona",
            "pin 3 3 3 1 2 3 4 5 6 7",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
