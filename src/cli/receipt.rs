//! `araldo receipt …`: what a carrier's receipt says.

use araldo_smpp::TlvTag;
use araldo_sms::{DeliveryReceipt, ReceiptDate};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exit;
use super::filter::{self, Fault};

/// What to do with receipts. One line in, one JSON line out.
#[derive(Clone, Debug, Subcommand)]
pub enum ReceiptVerb {
    /// Parse: a receipt's text to its fields; null is absent. Dates are the carrier's local ones, without zone.
    ///
    /// A text with line breaks goes in as a JSON string; a receipt with optional parameters as
    /// {"short_message", "tlvs": [{"name", "value"}]}, a TLV as `pdu decode` prints it: "tag" for "name" and "value_hex" for
    /// "value" will do. Where both speak, the text counts.
    #[command(
        after_help = "Example:\n  echo 'id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Ciao' | araldo receipt parse\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Parse,
}

impl ReceiptVerb {
    /// Does it.
    pub fn run(&self) -> Exit {
        match self {
            Self::Parse => filter::run(parse),
        }
    }
}

/// A deliver_sm's text with its optional parameters.
#[derive(Debug, Deserialize)]
struct GivenReceipt {
    short_message: Option<String>,
    tlvs: Option<Vec<GivenTlv>>,
}

#[derive(Debug, Deserialize)]
struct GivenTlv {
    tag: Option<u16>,
    name: Option<String>,
    value_hex: Option<String>,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Serialize)]
struct ShownReceipt {
    id: Option<String>,
    sub: Option<u32>,
    dlvrd: Option<u32>,
    submit_date: Option<String>,
    done_date: Option<String>,
    stat: Option<String>,
    err: Option<String>,
    text: Option<String>,
    state: Option<&'static str>,
}

fn parse(line: &str) -> Result<ShownReceipt, Fault> {
    let given = GivenReceipt::read(line)?;
    let mut receipt = DeliveryReceipt::parse(given.short_message.as_deref().unwrap_or_default());
    let id = match given.tlv(TlvTag::RECEIPTED_MESSAGE_ID) {
        Some(tlv) => tlv.text()?,
        None => None,
    };
    let state = match given.tlv(TlvTag::MESSAGE_STATE) {
        Some(tlv) => tlv.number()?,
        None => None,
    };
    receipt.fill(id.as_deref(), state);
    let date = |date: Option<ReceiptDate<'_>>| date.and_then(|date| date.at).map(|at| at.to_string());
    Ok(ShownReceipt {
        id: receipt.id.map(str::to_owned),
        sub: receipt.sub,
        dlvrd: receipt.dlvrd,
        submit_date: date(receipt.submit_date),
        done_date: date(receipt.done_date),
        stat: receipt.stat.map(str::to_owned),
        err: receipt.err.map(str::to_owned),
        text: receipt.text.map(str::to_owned),
        state: receipt.state.map(|state| state.as_str()),
    })
}

impl GivenReceipt {
    /// JSON where the line is a string or an object; else the line is the text.
    fn read(line: &str) -> Result<Self, Fault> {
        match serde_json::from_str(line) {
            Ok(Value::String(text)) => Ok(Self::text(text)),
            Ok(object @ Value::Object(_)) => {
                let given: Self = serde_json::from_value(object)?;
                if given.short_message.is_none() && given.tlvs.is_none() {
                    return Err(Fault::new("missing_field").field("short_message"));
                }
                Ok(given)
            }
            _ => Ok(Self::text(line.to_owned())),
        }
    }

    fn text(short_message: String) -> Self {
        Self {
            short_message: Some(short_message),
            tlvs: None,
        }
    }

    fn tlv(&self, tag: TlvTag) -> Option<&GivenTlv> {
        self.tlvs.iter().flatten().find(|tlv| tlv.is(tag))
    }
}

impl GivenTlv {
    fn is(&self, tag: TlvTag) -> bool {
        match self.tag {
            Some(number) => number == tag.0,
            None => self.name.as_deref() == Some(tag.name()),
        }
    }

    fn octets(&self) -> Result<Option<Vec<u8>>, Fault> {
        let invalid = |error| Fault::new("invalid_hex").field("value_hex").detail(&error);
        self.value_hex.as_deref().map(hex::decode).transpose().map_err(invalid)
    }

    fn text(&self) -> Result<Option<String>, Fault> {
        match &self.value {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Null => {
                let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).trim_end_matches('\0').to_owned();
                Ok(self.octets()?.map(text))
            }
            _ => Err(Fault::new("invalid_value")
                .field("receipted_message_id")
                .detail("a string")),
        }
    }

    fn number(&self) -> Result<Option<u8>, Fault> {
        let invalid = || Fault::new("invalid_value").field("message_state").detail("one octet");
        match (&self.value, self.octets()?.as_deref()) {
            (Value::Null, None) => Ok(None),
            (Value::Null, Some(&[number])) => Ok(Some(number)),
            (Value::Null, Some(_)) => Err(invalid()),
            (value, _) => {
                let number = value.as_u64().and_then(|number| u8::try_from(number).ok());
                number.map(Some).ok_or_else(invalid)
            }
        }
    }
}
