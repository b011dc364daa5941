//! Opening hours: when a wait that is counted in them is over.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::config::CareConfig;
use crate::domain::UnixMillis;

/// Days that are looked at for opening hours: the longest wait at an hour a week is over in less.
const MOST_DAYS: usize = 4_000;

/// When people are there.
#[derive(Clone, Debug)]
pub struct Opening {
    zone: TimeZone,
    /// By day, from Monday 0.
    days: BTreeMap<i8, Vec<Span>>,
    /// Closed on that date.
    dates: Vec<Date>,
    /// Closed on that month and day of every year.
    yearly: Vec<(i8, i8)>,
}

/// From when to when somebody is there; to `None` is to the end of the day.
type Span = (Time, Option<Time>);

/// A calendar that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    /// Hours that are none.
    #[error("`{0}` is no span of hours")]
    Hours(String),
    /// Hours that overlap or are out of order.
    #[error("`{0}` begins before the hours in front of it end")]
    Order(String),
    /// A holiday that is no date.
    #[error("`{0}` is no date")]
    Holiday(String),
    /// Nobody is ever there.
    #[error("there is no opening time at all")]
    Closed,
}

impl Opening {
    /// Reads the section.
    pub fn new(config: &CareConfig) -> Result<Self, BadCalendar> {
        let mut days = BTreeMap::new();
        if config.hours.is_empty() {
            days.extend((0..7).map(|day| (day, vec![(Time::MIN, None)])));
        }
        for (day, spans) in &config.hours {
            let mut read: Vec<Span> = Vec::new();
            for text in spans {
                let span = span(text).ok_or_else(|| BadCalendar::Hours(short(text)))?;
                if read.last().is_some_and(|(_, end)| end.is_none_or(|end| end > span.0)) {
                    return Err(BadCalendar::Order(short(text)));
                }
                read.push(span);
            }
            let day = jiff::civil::Weekday::from(*day).to_monday_zero_offset();
            days.insert(day, read);
        }
        if days.values().all(Vec::is_empty) {
            return Err(BadCalendar::Closed);
        }
        let (mut dates, mut yearly) = (Vec::new(), Vec::new());
        for text in &config.holidays {
            if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
                dates.push(date);
            } else if let Ok(date) = Date::strptime("%Y-%m-%d", format!("2024-{text}")) {
                yearly.push((date.month(), date.day()));
            } else {
                return Err(BadCalendar::Holiday(short(text)));
            }
        }
        Ok(Self {
            zone: config.time_zone.0.clone(),
            days,
            dates,
            yearly,
        })
    }

    /// Whose clock the hours are by.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// When a wait that begins at `from` and is counted in opening time is over.
    pub fn after(&self, from: UnixMillis, wait: Duration) -> UnixMillis {
        let begin = from.timestamp();
        let mut date = self.zone.to_datetime(begin).date();
        let mut left = wait;
        for _ in 0..MOST_DAYS {
            for (open, close) in self.spans_of(date) {
                let midnight = || self.at(date.tomorrow().ok()?, Time::MIN);
                let close = close.map_or_else(midnight, |close| self.at(date, close));
                let Some((open, close)) = self.at(date, open).zip(close) else {
                    continue;
                };
                let open = open.max(begin);
                let there = UnixMillis::from(close).since(UnixMillis::from(open));
                if there >= left && close > open {
                    return UnixMillis::from(open).after(left);
                }
                left = left.saturating_sub(there);
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        from.after(wait)
    }

    fn spans_of(&self, date: Date) -> impl Iterator<Item = Span> {
        let closed = self.dates.contains(&date) || self.yearly.contains(&(date.month(), date.day()));
        let day = date.weekday().to_monday_zero_offset();
        let spans = self.days.get(&day).filter(|_| !closed);
        spans.into_iter().flatten().copied()
    }

    /// A moment of the wall's clock; what the clocks leap over is the moment after it.
    fn at(&self, date: Date, time: Time) -> Option<Timestamp> {
        let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp())
    }
}

/// `09:00-13:00`; `24:00` is the end of the day.
fn span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once('-')?;
    let read = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
    let from = read(from)?;
    let to = match to.trim() {
        "24:00" => None,
        to => Some(read(to)?),
    };
    to.is_none_or(|to| from < to).then_some((from, to))
}

fn short(text: &str) -> String {
    text.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Weekday, Zone};

    fn opening(hours: &[(Weekday, &[&str])], holidays: &[&str]) -> Result<Opening, BadCalendar> {
        let spans = |spans: &[&str]| spans.iter().map(|span| (*span).to_owned()).collect();
        Opening::new(&CareConfig {
            time_zone: Zone(TimeZone::get("Europe/Rome").unwrap()),
            hours: hours.iter().map(|(day, hours)| (*day, spans(hours))).collect(),
            holidays: spans(holidays),
            ..CareConfig::default()
        })
    }

    const WORKDAYS: [Weekday; 5] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];

    fn office(holidays: &[&str]) -> Opening {
        let hours: Vec<(Weekday, &[&str])> = WORKDAYS
            .iter()
            .map(|day| (*day, &["09:00-13:00", "14:00-18:00"] as &[&str]))
            .collect();
        opening(&hours, holidays).unwrap()
    }

    fn after(opening: &Opening, from: &str, hours: u64) -> String {
        let from = UnixMillis::from(from.parse::<Timestamp>().unwrap());
        opening.after(from, Duration::from_hours(hours)).timestamp().to_string()
    }

    #[test]
    fn a_wait_is_counted_in_opening_time() {
        let office = office(&[]);
        // A Monday in November: Rome is an hour ahead.
        assert_eq!(after(&office, "2026-11-23T09:00:00Z", 2), "2026-11-23T11:00:00Z");
        assert_eq!(
            after(&office, "2026-11-23T11:30:00Z", 2),
            "2026-11-23T14:30:00Z",
            "over lunch"
        );
        assert_eq!(
            after(&office, "2026-11-23T16:00:00Z", 2),
            "2026-11-24T09:00:00Z",
            "over night"
        );
        assert_eq!(
            after(&office, "2026-11-23T04:00:00Z", 1),
            "2026-11-23T09:00:00Z",
            "before hours"
        );
        assert_eq!(
            after(&office, "2026-11-20T16:00:00Z", 2),
            "2026-11-23T09:00:00Z",
            "over the week-end"
        );
    }

    #[test]
    fn holidays_are_closed_by_date_and_every_year() {
        let office = office(&["12-25", "2026-12-28"]);
        // From Thursday the 24th: Christmas, the week-end, and the Monday are closed.
        assert_eq!(after(&office, "2026-12-24T16:00:00Z", 2), "2026-12-29T09:00:00Z");
        assert_eq!(
            after(&office, "2027-12-24T16:00:00Z", 2),
            "2027-12-27T09:00:00Z",
            "a Saturday that year"
        );
    }

    #[test]
    fn a_night_shift_is_as_long_as_the_clock_really_runs() {
        let always: Vec<(Weekday, &[&str])> = vec![(Weekday::Sunday, &["00:00-24:00"])];
        let sunday = opening(&always, &[]).unwrap();
        // Three hours after midnight when 2:00 leaps to 3:00 it is four, and three o'clock when 3:00 falls back to 2:00 twice.
        assert_eq!(after(&sunday, "2026-03-28T23:00:00Z", 3), "2026-03-29T02:00:00Z");
        assert_eq!(after(&sunday, "2026-10-24T22:00:00Z", 4), "2026-10-25T02:00:00Z");
        // And the day that is an hour short ends an hour earlier.
        assert_eq!(after(&sunday, "2026-03-28T23:00:00Z", 24), "2026-04-04T23:00:00Z");
    }

    #[test]
    fn without_hours_somebody_is_always_there_but_on_holidays() {
        let always = opening(&[], &[]).unwrap();
        assert_eq!(after(&always, "2026-11-22T03:00:00Z", 4), "2026-11-22T07:00:00Z");
        assert_eq!(after(&always, "2026-11-22T03:00:00Z", 240), "2026-12-02T03:00:00Z");
        let christmas = opening(&[], &["12-25"]).unwrap();
        assert_eq!(after(&christmas, "2026-12-24T22:00:00Z", 4), "2026-12-26T02:00:00Z");
    }

    #[test]
    fn a_calendar_that_cannot_be_is_told() {
        let day = |spans: &'static [&'static str]| opening(&[(Weekday::Monday, spans)], &[]).unwrap_err();
        assert!(matches!(day(&["9 to 5"]), BadCalendar::Hours(_)));
        assert!(matches!(day(&["18:00-09:00"]), BadCalendar::Hours(_)));
        assert!(matches!(day(&["09:00-13:00", "12:00-18:00"]), BadCalendar::Order(_)));
        assert_eq!(day(&[]), BadCalendar::Closed);
        assert!(matches!(opening(&[], &["Christmas"]), Err(BadCalendar::Holiday(_))));
        assert!(opening(&[], &["02-29"]).is_ok());
    }
}
