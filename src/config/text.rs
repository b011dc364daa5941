//! How a carrier wants its texts written.

use std::fmt;

use araldo_sms::{Language, Languages};
use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What `data_coding` 0 means to a carrier, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAlphabet {
    /// The GSM alphabet, an octet a character.
    #[default]
    Gsm7,
    /// The GSM alphabet, eight characters in seven octets.
    Gsm7Packed,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// UTF-8.
    Utf8,
    /// UTF-16, most significant octet first.
    Ucs2,
}

impl From<DefaultAlphabet> for araldo_sms::DefaultAlphabet {
    fn from(alphabet: DefaultAlphabet) -> Self {
        match alphabet {
            DefaultAlphabet::Gsm7 => Self::Gsm7,
            DefaultAlphabet::Gsm7Packed => Self::Gsm7Packed,
            DefaultAlphabet::Ascii => Self::Ascii,
            DefaultAlphabet::Latin1 => Self::Latin1,
            DefaultAlphabet::Utf8 => Self::Utf8,
            DefaultAlphabet::Ucs2 => Self::Ucs2,
        }
    }
}

impl DefaultAlphabet {
    /// Whether it is written in septets, of which alone national tables speak.
    pub fn is_septets(self) -> bool {
        matches!(self, Self::Gsm7 | Self::Gsm7Packed)
    }
}

/// By which `data_coding` a carrier knows a flash message (3GPP TS 23.038 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlashCoding {
    /// 0x10 for GSM-7, 0x18 for UCS-2.
    #[default]
    General,
    /// 0xF0 for GSM-7, 0x18 for UCS-2.
    MessageClass,
}

impl From<FlashCoding> for araldo_sms::FlashCoding {
    fn from(coding: FlashCoding) -> Self {
        match coding {
            FlashCoding::General => Self::General,
            FlashCoding::MessageClass => Self::MessageClass,
        }
    }
}

/// The languages whose national tables may be used: `"none"`, `"automatic"` for all, or a list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NationalTables(pub Languages);

const NONE: &str = "none";
const AUTOMATIC: &str = "automatic";

impl NationalTables {
    /// No language.
    pub fn is_none(self) -> bool {
        self.0 == Languages::default()
    }
}

impl Serialize for NationalTables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_none() {
            return serializer.serialize_str(NONE);
        }
        if self.0 == Languages::ALL {
            return serializer.serialize_str(AUTOMATIC);
        }
        let mut list = serializer.serialize_seq(None)?;
        for language in self.0.iter() {
            list.serialize_element(language.as_str())?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for NationalTables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TablesVisitor)
    }
}

struct TablesVisitor;

impl<'de> Visitor<'de> for TablesVisitor {
    type Value = NationalTables;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\", \"automatic\" or a list of languages, such as [\"turkish\"]")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<NationalTables, E> {
        match word {
            NONE => Ok(NationalTables::default()),
            AUTOMATIC => Ok(NationalTables(Languages::ALL)),
            _ => Err(E::unknown_variant(word, &[NONE, AUTOMATIC])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NationalTables, A::Error> {
        let mut languages = Vec::new();
        while let Some(Named(language)) = list.next_element()? {
            languages.push(language);
        }
        Ok(NationalTables(languages.into_iter().collect()))
    }
}

/// A language by its name.
struct Named(Language);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: [&str; 13] = [
            "turkish",
            "spanish",
            "portuguese",
            "bengali",
            "gujarati",
            "hindi",
            "kannada",
            "malayalam",
            "oriya",
            "punjabi",
            "tamil",
            "telugu",
            "urdu",
        ];
        let word = String::deserialize(deserializer)?;
        let unknown = |_| D::Error::unknown_variant(&word, &NAMES);
        word.parse().map(Self).map_err(unknown)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_are_read_as_they_are_written() {
        for written in [json!("none"), json!("automatic"), json!(["turkish", "urdu"])] {
            let tables: NationalTables = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(tables).unwrap(), written);
        }
        for wrong in [json!("some"), json!(["klingon"]), json!(true)] {
            assert!(serde_json::from_value::<NationalTables>(wrong).is_err());
        }
    }

    #[test]
    fn every_language_can_be_named() {
        for language in Language::ALL {
            let tables: NationalTables = serde_json::from_value(json!([language.as_str()])).unwrap();
            assert!(tables.0.contains(language));
        }
    }
}
