//! The crate against vectors made with other implementations; see `vectors/README.md`.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::collections::BTreeMap;

use araldo_sms::{
    DeliveryReceipt, Encoding, Language, ShiftTables, SplitOptions, UserData, UserDataHeader, fill_bits, measure,
    pack_septets, split, unpack_septets,
};
use serde_json::Value;

fn load(file: &str) -> Value {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let json = std::fs::read_to_string(path).expect("the vectors are beside this file");
    serde_json::from_str(&json).expect("the vectors are JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().expect("the vectors have this list")
}

#[test]
fn national_tables_are_those_of_ts_23_038_in_both_directions() {
    let vectors = load("gsm7.json");
    let mut checked = 0;
    for table in list(&vectors, "tables") {
        let language = Language::from_number(table["id"].as_u64().unwrap() as u8);
        let locking_only = ShiftTables {
            locking: language,
            single: None,
        };
        let single_only = ShiftTables {
            locking: None,
            single: language,
        };
        for (key, prefix, tables) in [
            ("locking", &[][..], locking_only),
            ("single_shift", &[0x1B][..], single_only),
        ] {
            let Some(table) = table[key].as_object() else {
                assert!(language.is_some_and(|language| !language.has_locking_table()));
                continue;
            };
            let codes: BTreeMap<u8, char> = table
                .iter()
                .map(|(code, point)| (code_of(code), char_of(point)))
                .collect();
            for code in 0..0x80 {
                let octets: Vec<u8> = prefix.iter().copied().chain([code]).collect();
                let read = tables.decode(&octets);
                match codes.get(&code) {
                    Some(character) => {
                        assert_eq!(
                            (read.text, read.lossy),
                            (character.to_string(), false),
                            "{language:?} {key} {code}"
                        );
                        checked += 1;
                        let mut written = Vec::new();
                        tables.encode(&character.to_string(), &mut written).unwrap();
                        assert_eq!(tables.decode(&written).text, character.to_string());
                        assert!(written.len() <= octets.len());
                    }
                    None => assert!(read.lossy, "{language:?} {key} {code} is not in the table"),
                }
            }
        }
    }
    assert_eq!(checked, 2_431);
}

fn code_of(hex: &str) -> u8 {
    u8::from_str_radix(hex, 16).unwrap()
}

fn char_of(point: &Value) -> char {
    let point = point.as_str().unwrap().strip_prefix("U+").unwrap();
    char::from_u32(u32::from_str_radix(point, 16).unwrap()).unwrap()
}

#[test]
fn texts_have_the_septets_of_other_implementations() {
    let vectors = load("gsm7.json");
    for vector in list(&vectors, "packing") {
        let text = vector["text"].as_str().unwrap();
        let mut octets = Vec::new();
        Encoding::Gsm7.encode(text, &mut octets).unwrap();
        assert_eq!(
            hex::encode(&octets),
            vector["septets_hex"].as_str().unwrap(),
            "{}",
            vector["id"]
        );
        assert_eq!(Encoding::Gsm7.decode(&octets).text, text, "{}", vector["id"]);
    }
    assert_eq!(list(&vectors, "packing").len(), 60);
}

#[test]
fn septets_are_packed_as_other_implementations_pack_them() {
    let vectors = load("gsm7.json");
    for vector in list(&vectors, "packing") {
        let septets = octets(vector, "septets_hex");
        let mut packed = Vec::new();
        pack_septets(&septets, 0, &mut packed);
        assert_eq!(
            hex::encode(&packed),
            vector["packed_hex"].as_str().unwrap(),
            "{}",
            vector["id"]
        );
        assert_unpacked(&packed, 0, &septets, &vector["id"]);
    }
    assert_eq!(list(&vectors, "packing").len(), 60);
}

#[test]
fn septets_after_a_header_begin_at_a_septet_boundary() {
    let vectors = load("gsm7.json");
    for vector in list(&vectors, "packing_with_fill_bits") {
        let id = &vector["id"];
        let header = octets(vector, "udh_hex");
        let fill = fill_bits(header.len());
        assert_eq!(u64::from(fill), vector["fill_bits"].as_u64().unwrap(), "{id}");

        let user_data = octets(vector, "user_data_hex");
        let (parsed, rest) = UserDataHeader::parse(&user_data).unwrap();
        let mut septets = Vec::new();
        parsed
            .shift_tables()
            .encode(vector["text"].as_str().unwrap(), &mut septets)
            .unwrap();
        assert_eq!(septets.len() as u64, vector["septet_count"].as_u64().unwrap(), "{id}");

        let mut packed = header.clone();
        pack_septets(&septets, fill, &mut packed);
        assert_eq!(packed, user_data, "{id}");
        assert_unpacked(rest, fill, &septets, id);
    }
    assert_eq!(list(&vectors, "packing_with_fill_bits").len(), 49);
}

fn octets(vector: &Value, key: &str) -> Vec<u8> {
    hex::decode(vector[key].as_str().unwrap()).unwrap()
}

fn assert_unpacked(packed: &[u8], fill: u8, septets: &[u8], id: &Value) {
    let mut unpacked = Vec::new();
    unpack_septets(packed, fill, Some(septets.len()), &mut unpacked);
    assert_eq!(unpacked, septets, "{id}");

    // Without the count, an `@` that ends the last octet cannot be told from nothing.
    let mut guessed = Vec::new();
    unpack_septets(packed, fill, None, &mut guessed);
    let is_full = (usize::from(fill) + 7 * septets.len()).is_multiple_of(8);
    assert_eq!(
        guessed,
        if is_full {
            septets.strip_suffix(&[0]).unwrap_or(septets)
        } else {
            septets
        },
        "{id}"
    );
}

#[test]
fn texts_are_divided_as_other_implementations_divide_them() {
    let vectors = load("segments.json");
    for vector in list(&vectors, "vectors") {
        let id = &vector["id"];
        let text = vector["text"].as_str().unwrap();
        let encoding = if vector["encoding"] == "GSM-7" {
            Encoding::Gsm7
        } else {
            Encoding::Ucs2
        };
        let units: Vec<u64> = list(vector, "segment_units")
            .iter()
            .map(|units| units.as_u64().unwrap())
            .collect();

        let measured = measure(text, &SplitOptions::default()).unwrap();
        assert_eq!(measured.encoding, encoding, "{id}");
        assert_eq!(
            u64::from(measured.segments),
            vector["segments"].as_u64().unwrap(),
            "{id}"
        );
        assert_eq!(measured.units as u64, vector["total_units"].as_u64().unwrap(), "{id}");

        let divided = split(text, &SplitOptions::default()).unwrap();
        let divided_units: Vec<u64> = divided.segments.iter().map(|segment| segment.units as u64).collect();
        assert_eq!(divided_units, units, "{id}");

        if let Some(hex) = vector.get("text_utf16be_hex") {
            let mut octets = Vec::new();
            Encoding::Ucs2.encode(text, &mut octets).unwrap();
            assert_eq!(hex::encode(octets), hex.as_str().unwrap(), "{id}");
        }
        let mut joined = String::new();
        for segment in &divided.segments {
            let read = UserData::decode(encoding.data_coding(), segment.udhi(), &segment.data, Encoding::Gsm7);
            assert!(!read.lossy, "{id}");
            joined.push_str(read.text().unwrap());
        }
        assert_eq!(joined, text, "{id}");
    }
    assert_eq!(list(&vectors, "vectors").len(), 148);
}

#[test]
fn grapheme_clusters_are_kept_as_a_calculator_keeps_them() {
    const CALCULATOR: &str = "sms-segments-calculator 1.3.0";
    let vectors = load("segments.json");
    let options = SplitOptions {
        whole_graphemes: true,
        ..SplitOptions::default()
    };
    let (mut alike, mut otherwise) = (0, 0);
    for vector in list(&vectors, "vectors") {
        let id = &vector["id"];
        let text = vector["text"].as_str().unwrap();
        let divided = split(text, &options).unwrap();
        if list(vector, "agreeing").iter().any(|name| name == CALCULATOR) {
            let units: Vec<usize> = divided.segments.iter().map(|segment| segment.units).collect();
            assert_eq!(serde_json::to_value(units).unwrap(), vector["segment_units"], "{id}");
            alike += 1;
        } else {
            let texts = &vector["differing"][CALCULATOR]["texts"];
            let pieces: Vec<&str> = divided
                .segments
                .iter()
                .map(|segment| &text[segment.text.clone()])
                .collect();
            assert_eq!(&serde_json::to_value(pieces).unwrap(), texts, "{id}");
            otherwise += 1;
        }
    }
    assert_eq!((alike, otherwise), (139, 9));
}

#[test]
fn receipts_are_read_as_their_senders_mean_them() {
    let vectors = load("dlr_texts.json");
    let mut checked = 0;
    for vector in list(&vectors, "vectors") {
        let tlv = |name: &str| {
            list(vector, "tlvs")
                .iter()
                .find(|tlv| tlv["name"] == name)
                .map(|tlv| &tlv["value"])
        };
        let text = vector["short_message"].as_str().unwrap();
        let mut receipt = DeliveryReceipt::parse(text);
        receipt.fill(
            tlv("receipted_message_id").and_then(Value::as_str),
            tlv("message_state").and_then(Value::as_u64).map(|state| state as u8),
        );
        let expected = &vector["expected"];
        checked += 1;
        if expected.is_null() {
            // It is esm_class that says no receipt; the text is read all the same.
            assert_eq!(receipt.is_empty(), text == "STOP", "{}", vector["id"]);
            continue;
        }
        let submit_at = receipt.submit_date.and_then(|date| date.at).map(|at| at.to_string());
        let done_at = receipt.done_date.and_then(|date| date.at).map(|at| at.to_string());
        for (field, value) in [
            ("id", receipt.id.into()),
            ("sub", receipt.sub.into()),
            ("dlvrd", receipt.dlvrd.into()),
            ("submit_date_raw", receipt.submit_date.map(|date| date.raw).into()),
            ("submit_date", submit_at.into()),
            ("done_date_raw", receipt.done_date.map(|date| date.raw).into()),
            ("done_date", done_at.into()),
            ("stat", receipt.stat.into()),
            ("state", receipt.state.map(|state| state.as_str()).into()),
            ("err", receipt.err.into()),
            ("text", receipt.text.into()),
        ] {
            let value: Value = value;
            assert_eq!(value, expected[field], "{} {field}", vector["id"]);
        }
    }
    assert_eq!(checked, 98);
}
