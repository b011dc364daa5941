//! The nearest known word to a misspelt one: by optimal string alignment, one edit in a short word, two in a long one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Words by the spellings that one deletion leaves of them, so that few candidates are measured.
#[derive(Debug, Default)]
pub(crate) struct Speller {
    words: Vec<Entry>,
    by_word: HashMap<Box<str>, u32, BuildHasherDefault<Fnv>>,
    /// (hash of a spelling, word), sorted.
    deletions: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Entry {
    word: Box<str>,
    rank: u8,
}

/// Letters of the longest word that is looked for: nobody misspells a longer one into a word.
const LONGEST: usize = 28;

/// What a misspelt word was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near<'a> {
    /// The word.
    pub(crate) word: &'a str,
    /// Edits away.
    pub(crate) distance: usize,
}

impl Speller {
    /// Adds a word; of several ranks the highest counts. [`Speller::finish`] makes it known.
    pub(crate) fn add(&mut self, word: &str, rank: u8) {
        if let Some(index) = self.by_word.get(word) {
            let entry = &mut self.words[*index as usize];
            entry.rank = entry.rank.max(rank);
            return;
        }
        let index = self.words.len() as u32;
        self.words.push(Entry {
            word: word.into(),
            rank,
        });
        self.by_word.insert(word.into(), index);
    }

    /// Builds the index.
    pub(crate) fn finish(mut self) -> Self {
        for (index, entry) in self.words.iter().enumerate() {
            if limit(entry.word.chars().count()) == 0 {
                continue;
            }
            let index = index as u32;
            self.deletions.push((hash(&entry.word), index));
            each_deletion(&entry.word, |spelling| self.deletions.push((hash(spelling), index)));
        }
        self.deletions.sort_unstable();
        self.deletions.dedup();
        self
    }

    /// Whether the word is known as it is written.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.by_word.contains_key(word)
    }

    /// The words at the least distance within the limit, those of the highest rank only; none where the word is known.
    pub(crate) fn nearest(&self, word: &str) -> Vec<Near<'_>> {
        let length = word.chars().count();
        if self.knows(word) || !(3..=LONGEST).contains(&length) {
            return Vec::new();
        }
        let mut candidates: Vec<u32> = Vec::new();
        let mut look = |spelling: &str| {
            let wanted = hash(spelling);
            let from = self.deletions.partition_point(|(hash, _)| *hash < wanted);
            let found = self.deletions[from..].iter().take_while(|(hash, _)| *hash == wanted);
            candidates.extend(found.map(|(_, index)| *index));
        };
        look(word);
        each_deletion(word, |spelling| {
            look(spelling);
            // Two letters too many leave a long word still itself.
            if limit(length) > 1 {
                each_deletion(spelling, &mut look);
            }
        });
        candidates.sort_unstable();
        candidates.dedup();
        let mut best: Vec<Near<'_>> = Vec::new();
        let mut bound = (usize::MAX, 0);
        for index in candidates {
            let entry = &self.words[index as usize];
            let distance = strsim::osa_distance(word, &entry.word);
            if distance > limit(length.max(entry.word.chars().count())) {
                continue;
            }
            let (least, rank) = bound;
            if distance < least || distance == least && entry.rank > rank {
                best.clear();
                bound = (distance, entry.rank);
            }
            if (distance, entry.rank) == bound {
                best.push(Near {
                    word: &entry.word,
                    distance,
                });
            }
        }
        best
    }

    /// Bytes held, roughly.
    pub(crate) fn size(&self) -> usize {
        let words: usize = self.words.iter().map(|entry| 2 * entry.word.len() + 64).sum();
        words + self.deletions.len() * size_of::<(u32, u32)>()
    }
}

/// Edits allowed in a word of so many letters.
pub(crate) const fn limit(letters: usize) -> usize {
    match letters {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

fn each_deletion(word: &str, mut use_it: impl FnMut(&str)) {
    let mut spelling = String::with_capacity(word.len());
    for (at, c) in word.char_indices() {
        spelling.clear();
        spelling.push_str(&word[..at]);
        spelling.push_str(&word[at + c.len_utf8()..]);
        use_it(&spelling);
    }
}

/// FNV-1a, 32 bits: the same on every machine and in every run.
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// FNV-1a for tables of short words: quicker than the default, and no outside text becomes a key of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(u64);

/// A table of short words.
pub(crate) type Words<V> = HashMap<&'static str, V, BuildHasherDefault<Fnv>>;

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speller() -> Speller {
        let mut speller = Speller::default();
        for (word, rank) in [
            ("saldo", 3),
            ("salto", 1),
            ("movimenti", 3),
            ("stop", 3),
            ("pin", 3),
            ("soldi", 1),
        ] {
            speller.add(word, rank);
        }
        speller.finish()
    }

    #[test]
    fn one_edit_of_any_kind_is_found_in_a_short_word_and_two_in_a_long_one() {
        let speller = speller();
        let near =
            |word: &str| -> Vec<String> { speller.nearest(word).iter().map(|near| near.word.to_owned()).collect() };
        for misspelt in ["slado", "sado", "salddo", "sakdo", "asldo"] {
            assert_eq!(near(misspelt), ["saldo"], "{misspelt}");
        }
        for misspelt in ["movimneti", "movimeni", "movvmenti", "movvimentii"] {
            assert_eq!(near(misspelt), ["movimenti"], "{misspelt}");
        }
        assert_eq!(near("stp"), ["stop"]);
        assert!(near("slad").is_empty() && near("pni").is_empty() && near("xx").is_empty());
    }

    #[test]
    fn a_known_word_is_no_misspelling_and_a_keyword_goes_before_other_words() {
        let speller = speller();
        assert!(speller.nearest("salto").is_empty());
        assert_eq!(speller.nearest("salro")[0].word, "saldo", "as near to salto");
    }
}
