//! Dividing a text into segments.

use std::ops::Range;

use crate::encoding::{Encoding, TextError};
use crate::header::{Concat, ReferenceSize};
use crate::shift::ShiftTables;
use crate::{gsm7, ucs2};

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

/// How a text is to be divided. The default is what suits most carriers.
///
/// ```
/// use araldo_sms::{ReferenceSize, SplitMode, SplitOptions};
///
/// let options = SplitOptions { reference: 7, ..SplitOptions::default() };
/// assert_eq!(options.encoding, None);
/// assert_eq!(options.mode, SplitMode::UdhConcat);
/// assert_eq!(options.reference_size, ReferenceSize::Bits8);
/// assert!(options.sar_leaves_room);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// The encoding to use; `None` chooses as [`Encoding::choose`] does.
    pub encoding: Option<Encoding>,
    /// How the segments of a long text belong together.
    pub mode: SplitMode,
    /// Bits of the reference.
    pub reference_size: ReferenceSize,
    /// Equal in all segments of this text, best different from that of the last texts to the same number. Of an 8-bit
    /// reference the low octet is taken.
    pub reference: u16,
    /// In [`SplitMode::Sar`], whether each segment leaves room for the header that the MC makes of the TLVs. Only a
    /// carrier that says it takes full segments gets `false`.
    pub sar_leaves_room: bool,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            encoding: None,
            mode: SplitMode::default(),
            reference_size: ReferenceSize::default(),
            reference: 0,
            sar_leaves_room: true,
        }
    }
}

impl SplitOptions {
    /// Units that each segment of several may have.
    fn segment_limit(&self, encoding: Encoding) -> usize {
        match self.mode {
            SplitMode::Sar if !self.sar_leaves_room => encoding.single_limit(),
            SplitMode::UdhConcat | SplitMode::Sar | SplitMode::Payload => encoding.segment_limit(self.reference_size),
        }
    }
}

/// How the segments of a long text belong together.
///
/// ```
/// use araldo_sms::{SplitMode, SplitOptions, split};
///
/// let text = "x".repeat(161);
/// let payload = split(&text, &SplitOptions { mode: SplitMode::Payload, ..SplitOptions::default() })?;
/// assert_eq!(payload.segments.len(), 1);
/// let sar = split(&text, &SplitOptions { mode: SplitMode::Sar, ..SplitOptions::default() })?;
/// assert_eq!(sar.segments[1].data, b"xxxxxxxx");
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SplitMode {
    /// A user data header before the text of each segment.
    #[default]
    UdhConcat,
    /// The TLVs `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    Sar,
    /// One body for the TLV `message_payload`; the MC divides it.
    Payload,
}

/// What a text takes.
///
/// ```
/// use araldo_sms::{Encoding, Measure, SplitOptions, measure};
///
/// let measured = measure("Привет", &SplitOptions::default())?;
/// assert_eq!(measured, Measure { encoding: Encoding::Ucs2, segments: 1, units: 6 });
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The encoding chosen or asked for.
    pub encoding: Encoding,
    /// How many segments [`split`] makes with the same options; 1 for an empty text and in [`SplitMode::Payload`].
    pub segments: u8,
    /// Septets, octets or UTF-16 code units of the whole, without headers.
    pub units: usize,
}

/// Counts what `text` takes, without allocating.
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
    let Count { encoding, units, wide } = count(text, options.encoding)?;
    let limit = options.segment_limit(encoding);
    let segments = if options.mode == SplitMode::Payload {
        let octets = payload_octets(encoding, units);
        if octets > MAX_PAYLOAD_OCTETS {
            return Err(TextError::PayloadTooLong { octets });
        }
        1
    } else if units <= encoding.single_limit() {
        1
    } else if wide == 0 {
        units.div_ceil(limit)
    } else {
        Cuts {
            text,
            from: 0,
            encoding,
            limit,
        }
        .count()
    };
    match u8::try_from(segments) {
        Ok(segments) => Ok(Measure {
            encoding,
            segments,
            units,
        }),
        Err(_) => Err(TextError::TooManySegments { segments }),
    }
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
    /// Units of the whole text, without headers.
    pub units: usize,
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
    /// Octets of `data` that are the user data header: 0, 6 or 7.
    pub header_octets: u8,
    /// Units of the text in it.
    pub units: usize,
    /// Where its text is in the whole, in bytes.
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

/// Divides `text`, each segment as full as it can be without cutting an escape sequence or a surrogate pair.
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
    let Measure {
        encoding,
        segments: total,
        units,
    } = measure(text, options)?;
    let mut segments = Vec::with_capacity(usize::from(total));
    if total == 1 {
        let mut data = Vec::new();
        encoding.encode(text, &mut data)?;
        segments.push(Segment {
            concat: None,
            data,
            header_octets: 0,
            units,
            text: 0..text.len(),
        });
    } else {
        let cuts = Cuts {
            text,
            from: 0,
            encoding,
            limit: options.segment_limit(encoding),
        };
        for (number, (range, units)) in (1..=total).zip(cuts) {
            let concat = Concat::new(options.reference_size, options.reference, total, number);
            let mut data = Vec::new();
            if let (SplitMode::UdhConcat, Some(concat)) = (options.mode, &concat) {
                data.reserve_exact(options.reference_size.header_octets() + payload_octets(encoding, units));
                concat.write_header(&mut data);
            }
            let header_octets = if data.is_empty() {
                0
            } else {
                options.reference_size.header_octets() as u8
            };
            encoding.encode(&text[range.clone()], &mut data)?;
            segments.push(Segment {
                concat,
                data,
                header_octets,
                units,
                text: range,
            });
        }
    }
    assert_eq!(segments.len(), usize::from(total), "measure and split disagree");
    Ok(Segments {
        encoding,
        units,
        segments,
    })
}

/// The encoding of a text, its units, and how many characters take two of them.
struct Count {
    encoding: Encoding,
    units: usize,
    wide: usize,
}

fn count(text: &str, wanted: Option<Encoding>) -> Result<Count, TextError> {
    if matches!(wanted, None | Some(Encoding::Gsm7))
        && let Some(septets) = gsm7::alphabet(ShiftTables::DEFAULT).measure(text)
    {
        return Ok(Count {
            encoding: Encoding::Gsm7,
            units: septets.total,
            wide: septets.escapes,
        });
    }
    let encoding = wanted.unwrap_or(Encoding::Ucs2);
    encoding.check(text)?;
    // Latin-1 too has a unit a character, none of them a pair.
    let units = ucs2::measure(text);
    Ok(Count {
        encoding,
        units: units.total,
        wide: units.pairs,
    })
}

/// The octets of `units` in SMPP, where a septet takes an octet.
fn payload_octets(encoding: Encoding, units: usize) -> usize {
    match encoding {
        Encoding::Gsm7 | Encoding::Latin1 => units,
        Encoding::Ucs2 => 2 * units,
    }
}

/// Byte ranges and units of the segments, each filled before the next begins.
struct Cuts<'a> {
    text: &'a str,
    from: usize,
    encoding: Encoding,
    limit: usize,
}

impl Iterator for Cuts<'_> {
    type Item = (Range<usize>, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.from..];
        if rest.is_empty() {
            return None;
        }
        let (mut units, mut length) = (0, rest.len());
        for (at, character) in rest.char_indices() {
            let width = self.encoding.width(character);
            if units + width > self.limit {
                length = at;
                break;
            }
            units += width;
        }
        let range = self.from..self.from + length;
        self.from = range.end;
        Some((range, units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(encoding: Encoding, mode: SplitMode, reference_size: ReferenceSize) -> SplitOptions {
        SplitOptions {
            encoding: Some(encoding),
            mode,
            reference_size,
            reference: 0x0102,
            sar_leaves_room: true,
        }
    }

    fn units(text: &str, options: &SplitOptions) -> Vec<usize> {
        split(text, options)
            .unwrap()
            .segments
            .iter()
            .map(|segment| segment.units)
            .collect()
    }

    #[test]
    fn segments_fill_to_the_limits_of_ts_23_040() {
        for (encoding, single, bits_8, bits_16) in [
            (Encoding::Gsm7, 160, 153, 152),
            (Encoding::Latin1, 140, 134, 133),
            (Encoding::Ucs2, 70, 67, 66),
        ] {
            for (size, limit) in [(ReferenceSize::Bits8, bits_8), (ReferenceSize::Bits16, bits_16)] {
                let options = with(encoding, SplitMode::UdhConcat, size);
                assert_eq!(units(&"x".repeat(single), &options), [single]);
                assert_eq!(units(&"x".repeat(single + 1), &options), [limit, single + 1 - limit]);
            }
        }
    }

    #[test]
    fn reference_of_two_octets_stands_in_the_header() {
        let options = with(Encoding::Gsm7, SplitMode::UdhConcat, ReferenceSize::Bits16);
        let segments = split(&"x".repeat(200), &options).unwrap().segments;
        assert_eq!(segments[1].data[..7], [6, 8, 4, 1, 2, 2, 2]);
        assert_eq!(segments[0].data.len(), 7 + 152);
    }

    #[test]
    fn sar_segments_have_numbers_but_no_header() {
        let options = with(Encoding::Gsm7, SplitMode::Sar, ReferenceSize::Bits16);
        let segments = split(&"x".repeat(200), &options).unwrap().segments;
        assert!(
            segments
                .iter()
                .all(|segment| !segment.udhi() && segment.data.len() == segment.units)
        );
        assert_eq!(segments[0].concat, Concat::new(ReferenceSize::Bits16, 0x0102, 2, 1));
        assert_eq!(segments[0].units, 152);
    }

    #[test]
    fn sar_segments_are_full_where_the_carrier_takes_them_so() {
        let options = SplitOptions {
            sar_leaves_room: false,
            ..with(Encoding::Gsm7, SplitMode::Sar, ReferenceSize::Bits8)
        };
        assert_eq!(units(&"x".repeat(320), &options), [160, 160]);
    }

    #[test]
    fn payload_is_one_body_up_to_what_the_tlv_holds() {
        let options = with(Encoding::Ucs2, SplitMode::Payload, ReferenceSize::Bits8);
        let segments = split(&"ж".repeat(32_767), &options).unwrap().segments;
        assert_eq!(
            (segments.len(), segments[0].data.len(), segments[0].concat),
            (1, 65_534, None)
        );
        let error = split(&"ж".repeat(32_768), &options).unwrap_err();
        assert_eq!(error, TextError::PayloadTooLong { octets: 65_536 });
    }

    #[test]
    fn text_of_more_than_255_segments_is_refused() {
        let options = with(Encoding::Gsm7, SplitMode::UdhConcat, ReferenceSize::Bits8);
        assert_eq!(measure(&"x".repeat(153 * 255), &options).unwrap().segments, 255);
        assert_eq!(
            measure(&"x".repeat(153 * 255 + 1), &options),
            Err(TextError::TooManySegments { segments: 256 })
        );
        // 152 septets a segment, since no escape is cut.
        assert_eq!(measure(&"€".repeat(76 * 255), &options).unwrap().segments, 255);
        assert!(measure(&"€".repeat(76 * 255 + 1), &options).is_err());
    }

    #[test]
    fn empty_text_is_one_empty_segment() {
        for mode in [SplitMode::UdhConcat, SplitMode::Sar, SplitMode::Payload] {
            let segments = split(
                "",
                &SplitOptions {
                    mode,
                    ..SplitOptions::default()
                },
            )
            .unwrap();
            assert_eq!((segments.encoding, segments.segments.len()), (Encoding::Gsm7, 1));
            assert_eq!(segments.segments[0].data, b"");
        }
    }

    #[test]
    fn forced_encoding_names_the_first_character_it_lacks() {
        let options = with(Encoding::Gsm7, SplitMode::UdhConcat, ReferenceSize::Bits8);
        assert_eq!(
            split("è così ж, й", &options),
            Err(TextError::Unencodable {
                character: 'ж',
                position: 7,
                encoding: Encoding::Gsm7
            })
        );
    }

    #[test]
    fn forced_ucs2_takes_a_text_that_gsm7_could() {
        let options = with(Encoding::Ucs2, SplitMode::UdhConcat, ReferenceSize::Bits8);
        assert_eq!(split("@", &options).unwrap().segments[0].data, [0, 0x40]);
    }
}
