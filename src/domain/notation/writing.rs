//! What stands around and between the digits of a number: labels, separators, extensions, words on the keys.

use crate::domain::AddressError;

/// A number with everything away that is only writing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Whether a plus comes first.
    pub plus: bool,
    /// The digits, ASCII.
    pub digits: String,
    /// The digits with a word dialled on the keys, as 1-800-FLOWERS; it may as well be a note.
    pub with_word: Option<String>,
    /// Whether a national prefix stands in brackets, as in +44 (0)20.
    pub bracketed_zero: bool,
    /// Whether there was nothing but digits.
    pub bare: bool,
}

/// Words before an extension, the longer first (those of libphonenumber, and what phones in Italy and Russia are labelled with).
const EXTENSION_WORDS: [&str; 14] = [
    "extensión",
    "extensio\u{301}n",
    "extension",
    "interno",
    "anexo",
    "extn",
    "ext",
    "xtn",
    "int",
    "доб",
    "xt",
    "x",
    "#",
    "～",
];

/// The most digits of an extension.
const MAX_EXTENSION: usize = 9;

impl Written {
    pub(super) fn read(text: &str) -> Result<Self, AddressError> {
        let text: String = text.chars().filter(|c| !is_invisible(*c)).map(ascii).collect();
        let text = text.to_lowercase();
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (text, context) = without_parameters(text);
        let begin = text.find(is_begin).ok_or(AddressError::NotDigits)?;
        let (label, number) = text.split_at(begin);
        if label.contains(char::is_control) {
            return Err(AddressError::NotDigits);
        }
        let number = without_extension(number);
        let after_plus = number.trim_start_matches('+');
        let mut written = Self {
            plus: after_plus.len() < number.len(),
            digits: String::new(),
            with_word: None,
            bracketed_zero: after_plus.contains("(0)"),
            bare: label.is_empty() && number.len() == text.len(),
        };
        written.take(after_plus)?;
        if let Some(context) = context.filter(|_| !written.plus) {
            let code = context.chars().filter(char::is_ascii_digit);
            written.digits = code.chain(written.digits.chars()).collect();
            written.plus = true;
        }
        Ok(written)
    }

    /// Digits, separators, and at least three letters together, as words have; fewer are a slip.
    fn take(&mut self, number: &str) -> Result<(), AddressError> {
        let mut keys = String::new();
        let mut letters = 0;
        for c in number.chars() {
            if c.is_ascii_digit() {
                self.digits.push(c);
                keys.push(c);
            } else if let Some(key) = key(c).filter(|_| keys.len() >= 3) {
                letters += 1;
                keys.push(key);
            } else if !is_separator(c) {
                return Err(AddressError::NotDigits);
            }
            self.bare &= c.is_ascii_digit();
        }
        match letters {
            0 => {}
            1 | 2 => return Err(AddressError::NotDigits),
            _ => self.with_word = Some(keys),
        }
        Ok(())
    }
}

/// Without a URI's scheme and parameters; and the country code that stands in these (RFC 3966).
fn without_parameters(text: &str) -> (&str, Option<&str>) {
    let uri = text.strip_prefix("tel:");
    let (number, parameters) = uri.unwrap_or(text).split_once(';').unwrap_or((uri.unwrap_or(text), ""));
    let known =
        |parameter: &str| ["ext", "isub", "phone-context"].contains(&parameter.split('=').next().unwrap_or_default());
    if uri.is_none() && !parameters.split(';').all(known) {
        return (text, None);
    }
    let context = parameters
        .split(';')
        .find_map(|parameter| parameter.strip_prefix("phone-context="))
        .filter(|context| context.starts_with('+'));
    (number, context)
}

/// Without an extension and the word before it, `- 503#` included, and without a word that announces one and has none.
fn without_extension(number: &str) -> &str {
    let closed = number.trim_end_matches('#');
    let announced = closed.trim_end_matches(|c: char| c.is_ascii_digit());
    if (1..=MAX_EXTENSION).contains(&(closed.len() - announced.len())) {
        let word_end = announced.trim_end_matches(|c: char| c.is_whitespace() || ".:-,=".contains(c));
        let word = EXTENSION_WORDS.iter().find_map(|word| word_end.strip_suffix(word));
        if let Some(before) = word.filter(|before| !before.ends_with(char::is_alphabetic)) {
            return before.trim_end_matches(|c: char| c.is_whitespace() || ",;".contains(c));
        }
        if let Some(before) = announced.strip_suffix(';') {
            return before;
        }
        if closed.len() < number.len() && announced.ends_with(['-', ' ']) {
            return announced;
        }
    }
    match closed.trim_end_matches(['x', ';', ' ']) {
        lone if lone.ends_with(char::is_alphabetic) => number,
        lone => lone,
    }
}

/// Marks of direction and width that come along when a number is copied.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

fn is_begin(c: char) -> bool {
    c == '+' || c.is_ascii_digit()
}

/// What may stand between digits: blanks, dashes, brackets, dots, slashes, tildes, stars and quotes of any script.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || "-.()[]{}<>/\\~*,'\"_|:".contains(c)
        || matches!(
            c,
            '\u{2010}'
                ..='\u{201f}'
                    | '\u{2039}'
                    | '\u{203a}'
                    | '\u{2053}'
                    | '\u{2043}'
                    | '\u{2212}'
                    | '\u{223c}'
                    | '\u{30fc}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '«'
                    | '»'
                    | '·'
                    | '\u{b4}'
                    | '\u{301c}'
                    | '～'
        )
}

/// Digits of every script and the full-width forms as ASCII; the full-width tilde stays, since it parts an extension too.
fn ascii(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5d}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => {
            let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
            let digit = ZEROS.iter().find_map(value);
            digit.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
        }
    }
}

/// The zeros of the decimal digits in the Basic Multilingual Plane (Unicode 16, general category Nd).
const ZEROS: [char; 36] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
    '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}',
    '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}',
    '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}',
];

/// The key of a letter (ITU-T E.161).
fn key(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='c' => '2',
        'd'..='f' => '3',
        'g'..='i' => '4',
        'j'..='l' => '5',
        'm'..='o' => '6',
        'p'..='s' => '7',
        't'..='v' => '8',
        'w'..='z' => '9',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Option<String> {
        Written::read(text).ok().map(|written| written.digits)
    }

    #[test]
    fn an_extension_is_left_out_however_it_is_announced() {
        for extension in [
            " ext 12",
            " ext. 12",
            ";ext=12",
            " x12",
            "x 12",
            " #12",
            "#12",
            " int. 4",
            " interno 4",
            " anexo 5",
            " доб. 5",
            ", ext: 12",
            " - 503#",
            " Extension 7",
            " EXT 12#",
            " ～5",
            " x",
            "x",
            ";12",
            " ;",
            "\u{ff58}12",
        ] {
            let text = format!("+39 333 1234567{extension}");
            assert_eq!(digits(&text).as_deref(), Some("393331234567"), "{text}");
        }
    }

    #[test]
    fn a_word_is_told_from_digits_and_a_letter_is_a_slip() {
        let flowers = Written::read("1-800-FLOWERS").unwrap();
        assert_eq!(
            (flowers.digits.as_str(), flowers.with_word.as_deref()),
            ("1800", Some("18003569377"))
        );
        for text in [
            "+39 333 12a4567",
            "+39 333 1234567 ab",
            "+39 333 1234567 ufficio é",
            "abc",
            "+39 333\0",
            "333+1234567",
        ] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
