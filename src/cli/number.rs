//! `araldo number …`: numbers and senders as they are written, to the address that goes into a PDU.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::Exit;
use super::filter::{self, Fault};
use crate::config::Numbering;
use crate::domain::{AddressError, Msisdn, Region, SenderId, ShortCode};

/// What to do with numbers. One line in, one JSON line out.
#[derive(Clone, Debug, Subcommand)]
pub enum NumberVerb {
    /// Parse: {"input", "default_region"} to {"e164", "region", "ton", "npi", "address"}.
    ///
    /// "default_region" is the country of national notation, as IT; null or left out is none. Without one, 3 to 8 digits
    /// are a short code and a text with a letter is a sender's name. With one, a number is wanted: 3 to 6 digits are a
    /// short code unless numbers of that country are as short, and there are no names. "e164" and "region" are null for
    /// what is no number; "region" is 001 for a number of no country. TON and NPI are those that a carrier gets unless
    /// its configuration says otherwise.
    #[command(
        after_help = "Example:\n  echo '{\"input\":\"333 1234567\",\"default_region\":\"IT\"}' | araldo number parse\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Parse,
}

impl NumberVerb {
    /// Does it.
    pub fn run(&self) -> Exit {
        match self {
            Self::Parse => filter::run(parse),
        }
    }
}

#[derive(Debug, Deserialize)]
struct GivenNumber {
    input: String,
    #[serde(default)]
    default_region: Option<String>,
}

#[derive(Debug, Serialize)]
struct ShownNumber {
    e164: Option<String>,
    region: Option<&'static str>,
    ton: u8,
    npi: u8,
    address: String,
}

fn parse(line: &str) -> Result<ShownNumber, Fault> {
    let given: GivenNumber = serde_json::from_str(line)?;
    let region = match &given.default_region {
        Some(code) => Some(Region::parse(code).ok_or_else(|| {
            let why = "is no ISO 3166-1 alpha-2 code of a country with a numbering plan; write e.g. IT";
            Fault::new("invalid_value").field("default_region").detail(why)
        })?),
        None => None,
    };
    let sender = read(&given.input, region).map_err(|error| unreadable(&error))?;
    let number = match &sender {
        SenderId::Msisdn(number) => Some(number),
        SenderId::ShortCode(_) | SenderId::Alphanumeric(_) => None,
    };
    let address = sender.address();
    let numbering = Numbering::default().of(address.kind);
    Ok(ShownNumber {
        e164: number.map(Msisdn::to_string),
        region: number.and_then(Msisdn::region),
        ton: numbering.ton,
        npi: numbering.npi,
        address: address.text.to_owned(),
    })
}

/// Short codes and names before numbers, since they are of no numbering plan.
fn read(input: &str, region: Option<Region>) -> Result<SenderId, AddressError> {
    let digits = input.bytes().all(|c| c.is_ascii_digit());
    let is_number = |region| Msisdn::parse_in(input, Some(region)).is_ok_and(|number| number.is_short_national(region));
    let short = match region {
        Some(region) => (3..=6).contains(&input.len()) && !input.starts_with('0') && !is_number(region),
        None => true,
    };
    if let Ok(code) = ShortCode::parse(input)
        && short
    {
        return Ok(SenderId::ShortCode(code));
    }
    if region.is_none()
        && !input.starts_with('+')
        && let Ok(sender @ SenderId::Alphanumeric(_)) = SenderId::parse(input)
    {
        return Ok(sender);
    }
    Msisdn::parse_in(input, region).map(SenderId::Msisdn).or_else(|error| {
        // Digits alone that are too many for a national number: a carrier may have given what no plan has.
        match SenderId::parse(input) {
            Ok(sender) if region.is_none() && digits && input.len() >= LEAST_INTERNATIONAL => Ok(sender),
            _ => Err(error),
        }
    })
}

/// Fewer digits alone, which fit no plan as they stand, are more likely national.
const LEAST_INTERNATIONAL: usize = 11;

fn unreadable(error: &AddressError) -> Fault {
    let code = match error {
        AddressError::Empty | AddressError::NotDigits => "not_a_number",
        AddressError::Length(0..=6) => "too_short",
        AddressError::Length(_) => "too_long",
        AddressError::LeadingZero | AddressError::NoSuchCountry | AddressError::NoRegion => "invalid_country_code",
        AddressError::NoSuchNumber { .. } | AddressError::NotInPlan { .. } => "no_such_number",
        AddressError::NationalPrefix => "national_prefix",
        AddressError::Sender => "invalid_sender",
    };
    Fault::new(code).field("input").detail(error)
}
