//! Ids and names.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The public id of a message (MT): `msg_` and a UUIDv7 in 32 hex digits, so ids sort by age.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub Uuid);

/// The public id of an inbound text (MO): `in_` and a UUIDv7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InboundId(pub Uuid);

/// The public id of a code that is sent to certify a number: `ver_` and a UUIDv7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerificationId(pub Uuid);

/// What was given is not an id of the kind wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected `{0}` followed by a UUID")]
pub struct InvalidId(&'static str);

macro_rules! public_id {
    ($name:ident, $prefix:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix($prefix).ok_or(InvalidId($prefix))?;
                Uuid::try_parse(digits).map(Self).map_err(|_| InvalidId($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

public_id!(MessageId, "msg_");
public_id!(InboundId, "in_");
public_id!(VerificationId, "ver_");

/// The number of a case, as people say it: `TK-48213077`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseId(pub u32);

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TK-{}", self.0)
    }
}

impl FromStr for CaseId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text
            .get(..3)
            .filter(|prefix| prefix.eq_ignore_ascii_case("TK-"))
            .map(|_| &text[3..]);
        let number = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
        number
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or(InvalidId("TK-"))
    }
}

impl Serialize for CaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The id of a table in the configuration (a carrier, a client, a route): `[a-z0-9_-]`, at most 64 characters.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// A name with a character that names may not have, or too long, or empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name: use 1 to 64 of a-z, 0-9, `_` and `-`")]
pub struct InvalidName(String);

impl Name {
    const MAX: usize = 64;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(fits) {
            return Err(InvalidName(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }

    /// The route of what has none. The configuration refuses it as a name.
    pub(crate) fn nowhere() -> Self {
        Self("-".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_id_is_read_back_from_its_text() {
        let id = MessageId(Uuid::from_u128(0x0193_2b5e_7c3a_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string(), "msg_01932b5e7c3a70008000000000000001");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("01932b5e7c3a70008000000000000001".parse::<MessageId>().is_err());
        assert!("msg_1".parse::<MessageId>().is_err());
    }

    #[test]
    fn names_are_lower_case_words() {
        assert!(Name::parse("rbm-bank_2").is_ok());
        for bad in ["", "Tim", "a b", "é", &"x".repeat(65)] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }
}
