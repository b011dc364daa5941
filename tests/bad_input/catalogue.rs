//! Every row of the catalogue has its fixtures or tests, or says why there is nothing to send it to.

use std::fs;
use std::path::Path;

use serde_json::Value;

#[test]
fn every_row_of_the_catalogue_is_shown_or_has_no_interface_yet() {
    let (mut wrong, mut waiting, mut shown) = (Vec::new(), Vec::new(), 0);
    for row in rows() {
        let id = row["id"].as_str().unwrap();
        let held = fixtures(&row).into_iter().chain(tests(&row)).collect::<Vec<_>>();
        match row["no_interface_yet"].as_str() {
            Some(why) if held.is_empty() && !why.is_empty() => waiting.push(format!("{id} {} ({why})", row["input"])),
            Some(_) => wrong.push(format!("{id}: shown, and said to have no interface")),
            None if held.is_empty() => wrong.push(format!("{id}: neither fixture nor test: {}", row["input"])),
            None => shown += 1,
        }
        wrong.extend(
            held.into_iter()
                .filter_map(Result::err)
                .map(|why| format!("{id}: {why}")),
        );
    }
    println!(
        "{shown} rows are shown; {} have no interface yet:\n{}",
        waiting.len(),
        waiting.join("\n")
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_of_the_catalogue_was_lost() {
    let of = |section: &str| {
        rows()
            .iter()
            .filter(|row| row["id"].as_str().unwrap().starts_with(section))
            .count()
    };
    let counts = ["5.1.", "5.2.", "5.3.", "5.4.", "5.5.", "5.6.", "5.7.", "5.8."].map(of);
    assert_eq!(counts, [31, 23, 13, 9, 10, 8, 10, 10]);
}

/// The fixtures a row points to: a file, and in it the row of the same words.
fn fixtures(row: &Value) -> Vec<Result<(), String>> {
    let Some(file) = row["fixtures"].as_str() else {
        return Vec::new();
    };
    let catalogue: Value = serde_json::from_str(&read(&format!("tests/bad_input/{file}")).unwrap()).unwrap();
    let found = catalogue["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["row"] == row["input"]);
    let Some(found) = found else {
        return vec![Err(format!("{file} has no such row"))];
    };
    let some = found["fixtures"].as_array().is_some_and(|list| !list.is_empty());
    let by_test = found["tested_by"].as_array().is_some_and(|list| !list.is_empty());
    vec![if some || by_test {
        Ok(())
    } else {
        Err(format!("{file} shows nothing for it"))
    }]
}

/// The tests a row points to, as `file::name`.
fn tests(row: &Value) -> Vec<Result<(), String>> {
    let named = row["tests"].as_array().into_iter().flatten();
    named.map(|test| named_test(test.as_str().unwrap())).collect()
}

fn named_test(test: &str) -> Result<(), String> {
    let (file, name) = test.split_once("::").ok_or("write file::name")?;
    let source = read(file)?;
    if source.contains(&format!("fn {name}(")) {
        Ok(())
    } else {
        Err(format!("{file} has no test {name}"))
    }
}

/// The tests that rows of `smpp.json` name are there.
#[test]
fn the_tests_that_fixtures_name_are_there() {
    let sources = ["answer", "bind", "half_open", "link", "tls"].map(|name| format!("tests/bad_input/{name}.rs"));
    let sources: String = sources.iter().map(|file| read(file).unwrap()).collect();
    let sources = sources + &read("protocols/smpp/src/session/tests.rs").unwrap();
    let catalogue: Value = serde_json::from_str(include_str!("smpp.json")).unwrap();
    for row in catalogue["rows"].as_array().unwrap() {
        for name in row["tested_by"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            assert!(
                sources.contains(&format!("fn {name}(")),
                "{}: no test {name}",
                row["row"]
            );
        }
    }
}

fn rows() -> Vec<Value> {
    let catalogue: Value = serde_json::from_str(include_str!("catalogue.json")).unwrap();
    catalogue["rows"].as_array().unwrap().clone()
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).map_err(|error| format!("{file}: {error}"))
}
