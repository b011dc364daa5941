//! What must hold for any user data. The fuzz target and its twin in `tests/fuzz_twin.rs` share this file.

use araldo_sms::{Content, DefaultAlphabet, SplitOptions, UserData, UserDataHeader, split};

/// Any user data is read, and what is text can be sent and read again.
pub(crate) fn check(octets: &[u8]) {
    const ALPHABETS: [DefaultAlphabet; 6] = [
        DefaultAlphabet::Gsm7,
        DefaultAlphabet::Gsm7Packed,
        DefaultAlphabet::Ascii,
        DefaultAlphabet::Latin1,
        DefaultAlphabet::Utf8,
        DefaultAlphabet::Ucs2,
    ];
    let [data_coding, choice, data @ ..] = octets else {
        return;
    };
    let udhi = choice & 1 == 1;
    let alphabet = ALPHABETS[usize::from(choice >> 1) % ALPHABETS.len()];
    let read = UserData::decode(*data_coding, udhi, data, alphabet);
    assert!(read.header.is_none() || udhi);
    assert!(
        read.concat
            .is_none_or(|concat| (1..=concat.total).contains(&concat.number))
    );
    if let Some(header) = read.header {
        let elements: usize = header.elements().map(|element| 2 + element.data.len()).sum();
        assert!(elements < data.len());
        let _ = (header.ports(), header.shift_tables());
        assert_eq!(UserDataHeader::parse(data).map(|(again, _)| again), Ok(header));
    }
    let text = match &read.content {
        Content::Text(text) => text,
        Content::Binary(rest) => {
            assert!(rest.len() <= data.len());
            return;
        }
    };
    // A septet is a character of three octets at most, and seven octets are eight septets.
    assert!(text.len() <= 4 * data.len());
    if let Ok(divided) = split(text, &SplitOptions::default()) {
        let sent: String = divided
            .segments
            .iter()
            .map(|segment| {
                let data_coding = divided.encoding.data_coding();
                let read = UserData::decode(data_coding, segment.udhi(), &segment.data, DefaultAlphabet::Gsm7);
                read.text().map(str::to_owned).unwrap_or_default()
            })
            .collect();
        assert_eq!(&sent, text);
    }
}
