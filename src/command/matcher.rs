//! Which command a text asks for: exact keywords first, then misspelt ones, then the linear model; accept, ask or none.

use std::fmt;

use jiff::civil::Date;

use super::Locale;
use super::answer::Answers;
use super::catalogue::{Catalogue, Command, Consent};
use super::denial::Denials;
use super::feature::{Counts, features};
use super::keyword::{CommandIndex, Found, Keywords};
use super::lesson::Lessons;
use super::linear::Linear;
use super::normalise::{Token, tokens};
use super::reading::Reading;
use super::slot::{self, Setting, Slots};
use super::speller::Speller;
use crate::domain::{Name, Region, bare};

/// A text to understand, with what is known beside it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The text as it came.
    pub text: &'a str,
    /// The address of ours that it came to; `None` is any.
    pub address: Option<&'a str>,
    /// The question that waits for an answer from this number.
    pub pending: Option<Pending<'a>>,
    /// The language that the customer has chosen, or else the address's.
    pub locale: Option<Locale>,
    /// The customer's day.
    pub today: Date,
}

/// A question that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending<'a> {
    /// Yes or no.
    Confirm,
    /// A score, from and to.
    Score(u32, u32),
    /// Which of these commands was meant.
    Choose(&'a [Name]),
}

/// What a text was taken for.
#[derive(Clone, Debug, PartialEq)]
pub struct Understanding {
    /// What to do.
    pub outcome: Outcome,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// The values of the command, or of the first to be asked about.
    pub slots: Slots,
    /// The language of the text.
    pub locale: Locale,
    /// By what it was understood.
    pub why: Why,
}

/// What to do with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The text asks for this command.
    Accept(Name),
    /// It asks for one of these, the likeliest first: ask which.
    Ask(Vec<Name>),
    /// It asks for no command.
    None,
}

/// By what a text was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The whole text is this keyword.
    Keyword(String),
    /// It begins with this keyword, and values follow.
    FirstWords(String),
    /// Without courtesy it is this keyword.
    Courtesy(String),
    /// It names several commands.
    Several,
    /// It is this keyword misspelt.
    Misspelt(String),
    /// It is like the examples, that probability; `none` is that of ordinary chatter.
    Alike {
        /// Of the likeliest command.
        best: f32,
        /// Of the next.
        next: f32,
        /// Of no command.
        none: f32,
    },
    /// It names a command, and denies it or takes it back.
    Denied,
    /// It answers the pending question.
    Answer,
    /// It does not answer the pending question.
    NoAnswer,
    /// There is nothing in it to understand.
    Nothing,
}

/// At least so sure to accept; a command where a slip harms takes more.
const ACCEPT: f32 = 0.62;
const ACCEPT_DELICATE: f32 = 0.88;
/// At least so far ahead of the next to accept.
const MARGIN: f32 = 0.25;
/// At least so sure of the likeliest two together to ask.
const ASK: f32 = 0.50;
/// At least so sure to be offered in a question.
const OFFER: f32 = 0.12;

/// A catalogue, made ready to understand texts. Built once and shared; a reload builds a new one.
pub struct Matcher {
    pub(super) names: Vec<Name>,
    commands: Vec<Command>,
    keywords: Keywords,
    pub(super) speller: Speller,
    pub(super) counts: Counts,
    pub(super) model: Linear,
    /// The commands of the model's classes; the last class is none of them.
    pub(super) classes: Vec<CommandIndex>,
    answers: Answers,
    denials: Denials,
    /// The country of numbers that are written without its code.
    home: Region,
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher")
            .field("commands", &self.names)
            .finish_non_exhaustive()
    }
}

impl Matcher {
    /// Learns a catalogue that has passed its lints.
    pub fn new(catalogue: &Catalogue) -> Self {
        let keywords = Keywords::new(catalogue);
        let lessons = Lessons::of(catalogue);
        let speller = lessons.speller(catalogue);
        let counts = lessons.counts();
        let classes: Vec<CommandIndex> = catalogue
            .values()
            .enumerate()
            .filter(|(_, command)| command.answers.is_none())
            .map(|(index, _)| index)
            .collect();
        let samples = lessons.samples(&counts, &classes, &speller);
        Self {
            names: catalogue.keys().cloned().collect(),
            commands: catalogue.values().cloned().collect(),
            keywords,
            speller,
            counts,
            model: Linear::train(&samples, classes.len() + 1),
            classes,
            answers: Answers::new(catalogue),
            denials: Denials::new(catalogue),
            home: Region::home(),
        }
    }

    /// The same in another country: numbers written without a code are of its plan.
    #[must_use]
    pub fn at_home_in(self, home: Region) -> Self {
        Self { home, ..self }
    }

    /// What a text asks for. Pure: the same text, the same understanding.
    pub fn understand(&self, heard: &Heard<'_>) -> Understanding {
        let tokens = tokens(heard.text);
        let reading = Reading::new(&tokens, heard.text, heard.locale);
        let understanding = self.whether_answer(heard, &tokens, &reading);
        let mut understanding = understanding.unwrap_or_else(|| self.command(heard, &tokens, &reading));
        understanding.locale = reading.locale;
        understanding
    }

    /// The values of one slot in a text that answers the question for it; two or more are to be asked about again.
    pub fn answer(&self, command: &Name, slot: &str, heard: &Heard<'_>) -> Vec<slot::Value> {
        let Some(slot) = self.command_of(command).and_then(|command| command.slots.get(slot)) else {
            return Vec::new();
        };
        let tokens = tokens(heard.text);
        let reading = Reading::new(&tokens, heard.text, heard.locale);
        slot::answer(slot, heard.text, &tokens, self.setting(heard, &reading))
    }

    /// The values of a command in a text that asked for it, or for one of several: the whole text is looked at.
    pub fn values(&self, command: &Name, heard: &Heard<'_>) -> Slots {
        let Some(command) = self.command_of(command) else {
            return Slots::default();
        };
        let tokens = tokens(heard.text);
        let reading = Reading::new(&tokens, heard.text, heard.locale);
        slot::read(command, heard.text, &tokens, 0, self.setting(heard, &reading))
    }

    /// A command by its name.
    pub fn command_of(&self, name: &Name) -> Option<&Command> {
        self.names
            .iter()
            .position(|known| known == name)
            .map(|index| &self.commands[index])
    }

    fn setting(&self, heard: &Heard<'_>, reading: &Reading) -> Setting {
        Setting {
            locale: reading.locale,
            today: heard.today,
            home: self.home,
        }
    }

    /// Bytes held, roughly: the model's weights, the words, the keywords.
    pub fn size(&self) -> usize {
        let counts: usize = self.counts.keys().map(|word| word.len() + 48).sum();
        self.model.size() + self.speller.size() + counts
    }

    /// What the text says to the pending question, if one waits; a command given exactly leaves it.
    fn whether_answer(&self, heard: &Heard<'_>, tokens: &[Token<'_>], reading: &Reading) -> Option<Understanding> {
        let pending = heard.pending?;
        if let Some(answer) = self.answers.read(pending, tokens, reading) {
            return Some(Understanding {
                outcome: Outcome::Accept(answer.command),
                confidence: answer.confidence,
                slots: answer.slots,
                locale: reading.locale,
                why: Why::Answer,
            });
        }
        let left = self.command(heard, tokens, reading);
        let Outcome::Accept(name) = &left.outcome else {
            return Some(no_answer(reading));
        };
        // Whoever wants no more texts is heard however they say it; all else must be exact.
        let plea = self
            .command_of(name)
            .is_some_and(|command| command.consent == Some(Consent::Stop));
        let exact = matches!(left.why, Why::Keyword(_) | Why::FirstWords(_) | Why::Courtesy(_));
        Some(if exact || plea { left } else { no_answer(reading) })
    }

    fn command(&self, heard: &Heard<'_>, tokens: &[Token<'_>], reading: &Reading) -> Understanding {
        if reading.words.iter().all(|word| word.value) {
            return Understanding {
                outcome: Outcome::None,
                confidence: 1.0,
                slots: Slots::default(),
                locale: reading.locale,
                why: Why::Nothing,
            };
        }
        let listens = &|index: &CommandIndex| {
            let addresses = &self.commands[*index].addresses;
            addresses.is_empty()
                || heard
                    .address
                    .is_none_or(|address| addresses.iter().any(|own| bare(own) == bare(address)))
        };
        let (mut candidates, mut confidence, mut why) = self.decide(reading, listens);
        if let [only] = candidates.as_slice()
            && self.is_denied(*only, tokens, reading, listens)
        {
            (candidates, confidence, why) = (Vec::new(), 1.0, Why::Denied);
        }
        let outcome = match candidates.as_slice() {
            [] => Outcome::None,
            [only] => Outcome::Accept(self.names[*only].clone()),
            several => Outcome::Ask(several.iter().map(|index| self.names[*index].clone()).collect()),
        };
        let slots = candidates.first().map(|first| {
            let rest = match &why {
                Why::FirstWords(keyword) => tokens
                    .get(keyword.split(' ').count())
                    .map_or(heard.text.len(), |token| token.start),
                _ => 0,
            };
            slot::read(
                &self.commands[*first],
                heard.text,
                tokens,
                rest,
                self.setting(heard, reading),
            )
        });
        Understanding {
            outcome,
            confidence,
            slots: slots.unwrap_or_default(),
            locale: reading.locale,
            why,
        }
    }

    /// Whether the text denies the command that it names, and asks for it nowhere else.
    fn is_denied(
        &self,
        command: CommandIndex,
        tokens: &[Token<'_>],
        reading: &Reading,
        listens: impl Fn(&CommandIndex) -> bool,
    ) -> bool {
        self.denials.without(command, tokens, reading).is_some_and(|left| {
            let nothing = left.words.iter().all(|word| word.value);
            nothing || self.decide(&left, listens).0 != [command]
        })
    }

    /// One command to accept, several to ask about, or none.
    fn decide(&self, reading: &Reading, listens: impl Fn(&CommandIndex) -> bool) -> (Vec<CommandIndex>, f32, Why) {
        let exact = |reading: &Reading| {
            let whole = self.keywords.whole(reading, &listens);
            let first = || self.keywords.first(reading, &listens);
            whole.or_else(first).or_else(|| self.keywords.left(reading, &listens))
        };
        if let Some(found) = exact(reading) {
            return match found {
                Found::Whole(command, keyword) => (vec![command], 1.0, Why::Keyword(keyword)),
                Found::First(command, keyword, _) => (vec![command], 0.98, Why::FirstWords(keyword)),
                Found::Left(command, keyword) | Found::Near(command, keyword) => {
                    (vec![command], 0.96, Why::Courtesy(keyword))
                }
                Found::Several(commands) => (commands, 0.5, Why::Several),
            };
        }
        let corrected = reading.corrected(&self.speller);
        let misspelt = corrected.as_ref().and_then(exact);
        let misspelt = misspelt.or_else(|| {
            let known = |word: &str| self.speller.knows(word);
            self.keywords.near(reading, known, &listens)
        });
        match misspelt {
            Some(Found::Whole(command, keyword) | Found::First(command, keyword, _)) => {
                return (vec![command], 0.92, Why::Misspelt(keyword));
            }
            Some(Found::Left(command, keyword) | Found::Near(command, keyword)) => {
                return (vec![command], 0.9, Why::Misspelt(keyword));
            }
            Some(Found::Several(commands)) => return (commands, 0.5, Why::Several),
            None => {}
        }
        self.alike(corrected.as_ref().unwrap_or(reading), listens)
    }

    /// What the model says, and what follows from its probabilities.
    fn alike(&self, reading: &Reading, listens: impl Fn(&CommandIndex) -> bool) -> (Vec<CommandIndex>, f32, Why) {
        let probabilities = self.model.predict(&features(reading, &self.counts, 0));
        let (none, commands) = probabilities.split_last().expect("there is a class for none");
        let mut ranked: Vec<(CommandIndex, f32)> = self.classes.iter().copied().zip(commands.iter().copied()).collect();
        ranked.retain(|(command, _)| listens(command));
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        let Some((command, best)) = ranked.first().copied() else {
            return (Vec::new(), *none, Why::Nothing);
        };
        let next = ranked.get(1).map_or(0.0, |(_, next)| *next);
        let why = Why::Alike {
            best,
            next,
            none: *none,
        };
        let needed = if self.commands[command].is_delicate() {
            ACCEPT_DELICATE
        } else {
            ACCEPT
        };
        if best >= needed && best - next >= MARGIN {
            return (vec![command], best, why);
        }
        if best + next >= ASK && best > *none {
            let mut offered: Vec<CommandIndex> = ranked
                .iter()
                .filter(|(_, probability)| *probability >= OFFER)
                .take(3)
                .map(|(command, _)| *command)
                .collect();
            // A question with one answer is "did you mean …?": the next stands beside it.
            if offered.len() < 2 {
                offered = ranked.iter().take(2).map(|(command, _)| *command).collect();
            }
            return (offered, best, why);
        }
        (Vec::new(), *none, why)
    }
}

fn no_answer(reading: &Reading) -> Understanding {
    Understanding {
        outcome: Outcome::None,
        confidence: 1.0,
        slots: Slots::default(),
        locale: reading.locale,
        why: Why::NoAnswer,
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword(keyword) => write!(f, "the keyword `{keyword}`"),
            Self::FirstWords(keyword) => write!(f, "begins with the keyword `{keyword}`"),
            Self::Courtesy(keyword) => write!(f, "the keyword `{keyword}` with courtesy around it"),
            Self::Several => f.write_str("names several commands"),
            Self::Misspelt(keyword) => write!(f, "the keyword `{keyword}` misspelt"),
            Self::Alike { best, next, none } => {
                write!(f, "like the examples: {best:.2}, the next {next:.2}, chatter {none:.2}")
            }
            Self::Denied => f.write_str("says that it shall not be done"),
            Self::Answer => f.write_str("answers the pending question"),
            Self::NoAnswer => f.write_str("does not answer the pending question"),
            Self::Nothing => f.write_str("nothing to understand"),
        }
    }
}
