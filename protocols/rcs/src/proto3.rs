//! The forms of proto3 JSON: timestamps, durations, 64-bit integers as strings, unions, names that grow in number.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::de::{Error as _, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: RFC 3339 in UTC with no, 3, 6 or 9 digits of the second's fraction; any offset is read.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = digits_of(self.0.subsec_nanosecond().unsigned_abs());
        let printer = DateTimePrinter::new().precision(Some(digits));
        serializer.serialize_str(&printer.timestamp_to_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom("is not a time: write it as 2026-03-04T18:30:00Z"))
    }
}

/// Timestamps as members of structs that are written as they stand: `#[serde(with = "proto3::time")]`.
pub(crate) mod time {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Time, Timestamp};

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        Time(*time).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Time::deserialize(deserializer).map(|time| time.0)
    }
}

/// A span of time: decimal seconds and `s`, with no, 3, 6 or 9 digits of fraction; 1 to 9 are read.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (seconds, nanoseconds) = (self.0.as_secs(), self.0.subsec_nanos());
        let text = match usize::from(digits_of(nanoseconds)) {
            0 => format!("{seconds}s"),
            digits => format!("{seconds}.{}s", &format!("{nanoseconds:09}")[..digits]),
        };
        serializer.serialize_str(&text)
    }
}

/// For members of enums and structs that are only written with serde: `serialize_with = "proto3::span"`.
pub(crate) fn span<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    Span(*span).serialize(serializer)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        parse_span(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("is not a duration: write seconds as 60s or 90.5s"))
    }
}

fn parse_span(text: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = text.strip_suffix('s')?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanoseconds))
}

/// How many digits of a fraction of a second are written.
fn digits_of(nanoseconds: u32) -> u8 {
    match nanoseconds {
        0 => 0,
        n if n.is_multiple_of(1_000_000) => 3,
        n if n.is_multiple_of(1_000) => 6,
        _ => 9,
    }
}

/// A count of bytes, as a number or, where it has 64 bits, as a string: `deserialize_with = "proto3::count"`.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count<'a> {
        Number(u64),
        Text(#[serde(borrow)] Cow<'a, str>),
    }
    match Option::<Count<'de>>::deserialize(deserializer) {
        Ok(None) => Ok(None),
        Ok(Some(Count::Number(number))) => Ok(Some(number)),
        Ok(Some(Count::Text(text))) => text.parse().map(Some).map_err(|_| D::Error::custom(NOT_A_COUNT)),
        Err(_) => Err(D::Error::custom(NOT_A_COUNT)),
    }
}

const NOT_A_COUNT: &str = "is not a count: write digits";

/// A name of a closed list of which `…_UNSPECIFIED` means none: `deserialize_with = "proto3::specified"`.
pub(crate) fn specified<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    match Option::<Cow<'de, str>>::deserialize(d)? {
        None => Ok(None),
        Some(name) if name.ends_with("_UNSPECIFIED") => Ok(None),
        Some(name) => T::deserialize(name.into_deserializer()).map(Some),
    }
}

/// The one member of a union that is given.
pub(crate) fn one_of<T, const N: usize>(members: [(&'static str, Option<T>); N]) -> Result<T, String> {
    let names = members.each_ref().map(|(name, _)| format!("`{name}`")).join(", ");
    at_most_one_of(members)?.ok_or_else(|| format!("has none of {names}: give one"))
}

/// The member of a union that is given, if any.
pub(crate) fn at_most_one_of<T, const N: usize>(members: [(&'static str, Option<T>); N]) -> Result<Option<T>, String> {
    let mut taken = None;
    for (name, value) in members {
        let Some(value) = value else { continue };
        if let Some((first, _)) = taken.replace((name, value)) {
            return Err(format!("has both `{first}` and `{name}`: keep one"));
        }
    }
    Ok(taken.map(|(_, value)| value))
}

/// An enumeration whose list grows: names that this version does not know are kept as they came.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A name that this version does not know, as it came.
            Other(String),
        }

        impl $name {
            /// The name on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                match name {
                    $($text => Self::$variant,)*
                    _ => Self::Other(name.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<str>::deserialize(deserializer).map(|name| Self::from(&*name))
            }
        }
    };
}
pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_written_with_no_3_6_or_9_digits() {
        for (text, expected) in [
            ("2026-03-04T09:15:02+01:00", "2026-03-04T08:15:02Z"),
            ("2026-03-04T09:15:02.4Z", "2026-03-04T09:15:02.400Z"),
            ("2026-03-04T09:15:02.412345Z", "2026-03-04T09:15:02.412345Z"),
            ("2026-03-04T09:15:02.0451234Z", "2026-03-04T09:15:02.045123400Z"),
        ] {
            let time: Time = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(time).unwrap(), expected);
        }
        for (text, expected) in [
            ("60s", "60s"),
            ("0.5s", "0.500s"),
            ("90.000001s", "90.000001s"),
            ("1.123456789s", "1.123456789s"),
        ] {
            let span: Span = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(span).unwrap(), expected);
        }
        for text in [
            "",
            "s",
            "60",
            "-1s",
            "+1s",
            "1.s",
            ".5s",
            "1.0123456789s",
            "1e3s",
            "99999999999999999999s",
        ] {
            assert!(serde_json::from_value::<Span>(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_union_has_one_member() {
        assert_eq!(one_of([("a", None), ("b", Some(2))]), Ok(2));
        assert_eq!(
            one_of([("a", Some(1)), ("b", Some(2))]),
            Err("has both `a` and `b`: keep one".into())
        );
        assert_eq!(
            one_of::<i32, 2>([("a", None), ("b", None)]),
            Err("has none of `a`, `b`: give one".into())
        );
    }
}
