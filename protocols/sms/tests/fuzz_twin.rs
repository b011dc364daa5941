//! The fuzz targets on stable: their corpus, and what proptest makes up.

use proptest::prelude::*;

#[path = "../fuzz/checks/receipt.rs"]
mod receipt;
#[path = "../fuzz/checks/user_data.rs"]
mod user_data;

#[test]
fn corpus_runs_clean() {
    run_corpus("receipt", receipt::check);
    run_corpus("user_data", user_data::check);
}

fn run_corpus(target: &str, check: fn(&[u8])) {
    let corpus = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let inputs = std::fs::read_dir(&corpus).expect("the corpus is committed");
    let checked = inputs
        .map(|input| check(&std::fs::read(input.expect("it is listed").path()).expect("it is a file")))
        .count();
    assert!(checked >= 20, "{corpus} has {checked} inputs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_octets_are_a_receipt(octets: Vec<u8>) {
        receipt::check(&octets);
    }

    #[test]
    fn words_of_a_receipt_in_any_order_are_one(
        text in "((id|sub|dlvrd|submit ?date|done[ _]date|stat|status|err|text|[0-9]{2,15}|DELIVRD|è) ?[:, ;|\n]?){0,30}",
    ) {
        receipt::check(text.as_bytes());
    }

    #[test]
    fn any_octets_are_user_data(octets: Vec<u8>) {
        user_data::check(&octets);
    }

    #[test]
    fn octets_with_a_header_are_user_data(
        data_coding: u8,
        choice in any::<u8>().prop_map(|choice| choice | 1),
        elements in prop::collection::vec(
            (prop::sample::select(vec![0u8, 4, 5, 8, 0x24, 0x25, 0x70]), prop::collection::vec(0u8..16, 0..6)),
            0..4,
        ),
        text in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let elements: Vec<u8> = elements
            .into_iter()
            .flat_map(|(id, data)| [vec![id, data.len() as u8], data].concat())
            .collect();
        let octets = [vec![data_coding, choice, elements.len() as u8], elements, text].concat();
        user_data::check(&octets);
    }
}
