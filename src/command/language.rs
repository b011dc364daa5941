//! What is known of the languages themselves, whatever the catalogue: courtesy, text-speak, common words, words that
//! mean one thing, and ordinary chatter. Data files of our own, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Locale;
use super::expand;
use super::speller::Words;

/// One language's words, folded.
#[derive(Debug)]
pub(crate) struct Language {
    /// How a text is polite: dropped before any keyword is looked for.
    pub(crate) courtesy: Words<()>,
    /// Courtesy, and the frame of a request: how, not what.
    pub(crate) filler: Words<()>,
    /// Words that are never taken for the misspelling of another.
    pub(crate) common: Words<()>,
    /// What abbreviations and phonetic spellings stand for: one word or more.
    pub(crate) textspeak: Words<&'static str>,
    /// The concepts that a word belongs to.
    pub(crate) concepts: Words<Vec<&'static str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    courtesy: &'static str,
    frame: &'static str,
    common: &'static str,
    textspeak: HashMap<&'static str, &'static str>,
    concept: HashMap<&'static str, &'static str>,
}

static LANGUAGES: LazyLock<[Language; 6]> = LazyLock::new(|| {
    [
        Language::read(include_str!("language/it.toml")),
        Language::read(include_str!("language/en.toml")),
        Language::read(include_str!("language/fr.toml")),
        Language::read(include_str!("language/de.toml")),
        Language::read(include_str!("language/es.toml")),
        Language::read(include_str!("language/pt.toml")),
    ]
});

/// Texts that ask for nothing, a line each.
const CHATTER: [&str; 3] = [
    include_str!("language/chatter_it.txt"),
    include_str!("language/chatter_en.txt"),
    include_str!("language/chatter_more.txt"),
];

impl Language {
    /// That locale's.
    pub(crate) fn of(locale: Locale) -> &'static Self {
        &LANGUAGES[locale.index()]
    }

    fn read(text: &'static str) -> Self {
        let file: File = toml::from_str(text).expect("our own data file is good TOML: a test reads it");
        let mut concepts: Words<Vec<_>> = Words::default();
        for (concept, words) in file.concept {
            for word in words.split_whitespace() {
                concepts.entry(word).or_default().push(concept);
            }
        }
        // The tables of TOML come without order; what is learnt from them must not depend on it.
        concepts.values_mut().for_each(|concepts| concepts.sort_unstable());
        let set = |words: &'static str| words.split_whitespace().map(|word| (word, ()));
        Self {
            filler: set(file.frame).chain(set(file.courtesy)).collect(),
            courtesy: set(file.courtesy).collect(),
            common: set(file.common).collect(),
            textspeak: file.textspeak.into_iter().collect(),
            concepts,
        }
    }

    /// Whether the word is one of this language's.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.filler.contains_key(word)
            || self.common.contains_key(word)
            || self.textspeak.contains_key(word)
            || self.concepts.contains_key(word)
    }

    /// Whether the word is an everyday one, not of the kind that names what is asked for.
    pub(crate) fn is_common(&self, word: &str) -> bool {
        self.filler.contains_key(word) || self.common.contains_key(word) || self.textspeak.contains_key(word)
    }

    /// Every word of it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> {
        let meant = self.textspeak.values().flat_map(|meant| meant.split_whitespace());
        let sets = self.filler.keys().chain(self.common.keys()).copied();
        sets.chain(self.textspeak.keys().copied())
            .chain(meant)
            .chain(self.concepts.keys().copied())
    }
}

/// The built-in texts that ask for nothing: the alternatives of each line together.
pub(crate) fn chatter(most: usize) -> Vec<Vec<String>> {
    let lines = CHATTER.iter().flat_map(|file| file.lines());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| expand::some(line, most))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::normalise::fold;

    #[test]
    fn every_word_of_the_data_files_is_folded() {
        for locale in Locale::ALL {
            for word in Language::of(locale).words().filter(|word| *word != "howmuch") {
                assert_eq!(fold(word), word, "{locale}");
            }
        }
    }

    #[test]
    fn every_line_of_chatter_gives_texts() {
        let chatter = chatter(8);
        assert!(chatter.len() > 250, "{}", chatter.len());
        assert!(
            chatter
                .iter()
                .all(|texts| !texts.is_empty() && texts.iter().all(|text| !text.contains(['(', '|', ')'])))
        );
    }
}
