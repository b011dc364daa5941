//! The ids a message centre gives out, and the forms carriers write them in.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How one id is written in the submit_sm_resp and in the receipt. Some carriers do not agree with themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// Hexadecimal in both.
    #[default]
    Hex,
    /// Decimal in both.
    Decimal,
    /// A UUID in both.
    Uuid,
    /// Hexadecimal in the response, decimal in the receipt.
    HexThenDecimal,
    /// Lower-case hexadecimal in the response, upper-case in the receipt.
    UpperCase,
    /// Decimal; with zeros before it, to 20 digits, in the receipt.
    LeadingZeros,
}

/// The high half of every UUID given out; the low half is the number.
const UUID_HIGH: u64 = 0x5AC0_FFEE_0000_4000;

impl IdForm {
    /// As it stands in submit_sm_resp.
    pub fn in_response(self, number: u64) -> String {
        match self {
            Self::Hex | Self::HexThenDecimal | Self::UpperCase => format!("{number:x}"),
            Self::Decimal | Self::LeadingZeros => number.to_string(),
            Self::Uuid => Uuid::from_u64_pair(UUID_HIGH, number).to_string(),
        }
    }

    /// As it stands in the receipt.
    pub fn in_receipt(self, number: u64) -> String {
        match self {
            Self::Hex | Self::Decimal | Self::Uuid => self.in_response(number),
            Self::HexThenDecimal => number.to_string(),
            Self::UpperCase => format!("{number:X}"),
            Self::LeadingZeros => format!("{number:020}"),
        }
    }

    /// The number behind an id as query_sm gives it back, which is the form of the response.
    pub fn number(self, id: &str) -> Option<u64> {
        match self {
            Self::Hex | Self::HexThenDecimal | Self::UpperCase => u64::from_str_radix(id, 16).ok(),
            Self::Decimal | Self::LeadingZeros => id.parse().ok(),
            Self::Uuid => Uuid::parse_str(id).ok().map(|id| id.as_u64_pair().1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_hex_comes_back_in_decimal() {
        let form = IdForm::HexThenDecimal;
        assert_eq!(
            (form.in_response(255).as_str(), form.in_receipt(255).as_str()),
            ("ff", "255")
        );
    }

    #[test]
    fn receipts_may_have_zeros_or_capitals_that_the_response_had_not() {
        assert_eq!(IdForm::LeadingZeros.in_receipt(42), "00000000000000000042");
        assert_eq!(IdForm::UpperCase.in_receipt(0xabc), "ABC");
    }

    #[test]
    fn every_form_can_be_asked_after_by_the_id_of_its_response() {
        use IdForm::*;
        for form in [Hex, Decimal, Uuid, HexThenDecimal, UpperCase, LeadingZeros] {
            assert_eq!(
                form.number(&form.in_response(1_767_225_600_123_000)),
                Some(1_767_225_600_123_000),
                "{form:?}"
            );
            assert!(
                form.in_receipt(u64::MAX).len() <= 64,
                "SMPP 3.4 allows 65 octets, {form:?}"
            );
        }
    }
}
