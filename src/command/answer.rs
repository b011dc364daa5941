//! Answers to a pending question: yes and no, a score, one of several commands.

use std::collections::BTreeMap;

use super::Locale;
use super::catalogue::{AnswerKind, Catalogue, Command};
use super::matcher::Pending;
use super::normalise::{Kind, Token, fold};
use super::reading::{Filler, Reading};
use super::slot::{Slots, Value, spoken};
use super::speller::Speller;
use crate::domain::Name;

/// What a pending question was answered.
pub(crate) struct Answer {
    pub(crate) command: Name,
    pub(crate) confidence: f32,
    pub(crate) slots: Slots,
}

/// The words of the commands that answer questions.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    yes: Option<Words>,
    no: Option<Words>,
    score: Option<Name>,
}

#[derive(Debug)]
struct Words {
    name: Name,
    /// Folded phrases, words in order.
    phrases: Vec<Vec<String>>,
    speller: Speller,
}

/// Words that take a yes back, whatever stands around them.
const DOUBT: [&str; 44] = [
    "non",
    "no",
    "not",
    "dont",
    "never",
    "mai",
    "nicht",
    "kein",
    "pas",
    "ne",
    "nao",
    "nunca",
    "ma",
    "but",
    "pero",
    "aber",
    "mais",
    "mas",
    "se",
    "if",
    "forse",
    "maybe",
    "perhaps",
    "magari",
    "boh",
    "vielleicht",
    "quizas",
    "talvez",
    "prima",
    "quanto",
    "quando",
    "perche",
    "why",
    "what",
    "when",
    "how",
    "cosa",
    "come",
    "aspetta",
    "wait",
    "dopo",
    "later",
    "cancel",
    "annulla",
];
/// Words that leave open what is wanted, though they deny something.
const UNSURE: [&str; 40] = [
    "so",
    "sapere",
    "saprei",
    "sicuro",
    "sicura",
    "sure",
    "know",
    "idea",
    "capito",
    "capisco",
    "understand",
    "forse",
    "maybe",
    "perche",
    "why",
    "problem",
    "problems",
    "problema",
    "worries",
    "certo",
    "what",
    "cosa",
    "quanto",
    "ricordo",
    "remember",
    "boh",
    "ancora",
    "yet",
    "detto",
    "who",
    "chi",
    "how",
    "come",
    "funziona",
    "arriva",
    "arrivato",
    "ricevuto",
    "received",
    "dubt",
    "doubt",
];
/// What may stand around a yes without changing it.
const AROUND_YES: [&str; 58] = [
    "grazie",
    "mille",
    "tante",
    "pure",
    "prego",
    "allora",
    "dai",
    "tutto",
    "assolutamente",
    "proprio",
    "molto",
    "bene",
    "e",
    "per",
    "favore",
    "subito",
    "ora",
    "adesso",
    "la",
    "il",
    "lo",
    "operazione",
    "ricarica",
    "pagamento",
    "blocco",
    "thanks",
    "thank",
    "you",
    "please",
    "it",
    "the",
    "with",
    "now",
    "and",
    "ahead",
    "go",
    "do",
    "that",
    "is",
    "i",
    "very",
    "much",
    "top",
    "up",
    "payment",
    "danke",
    "merci",
    "bitte",
    "gracias",
    "favor",
    "por",
    "obrigado",
    "gentilmente",
    "procedere",
    "confermare",
    "importo",
    "corretto",
    "cosi",
];

/// Yes and no as everybody says them, whatever the catalogue: it need not list them.
const PLAIN_YES: [&str; 15] = [
    "yep",
    "yup",
    "yeah",
    "ya",
    "sisi",
    "jep",
    "absolutely",
    "agreed",
    "approved",
    "confirmed",
    "correct",
    "fine",
    "indeed",
    "of course",
    "perfetto",
];
const PLAIN_NO: [&str; 10] = [
    "nope",
    "nah",
    "nono",
    "nee",
    "abort",
    "forget it",
    "negative",
    "never mind",
    "no thanks",
    "no way",
];

impl Answers {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let mut answers = Self::default();
        for (name, command) in catalogue {
            match command.answers {
                Some(AnswerKind::Yes) => answers.yes = Some(Words::new(name, command, &PLAIN_YES)),
                Some(AnswerKind::No) => answers.no = Some(Words::new(name, command, &PLAIN_NO)),
                Some(AnswerKind::Score) => answers.score = Some(name.clone()),
                None => {}
            }
        }
        answers
    }

    /// The answer to the question, if the text is one.
    pub(crate) fn read(&self, pending: Pending<'_>, tokens: &[Token<'_>], reading: &Reading) -> Option<Answer> {
        match pending {
            Pending::Confirm => self.confirmed(tokens, reading),
            Pending::Score(from, to) => self.scored(tokens, reading.locale, from, to),
            Pending::Choose(offered) => chosen(tokens, reading.locale, offered),
        }
    }

    /// A yes is nothing but yes and thanks. A no is any text that says no, and says nothing that leaves it open.
    fn confirmed(&self, tokens: &[Token<'_>], reading: &Reading) -> Option<Answer> {
        let words: Vec<&str> = tokens
            .iter()
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.folded.as_str())
            .collect();
        let signs: Vec<&str> = tokens
            .iter()
            .filter(|token| token.kind == Kind::Sign)
            .map(|token| token.raw)
            .collect();
        let digits = tokens.iter().any(|token| token.kind == Kind::Number);
        let answer = |words: &Words, confidence| Answer {
            command: words.name.clone(),
            confidence,
            slots: Slots::default(),
        };
        if signs.contains(&"?") {
            return None;
        }
        if words.is_empty() && !digits {
            let thumbs = |wanted: &[&str]| !signs.is_empty() && signs.iter().all(|sign| wanted.contains(sign));
            return if thumbs(&["👍", "👌", "✅", "✔", "🆗", "🙏"]) {
                self.yes.as_ref().map(|yes| answer(yes, 0.95))
            } else if thumbs(&["👎", "❌", "🚫", "🛑"]) {
                self.no.as_ref().map(|no| answer(no, 0.95))
            } else {
                None
            };
        }
        let yes = self
            .yes
            .as_ref()
            .zip(self.yes.as_ref().and_then(|yes| yes.alone(&words, reading)));
        if let Some((yes, confidence)) = yes
            && !digits
            && !words.iter().any(|word| DOUBT.contains(word))
        {
            return Some(answer(yes, confidence));
        }
        let no = self.no.as_ref()?;
        let confidence = no.said(&words)?;
        let said_yes = self.yes.as_ref().is_some_and(|yes| yes.begins(&words));
        let open = no.beside(&words).any(|word| UNSURE.contains(&word));
        (!open && !said_yes).then(|| answer(no, confidence))
    }

    /// The one number of the text, in digits or words, within the scale; `8/10` only on a scale to 10.
    fn scored(&self, tokens: &[Token<'_>], locale: Locale, from: u32, to: u32) -> Option<Answer> {
        let score = scores(tokens, locale, to)?;
        let command = self.score.clone().filter(|_| (from..=to).contains(&score))?;
        let values = BTreeMap::from([
            ("score".to_owned(), Value::Count(score)),
            ("scale".to_owned(), Value::Count(to)),
        ]);
        Some(Answer {
            command,
            confidence: 0.97,
            slots: Slots {
                values,
                ..Slots::default()
            },
        })
    }
}

impl Words {
    fn new(name: &Name, command: &Command, plain: &[&str]) -> Self {
        let keywords = command.keywords.values().flatten().map(String::as_str);
        let folded = keywords.chain(plain.iter().copied()).map(fold);
        let mut phrases: Vec<Vec<String>> = folded
            .map(|phrase| phrase.split(' ').map(str::to_owned).collect())
            .collect();
        // The longest first, so that "non procedere" is seen before "no".
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        phrases.dedup();
        let mut speller = Speller::default();
        for word in phrases
            .iter()
            .filter(|phrase| phrase.len() == 1)
            .map(|phrase| &phrase[0])
        {
            speller.add(word, 1);
        }
        Self {
            name: name.clone(),
            phrases,
            speller: speller.finish(),
        }
    }

    /// Whether the text is made of these phrases and of courtesy, with at least one of them; and how sure.
    fn alone(&self, words: &[&str], reading: &Reading) -> Option<f32> {
        let mut confidence: Option<f32> = None;
        let mut at = 0;
        while at < words.len() {
            if let Some(count) = self.phrase_at(words, at) {
                confidence = Some(confidence.unwrap_or(0.99));
                at += count;
            } else if self.nearly(words[at]) {
                confidence = Some(0.9);
                at += 1;
            } else if AROUND_YES.contains(&words[at]) || Filler::of(words[at], reading.locale).is(false) {
                at += 1;
            } else {
                return None;
            }
        }
        confidence
    }

    /// How sure it is that the text says one of the phrases, if it does.
    fn said(&self, words: &[&str]) -> Option<f32> {
        if (0..words.len()).any(|at| self.phrase_at(words, at).is_some()) {
            return Some(0.97);
        }
        let denied = matches!(words.first(), Some(&("non" | "dont" | "not" | "nicht" | "nao")));
        let near = words.len() <= 3 && words.iter().any(|word| self.nearly(word));
        (denied || near).then_some(0.9)
    }

    /// The words that belong to none of the phrases.
    fn beside<'a>(&self, words: &[&'a str]) -> impl Iterator<Item = &'a str> {
        let mut beside = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match self.phrase_at(words, at) {
                Some(count) => at += count,
                None => {
                    beside.push(words[at]);
                    at += 1;
                }
            }
        }
        beside.into_iter()
    }

    fn begins(&self, words: &[&str]) -> bool {
        self.phrase_at(words, 0).is_some()
    }

    fn phrase_at(&self, words: &[&str], at: usize) -> Option<usize> {
        let rest = &words[at..];
        let fits = |phrase: &&Vec<String>| {
            phrase.len() <= rest.len() && phrase.iter().zip(rest).all(|(one, other)| one == other)
        };
        self.phrases.iter().find(fits).map(Vec::len)
    }

    fn nearly(&self, word: &str) -> bool {
        let doubled = |known: &Vec<String>| {
            known.len() == 1 && squeezed(&known[0]) == squeezed(word) && word.len() > known[0].len()
        };
        self.speller
            .nearest(word)
            .first()
            .is_some_and(|near| near.distance == 1 && word.len() >= 5)
            || self.phrases.iter().any(doubled)
    }
}

/// Each run of a letter once: `yess`, `siii`.
fn squeezed(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// The score that a text gives.
fn scores(tokens: &[Token<'_>], locale: Locale, to: u32) -> Option<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let words = tokens[at..].iter().map(|token| token.folded.as_str());
        match token.kind {
            Kind::Number => {
                // Behind the score, other numbers tell of other things: "2. Waited 40 minutes".
                let (score, scale) = token.raw.split_once('/').unwrap_or((token.raw, ""));
                if !scale.is_empty() && scale.parse() != Ok(to) {
                    return None;
                }
                found.push(score.trim_start_matches('+').parse().ok()?);
                at += 1;
                if scale.is_empty() {
                    at += out_of(tokens, at, locale, to)?;
                }
            }
            Kind::Word => match spoken(words, locale)
                .filter(|number| !number.weak || tokens.len() == 1 || stars(tokens, at + 1))
            {
                Some(number) => {
                    found.push(number.value);
                    at += number.words;
                    at += out_of(tokens, at, locale, to)?;
                }
                None => at += 1,
            },
            Kind::Sign => at += 1,
        }
    }
    if found.is_empty() {
        let stars = tokens
            .iter()
            .filter(|token| matches!(token.raw, "⭐" | "★" | "🌟"))
            .count() as u32;
        return (stars > 0).then_some(stars);
    }
    found.first().copied()
}

/// Tokens of "out of ten" at that place; `None` where the scale is another.
fn out_of(tokens: &[Token<'_>], at: usize, locale: Locale, to: u32) -> Option<usize> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.folded.as_str());
    let before = match (word(at), word(at + 1)) {
        ("su" | "sur" | "von" | "sobre" | "de" | "over", _) => 1,
        ("out", "of") => 2,
        _ => return Some(0),
    };
    let words = tokens[(at + before).min(tokens.len())..]
        .iter()
        .map(|token| token.folded.as_str());
    let digits = word(at + before).parse::<u32>().ok().map(|scale| (scale, 1));
    let scale = digits.or_else(|| spoken(words, locale).map(|number| (number.value, number.words)));
    match scale {
        Some((scale, words)) => (scale == to).then_some(before + words),
        None => Some(0),
    }
}

fn stars(tokens: &[Token<'_>], at: usize) -> bool {
    const UNITS: [&str; 12] = [
        "stella", "stelle", "star", "stars", "punto", "punti", "point", "points", "etoile", "etoiles", "estrella", "su",
    ];
    tokens
        .get(at)
        .is_some_and(|token| UNITS.contains(&token.folded.as_str()))
}

/// Which of the offered commands is meant: by number, or by an ordinal.
fn chosen(tokens: &[Token<'_>], locale: Locale, offered: &[Name]) -> Option<Answer> {
    const FIRST: [&str; 8] = [
        "primo", "prima", "first", "premier", "erste", "primero", "primeiro", "primera",
    ];
    const SECOND: [&str; 8] = [
        "secondo", "seconda", "second", "deuxieme", "zweite", "segundo", "segunda", "deuxieme",
    ];
    const THIRD: [&str; 8] = [
        "terzo",
        "terza",
        "third",
        "troisieme",
        "dritte",
        "tercero",
        "terceiro",
        "tercera",
    ];
    let asked = |token: &&Token<'_>| !Filler::of(&token.folded, locale).is(true) || token.kind == Kind::Number;
    let mut content = tokens.iter().filter(asked);
    let (only, more) = (content.next()?, content.next());
    if more.is_some() {
        return None;
    }
    let word = only.folded.as_str();
    let ordinals = [FIRST, SECOND, THIRD];
    let place = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let place = place.or_else(|| ordinals.iter().position(|words| words.contains(&word)));
    let place =
        place.or_else(|| spoken([word].into_iter(), locale).and_then(|number| (number.value as usize).checked_sub(1)));
    Some(Answer {
        command: offered.get(place?)?.clone(),
        confidence: 0.97,
        slots: Slots::default(),
    })
}
