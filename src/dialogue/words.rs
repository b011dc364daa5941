//! What Araldo itself says to customers, in the languages that it knows. An operator may say it otherwise
//! (`two_way.words`).

use std::collections::BTreeMap;

use crate::command::catalogue::Localised;

/// Templates by key and language.
pub type Words = BTreeMap<String, Localised<String>>;

const SHIPPED: &str = include_str!("words.toml");

/// The words that come with the daemon.
pub fn shipped() -> Words {
    toml::from_str(SHIPPED).expect("our own words are good TOML: a test reads them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Locale;

    #[test]
    fn everything_is_said_in_italian_and_english_in_few_segments() {
        let words = shipped();
        assert!(words.len() > 20);
        for (key, texts) in &words {
            for locale in [Locale::It, Locale::En] {
                let text = texts.get(&locale).unwrap_or_else(|| panic!("{key} in {locale}"));
                let made = araldo_sms::split(text, &araldo_sms::SplitOptions::default()).unwrap();
                assert!(made.segments.len() <= 2, "{key}.{locale}");
            }
        }
    }
}
