//! Hostile webhook addresses: nobody who stands on a forbidden address sees a connection, neither of the daemon nor of its
//! code run here; with the guard off, the same posts reach them.
//!
//! Two network namespaces, so that nothing of this machine is touched. In the world's, every address there is is local, and
//! a listener hears them all; a pair of virtual interfaces joins it to the sender's, whose loopback has listeners of its
//! own. The daemon posts as it is shipped, and then its code does, under a name server whose answers change from one
//! question to the next. It needs `ip`, `unshare` and `mount`, and root, sudo or user namespaces; where they are missing it
//! is passed over, but under `CI` that is a failure.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod gateway;
mod hostile;
mod listener;
mod names;
mod sender;
mod world;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Which part of the rig this process plays; none in the process that the test began in.
const ROLE: &str = "ARALDO_HOSTILE_ROLE";
/// The directory that the parts share.
const DIR: &str = "ARALDO_HOSTILE_DIR";
/// The test's own name, for the parts to be started under.
const TEST: &str = "nobody_on_a_forbidden_address_sees_a_connection";

/// The only addresses that may be reached, of the world's back end.
const PUBLIC: [&str; 2] = ["8.8.4.4", "2606:4700:4700::1111"];
/// The world's end of the pair, and the sender's: public by their looks.
const WORLD: [&str; 2] = ["9.9.9.1", "2a09::1"];
const SENDER: [&str; 2] = ["9.9.9.2", "2a09::2"];

/// Connections that listeners saw, by the address that they came to.
type Hits = BTreeMap<IpAddr, u64>;

/// One pass over all addresses.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pass {
    /// How often each answer was given.
    answers: BTreeMap<String, u64>,
    hits: Hits,
}

impl Pass {
    fn forbidden(&self) -> Hits {
        let allowed = |address: &IpAddr| PUBLIC.iter().any(|public| public.parse() == Ok(*address));
        (self.hits.iter())
            .filter(|(address, _)| !allowed(address))
            .map(|(address, count)| (*address, *count))
            .collect()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    /// By the daemon.
    daemon: Pass,
    /// By its code.
    guarded: Pass,
    control: Pass,
}

#[test]
fn nobody_on_a_forbidden_address_sees_a_connection() {
    match std::env::var(ROLE).as_deref() {
        Ok("world") => return world::run(),
        Ok("sender") => return sender::run(),
        Ok(_) | Err(_) => {}
    }
    let Some(way) = namespaces() else {
        let ci = ["CI", "ARALDO_CI"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        assert!(
            !ci,
            "no network namespaces here: ip (iproute2), unshare, mount, and root, sudo or user namespaces are needed"
        );
        eprintln!("passed over: needs ip (iproute2), unshare, mount, and root, sudo or user namespaces");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let status = part("world", &way).env(DIR, dir.path()).status().unwrap();
    assert!(status.success(), "the world ended with {status}");
    let report = std::fs::read(dir.path().join("report.json")).unwrap();
    judge(&serde_json::from_slice(&report).unwrap());
}

fn judge(report: &Report) {
    let cases = hostile::cases();
    let urls: u64 = cases.iter().map(|case| case.posts).sum();
    eprintln!("{} hostile addresses, {urls} posts", cases.len());
    eprintln!("daemon: {:?}", report.daemon.answers);
    eprintln!("guarded: {:?}", report.guarded.answers);
    eprintln!("control: {:?}", report.control.answers);
    assert!(cases.len() >= 300);

    for (who, pass) in [("daemon", &report.daemon), ("guard", &report.guarded)] {
        let forbidden = pass.forbidden();
        eprintln!(
            "connections to forbidden addresses: {} by the {who}",
            forbidden.values().sum::<u64>()
        );
        assert!(forbidden.is_empty(), "{forbidden:?}");
        // That is not for want of a network.
        for public in PUBLIC {
            assert!(
                pass.hits.contains_key(&public.parse().unwrap()),
                "{public} was not reached by the {who}"
            );
        }
        assert!(pass.answers["status_302"] > 0);
    }
    // Every address was refused at the door, or tried; of those tried, every one again as a client's own.
    let daemon = &report.daemon.answers;
    assert!(daemon.values().sum::<u64>() > urls, "{daemon:?}");
    assert!(
        ["200", "refused", "forbidden"].iter().all(|answer| daemon[*answer] > 0),
        "{daemon:?}"
    );
    assert!(report.guarded.answers["taken"] > 0);

    let reached = report.control.forbidden();
    eprintln!(
        "{} without, on {} addresses",
        reached.values().sum::<u64>(),
        reached.len()
    );
    let meant = cases.iter().filter_map(|case| case.means);
    let missed: Vec<_> = meant.filter(|address| !reached.contains_key(address)).collect();
    assert!(missed.is_empty(), "the control did not reach {missed:?}");
}

/// How a program gets a network namespace of its own here: what to write before it.
fn namespaces() -> Option<Vec<&'static str>> {
    let works = |words: &[&str]| {
        let out = Command::new(words[0]).args(&words[1..]).output();
        out.is_ok_and(|out| out.status.success())
    };
    let keep = "--preserve-env=ARALDO_HOSTILE_ROLE,ARALDO_HOSTILE_DIR";
    let ways = [
        vec!["unshare", "--net"],
        vec!["unshare", "--user", "--map-root-user", "--net"],
        vec!["sudo", "-n", keep, "unshare", "--net"],
    ];
    let needs: [&[&str]; 2] = [
        &["ip", "link", "set", "lo", "up"],
        &[
            "unshare",
            "--net",
            "--mount",
            "mount",
            "--bind",
            "/etc/hosts",
            "/etc/hosts",
        ],
    ];
    let mut ways = ways.into_iter().filter(|_| works(&["ip", "-V"]));
    ways.find(|way| needs.iter().all(|need| works(&[way, *need].concat())))
}

/// This binary again, in a network namespace of its own.
fn part(role: &str, way: &[&str]) -> Command {
    let mut command = Command::new(way[0]);
    command.args(&way[1..]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture"]).env(ROLE, role);
    command
}

fn ip(args: &str) {
    let out = Command::new("ip").args(args.split(' ')).output().unwrap();
    assert!(
        out.status.success(),
        "ip {args}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
}
