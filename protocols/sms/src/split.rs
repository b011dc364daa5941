//! Dividing a text into segments.

mod alphabet;
mod cuts;
mod options;
mod plan;

use std::ops::Range;

use crate::encoding::{Encoding, TextError};
use crate::header::{self, Concat};
use crate::lookalike::Replaced;
use crate::shift::ShiftTables;

pub use options::{National, SplitMode, SplitOptions};

use cuts::{Cuts, MOST_OVER};
use plan::Plan;

/// Segments that a concatenation header can number.
///
/// ```
/// use araldo_sms::{MAX_SEGMENTS, SplitOptions, measure};
///
/// let longest = "x".repeat(153 * MAX_SEGMENTS);
/// assert_eq!(measure(&longest, &SplitOptions::default())?.segments, 255);
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
pub const MAX_SEGMENTS: usize = 255;

/// Octets that the `message_payload` TLV holds, its length being 16 bits (SMPP 3.4 §5.3.2.32).
///
/// ```
/// assert_eq!(araldo_sms::MAX_PAYLOAD_OCTETS, 65_535);
/// ```
pub const MAX_PAYLOAD_OCTETS: usize = 65_535;

/// What a text takes.
///
/// ```
/// use araldo_sms::{Encoding, SplitOptions, measure};
///
/// let measured = measure("Привет", &SplitOptions::default())?;
/// assert_eq!((measured.encoding, measured.segments, measured.units), (Encoding::Ucs2, 1, 6));
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The encoding chosen or asked for.
    pub encoding: Encoding,
    /// The tables, where the encoding is GSM-7 and [`SplitOptions::national`] allows others than the default.
    pub tables: ShiftTables,
    /// How many segments [`split`] makes with the same options; 1 for an empty text and in [`SplitMode::Payload`].
    pub segments: u8,
    /// Septets, octets or UTF-16 code units of the whole, without headers.
    pub units: usize,
    /// How many characters give way to look-alikes; more than 0 only with [`SplitOptions::smart`].
    pub replaced: usize,
}

/// Counts what `text` takes, without allocating unless look-alikes are replaced.
///
/// ```
/// use araldo_sms::{SplitOptions, measure};
///
/// assert_eq!(measure(&"x".repeat(160), &SplitOptions::default())?.segments, 1);
/// assert_eq!(measure(&"x".repeat(161), &SplitOptions::default())?.segments, 2);
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
///
/// # Errors
/// The same as [`split`].
pub fn measure(text: &str, options: &SplitOptions) -> Result<Measure, TextError> {
    let plan = Plan::of(text, options)?;
    Ok(Measure {
        encoding: plan.writing.encoding(),
        tables: plan.writing.tables(),
        segments: numbered(plan.segments(options))?,
        units: plan.units,
        replaced: plan.replacements.len(),
    })
}

/// The segments of a text, in their order.
///
/// ```
/// use araldo_sms::{Encoding, SplitOptions, split};
///
/// let segments = split("Ciao", &SplitOptions::default())?;
/// assert_eq!((segments.encoding, segments.units), (Encoding::Gsm7, 4));
/// assert_eq!(segments.segments.len(), 1);
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    /// The encoding of all of them; [`Encoding::data_coding`] goes into the PDU.
    pub encoding: Encoding,
    /// The tables, where the encoding is GSM-7; each segment names them in its header if they are not the default.
    pub tables: ShiftTables,
    /// Units of the whole text, without headers.
    pub units: usize,
    /// The text that was divided and the look-alikes in it; `None` when nothing was replaced.
    pub replaced: Option<Replaced>,
    /// At least one, at most [`MAX_SEGMENTS`].
    pub segments: Vec<Segment>,
}

/// One segment, ready for a `submit_sm`.
///
/// ```
/// use araldo_sms::{SplitOptions, split};
///
/// let text = "x".repeat(200);
/// let segments = split(&text, &SplitOptions { reference: 9, ..SplitOptions::default() })?;
/// let second = &segments.segments[1];
/// assert!(second.udhi());
/// assert_eq!(second.concat.unwrap().number, 2);
/// assert_eq!(second.units, 47);
/// assert_eq!(second.data[..6], [5, 0, 3, 9, 2, 2]);
/// assert_eq!(text[second.text.clone()], "x".repeat(47));
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the message; `None` when the message has this one only. In [`SplitMode::Sar`] it goes into the
    /// `sar_` TLVs, in [`SplitMode::UdhConcat`] it is in `data` already.
    pub concat: Option<Concat>,
    /// The octets for `short_message`, or for `message_payload` in [`SplitMode::Payload`]; the header included.
    pub data: Vec<u8>,
    /// Octets of `data` that are the user data header: 0 without one, at most 13.
    pub header_octets: u8,
    /// Units of the text in it.
    pub units: usize,
    /// Where its text is in the whole, in bytes; in [`Segments::replaced`] if there is one.
    pub text: Range<usize>,
}

impl Segment {
    /// Whether `esm_class` must say that a user data header is present (0x40, SMPP 3.4 §5.2.12).
    ///
    /// ```
    /// # use araldo_sms::{SplitOptions, split};
    /// assert!(!split("short", &SplitOptions::default())?.segments[0].udhi());
    /// # Ok::<(), araldo_sms::TextError>(())
    /// ```
    #[must_use]
    pub fn udhi(&self) -> bool {
        self.header_octets > 0
    }
}

/// Divides `text`, each segment as full as it can be without cutting an escape sequence or a surrogate pair, nor a
/// grapheme cluster if the options say so.
///
/// ```
/// use araldo_sms::{SplitOptions, split};
///
/// let segments = split(&"€".repeat(100), &SplitOptions::default())?;
/// let units: Vec<usize> = segments.segments.iter().map(|segment| segment.units).collect();
/// assert_eq!(units, [152, 48]);
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
///
/// # Errors
/// [`TextError::Unencodable`] when the encoding asked for lacks a character, [`TextError::TooManySegments`] beyond
/// [`MAX_SEGMENTS`], [`TextError::PayloadTooLong`] beyond [`MAX_PAYLOAD_OCTETS`].
pub fn split(text: &str, options: &SplitOptions) -> Result<Segments, TextError> {
    let plan = Plan::of(text, options)?;
    let total = numbered(plan.segments(options))?;
    let mut cuts = plan.cuts(options);
    let segments = (1..=total)
        .map(|number| {
            let concat = || Concat::new(options.reference_size, options.reference, total, number);
            segment(&plan, (total > 1).then(concat).flatten(), &mut cuts, options)
        })
        .collect();
    Ok(Segments {
        encoding: plan.writing.encoding(),
        tables: plan.writing.tables(),
        units: plan.units,
        segments,
        replaced: (!plan.replacements.is_empty()).then(|| Replaced {
            text: plan.text.into_owned(),
            replacements: plan.replacements,
        }),
    })
}

fn numbered(segments: usize) -> Result<u8, TextError> {
    u8::try_from(segments).map_err(|_| TextError::TooManySegments { segments })
}

fn segment(plan: &Plan<'_>, concat: Option<Concat>, cuts: &mut Cuts<'_>, options: &SplitOptions) -> Segment {
    let (writing, tables) = (plan.writing, plan.writing.tables());
    let header_octets = options.header_octets(concat.is_some(), tables);
    let mut data = Vec::with_capacity(header_octets + writing.payload_octets(cuts.limit) + MOST_OVER);
    let in_header = concat.filter(|_| options.mode == SplitMode::UdhConcat);
    let header_octets = header::write_header(in_header.as_ref(), tables, &mut data);
    let (text, units) = cuts.write(&mut data);
    Segment {
        concat,
        data,
        header_octets,
        units,
        text,
    }
}

#[cfg(test)]
mod tests;
