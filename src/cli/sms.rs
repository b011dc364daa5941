//! `araldo sms …`: how a text becomes short messages, and what a short message says.

use araldo_sms::{
    Alphabet, DefaultAlphabet, Encoding, Language, Languages, MessageClass, National, ReferenceSize, SplitOptions,
    TextError, UserData,
};
use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::Exit;
use super::filter::{self, Fault};

/// The bit of `esm_class` that says that a header comes first (SMPP 3.4 §5.2.12).
const UDHI: u8 = 0x40;

/// What to do with texts. One JSON line in, one JSON line out; a bad line gets `{"error", "field"}`, and the end is exit
/// 1.
#[derive(Clone, Debug, Subcommand)]
pub enum SmsVerb {
    /// Split: {"text"} to {"encoding", "segments", "units", "characters_replaced"}.
    ///
    /// Without options GSM-7 with its extension where it has every character, else UCS-2, and an 8-bit reference.
    /// "encoding", "reference_bits", "smart" and "shift_tables" in the line override the options; "encoding" may be
    /// written GSM-7 and UCS-2 too, and "shift_tables" is true, or a list of languages. Other keys are passed over.
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
        /// Replace look-alikes (curly quotes, dashes, Cyrillic and Greek letters) where the text then is GSM-7.
        #[arg(long)]
        smart: bool,
        /// Use national tables where they make the message shorter.
        #[arg(long)]
        shift_tables: bool,
    },
    /// Decode: {"hex", "data_coding", "esm_class"} to {"text", "alphabet", "segment", "udh", "lossy", …}.
    ///
    /// "data_coding" and "esm_class" are 0 where they are missing. What is no text is "octets" in hex.
    #[command(
        after_help = "Example:\n  echo '{\"hex\":\"0500030702014369616f\",\"esm_class\":64}' | araldo sms decode\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Decode {
        /// What data_coding 0 means with this carrier.
        #[arg(long, default_value = "gsm7", value_name = "gsm7|gsm7_packed|ascii|latin1|utf8|ucs2")]
        default_alphabet: DefaultAlphabet,
    },
}

/// An encoding, or the choice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenEncoding {
    /// GSM-7 where it has every character, else UCS-2.
    Auto,
    /// The GSM 7-bit default alphabet and its extension.
    #[serde(alias = "GSM-7")]
    Gsm7,
    /// ISO 8859-1.
    Latin1,
    /// UTF-16.
    #[serde(alias = "UCS-2")]
    Ucs2,
}

/// What to split. Keys that are not named here, as a vector has them, are passed over.
#[derive(Debug, Deserialize)]
struct GivenText {
    text: String,
    encoding: Option<GivenEncoding>,
    reference_bits: Option<u8>,
    smart: Option<bool>,
    shift_tables: Option<GivenTables>,
}

/// Any national table, none, or those of some languages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GivenTables {
    Any(bool),
    Of(Vec<String>),
}

#[derive(Debug, Serialize)]
struct ShownSplit {
    encoding: &'static str,
    segments: usize,
    /// Of each segment: septets, octets or UTF-16 code units.
    units: Vec<usize>,
    /// Characters that gave way to another, each as often as it did.
    characters_replaced: Vec<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locking_shift: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    single_shift: Option<&'static str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenOctets {
    hex: String,
    #[serde(default)]
    data_coding: u8,
    #[serde(default)]
    esm_class: u8,
}

#[derive(Debug, Serialize)]
struct ShownText {
    /// Null where the octets are none.
    text: Option<String>,
    /// What the octets were read as; null where they are no text.
    alphabet: Option<&'static str>,
    /// Hex of what is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    octets: Option<String>,
    /// Whether the text may not be what was written.
    lossy: bool,
    /// The place in a longer message.
    segment: Option<ShownSegment>,
    udh: Vec<ShownElement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<u8>,
}

#[derive(Debug, Serialize)]
struct ShownSegment {
    reference: u16,
    reference_bits: u8,
    total: u8,
    number: u8,
}

#[derive(Debug, Serialize)]
struct ShownElement {
    id: u8,
    value_hex: String,
}

impl SmsVerb {
    /// Does it.
    pub fn run(&self) -> Exit {
        match self {
            Self::Split {
                encoding,
                reference_bits,
                smart,
                shift_tables,
            } => {
                let options = SplitOptions {
                    encoding: encoding.forced(),
                    reference_size: reference_size(if reference_bits == "16" { 16 } else { 8 }),
                    smart: *smart,
                    national: national(*shift_tables),
                    ..SplitOptions::default()
                };
                filter::run(|line| split(line, options))
            }
            Self::Decode { default_alphabet } => filter::run(|line| decode(line, *default_alphabet)),
        }
    }
}

impl GivenEncoding {
    fn forced(self) -> Option<Encoding> {
        match self {
            Self::Auto => None,
            Self::Gsm7 => Some(Encoding::Gsm7),
            Self::Latin1 => Some(Encoding::Latin1),
            Self::Ucs2 => Some(Encoding::Ucs2),
        }
    }
}

fn reference_size(bits: u8) -> ReferenceSize {
    if bits == 16 {
        ReferenceSize::Bits16
    } else {
        ReferenceSize::Bits8
    }
}

fn national(any: bool) -> National {
    if any {
        National::WhereShorter(Languages::ALL)
    } else {
        National::Never
    }
}

fn split(line: &str, mut options: SplitOptions) -> Result<ShownSplit, Fault> {
    let given: GivenText = serde_json::from_str(line)?;
    match given.reference_bits {
        None => {}
        Some(bits @ (8 | 16)) => options.reference_size = reference_size(bits),
        Some(_) => return Err(Fault::new("invalid_value").field("reference_bits").detail("8 or 16")),
    }
    if let Some(encoding) = given.encoding {
        options.encoding = encoding.forced();
    }
    options.smart = given.smart.unwrap_or(options.smart);
    match given.shift_tables {
        None => {}
        Some(GivenTables::Any(any)) => options.national = national(any),
        Some(GivenTables::Of(words)) => {
            let languages = words.iter().map(|word| word.parse::<Language>());
            let unknown = |_| {
                let known: Vec<&str> = Language::ALL.iter().map(|language| language.as_str()).collect();
                Fault::new("invalid_value")
                    .field("shift_tables")
                    .detail(&known.join(", "))
            };
            options.national = National::WhereShorter(languages.collect::<Result<_, _>>().map_err(unknown)?);
        }
    }
    let divided = araldo_sms::split(&given.text, &options).map_err(|error| unsplittable(&error))?;
    let replacements = divided.replaced.iter().flat_map(|replaced| &replaced.replacements);
    Ok(ShownSplit {
        encoding: divided.encoding.as_str(),
        segments: divided.segments.len(),
        units: divided.segments.iter().map(|segment| segment.units).collect(),
        characters_replaced: replacements.map(|replacement| replacement.from).collect(),
        locking_shift: divided.tables.locking.map(Language::as_str),
        single_shift: divided.tables.single.map(Language::as_str),
    })
}

fn decode(line: &str, default_alphabet: DefaultAlphabet) -> Result<ShownText, Fault> {
    let given: GivenOctets = serde_json::from_str(line)?;
    let octets = filter::octets(&given.hex, "hex")?;
    let udhi = given.esm_class & UDHI != 0;
    let data = UserData::decode(given.data_coding, udhi, &octets, default_alphabet);
    let text = data.text().map(str::to_owned);
    let body = match &data.content {
        araldo_sms::Content::Text(_) => None,
        araldo_sms::Content::Binary(octets) => Some(hex::encode(octets)),
    };
    let elements = data.header.iter().flat_map(|header| header.elements());
    let alphabet = match data.scheme.alphabet {
        Alphabet::Default => Some(default_alphabet.as_str()),
        Alphabet::Ascii => Some("ascii"),
        Alphabet::Latin1 => Some("latin1"),
        Alphabet::Ucs2 => Some("ucs2"),
        Alphabet::Octets => None,
    };
    Ok(ShownText {
        text,
        alphabet,
        octets: body,
        lossy: data.lossy,
        segment: data.concat.map(|concat| ShownSegment {
            reference: concat.reference,
            reference_bits: match concat.reference_size {
                ReferenceSize::Bits8 => 8,
                ReferenceSize::Bits16 => 16,
            },
            total: concat.total,
            number: concat.number,
        }),
        udh: elements
            .map(|element| ShownElement {
                id: element.id,
                value_hex: hex::encode(element.data),
            })
            .collect(),
        class: data.scheme.class.map(|class| match class {
            MessageClass::Flash => 0,
            MessageClass::Device => 1,
            MessageClass::Sim => 2,
            MessageClass::Terminal => 3,
        }),
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
