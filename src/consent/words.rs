//! STOP, START, HELP and their words: a whole text to what it says. Tolerant of case, accents, punctuation, stretched
//! letters, courtesy and small slips; deaf to every text that says more.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

pub use crate::command::catalogue::Consent as Word;
use crate::command::normalise::{Kind, Token, fold, tokens};
use crate::command::speller::Speller;
use crate::command::{Locale, is_ordinary};
use crate::domain::Name;

/// Words of a text beyond which nobody merely says STOP.
const MOST_WORDS: usize = 8;

/// A consent word that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Which.
    pub word: Word,
    /// What it is about; `None` is everything.
    pub topic: Option<Name>,
    /// The language of the word, where it is of one alone.
    pub locale: Option<Locale>,
    /// Whether it means something else where a question waits: CANCEL leaves the top-up, not the bank.
    pub soft: bool,
}

/// The words, built once.
#[derive(Debug)]
pub struct Words {
    /// By the words of the phrase with a space between.
    phrases: HashMap<String, Phrase>,
    /// The most words that a phrase has.
    longest: usize,
    /// Phrases of one word, to set slips right.
    speller: Speller,
    topics: HashMap<String, Name>,
    topic_speller: Speller,
    around: Around,
    /// Words that are no slip of one of ours.
    ordinary: HashSet<String>,
}

#[derive(Clone, Copy, Debug)]
struct Phrase {
    word: Word,
    soft: bool,
    /// `None` once it is of two languages.
    locale: Option<Locale>,
}

#[derive(Debug)]
struct Around {
    courtesy: HashSet<String>,
    messages: HashSet<String>,
    joins: HashSet<String>,
    /// The longer ones of them all.
    speller: Speller,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    stop: Localised,
    stop_soft: Localised,
    start: Localised,
    start_soft: Localised,
    help: Localised,
    help_soft: Localised,
    around: AroundFile,
    ordinary: OrdinaryFile,
}

type Localised = BTreeMap<Locale, Vec<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AroundFile {
    courtesy: String,
    messages: String,
    joins: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdinaryFile {
    words: String,
}

impl Words {
    /// The built-in words, and those of the topics. `known` are words that are never a slip: those of the commands.
    pub fn new<'a>(
        topics: impl IntoIterator<Item = (&'a Name, &'a [String])>,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let file: File =
            toml::from_str(include_str!("words.toml")).expect("our own data file is good TOML: a test reads it");
        let mut phrases = HashMap::new();
        for (word, soft, texts) in [
            (Word::Stop, false, file.stop),
            (Word::Start, false, file.start),
            (Word::Help, false, file.help),
            (Word::Stop, true, file.stop_soft),
            (Word::Start, true, file.start_soft),
            (Word::Help, true, file.help_soft),
        ] {
            for (locale, text) in texts
                .iter()
                .flat_map(|(locale, texts)| texts.iter().map(|it| (*locale, it)))
            {
                let phrase = Phrase {
                    word,
                    soft,
                    locale: Some(locale),
                };
                phrases
                    .entry(text.clone())
                    .and_modify(|known: &mut Phrase| known.locale = None)
                    .or_insert(phrase);
            }
        }
        let mut speller = Speller::default();
        for phrase in phrases.keys().filter(|phrase| !phrase.contains(' ')) {
            speller.add(phrase, 1);
        }
        let mut topic_words = HashMap::new();
        let mut topic_speller = Speller::default();
        for (topic, words) in topics {
            for word in words.iter().map(|word| fold(word)).chain([fold(topic.as_str())]) {
                topic_speller.add(&word, 1);
                topic_words.entry(word).or_insert_with(|| topic.clone());
            }
        }
        let ordinary = file.ordinary.words.split_whitespace().map(str::to_owned);
        let known = known.into_iter().flat_map(|phrase| {
            let folded = fold(phrase);
            folded.split(' ').map(str::to_owned).collect::<Vec<_>>()
        });
        Self {
            longest: phrases.keys().map(|it| it.split(' ').count()).max().unwrap_or(1),
            speller: speller.finish(),
            ordinary: ordinary
                .chain(known)
                .filter(|word| !phrases.contains_key(word))
                .collect(),
            phrases,
            topics: topic_words,
            topic_speller: topic_speller.finish(),
            around: Around::new(&file.around),
        }
    }

    /// What the whole text says, if it is one of ours. Never fails, and looks at no more than a few words.
    pub fn hear(&self, text: &str) -> Option<Spoken> {
        let tokens = tokens(text);
        if let [only] = tokens.as_slice()
            && only.kind == Kind::Sign
        {
            return self.phrases.get(only.raw).map(|phrase| spoken(*phrase, None));
        }
        let words = spelt(&tokens)?;
        let mut plain: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !self.around.courtesy.contains(*word))
            .collect();
        plain.dedup();
        if plain.is_empty() {
            plain = words.iter().map(String::as_str).collect();
        }
        self.exact(&plain).or_else(|| self.misspelt(&plain))
    }

    /// A phrase of ours, and around it only what changes nothing, and a topic.
    fn exact(&self, words: &[&str]) -> Option<Spoken> {
        (1..=self.longest.min(words.len())).rev().find_map(|count| {
            (0..=words.len() - count).find_map(|at| {
                let phrase = *self.phrases.get(&words[at..at + count].join(" "))?;
                self.with_rest(phrase, words[..at].iter().chain(&words[at + count..]))
            })
        })
    }

    /// The same with a slip in a phrase of one word, which is the first or the last of the text.
    fn misspelt(&self, words: &[&str]) -> Option<Spoken> {
        let ends = [Some(0), words.len().checked_sub(1)];
        ends.into_iter().flatten().find_map(|at| {
            let word = words.get(at)?;
            let near = self.near(&self.speller, word)?;
            let phrase = *self.phrases.get(near)?;
            self.with_rest(phrase, words[..at].iter().chain(&words[at + 1..]))
        })
    }

    fn with_rest<'w>(&self, phrase: Phrase, rest: impl Iterator<Item = &'w &'w str>) -> Option<Spoken> {
        let mut topic: Option<Name> = None;
        for word in rest {
            let around = &self.around;
            let named = self.topic(word);
            match (phrase.soft || phrase.word == Word::Help, named) {
                // Beside "cancel" or "info" anything says more than that.
                (true, _) => return None,
                (false, Some(named)) if topic.as_ref().is_none_or(|topic| *topic == named) => topic = Some(named),
                (false, Some(_)) => return None,
                (false, None) if around.holds(word) => {}
                (false, None) => return None,
            }
        }
        Some(spoken(phrase, topic))
    }

    fn topic(&self, word: &str) -> Option<Name> {
        let known = self.topics.get(word);
        let near = || self.topics.get(self.near(&self.topic_speller, word)?);
        known.or_else(near).cloned()
    }

    /// The one known word of which this is a slip, if it is no word of its own.
    fn near<'s>(&self, speller: &'s Speller, word: &str) -> Option<&'s str> {
        let around = self.around.messages.contains(word) || self.around.joins.contains(word);
        if around || self.ordinary.contains(word) || is_ordinary(word) {
            return None;
        }
        match speller.nearest(word).as_slice() {
            [near] => Some(near.word),
            // `stopp` and `stop` are as near, and say the same.
            [first, rest @ ..] if rest.iter().all(|it| self.same(first.word, it.word)) => Some(first.word),
            _ => None,
        }
    }

    fn same(&self, one: &str, other: &str) -> bool {
        let word = |phrase: &str| self.phrases.get(phrase).map(|phrase| (phrase.word, phrase.soft));
        let topic = |word: &str| self.topics.get(word);
        word(one) == word(other) && topic(one) == topic(other)
    }
}

impl Around {
    /// Letters of a word that is known though it has a slip.
    const LONG: usize = 5;

    fn new(file: &AroundFile) -> Self {
        let set = |words: &str| words.split_whitespace().map(str::to_owned).collect();
        let mut speller = Speller::default();
        let all = [&file.courtesy, &file.messages, &file.joins];
        for word in all.into_iter().flat_map(|words| words.split_whitespace()) {
            if word.chars().count() >= Self::LONG {
                speller.add(word, 1);
            }
        }
        Self {
            courtesy: set(&file.courtesy),
            messages: set(&file.messages),
            joins: set(&file.joins),
            speller: speller.finish(),
        }
    }

    fn holds(&self, word: &str) -> bool {
        self.messages.contains(word) || self.joins.contains(word) || !self.speller.nearest(word).is_empty()
    }
}

fn spoken(phrase: Phrase, topic: Option<Name>) -> Spoken {
    Spoken {
        word: phrase.word,
        topic,
        locale: phrase.locale,
        soft: phrase.soft,
    }
}

/// The folded words without signs; letters set apart (`S T O P`) are one word. `None` where there are none, too many,
/// or a number, which says more.
fn spelt(tokens: &[Token<'_>]) -> Option<Vec<String>> {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| token.kind != Kind::Sign)
        .map(|token| token.folded.as_str())
        .collect();
    let letters = words.len() > 2 && words.iter().all(|word| word.chars().count() == 1);
    if letters && words.len() <= MOST_WORDS + 4 {
        return Some(vec![words.concat()]);
    }
    let number = tokens.iter().any(|token| token.kind == Kind::Number);
    let fits = !number && (1..=MOST_WORDS).contains(&words.len());
    fits.then(|| words.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
#[path = "words/tests.rs"]
mod tests;
