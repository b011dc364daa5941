//! `araldo demo` as a person runs it: the banner, its curl line, the end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Looks at the message, a tenth of a second apart, before it should have been delivered.
const LOOKS: usize = 200;

struct Running {
    demo: Child,
    out: BufReader<std::process::ChildStdout>,
    banner: String,
}

fn start(arguments: &[&str]) -> Running {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_araldo"))
        .args(["demo", "--any-port", "--quiet"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    let mut out = BufReader::new(demo.stdout.take().expect("its output"));
    let mut banner = String::new();
    while !banner.contains("Ctrl-C") {
        assert!(
            out.read_line(&mut banner).expect("a line") > 0,
            "it ended early: {banner}"
        );
    }
    Running { demo, out, banner }
}

fn end(mut running: Running, signal: &str) -> String {
    let pid = running.demo.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill")
            .success()
    );
    let mut rest = String::new();
    running.out.read_to_string(&mut rest).expect("the last words");
    let status = running.demo.wait().expect("its end");
    assert_eq!(status.code(), Some(0), "{rest}");
    rest
}

#[test]
fn the_curl_line_of_the_banner_works_as_it_stands_and_ctrl_c_tells_how_it_went() {
    let running = start(&[]);
    let banner = &running.banner;
    assert!(
        banner.contains("http://127.0.0.1:") && banner.contains("for this run only"),
        "{banner}"
    );
    assert!(!banner.contains('\x1b'), "no colours in a pipe");
    let line = banner.lines().find(|line| line.contains("curl ")).expect("a curl line");
    assert!(line.contains("Authorization: Bearer "), "{line}");
    if Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("no curl: its line is not tried");
        end(running, "-INT");
        return;
    }
    let sent = Command::new("sh").args(["-c", line]).output().expect("curl");
    let answer = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert!(answer.contains("\"id\":\"msg_"), "{answer}");
    let id = answer.split('"').nth(3).expect("an id").to_owned();
    let look = line
        .split(" -H 'Content-Type")
        .next()
        .expect("a beginning")
        .replace("/v1/messages", &format!("/v1/messages/{id}"));
    let mut looks = 0;
    loop {
        let state = Command::new("sh").args(["-c", &look]).output().expect("curl");
        if String::from_utf8_lossy(&state.stdout).contains("\"state\":\"delivered\"") {
            break;
        }
        looks += 1;
        assert!(looks < LOOKS, "not delivered in time");
        std::thread::sleep(Duration::from_millis(100));
    }
    let event = running.banner.lines().find(|line| line.contains("/v1/events -H"));
    let published = Command::new("sh")
        .args(["-c", event.expect("a line that publishes")])
        .output()
        .expect("curl");
    let answer = String::from_utf8_lossy(&published.stdout).into_owned();
    assert!(
        answer.contains("\"matched\":1") && answer.contains("\"rule\":\"card-shipped\""),
        "{answer}"
    );
    let page = banner
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .expect("the page's address");
    let mut looks = 0;
    loop {
        let shown = Command::new("curl").args(["-sS", page]).output().expect("curl");
        if String::from_utf8_lossy(&shown.stdout).contains("<b data-f=\"verified\">2</b>") {
            break;
        }
        looks += 1;
        assert!(looks < LOOKS, "the bank was not told in time");
        std::thread::sleep(Duration::from_millis(100));
    }
    let last_words = end(running, "-INT");
    assert!(last_words.contains("sent 2, delivered 2, median"), "{last_words}");
    assert!(last_words.contains("events 1, webhooks verified 2"), "{last_words}");
}

#[test]
fn a_kept_database_stays_and_a_termination_ends_it_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a plain name");
    let last_words = end(start(&["--keep", path]), "-TERM");
    assert!(last_words.contains("sent 0, delivered 0"), "{last_words}");
    assert!(dir.path().join("araldo.db").is_file());
    // And it starts again on what it has kept.
    end(start(&["--keep", path]), "-INT");
}
