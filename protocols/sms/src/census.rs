//! Which characters a text is made of, counted once for all the tables it might be written with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::gsm7::{Septets, pieces};
use crate::language::{Language, Languages};
use crate::shift::ShiftTables;
use crate::tables;

/// How many characters of each class a text has.
///
/// Characters that the same tables have are one class. There are a few dozen, of which a text has a few: what it takes
/// with any tables is a sum over those.
pub(crate) struct Census {
    counts: [u32; COUNT],
    /// The classes that the text has.
    present: [u8; COUNT],
    /// How many those are.
    length: usize,
}

/// The tables that have a character: bit n for language n, bit 0 for the default.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Homes {
    locking: u16,
    single: u16,
}

const NOWHERE: Homes = Homes { locking: 0, single: 0 };

/// The bit of [`Homes`] that stands for the default tables.
const DEFAULT: u16 = 1;

impl Census {
    pub(crate) fn of(text: &str) -> Self {
        let classes = &*CLASSES;
        let mut census = Self {
            counts: [0; COUNT],
            present: [0; COUNT],
            length: 0,
        };
        for piece in pieces(text) {
            if piece.is_ascii() {
                piece
                    .bytes()
                    .for_each(|octet| census.count(classes.low[usize::from(octet)]));
            } else {
                piece.chars().for_each(|character| census.count(classes.of(character)));
            }
        }
        for class in (0..).take(classes.homes.len()) {
            if census.counts[usize::from(class)] > 0 {
                census.present[census.length] = class;
                census.length += 1;
            }
        }
        census
    }

    #[inline]
    fn count(&mut self, class: u8) {
        self.counts[usize::from(class) % COUNT] += 1;
    }

    fn classes(&self) -> impl Iterator<Item = (Homes, usize)> {
        let classes = self.present[..self.length].iter().map(|class| usize::from(*class));
        classes.map(|class| (CLASSES.homes[class], self.counts[class] as usize))
    }

    /// What each language's tables offer for this text where they have all of its characters: its signs after an escape,
    /// its letters without one, or both for a longer header.
    pub(crate) fn fitting(&self, languages: Languages) -> impl Iterator<Item = (ShiftTables, Septets)> {
        let [mut single, mut locking, mut both] = [u16::MAX; 3];
        for (homes, _) in self.classes() {
            if homes.locking & DEFAULT == 0 {
                single &= homes.single;
            }
            if homes.single & DEFAULT == 0 {
                locking &= homes.locking;
            }
            both &= homes.locking | homes.single;
        }
        let any = single | locking | both;
        let languages = languages.iter().filter(move |language| any & bit(Some(*language)) != 0);
        languages.flat_map(move |language| {
            let is_in = move |languages: u16| languages & bit(Some(language)) != 0;
            tables_of(language)
                .filter(move |tables| match (tables.locking, tables.single) {
                    (None, _) => is_in(single),
                    (Some(_), None) => is_in(locking),
                    (Some(_), Some(_)) => is_in(both),
                })
                .map(|tables| (tables, self.septets(tables.locking)))
        })
    }

    /// What the text takes where every character outside this locking table is in the single shift table.
    fn septets(&self, locking: Option<Language>) -> Septets {
        let mut septets = Septets { total: 0, escapes: 0 };
        for (homes, count) in self.classes() {
            septets.total += count;
            if homes.locking & bit(locking) == 0 {
                septets.escapes += count;
            }
        }
        septets.total += septets.escapes;
        septets
    }
}

/// What a language offers: its signs after an escape, its letters without one, or both for a longer header.
pub(crate) fn tables_of(language: Language) -> impl Iterator<Item = ShiftTables> {
    let single = ShiftTables {
        locking: None,
        single: Some(language),
    };
    let locking = language.has_locking_table().then_some(ShiftTables {
        locking: Some(language),
        single: None,
    });
    let both = locking.map(|locking| ShiftTables {
        single: Some(language),
        ..locking
    });
    [Some(single), locking, both].into_iter().flatten()
}

/// The classes that there can be; a power of two, and more than there are.
const COUNT: usize = 128;

/// The class of every character that a table has.
struct Classes {
    /// By class; the first is that of characters that no table has.
    homes: Vec<Homes>,
    /// Of the characters before U+0E00, where all letters of the tables are.
    low: [u8; 0xE00],
    /// Of the others, by character.
    high: Vec<(char, u8)>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    let mut characters = BTreeMap::new();
    for language in [None].into_iter().chain(Language::ALL.map(Some)) {
        for character in tables::characters(tables::locking(language)) {
            characters.entry(character).or_insert(NOWHERE).locking |= bit(language);
        }
        for character in tables::characters(tables::single_shift(language)) {
            characters.entry(character).or_insert(NOWHERE).single |= bit(language);
        }
    }
    let mut classes = Classes {
        homes: vec![NOWHERE],
        low: [0; 0xE00],
        high: Vec::new(),
    };
    for (character, homes) in characters {
        let known = classes.homes.iter().position(|known| *known == homes);
        let class = known.unwrap_or_else(|| {
            classes.homes.push(homes);
            classes.homes.len() - 1
        });
        match classes.low.get_mut(character as usize) {
            Some(low) => *low = class as u8,
            None => classes.high.push((character, class as u8)),
        }
    }
    assert!(classes.homes.len() <= COUNT, "the tables are ours");
    classes
});

impl Classes {
    #[inline]
    fn of(&self, character: char) -> u8 {
        match self.low.get(character as usize) {
            Some(class) => *class,
            None => match self.high.binary_search_by_key(&character, |(other, _)| *other) {
                Ok(place) => self.high[place].1,
                Err(_) => 0,
            },
        }
    }
}

fn bit(language: Option<Language>) -> u16 {
    1 << language.map_or(0, Language::number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gsm7::alphabet;

    #[test]
    fn what_is_counted_once_is_what_each_alphabet_measures() {
        for text in [
            "Yarın saat üçte",
            "[12 €] ça va",
            "नमस्ते ABC",
            "ação às 5",
            "Привет",
            "",
            "日ğ",
        ] {
            let census = Census::of(text);
            let fitting: Vec<_> = census.fitting(Languages::ALL).collect();
            for tables in Language::ALL.into_iter().flat_map(tables_of) {
                let measured = alphabet(tables).measure(text);
                let counted = fitting
                    .iter()
                    .find(|(fits, _)| *fits == tables)
                    .map(|(_, septets)| *septets);
                assert_eq!(counted, measured, "{text} {tables:?}");
            }
        }
    }
}
