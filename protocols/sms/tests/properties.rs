//! What holds for every text and for any octets.

use araldo_sms::{
    DeliveryReceipt, Encoding, LocalDateTime, ReceiptDate, ReceiptState, ReferenceSize, SplitMode, SplitOptions,
    UserData, UserDataHeader, measure, split,
};
use proptest::prelude::*;

const GSM7: &str = "[ -Z_a-z\n\r@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\u{C}^{}\\\\\\[~\\]|€]{0,700}";

/// Texts of the default alphabet, texts with an escape in every other place, and anything at all.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![GSM7, "[a€]{0,700}", "[aж😀]{0,400}", "\\PC{0,300}", any::<String>()]
}

fn options() -> impl Strategy<Value = SplitOptions> {
    let mode = prop_oneof![
        Just(SplitMode::UdhConcat),
        Just(SplitMode::Sar),
        Just(SplitMode::Payload)
    ];
    let reference_size = prop_oneof![Just(ReferenceSize::Bits8), Just(ReferenceSize::Bits16)];
    (mode, reference_size, any::<u16>(), any::<bool>()).prop_map(
        |(mode, reference_size, reference, sar_leaves_room)| SplitOptions {
            encoding: None,
            mode,
            reference_size,
            reference,
            sar_leaves_room,
            ..SplitOptions::default()
        },
    )
}

proptest! {
    #[test]
    fn segments_joined_give_the_text(text in texts(), options in options()) {
        let divided = split(&text, &options).unwrap();
        let mut joined = String::new();
        for (segment, number) in divided.segments.iter().zip(1..) {
            let read = UserData::decode(divided.encoding.data_coding(), segment.udhi(), &segment.data, Encoding::Gsm7);
            prop_assert!(!read.lossy);
            prop_assert_eq!(read.text(), Some(&text[segment.text.clone()]));
            joined.push_str(read.text().unwrap());
            if options.mode == SplitMode::UdhConcat {
                prop_assert_eq!(read.concat, segment.concat);
            }
            prop_assert!(segment.concat.is_none_or(|concat| concat.number == number));
            prop_assert!(segment.concat.is_none_or(|concat| usize::from(concat.total) == divided.segments.len()));
        }
        prop_assert_eq!(joined, text);
    }

    #[test]
    fn no_segment_is_above_its_limit_and_each_is_as_full_as_can_be(text in texts(), options in options()) {
        let divided = split(&text, &options).unwrap();
        prop_assume!(options.mode != SplitMode::Payload);
        let limit = match divided.segments.len() {
            1 => divided.encoding.single_limit(),
            _ if options.mode == SplitMode::Sar && !options.sar_leaves_room => divided.encoding.single_limit(),
            _ => divided.encoding.segment_limit(options.reference_size),
        };
        let last = divided.segments.len() - 1;
        for (at, segment) in divided.segments.iter().enumerate() {
            prop_assert!(segment.units <= limit);
            prop_assert!(at == last || segment.units + 1 >= limit);
        }
        prop_assert_eq!(divided.segments.iter().map(|segment| segment.units).sum::<usize>(), divided.units);
    }

    #[test]
    fn measure_and_split_agree(text in texts(), options in options()) {
        let measured = measure(&text, &options).unwrap();
        let divided = split(&text, &options).unwrap();
        prop_assert_eq!(measured.encoding, divided.encoding);
        prop_assert_eq!(usize::from(measured.segments), divided.segments.len());
        prop_assert_eq!(measured.units, divided.units);
    }

    #[test]
    fn decoding_never_panics(octets: Vec<u8>, data_coding: u8, udhi: bool) {
        for default_alphabet in [Encoding::Gsm7, Encoding::Latin1, Encoding::Ucs2] {
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
