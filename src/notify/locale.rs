//! Languages, and which stands in for which.

use std::fmt;
use std::str::FromStr;

/// A language with or without its region, as in `it` and `it-CH` (RFC 5646, of which this is the part that texts need).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locale(Box<str>);

/// Something that is not a locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a language such as `it`, or one with its region such as `it-CH`")]
pub struct InvalidLocale;

impl Locale {
    /// What every message falls back to in the end.
    pub fn english() -> Self {
        Self("en".into())
    }

    /// As in a file's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without its region.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// What to try, in order: the locale, its language, `default`, its language, English.
    pub fn chain<'a>(wanted: Option<&'a Self>, default: &'a Self) -> impl Iterator<Item = &'a str> {
        let of = |locale: &'a Self| [locale.as_str(), locale.language()];
        wanted
            .into_iter()
            .flat_map(of)
            .chain(of(default))
            .chain(std::iter::once("en"))
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;

    fn from_str(text: &str) -> Result<Self, InvalidLocale> {
        let mut parts = text.split(['-', '_']);
        let language = parts.next().unwrap_or_default().to_ascii_lowercase();
        if !(2..=3).contains(&language.len()) || !language.bytes().all(|c| c.is_ascii_lowercase()) {
            return Err(InvalidLocale);
        }
        let region = parts.next().map(str::to_ascii_uppercase);
        match (region, parts.next()) {
            (None, _) => Ok(Self(language.into())),
            (Some(region), None) if is_region(&region) => Ok(Self(format!("{language}-{region}").into())),
            (Some(_), _) => Err(InvalidLocale),
        }
    }
}

/// Two letters of ISO 3166, or three digits of UN M.49.
fn is_region(text: &str) -> bool {
    match text.len() {
        2 => text.bytes().all(|c| c.is_ascii_uppercase()),
        3 => text.bytes().all(|c| c.is_ascii_digit()),
        _ => false,
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_falls_back_to_its_language_then_to_the_default_then_to_english() {
        let (swiss, default) = ("it_ch".parse().unwrap(), "de-AT".parse().unwrap());
        let chain: Vec<_> = Locale::chain(Some(&swiss), &default).collect();
        assert_eq!(chain, ["it-CH", "it", "de-AT", "de", "en"]);
        assert_eq!(Locale::chain(None, &default).next(), Some("de-AT"));
    }

    #[test]
    fn what_is_no_language_is_refused() {
        for bad in ["", "i", "italian", "it-", "it-Italy", "it-CH-x", "../it", "it-1"] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
    }
}
