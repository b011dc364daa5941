//! `araldo bench`, small: that it measures, refuses what would mislead, and leaves nothing behind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn bench(directory: &Path, args: &[&str]) -> Ended {
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command
        .arg("bench")
        .arg("--dir")
        .arg(directory)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn figures(args: &[&str]) -> Value {
    // Beside the build, which is on a disk; the directory for temporary files often is not.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ended = bench(directory.path(), &[args, &["--json", "--allow-tmpfs"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left");
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn a_small_trial_has_every_figure() {
    let figures = figures(&[
        "-n",
        "400",
        "--connections",
        "4",
        "--keys",
        "--class",
        "otp",
        "--window",
        "50",
    ]);
    assert_eq!(figures["accept"]["accepted"], 400);
    assert_eq!(figures["work"]["messages_per_request"], 1);
    for figure in [
        "/messages_per_second",
        "/accepted_per_second",
        "/peak_rss_mib",
        "/accept/p50_ms",
        "/accept/p99_ms",
        "/machine/fdatasync_per_second",
        "/machine/cores",
    ] {
        assert!(
            figures.pointer(figure).unwrap().as_f64().unwrap() > 0.0,
            "{figure} in {figures}"
        );
    }
    let configuration = figures["configuration"].as_str().unwrap();
    assert!(
        configuration.contains("window = 50") && configuration.contains("key = \"***\""),
        "{configuration}"
    );
    assert_eq!(
        figures["publishable"],
        !cfg!(debug_assertions) && figures["machine"]["file_system"] != "tmpfs"
    );
}

#[test]
fn what_is_queued_while_the_carrier_is_stopped_drains() {
    let figures = figures(&[
        "--queued",
        "600",
        "--ndjson",
        "100",
        "--no-receipt",
        "--connections",
        "2",
    ]);
    assert_eq!(
        (&figures["accept"]["accepted"], &figures["work"]["ndjson"]),
        (&600.into(), &true.into())
    );
    assert!(
        figures["queued"]["drained_per_second"].as_f64().unwrap() > 0.0,
        "{figures}"
    );
    assert!(figures["queued"]["peak_rss_mib"].as_f64().unwrap() > 0.0, "{figures}");
    assert!(figures["messages_per_second"].is_null());
}

#[test]
fn events_are_counted_until_their_last_outcome_is_told() {
    let figures = figures(&["--events", "50", "-n", "400", "--connections", "2", "--class", "otp"]);
    assert_eq!(
        (&figures["accept"]["accepted"], &figures["work"]["messages_per_request"]),
        (&400.into(), &50.into())
    );
    assert_eq!(
        (
            &figures["events"]["webhooks"]["webhooks"],
            &figures["events"]["webhooks"]["delivered"]
        ),
        (&800.into(), &400.into()),
        "{figures}"
    );
    let configuration = figures["configuration"].as_str().unwrap();
    assert!(configuration.contains("secret = \"***\""), "{configuration}");
}

#[test]
fn messages_by_rcs_are_counted_until_the_platform_has_told_that_they_were_read() {
    let figures = figures(&["--rcs", "--read", "-n", "400", "--connections", "4", "--rate", "2000"]);
    assert_eq!(figures["accept"]["accepted"], 400);
    let rcs = &figures["rcs"];
    let counts = ["accepted", "webhooks_taken", "refused", "came_again", "webhooks_untold"];
    assert_eq!(
        counts.map(|name| rcs[name].as_u64().unwrap()),
        [400, 800, 0, 0, 0],
        "{figures}"
    );
    assert!(
        figures["seconds"].as_f64().unwrap() >= 0.2,
        "faster than it was to be: {figures}"
    );
    assert!(rcs["to_platform"]["max_ms"].as_u64().unwrap() > 0, "{figures}");
    assert!(rcs["platform_cpu_seconds_per_1000"].as_f64().is_some(), "{figures}");
    let configuration = figures["configuration"].as_str().unwrap();
    assert!(configuration.contains("client_token = \"***\""), "{configuration}");
}

#[test]
fn a_store_in_memory_is_refused() {
    let memory = Path::new("/dev/shm");
    if araldo::config::file_system(memory).as_deref() != Some("tmpfs") {
        eprintln!("skipped: /dev/shm is no tmpfs here");
        return;
    }
    let directory = tempfile::tempdir_in(memory).unwrap();
    let ended = bench(directory.path(), &["-n", "10"]);
    assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{}", ended.err);
    assert!(
        ended.err.contains("is on tmpfs") && ended.err.contains("--allow-tmpfs"),
        "{}",
        ended.err
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_daemon_that_cannot_start_is_shown_with_its_last_words() {
    let directory = tempfile::tempdir().unwrap();
    let ended = bench(
        directory.path(),
        &["-n", "10", "--allow-tmpfs", "--set", "carrier.simulator.windw=1"],
    );
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("did you mean `window`?") && ended.err.contains("logs and database are left"),
        "{}",
        ended.err
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn arguments_that_make_no_sense_are_exit_2() {
    let here = Path::new(".");
    for (args, hint) in [
        (&["--messages", "0"][..], "1..=10000000"),
        (&["--connections", "1001"], "1..=1000"),
        (&["--window", "5001"], "1..=5000"),
        (&["--ndjson", "0"], "1..=100000"),
        (&["--class", "urgent"], "transaction"),
        (&["--queued", "5", "--messages", "5"], "cannot be used with"),
        (&["--events", "--ndjson", "5"], "cannot be used with"),
        (&["--events", "1"], "2..=1000"),
    ] {
        let ended = bench(here, args);
        assert_eq!(ended.code, 2, "{args:?}");
        assert!(ended.err.contains(hint), "{args:?}: {}", ended.err);
    }
    let ended = bench(Path::new("/proc/nowhere"), &["-n", "10"]);
    assert_eq!(ended.code, 73, "{}", ended.err);
}

#[test]
fn the_generator_works_for_bench_alone() {
    let mut command = Command::cargo_bin("araldo").unwrap();
    let args = [
        "bench-generator",
        "--api",
        "127.0.0.1:1",
        "--messages",
        "1",
        "--connections",
        "1",
        "--class",
        "otp",
    ];
    let output = command.args(args).env_remove("ARALDO_BENCH_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("started by `araldo bench` only")
    );
    let help = Command::cargo_bin("araldo").unwrap().arg("--help").output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("bench-generator"));
}
