//! When people are left in peace, by their own clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::{Config, QuietHoursConfig};
use crate::domain::{Class, Msisdn, UnixMillis};

/// The zones of each country: of a country with several, nobody is disturbed in any.
const ZONES: &str = include_str!("zones.tsv");

/// The quiet hours of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    to: Time,
    days: Vec<jiff::civil::Weekday>,
}

/// Hours that are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// A time that is none.
    #[error("`{text}` is not a time of day")]
    Time {
        /// `from` or `to`.
        key: &'static str,
        /// What was written.
        text: String,
    },
    /// They would be all day or no time at all.
    #[error("is the same time as `from`")]
    Empty,
}

impl BadHours {
    /// The key that is wrong.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Time { key, .. } => key,
            Self::Empty => "to",
        }
    }

    /// What to do.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Time { .. } => "write e.g. from = \"21:00\"",
            Self::Empty => "write another time, or `days` for whole days",
        }
    }
}

impl Quiet {
    /// Reads the section.
    pub fn new(config: &QuietHoursConfig) -> Result<Self, BadHours> {
        let read = |key, text: &str| {
            Time::strptime("%H:%M", text).map_err(|_| BadHours::Time {
                key,
                text: text.chars().take(20).collect(),
            })
        };
        let (from, to) = (read("from", &config.from)?, read("to", &config.to)?);
        if from == to {
            return Err(BadHours::Empty);
        }
        let days = config.days.iter().map(|day| (*day).into()).collect();
        Ok(Self { from, to, days })
    }

    /// The end of the quiet time that `at` lies in, if it does: the first moment at which nobody's clock in these zones
    /// is within the hours.
    pub fn until(&self, zones: &[TimeZone], at: Timestamp) -> Option<Timestamp> {
        /// A week of quiet days, each with its night, in any number of zones.
        const MOST_STEPS: usize = 64;
        let mut end = at;
        for _ in 0..MOST_STEPS {
            match zones.iter().filter_map(|zone| self.end_in(zone, end)).max() {
                Some(later) if later > end => end = later,
                _ => break,
            }
        }
        (end > at).then_some(end)
    }

    /// The end of the hours or the day that `at` lies in, by one clock.
    fn end_in(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let local = zone.to_datetime(at);
        let (date, time) = (local.date(), local.time());
        let on = |date: Date, time: Time| {
            date.to_datetime(time)
                .to_zoned(zone.clone())
                .ok()
                .map(|it| it.timestamp())
        };
        let tomorrow = date.checked_add(1.day()).ok();
        if self.days.contains(&date.weekday()) {
            return on(tomorrow?, Time::midnight());
        }
        if self.from < self.to {
            return (self.from <= time && time < self.to)
                .then(|| on(date, self.to))
                .flatten();
        }
        if time >= self.from {
            on(tomorrow?, self.to)
        } else if time < self.to {
            on(date, self.to)
        } else {
            None
        }
    }
}

/// The quiet hours of every class, and whose clock counts.
#[derive(Debug, Default)]
pub struct QuietHours {
    classes: BTreeMap<Class, Quiet>,
    /// By leading digits.
    prefixes: BTreeMap<String, Vec<TimeZone>>,
    /// What was found for a class and clock lately: it holds for this long.
    known: Mutex<HashMap<(Class, String), Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    from: UnixMillis,
    to: UnixMillis,
    quiet_until: Option<UnixMillis>,
}

/// How long it holds that it is not quiet: hours begin on the minute.
const A_MINUTE: Duration = Duration::from_mins(1);

impl QuietHours {
    /// Those of a checked configuration.
    pub fn new(config: &Config) -> Self {
        let classes = config.quiet_hours.iter();
        let prefixes = config.consent.time_zones.iter();
        Self {
            classes: classes
                .filter_map(|(class, hours)| Some((*class, Quiet::new(hours).ok()?)))
                .collect(),
            prefixes: prefixes
                .map(|(prefix, zone)| (prefix.clone(), vec![zone.0.clone()]))
                .collect(),
            known: Mutex::default(),
        }
    }

    /// Whether the class has any.
    pub fn has(&self, class: Class) -> bool {
        self.classes.contains_key(&class)
    }

    /// The end of the quiet time in which a message of the class would reach this number, if it would.
    pub fn until(&self, class: Class, digits: &str, at: UnixMillis) -> Option<UnixMillis> {
        let quiet = self.classes.get(&class)?;
        let place = self.place(digits);
        let key = (class, place.to_owned());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key)
            && (known.from..known.to).contains(&at)
        {
            return known.quiet_until;
        }
        let quiet_until = quiet.until(self.zones(place), at.timestamp()).map(UnixMillis::from);
        let minute = i64::try_from(A_MINUTE.as_millis()).unwrap_or(i64::MAX);
        let begun = UnixMillis(at.0 - at.0.rem_euclid(minute));
        let (from, to) = match quiet_until {
            Some(end) => (at, end),
            None => (begun, begun.after(A_MINUTE)),
        };
        known.insert(key, Known { from, to, quiet_until });
        quiet_until
    }

    /// What the clock of a number is known by: a configured prefix, or its country.
    fn place(&self, digits: &str) -> &str {
        let longest = (1..=digits.len()).rev().filter_map(|length| digits.get(..length));
        let configured = longest
            .filter(|_| !self.prefixes.is_empty())
            .find_map(|prefix| self.prefixes.get_key_value(prefix));
        match configured {
            Some((prefix, _)) => prefix,
            None => country(digits).unwrap_or(""),
        }
    }

    fn zones(&self, place: &str) -> &[TimeZone] {
        static UTC: [TimeZone; 1] = [TimeZone::UTC];
        let of_prefix = self.prefixes.get(place);
        of_prefix.or_else(|| COUNTRIES.get(place)).map_or(&UTC, Vec::as_slice)
    }
}

static COUNTRIES: LazyLock<HashMap<&'static str, Vec<TimeZone>>> = LazyLock::new(|| {
    let lines = ZONES.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (country, zones) = line.split_once('\t')?;
            let zones = zones.split(',').filter_map(|zone| TimeZone::get(zone).ok());
            Some((country, zones.collect()))
        })
        .collect()
});

/// The country of a number's digits.
pub(super) fn country(digits: &str) -> Option<&'static str> {
    Msisdn::written(&format!("+{digits}")).ok()?.region()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str) -> QuietHoursConfig {
        QuietHoursConfig {
            from: from.to_owned(),
            to: to.to_owned(),
            days: Vec::new(),
        }
    }

    fn until(quiet: &Quiet, zones: &[&str], at: &str) -> Option<String> {
        let zones: Vec<TimeZone> = zones.iter().map(|zone| TimeZone::get(zone).unwrap()).collect();
        let end = quiet.until(&zones, at.parse().unwrap())?;
        Some(end.to_string())
    }

    #[test]
    fn a_night_ends_in_the_morning_of_the_recipients_clock() {
        let night = Quiet::new(&hours("21:00", "08:00")).unwrap();
        let rome = |at| until(&night, &["Europe/Rome"], at);
        assert_eq!(rome("2026-11-22T19:59:59Z"), None);
        assert_eq!(rome("2026-11-22T20:00:00Z").unwrap(), "2026-11-23T07:00:00Z");
        assert_eq!(rome("2026-11-23T06:59:59Z").unwrap(), "2026-11-23T07:00:00Z");
        assert_eq!(rome("2026-11-23T07:00:00Z"), None);
        let siesta = Quiet::new(&hours("13:00", "15:30")).unwrap();
        let end = until(&siesta, &["Europe/Rome"], "2026-11-22T12:00:00Z").unwrap();
        assert_eq!(end, "2026-11-22T14:30:00Z");
    }

    #[test]
    fn a_night_in_which_the_clocks_change_ends_at_the_same_hour_on_the_wall() {
        let night = Quiet::new(&hours("21:00", "08:00")).unwrap();
        let end = |at| until(&night, &["Europe/Rome"], at).unwrap();
        assert_eq!(end("2026-03-28T21:00:00Z"), "2026-03-29T06:00:00Z", "an hour shorter");
        assert_eq!(end("2026-10-24T20:00:00Z"), "2026-10-25T07:00:00Z", "an hour longer");
        // An end that the clocks leap over is the first moment after it.
        let early = Quiet::new(&hours("21:00", "02:30")).unwrap();
        let end = until(&early, &["Europe/Rome"], "2026-03-28T22:00:00Z").unwrap();
        assert_eq!(end, "2026-03-29T01:30:00Z");
    }

    #[test]
    fn quiet_days_are_quiet_from_midnight_to_midnight_and_join_the_nights() {
        let config = QuietHoursConfig {
            days: vec![crate::config::Weekday::Sunday],
            ..hours("21:00", "08:00")
        };
        let quiet = Quiet::new(&config).unwrap();
        // Saturday evening: the night, the Sunday, the night after it.
        let end = until(&quiet, &["Europe/Rome"], "2026-11-21T20:30:00Z").unwrap();
        assert_eq!(end, "2026-11-23T07:00:00Z");
    }

    #[test]
    fn in_a_country_of_several_clocks_nobody_is_disturbed() {
        let night = Quiet::new(&hours("21:00", "08:00")).unwrap();
        let both = ["America/New_York", "America/Los_Angeles"];
        // Nine in the morning in New York is six in Los Angeles.
        let end = until(&night, &both, "2026-11-23T14:00:00Z").unwrap();
        assert_eq!(end, "2026-11-23T16:00:00Z");
        assert_eq!(until(&night, &both, "2026-11-23T20:00:00Z"), None);
    }

    #[test]
    fn the_clock_is_that_of_the_number() {
        let mut config = Config::default();
        config.quiet_hours.insert(Class::Marketing, hours("21:00", "08:00"));
        let zone = crate::config::Zone(TimeZone::get("America/New_York").unwrap());
        config.consent.time_zones.insert("1212".to_owned(), zone);
        let quiet = QuietHours::new(&config);
        let at = |text: &str| UnixMillis::from(text.parse::<Timestamp>().unwrap());
        let until = |digits, time: &str| {
            quiet
                .until(Class::Marketing, digits, at(time))
                .map(|end| end.to_string())
        };
        let evening = "2026-11-22T20:30:00Z";
        assert_eq!(until("393331234567", evening).unwrap(), "2026-11-23T07:00:00.000Z");
        assert_eq!(
            until("393331234567", evening).unwrap(),
            "2026-11-23T07:00:00.000Z",
            "as before"
        );
        assert_eq!(until("447911123456", evening), None, "an hour earlier there");
        assert_eq!(
            until("12125550123", "2026-11-23T13:30:00Z"),
            None,
            "half past eight in New York"
        );
        assert!(
            until("13105550123", "2026-11-23T13:30:00Z").is_some(),
            "not so in all of the country"
        );
        assert_eq!(quiet.until(Class::Otp, "393331234567", at(evening)), None);
    }

    #[test]
    fn every_zone_of_the_table_is_known() {
        let zones = ZONES.lines().filter(|line| !line.starts_with('#'));
        let named: usize = zones.map(|line| line.matches(',').count() + 1).sum();
        assert_eq!(COUNTRIES.values().map(Vec::len).sum::<usize>(), named);
    }

    #[test]
    fn hours_that_are_none_are_told() {
        for (from, to, key) in [
            ("9 pm", "08:00", "from"),
            ("21:00", "25:00", "to"),
            ("21:00", "21:00", "to"),
        ] {
            assert_eq!(Quiet::new(&hours(from, to)).unwrap_err().key(), key);
        }
    }
}
