//! What the model learns from: keywords, examples, misspellings of them made by machine, ordinary chatter.

use super::Locale;
use super::catalogue::Catalogue;
use super::expand;
use super::feature::{Counts, features};
use super::keyword::CommandIndex;
use super::language::{self, Language};
use super::linear::{Sample, Stir};
use super::normalise::{fold, tokens};
use super::reading::Reading;
use super::speller::Speller;

/// Texts learnt from a line of chatter, and from an example.
const VARIANTS: usize = 10;
/// Texts of words thrown together that are learnt as none.
const SALADS: usize = 3_200;

/// What is learnt: readings with their class, in patterns, whose texts know each other too well to vouch.
pub(crate) struct Lessons {
    patterns: Vec<Pattern>,
}

struct Pattern {
    /// `None` is chatter.
    command: Option<CommandIndex>,
    readings: Vec<Reading>,
}

impl Lessons {
    pub(crate) fn of(catalogue: &Catalogue) -> Self {
        let read = |text: &str, locale: Option<Locale>| Reading::new(&tokens(text), text, locale);
        let mut patterns = Vec::new();
        for (index, command) in catalogue
            .values()
            .enumerate()
            .filter(|(_, command)| command.answers.is_none())
        {
            for (locale, lines) in command.keywords.iter().chain(&command.examples) {
                for line in lines {
                    let texts = expand::some(line, VARIANTS);
                    let readings = texts.iter().map(|text| read(text, Some(*locale))).collect();
                    patterns.push(Pattern {
                        command: Some(index),
                        readings,
                    });
                }
            }
        }
        for texts in language::chatter(VARIANTS) {
            let readings = texts.iter().map(|text| read(text, None)).collect();
            patterns.push(Pattern {
                command: None,
                readings,
            });
        }
        Self { patterns }
    }

    /// Every word that is known to be one: those of the languages, of the keywords, examples and chatter.
    pub(crate) fn speller(&self, catalogue: &Catalogue) -> Speller {
        let mut speller = Speller::default();
        for word in Locale::ALL.into_iter().flat_map(|locale| Language::of(locale).words()) {
            speller.add(word, 0);
        }
        for pattern in &self.patterns {
            let rank = u8::from(pattern.command.is_some());
            for word in pattern
                .readings
                .iter()
                .flat_map(|reading| &reading.words)
                .filter(|word| !word.value)
            {
                speller.add(&word.text, rank);
            }
        }
        let keywords = catalogue
            .values()
            .flat_map(|command| command.keywords.values().flatten());
        for word in keywords.flat_map(|keyword| fold(keyword).split(' ').map(str::to_owned).collect::<Vec<_>>()) {
            speller.add(&word, 2);
        }
        speller.finish()
    }

    /// In how many patterns of commands each word occurs.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for pattern in self.patterns.iter().filter(|pattern| pattern.command.is_some()) {
            let mut words: Vec<&str> = pattern
                .readings
                .iter()
                .flat_map(|reading| reading.words.iter().map(|word| word.text.as_str()))
                .collect();
            words.sort_unstable();
            words.dedup();
            let keyword = pattern.readings.iter().all(|reading| reading.words.len() < 4) && pattern.readings.len() == 1;
            for word in words {
                *counts.entry(word.to_owned()).or_default() += if keyword { 2 } else { 1 };
            }
        }
        counts
    }

    pub(crate) fn samples(&self, counts: &Counts, classes: &[CommandIndex], speller: &Speller) -> Vec<Sample> {
        let none = classes.len();
        let mut samples = Vec::new();
        let mut random = Stir(7);
        for pattern in &self.patterns {
            let class = pattern
                .command
                .and_then(|command| classes.iter().position(|class| *class == command));
            for reading in &pattern.readings {
                let own = u32::from(pattern.command.is_some());
                samples.push(Sample {
                    features: features(reading, counts, own),
                    class: class.unwrap_or(none),
                });
                if let Some(typo) = misspell(reading, &mut random, speller).filter(|_| class.is_some()) {
                    samples.push(Sample {
                        features: features(&typo, counts, own),
                        class: class.unwrap_or(none),
                    });
                }
            }
        }
        samples.extend(self.salad(counts, none));
        samples
    }

    /// Ordinary words thrown together, with a word or two of the catalogue among them: what a single word must not
    /// outweigh. A command is a wish, and a wish is more than a word in passing.
    fn salad(&self, counts: &Counts, none: usize) -> Vec<Sample> {
        let mut random = Stir(11);
        let mut wanted: Vec<&str> = counts.keys().map(String::as_str).collect();
        wanted.sort_unstable();
        let mut samples = Vec::with_capacity(SALADS);
        for locale in [
            Locale::It,
            Locale::En,
            Locale::It,
            Locale::En,
            Locale::Fr,
            Locale::De,
            Locale::Es,
            Locale::Pt,
        ] {
            let language = Language::of(locale);
            let mut common: Vec<&str> = language.common.keys().chain(language.filler.keys()).copied().collect();
            common.sort_unstable();
            for _ in 0..SALADS / 8 {
                let mut words: Vec<&str> = (0..2 + random.below(9))
                    .map(|_| common[random.below(common.len())])
                    .collect();
                for _ in 0..random.below(3) {
                    words[0] = wanted[random.below(wanted.len())];
                    let place = random.below(words.len());
                    words.swap(0, place);
                }
                let text = words.join(" ");
                let reading = Reading::new(&tokens(&text), &text, Some(locale));
                samples.push(Sample {
                    features: features(&reading, counts, 0),
                    class: none,
                });
            }
        }
        samples
    }
}

/// The reading with one letter of one word gone, doubled, or changed places with the next: what thumbs do.
fn misspell(reading: &Reading, random: &mut Stir, speller: &Speller) -> Option<Reading> {
    let long: Vec<usize> = (0..reading.words.len())
        .filter(|index| reading.words[*index].text.chars().count() > 4)
        .collect();
    let index = *long.get(random.below(long.len()))?;
    let mut letters: Vec<char> = reading.words[index].text.chars().collect();
    let at = random.below(letters.len() - 1);
    match random.below(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters.swap(at, at + 1),
    }
    let word: String = letters.into_iter().collect();
    if speller.knows(&word) {
        return None;
    }
    let mut misspelt = reading.clone();
    misspelt.words[index].text = word;
    Some(misspelt)
}
