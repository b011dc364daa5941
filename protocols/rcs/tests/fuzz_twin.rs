//! The fuzz targets on stable: their corpus, and what proptest makes of it.

use proptest::prelude::*;

#[path = "../fuzz/checks/answer.rs"]
mod answer;
#[path = "../fuzz/checks/message.rs"]
mod message;
#[path = "../fuzz/checks/post.rs"]
mod post;

#[test]
fn corpus_runs_clean() {
    for (target, check) in [
        ("answer", answer::check as fn(&[u8])),
        ("message", message::check),
        ("post", post::check),
    ] {
        let inputs = corpus(target);
        assert!(inputs.len() >= 20, "{target} has {} inputs", inputs.len());
        inputs.iter().for_each(|input| check(input));
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let corpus = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let inputs = std::fs::read_dir(&corpus).expect("the corpus is committed");
    inputs
        .map(|input| std::fs::read(input.expect("it is listed").path()).expect("it is a file"))
        .collect()
}

/// Inputs of the corpus with a piece taken out, put in another place, or made of other octets.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        "[\\[\\]{}\",:0-9a-z\\\\]{0,6}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "null",
            "{}",
            "[]",
            "\"\"",
            "-1",
            "1e999",
            "\"\\u0000\"",
            "\"\\ud800\""
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, piece), 1..4);
    (prop::sample::select(corpus(target)), changes).prop_map(|(mut octets, changes)| {
        for (place, taken, piece) in changes {
            let start = place.index(octets.len() + 1);
            let end = octets.len().min(start + taken);
            octets.splice(start..end, piece);
        }
        octets
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_octets_are_an_answer(octets in prop_oneof![any::<Vec<u8>>(), mutated("answer")]) {
        answer::check(&octets);
    }

    #[test]
    fn any_octets_are_a_message(octets in prop_oneof![any::<Vec<u8>>(), mutated("message")]) {
        message::check(&octets);
    }

    #[test]
    fn any_octets_are_a_post(octets in prop_oneof![any::<Vec<u8>>(), mutated("post")]) {
        post::check(&octets);
    }
}
