//! `araldo sms …`: how a text becomes short messages.

use araldo_sms::{Encoding, ReferenceSize, SplitOptions, TextError};
use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::Exit;
use super::filter::{self, Fault};

/// What to do with texts. One JSON line in, one JSON line out; a bad line gets `{"error", "field"}`, and the end is exit
/// 1.
#[derive(Clone, Debug, Subcommand)]
pub enum SmsVerb {
    /// Split: {"text"} to {"encoding", "segments", "units", "characters_replaced"}.
    ///
    /// Without options GSM-7 with its extension where it has every character, else UCS-2, and an 8-bit reference.
    /// "encoding" and "reference_bits" in the line override the options.
    #[command(
        after_help = "Example:\n  echo '{\"text\":\"12 € [ok]\"}' | araldo sms split\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Split {
        /// The encoding.
        #[arg(long, value_enum, default_value_t = GivenEncoding::Auto)]
        encoding: GivenEncoding,
        /// Bits of the reference in the concatenation header.
        #[arg(long, default_value = "8", value_parser = ["8", "16"])]
        reference_bits: String,
    },
}

/// An encoding, or the choice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenEncoding {
    /// GSM-7 where it has every character, else UCS-2.
    Auto,
    /// The GSM 7-bit default alphabet and its extension.
    Gsm7,
    /// ISO 8859-1.
    Latin1,
    /// UTF-16.
    Ucs2,
}

#[derive(Debug, Deserialize)]
struct GivenText {
    text: String,
    encoding: Option<GivenEncoding>,
    reference_bits: Option<u8>,
    #[serde(default)]
    smart: bool,
    #[serde(default)]
    shift_tables: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct ShownSplit {
    encoding: &'static str,
    segments: usize,
    /// Of each segment: septets, octets or UTF-16 code units.
    units: Vec<usize>,
    /// Characters that gave way to another. None does yet.
    characters_replaced: [char; 0],
}

impl SmsVerb {
    /// Does it.
    pub fn run(&self) -> Exit {
        let Self::Split {
            encoding,
            reference_bits,
        } = self;
        let bits = if reference_bits == "16" { 16 } else { 8 };
        filter::run(|line| split(line, *encoding, bits))
    }
}

fn split(line: &str, encoding: GivenEncoding, reference_bits: u8) -> Result<ShownSplit, Fault> {
    let given: GivenText = serde_json::from_str(line)?;
    if given.smart {
        return Err(Fault::new("not_supported").field("smart"));
    }
    if !matches!(
        &given.shift_tables,
        serde_json::Value::Null | serde_json::Value::Bool(false)
    ) {
        return Err(Fault::new("not_supported").field("shift_tables"));
    }
    let reference_size = match given.reference_bits.unwrap_or(reference_bits) {
        8 => ReferenceSize::Bits8,
        16 => ReferenceSize::Bits16,
        _ => return Err(Fault::new("invalid_value").field("reference_bits").detail("8 or 16")),
    };
    let options = SplitOptions {
        encoding: match given.encoding.unwrap_or(encoding) {
            GivenEncoding::Auto => None,
            GivenEncoding::Gsm7 => Some(Encoding::Gsm7),
            GivenEncoding::Latin1 => Some(Encoding::Latin1),
            GivenEncoding::Ucs2 => Some(Encoding::Ucs2),
        },
        reference_size,
        ..SplitOptions::default()
    };
    let divided = araldo_sms::split(&given.text, &options).map_err(|error| unsplittable(&error))?;
    Ok(ShownSplit {
        encoding: divided.encoding.as_str(),
        segments: divided.segments.len(),
        units: divided.segments.iter().map(|segment| segment.units).collect(),
        characters_replaced: [],
    })
}

fn unsplittable(error: &TextError) -> Fault {
    let (code, offset) = match error {
        TextError::Unencodable { position, .. } => ("unencodable", Some(*position)),
        TextError::TooManySegments { .. } => ("too_many_segments", None),
        TextError::PayloadTooLong { .. } => ("payload_too_long", None),
        _ => ("invalid_text", None),
    };
    let fault = Fault::new(code).field("text").detail(error);
    match offset {
        Some(offset) => fault.offset(offset),
        None => fault,
    }
}
