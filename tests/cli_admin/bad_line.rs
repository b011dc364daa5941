//! Command lines that make no sense.

use crate::answer::{ID, daemon};
use crate::bench::Bench;

#[test]
fn bad_command_lines_are_exit_2_and_say_what_would_be_right() {
    let bench = Bench::new(daemon);
    for (what, args, input, code, fragment) in SECTION_5_6 {
        let ended = bench.run_with(args, input);
        assert_eq!((ended.code, ended.out.as_str()), (*code, ""), "{what}: {}", ended.err);
        assert!(ended.err.contains(fragment), "{what}: {}", ended.err);
        assert!(
            bench.asked().iter().all(|(line, _)| line.starts_with("GET")),
            "{what}: nothing was done"
        );
    }
}

/// RELIABILITY §5.6: verb and input, exit code, a fragment of the answer.
const SECTION_5_6: &[(&str, &[&str], &str, i32, &str)] = &[
    ("unknown command", &["mesages", "list"], "", 2, "'messages'"),
    ("unknown verb", &["messages", "lst"], "", 2, "'list'"),
    ("unknown flag", &["messages", "list", "--lmit", "5"], "", 2, "'--limit'"),
    (
        "no confirmation in a pipe",
        &["messages", "requeue", ID],
        "",
        2,
        "needs --yes",
    ),
    (
        "number twice",
        &["send", "+393331234567"],
        "+393337654321\nCiao\n",
        2,
        "a number by argument and another",
    ),
    ("no number", &["send"], "Ciao\n", 2, "no number"),
    ("no text", &["send", "+393331234567"], "", 2, "no text"),
    (
        "bad date",
        &["send", "+393331234567", "x", "--not-before", "tomorrow"],
        "",
        2,
        "--not-before",
    ),
    (
        "date without zone",
        &["send", "+393331234567", "x", "--expires-at", "2026-11-21T10:00:00"],
        "",
        2,
        "--expires-at",
    ),
    ("negative limit", &["messages", "list", "--limit=-1"], "", 2, "1..=1000"),
    ("limit 0", &["inbound", "list", "--limit", "0"], "", 2, "1..=1000"),
    (
        "huge limit",
        &["messages", "list", "--limit", "1000000000"],
        "",
        2,
        "1..=1000",
    ),
    ("no id", &["messages", "show", "42"], "", 2, "msg_"),
    ("no state", &["messages", "list", "--state", "sent"], "", 2, "submitted"),
    (
        "no class",
        &["send", "+393331234567", "x", "--class", "urgent"],
        "",
        2,
        "marketing",
    ),
    ("carrier that is no name", &["carriers", "stop", "Tim!"], "", 2, "a-z"),
    (
        "token across the network",
        &["status", "--admin", "192.0.2.1:8481"],
        "",
        2,
        "of this host",
    ),
    (
        "no address",
        &["status", "--admin", "localhost"],
        "",
        2,
        "127.0.0.1:8481",
    ),
    (
        "interval 0",
        &["status", "--watch", "--interval", "0"],
        "",
        2,
        "1..=3600",
    ),
];
