//! A text in two views kept side by side: each token as it was written, from which slots are read, and folded, by which
//! commands are matched. Folding takes away case, diacritics, the forms of the apostrophe, punctuation and stretched
//! letters; what text-speak stands for is the language's to say.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word, folded to lower-case letters and digits.
    Word,
    /// Digits with what stands between them: `10`, `1.250,00`, `10/03/2026`, `+39`, `-3`.
    Number,
    /// A sign that says something alone: `?`, `+`, `€`, an emoji.
    Sign,
}

/// A piece of the text in both views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// As it was written.
    pub raw: &'a str,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Folded. A number and a sign stay as written.
    pub folded: String,
    /// What it is.
    pub kind: Kind,
}

impl Token<'_> {
    /// Where it ends in the text, in bytes.
    pub fn end(&self) -> usize {
        self.start + self.raw.len()
    }
}

/// Characters of a text that are looked at; what follows changes nothing.
pub const MOST_CHARACTERS: usize = 1_600;

/// Takes a text apart. Never fails, and never looks further than [`MOST_CHARACTERS`].
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let end = text
        .char_indices()
        .nth(MOST_CHARACTERS)
        .map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    let mut tokens = Vec::new();
    let mut rest = 0;
    while let Some(first) = text[rest..].chars().next() {
        let here = &text[rest..];
        let length = if let Some(length) = number(here, tokens.last(), rest) {
            push(&mut tokens, &here[..length], rest, Kind::Number);
            length
        } else if first.is_alphanumeric() {
            let length = word(here);
            words(&mut tokens, &here[..length], rest);
            length
        } else {
            if is_sign(first) {
                push(&mut tokens, &here[..first.len_utf8()], rest, Kind::Sign);
            }
            first.len_utf8()
        };
        rest += length;
    }
    tokens
}

/// The folded view in one line: words, with a space between.
pub fn fold(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for token in tokens(text) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&token.folded);
    }
    line
}

fn push<'a>(tokens: &mut Vec<Token<'a>>, raw: &'a str, start: usize, kind: Kind) {
    let folded = match kind {
        Kind::Word => fold_word(raw),
        Kind::Number | Kind::Sign => raw.to_owned(),
    };
    if !folded.is_empty() {
        tokens.push(Token {
            raw,
            start,
            folded,
            kind,
        });
    }
}

/// Bytes of the number that the text begins with: digits, and separators that have a digit behind them. A sign in
/// front belongs to it where nothing does before.
fn number(text: &str, before: Option<&Token<'_>>, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    if sign == 1 && before.is_some_and(|before| before.end() == at) {
        return None;
    }
    if !bytes.get(sign).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let mut end = sign;
    while let Some(byte) = bytes.get(end) {
        let digit_next = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let separator = matches!(byte, b'.' | b',' | b'/' | b'-' | b':') && digit_next;
        if !(byte.is_ascii_digit() || separator) {
            break;
        }
        end += 1;
    }
    Some(end)
}

/// Bytes of the word that the text begins with: letters, digits behind them, apostrophes and marks within.
fn word(text: &str) -> usize {
    let inside = |c: char| c.is_alphanumeric() || is_combining_mark(c) || is_apostrophe(c);
    text.find(|c| !inside(c)).unwrap_or(text.len())
}

/// Pushes a word, or the two that an apostrophe elides: `dell'ultima` is two, `don't` is one.
fn words<'a>(tokens: &mut Vec<Token<'a>>, raw: &'a str, start: usize) {
    if let Some((at, apostrophe)) = raw.char_indices().find(|(_, c)| is_apostrophe(*c)) {
        let (before, after) = (&raw[..at], at + apostrophe.len_utf8());
        if ELIDED.contains(&fold_word(before).as_str()) && after < raw.len() {
            push(tokens, before, start, Kind::Word);
            words(tokens, &raw[after..], start + after);
            return;
        }
    }
    push(tokens, raw, start, Kind::Word);
}

/// What is written before an apostrophe in Italian and French without being half of a word.
const ELIDED: [&str; 30] = [
    "l", "d", "c", "un", "dell", "all", "nell", "sull", "dall", "quest", "quell", "bell", "sant", "dov", "com", "cos",
    "quant", "tutt", "m", "t", "s", "v", "n", "j", "qu", "jusqu", "lorsqu", "qualcos", "anch", "nient",
];

/// Lower case, no diacritics, no apostrophes, and no letter more than twice in a row because it was stretched.
fn fold_word(raw: &str) -> String {
    let mut folded = String::with_capacity(raw.len());
    let plain = raw.chars().filter(|c| !is_apostrophe(*c)).nfkd();
    for c in plain.filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ı' => folded.push('i'),
            c if c.is_alphanumeric() => folded.push(c),
            _ => {}
        }
    }
    match is_stretched(&folded) {
        true => unstretch(&folded),
        false => folded,
    }
}

/// Whether a letter stands three times in a row or more.
fn is_stretched(word: &str) -> bool {
    let (mut last, mut run) = (None, 0);
    word.chars().any(|c| {
        run = if last == Some(c) { run + 1 } else { 1 };
        last = Some(c);
        run > 2 && c.is_alphabetic()
    })
}

/// A letter three times in a row or more was stretched, and is taken once: `saldoooo`.
fn unstretch(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let mut run = 1;
        while rest.next_if_eq(&c).is_some() {
            run += 1;
        }
        let kept = if run > 2 && c.is_alphabetic() { 1 } else { run };
        plain.extend(std::iter::repeat_n(c, kept));
    }
    plain
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʼ' | '′' | '‛')
}

/// Signs that are kept: those of money, the question mark, the plus that stands for `più`, and pictures.
fn is_sign(c: char) -> bool {
    matches!(c, '€' | '£' | '$' | '?' | '+' | '⭐' | '★' | '☆' | '✅' | '✔' | '❌')
        || ('\u{1F300}'..='\u{1FAFF}').contains(&c) && !('\u{1F3FB}'..='\u{1F3FF}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_diacritics_apostrophes_punctuation_and_stretched_letters_fold_away() {
        for (text, folded) in [
            ("SALDO.", "saldo"),
            ("Saldoooo, aaa1 aabbaa", "saldo a1 aabbaa"),
            ("\" Credito \"", "credito"),
            ("Sì", "si"),
            ("Si'", "si"),
            ("si’", "si"),
            (
                "vorrei il costo dell'ultima chiamata",
                "vorrei il costo dell ultima chiamata",
            ),
            ("c’è", "c e"),
            ("I don't, it wasn’t", "i dont it wasnt"),
            ("saldoooooo!!", "saldo"),
            ("Arrêt / DÉSABONNER", "arret desabonner"),
            ("Top-up £15", "top up £ 15"),
            ("ric 10eu", "ric 10 eu"),
            ("gr8 m8", "gr8 m8"),
            ("Größe ÆØ", "grosse aeo"),
            ("\u{ff33}\u{ff21}\u{ff2c}\u{ff24}\u{ff2f}", "saldo"),
            ("e\u{300} vero", "e vero"),
            ("👍🏽", "👍"),
            ("", ""),
            ("...!", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn numbers_stay_whole_as_they_were_written() {
        let numbers = |text| -> Vec<String> {
            let numbers = tokens(text).into_iter().filter(|token| token.kind == Kind::Number);
            numbers.map(|token| token.raw.to_owned()).collect()
        };
        assert_eq!(numbers("ricarica 1.250,00 euro"), ["1.250,00"]);
        assert_eq!(numbers("al 10/03/2026, ore 10."), ["10/03/2026", "10"]);
        assert_eq!(numbers("+39 333 1234567"), ["+39", "333", "1234567"]);
        assert_eq!(numbers("-3"), ["-3"]);
        assert_eq!(numbers("TK-1029"), ["1029"]);
        assert_eq!(numbers("20€"), ["20"]);
    }

    #[test]
    fn a_text_of_any_size_is_looked_at_no_further_than_the_bound() {
        assert_eq!(tokens(&"a ".repeat(100_000)).len(), MOST_CHARACTERS / 2);
        assert_eq!(tokens(&"è".repeat(100_000))[0].raw.chars().count(), MOST_CHARACTERS);
    }
}
