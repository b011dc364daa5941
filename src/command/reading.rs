//! A text as the matcher reads it: in a language, text-speak spelt out, each word with what is known of it.

use super::Locale;
use super::language::Language;
use super::normalise::{Kind, Token};
use super::slot::{currency_of, spoken};
use super::speller::Speller;

/// A word of the folded view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word, text-speak spelt out and misspelling set right.
    pub(crate) text: String,
    /// The token that it comes from.
    pub(crate) token: usize,
    /// A number, or a sign of money: it fills a slot and names no command.
    pub(crate) value: bool,
    /// How it asks, not what.
    pub(crate) filler: Filler,
}

/// Whether a word says what is asked for, or only how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Filler {
    /// It may say what.
    No,
    /// It is the frame of a request.
    Frame,
    /// It is courtesy.
    Courtesy,
}

/// A text's words in its language.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) locale: Locale,
    pub(crate) words: Vec<Word>,
}

impl Reading {
    /// Reads the tokens; `hint` is the language where the words do not say.
    pub(crate) fn new(tokens: &[Token<'_>], text: &str, hint: Option<Locale>) -> Self {
        let looked_at = tokens.last().map_or("", |last| &text[..last.end()]);
        let locale = guess(tokens, looked_at, hint);
        let mut words = Vec::with_capacity(tokens.len());
        for (index, token) in tokens.iter().enumerate() {
            let value = match token.kind {
                Kind::Number => true,
                Kind::Sign => currency_of(token.raw).is_some(),
                // A number in words, where it is hardly anything else.
                Kind::Word => currency_of(&token.folded).is_some() || is_number(&token.folded, locale),
            };
            let mut push = |text: &str| {
                words.push(Word {
                    text: text.to_owned(),
                    token: index,
                    value,
                    filler: Filler::of(text, locale),
                });
            };
            match (token.kind, token.raw) {
                (Kind::Sign, "+") if locale == Locale::It && index > 0 => push("piu"),
                (Kind::Sign, sign) if !(value || sign == "?" && tokens.len() == 1) => {}
                (Kind::Word, _) if !value => spelt_out(&token.folded, locale).split(' ').for_each(push),
                _ => push(&token.folded),
            }
        }
        Self { locale, words }
    }

    /// Sets misspelt words right, where exactly one known word is nearest.
    pub(crate) fn corrected(&self, speller: &Speller) -> Option<Self> {
        let mut corrected = self.clone();
        let mut any = false;
        let alone = self.words.len() == 1;
        // Three letters are too few to be sure of a fourth, unless they are the whole text.
        let long = |word: &&mut Word| !word.value && (alone || word.text.len() > 3);
        for word in corrected.words.iter_mut().filter(long) {
            if let [near] = speller.nearest(&word.text).as_slice() {
                word.text = near.word.to_owned();
                word.filler = Filler::of(&word.text, self.locale);
                any = true;
            }
        }
        any.then_some(corrected)
    }

    /// Words that ask for something: neither values nor courtesy; with `frame`, nor the frame of a request.
    pub(crate) fn content(&self, frame: bool) -> impl Iterator<Item = &Word> {
        self.words
            .iter()
            .filter(move |word| !word.value && !word.filler.is(frame))
    }
}

impl Filler {
    /// Courtesy of the text's language, of Italian or of English; the frame in the text's own.
    pub(crate) fn of(word: &str, locale: Locale) -> Self {
        let courteous = |locale| Language::of(locale).courtesy.contains_key(word);
        if courteous(locale) || courteous(Locale::It) || courteous(Locale::En) {
            Self::Courtesy
        } else if Language::of(locale).filler.contains_key(word) {
            Self::Frame
        } else {
            Self::No
        }
    }

    /// Whether it is courtesy; with `frame`, or the frame of a request.
    pub(crate) fn is(self, frame: bool) -> bool {
        self == Self::Courtesy || frame && self == Self::Frame
    }
}

fn is_number(word: &str, locale: Locale) -> bool {
    spoken(std::iter::once(word), locale).is_some_and(|number| !number.weak)
}

/// What text-speak stands for, in the language of the text first.
fn spelt_out(word: &str, locale: Locale) -> &str {
    let language = Language::of(locale);
    if let Some(meant) = language.textspeak.get(word) {
        return meant;
    }
    if language.knows(word) {
        return word;
    }
    let others = [Locale::It, Locale::En]
        .into_iter()
        .filter(|other| *other != locale && word.len() > 2);
    let mut meant = others.filter_map(|other| Language::of(other).textspeak.get(word));
    meant.next().copied().unwrap_or(word)
}

/// The language most of whose words these are. Where two know as many, a longer text is looked at letter by letter,
/// a shorter one has the customer's own, or Italian.
fn guess(tokens: &[Token<'_>], text: &str, hint: Option<Locale>) -> Locale {
    let words = tokens.iter().filter(|token| token.kind == Kind::Word);
    let mut scores = [0_u32; 6];
    for token in words {
        for locale in Locale::ALL {
            let language = Language::of(locale);
            let word = token.folded.as_str();
            if language.filler.contains_key(word) || language.common.contains_key(word) {
                scores[locale.index()] += 2;
            } else if language.concepts.contains_key(word) || language.textspeak.contains_key(word) {
                scores[locale.index()] += 1;
            }
        }
    }
    let most = scores.into_iter().max().unwrap_or_default();
    let mut best = Locale::ALL.into_iter().filter(|locale| scores[locale.index()] == most);
    match (best.next(), best.next()) {
        (Some(only), None) => return only,
        (Some(first), Some(_)) if hint.is_none() && most > 0 => {
            return by_letters(text)
                .filter(|locale| scores[locale.index()] == most)
                .unwrap_or(first);
        }
        _ => {}
    }
    hint.filter(|hint| scores[hint.index()] == most)
        .or_else(|| by_letters(text))
        .or(hint)
        .unwrap_or(Locale::It)
}

/// Texts of fewer letters tell a language detector nothing.
const LETTERS_TO_TELL: usize = 25;

fn by_letters(text: &str) -> Option<Locale> {
    if text.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_TO_TELL {
        return None;
    }
    use whatlang::Lang;
    let known = [Lang::Ita, Lang::Eng, Lang::Fra, Lang::Deu, Lang::Spa, Lang::Por];
    let info = whatlang::Detector::with_allowlist(known.to_vec())
        .detect(text)
        .filter(whatlang::Info::is_reliable)?;
    known
        .iter()
        .position(|lang| *lang == info.lang())
        .map(|index| Locale::ALL[index])
}
