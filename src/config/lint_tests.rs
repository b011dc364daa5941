//! What `araldo config check` says to a bad catalogue, word by word: file and line, key, cause, cure.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A catalogue without fault.
const GOOD: &str = include_str!("../command/catalogue/faultless.toml");

/// What becomes bad, and what is said then: `-` lines give way to `+` lines, all else up to an empty line is the message.
const TABLE: &str = include_str!("lint_tests.txt");

/// The whole of what is said, without the folder of the file.
fn told(catalogue: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("araldo.toml");
    fs::write(&main, "[client.bank]\nkey_credential = \"bank\"\n").unwrap();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    fs::write(dir.path().join("conf.d/commands.toml"), catalogue).unwrap();
    let key = dir.path().join("bank");
    fs::write(&key, "bank-key-bank-key-bank-key-0001").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let options = LoadOptions {
        file: Some(main),
        env: vec![(
            "CREDENTIALS_DIRECTORY".to_owned(),
            dir.path().to_str().unwrap().to_owned(),
        )],
        ..LoadOptions::default()
    };
    let problems = match Config::load(&options) {
        // What may be, though it is unwise.
        Ok(loaded) => {
            let warnings = loaded.warnings.into_iter();
            warnings.filter(|warning| warning.key.starts_with("command.")).collect()
        }
        Err(ConfigError::Invalid(problems)) => problems,
        Err(other) => panic!("{other}"),
    };
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let folder = format!("{}/conf.d/", dir.path().display());
    problems.join("\n").replace(&folder, "")
}

#[test]
fn every_lint_of_a_catalogue_names_file_key_cause_and_cure() {
    assert_eq!(told(GOOD), "");
    let mut failures = Vec::new();
    for entry in TABLE.split("\n\n") {
        let part = |mark: &str| {
            let lines = entry.lines().filter_map(|line| line.strip_prefix(mark));
            lines.collect::<Vec<_>>().join("\n")
        };
        let (good, bad) = (part("- "), part("+ "));
        assert_eq!(GOOD.matches(&good).count(), 1, "{good}");
        let expected: Vec<&str> = entry
            .lines()
            .filter(|line| !line.starts_with(['-', '+', '#']))
            .collect();
        let said = told(&GOOD.replace(&good, &bad));
        if said.trim_end() != expected.join("\n").trim_end() {
            failures.push(format!("{entry}\n--- is said:\n{said}\n"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
