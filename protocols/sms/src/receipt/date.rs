use std::fmt;

/// A date of a receipt: what stood there, and the date read from it.
///
/// ```
/// use araldo_sms::DeliveryReceipt;
///
/// let date = DeliveryReceipt::parse("id:1 done date:0000000000 stat:ENROUTE").done_date.unwrap();
/// assert_eq!((date.raw, date.at), ("0000000000", None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptDate<'a> {
    /// The value as it came; empty for a date of our own making.
    pub raw: &'a str,
    /// The date it tells; `None` for zeroes, an impossible date, or an unknown form.
    pub at: Option<LocalDateTime>,
}

impl<'a> ReceiptDate<'a> {
    /// `None` for an empty value, as if the field were not there.
    pub(super) fn parse(raw: &'a str) -> Option<Self> {
        (!raw.is_empty()).then(|| Self {
            raw,
            at: LocalDateTime::parse(raw),
        })
    }
}

impl From<LocalDateTime> for ReceiptDate<'_> {
    fn from(at: LocalDateTime) -> Self {
        Self { raw: "", at: Some(at) }
    }
}

/// Ten digits, `YYMMDDhhmm`, or what came if that told no date.
impl fmt::Display for ReceiptDate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(LocalDateTime {
                year,
                month,
                day,
                hour,
                minute,
                second: _,
            }) => {
                write!(f, "{:02}{month:02}{day:02}{hour:02}{minute:02}", year % 100)
            }
            None => f.write_str(self.raw),
        }
    }
}

/// A calendar date and a time of day by the MC's clock, whose zone the receipt does not tell.
///
/// ```
/// use araldo_sms::LocalDateTime;
///
/// let at = LocalDateTime::parse("260131120059").unwrap();
/// assert_eq!(at.to_string(), "2026-01-31T12:00:59");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDateTime {
    /// All four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the days of the month.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; 0 when the receipt gives none.
    pub second: u8,
}

impl LocalDateTime {
    /// `None` when there is no such date or time.
    ///
    /// ```
    /// # use araldo_sms::LocalDateTime;
    /// assert!(LocalDateTime::new(2024, 2, 29, 0, 0, 0).is_some());
    /// assert!(LocalDateTime::new(2026, 2, 29, 0, 0, 0).is_none());
    /// ```
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let sound = (1..=days(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        sound.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        })
    }

    /// Reads the forms met in receipts. A year of two digits is of this century.
    ///
    /// | form | example |
    /// |---|---|
    /// | `YYMMDDhhmm` | `2601311200` |
    /// | `YYMMDDhhmmss`, or `YYYYMMDDhhmm` where that is no date | `260131120059` |
    /// | `YYYYMMDDhhmmss` | `20260131120059` |
    /// | SMPP absolute time; tenths and offset are not kept (SMPP 3.4 §7.1.1) | `260131120059012+` |
    /// | date and time with `-`, `/`, `:`, `.`, `T` or blank between; an offset is not kept | `2026-01-31 12:00:59` |
    ///
    /// ```
    /// # use araldo_sms::LocalDateTime;
    /// let at = LocalDateTime::new(2026, 1, 31, 12, 0, 0);
    /// for raw in ["2601311200", "202601311200", "20260131120000", "260131120000912+", "2026-01-31T12:00:00"] {
    ///     assert_eq!(LocalDateTime::parse(raw), at, "{raw}");
    /// }
    /// assert_eq!(LocalDateTime::parse("2602301200"), None);
    /// ```
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let octets = raw.as_bytes();
        match octets.iter().position(|octet| !octet.is_ascii_digit()) {
            None => match octets.len() {
                10 => Self::from_digits(octets, 2),
                12 => Self::from_digits(octets, 2).or_else(|| Self::from_digits(octets, 4)),
                14 => Self::from_digits(octets, 4),
                15 => Self::from_digits(&octets[..12], 2),
                _ => None,
            },
            Some(15) if matches!(octets[15..], [b'+' | b'-' | b'R']) => Self::from_digits(&octets[..12], 2),
            Some(year_digits @ (2 | 4)) => Self::from_parts(octets, year_digits),
            Some(_) => None,
        }
    }

    /// Year, then pairs of digits: month, day, hour, minute, and second if there is one.
    fn from_digits(digits: &[u8], year_digits: usize) -> Option<Self> {
        let (year, rest) = digits.split_at_checked(year_digits)?;
        let mut pairs = rest.chunks_exact(2).map(|pair| number(pair) as u8);
        let mut next = || pairs.next();
        let (month, day, hour, minute) = (next()?, next()?, next()?, next()?);
        Self::new(century(year), month, day, hour, minute, next().unwrap_or(0))
    }

    /// The same with something between the pairs. What follows the seconds is not looked at.
    fn from_parts(octets: &[u8], year_digits: usize) -> Option<Self> {
        let (year, rest) = octets.split_at_checked(year_digits)?;
        let mut parts = rest.chunks_exact(3).map_while(|part| match part {
            [b'-' | b'/' | b':' | b'.' | b'T' | b't' | b' ', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                Some(number(digits) as u8)
            }
            _ => None,
        });
        let mut next = || parts.next();
        let (month, day, hour, minute) = (next()?, next()?, next()?, next()?);
        Self::new(century(year), month, day, hour, minute, next().unwrap_or(0))
    }
}

/// ISO 8601 to the second, without a zone.
impl fmt::Display for LocalDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// The value of at most four ASCII digits.
fn number(digits: &[u8]) -> u16 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
}

fn century(year: &[u8]) -> u16 {
    number(year) + if year.len() == 2 { 2000 } else { 0 }
}

fn days(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}
