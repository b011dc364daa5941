//! Who a message goes to and who it comes from.

use std::fmt;
use std::str::FromStr;

use phonelib::{ParseError, PhoneNumber};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Encoding, Masked};

/// A phone number in E.164, kept without the plus: 7 to 15 digits, the first not zero. A recipient is read with
/// [`Msisdn::parse`], which asks too whether anybody can have the number. Debug shows it masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(Box<str>);

/// A short code: 3 to 8 digits, valid in one network only.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ShortCode(Box<str>);

/// An address without its plus: carriers write numbers with it or without.
pub fn bare(address: &str) -> &str {
    address.strip_prefix('+').unwrap_or(address)
}

/// Who a message comes from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SenderId {
    /// A phone number.
    Msisdn(Msisdn),
    /// A short code.
    ShortCode(ShortCode),
    /// A name of 1 to 11 characters of the GSM alphabet and Latin-1, with at least one letter (3GPP TS 23.040 §9.1.2.5).
    Alphanumeric(Box<str>),
}

/// The kinds of address, each with its own TON and NPI on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// An E.164 number.
    International,
    /// A short code.
    ShortCode,
    /// A name.
    Alphanumeric,
}

/// An address as it stands in a row or on the wire, with its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The kind.
    pub kind: AddressKind,
    /// The digits without plus, or the name.
    pub text: &'a str,
}

/// Why something is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// A character other than digits after the plus.
    #[error("has a character that is not a digit; write E.164, e.g. +393331234567")]
    NotDigits,
    /// Too few or too many digits.
    #[error("has {0} digits; E.164 has 7 to 15, with the country code first, e.g. +393331234567")]
    Length(usize),
    /// Starts with zero: national, or with an international prefix.
    #[error("starts with 0; write E.164 with the country code first, e.g. +393331234567 rather than 0039…")]
    LeadingZero,
    /// The country code is not assigned.
    #[error("begins with no country code that exists; write E.164, e.g. +393331234567")]
    NoSuchCountry,
    /// No number behind that country code has so many digits.
    #[error(
        "is read as country code {code} and {digits} digits, and no number there has {digits}; write E.164 with the \
         country code first, e.g. +393331234567"
    )]
    NoSuchNumber {
        /// The country code that it begins with.
        code: u16,
        /// The digits after it.
        digits: usize,
    },
    /// Digits of a nation, and nobody says which.
    #[error(
        "does not say which country it is of; write E.164, e.g. +393331234567, or give the region of national numbers"
    )]
    NoRegion,
    /// No number of the region's plan has so many digits.
    #[error(
        "has {digits} digits, which no number of that region has; look at it again, or write E.164, e.g. +393331234567"
    )]
    NotInPlan {
        /// The digits as written.
        digits: usize,
    },
    /// The country code, and then the prefix that is dialled only inside the country.
    #[error(
        "keeps the national prefix after the country code; leave it out, e.g. +447700900123 rather than +4407700900123"
    )]
    NationalPrefix,
    /// A sender that is too long or has characters that a sender may not have.
    #[error("must be a number, a short code of 3 to 8 digits, or a name of 1 to 11 GSM characters with a letter in it")]
    Sender,
}

impl Msisdn {
    /// Reads a recipient's E.164 number, with or without the plus. National forms are refused, since nobody says whose
    /// nation is meant, and so are numbers that nobody can have.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let number = Self::written(text)?;
        possible(&number.0).map(|()| number)
    }

    /// Reads what has the form of E.164, whether anybody can have it or not: to look for it in what is stored.
    pub fn written(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() {
            return Err(AddressError::Empty);
        }
        if !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(AddressError::NotDigits);
        }
        if digits.starts_with('0') {
            return Err(AddressError::LeadingZero);
        }
        if !(7..=15).contains(&digits.len()) {
            return Err(AddressError::Length(digits.len()));
        }
        Ok(Self(digits.into()))
    }

    /// The digits, without plus: the form of the wire and of the store.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Whether the country code exists and numbers behind it have so many digits. Tables are younger than some numbers, so
/// they are believed no further: ranges and area codes are not asked for.
fn possible(digits: &str) -> Result<(), AddressError> {
    let number = format!("+{digits}");
    match PhoneNumber::try_parse(&number) {
        Ok(known) if known.e164() == number => Ok(()),
        Ok(_) => Err(AddressError::NationalPrefix),
        Err(ParseError::InvalidAreaCode | ParseError::InvalidExchange) => Ok(()),
        Err(ParseError::InvalidLength) if is_machine(digits) => Ok(()),
        Err(_) => Err(impossible(digits)),
    }
}

/// Numbers given to machines only are longer than people's, and in no table (CEPT ECC/REC/(11)03): of Denmark, Norway, Sweden,
/// France, Belgium and China.
fn is_machine(digits: &str) -> bool {
    const RANGES: [(&str, usize); 7] = [
        ("4537", 14),
        ("4758", 14),
        ("4759", 14),
        ("46719", 15),
        ("33700", 15),
        ("3246", 14),
        ("861064", 15),
    ];
    RANGES
        .iter()
        .any(|(range, length)| digits.starts_with(range) && digits.len() == *length)
}

fn impossible(digits: &str) -> AddressError {
    let codes = (1..=3).filter_map(|length| digits.get(..length)?.parse().ok());
    let known = |code: &u16| *code == 1 || !phonelib::countries_by_calling_code((*code).into()).is_empty();
    codes
        .into_iter()
        .find(known)
        .map_or(AddressError::NoSuchCountry, |code| AddressError::NoSuchNumber {
            code,
            digits: digits.len() - code.to_string().len(),
        })
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", Masked(&self.0))
    }
}

impl FromStr for Msisdn {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl ShortCode {
    /// Reads a short code.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if (3..=8).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(AddressError::Sender)
        }
    }
}

impl SenderId {
    /// Reads a sender: `+` and digits, or 9 or more digits, is a number; 3 to 8 digits a short code; anything with a
    /// letter a name. Which numbers exist is not asked: a carrier may have given one that no plan has.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.bytes().all(|c| c.is_ascii_digit()) {
            return if text.starts_with('+') || text.len() > 8 {
                Msisdn::written(text).map(Self::Msisdn)
            } else {
                ShortCode::parse(text).map(Self::ShortCode)
            };
        }
        // An address has an octet a character, which carriers read as Latin-1 where it is not ASCII.
        let latin1 = |c: char| c.is_alphanumeric() && c <= '\u{ff}';
        let allowed = |c: char| latin1(c) || " .,&-_+!?'/()*:#%$@".contains(c);
        if text.chars().count() <= 11
            && text.trim() == text
            && text.chars().all(allowed)
            && text.chars().any(char::is_alphabetic)
            && Encoding::Gsm7.check(text).is_ok()
        {
            Ok(Self::Alphanumeric(text.into()))
        } else {
            Err(AddressError::Sender)
        }
    }

    /// The address as a row and the wire have it.
    pub fn address(&self) -> Address<'_> {
        match self {
            Self::Msisdn(number) => Address {
                kind: AddressKind::International,
                text: number.digits(),
            },
            Self::ShortCode(code) => Address {
                kind: AddressKind::ShortCode,
                text: &code.0,
            },
            Self::Alphanumeric(name) => Address {
                kind: AddressKind::Alphanumeric,
                text: name,
            },
        }
    }
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Msisdn(number) => number.fmt(f),
            Self::ShortCode(code) => f.write_str(&code.0),
            Self::Alphanumeric(name) => f.write_str(name),
        }
    }
}

impl FromStr for SenderId {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(Msisdn, SenderId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_or_without_plus_and_shown_with_it() {
        assert_eq!(Msisdn::parse("+393331234567").unwrap().to_string(), "+393331234567");
        assert_eq!(Msisdn::parse("393331234567").unwrap().digits(), "393331234567");
        assert_eq!(
            format!("{:?}", Msisdn::parse("+393331234567").unwrap()),
            "+39333***4567"
        );
    }

    #[test]
    fn what_is_no_e164_number_says_why() {
        for (text, why) in [
            ("", AddressError::Empty),
            ("00491234567", AddressError::LeadingZero),
            ("+39abc", AddressError::NotDigits),
            ("123", AddressError::Length(3)),
            ("1234567890123456", AddressError::Length(16)),
            ("\u{ff11}\u{ff12}", AddressError::NotDigits),
            ("+3933312345\n67", AddressError::NotDigits),
        ] {
            assert_eq!(Msisdn::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_number_that_nobody_can_have_is_refused_with_how_it_was_read() {
        let no_such = |code, digits| AddressError::NoSuchNumber { code, digits };
        for (text, why) in [
            ("3331234567", no_such(33, 8)),
            ("+3331234567", no_such(33, 8)),
            ("7700900123", no_such(7, 9)),
            ("+1234567890", no_such(1, 9)),
            ("+1202555017312", no_such(1, 12)),
            ("+4474001234567", no_such(44, 11)),
            ("+393331234567890", no_such(39, 13)),
            ("+5212221234567", no_such(52, 11)),
            ("+3512345678", no_such(351, 7)),
            ("+21012345678", AddressError::NoSuchCountry),
            ("+99912345678", AddressError::NoSuchCountry),
            ("+4407700900123", AddressError::NationalPrefix),
            ("+49015112345678", AddressError::NationalPrefix),
            ("+789161234567", AddressError::NationalPrefix),
        ] {
            assert_eq!(Msisdn::parse(text), Err(why), "{text}");
        }
        assert_eq!(
            no_such(33, 8).to_string(),
            "is read as country code 33 and 8 digits, and no number there has 8; write E.164 with the country code \
             first, e.g. +393331234567"
        );
    }

    #[test]
    fn numbers_that_people_and_machines_have_are_taken() {
        for text in [
            // Italian mobiles of 9 to 11 digits, and fixed lines, whose 0 stays.
            "+39333123456",
            "+393331234567",
            "+3933312345678",
            "+390612345678",
            "+39049612345",
            "+447700900123",
            "+12025550173",
            // Neither area code nor exchange can exist, but tables of them are not believed.
            "+15551234567",
            "+4915112345678",
            "+491701234567",
            "+8613800138000",
            "+919876543210",
            "+5511912345678",
            "+5491112345678",
            "+2250701234567",
            "+242061234567",
            // International networks and freephone.
            "+882161234567",
            "+883510012345678",
            "+8835100123456",
            "+80012345678",
            // Machines in the Netherlands, Denmark, Norway, Sweden, France, Belgium, China.
            "+3197012345678",
            "+45371234567890",
            "+47581234567890",
            "+467191234567890",
            "+337001234567890",
            "+32460123456789",
            "+861064712345678",
        ] {
            assert!(Msisdn::parse(text).is_ok(), "{text}: {:?}", Msisdn::parse(text));
        }
    }

    #[test]
    fn a_sender_is_told_apart_by_its_looks() {
        assert!(matches!(SenderId::parse("12345"), Ok(SenderId::ShortCode(_))));
        assert!(matches!(SenderId::parse("MyBank"), Ok(SenderId::Alphanumeric(_))));
        assert!(matches!(SenderId::parse("Città"), Ok(SenderId::Alphanumeric(_))));
        assert!(matches!(SenderId::parse("+393331234567"), Ok(SenderId::Msisdn(_))));
        assert!(matches!(SenderId::parse("393331234567"), Ok(SenderId::Msisdn(_))));
        assert!(SenderId::parse("3331234567").is_ok(), "what a carrier gave");
        for bad in [
            "",
            "TwelveLetter",
            "12",
            "Bank\u{1f3e6}",
            "Łódź",
            "A\0B",
            "+12",
            "...",
            " Bank",
            "Bank ",
        ] {
            assert!(SenderId::parse(bad).is_err(), "{bad}");
        }
    }
}
