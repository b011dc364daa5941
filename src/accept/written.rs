//! How a text is going to be written: as its owner asks, and as every carrier of its route can take it, since any of them
//! may get it. What is decided here is counted, stored, and sent so.

use std::borrow::Cow;

use araldo_rcs::limit::MAX_TEXT;
use araldo_sms::{
    DefaultAlphabet, Language, Languages, Measure, National, ReferenceSize, SplitOptions, TextError, measure,
    replace_lookalikes,
};

use super::{Body, Code, Fault, Wish, rich};
use crate::config::{CarrierConfig, LongMessage};
use crate::domain::{Encoding, Shape};

/// What all carriers of a route can take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common {
    /// With the alphabet open, and look-alikes replaced where every carrier wants it.
    split: SplitOptions,
    /// What `data_coding` 0 means, of the carriers' alphabets the one with the fewest characters.
    alphabet: DefaultAlphabet,
    /// Whether a carrier takes UTF-16 in its place.
    utf16: bool,
    /// Whether a carrier takes UTF-8 in its place.
    utf8: bool,
    /// Segments at the most.
    max_segments: u8,
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// `None` is the one that makes the text shortest.
    encoding: Option<Encoding>,
    /// `None` is as the carriers want it.
    smart: Option<bool>,
    flash: bool,
}

/// A text as it will go out.
#[derive(Debug)]
pub(super) struct Written<'t> {
    /// After what was replaced.
    pub(super) text: Cow<'t, str>,
    pub(super) encoding: Encoding,
    pub(super) shape: Shape,
    pub(super) segments: u8,
    /// Septets, octets or UTF-16 code units of the whole.
    pub(super) units: usize,
    /// Characters that gave way to look-alikes, each as often as it did.
    pub(super) replaced: Vec<char>,
}

impl Common {
    pub(super) fn of(carriers: &[&CarrierConfig], max_segments: u8) -> Self {
        let all =
            |says: fn(&CarrierConfig) -> bool| !carriers.is_empty() && carriers.iter().all(|carrier| says(carrier));
        let any = |says: fn(&CarrierConfig) -> bool| carriers.iter().any(|carrier| says(carrier));
        // A carrier that writes headers of 8 bits sets the size; where the carrier writes them, either is as good.
        let wide = any(|carrier| carrier.long_message == LongMessage::Udh16)
            && !any(|carrier| carrier.long_message == LongMessage::Udh8);
        let known = |language: &Language| {
            !carriers.is_empty()
                && carriers
                    .iter()
                    .all(|carrier| carrier.shift_tables.0.contains(*language))
        };
        let languages: Languages = Language::ALL.into_iter().filter(known).collect();
        let alphabets = || carriers.iter().map(|carrier| carrier.default_alphabet.into());
        let narrow = [DefaultAlphabet::Ascii, DefaultAlphabet::Latin1];
        Self {
            split: SplitOptions {
                reference_size: if wide {
                    ReferenceSize::Bits16
                } else {
                    ReferenceSize::Bits8
                },
                national: if languages == Languages::default() {
                    National::Never
                } else {
                    National::WhereShorter(languages)
                },
                smart: all(|carrier| carrier.smart),
                whole_graphemes: all(|carrier| carrier.whole_graphemes),
                ..SplitOptions::default()
            },
            alphabet: narrow
                .into_iter()
                .find(|narrow| alphabets().any(|alphabet: DefaultAlphabet| alphabet == *narrow))
                .unwrap_or_default(),
            utf16: alphabets().any(|alphabet: DefaultAlphabet| alphabet == DefaultAlphabet::Ucs2),
            utf8: alphabets().any(|alphabet: DefaultAlphabet| alphabet == DefaultAlphabet::Utf8),
            max_segments,
        }
    }

    /// Whether every carrier can take a GSM-7 text in its own alphabet, in the segments that septets make. A carrier may
    /// pass on the octets that it gets, so that those of UTF-16 and UTF-8 are to fit one segment; what is longer goes
    /// in UCS-2, which all count alike.
    fn takes(&self, text: &str) -> bool {
        let utf16_units = || text.chars().map(char::len_utf16).sum::<usize>();
        self.alphabet.has(text)
            && (!self.utf16 || utf16_units() <= Encoding::Ucs2.single_limit())
            && (!self.utf8 || text.len() <= Encoding::Latin1.single_limit())
    }
}

impl Asked {
    pub(super) fn read(wish: &Wish<'_>) -> Result<Self, Fault> {
        let encoding = match wish.encoding.as_deref() {
            None | Some("auto") => None,
            Some(word) => Some(word.parse().map_err(|_| {
                Fault::new(
                    "/encoding",
                    Code::InvalidEncoding,
                    "must be one of auto, gsm7, latin1, ucs2",
                )
            })?),
        };
        let flash = wish.flash == Some(true);
        if flash && encoding == Some(Encoding::Latin1) {
            let detail = "a flash message is gsm7 or ucs2: latin1 has no data_coding for it";
            return Err(Fault::new("/flash", Code::InvalidEncoding, detail));
        }
        Ok(Self {
            encoding,
            smart: wish.smart,
            flash,
        })
    }
}

/// Decides how a text is written, and counts it.
pub(super) fn written<'t>(body: Body<'t>, asked: &Asked, common: &Common) -> Result<Written<'t>, Fault> {
    let text = body.text;
    let most = body
        .max_segments
        .map_or(common.max_segments, |most| most.min(common.max_segments));
    let mut options = SplitOptions {
        encoding: asked.encoding,
        smart: asked.smart.unwrap_or(common.split.smart),
        ..common.split
    };
    let faulty = |error| unwritable(&error, body, most);
    let mut measured = measure(text, &options).map_err(faulty)?;
    let (mut written, mut replaced) = with_lookalikes(text, &measured);
    if measured.encoding == Encoding::Gsm7 && !common.takes(&written) {
        if asked.encoding.is_some() {
            let detail = "has a character that a carrier of the route lacks in its own alphabet, or is too long in it";
            return Err(Fault::new(body.pointer, Code::TextUnencodable, detail).hint("leave `encoding` to auto"));
        }
        options.encoding = Some(Encoding::Ucs2);
        measured = measure(text, &options).map_err(faulty)?;
        (written, replaced) = (text.into(), Vec::new());
    }
    if measured.segments > most {
        let segments = measured.segments.into();
        return Err(too_long(body, segments, measured.encoding, measured.units, most));
    }
    let mut shape = Shape {
        tables: measured.tables,
        flash: asked.flash,
        ..Shape::default()
    };
    if measured.segments > 1 {
        shape.reference_size = options.reference_size;
        shape.whole_graphemes = options.whole_graphemes;
    }
    Ok(Written {
        text: written,
        encoding: measured.encoding,
        shape,
        segments: measured.segments,
        units: measured.units,
        replaced,
    })
}

/// A text that goes by RCS alone: whole, and as long as a message of RCS may be. What is said beside a rich form is not
/// shown there.
pub(super) fn unsegmented(body: Body<'_>) -> Result<Written<'_>, Fault> {
    let units = body.text.encode_utf16().count();
    if units > MAX_TEXT && body.rich.is_none() {
        let detail = format!("has {units} UTF-16 units; RCS takes at most {MAX_TEXT}");
        return Err(Fault::new(body.pointer, Code::TextTooLong, detail).limit(MAX_TEXT));
    }
    Ok(Written {
        text: body.text.into(),
        encoding: Encoding::choose(body.text),
        shape: Shape::default(),
        segments: 1,
        units,
        replaced: Vec::new(),
    })
}

/// The text that was measured, and what gave way in it.
fn with_lookalikes<'t>(text: &'t str, measured: &Measure) -> (Cow<'t, str>, Vec<char>) {
    if measured.replaced == 0 {
        return (text.into(), Vec::new());
    }
    let replaced = replace_lookalikes(text, measured.tables);
    let characters = replaced.replacements.iter().map(|replacement| replacement.from);
    (replaced.text.into(), characters.collect())
}

fn unwritable(error: &TextError, body: Body<'_>, most: u8) -> Fault {
    match error {
        TextError::TooManySegments { segments } => {
            let text = body.text;
            too_long(body, *segments, Encoding::choose(text), text.chars().count(), most)
        }
        _ => Fault::new(body.pointer, Code::TextUnencodable, error.to_string()),
    }
}

fn too_long(body: Body<'_>, segments: usize, encoding: Encoding, units: usize, most: u8) -> Fault {
    let detail = format!("makes {segments} segments in {encoding} ({units} units); at most {most} are sent");
    let fault = Fault::new(body.pointer, Code::TextTooLong, detail)
        .got(format!("{segments} segments"))
        .limit(most);
    if body.pointer == rich::RICH {
        return fault.hint("send `text` beside it: SMS says that instead");
    }
    match (encoding == Encoding::Ucs2).then(|| first_wide(body.text)).flatten() {
        Some((at, wide)) => fault.hint(format!(
            "U+{:04X} at character {at} is not in the GSM alphabet",
            u32::from(wide)
        )),
        None => fault,
    }
}

/// The first character that keeps a text from the GSM alphabet, and its place from 1.
fn first_wide(text: &str) -> Option<(usize, char)> {
    let mut buffer = [0; 4];
    let is_wide = |c: char, buffer: &mut [u8; 4]| Encoding::choose(c.encode_utf8(buffer)) != Encoding::Gsm7;
    (1..).zip(text.chars()).find(|(_, c)| is_wide(*c, &mut buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, NationalTables};

    fn common(carriers: &[CarrierConfig]) -> Common {
        Common::of(&carriers.iter().collect::<Vec<_>>(), 10)
    }

    fn body(text: &str) -> Body<'_> {
        Body {
            text,
            rich: None,
            max_segments: None,
            pointer: "/text",
        }
    }

    fn plain() -> CarrierConfig {
        CarrierConfig::default()
    }

    fn tables(languages: &[Language]) -> CarrierConfig {
        CarrierConfig {
            shift_tables: NationalTables(languages.iter().copied().collect()),
            ..plain()
        }
    }

    #[test]
    fn what_one_carrier_of_the_route_does_not_take_is_not_used() {
        let turkish = "Yarın saat üçte görüşelim, çarşıda buluşuruz. ".repeat(3);
        let asked = Asked::default();
        let both = [
            tables(&[Language::Turkish, Language::Spanish]),
            tables(&[Language::Turkish]),
        ];
        let with_tables = written(body(&turkish), &asked, &common(&both)).unwrap();
        assert_eq!((with_tables.encoding, with_tables.segments), (Encoding::Gsm7, 1));
        assert_eq!(with_tables.shape.tables.locking, Some(Language::Turkish));
        let one = written(
            body(&turkish),
            &asked,
            &common(&[tables(&[Language::Turkish]), plain()]),
        )
        .unwrap();
        assert_eq!(
            (one.encoding, one.segments, one.shape),
            (Encoding::Ucs2, 3, Shape::default())
        );
    }

    #[test]
    fn a_reference_of_16_bits_is_used_where_no_carrier_writes_8() {
        let by = |long_message| CarrierConfig {
            long_message,
            ..plain()
        };
        let size = |carriers: &[CarrierConfig]| {
            let text = "x".repeat(200);
            written(body(&text), &Asked::default(), &common(carriers))
                .unwrap()
                .shape
                .reference_size
        };
        assert_eq!(
            size(&[by(LongMessage::Udh16), by(LongMessage::Sar)]),
            ReferenceSize::Bits16
        );
        assert_eq!(
            size(&[by(LongMessage::Udh16), by(LongMessage::Udh8)]),
            ReferenceSize::Bits8
        );
        let short = written(body("x"), &Asked::default(), &common(&[by(LongMessage::Udh16)])).unwrap();
        assert_eq!(short.shape, Shape::default(), "a text of one segment has no reference");
    }

    #[test]
    fn look_alikes_give_way_where_the_message_or_every_carrier_wants_it() {
        let smart = || CarrierConfig { smart: true, ..plain() };
        let text = "L’ora “giusta” – ok?";
        let by = |asked: Option<bool>, carriers: &[CarrierConfig]| {
            let asked = Asked {
                smart: asked,
                ..Asked::default()
            };
            written(body(text), &asked, &common(carriers)).unwrap()
        };
        let replaced = by(Some(true), &[plain()]);
        assert_eq!(
            (&*replaced.text, replaced.encoding),
            ("L'ora \"giusta\" - ok?", Encoding::Gsm7)
        );
        assert_eq!(replaced.replaced, ['’', '“', '”', '–']);
        assert_eq!(by(None, &[smart()]).encoding, Encoding::Gsm7);
        for kept in [by(None, &[smart(), plain()]), by(Some(false), &[smart()])] {
            assert_eq!((&*kept.text, kept.encoding), (text, Encoding::Ucs2));
            assert!(kept.replaced.is_empty());
        }
    }

    #[test]
    fn a_text_that_a_carriers_own_alphabet_lacks_goes_out_in_ucs2() {
        let latin1 = CarrierConfig {
            default_alphabet: config::DefaultAlphabet::Latin1,
            ..plain()
        };
        let common = common(&[plain(), latin1]);
        let encoding = |text| written(body(text), &Asked::default(), &common).unwrap().encoding;
        assert_eq!((encoding("caffè"), encoding("5 €")), (Encoding::Gsm7, Encoding::Ucs2));
        let asked = Asked {
            encoding: Some(Encoding::Gsm7),
            ..Asked::default()
        };
        assert!(written(body("5 €"), &asked, &common).is_err());
    }

    #[test]
    fn a_text_is_counted_in_the_octets_that_a_carriers_own_alphabet_makes_of_it() {
        let by = |default_alphabet| CarrierConfig {
            default_alphabet,
            ..plain()
        };
        let counted = |alphabet, text: &str| {
            let written = written(body(text), &Asked::default(), &common(&[plain(), by(alphabet)])).unwrap();
            (written.encoding, written.segments)
        };
        use crate::config::DefaultAlphabet::{Gsm7, Ucs2, Utf8};
        for (alphabet, text, encoding, segments) in [
            (Gsm7, "x".repeat(160), Encoding::Gsm7, 1),
            (Ucs2, "x".repeat(70), Encoding::Gsm7, 1),
            (Ucs2, "x".repeat(71), Encoding::Ucs2, 2),
            (Ucs2, "x".repeat(400), Encoding::Ucs2, 6),
            (Utf8, "è".repeat(70), Encoding::Gsm7, 1),
            (Utf8, "è".repeat(71), Encoding::Ucs2, 2),
            (Utf8, "x".repeat(140), Encoding::Gsm7, 1),
            (Utf8, "€".repeat(47), Encoding::Ucs2, 1),
        ] {
            assert_eq!(
                counted(alphabet, &text),
                (encoding, segments),
                "{alphabet:?} {}",
                text.len()
            );
        }
    }
}
