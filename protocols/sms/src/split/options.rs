use crate::encoding::{Encoding, USER_DATA_OCTETS};
use crate::header::ReferenceSize;
use crate::language::Languages;
use crate::shift::ShiftTables;

/// How a text is to be divided. The default is what suits most carriers.
///
/// ```
/// use araldo_sms::{National, ReferenceSize, SplitMode, SplitOptions};
///
/// let options = SplitOptions { reference: 7, ..SplitOptions::default() };
/// assert_eq!(options.encoding, None);
/// assert_eq!(options.mode, SplitMode::UdhConcat);
/// assert_eq!(options.reference_size, ReferenceSize::Bits8);
/// assert_eq!(options.national, National::Never);
/// assert!(options.sar_leaves_room && !options.smart && !options.whole_graphemes);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// The encoding to use; `None` is GSM-7 where it has every character, with the help of `national` and `smart` if they
    /// are asked for, else UCS-2.
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
    /// Whether national tables may be used where the encoding is GSM-7 or open.
    pub national: National,
    /// Whether look-alikes replace characters that GSM-7 lacks, as [`replace_lookalikes`](crate::replace_lookalikes)
    /// does, where that keeps the whole text in GSM-7. A text that it does not keep there is sent as it is.
    pub smart: bool,
    /// Whether what a reader takes for one character, such as a letter with its marks or an emoji of several, stays in
    /// one segment (Unicode annex 29). One that is longer than a segment is cut nonetheless.
    pub whole_graphemes: bool,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            encoding: None,
            mode: SplitMode::default(),
            reference_size: ReferenceSize::default(),
            reference: 0,
            sar_leaves_room: true,
            national: National::Never,
            smart: false,
            whole_graphemes: false,
        }
    }
}

impl SplitOptions {
    /// Units that fit a segment, the only one or one of several.
    pub(super) fn limit(&self, is_one_of_several: bool, encoding: Encoding, tables: ShiftTables) -> usize {
        encoding.units_in(USER_DATA_OCTETS - self.header_octets(is_one_of_several, tables))
    }

    /// Octets of a segment's header on the air, whether we write it or the MC does.
    pub(super) fn header_octets(&self, is_one_of_several: bool, tables: ShiftTables) -> usize {
        let has_concat = is_one_of_several && (self.mode != SplitMode::Sar || self.sar_leaves_room);
        let concat_octets = if has_concat {
            self.reference_size.header_octets() - 1
        } else {
            0
        };
        match concat_octets + tables.element_octets() {
            0 => 0,
            elements => 1 + elements,
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

/// Whether a GSM-7 text may be written with national tables, which take a header that handsets and carriers must know.
///
/// ```
/// use araldo_sms::{Encoding, Language, Languages, National, SplitOptions, measure};
///
/// let text = "Yarın saat üçte görüşelim, çarşıda buluşuruz. ".repeat(3);
/// assert_eq!(measure(&text, &SplitOptions::default())?.segments, 3);
///
/// let turkish = Languages::from_iter([Language::Turkish]);
/// let options = SplitOptions { national: National::WhereShorter(turkish), ..SplitOptions::default() };
/// let measured = measure(&text, &options)?;
/// assert_eq!((measured.encoding, measured.segments), (Encoding::Gsm7, 1));
/// assert_eq!(measured.tables.locking, Some(Language::Turkish));
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum National {
    /// The default alphabet and its extension only.
    #[default]
    Never,
    /// These tables, for every text that they can write; their header is there even if the text could do without.
    Always(ShiftTables),
    /// The tables of these languages, where they make the message shorter than the default alphabet or UCS-2 does: in
    /// segments, then in octets. In [`SplitMode::UdhConcat`] only, since the MC makes the headers of the others.
    WhereShorter(Languages),
}
