//! The samples are all there, and as their index says.

use std::collections::BTreeSet;

use support::{index, sample_json, schema};

mod support;

#[test]
fn the_index_names_every_sample_and_no_other() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/samples");
    let there = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<String> = there.map(|name| name.into_string().unwrap()).collect();
    let named = index()
        .into_iter()
        .map(|entry| entry["file"].as_str().unwrap().to_owned());
    let named: BTreeSet<String> = named.chain(["index.json".to_owned()]).collect();
    assert_eq!(there, named);
    assert_eq!(there.len(), 111 + 1);
}

#[test]
fn every_sample_keeps_the_schema_that_the_index_names_unless_it_is_to_be_refused() {
    let mut held = 0;
    for entry in index() {
        let file = entry["file"].as_str().unwrap();
        let body = sample_json(file);
        if let Some(definition) = entry["schema"].as_str() {
            let is_wanted = entry["expect"] != "invalid";
            assert_eq!(schema(definition).is_valid(&body), is_wanted, "{file}");
            held += 1;
        }
    }
    assert_eq!(held, 90);
}
