//! The handsets: which have RCS, what they can show, whether they are there.

use std::collections::{BTreeMap, BTreeSet};

use araldo_rcs::{Capabilities, Feature};
use serde::{Deserialize, Serialize};

/// A handset. The default has RCS with all features and is on line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Handset {
    /// Whether it has RCS: without, every call about it is answered 404.
    pub rcs: bool,
    /// Whether it is on line: else messages wait for it until they expire.
    pub online: bool,
    /// What it can do, by the names of the API, as `RICHCARD_CAROUSEL`.
    pub features: BTreeSet<String>,
    /// Its carrier, as told of numbers of the United States.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
}

impl Default for Handset {
    fn default() -> Self {
        let features = [
            Feature::RichcardStandalone,
            Feature::RichcardCarousel,
            Feature::ActionCreateCalendarEvent,
            Feature::ActionDial,
            Feature::ActionOpenUrl,
            Feature::ActionOpenUrlInWebview,
            Feature::ActionShareLocation,
            Feature::ActionViewLocation,
        ];
        Self {
            rcs: true,
            online: true,
            features: features.iter().map(|feature| feature.as_str().to_owned()).collect(),
            carrier: None,
        }
    }
}

impl Handset {
    /// One without RCS.
    pub fn without_rcs() -> Self {
        Self {
            rcs: false,
            ..Self::default()
        }
    }

    /// One that is off.
    pub fn offline() -> Self {
        Self {
            online: false,
            ..Self::default()
        }
    }

    /// One that shows plain text only.
    pub fn plain() -> Self {
        Self {
            features: BTreeSet::new(),
            ..Self::default()
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            features: self.features.iter().map(|name| Feature::from(name.as_str())).collect(),
            carrier: self.carrier.clone(),
        }
    }
}

/// All handsets.
#[derive(Debug)]
pub(super) struct Handsets {
    usual: Handset,
    known: BTreeMap<String, Handset>,
}

impl Handsets {
    pub(super) fn new(usual: Handset, known: BTreeMap<String, Handset>) -> Self {
        let known = known
            .into_iter()
            .map(|(number, handset)| (digits(&number), handset))
            .collect();
        Self { usual, known }
    }

    /// That of a number: its own, or that of the longest beginning.
    pub(super) fn of(&self, number: &str) -> &Handset {
        let number = number.trim_start_matches('+');
        (0..=number.len())
            .rev()
            .find_map(|length| self.known.get(&number[..length]))
            .unwrap_or(&self.usual)
    }

    pub(super) fn set(&mut self, number: &str, handset: Handset) {
        self.known.insert(digits(number), handset);
    }

    pub(super) fn known(&self) -> &BTreeMap<String, Handset> {
        &self.known
    }
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_of_a_number_counts() {
        let known = [("+39", Handset::without_rcs()), ("+39333", Handset::plain())];
        let mut handsets = Handsets::new(
            Handset::default(),
            known.map(|(number, handset)| (number.to_owned(), handset)).into(),
        );
        assert_eq!(handsets.of("+393331234567"), &Handset::plain());
        assert_eq!(handsets.of("+393401234567"), &Handset::without_rcs());
        assert_eq!(handsets.of("+447700900123"), &Handset::default());
        handsets.set("+393331234567", Handset::offline());
        assert_eq!(handsets.of("+393331234567"), &Handset::offline());
    }
}
