//! What `araldo config check` says to a bad configuration: an exit code, a place, and what to do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

const CLIENT: &str = "[client.bank]\nkey_file = \"bank.key\"\n";
const CARRIER: &str =
    "[carrier.tim]\nhost = \"smsc.tim.example\"\nsystem_id = \"araldo\"\npassword_file = \"tim.pw\"\n";
const ROUTE: &str = "[route.italy]\nprefixes = [\"39\"]\nsteps = [{ carriers = [\"tim\"] }]\n";

/// A directory with a good configuration, to be spoiled.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        bench.write("bank.key", "0123456789abcdef0123456789abcdef\n", 0o600);
        bench.write("tim.pw", "hush\n", 0o600);
        bench.config(&[CLIENT, CARRIER, ROUTE]);
        bench
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn config(&self, parts: &[&str]) {
        let store = format!(
            "[store]\nurl = \"sqlite://{}/state/araldo.db\"\n",
            self.path().display()
        );
        self.write("araldo.toml", &(store + &parts.concat()), 0o600);
    }

    fn check(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
        let file = self.path().join("araldo.toml");
        let mut command = Command::cargo_bin("araldo").unwrap();
        let command = command.env_clear().envs(env.iter().copied()).current_dir(self.path());
        let output = command
            .args(["config", "check", "--config"])
            .arg(file)
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    fn refuses(&self, what: &str, exit: i32, fragments: &[&str]) {
        self.refuses_with(what, &[], &[], exit, fragments);
    }

    #[track_caller]
    fn refuses_with(&self, what: &str, args: &[&str], env: &[(&str, &str)], exit: i32, fragments: &[&str]) {
        let (code, _, err) = self.check(args, env);
        assert_eq!(code, exit, "{what}:\n{err}");
        for fragment in fragments {
            assert!(err.contains(fragment), "{what}: `{fragment}` in\n{err}");
        }
        assert!(!err.contains("panicked") && !err.contains("hush"), "{what}:\n{err}");
    }
}

#[test]
fn a_good_configuration_is_exit_0_and_shows_the_values_with_their_origin_and_secrets_starred() {
    let bench = Bench::new();
    let (code, out, err) = bench.check(&["--strict"], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("carrier.tim.password = \"***\"  # "), "{out}");
    assert!(out.contains("araldo.toml:4:1"), "{out}");
    assert!(out.contains("carrier.tim.window = 100  # default"), "{out}");
    assert!(!out.contains("hush") && !out.contains("0123456789abcdef"), "{out}");
    assert!(!bench.path().join("state").exists(), "a check leaves nothing behind");
}

/// RELIABILITY §5.3, the rows that the text of a file can show: name, file, fragments of the answer.
const BAD_TEXTS: &[(&str, &[&str], &[&str])] = &[
    (
        "syntax error",
        &[CLIENT, "[carrier.tim]\nhost smsc\n"],
        &["araldo.toml:6:6: ", "6 | host smsc", "     ^"],
    ),
    (
        "unknown section",
        &["[carier.tim]\nhost = \"x\"\n"],
        &["araldo.toml:3:2: carier: unknown key", "did you mean `carrier`?"],
    ),
    (
        "misspelled key",
        &[CARRIER, "windw = 5\n"],
        &[
            "araldo.toml:7:1: carrier.tim.windw: unknown key",
            "did you mean `window`?",
        ],
    ),
    (
        "unknown key",
        &["[log]\nzzz = 5\n"],
        &["log.zzz: unknown key", "the keys here are format, filter"],
    ),
    (
        "misspelled key of a step",
        &[CLIENT, CARRIER, "[route.r]\nsteps = [{ carrier = [\"tim\"] }]\n"],
        &["route.r.steps[0].carrier: unknown key", "did you mean `carriers`?"],
    ),
    (
        "unit missing",
        &[CARRIER, "response_timeout = 30\n"],
        &["carrier.tim.response_timeout: ", "integer `30`", "\"30s\""],
    ),
    (
        "unit missing in text",
        &[CARRIER, "response_timeout = \"30\"\n"],
        &["carrier.tim.response_timeout: ", "\"2m\""],
    ),
    (
        "wrong type",
        &[CARRIER, "window = \"many\"\n"],
        &[
            "araldo.toml:7:1: carrier.tim.window: invalid type: string \"many\"",
            "write it as in window = 100",
        ],
    ),
    (
        "wrong word",
        &[CARRIER, "bind_mode = \"transciever\"\n"],
        &["`transciever` is not one of", "did you mean \"transceiver\"?"],
    ),
    (
        "number out of its type",
        &[CARRIER, "window = 99999999999999999999\n"],
        &["carrier.tim.window: "],
    ),
    (
        "protocol that does not exist",
        &["[carrier.x]\nprotocol = \"ucp\"\n"],
        &["`ucp` is not one of smpp"],
    ),
    (
        "duplicate carrier id",
        &[CARRIER, CARRIER],
        &["duplicate key", "araldo.toml:7:", "see also ", "araldo.toml:3:1"],
    ),
    (
        "route to an unknown carrier",
        &[CLIENT, CARRIER, "[route.r]\nsteps = [{ carriers = [\"tin\"] }]\n"],
        &[
            "route.r.steps[0].carriers[0]: there is no carrier `tin`",
            "araldo.toml:10:",
            "see also ",
            "araldo.toml:5:10",
            "did you mean \"tim\"?",
        ],
    ),
    (
        "step without carrier",
        &["[route.r]\nsteps = [{ carriers = [] }]\n"],
        &["route.r.steps[0].carriers: has no carrier"],
    ),
    (
        "route without step",
        &["[route.r]\n"],
        &["araldo.toml:3:8: route.r.steps: has no step"],
    ),
    (
        "carrier twice in a step",
        &[CARRIER, "[route.r]\nsteps = [{ carriers = [\"tim\", \"tim\"] }]\n"],
        &["carrier `tim` is there twice"],
    ),
    (
        "two routes for the same",
        &[
            CARRIER,
            ROUTE,
            "[route.r]\nprefixes = [\"39\"]\nsteps = [{ carriers = [\"tim\"] }]\n",
        ],
        &["serves prefix 39 for the same messages as route `italy`", "see also"],
    ),
    (
        "prefix that is none",
        &[
            CARRIER,
            "[route.r]\nprefixes = [\"+39\"]\nsteps = [{ carriers = [\"tim\"] }]\n",
        ],
        &["`+39` is not the beginning of a number", "prefixes = [\"39\"]"],
    ),
    (
        "receiver that should send",
        &[CARRIER, "bind_mode = \"receiver\"\n", ROUTE],
        &["cannot send"],
    ),
    (
        "plaintext without its word",
        &[CARRIER, "tls = false\n"],
        &["carrier.tim.tls: ", "insecure_plaintext = true"],
    ),
    (
        "plaintext API beyond loopback",
        &["[http.api]\nlisten = \"0.0.0.0:8480\"\n"],
        &[
            "http.api.listen: 0.0.0.0:8480 is beyond loopback",
            "insecure_plaintext = true",
        ],
    ),
    (
        "both listeners on one port",
        &["[http.admin]\nlisten = \"127.0.0.1:8480\"\n"],
        &["which http.api.listen has already"],
    ),
    (
        "window 0",
        &[CARRIER, "window = 0\n"],
        &["carrier.tim.window: is 0, and must be 1 to 5000", "1 <= window <= 5000"],
    ),
    (
        "window 10000",
        &[CARRIER, "window = 10000\n"],
        &["is 10000, and must be 1 to 5000"],
    ),
    (
        "rate beyond reason",
        &[CARRIER, "throughput = 4000000000\n"],
        &["0 <= throughput <= 1000000"],
    ),
    (
        "idle for ever",
        &["[http]\nidle_timeout = \"2h\"\n"],
        &["http.idle_timeout: is 2h, and must be 1s to 1h"],
    ),
    ("binds 65", &[CARRIER, "binds = 65\n"], &["1 <= binds <= 64"]),
    (
        "rescue after the doubt",
        &["[outbox]\nrescue_interval = \"50s\"\n"],
        &["keep outbox.rescue_interval <= outbox.doubt_hold"],
    ),
    (
        "rescue after the answer",
        &[
            "[outbox]\nrescue_interval = \"20s\"\n",
            CARRIER,
            "response_timeout = \"10s\"\n",
        ],
        &[
            "keep outbox.rescue_interval <= carrier.tim.response_timeout",
            "see also",
        ],
    ),
    (
        "reconnect upside down",
        &[CARRIER, "reconnect_min = \"2m\"\n"],
        &["keep carrier.tim.reconnect_min <= carrier.tim.reconnect_max"],
    ),
    (
        "doubt_hold 0",
        &["[outbox]\ndoubt_hold = \"0s\"\n"],
        &["\"1s\" <= doubt_hold"],
    ),
    ("keys kept longer than messages", &["[store]\n"], &["duplicate key"]),
    (
        "status of another standard",
        &[CARRIER, "status = { 413 = \"final\" }\n"],
        &["neither the name nor the code of a status"],
    ),
    (
        "TLS files that are not there",
        &["[http.api]\ntls_cert_file = \"no.crt\"\ntls_key_file = \"no.key\"\n"],
        &["http.api.tls_cert_file: ", "no.crt cannot be read"],
    ),
    (
        "certificate without key",
        &["[http.api]\ntls_cert_file = \"no.crt\"\n"],
        &["one is missing"],
    ),
    (
        "authority that is not there",
        &[CARRIER, "tls_ca_file = \"no.pem\"\n"],
        &["carrier.tim.tls_ca_file: ", "no.pem cannot be read"],
    ),
    (
        "host with a scheme",
        &["[carrier.x]\nhost = \"smpp://h\"\nsystem_id = \"a\"\n"],
        &["neither a host name nor an address"],
    ),
    (
        "required keys missing",
        &["[carrier.x]\n[client.y]\n"],
        &[
            "carrier.x.host: is missing",
            "carrier.x.system_id: is missing",
            "client.y: has no key",
        ],
    ),
    (
        "id with a capital",
        &["[carrier.Tim]\nhost = \"h\"\n"],
        &["`Tim` is not a name"],
    ),
    (
        "two forms of a secret",
        &[CARRIER, "password = \"hush\"\n"],
        &["is given in more than one form", "see also"],
    ),
    (
        "secret file that is not there",
        &["[client.x]\nkey_file = \"none\"\n"],
        &["client.x.key_file: ", "none cannot be read", "mode 0600"],
    ),
    (
        "credential without systemd",
        &["[client.x]\nkey_credential = \"x\"\n"],
        &["CREDENTIALS_DIRECTORY is not set"],
    ),
    (
        "scope that does not exist",
        &[CLIENT, "scopes = [\"sent\"]\n"],
        &["client.bank.scopes[0]: `sent` is not one of", "did you mean \"send\"?"],
    ),
    (
        "address of nobody",
        &["[address.\"12345\"]\nclient = \"bank\"\n"],
        &["address.12345.client: there is no client `bank`"],
    ),
    (
        "webhook without secret",
        &[CLIENT, "webhook = { url = \"https://bank.example/\" }\n"],
        &["client.bank.webhook.secret: is missing", "whsec_"],
    ),
    (
        "webhook by http",
        &[
            CLIENT,
            "webhook = { url = \"http://bank.example/\", secret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n",
        ],
        &["plain http goes only to", "allow_networks"],
    ),
    (
        "webhook to an event that does not exist",
        &[
            CLIENT,
            "webhook = { url = \"https://b.example/\", events = [\"message.delivred\"] }\n",
        ],
        &["did you mean \"message.delivered\"?"],
    ),
    (
        "network that is none",
        &["[webhook]\nallow_networks = [\"10.0.0.1/8\"]\n"],
        &["`10.0.0.1/8` is not a network"],
    ),
    (
        "filter that cannot be read",
        &["[log]\nfilter = \"araldo=loud\"\n"],
        &["log.filter: cannot be read"],
    ),
];

#[test]
fn every_bad_text_is_exit_78_with_place_and_cure() {
    for (what, parts, fragments) in BAD_TEXTS {
        let bench = Bench::new();
        bench.config(parts);
        bench.refuses(what, 78, fragments);
    }
}

#[test]
fn a_database_that_is_not_built_in_is_exit_78() {
    let bench = Bench::new();
    bench.refuses_with(
        "postgres",
        &["--set", "store.url=postgres://a:hush@h/d"],
        &[],
        78,
        &["`postgres://` is not built in"],
    );
    bench.refuses_with(
        "no URL",
        &["--set", "store.url=araldo.db"],
        &[],
        78,
        &["is not a URL of a database"],
    );
    let set = ["--set", "store.idempotency_retention=40d"];
    bench.refuses_with(
        "inequality",
        &set,
        &[],
        78,
        &["keep store.idempotency_retention <= store.retention"],
    );
}

#[test]
fn a_variable_or_setting_that_matches_nothing_is_exit_78() {
    let bench = Bench::new();
    let env = [("ARALDO__CARRIER__TIM__WINDW", "5")];
    bench.refuses_with(
        "variable",
        &[],
        &env,
        78,
        &[
            "environment ARALDO__CARRIER__TIM__WINDW: carrier.tim.windw: unknown key",
            "`window`",
        ],
    );
    bench.refuses_with(
        "carrier",
        &[],
        &[("ARALDO__CARRIER__TIMM__WINDOW", "5")],
        78,
        &["environment ARALDO__CARRIER__TIMM__WINDOW: carrier.timm.host: is missing"],
    );
    bench.refuses_with(
        "name",
        &[],
        &[("ARALDO__STORE____URL", "x")],
        78,
        &["ARALDO__STORE____URL", "is not the name of a key"],
    );
    bench.refuses_with(
        "setting",
        &["--set", "carrier.tim.windw=5"],
        &[],
        78,
        &["--set carrier.tim.windw: carrier.tim.windw: unknown key"],
    );
    bench.refuses_with(
        "no value",
        &["--set", "carrier.tim.window"],
        &[],
        78,
        &["--set needs `key=value`"],
    );
    bench.refuses_with(
        "wrong type",
        &[],
        &[("ARALDO__CARRIER__TIM__WINDOW", "many")],
        78,
        &["environment ARALDO__CARRIER__TIM__WINDOW: carrier.tim.window: "],
    );
}

#[test]
fn secrets_that_everyone_may_read_are_exit_78_and_inline_ones_under_strict() {
    let bench = Bench::new();
    bench.write("tim.pw", "hush\n", 0o644);
    bench.refuses(
        "secret file",
        78,
        &["carrier.tim.password_file: ", "mode 0644", "chmod 0600"],
    );
    bench.write("tim.pw", "", 0o600);
    bench.refuses("empty secret", 78, &["tim.pw is empty"]);
    bench.write("tim.pw", "hush\n", 0o640);
    bench.refuses("group", 0, &["warning: ", "may be read by its group (mode 0640)"]);

    let inline = CARRIER.replace("password_file = \"tim.pw\"", "password = \"hush\"");
    bench.config(&[CLIENT, &inline, ROUTE]);
    bench.refuses(
        "inline",
        0,
        &["warning: ", "is a secret written inline", "password_file"],
    );
    bench.refuses_with(
        "inline, strict",
        &["--strict"],
        &[],
        78,
        &["error: ", "is a secret written inline"],
    );
    let path = bench.path().join("araldo.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    bench.refuses(
        "inline in a public file",
        78,
        &["everyone may read (mode 0644)", "chmod o="],
    );
}

#[test]
fn certificates_that_do_not_match_or_have_expired_are_exit_78() {
    let bench = Bench::new();
    let (mine, other) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let cert = |until: (i32, u8, u8)| {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&mine).unwrap().pem()
    };
    bench.config(&[
        CLIENT,
        CARRIER,
        ROUTE,
        "[http.api]\ntls_cert_file = \"api.crt\"\ntls_key_file = \"api.key\"\n",
    ]);
    bench.write("api.crt", &cert((2100, 1, 1)), 0o644);
    bench.write("api.key", &mine.serialize_pem(), 0o600);
    assert_eq!(bench.check(&["--strict"], &[]).0, 0);
    bench.write("api.key", &other.serialize_pem(), 0o600);
    bench.refuses(
        "another key",
        78,
        &["http.api.tls_key_file: is not the key of that certificate", "see also"],
    );
    bench.write("api.key", "not PEM", 0o600);
    bench.refuses("no key", 78, &["api.key holds no private key"]);
    bench.write("api.key", &mine.serialize_pem(), 0o600);
    bench.write("api.crt", &cert((2001, 1, 1)), 0o644);
    bench.refuses("expired", 78, &["the certificate expired on 2001-01-01", "renew"]);
    bench.write("api.crt", "", 0o644);
    bench.refuses("no certificate", 78, &["api.crt holds no certificate"]);
}

#[test]
fn a_state_directory_that_cannot_be_is_exit_73() {
    let bench = Bench::new();
    bench.write("state", "a file", 0o600);
    bench.refuses("file in its place", 73, &["is not a directory", "cure"]);
    // A place where not even root makes directories.
    let set = ["--set", "store.url=sqlite:///proc/araldo/araldo.db"];
    bench.refuses_with("cannot be made", &set, &[], 73, &["/proc/araldo", "cannot be made"]);
}

#[test]
fn a_file_that_is_named_and_missing_is_exit_78() {
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command
        .args(["config", "check", "--config", "/nowhere/araldo.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("/nowhere/araldo.toml: cannot be read") && err.contains("config default"),
        "{err}"
    );
}

#[test]
fn run_refuses_a_bad_configuration_as_check_does() {
    let bench = Bench::new();
    bench.config(&["[log]\nformt = \"json\"\n"]);
    let file = bench.path().join("araldo.toml");
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command.arg("run").arg("--config").arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("did you mean `format`?")
    );
}

#[test]
fn run_without_any_configuration_says_how_to_get_one() {
    let bench = Bench::new();
    let place = bench.path().join("empty");
    fs::create_dir(&place).unwrap();
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command
        .env_clear()
        .current_dir(&place)
        .args(["run", "--set", "http.api.listen=127.0.0.1:0"])
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{err}");
    for fragment in [
        "no configuration",
        "/etc/araldo/araldo.toml",
        "client, carrier or route",
        "araldo config default > araldo.toml",
    ] {
        assert!(err.contains(fragment), "`{fragment}` in\n{err}");
    }
    assert!(fs::read_dir(&place).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn a_taken_port_is_told_once_and_is_no_reason_for_systemd_to_give_up() {
    let bench = Bench::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("http.api.listen={}", taken.local_addr().unwrap());
    let file = bench.path().join("araldo.toml");
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command
        .env_clear()
        .args(["run", "--set", &listen, "--config"])
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert_eq!(said.matches("Address already in use").count(), 1, "{said}");
    assert!(said.contains("http.api.listen") && said.contains("cure"), "{said}");
    let unit = include_str!("../systemd/araldo.service");
    let prevented = unit
        .lines()
        .find_map(|line| line.strip_prefix("RestartPreventExitStatus="))
        .unwrap();
    assert!(prevented.split(' ').all(|code| code != "74"), "{prevented}");
}

#[test]
fn a_misspelled_verb_is_exit_2_with_the_right_one() {
    let output = Command::cargo_bin("araldo").unwrap().arg("confg").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("'config'"));
}

#[test]
fn the_printed_default_is_a_good_configuration() {
    let bench = Bench::new();
    let output = Command::cargo_bin("araldo")
        .unwrap()
        .args(["config", "default"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    bench.write("araldo.toml", &String::from_utf8(output.stdout).unwrap(), 0o644);
    let state = format!("store.url=sqlite://{}/state/araldo.db", bench.path().display());
    let (code, _, err) = bench.check(&["--set", &state], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("there is no carrier"), "{err}");
}
