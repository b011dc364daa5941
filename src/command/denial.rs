//! Wishes that are denied or taken back: `non bloccate la carta`, `annulla la ricarica`. Whoever says so names the command
//! and does not ask for it, so a command that moves money or harms must not begin.

use std::collections::HashSet;

use super::Locale;
use super::catalogue::{Catalogue, Command};
use super::expand;
use super::language::Language;
use super::normalise::{Token, fold};
use super::reading::{Filler, Reading};

/// Words that deny what stands behind them, folded.
const DENIES: [&str; 27] = [
    "non", "nn", "mai", "senza", "evita", "evitate", "evitare", "not", "dont", "never", "without", "avoid", "wont",
    "ne", "jamais", "sans", "nicht", "nich", "kein", "keine", "ohne", "nie", "nunca", "sin", "nao", "sem", "pas",
];
/// Those of them that may stand behind what they deny.
const DENIES_BEFORE: [&str; 6] = ["nicht", "nich", "kein", "keine", "nie", "pas"];
/// How words begin that take back what was asked for.
const TAKES_BACK: [&str; 8] = ["annul", "cance", "revoc", "revok", "storn", "undo", "abort", "anula"];
/// What may stand between a denial and what it denies, beside the frame of a request.
const BETWEEN: [&str; 22] = [
    "voglio",
    "vogliamo",
    "volevo",
    "dovete",
    "devi",
    "deve",
    "dovreste",
    "bisogna",
    "piu",
    "ancora",
    "assolutamente",
    "want",
    "wish",
    "need",
    "you",
    "have",
    "should",
    "must",
    "ever",
    "jetzt",
    "quiero",
    "quero",
];
/// Words between a denial and what it denies.
const REACH: usize = 5;
/// Letters by which the forms of a word are told: `ricarica`, `ricaricare`.
const STEM: usize = 5;
/// Forms of an example that are looked at.
const FORMS: usize = 64;

/// What each command is denied by.
#[derive(Debug)]
pub(crate) struct Denials(Vec<Option<Deniable>>);

/// A command that can be denied.
#[derive(Debug, Default)]
struct Deniable {
    /// How the words of its keywords begin.
    stems: HashSet<String>,
    /// What they mean.
    concepts: HashSet<&'static str>,
    /// What would take another command back asks for this one: `cancel my card`.
    own: HashSet<&'static str>,
}

impl Denials {
    /// Those of the commands where a slip harms, in the order of the catalogue. One whose keywords deny themselves
    /// (`not me`) cannot be denied.
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let others = |own: usize| {
            let others = catalogue.values().enumerate().filter(move |(index, _)| *index != own);
            others.flat_map(|(_, command)| said(command)).collect::<Vec<_>>()
        };
        let deniable = |(index, command)| Deniable::of(command, &others(index));
        Self(catalogue.values().enumerate().map(deniable).collect())
    }

    /// What is left of a text when each denial is taken out with what it denies; `None` where it denies no word of the
    /// command. What is left may still ask for it: `non trovo la carta, bloccatela`.
    pub(crate) fn without(&self, command: usize, tokens: &[Token<'_>], reading: &Reading) -> Option<Reading> {
        let deniable = self.0.get(command)?.as_ref()?;
        let mut left = vec![true; reading.words.len()];
        for at in 0..reading.words.len() {
            if let Some((from, to)) = deniable.denied(at, tokens, reading) {
                left[from..=to].fill(false);
            }
        }
        if left.iter().all(|left| *left) {
            return None;
        }
        let words = reading.words.iter().zip(left).filter(|(_, left)| *left);
        Some(Reading {
            locale: reading.locale,
            words: words.map(|(word, _)| word.clone()).collect(),
        })
    }
}

impl Deniable {
    /// `others` are the words of the other commands' keywords: a card is also to be delivered, and asks for no blocking.
    fn of(command: &Command, others: &[(String, Locale)]) -> Option<Self> {
        if !command.is_delicate() || command.consent.is_some() || command.answers.is_some() {
            return None;
        }
        let mut deniable = Self::default();
        for (word, locale) in said(command) {
            if DENIES.contains(&word.as_str()) {
                return None;
            }
            if Filler::of(&word, locale).is(true) {
                continue;
            }
            deniable.concepts.extend(concepts(&word, locale));
            deniable.stems.insert(stem(&word).to_owned());
        }
        for (word, locale) in others {
            deniable.stems.remove(stem(word));
            for concept in concepts(word, *locale) {
                deniable.concepts.remove(concept);
            }
        }
        let examples = command.examples.values().flatten();
        let forms = examples.flat_map(|example| expand::some(example, FORMS));
        let phrases = command.keywords.values().flatten().cloned().chain(forms);
        for word in phrases.flat_map(|phrase| words(&phrase)) {
            deniable.own.extend(takes_back(&word));
        }
        Some(deniable)
    }

    /// The words from a denial at that place to what it denies.
    fn denied(&self, at: usize, tokens: &[Token<'_>], reading: &Reading) -> Option<(usize, usize)> {
        let words = &reading.words;
        let word = words[at].text.as_str();
        let takes_back = takes_back(word).is_some_and(|begins| !self.own.contains(begins));
        if !takes_back && !DENIES.contains(&word) && !is_bare_no(word, at, tokens, reading) {
            return None;
        }
        let names = |place: &usize| self.names(&words[*place].text, reading.locale);
        let before = || {
            let mut before = (at.saturating_sub(REACH)..at).rev();
            DENIES_BEFORE.contains(&word).then(|| before.find(names)).flatten()
        };
        let governed = |place: &usize| {
            let word = &words[*place];
            let between = word.value || word.filler.is(true) || BETWEEN.contains(&word.text.as_str());
            takes_back || between || names(place)
        };
        let reach = at + 1..words.len().min(at + 1 + REACH);
        let behind = || reach.take_while(governed).find(names);
        before().map(|from| (from, at)).or_else(|| behind().map(|to| (at, to)))
    }

    /// Whether the word is one by which the command is asked for.
    fn names(&self, word: &str, locale: Locale) -> bool {
        self.stems.contains(stem(word)) || concepts(word, locale).any(|concept| self.concepts.contains(concept))
    }
}

/// `no topup`, `no recargues`: where the language denies so, and it is no answer with a comma behind it.
fn is_bare_no(word: &str, at: usize, tokens: &[Token<'_>], reading: &Reading) -> bool {
    let (Some(this), Some(next)) = (reading.words.get(at), reading.words.get(at + 1)) else {
        return false;
    };
    let adjoins = match (tokens.get(this.token), tokens.get(next.token)) {
        (Some(this), Some(next)) => next.start.saturating_sub(this.end()) <= 1,
        _ => false,
    };
    word == "no" && matches!(reading.locale, Locale::En | Locale::Es) && adjoins
}

fn takes_back(word: &str) -> Option<&'static str> {
    TAKES_BACK.into_iter().find(|begins| word.starts_with(begins))
}

fn concepts(word: &str, locale: Locale) -> impl Iterator<Item = &'static str> {
    let known = Language::of(locale).concepts.get(word);
    known.into_iter().flatten().copied()
}

/// The words of a command's keywords.
fn said(command: &Command) -> impl Iterator<Item = (String, Locale)> {
    let phrases = command.keywords.iter();
    phrases.flat_map(|(locale, phrases)| {
        let words = phrases.iter().flat_map(|phrase| words(phrase));
        words.map(|word| (word, *locale))
    })
}

fn words(phrase: &str) -> Vec<String> {
    fold(phrase).split(' ').map(str::to_owned).collect()
}

fn stem(word: &str) -> &str {
    word.char_indices().nth(STEM).map_or(word, |(end, _)| &word[..end])
}
