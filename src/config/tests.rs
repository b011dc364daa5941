//! The layers together: precedence, origins, secrets, and the file that documents them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::*;
use crate::command::catalogue::{Action, Slot};
use crate::command::{Command, Locale};

const GOOD: &str = r#"
[client.bank]
key = "bank-key-bank-key-bank-key-0001"
[carrier.tim]
host = "smsc.tim.example"
system_id = "araldo"
password = "hush"
[route.italy]
prefixes = ["39"]
steps = [{ carriers = ["tim"] }]
"#;

fn write(path: &Path, text: &str, mode: u32) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_owned()
}

fn load(file: &Path, env: &[(&str, &str)], set: &[&str]) -> Result<Loaded, ConfigError> {
    Config::load(&LoadOptions {
        file: Some(file.to_owned()),
        set: set.iter().map(ToString::to_string).collect(),
        env: env
            .iter()
            .map(|(name, text)| (name.to_string(), text.to_string()))
            .collect(),
    })
}

fn window(loaded: &Loaded) -> u16 {
    loaded.config.carrier["tim"].window
}

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let main = write(&dir.path().join("araldo.toml"), GOOD, 0o600);
    assert_eq!(window(&load(&main, &[], &[]).unwrap()), 100, "the default");
    write(&main, &format!("{GOOD}\n[carrier.tim.source]\n"), 0o600);
    write(&main, &GOOD.replace("system_id", "window = 1\nsystem_id"), 0o600);
    assert_eq!(window(&load(&main, &[], &[]).unwrap()), 1, "the file");
    write(
        &dir.path().join("conf.d/20-late.toml"),
        "[carrier.tim]\nwindow = 3\n",
        0o600,
    );
    write(
        &dir.path().join("conf.d/10-early.toml"),
        "[carrier.tim]\nwindow = 2\n",
        0o600,
    );
    write(
        &dir.path().join("conf.d/30-not-read.bak"),
        "[carrier.tim]\nwindow = 9\n",
        0o600,
    );
    assert_eq!(
        window(&load(&main, &[], &[]).unwrap()),
        3,
        "conf.d in the order of names"
    );
    let env = [
        ("ARALDO__CARRIER__TIM__WINDOW", "4"),
        ("ARALDO_CONFIG", "x"),
        ("HOME", "/"),
    ];
    assert_eq!(window(&load(&main, &env, &[]).unwrap()), 4, "the environment");
    let loaded = load(&main, &env, &["carrier.tim.window=5", "carrier.tim.window=6"]).unwrap();
    assert_eq!(window(&loaded), 6, "--set, the last one strongest");
    assert_eq!(loaded.config.carrier["tim"].host, "smsc.tim.example", "tables merge");
    assert_eq!(loaded.config.http.admin.listen.port(), 8481);
}

#[test]
fn values_from_outside_files_become_what_their_keys_want() {
    let dir = tempfile::tempdir().unwrap();
    let main = write(&dir.path().join("araldo.toml"), GOOD, 0o600);
    let env = [
        ("ARALDO__CARRIER__TIM__PASSWORD", "0123"),
        ("ARALDO__CARRIER__TIM__REFERENCE_TLV", "false"),
        ("ARALDO__CARRIER__TIM__RESPONSE_TIMEOUT", "45s"),
        ("ARALDO__ADDRESS__12345__CLIENT", "bank"),
    ];
    let set = [
        "client.bank.scopes=[\"send\", \"inbound\"]",
        "client.bank.rate=7",
        "log.filter=\"debug\"",
    ];
    let config = load(&main, &env, &set).unwrap().config;
    let tim = &config.carrier["tim"];
    assert_eq!(tim.password.expose(), "0123", "a password of digits stays text");
    assert!(!tim.reference_tlv);
    assert_eq!(tim.response_timeout, Duration::from_secs(45));
    assert_eq!(config.client["bank"].scopes, [Scope::Send, Scope::Inbound]);
    assert_eq!(config.client["bank"].rate, 7);
    assert_eq!(config.log.filter, "debug");
    assert!(config.address.contains_key("12345"));
}

#[test]
fn what_nobody_hears_and_what_is_said_in_another_language_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = "[command.balance]\ntitle = { en = \"Balance\", de = \"Kontostand\" }\n\
                     addresses = [\"12345\", \"54321\"]\nkeywords = { en = [\"balance\"] }\n\
                     [two_way.words.code]\nde = \"{{ code }}\"\n";
    let text = format!("{GOOD}\n{catalogue}");
    let main = write(&dir.path().join("araldo.toml"), &text, 0o600);
    let set = ["address.12345.client=\"bank\""];
    let told = |key: &str| {
        let warnings = load(&main, &[], &set).unwrap().warnings;
        let told: Vec<String> = warnings
            .iter()
            .filter(|it| it.key == key)
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 1, "{warnings:?}");
        told[0].clone()
    };
    let heard = told("command.balance.addresses[1]");
    assert!(
        heard.contains("`54321` is not among our addresses, so that nobody can ask for it there"),
        "{heard}"
    );
    assert!(
        heard.contains("cure: add [address.\"54321\"], or leave it out"),
        "{heard}"
    );
    let said = told("two_way.words");
    assert!(
        said.contains("is not there in de, which commands have a title in"),
        "{said}"
    );
    assert!(said.contains("cancelled") && !said.contains(" code,"), "{said}");
    assert!(
        said.contains("cure: add two_way.words.") && said.contains(".de and so on"),
        "{said}"
    );
}

#[test]
fn a_secret_comes_from_its_file_beside_the_file_that_names_it_or_from_a_credential() {
    let dir = tempfile::tempdir().unwrap();
    let text = GOOD
        .replace("key = \"bank-key-bank-key-bank-key-0001\"", "key_file = \"keys/bank\"")
        .replace("password = \"hush\"", "password_credential = \"tim.pw\"");
    let main = write(&dir.path().join("araldo.toml"), &text, 0o644);
    write(
        &dir.path().join("keys/bank"),
        "from-the-file-from-the-file-0001\n",
        0o600,
    );
    let credentials = dir.path().join("credentials");
    write(&credentials.join("tim.pw"), "from systemd\n", 0o440);
    let env = [("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())];
    let loaded = load(&main, &env, &[]).unwrap();
    assert_eq!(
        loaded.config.client["bank"].key.expose(),
        "from-the-file-from-the-file-0001"
    );
    assert_eq!(loaded.config.carrier["tim"].password.expose(), "from systemd");
    assert_eq!(loaded.warnings, []);
    let shown = format!("{:?} {} {:?}", loaded.config, loaded.tree(), loaded.effective());
    assert!(
        !shown.contains("from-the-file") && !shown.contains("from systemd"),
        "{shown}"
    );
    assert!(shown.contains("***"));
    let rows = loaded.effective();
    let key = rows.iter().find(|row| row.key == "client.bank.key").unwrap();
    assert!(key.place.to_string().contains("araldo.toml:3:1"), "{}", key.place);
}

#[test]
fn an_inline_secret_is_warned_about_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let main = write(&dir.path().join("araldo.toml"), GOOD, 0o600);
    let loaded = load(&main, &[], &[]).unwrap();
    let warned: Vec<&str> = loaded.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(warned, ["client.bank.key", "carrier.tim.password"]);
    for text in [
        format!("{loaded:?}"),
        loaded.tree().to_string(),
        format!("{:?}", loaded.effective()),
    ] {
        assert!(!text.contains("bank-key") && !text.contains("hush"), "{text}");
    }
}

#[test]
fn no_error_shows_a_secret() {
    for bad in [
        "[carrier.tim]\npassword = 31337",
        "[carrier.tim]\npassword = \"hush31337\" x",
        "[carrier.tim]\npassword = hush31337",
        "carrier.tim = { host = \"h\", password = \"hush31337 }",
        "[client.bank.webhook]\nsecret = \"whsec_hush31337\"\nurl = \"https://a:hush31337@b/\"",
        "[store]\nurl = \"postgres://araldo:hush31337@db/araldo\"",
        "[client.a]\nkey = \"hush31337hush31337\"\n[client.b]\nkey = \"hush31337hush31337\"",
    ] {
        let error = Config::parse(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("31337"), "{error}");
    }
}

#[test]
fn the_configuration_of_the_comparison_runs_loads() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
[store]
url = "sqlite:///run/somewhere/araldo.db"
[http.api]
listen = "127.0.0.1:8480"
[http.admin]
listen = "127.0.0.1:8481"
[webhook]
allow_networks = ["127.0.0.0/8"]
[client.bench]
key = "bench-key-bench-key-bench-key-0001"
scopes = ["send", "read"]
[client.bench.webhook]
url = "http://127.0.0.1:9080/dlr"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
events = ["message.delivered"]
batch = 100
[carrier.bench]
protocol = "smpp"
host = "127.0.0.1"
port = 2775
system_id = "bench"
password = "bench"
tls = false
insecure_plaintext = true
bind_mode = "transceiver"
binds = 1
window = 1000
throughput = 0
[route.all]
steps = [{ carriers = ["bench"] }]
"#;
    let main = write(&dir.path().join("araldo.toml"), text, 0o600);
    let loaded = load(&main, &[], &[]).unwrap();
    assert_eq!(loaded.config.state_dir, Path::new("/run/somewhere"));
    assert_eq!(loaded.config.client["bench"].webhook.as_ref().unwrap().batch, 100);
}

#[test]
fn a_step_names_its_carriers_alone_or_with_a_weight() {
    let text = GOOD.replace(
        "steps = [{ carriers = [\"tim\"] }]",
        "steps = [{ carriers = [{ id = \"tim\", weight = 3 }], wait = \"2m\" }, { carriers = [\"tim\"] }]",
    );
    let config = Config::parse(&text).unwrap();
    let steps = &config.route["italy"].steps;
    assert_eq!(steps[0].carriers[0].weight, 3);
    assert_eq!(steps[0].wait, Some(Duration::from_secs(120)));
    assert_eq!(steps[1].carriers[0].weight, 1);
}

#[test]
fn one_reading_tells_every_mistake() {
    let text = r#"
[carrier.tim]
hst = "smsc.tim.example"
window = "many"
response_timeout = 30
[rote.italy]
[store]
retention = true
"#;
    let error = Config::parse(text).unwrap_err().to_string();
    for key in [
        "carrier.tim.hst",
        "carrier.tim.window",
        "carrier.tim.response_timeout",
        "rote",
        "store.retention",
    ] {
        assert!(error.contains(&format!("{key}: ")), "{key} in\n{error}");
    }
}

// --- The file that documents every key ---

/// The file with every commented key live. Prose has a space after its `#`, a key has none.
fn uncommented() -> String {
    let live = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest.to_owned(),
        _ => line.to_owned(),
    };
    DEFAULT_FILE.lines().map(live).collect::<Vec<_>>().join("\n")
}

fn leaves(json: &Json, path: &str, found: &mut Vec<(String, Json)>) {
    match json {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(value, &path, found);
            }
        }
        _ => found.push((path.to_owned(), json.clone())),
    }
}

/// The tables that the file shows, each at the code's defaults.
fn defaults_like_the_file() -> Config {
    let name = |text: &str| crate::domain::Name::parse(text).unwrap();
    let mut config = Config::default();
    let client = ClientConfig {
        webhook: Some(ClientWebhookConfig::default()),
        ..ClientConfig::default()
    };
    config.client.insert(name("bank"), client);
    config.carrier.insert(name("tim"), CarrierConfig::default());
    config.rbm.insert(name("rbm-bank"), RbmConfig::default());
    config.route.insert(name("italy"), RouteConfig::default());
    config.address.insert("12345".into(), AddressConfig::default());
    config.brand.insert(name("acme"), BrandConfig::default());
    config.topic.insert(name("offers"), TopicConfig::default());
    let hours = QuietHoursConfig::default();
    config.quiet_hours.insert(crate::domain::Class::Marketing, hours);
    config.care.hours.insert(Weekday::Monday, Vec::new());
    let texts = &mut config.consent.texts;
    for texts in [
        &mut texts.stop,
        &mut texts.stop_topic,
        &mut texts.start,
        &mut texts.start_topic,
        &mut texts.help,
    ] {
        texts.insert(Locale::It, String::new());
    }
    config.event.insert(name("card-shipped"), EventConfig::default());
    config.nats = Some(NatsConfig::default());
    config.sim_swap = Some(SimSwapConfig::default());
    config.template.insert(name("card_shipped"), TemplateConfig::default());
    config.command.insert(name("balance"), every_key_of_a_command());
    let italian = [(Locale::It, String::new())].into();
    config.two_way.words.insert("not_understood".to_owned(), italian);
    config
}

/// Its tables of tables, each with the entries that the file shows.
fn every_key_of_a_command() -> Command {
    let italian = || [(Locale::It, String::new())].into();
    let slot = Slot {
        values: [("promo".to_owned(), Vec::new())].into(),
        prompt: italian(),
        ..Slot::default()
    };
    Command {
        title: [(Locale::It, String::new()), (Locale::En, String::new())].into(),
        keywords: [(Locale::It, Vec::new())].into(),
        examples: [(Locale::It, Vec::new())].into(),
        slots: [("amount".to_owned(), slot)].into(),
        action: Some(Action::default()),
        replies: [("ok".to_owned(), italian())].into(),
        ..Command::default()
    }
}

#[test]
fn the_shipped_file_is_good_as_it_stands_and_changes_nothing() {
    let config = Config::parse(DEFAULT_FILE).unwrap();
    assert_eq!(config.tree(), Config::default().tree());
}

#[test]
fn the_shipped_file_shows_every_key_at_its_default() {
    let mut places = layer::Places::default();
    let file = layer::Layer::file(Path::new("araldo.toml"), &uncommented(), &mut places).unwrap();
    let mut merged = config::Config::builder().add_source(file).build().unwrap().cache;
    // The one list of tables is not a leaf.
    let shown = layer::to_json(&std::mem::take(&mut merged));
    let mut in_file = Vec::new();
    leaves(&shown, "", &mut in_file);
    let named: BTreeSet<&str> = in_file.iter().map(|(key, _)| key.as_str()).collect();

    let mut in_code = Vec::new();
    leaves(&defaults_like_the_file().tree(), "", &mut in_code);
    let known: BTreeSet<&str> = in_code.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(named, known, "the keys of the file, and those of the code");

    // Read through the sections, so that 1m and 60s are the same.
    let mut shown = shown;
    rbm::split(&mut shown);
    let read: Config = serde_json::from_value(shown).unwrap();
    let mut read_back = Vec::new();
    leaves(&read.tree(), "", &mut read_back);
    for ((key, default), (_, value)) in in_code.iter().zip(&read_back) {
        let none = default.is_null() || default == "" || *default == Json::Array(Vec::new());
        if !none {
            assert_eq!(value, default, "{key}");
        }
    }
}
