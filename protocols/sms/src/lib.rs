//! The text of short messages: alphabets, segments, concatenation headers and delivery receipts.
//!
//! This crate turns text into the octets of `short_message` and back. It knows no clock, no socket and no database;
//! it takes values and returns values, and whatever a peer sent can at worst come out marked as lossy.
//!
//! | module | what it holds |
//! |---|---|
//! | `encoding` | [`Encoding`]: the choice of one, its limits, its `data_coding`, encode and decode |
//! | `gsm7`, `latin1`, `ucs2` | the three alphabets |
//! | `language`, `shift`, `tables` | [`Language`], [`ShiftTables`]: the national tables of the GSM 7-bit alphabet |
//! | `packing` | [`pack_septets`] and [`unpack_septets`]: eight septets in seven octets, with fill bits |
//! | `lookalike` | [`replace_lookalikes`]: what keeps a text in GSM-7 |
//! | `split` | [`measure`] and [`split`]: how many segments a text takes, and their octets |
//! | `header` | [`UserDataHeader`]: information elements; [`Concat`]: the place of a segment in its message |
//! | `data_coding` | [`DataCodingScheme`]: what a `data_coding` says: alphabet, class, message waiting |
//! | `default_alphabet` | [`DefaultAlphabet`]: what a carrier means by 0 |
//! | `flash` | [`FlashCoding`]: `data_coding` of a message to be shown at once |
//! | `user_data` | [`UserData::decode`]: what an inbound message says |
//! | `reassembly` | [`Reassembly`]: segments until their message is whole |
//! | `receipt` | [`DeliveryReceipt`]: the text of a delivery receipt, read and written |
//!
//! Invariants: no octets from a peer make anything here panic; a segment is never longer than its limit and never cuts
//! an escape sequence or a surrogate pair; [`measure`] and [`split`] always agree; every segment given to [`Reassembly`]
//! comes back once.
//!
//! Deliberately absent: phone numbers, the PDUs that carry these octets (`araldo-smpp`), a store that outlives a restart.
//!
//! ```
//! use araldo_sms::{Encoding, SplitOptions, measure, split};
//!
//! let options = SplitOptions::default();
//! let measure = measure("Perché no? 12 €", &options)?;
//! assert_eq!((measure.encoding, measure.segments, measure.units), (Encoding::Gsm7, 1, 16));
//!
//! let segments = split("Perché no? 12 €", &options)?;
//! assert_eq!(segments.segments[0].data, b"Perch\x05 no? 12 \x1b\x65");
//! # Ok::<(), araldo_sms::TextError>(())
//! ```

/// The README, so that its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod census;
mod data_coding;
mod default_alphabet;
mod encoding;
mod flash;
mod gsm7;
mod header;
mod language;
mod latin1;
mod lookalike;
mod packing;
mod reassembly;
mod receipt;
mod shift;
mod split;
mod tables;
mod ucs2;
mod user_data;

pub use data_coding::{Alphabet, DataCodingScheme, MessageClass, MessageWaiting, WaitingKind};
pub use default_alphabet::{DefaultAlphabet, UnknownAlphabet};
pub use encoding::{DecodedText, Encoding, TextError, UnknownEncoding};
pub use flash::FlashCoding;
pub use header::{Concat, Elements, InformationElement, MalformedHeader, Ports, ReferenceSize, UserDataHeader};
pub use language::{Language, Languages, UnknownLanguage};
pub use lookalike::{Replaced, Replacement, replace_lookalikes};
pub use packing::{fill_bits, pack_septets, unpack_septets};
pub use reassembly::{Incomplete, Inserted, MessageKey, Outcome, Reassembly, ReassemblyLimits};
pub use receipt::{DeliveryReceipt, LocalDateTime, ReceiptDate, ReceiptState};
pub use shift::ShiftTables;
pub use split::{
    MAX_PAYLOAD_OCTETS, MAX_SEGMENTS, Measure, National, Segment, Segments, SplitMode, SplitOptions, measure, split,
};
pub use user_data::{Content, UserData};
