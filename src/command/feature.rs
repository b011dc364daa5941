//! What the linear model sees of a text: words, the concepts that they belong to, pairs of neighbours, character
//! n-grams, and how much of the text is known at all. Each is a place in a fixed table, found by hashing.

use std::collections::HashMap;

use super::Locale;
use super::language::Language;
use super::reading::{Reading, Word};
use super::slot::currency_of;

/// Places in the table, a power of two.
pub(crate) const PLACES: usize = 1 << 15;

/// Fillers that are remembered, so that each counts once.
const MOST_FILLERS: usize = 32;

/// A text as places and weights; its length is 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features(pub(crate) Vec<(u32, f32)>);

/// In how many patterns a word of the catalogue occurs, keywords counting for two.
pub(crate) type Counts = HashMap<String, u32>;

/// The features of a text. `own` patterns are left out of the counts: a text is not known by itself.
pub(crate) fn features(reading: &Reading, counts: &Counts, own: u32) -> Features {
    let mut list = List::default();
    let mut content: Vec<(&str, &'static str)> = Vec::new();
    let (mut known, mut unknown) = (0, 0);
    let mut fillers: Vec<&str> = Vec::new();
    for word in reading.words.iter().filter(|word| !word.value) {
        let filler = word.filler.is(true);
        // `per favore per favore per favore` asks for nothing more than once.
        if filler && fillers.contains(&&*word.text) {
            continue;
        }
        if filler && fillers.len() < MOST_FILLERS {
            fillers.push(&word.text);
        }
        list.add(&["w", &word.text], if filler { 0.4 } else { 1.0 });
        if filler {
            continue;
        }
        let concepts = concepts(&word.text, reading.locale);
        for concept in concepts {
            list.add(&["c", concept], 1.0);
        }
        if counts.get(&word.text).is_some_and(|count| *count > own) || !concepts.is_empty() {
            known += 1;
        } else {
            unknown += 1;
        }
        grams(word, &mut list);
        content.push((&word.text, concepts.first().copied().unwrap_or("")));
    }
    for pair in content.windows(2) {
        let [(first, first_concept), (second, second_concept)] = [pair[0], pair[1]];
        list.add(&["b", first, second], 0.7);
        list.add(&["B", name(first, first_concept), name(second, second_concept)], 0.7);
    }
    for (gap, pair) in content.windows(3).map(|three| ("s", (three[0], three[2]))) {
        let ((first, first_concept), (second, second_concept)) = pair;
        list.add(&[gap, name(first, first_concept), name(second, second_concept)], 0.4);
    }
    // All pairs of concepts: what is said, whatever the order.
    let mut all: Vec<&str> = content
        .iter()
        .map(|(_, concept)| *concept)
        .filter(|concept| !concept.is_empty())
        .collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(8);
    for (index, first) in all.iter().enumerate() {
        for second in &all[index + 1..] {
            list.add(&["P", first, second], 0.6);
        }
    }
    list.add(&["unknown", COUNT[unknown.min(4)]], 0.8);
    list.add(&["known", COUNT[known.min(4)]], 0.5);
    list.add(&["length", COUNT[(reading.words.len() / 3).min(4)]], 0.3);
    if reading.words.iter().any(|word| word.value) {
        list.add(&["value"], 0.3);
    }
    if reading.words.iter().any(|word| currency_of(&word.text).is_some()) {
        list.add(&["currency"], 0.5);
    }
    list.finish()
}

const COUNT: [&str; 5] = ["0", "1", "2", "3", "4"];

fn name<'a>(word: &'a str, concept: &'a str) -> &'a str {
    if concept.is_empty() { word } else { concept }
}

/// The concepts of a word in its language, or else in any.
fn concepts(word: &str, locale: Locale) -> &'static [&'static str] {
    let own = Language::of(locale).concepts.get(word);
    let any = || {
        let others = Locale::ALL.into_iter().filter(|other| *other != locale);
        let known = Language::of(locale).knows(word);
        others
            .filter(|_| !known)
            .find_map(|other| Language::of(other).concepts.get(word))
    };
    own.or_else(any).map_or(&[], Vec::as_slice)
}

/// Character n-grams of three and four, with the word's ends.
fn grams(word: &Word, list: &mut List) {
    let letters: Vec<char> = std::iter::once('^')
        .chain(word.text.chars().take(24))
        .chain(['$'])
        .collect();
    let mut text = String::with_capacity(16);
    for size in [3, 4] {
        let weight = 0.5 / (letters.len() as f32).sqrt();
        for gram in letters.windows(size) {
            text.clear();
            text.extend(gram);
            list.add(&["g", &text], weight);
        }
    }
}

#[derive(Default)]
struct List(Vec<(u32, f32)>);

impl List {
    fn add(&mut self, parts: &[&str], weight: f32) {
        self.0.push((hash(parts) % PLACES as u32, weight));
    }

    /// Merges what fell on one place, and makes the length 1.
    fn finish(mut self) -> Features {
        self.0.sort_unstable_by_key(|(place, _)| *place);
        let mut merged: Vec<(u32, f32)> = Vec::with_capacity(self.0.len());
        for (place, weight) in self.0 {
            match merged.last_mut() {
                Some((last, sum)) if *last == place => *sum += weight,
                _ => merged.push((place, weight)),
            }
        }
        let length: f32 = merged.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        for (_, weight) in &mut merged {
            *weight /= length.max(f32::MIN_POSITIVE);
        }
        Features(merged)
    }
}

/// FNV-1a over the parts and a separator, stirred once more: the low bits choose the place.
fn hash(parts: &[&str]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    (hash ^ (hash >> 29))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9_u64)
        .wrapping_shr(32) as u32
}
