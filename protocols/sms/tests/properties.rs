//! What holds for every text and for any octets.

use araldo_sms::{
    DefaultAlphabet, DeliveryReceipt, Encoding, Language, Languages, LocalDateTime, National, ReceiptDate,
    ReceiptState, ReferenceSize, ShiftTables, SplitMode, SplitOptions, TextError, UserData, UserDataHeader, fill_bits,
    measure, pack_septets, replace_lookalikes, split, unpack_septets,
};
use proptest::prelude::*;

const GSM7: &str = "[ -Z_a-z\n\r@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\u{C}^{}\\\\\\[~\\]|€]{0,700}";

/// Texts of the default alphabet, texts with an escape in every other place, texts of other languages and of
/// look-alikes, clusters of several characters, and anything at all.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        GSM7,
        "[a€]{0,700}",
        "[aж😀]{0,400}",
        "[a-zğışçÇİöâãõêú ]{0,400}",
        "[क-हा-्0-9 ]{0,300}",
        "[a-z’“”…–АВЕорс ]{0,300}",
        "(e\u{301}|👨\u{200D}👩\u{200D}👧|🇮🇹|\r\n|x){0,150}",
        "\\PC{0,300}",
        any::<String>()
    ]
}

fn tables() -> impl Strategy<Value = ShiftTables> {
    let language = || prop::option::of(prop::sample::select(Language::ALL.to_vec()));
    (language(), language()).prop_map(|(locking, single)| ShiftTables { locking, single })
}

fn languages() -> impl Strategy<Value = Languages> {
    prop::sample::subsequence(Language::ALL.to_vec(), 0..=13).prop_map(Languages::from_iter)
}

fn national() -> impl Strategy<Value = National> {
    prop_oneof![
        Just(National::Never),
        tables().prop_map(National::Always),
        languages().prop_map(National::WhereShorter)
    ]
}

fn options() -> impl Strategy<Value = SplitOptions> {
    let mode = prop_oneof![
        Just(SplitMode::UdhConcat),
        Just(SplitMode::Sar),
        Just(SplitMode::Payload)
    ];
    let reference_size = prop_oneof![Just(ReferenceSize::Bits8), Just(ReferenceSize::Bits16)];
    let flags = any::<[bool; 3]>();
    (mode, reference_size, any::<u16>(), national(), flags).prop_map(
        |(mode, reference_size, reference, national, [sar_leaves_room, smart, whole_graphemes])| SplitOptions {
            encoding: None,
            mode,
            reference_size,
            reference,
            sar_leaves_room,
            national,
            smart,
            whole_graphemes,
        },
    )
}

proptest! {
    #[test]
    fn segments_joined_give_the_text(text in texts(), options in options()) {
        let divided = split(&text, &options).unwrap();
        let sent = divided.replaced.as_ref().map_or(&text, |replaced| &replaced.text);
        let mut joined = String::new();
        for (segment, number) in divided.segments.iter().zip(1..) {
            let read = UserData::decode(divided.encoding.data_coding(), segment.udhi(), &segment.data, Encoding::Gsm7);
            prop_assert!(!read.lossy);
            prop_assert_eq!(read.text(), Some(&sent[segment.text.clone()]));
            joined.push_str(read.text().unwrap());
            if options.mode == SplitMode::UdhConcat {
                prop_assert_eq!(read.concat, segment.concat);
            } else {
                prop_assert_eq!(read.concat, None);
            }
            prop_assert_eq!(read.header.map(|header| header.shift_tables()).unwrap_or_default(), divided.tables);
            prop_assert!(segment.concat.is_none_or(|concat| concat.number == number));
            prop_assert!(segment.concat.is_none_or(|concat| usize::from(concat.total) == divided.segments.len()));
        }
        prop_assert_eq!(&joined, sent);
        if !options.smart {
            prop_assert_eq!(divided.replaced, None);
        }
    }

    #[test]
    fn no_segment_is_above_its_limit_and_each_is_as_full_as_can_be(text in texts(), options in options()) {
        let divided = split(&text, &options).unwrap();
        prop_assume!(options.mode != SplitMode::Payload);
        let last = divided.segments.len() - 1;
        for (at, segment) in divided.segments.iter().enumerate() {
            // What the MC adds of its own to a segment with `sar_` TLVs: a concatenation element, and the length of the
            // header where there is none yet.
            let added = match segment.concat {
                Some(_) if options.mode == SplitMode::Sar && options.sar_leaves_room => {
                    options.reference_size.header_octets() - usize::from(segment.udhi())
                }
                _ => 0,
            };
            let room = (140 - added - usize::from(segment.header_octets)) * 8;
            let bits = match divided.encoding {
                Encoding::Gsm7 => 7,
                Encoding::Latin1 => 8,
                Encoding::Ucs2 => 16,
            };
            prop_assert!(segment.units * bits <= room);
            prop_assert!(at == last || options.whole_graphemes || (segment.units + 2) * bits > room);
        }
        prop_assert_eq!(divided.segments.iter().map(|segment| segment.units).sum::<usize>(), divided.units);
    }

    #[test]
    fn segments_fit_140_octets_when_packed(text in texts(), options in options()) {
        let options = SplitOptions { mode: SplitMode::UdhConcat, ..options };
        let divided = split(&text, &options).unwrap();
        for segment in &divided.segments {
            if divided.encoding != Encoding::Gsm7 {
                prop_assert!(segment.data.len() <= 140);
                continue;
            }
            let (header, septets) = segment.data.split_at(segment.header_octets.into());
            let mut packed = header.to_vec();
            pack_septets(septets, fill_bits(header.len()), &mut packed);
            prop_assert!(packed.len() <= 140);
            let read = UserData::decode(0, segment.udhi(), &packed, DefaultAlphabet::Gsm7Packed);
            let unpacked = UserData::decode(0, segment.udhi(), &segment.data, DefaultAlphabet::Gsm7);
            let text = unpacked.text().unwrap();
            // An `@` that ends the last octet is not told from nothing.
            prop_assert!(read.text() == Some(text) || read.text() == text.strip_suffix('@'));
        }
    }

    #[test]
    fn national_tables_never_make_a_message_longer(text in texts(), allowed in languages()) {
        let plain = measure(&text, &SplitOptions::default()).unwrap();
        let options = SplitOptions { national: National::WhereShorter(allowed), ..SplitOptions::default() };
        let national = measure(&text, &options).unwrap();
        prop_assert!(national.segments <= plain.segments);
    }

    #[test]
    fn packed_septets_are_unpacked(septets in prop::collection::vec(0u8..0x80, 0..200), fill in 0u8..7) {
        let mut packed = Vec::new();
        pack_septets(&septets, fill, &mut packed);
        let bits = if septets.is_empty() { 0 } else { usize::from(fill) + 7 * septets.len() };
        prop_assert_eq!(packed.len(), bits.div_ceil(8));
        let mut unpacked = Vec::new();
        unpack_septets(&packed, fill, Some(septets.len()), &mut unpacked);
        prop_assert_eq!(unpacked, septets);
    }

    #[test]
    fn any_octets_are_unpacked_without_panic(octets: Vec<u8>, fill: u8, count in prop::option::of(any::<usize>())) {
        let mut septets = vec![1];
        unpack_septets(&octets, fill, count, &mut septets);
        prop_assert!(septets.iter().all(|septet| *septet < 0x80) && septets[0] == 1);
    }

    #[test]
    fn text_in_any_tables_is_read_back(text in texts(), tables in tables()) {
        let mut septets = Vec::new();
        match tables.encode(&text, &mut septets) {
            Ok(()) => {
                let read = tables.decode(&septets);
                prop_assert_eq!((read.text, read.lossy), (text, false));
            }
            Err(TextError::Unencodable { character, position, .. }) => {
                prop_assert_eq!(text.chars().nth(position), Some(character));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn replacements_tell_the_text_before(text in texts(), tables in tables()) {
        let replaced = replace_lookalikes(&text, tables);
        let mut told = replaced.replacements.iter().peekable();
        let mut again = String::new();
        for (position, character) in text.chars().enumerate() {
            match told.next_if(|replacement| replacement.position == position) {
                Some(replacement) => {
                    prop_assert_eq!(replacement.from, character);
                    again.push_str(replacement.to);
                }
                None => again.push(character),
            }
        }
        prop_assert!(told.next().is_none());
        prop_assert_eq!(&again, &replaced.text);
        prop_assert!(replace_lookalikes(&again, tables).replacements.is_empty());
    }

    #[test]
    fn measure_and_split_agree(text in texts(), options in options()) {
        let measured = measure(&text, &options).unwrap();
        let divided = split(&text, &options).unwrap();
        prop_assert_eq!(measured.encoding, divided.encoding);
        prop_assert_eq!(usize::from(measured.segments), divided.segments.len());
        prop_assert_eq!(measured.units, divided.units);
        prop_assert_eq!(measured.tables, divided.tables);
        prop_assert_eq!(measured.replaced, divided.replaced.map_or(0, |replaced| replaced.replacements.len()));
    }

    #[test]
    fn decoding_never_panics(octets: Vec<u8>, data_coding: u8, udhi: bool) {
        for default_alphabet in [
            DefaultAlphabet::Gsm7,
            DefaultAlphabet::Gsm7Packed,
            DefaultAlphabet::Ascii,
            DefaultAlphabet::Latin1,
            DefaultAlphabet::Utf8,
            DefaultAlphabet::Ucs2,
        ] {
            let read = UserData::decode(data_coding, udhi, &octets, default_alphabet);
            if let Some(concat) = read.concat {
                prop_assert!((1..=concat.total).contains(&concat.number));
            }
        }
    }

    #[test]
    fn header_and_rest_are_the_octets(octets in prop::collection::vec(0u8..12, 0..40)) {
        if let Ok((header, rest)) = UserDataHeader::parse(&octets) {
            let elements: usize = header.elements().map(|element| 2 + element.data.len()).sum();
            prop_assert_eq!(1 + elements + rest.len(), octets.len());
        }
    }

    #[test]
    fn any_text_is_read_as_a_receipt_without_panic(text: String) {
        let _ = DeliveryReceipt::parse(&text);
    }

    #[test]
    fn field_names_in_any_disorder_are_read_without_panic(
        text in "((id|sub|dlvrd|submit ?date|done[ _]date|stat|err|text|[0-9]{2,15}|è|20[0-9-]{8}) ?[:, ;\n]?){0,30}",
    ) {
        let _ = DeliveryReceipt::parse(&text);
    }

    #[test]
    fn any_date_is_read_without_panic(raw in "[0-9:/T+ è-]{0,20}") {
        let _ = LocalDateTime::parse(&raw);
    }

    #[test]
    fn written_receipt_is_read_back(
        id in "[0-9a-zA-Z-]{1,64}",
        sub in 0u32..1000,
        number in 0u8..10,
        (month, day, hour, minute) in (1u8..13, 1u8..29, 0u8..24, 0u8..60),
        err in "[0-9A-F]{0,3}",
        text in any::<String>().prop_map(|text| text.replace('\0', "")),
    ) {
        let at = LocalDateTime::new(2026, month, day, hour, minute, 0).unwrap();
        let state = ReceiptState::from_message_state(number);
        let receipt = DeliveryReceipt {
            id: Some(&id),
            sub: Some(sub),
            dlvrd: Some(sub),
            submit_date: Some(ReceiptDate::from(at)),
            done_date: Some(ReceiptDate::from(at)),
            stat: Some(state.stat()),
            state: Some(state),
            err: Some(&err),
            text: Some(&text),
        };
        let mut written = String::new();
        receipt.write(&mut written).unwrap();
        let mut read = DeliveryReceipt::parse(&written);
        prop_assert_eq!(read.submit_date.take().unwrap().at, Some(at));
        prop_assert_eq!(read.done_date.take().unwrap().at, Some(at));
        prop_assert_eq!(read, DeliveryReceipt { submit_date: None, done_date: None, ..receipt });
    }
}
