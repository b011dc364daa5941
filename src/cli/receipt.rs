//! `araldo receipt …`: what a carrier's receipt says.

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
    /// {"short_message", "tlvs": [{"name", "value"}]}. Where both speak, the text counts.
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
    short_message: String,
    #[serde(default)]
    tlvs: Vec<GivenTlv>,
}

#[derive(Debug, Deserialize)]
struct GivenTlv {
    name: String,
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

#[expect(
    clippy::unnecessary_wraps,
    reason = "the form of a filter: there is no text that cannot be read"
)]
fn parse(line: &str) -> Result<ShownReceipt, Fault> {
    let given = GivenReceipt::read(line);
    let mut receipt = DeliveryReceipt::parse(&given.short_message);
    let state = given.tlv("message_state").and_then(Value::as_u64);
    receipt.fill(
        given.tlv("receipted_message_id").and_then(Value::as_str),
        state.and_then(|state| u8::try_from(state).ok()),
    );
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
    /// JSON where the line is a string or an object that holds a receipt; else the line is the text.
    fn read(line: &str) -> Self {
        let json = match line.as_bytes().first() {
            Some(b'{') => serde_json::from_str(line).ok(),
            Some(b'"') => serde_json::from_str(line).ok().map(Self::text),
            _ => None,
        };
        json.unwrap_or_else(|| Self::text(line.to_owned()))
    }

    fn text(short_message: String) -> Self {
        Self {
            short_message,
            tlvs: Vec::new(),
        }
    }

    fn tlv(&self, name: &str) -> Option<&Value> {
        self.tlvs.iter().find(|tlv| tlv.name == name).map(|tlv| &tlv.value)
    }
}
