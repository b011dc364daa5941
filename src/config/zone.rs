//! `time_zone`: where a carrier's clock stands.

use std::fmt;

use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time zone by its name (`"Europe/Rome"`), or a fixed offset from UTC (`"+01:00"`). Default UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = DateTimePrinter::new().time_zone_to_string(&self.0);
        serializer.serialize_str(&text.map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ZoneVisitor)
    }
}

struct ZoneVisitor;

impl Visitor<'_> for ZoneVisitor {
    type Value = Zone;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a time zone or an offset from UTC, such as \"Europe/Rome\" or \"+01:00\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Zone, E> {
        let zone = DateTimeParser::new().parse_time_zone(text);
        zone.map(Zone)
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_written_as_it_is_read() {
        for text in ["UTC", "Europe/Rome", "+05:30", "-03:00"] {
            let zone: Zone = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&zone).unwrap(), text);
        }
        assert_eq!(serde_json::to_value(Zone::default()).unwrap(), "UTC");
        let error = serde_json::from_value::<Zone>("Europe/Roma".into())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("Europe/Roma") && error.contains("\"Europe/Rome\""),
            "{error}"
        );
    }
}
