use super::*;
use crate::header::{ReferenceSize, UserDataHeader};
use crate::language::{Language, Languages};

fn with(encoding: Encoding, mode: SplitMode, reference_size: ReferenceSize) -> SplitOptions {
    SplitOptions {
        encoding: Some(encoding),
        mode,
        reference_size,
        reference: 0x0102,
        ..SplitOptions::default()
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

const YARIN: &str = "Yarın saat üçte görüşelim, çarşıda buluşuruz, çocuklar şarkı söyleyecek. İyi geceler!";

fn turkish() -> SplitOptions {
    SplitOptions {
        national: National::WhereShorter(Languages::from_iter([Language::Turkish])),
        ..SplitOptions::default()
    }
}

#[test]
fn header_of_each_segment_names_the_tables() {
    let tables = ShiftTables {
        locking: Some(Language::Turkish),
        single: Some(Language::Turkish),
    };
    let options = SplitOptions {
        national: National::Always(tables),
        ..SplitOptions::default()
    };
    let one = split("ışık", &options).unwrap();
    assert_eq!(one.segments[0].data, b"\x06\x24\x01\x01\x25\x01\x01\x07\x1d\x07k");
    let several = split(&"ı".repeat(160), &options).unwrap();
    // Twelve octets of header take fourteen of 160 septets.
    assert_eq!(
        several.segments.iter().map(|segment| segment.units).collect::<Vec<_>>(),
        [146, 14]
    );
    for segment in &several.segments {
        let (header, septets) = UserDataHeader::parse(&segment.data).unwrap();
        assert_eq!((header.shift_tables(), header.concat()), (tables, segment.concat));
        assert_eq!(tables.decode(septets).text, "ı".repeat(segment.units));
    }
}

#[test]
fn national_tables_are_taken_where_they_save_a_segment() {
    let measured = measure(YARIN, &turkish()).unwrap();
    assert_eq!((measured.encoding, measured.segments), (Encoding::Gsm7, 1));
    assert_eq!(
        measured.tables,
        ShiftTables {
            locking: Some(Language::Turkish),
            single: None
        }
    );
    assert_eq!(measure(YARIN, &SplitOptions::default()).unwrap().segments, 2);
}

#[test]
fn national_tables_are_left_where_ucs2_is_shorter_or_the_text_needs_none() {
    assert_eq!(measure("ş", &turkish()).unwrap().encoding, Encoding::Ucs2);
    let plain = measure("Merhaba", &turkish()).unwrap();
    assert_eq!((plain.encoding, plain.tables), (Encoding::Gsm7, ShiftTables::DEFAULT));
    assert_eq!(
        measure(&YARIN.replace("İyi", "日"), &turkish()).unwrap().encoding,
        Encoding::Ucs2
    );
}

#[test]
fn gsm7_asked_for_may_be_a_national_one() {
    let options = SplitOptions {
        encoding: Some(Encoding::Gsm7),
        ..turkish()
    };
    assert_eq!(split("ş", &options).unwrap().segments[0].data, b"\x03\x25\x01\x01\x1d");
    assert!(matches!(
        split("ş日", &options),
        Err(TextError::Unencodable { character: 'ş', .. })
    ));
}

#[test]
fn sar_and_payload_choose_no_national_tables() {
    for mode in [SplitMode::Sar, SplitMode::Payload] {
        let options = SplitOptions { mode, ..turkish() };
        let divided = split(YARIN, &options).unwrap();
        assert_eq!(divided.encoding, Encoding::Ucs2);
        assert!(divided.segments.iter().all(|segment| !segment.udhi()));
    }
}

#[test]
fn lookalikes_keep_a_text_in_gsm7_or_leave_it_alone() {
    let smart = SplitOptions {
        smart: true,
        ..SplitOptions::default()
    };
    let divided = split("L’ora è “giusta”", &smart).unwrap();
    let replaced = divided.replaced.unwrap();
    assert_eq!(
        (divided.encoding, replaced.text.as_str()),
        (Encoding::Gsm7, "L'ora è \"giusta\"")
    );
    assert_eq!(replaced.replacements.len(), 3);
    assert_eq!(divided.segments[0].text, 0..replaced.text.len());

    let kept = split("L’ora è 日", &smart).unwrap();
    assert_eq!((kept.encoding, kept.replaced), (Encoding::Ucs2, None));
    assert_eq!(measure("L’ora", &smart).unwrap().replaced, 1);
    assert_eq!(
        measure("L’ora", &SplitOptions::default()).unwrap().encoding,
        Encoding::Ucs2
    );
}

#[test]
fn first_character_without_a_lookalike_is_the_one_that_is_lacking() {
    let options = SplitOptions {
        encoding: Some(Encoding::Gsm7),
        smart: true,
        ..SplitOptions::default()
    };
    assert_eq!(
        measure("L’ora 日", &options),
        Err(TextError::Unencodable {
            character: '日',
            position: 6,
            encoding: Encoding::Gsm7
        })
    );
}

#[test]
fn lookalikes_and_national_tables_go_together() {
    let options = SplitOptions {
        smart: true,
        ..turkish()
    };
    let divided = split(&YARIN.replace('!', "…"), &options).unwrap();
    assert_eq!(
        (divided.tables.locking, divided.segments.len()),
        (Some(Language::Turkish), 1)
    );
    assert_eq!(divided.replaced.unwrap().replacements.len(), 1);
}

#[test]
fn grapheme_clusters_stay_whole_where_asked() {
    let family = "👨\u{200D}👩\u{200D}👧";
    let text = "ж".repeat(66) + family + "!";
    let cut = split(&text, &SplitOptions::default()).unwrap();
    assert_eq!(cut.segments[0].units, 66);
    let whole = SplitOptions {
        whole_graphemes: true,
        ..SplitOptions::default()
    };
    let text = "ж".repeat(64) + family + "!";
    assert_eq!(units(&text, &SplitOptions::default()), [67, 6]);
    assert_eq!(units(&text, &whole), [64, 9]);
    assert_eq!(units(&("x".repeat(152) + "\r\n" + &"x".repeat(10)), &whole), [152, 12]);
}

#[test]
fn cluster_longer_than_a_segment_is_cut_between_characters() {
    let whole = SplitOptions {
        whole_graphemes: true,
        ..SplitOptions::default()
    };
    let text = "a".to_owned() + &"\u{301}".repeat(150) + "b";
    assert_eq!(units(&text, &whole), [67, 67, 18]);
    assert!(measure(&("a".to_owned() + &"\u{301}".repeat(100_000)), &whole).is_err());
}
