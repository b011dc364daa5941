//! Choices and languages.

use super::{Page, Slot, Value, distinct};
use crate::command::speller::limit;

/// Languages by their names in six of them, folded.
const LANGUAGES: [(&str, &str); 17] = [
    ("it", "italiano italiana italian italien italienisch italienne ita"),
    ("en", "inglese english anglais englisch ingles inglesa eng ingl"),
    ("fr", "francese french francais franzosisch frances francese fra"),
    ("de", "tedesco tedesca german allemand deutsch aleman alemao ted ger"),
    (
        "es",
        "spagnolo spagnola spanish espagnol spanisch espanol espanhol esp spa",
    ),
    ("pt", "portoghese portuguese portugais portugiesisch portugues por"),
    ("ro", "rumeno romanian roumain rumanisch rumano romeno"),
    ("ar", "arabo arabic arabe arabisch"),
    ("zh", "cinese chinese chinois chinesisch chino chines"),
    ("ru", "russo russian russe russisch ruso"),
    ("uk", "ucraino ukrainian ukrainien ukrainisch ucraniano"),
    ("pl", "polacco polish polonais polnisch polaco"),
    ("nl", "olandese dutch neerlandais niederlandisch holandes"),
    ("sq", "albanese albanian albanais albanisch albanes"),
    ("el", "greco greek grec griechisch griego"),
    ("tr", "turco turkish turc turkisch"),
    ("hi", "hindi"),
];

/// Words behind which a code of two letters is a language, and not `it` or `es`.
const BEFORE_CODES: [&str; 10] = [
    "lang",
    "lingua",
    "language",
    "langue",
    "idioma",
    "sprache",
    "ligua",
    "languages",
    "lingue",
    "linguaggio",
];
/// Words behind which the wished language stands, where two are named.
const TOWARDS: [&str; 13] = [
    "in", "to", "into", "en", "auf", "em", "all", "al", "use", "usa", "usate", "solo", "only",
];

/// Whether the word is a language's name or code.
pub(crate) fn is_language(word: &str) -> bool {
    named(word).is_some() || LANGUAGES.iter().any(|(code, _)| *code == word)
}

impl Page<'_> {
    /// A language by name, or by code where the text says that it is one.
    pub(super) fn language(&mut self) -> Vec<Value> {
        let mut found: Vec<(&'static str, usize)> = Vec::new();
        for at in 0..self.tokens.len() {
            let Some(word) = self.free(at) else { continue };
            let code = LANGUAGES.iter().find(|(code, _)| *code == word).map(|(code, _)| *code);
            let alone = self.tokens.len() == 1;
            let meant = code.filter(|_| alone || BEFORE_CODES.contains(&self.before(at)));
            found.extend(meant.or_else(|| named(word)).map(|code| (code, at)));
        }
        if found.is_empty() {
            let near = (0..self.tokens.len()).filter_map(|at| Some((near(self.free(at)?)?, at)));
            found = near.collect();
        }
        if found.len() > 1 {
            let wished: Vec<_> = found
                .iter()
                .filter(|(_, at)| TOWARDS.contains(&self.before(*at)))
                .copied()
                .collect();
            if !wished.is_empty() {
                found = wished;
            }
        }
        distinct(
            found
                .into_iter()
                .map(|(code, _)| Value::Word(code.to_owned()))
                .collect(),
        )
    }

    /// One of the slot's values, by any of its words.
    pub(super) fn choice(&mut self, slot: &Slot) -> Vec<Value> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            let Some(word) = self.free(at) else { continue };
            if let Some(value) = chosen(slot, word) {
                found.push(Value::Word(value.to_owned()));
            }
        }
        distinct(found)
    }
}

/// The value of a choice that a word means.
pub(crate) fn chosen<'a>(slot: &'a Slot, word: &str) -> Option<&'a str> {
    let exact = slot
        .values
        .iter()
        .find(|(value, words)| *value == word || words.iter().any(|known| known == word));
    let near = || {
        slot.values.iter().find(|(_, words)| {
            let within =
                |known: &String| word.len() >= 5 && strsim::osa_distance(known, word) <= limit(known.len()).min(1);
            words.iter().any(within)
        })
    };
    exact.or_else(near).map(|(value, _)| value.as_str())
}

fn named(word: &str) -> Option<&'static str> {
    LANGUAGES
        .iter()
        .find(|(_, names)| names.split(' ').any(|name| name == word))
        .map(|(code, _)| *code)
}

/// A misspelt name: one edit in a name of six letters or more, two in one of eight.
fn near(word: &str) -> Option<&'static str> {
    let most = match word.len() {
        0..6 => return None,
        6..8 => 1,
        _ => 2,
    };
    let fits = |name: &str| name.len() >= 6 && strsim::osa_distance(name, word) <= most;
    LANGUAGES
        .iter()
        .find(|(_, names)| names.split(' ').any(fits))
        .map(|(code, _)| *code)
}
