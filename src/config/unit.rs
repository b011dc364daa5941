//! How durations and sizes are written: with their unit.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

/// Durations as `"30s"`, `"2m"`, `"24h"`, `"7d"`. A bare number is an error, since nobody knows its unit.
pub(crate) mod duration {
    use super::*;

    /// Writes the shortest form.
    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Shown(*span))
    }

    /// Reads a duration with its unit.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

/// A duration that may be absent.
pub(crate) mod optional_duration {
    use super::*;

    /// Writes the shortest form.
    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => duration::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a duration with its unit, or nothing.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        deserializer.deserialize_option(OptionVisitor)
    }

    struct OptionVisitor;

    impl<'de> Visitor<'de> for OptionVisitor {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            DurationVisitor.expecting(f)
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            duration::deserialize(deserializer).map(Some)
        }
    }
}

/// Sizes as a number of bytes or with a unit: `262144`, `"256KiB"`, `"16MiB"`, `"1GiB"`.
pub(crate) mod size {
    use super::*;

    /// Writes the largest binary unit that divides the size.
    pub(crate) fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = UNITS
            .iter()
            .find(|(_, factor)| *bytes > 0 && bytes.is_multiple_of(*factor));
        match unit {
            Some((name, factor)) => serializer.collect_str(&format_args!("{}{name}", bytes / factor)),
            None => serializer.serialize_u64(*bytes),
        }
    }

    /// Reads bytes, with or without unit.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A duration as the configuration writes it, in the largest unit that divides it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        if millis != 0 {
            return write!(f, "{}ms", self.0.as_millis());
        }
        // Days only from two on: people say 24h.
        for (unit, length, from) in [("d", 86_400, 172_800), ("h", 3_600, 3_600), ("m", 60, 60)] {
            if seconds >= from && seconds.is_multiple_of(length) {
                return write!(f, "{}{unit}", seconds / length);
            }
        }
        write!(f, "{seconds}s")
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"30s\", \"2m\" or \"24h\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        humantime::parse_duration(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size in bytes, such as 262144 or \"256KiB\" (also MiB, GiB)")
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<u64, E> {
        Ok(bytes)
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<u64, E> {
        u64::try_from(bytes).map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match &text[digits.len()..] {
            "" | "B" => Some(1),
            unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
        };
        let number: Option<u64> = digits.trim_end().parse().ok();
        number
            .zip(factor)
            .and_then(|(number, factor)| number.checked_mul(factor))
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Row {
        #[serde(with = "duration")]
        span: Duration,
        #[serde(with = "size")]
        size: u64,
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (span, size) in [
            ("30s", "256KiB"),
            ("24h", "1GiB"),
            ("30d", "17KiB"),
            ("250ms", "1MiB"),
            ("0s", "3GiB"),
        ] {
            let json = serde_json::json!({ "span": span, "size": size });
            let row: Row = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(row).unwrap(), json);
        }
    }

    #[test]
    fn a_bare_number_is_no_duration_and_the_error_shows_one() {
        let error = serde_json::from_str::<Row>(r#"{"span": 30, "size": 1}"#).err().unwrap();
        assert!(error.to_string().contains("\"30s\""), "{error}");
        let error = serde_json::from_str::<Row>(r#"{"span": "30", "size": 1}"#)
            .err()
            .unwrap();
        assert!(error.to_string().contains("\"30s\""), "{error}");
    }

    #[test]
    fn sizes_beyond_measure_are_refused() {
        for bad in ["\"99999999999GiB\"", "-1", "\"1kb\"", "\"\"", "true"] {
            let text = format!(r#"{{"span": "1s", "size": {bad}}}"#);
            assert!(serde_json::from_str::<Row>(&text).is_err(), "{bad}");
        }
    }
}
