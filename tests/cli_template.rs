//! `araldo template`, and the shipped rules and templates, with the built binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(path);
    path.to_str().unwrap().to_owned()
}

/// Runs a verb with a configuration.
fn araldo(config: &str, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("araldo").unwrap();
    command
        .env_clear()
        .args(["--config", config])
        .args(args)
        .output()
        .unwrap()
}

fn template(args: &[&str]) -> Output {
    araldo(&shipped("araldo.toml"), &[&["template"], args].concat())
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

#[test]
fn every_shipped_template_is_good_in_each_language_and_lacks_none() {
    let output = template(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let checked: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(checked.len(), 20);
    for one in &checked {
        assert_eq!(one["lacks"], Value::Array(vec![]), "{one}");
        assert_eq!(one["sample"]["encoding"], "gsm7", "{one}");
        assert!(one["sample"]["segments"].as_u64().unwrap() <= 2, "{one}");
    }
}

#[test]
fn the_shipped_configuration_passes_its_check() {
    let state = tempfile::tempdir().unwrap();
    let url = format!("store.url=sqlite://{}/araldo.db", state.path().display());
    let output = araldo(&shipped("araldo.toml"), &["config", "check", "--quiet", "--set", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_template_is_rendered_for_values_for_an_event_and_for_its_sample() {
    let vars = r#"{"card":"4111111111111234","arrives":"2026-11-26"}"#;
    let output = template(&["render", "card_shipped", "--locale", "it-CH", "--vars", vars]);
    let written = "La tua carta *1234 è stata spedita. Arrivo previsto entro il 26/11/2026.\n";
    assert_eq!(text(&output.stdout), written);
    assert!(
        text(&output.stderr).contains("gsm7, 1 segment, 72 units"),
        "{}",
        text(&output.stderr)
    );
    let event = shipped("examples/events/topup-done.json");
    let output = template(&["render", "topup_done", "--locale", "en", "--event", &event, "--json"]);
    let rendered: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        rendered["text"],
        "Top-up of €10.00 for +39333***4567 completed. Ref. RIC90412. Thank you!"
    );
    assert_eq!(template(&["render", "bill_due"]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_rendered_is_told_with_its_place() {
    let output = template(&["render", "card_shipped", "--vars", r#"{"card":"*1234"}"#]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("card_shipped.it, line 2") && told.contains("data.arrives"),
        "{told}"
    );
    assert_eq!(template(&["render", "card_shiped"]).status.code(), Some(3));
    assert_eq!(template(&["check", "card_shiped"]).status.code(), Some(3));
}

fn config_in(dir: &tempfile::TempDir) -> String {
    dir.path().join("araldo.toml").to_str().unwrap().to_owned()
}

/// A configuration with a folder of texts.
fn folder(texts: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("[store]\nurl = \"sqlite://{}/a.db\"\n", dir.path().display());
    std::fs::write(dir.path().join("araldo.toml"), config).unwrap();
    if !texts.is_empty() {
        std::fs::create_dir(dir.path().join("templates")).unwrap();
    }
    for (name, text) in texts {
        std::fs::write(dir.path().join("templates").join(name), text).unwrap();
    }
    dir
}

#[test]
fn a_check_measures_what_needs_no_sample_and_reads_a_whole_event_for_one() {
    let long = "x".repeat(3_000);
    let dir = folder(&[
        ("long.en.txt", &long),
        (
            "whole.en.txt",
            "{# event: {\"id\": \"7\", \"data\": {\"a\": 1}} #}\n{{ id }} {{ data.a }}",
        ),
        ("whole.it.txt", "uno"),
        ("whole.it-CH.txt", "uno"),
        ("other.en.txt", "one"),
        ("other.it.txt", "uno"),
    ]);
    let output = araldo(config_in(&dir).as_str(), &["template", "check", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let checked: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str, locale: &str| {
        checked
            .iter()
            .find(|one| one["template"] == name && one["locale"] == locale)
            .unwrap()
    };
    assert!(
        of("long", "en")["error"].as_str().unwrap().contains("segments"),
        "{checked:?}"
    );
    assert_eq!(of("whole", "en")["sample"]["text"], "7 1");
    assert_eq!(of("other", "it")["lacks"], serde_json::json!([]));
    assert_eq!(of("long", "en")["lacks"], serde_json::json!(["it", "it-CH"]));
}

#[test]
fn a_check_of_no_template_says_that_there_is_no_folder() {
    let dir = folder(&[]);
    let config = config_in(&dir);
    let output = araldo(&config, &["template", "check"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no folder of templates"),
        "{output:?}"
    );
    let rule =
        "\n[event.card]\ntype = \"card\"\nto = \"+393331234567\"\ntemplate = \"card\"\n[templates]\nlocale = \"it\"\n";
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + rule).unwrap();
    let output = araldo(&config, &["template", "check"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("make `templates` beside the configuration file, with card.it.txt"),
        "{told}"
    );
}

#[test]
fn every_bad_template_and_rule_is_told_by_the_check_of_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "araldo.toml",
        &format!(
            "[store]\nurl = \"sqlite://{}/a.db\"\n[templates]\ndir = \"texts\"\n",
            dir.path().display()
        ),
    );
    write("texts/one.en.txt", "fine\n{{ data.x | mony }}");
    write("texts/two.en.txt", "{% if %}");
    write(
        "conf.d/rules.toml",
        "[event.card]\ntype = \"card\"\ntemplate = \"on\"\nto = \"{{ data.x\"\n",
    );
    let config = dir.path().join("araldo.toml");
    let output = araldo(config.to_str().unwrap(), &["config", "check"]);
    assert_eq!(output.status.code(), Some(78));
    let told = text(&output.stderr);
    for expected in [
        "one.en.txt:2:1: uses a filter that is not known: mony",
        "two.en.txt:1:1: has a syntax error",
        "rules.toml:3:1: event.card.template: there is no template `on`",
        "rules.toml:4:1: event.card.to: the expression has a syntax error",
        "4 errors in the configuration",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}
