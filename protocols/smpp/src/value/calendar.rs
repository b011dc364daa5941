//! SMPP's times as points in time and back (SMPP 3.4 §7.1.1); the calendar is jiff's.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::{AbsoluteTime, RelativeTime, SmppTime};

/// A time outside the years 2000 to 2099, which SMPP cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SMPP writes the years 2000 to 2099 only")]
pub struct OutOfRange;

impl SmppTime {
    /// The point in time that is meant when the message centre took the message at `taken`.
    ///
    /// `None` when the parts, which may have been put together by hand, are no date.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use araldo_smpp::SmppTime;
    ///
    /// let taken = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    /// let hour = SmppTime::parse(b"000000010000000R")?.expect("not empty");
    /// assert_eq!(hour.point(taken), Some(taken + Duration::from_secs(3_600)));
    /// # Ok::<(), araldo_smpp::value::TimeError>(())
    /// ```
    pub fn point(self, taken: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Absolute(time) => time.point(),
            Self::Relative(span) => span.after(taken),
        }
    }
}

impl AbsoluteTime {
    /// The point in time; `None` when the parts are no date.
    pub fn point(self) -> Option<SystemTime> {
        let part = |value: u8| i8::try_from(value).ok();
        let local = DateTime::new(
            2000 + i16::from(self.year),
            part(self.month)?,
            part(self.day)?,
            part(self.hour)?,
            part(self.minute)?,
            part(self.second)?,
            i32::from(self.tenths) * 100_000_000,
        );
        let utc = local
            .ok()?
            .checked_sub(Span::new().minutes(i64::from(self.quarters) * 15))
            .ok()?;
        Some(utc.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
    }
}

/// In UTC, what is below a tenth of a second left out.
impl TryFrom<SystemTime> for AbsoluteTime {
    type Error = OutOfRange;

    fn try_from(point: SystemTime) -> Result<Self, OutOfRange> {
        let time = Timestamp::try_from(point)
            .map_err(|_| OutOfRange)?
            .to_zoned(TimeZone::UTC);
        let part = |value: i8| u8::try_from(value).map_err(|_| OutOfRange);
        let year = u8::try_from(time.year() - 2000).map_err(|_| OutOfRange)?;
        if year > 99 {
            return Err(OutOfRange);
        }
        Ok(Self {
            year,
            month: part(time.month())?,
            day: part(time.day())?,
            hour: part(time.hour())?,
            minute: part(time.minute())?,
            second: part(time.second())?,
            tenths: u8::try_from(time.millisecond() / 100).map_err(|_| OutOfRange)?,
            quarters: 0,
        })
    }
}

impl RelativeTime {
    /// The end of the span that begins at `start`, by the calendar: a month is as long as it is. `None` when out of range.
    pub fn after(self, start: SystemTime) -> Option<SystemTime> {
        let span = Span::new()
            .years(self.years)
            .months(self.months)
            .days(self.days)
            .hours(self.hours)
            .minutes(self.minutes)
            .seconds(self.seconds);
        let start = Timestamp::try_from(start).ok()?.to_zoned(TimeZone::UTC);
        Some(start.checked_add(span).ok()?.timestamp().into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn unix(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn point(text: &str) -> Option<SystemTime> {
        SmppTime::parse(text.as_bytes())
            .expect("a time")
            .expect("not empty")
            .point(unix(1_769_860_800))
    }

    #[test]
    fn an_absolute_time_counts_its_quarters_from_utc() {
        // 2026-01-31 12:00:00.5 at +01:00 and at -02:30.
        assert_eq!(
            point("260131120000504+"),
            Some(unix(1_769_857_200) + Duration::from_millis(500))
        );
        assert_eq!(point("260131120000010-"), Some(unix(1_769_869_800)));
    }

    #[test]
    fn a_month_after_the_last_of_january_is_the_last_of_february() {
        assert_eq!(point("000100000000000R"), point("260228120000000+"));
    }

    #[test]
    fn a_point_in_time_is_written_in_utc_and_read_back() {
        let time = AbsoluteTime::try_from(unix(1_769_860_800)).expect("in range");
        assert_eq!(time.to_string(), "260131120000000+");
        assert_eq!(time.point(), Some(unix(1_769_860_800)));
        assert_eq!(AbsoluteTime::try_from(SystemTime::UNIX_EPOCH), Err(OutOfRange));
        assert_eq!(AbsoluteTime::try_from(unix(4_102_444_800)), Err(OutOfRange));
        assert_eq!(AbsoluteTime { month: 13, ..time }.point(), None);
    }
}
