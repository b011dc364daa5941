//! Characters that look like one of the alphabet, so a text that a word processor has dressed up stays in GSM-7.

use std::sync::LazyLock;

use crate::gsm7::{self, Alphabet, Septets, pieces};
use crate::shift::ShiftTables;

/// Signs, blanks and ligatures, and what each of those on the left gives way to. What cannot be seen gives way to
/// nothing.
const SIGNS: [(&str, &str); 36] = [
    (
        "\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FE0E}\u{FE0F}\u{FEFF}",
        "",
    ),
    (
        "\t\u{A0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}",
        " ",
    ),
    ("\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}", " "),
    ("\u{85}\u{2028}\u{2029}", "\n"),
    ("`´ʹʻʼʽˈˊˋ‘’‚‛′‵‹›", "'"),
    ("ʺ“”„‟″‶«»〝〞", "\""),
    ("˗‐\u{2011}‒–—―⁃−﹘﹣", "-"),
    ("·․‧", "."),
    ("‥", ".."),
    ("…", "..."),
    ("•∙∗⁎", "*"),
    ("⁄∕", "/"),
    ("∖", "\\"),
    ("˜∼⁓", "~"),
    ("ˆ", "^"),
    ("¦ǀ∣", "|"),
    ("∶", ":"),
    ("¸", ","),
    ("ǃ", "!"),
    ("‼", "!!"),
    ("⁇", "??"),
    ("⁈", "?!"),
    ("⁉", "!?"),
    ("×", "x"),
    ("ﬀ", "ff"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("ﬃ", "ffi"),
    ("ﬄ", "ffl"),
    ("ĳ", "ij"),
    ("Ĳ", "IJ"),
    ("ẞ", "ß"),
    ("\u{212A}", "K"),
    ("\u{212B}", "Å"),
    ("\u{2126}", "Ω"),
    ("\u{2206}", "Δ"),
];

/// Letters of other scripts, and at the same place the letter of the alphabet that looks the same.
const LETTERS: [(&str, &str); 4] = [
    ("АВЕЅІЈКМНОРСТУҮХԌԚԜѴӀӒӦФГП", "ABESIJKMHOPCTYYXGQWVIÄÖΦΓΠ"),
    ("аеорсухѕіјһԁԛԝѵӏӓӧ", "aeopcyxsijhdqwvläö"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϴ", "ABEZHIKMNOPTYXCΘ"),
    ("ονϲϳ", "ovcj"),
];

/// The wide forms of ASCII's `!` to `~`, which stand in the same order.
const WIDE: (char, char) = ('\u{FF01}', '\u{FF5E}');

/// ASCII's `!` to `~`.
const ASCII: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// A text with look-alikes in place of characters outside the alphabet.
///
/// ```
/// use araldo_sms::{ShiftTables, replace_lookalikes};
///
/// let replaced = replace_lookalikes("L’ora…", ShiftTables::DEFAULT);
/// assert_eq!(replaced.text, "L'ora...");
/// assert_eq!(replaced.replacements.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The text after the replacement. It may still hold characters outside the alphabet that nothing looks like.
    pub text: String,
    /// What gave way, in the order of the text; empty when nothing did.
    pub replacements: Vec<Replacement>,
}

/// A character that gave way to its look-alike.
///
/// ```
/// use araldo_sms::{Replacement, ShiftTables, replace_lookalikes};
///
/// let replaced = replace_lookalikes("а – b", ShiftTables::DEFAULT);
/// assert_eq!(replaced.replacements[0], Replacement { position: 0, from: 'а', to: "a" });
/// assert_eq!(replaced.replacements[1], Replacement { position: 2, from: '–', to: "-" });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Replacement {
    /// Its place in the text as it was given, counted in characters from 0.
    pub position: usize,
    /// What stood there.
    pub from: char,
    /// What stands there now; empty for a character that cannot be seen.
    pub to: &'static str,
}

/// Replaces each character that the tables lack with what looks like it, where they have that: quotation marks, dashes,
/// blanks, dots, ligatures, wide forms, Cyrillic and Greek letters that are drawn as Latin ones. Accents stay: `ò` is
/// no `o`. A letter with its accent as a character of its own is not put together; NFC does that.
///
/// ```
/// use araldo_sms::{ShiftTables, replace_lookalikes};
///
/// assert_eq!(replace_lookalikes("“ТЕСТ”\u{A0}№ 5", ShiftTables::DEFAULT).text, "\"TECT\" № 5");
/// assert!(replace_lookalikes("è già qui", ShiftTables::DEFAULT).replacements.is_empty());
/// ```
#[must_use]
pub fn replace_lookalikes(text: &str, tables: ShiftTables) -> Replaced {
    replace(text, gsm7::alphabet(tables)).0
}

/// The same, with the septets that the text then takes, or `None` if it still has a character outside.
pub(crate) fn replace(text: &str, alphabet: &Alphabet) -> (Replaced, Option<Septets>) {
    let mut replaced = Replaced {
        text: String::with_capacity(text.len()),
        replacements: Vec::new(),
    };
    let mut septets = Some(Septets { total: 0, escapes: 0 });
    let mut position = 0;
    for piece in pieces(text) {
        let start = replaced.text.len();
        let mut of_piece = alphabet.measure_piece(piece);
        if of_piece.is_some() {
            replaced.text.push_str(piece);
            position += piece.chars().count();
        } else {
            for from in piece.chars() {
                match lookalike(from, alphabet) {
                    Some(to) => {
                        replaced.text.push_str(to);
                        replaced.replacements.push(Replacement { position, from, to });
                    }
                    None => replaced.text.push(from),
                }
                position += 1;
            }
            of_piece = alphabet.measure_piece(&replaced.text[start..]);
        }
        septets = septets.zip(of_piece).map(|(sum, of_piece)| sum + of_piece);
    }
    (replaced, septets)
}

/// What a character outside the alphabet gives way to.
pub(crate) fn lookalike(character: char, alphabet: &Alphabet) -> Option<&'static str> {
    if alphabet.has(character) {
        return None;
    }
    let place = LOOKALIKES.binary_search_by_key(&character, |(from, _)| *from).ok()?;
    Some(LOOKALIKES[place].1).filter(|to| to.chars().all(|character| alphabet.has(character)))
}

/// All of them, by the character that gives way.
static LOOKALIKES: LazyLock<Vec<(char, &'static str)>> = LazyLock::new(|| {
    let signs = SIGNS
        .iter()
        .flat_map(|(from, to)| from.chars().map(move |from| (from, *to)));
    let letters = LETTERS.iter().flat_map(|(from, to)| from.chars().zip(each(to)));
    let mut all: Vec<_> = signs.chain(letters).chain((WIDE.0..=WIDE.1).zip(each(ASCII))).collect();
    all.sort_unstable();
    all
});

/// Each character as a text of its own.
fn each(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.char_indices()
        .map(move |(at, character)| &text[at..at + character.len_utf8()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn no_character_gives_way_to_two() {
        assert!(LOOKALIKES.is_sorted_by(|one, other| one.0 < other.0));
        assert!(
            LETTERS
                .iter()
                .all(|(from, to)| from.chars().count() == to.chars().count())
        );
        assert_eq!(ASCII.chars().count(), (WIDE.0..=WIDE.1).count());
    }

    #[test]
    fn every_lookalike_is_in_the_default_alphabet_and_none_of_what_it_replaces() {
        let alphabet = gsm7::alphabet(ShiftTables::DEFAULT);
        for (from, to) in LOOKALIKES.iter() {
            assert!(!alphabet.has(*from), "{from:?}");
            // The grave accent has no look-alike but the apostrophe, nor has its wide form.
            assert!(*to == "`" || lookalike(*from, alphabet) == Some(to), "{from:?}");
        }
    }

    #[test]
    fn national_letters_stay_where_their_table_has_them() {
        let portuguese = ShiftTables {
            locking: Some(Language::Portuguese),
            single: None,
        };
        let replaced = replace_lookalikes("n`ó’", portuguese);
        assert_eq!(replaced.text, "n`ó'");
        assert_eq!(replaced.replacements.len(), 1);
    }

    #[test]
    fn what_cannot_be_seen_is_left_out_and_told() {
        let replaced = replace_lookalikes("a\u{200B}b\u{FEFF}", ShiftTables::DEFAULT);
        assert_eq!(replaced.text, "ab");
        assert_eq!(
            replaced.replacements,
            [
                Replacement {
                    position: 1,
                    from: '\u{200B}',
                    to: ""
                },
                Replacement {
                    position: 3,
                    from: '\u{FEFF}',
                    to: ""
                },
            ]
        );
    }

    #[test]
    fn wide_forms_are_those_of_ascii() {
        assert_eq!(replace_lookalikes("ＡＢ１２！", ShiftTables::DEFAULT).text, "AB12!");
    }

    #[test]
    fn letters_that_look_like_nothing_of_ours_stay() {
        let text = "Привет, ça va? ΩМ日";
        let replaced = replace_lookalikes(text, ShiftTables::DEFAULT);
        assert_eq!(replaced.text, "Πpивeт, ça va? ΩM日");
    }
}
