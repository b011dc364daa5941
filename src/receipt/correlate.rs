//! Some carriers answer with an id in hex and report on it in decimal, in capitals, or without its zeros. How a
//! carrier does it is learned from receipts that meet their message.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::store::{ReceiptResult, Verdict};

/// Meetings under one transform that make it known.
const TO_LEARN: u32 = 3;
/// Misses in a row that make it forgotten.
const TO_FORGET: u32 = 20;
/// Receipts remembered, so that a repetition is known for one.
const REMEMBERED: usize = 50_000;

/// How the id of a receipt becomes the id of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// They are the same.
    AsIs,
    /// In the other case.
    LowerCase,
    /// In the other case.
    UpperCase,
    /// Without leading zeros.
    WithoutZeros,
    /// The receipt has decimal, the answer had hex.
    DecimalToHex,
    /// The same, with capitals.
    DecimalToUpperHex,
    /// The receipt has decimal, the answer had eight digits of hex.
    DecimalToPaddedHex,
    /// The receipt has hex, the answer had decimal.
    HexToDecimal,
    /// The receipt has hex, the answer had ten digits of decimal.
    HexToPaddedDecimal,
    /// The answer had ten digits.
    PaddedToTen,
    /// Without dashes.
    WithoutDashes,
    /// With the dashes of a UUID.
    WithDashes,
}

impl Transform {
    const ALL: [Self; 12] = [
        Self::AsIs,
        Self::LowerCase,
        Self::UpperCase,
        Self::WithoutZeros,
        Self::DecimalToHex,
        Self::DecimalToUpperHex,
        Self::DecimalToPaddedHex,
        Self::HexToDecimal,
        Self::HexToPaddedDecimal,
        Self::PaddedToTen,
        Self::WithoutDashes,
        Self::WithDashes,
    ];

    /// The id that the answer would have had; `None` where this id has no such form.
    pub fn apply(self, id: &str) -> Option<String> {
        let decimal = || id.parse::<u128>().ok();
        let hex = || u128::from_str_radix(id, 16).ok();
        match self {
            Self::AsIs => Some(id.to_owned()),
            Self::LowerCase => Some(id.to_ascii_lowercase()),
            Self::UpperCase => Some(id.to_ascii_uppercase()),
            Self::WithoutZeros => Some(id.trim_start_matches('0').to_owned()).filter(|id| !id.is_empty()),
            Self::DecimalToHex => decimal().map(|n| format!("{n:x}")),
            Self::DecimalToUpperHex => decimal().map(|n| format!("{n:X}")),
            Self::DecimalToPaddedHex => decimal().map(|n| format!("{n:08x}")),
            Self::HexToDecimal => hex().map(|n| n.to_string()),
            Self::HexToPaddedDecimal => hex().map(|n| format!("{n:010}")),
            Self::PaddedToTen => decimal().map(|n| format!("{n:010}")),
            Self::WithoutDashes => id.contains('-').then(|| id.replace('-', "")),
            Self::WithDashes => with_dashes(id),
        }
    }
}

/// What is known of a carrier's ids.
#[derive(Debug)]
pub struct Correlator {
    fixed: Option<Transform>,
    learned: Option<Transform>,
    candidate: Option<(Transform, u32)>,
    misses: u32,
    recent: Recent,
}

/// Receipts of late, by hash.
#[derive(Debug, Default)]
struct Recent {
    order: VecDeque<u64>,
    known: std::collections::HashSet<u64>,
}

impl Correlator {
    /// A carrier whose way is learned, or as the configuration states.
    pub fn new(fixed: Option<Transform>) -> Self {
        Self {
            fixed,
            learned: None,
            candidate: None,
            misses: 0,
            recent: Recent::default(),
        }
    }

    /// The transforms to try for this id and the ids that they give, likeliest first and each once; none for no id.
    pub fn candidates(&self, id: &str) -> Vec<(Transform, Box<str>)> {
        let mut candidates: Vec<(Transform, Box<str>)> = Vec::new();
        if id.is_empty() {
            return candidates;
        }
        let known = self.fixed.or(self.learned);
        let rest = Transform::ALL
            .into_iter()
            .filter(|_| self.fixed.is_none() && self.learned.is_none());
        let always = known.is_some().then_some(Transform::AsIs);
        for transform in known.into_iter().chain(always).chain(rest) {
            let Some(given) = transform.apply(id) else { continue };
            if !candidates.iter().any(|(_, known)| **known == given) {
                candidates.push((transform, given.into()));
            }
        }
        candidates
    }

    /// What came of a receipt that was looked for under these transforms.
    pub fn learn(&mut self, tried: &[Transform], result: ReceiptResult) {
        match result {
            ReceiptResult::Matched { candidate } => {
                self.misses = 0;
                let Some(transform) = tried.get(candidate).copied() else {
                    return;
                };
                let times = match self.candidate {
                    Some((known, times)) if known == transform => times + 1,
                    _ => 1,
                };
                self.candidate = Some((transform, times));
                if times >= TO_LEARN {
                    self.learned = Some(transform);
                }
            }
            ReceiptResult::SettledDoubt => {}
            ReceiptResult::Parked if tried.is_empty() => {}
            ReceiptResult::Parked => {
                self.misses += 1;
                if self.misses >= TO_FORGET {
                    (self.learned, self.candidate, self.misses) = (None, None, 0);
                }
            }
        }
    }

    /// Whether this very receipt was handled of late. One that names no message may be about another one each time.
    pub fn is_repeated(&self, id: &str, destination: &str, verdict: Verdict) -> bool {
        is_memorable(id, verdict) && self.recent.known.contains(&hash(id, destination, verdict))
    }

    /// Remembers a receipt that has met its message.
    pub fn remember(&mut self, id: &str, destination: &str, verdict: Verdict) {
        if !is_memorable(id, verdict) {
            return;
        }
        let hash = hash(id, destination, verdict);
        if self.recent.known.insert(hash) {
            self.recent.order.push_back(hash);
        }
        if self.recent.order.len() > REMEMBERED
            && let Some(oldest) = self.recent.order.pop_front()
        {
            self.recent.known.remove(&oldest);
        }
    }

    /// The transform in use, where one is known.
    pub fn transform(&self) -> Option<Transform> {
        self.fixed.or(self.learned)
    }
}

fn hash(id: &str, destination: &str, verdict: Verdict) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, destination, matches!(verdict, Verdict::Delivered)).hash(&mut hasher);
    hasher.finish()
}

/// 32 digits with the dashes of a UUID.
fn is_memorable(id: &str, verdict: Verdict) -> bool {
    !id.is_empty() && !matches!(verdict, Verdict::Progress(_))
}

fn with_dashes(id: &str) -> Option<String> {
    let digits = id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit());
    digits.then(|| [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(correlator: &Correlator, id: &str) -> Vec<String> {
        correlator.candidates(id).into_iter().map(|(_, id)| id.into()).collect()
    }

    #[test]
    fn an_unknown_carrier_is_asked_in_every_form() {
        let ids = ids(&Correlator::new(None), "1193046");
        assert_eq!(ids[0], "1193046");
        assert!(ids.contains(&"123456".to_owned()), "decimal to hex");
        assert!(ids.contains(&"00123456".to_owned()), "decimal to padded hex");
    }

    #[test]
    fn three_meetings_teach_a_transform_and_twenty_misses_forget_it() {
        let mut correlator = Correlator::new(None);
        let tried = [Transform::AsIs, Transform::DecimalToHex];
        for _ in 0..3 {
            assert_eq!(correlator.transform(), None);
            correlator.learn(&tried, ReceiptResult::Matched { candidate: 1 });
        }
        assert_eq!(correlator.transform(), Some(Transform::DecimalToHex));
        assert_eq!(ids(&correlator, "255"), ["ff", "255"]);
        for _ in 0..20 {
            correlator.learn(&tried, ReceiptResult::Parked);
        }
        assert_eq!(correlator.transform(), None);
    }

    #[test]
    fn a_repeated_receipt_is_known_and_another_verdict_is_not() {
        let mut correlator = Correlator::new(None);
        correlator.remember("1", "39333", Verdict::Delivered);
        assert!(correlator.is_repeated("1", "39333", Verdict::Delivered));
        assert!(!correlator.is_repeated("1", "39334", Verdict::Delivered));
        assert!(!correlator.is_repeated("1", "39333", Verdict::Undelivered(crate::domain::Reason::CarrierFailed)));
    }

    #[test]
    fn ids_that_are_no_numbers_have_few_forms() {
        assert_eq!(ids(&Correlator::new(None), "Zx-9"), ["Zx-9", "zx-9", "ZX-9", "Zx9"]);
    }
}
