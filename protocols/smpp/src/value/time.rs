//! Absolute and relative time, `YYMMDDhhmmsstnnp` (SMPP 3.4 §7.1.1).

use std::fmt;
use std::time::Duration;

/// A time of 16 characters, as schedule_delivery_time and validity_period carry it.
///
/// ```
/// use araldo_smpp::SmppTime;
///
/// assert!(matches!(SmppTime::parse(b"261122030000000+"), Ok(Some(SmppTime::Absolute(_)))));
/// assert!(matches!(SmppTime::parse(b"000000001000000R"), Ok(Some(SmppTime::Relative(_)))));
/// assert_eq!(SmppTime::parse(b""), Ok(None));
/// assert!(SmppTime::parse(b"tomorrow").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmppTime {
    /// A point in time with its distance from UTC.
    Absolute(AbsoluteTime),
    /// A span from the moment the message centre takes the message.
    Relative(RelativeTime),
}

/// Local time of somebody, and how far that is from UTC (SMPP 3.4 §7.1.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AbsoluteTime {
    /// 0 to 99, the year since 2000.
    pub year: u8,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the length of the month.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Tenths of a second, 0 to 9.
    pub tenths: u8,
    /// Quarters of an hour ahead of UTC, -48 to 48; zero is UTC.
    pub quarters: i8,
}

/// A span in calendar units; the message centre adds them to its own clock (SMPP 3.4 §7.1.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RelativeTime {
    /// 0 to 99.
    pub years: u8,
    /// 0 to 99.
    pub months: u8,
    /// 0 to 99.
    pub days: u8,
    /// 0 to 99.
    pub hours: u8,
    /// 0 to 99.
    pub minutes: u8,
    /// 0 to 99.
    pub seconds: u8,
}

/// Why characters are not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// A time has 16 characters.
    #[error("a time has 16 characters, not {0}")]
    Length(usize),
    /// A digit was expected at this place.
    #[error("no digit at character {0}")]
    NotADigit(usize),
    /// The last character is none of `+`, `-`, `R`.
    #[error("the last character is none of + - R")]
    Sign,
    /// A part is outside its range, as month 13.
    #[error("{0} is out of range")]
    Range(&'static str),
}

impl SmppTime {
    /// Reads a time; nothing at all is `None`, which means "at once" or "the default", by field.
    ///
    /// ```
    /// use araldo_smpp::SmppTime;
    /// use araldo_smpp::value::TimeError;
    ///
    /// assert!(matches!(SmppTime::parse(b"000002000000000R"), Ok(Some(SmppTime::Relative(_)))));
    /// assert_eq!(SmppTime::parse(b"261331120000000+"), Err(TimeError::Range("month")));
    /// ```
    pub fn parse(octets: &[u8]) -> Result<Option<Self>, TimeError> {
        match octets.len() {
            0 => Ok(None),
            16 => parse_16(octets).map(Some),
            other => Err(TimeError::Length(other)),
        }
    }
}

impl From<Duration> for RelativeTime {
    /// Days beyond 30 become months of 30 days, so that no peer sees a day above 31; beyond 99 years stays 99 years.
    fn from(span: Duration) -> Self {
        let total = span.as_secs();
        let days = total / 86_400;
        let months = days / 30;
        if months / 12 > 99 {
            return Self {
                years: 99,
                ..Self::default()
            };
        }
        let part = |value: u64| u8::try_from(value).unwrap_or(99);
        Self {
            years: part(months / 12),
            months: part(months % 12),
            days: part(days % 30),
            hours: part(total / 3_600 % 24),
            minutes: part(total / 60 % 60),
            seconds: part(total % 60),
        }
    }
}

impl fmt::Display for RelativeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            years,
            months,
            days,
            hours,
            minutes,
            seconds,
        } = self;
        write!(
            f,
            "{years:02}{months:02}{days:02}{hours:02}{minutes:02}{seconds:02}000R"
        )
    }
}

impl fmt::Display for AbsoluteTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            tenths,
            quarters,
        } = self;
        let sign = if *quarters < 0 { '-' } else { '+' };
        let quarters = quarters.unsigned_abs();
        write!(
            f,
            "{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}{tenths}{quarters:02}{sign}"
        )
    }
}

impl fmt::Display for SmppTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(time) => time.fmt(f),
            Self::Relative(time) => time.fmt(f),
        }
    }
}

fn parse_16(octets: &[u8]) -> Result<SmppTime, TimeError> {
    if let Some(place) = octets[..15].iter().position(|octet| !octet.is_ascii_digit()) {
        return Err(TimeError::NotADigit(place));
    }
    let pair = |place: usize| (octets[place] - b'0') * 10 + (octets[place + 1] - b'0');
    let sign = match octets[15] {
        b'R' => {
            return Ok(SmppTime::Relative(RelativeTime {
                years: pair(0),
                months: pair(2),
                days: pair(4),
                hours: pair(6),
                minutes: pair(8),
                seconds: pair(10),
            }));
        }
        b'+' => 1,
        b'-' => -1,
        _ => return Err(TimeError::Sign),
    };
    let quarters = pair(13);
    let time = AbsoluteTime {
        year: pair(0),
        month: pair(2),
        day: pair(4),
        hour: pair(6),
        minute: pair(8),
        second: pair(10),
        tenths: octets[12] - b'0',
        quarters: quarters.cast_signed() * sign,
    };
    let in_range = [
        ("month", (1..=12).contains(&time.month)),
        ("day", (1..=days_in_month(time.year, time.month)).contains(&time.day)),
        ("hour", time.hour < 24),
        ("minute", time.minute < 60),
        ("second", time.second < 60),
        ("quarters", quarters <= 48),
    ];
    match in_range.iter().find(|(_, good)| !good) {
        Some((part, _)) => Err(TimeError::Range(part)),
        None => Ok(SmppTime::Absolute(time)),
    }
}

/// Years 2000 to 2099, where every fourth is a leap year.
const fn days_in_month(year: u8, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_validity_is_written_relative() {
        assert_eq!(
            RelativeTime::from(Duration::from_secs(3_600)).to_string(),
            "000000010000000R"
        );
        assert_eq!(
            RelativeTime::from(Duration::from_secs(45 * 86_400 + 61)).to_string(),
            "000115000101000R"
        );
        assert_eq!(RelativeTime::from(Duration::MAX).to_string(), "990000000000000R");
    }

    #[test]
    fn a_time_read_is_written_back_as_it_was() {
        for text in [
            "260131120000004+",
            "260131120000904-",
            "020610233429000R",
            "240229235959948+",
        ] {
            let time = SmppTime::parse(text.as_bytes()).expect("a time").expect("not empty");
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused_with_the_reason() {
        assert_eq!(SmppTime::parse(b""), Ok(None));
        assert_eq!(SmppTime::parse(b"tomorrow"), Err(TimeError::Length(8)));
        assert_eq!(SmppTime::parse(b"261331120000000+"), Err(TimeError::Range("month")));
        assert_eq!(SmppTime::parse(b"260229120000000+"), Err(TimeError::Range("day")));
        assert_eq!(SmppTime::parse(b"260131120000049+"), Err(TimeError::Range("quarters")));
        assert_eq!(SmppTime::parse(b"260131120000000X"), Err(TimeError::Sign));
        assert_eq!(SmppTime::parse(b"00000001000000 R"), Err(TimeError::NotADigit(14)));
    }
}
