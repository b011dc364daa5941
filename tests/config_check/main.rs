//! What `araldo config check` says to a bad configuration: an exit code, a place, and what to do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod text;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use assert_cmd::Command;

use crate::bench::{Bench, CARRIER, CLIENT, ROUTE};

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
fn a_stream_of_nats_needs_its_build_and_its_keys() {
    let bench = Bench::new();
    let set = ["--set", "nats.url=nats://a:hush@h:4222", "--set", "nats.batch=0"];
    let wanted = [
        "nats.url: holds a secret",
        "nats.stream: is missing",
        "nats.client: is missing",
        "nats.batch: is 0",
    ];
    bench.refuses_with("keys", &set, &[], 78, &wanted);
    let set = ["--set", "nats.client=nobody", "--set", "nats.url=http://h"];
    bench.refuses_with(
        "client",
        &set,
        &[],
        78,
        &["nats.client: ", "must begin with nats:// or tls://"],
    );
    if !cfg!(feature = "nats") {
        bench.refuses_with("build", &set, &[], 78, &["--features nats"]);
    }
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
fn ways_of_a_carrier_that_cannot_be_are_exit_78() {
    let bench = Bench::new();
    let ways = |ways: &str| bench.config(&[CLIENT, CARRIER, ways, ROUTE]);
    ways(
        "shift_tables = [\"turkish\", \"spanish\"]\ntime_zone = \"Europe/Rome\"\ndefault_alphabet = \"gsm7_packed\"\n",
    );
    let (code, out, err) = bench.check(&["--strict"], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("carrier.tim.time_zone = \"Europe/Rome\"  # "), "{out}");
    for (way, words) in [
        (
            "time_zone = \"Europe/Roma\"",
            &[
                "araldo.toml:9:",
                "carrier.tim.time_zone: ",
                "\"Europe/Roma\"",
                "\"Europe/Rome\" or \"+01:00\"",
            ][..],
        ),
        (
            "shift_tables = [\"turkisch\"]",
            &[
                "carrier.tim.shift_tables[0]: `turkisch` is not one of",
                "did you mean \"turkish\"?",
            ],
        ),
        (
            "shift_tables = \"automatic\"\nlong_message = \"sar\"",
            &[
                "carrier.tim.shift_tables: the carrier divides long texts itself",
                "see also",
            ],
        ),
        (
            "shift_tables = \"automatic\"\ndefault_alphabet = \"latin1\"",
            &["carrier.tim.shift_tables: national tables need septets", "see also"],
        ),
        (
            "default_alphabet = \"ebcdic\"",
            &["`ebcdic` is not one of gsm7, gsm7_packed, ascii"],
        ),
    ] {
        ways(&format!("{way}\n"));
        bench.refuses(way, 78, words);
    }
    ways("");
    let env = [("ARALDO__CARRIER__TIM__SHIFT_TABLES", "[\"urdu\"]")];
    assert_eq!(bench.check(&[], &env).0, 0);
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
    let unit = include_str!("../../systemd/araldo.service");
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

#[test]
fn two_commands_that_clash_are_exit_78_with_the_file_and_line_of_each() {
    let bench = Bench::new();
    bench.write(
        "conf.d/commands.toml",
        include_str!("../../config/commands.toml"),
        0o600,
    );
    let (code, _, err) = bench.check(&["--strict"], &[]);
    assert_eq!(code, 0, "the shipped catalogue as a drop-in: {err}");
    let ours =
        "[command.prize]\ntitle = { it = \"Premio\", en = \"Prize\" }\nkeywords = { it = [\"premio\", \"saldi\"] }\n";
    bench.write("conf.d/prize.toml", ours, 0o600);
    bench.refuses(
        "too near",
        78,
        &[
            "conf.d/prize.toml:3:",
            "command.prize.keywords.it[1]: `saldi` is one typo away from `saldo`, a keyword of `balance`",
            "see also",
            "conf.d/commands.toml:",
            "cure: choose another keyword for one of the two",
        ],
    );
    bench.write(
        "conf.d/prize.toml",
        "[command.prize]\ntitel = { it = \"Premio\" }\n",
        0o600,
    );
    bench.refuses(
        "a misspelt key",
        78,
        &["command.prize.titel: unknown key", "did you mean `title`?"],
    );
}

#[test]
fn what_certifies_a_number_and_who_knows_of_its_sim_are_checked() {
    let bench = Bench::new();
    let section = |text: &str| bench.config(&[CLIENT, CARRIER, ROUTE, text]);
    section("[sim_swap]\nurl = \"https://operator.example/sim-swap/v0/check\"\ntoken = \"t0ken\"\n");
    let (code, out, err) = bench.check(&[], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("sim_swap.token = \"***\"") && !out.contains("t0ken"),
        "{out}"
    );
    assert!(err.contains("sim_swap.token: is a secret written inline"), "{err}");
    let balance = "[command.balance]\ntitle.it = \"Saldo\"\nkeywords.it = [\"saldo\"]\n";
    let secret = format!("{balance}[command.balance.action]\nurl = \"https://b.example\"\nsecret_file = \"none\"\n");
    for (text, words) in [
        ("[sim_swap]\n", &["sim_swap.url: is missing", "sim-swap/v0/check"][..]),
        (
            "[sim_swap]\nurl = \"http://10.0.0.1/check\"\n",
            &["sim_swap.url: plain http goes only to the networks of webhook.allow_networks"],
        ),
        (
            "[sim_swap]\nurl = \"https://o.example\"\nmax_age = \"90m\"\n",
            &["sim_swap.max_age: is no number of whole hours"],
        ),
        (
            "[sim_swap]\nurl = \"https://o.example\"\ntoken = \"Bearer hush\"\n",
            &["sim_swap.token: is no token", "without `Bearer`"],
        ),
        (
            "[two_way]\ncountry = \"XX\"\n",
            &["two_way.country: `XX` is no country of ISO 3166-1 alpha-2"],
        ),
        (
            "[two_way.words.verification]\nit = \"Ciao\"\n",
            &["two_way.words.verification.it: does not say the code"],
        ),
        (
            "[verification]\ntemplate = \"verify\"\nper_hour = 0\n",
            &["verification.per_hour: is 0, and must be 1 to 100"],
        ),
        (
            "[verification]\ntemplate = \"verify\"\n",
            &["verification.template: there is no template `verify`"],
        ),
        (&secret, &["command.balance.action.secret_file: ", "none"]),
    ] {
        section(text);
        bench.refuses(text, 78, words);
        assert!(!bench.check(&[], &[]).2.contains("hush"), "{text}");
    }
}
