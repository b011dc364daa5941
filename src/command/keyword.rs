//! Keywords: exact whole text, exact first words, the one thing that is left when courtesy is taken away.

use std::collections::HashMap;

use super::catalogue::{Catalogue, Command, SlotKind};
use super::normalise::fold;
use super::reading::{Filler, Reading, Word};
use super::slot::{self, currency_of};
use super::speller::{Speller, limit};

/// A command, by its place in the catalogue.
pub(crate) type CommandIndex = usize;

/// What keywords a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The text is the keyword.
    Whole(CommandIndex, String),
    /// It begins with the keyword, and the rest fills slots. With the number of words of the keyword.
    First(CommandIndex, String, usize),
    /// Without courtesy and values it is the keyword.
    Left(CommandIndex, String),
    /// Without courtesy and values it is several keywords, of these commands.
    Several(Vec<CommandIndex>),
    /// Written together it is nearly the keyword.
    Near(CommandIndex, String),
}

/// The keywords of a catalogue, indexed.
#[derive(Debug, Default)]
pub(crate) struct Keywords {
    /// Folded, words with a space between.
    whole: Phrases,
    /// The most words that a keyword has.
    longest: usize,
    /// Without the words that any request has, written together.
    left: Phrases,
    together: Speller,
    /// Each command: a slip harms.
    delicate: Vec<bool>,
    /// Each command: the words that fill its slots.
    fills: Vec<Fills>,
}

/// Whose keyword a phrase is: of several commands where they listen on different addresses.
#[derive(Debug, Default)]
struct Phrases(HashMap<String, Vec<CommandIndex>>);

/// Whether a command hears what is said.
pub(crate) trait Listens: Fn(&CommandIndex) -> bool {}

impl<F: Fn(&CommandIndex) -> bool> Listens for F {}

impl Phrases {
    fn add(&mut self, phrase: String, command: CommandIndex) {
        let commands = self.0.entry(phrase).or_default();
        if !commands.contains(&command) {
            commands.push(command);
        }
    }

    fn get(&self, phrase: &str, listens: &impl Listens) -> Option<CommandIndex> {
        self.0.get(phrase)?.iter().copied().find(listens)
    }
}

#[derive(Debug, Default)]
struct Fills {
    kinds: Vec<SlotKind>,
    choices: Vec<String>,
}

impl Keywords {
    /// Those of the commands that are not bound to a pending question.
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let mut keywords = Self::default();
        for (index, command) in catalogue.values().enumerate() {
            keywords.delicate.push(command.is_delicate());
            keywords.fills.push(Fills::of(command));
            if command.answers.is_some() {
                continue;
            }
            for (locale, phrases) in &command.keywords {
                for phrase in phrases {
                    let folded = fold(phrase);
                    let words: Vec<&str> = folded.split(' ').collect();
                    keywords.longest = keywords.longest.max(words.len());
                    let content: Vec<&str> = words
                        .iter()
                        .copied()
                        .filter(|word| !Filler::of(word, *locale).is(true))
                        .collect();
                    let together = if content.is_empty() {
                        words.concat()
                    } else {
                        content.concat()
                    };
                    keywords.together.add(&together, 1);
                    keywords.together.add(&words.concat(), 1);
                    let written = words.concat();
                    keywords.left.add(together, index);
                    keywords.left.add(written, index);
                    keywords.whole.add(folded, index);
                }
            }
        }
        keywords.together = keywords.together.finish();
        keywords
    }

    /// The command that the whole text names.
    pub(crate) fn whole(&self, reading: &Reading, listens: &impl Listens) -> Option<Found> {
        if reading.words.len() > self.longest {
            return None;
        }
        let text = joined(&reading.words, " ");
        let command = self.whole.get(&text, listens)?;
        Some(Found::Whole(command, text))
    }

    /// The command that the first words name, the longest keyword first, where the rest only fills slots.
    pub(crate) fn first(&self, reading: &Reading, listens: &impl Listens) -> Option<Found> {
        let words = &reading.words;
        (1..=self.longest.min(words.len())).rev().find_map(|count| {
            let keyword = joined(&words[..count], " ");
            let command = self.whole.get(&keyword, listens)?;
            // Behind a word that does harm, only what fills its slots, or courtesy.
            let frame = !self.delicate[command] || !self.fills[command].kinds.is_empty();
            let fits = |word: &Word| word.value || word.filler.is(frame) || self.fills[command].has(&word.text);
            words[count..]
                .iter()
                .all(fits)
                .then_some(Found::First(command, keyword, count))
        })
    }

    /// The command that is left when courtesy, the frame of a request and values are taken away.
    pub(crate) fn left(&self, reading: &Reading, listens: &impl Listens) -> Option<Found> {
        for frame in [false, true] {
            let content: Vec<&Word> = reading.content(frame).collect();
            if content.is_empty() || content.len() > self.longest {
                continue;
            }
            let text: String = content.iter().map(|word| word.text.as_str()).collect();
            if let Some(command) = self.left.get(&text, listens)
                && self.may_stand_alone(command, frame, content.len(), reading)
            {
                return Some(Found::Left(command, text));
            }
        }
        self.several(reading, listens)
    }

    /// A single word that harms, in the frame of a request, may be said in passing: `it is the end`. It counts beside
    /// courtesy alone, or where the sum that it moves is there.
    fn may_stand_alone(&self, command: CommandIndex, frame: bool, words: usize, reading: &Reading) -> bool {
        let sum =
            || self.fills[command].kinds.contains(&SlotKind::Money) && reading.words.iter().any(|word| word.value);
        !frame || !self.delicate[command] || words > 1 || sum()
    }

    /// Two keywords or more, and nothing else: `saldo e movimenti`.
    fn several(&self, reading: &Reading, listens: &impl Listens) -> Option<Found> {
        let content: Vec<&str> = reading.content(true).map(|word| word.text.as_str()).collect();
        if content.len() < 2 || content.len() > 6 {
            return None;
        }
        let mut commands = Vec::new();
        let mut at = 0;
        while at < content.len() {
            let longest = (content.len() - at).min(self.longest);
            let (command, words) = (1..=longest).rev().find_map(|count| {
                let found = self.left.get(&content[at..at + count].concat(), listens)?;
                Some((found, count))
            })?;
            if !commands.contains(&command) {
                commands.push(command);
            }
            at += words;
        }
        (commands.len() > 1).then_some(Found::Several(commands))
    }

    /// The command whose keyword the content, written together, misspells. `known` says which words are no misspelling.
    pub(crate) fn near(
        &self,
        reading: &Reading,
        known: impl Fn(&str) -> bool,
        listens: &impl Listens,
    ) -> Option<Found> {
        for frame in [false, true] {
            let content: Vec<&str> = reading.content(frame).map(|word| word.text.as_str()).collect();
            if content.is_empty() || content.len() > self.longest + 1 {
                continue;
            }
            let text = content.concat();
            // Several known words may still be a keyword with one letter lost: `gia residui`.
            let all_known = content.iter().all(|word| known(word));
            if all_known && (content.len() < 2 || limit(text.len()) < 2) {
                continue;
            }
            let mut near = self.together.nearest(&text);
            near.retain(|near| !all_known || near.distance == 1);
            let mut commands: Vec<CommandIndex> = near
                .iter()
                .filter_map(|near| self.left.get(near.word, listens))
                .collect();
            commands.sort_unstable();
            commands.dedup();
            let first = near.iter().find(|near| self.left.get(near.word, listens).is_some());
            match (commands.as_slice(), first) {
                ([command], Some(near)) if self.may_stand_alone(*command, frame, content.len(), reading) => {
                    return Some(Found::Near(*command, near.word.to_owned()));
                }
                ([_, _, ..], _) => return Some(Found::Several(commands)),
                _ => {}
            }
        }
        None
    }
}

impl Fills {
    fn of(command: &Command) -> Self {
        let slots = command.slots.values();
        let choices = slots.clone().flat_map(|slot| slot.values.iter());
        Self {
            kinds: slots.map(|slot| slot.kind).collect(),
            choices: choices
                .flat_map(|(value, words)| words.iter().chain([value]))
                .map(|word| fold(word))
                .collect(),
        }
    }

    /// Whether the word says or names a value of the command.
    fn has(&self, word: &str) -> bool {
        self.kinds.iter().any(|kind| match kind {
            SlotKind::Money => currency_of(word).is_some() || slot::is_number_word(word),
            SlotKind::Count => slot::is_number_word(word),
            SlotKind::Msisdn => matches!(
                word,
                "numero" | "number" | "cellulare" | "telefono" | "phone" | "cell" | "num"
            ),
            SlotKind::CardLast4 => matches!(
                word,
                "finisce" | "termina" | "ending" | "finale" | "numero" | "number" | "carta" | "card"
            ),
            SlotKind::Date => slot::is_date_word(word),
            SlotKind::CaseId => {
                word.bytes().any(|byte| byte.is_ascii_digit())
                    || matches!(
                        word,
                        "numero" | "number" | "n" | "nr" | "id" | "tk" | "rif" | "ref" | "case"
                    )
            }
            SlotKind::Lang => slot::is_language(word),
            SlotKind::Choice => self.choices.iter().any(|choice| choice == word),
            SlotKind::Text => true,
        })
    }
}

fn joined(words: &[Word], between: &str) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    words.join(between)
}
