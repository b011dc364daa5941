//! Every call on a file of the state and on a network socket fails once, in turn, while messages are sent, delivered and
//! answered: nobody panics or hangs, nothing is lost or made up, and whoever cannot be served is told why.

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use futures_util::{StreamExt, stream};
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::shim::{CONNECT, OPEN, READ, RECEIVE, SEND, SYNC, Shim, WRITE};
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::load::Load;
use crate::support::sample::{mixed, recipient};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, until};

/// The kinds of calls, and what a call on a file fails with.
const KINDS: [(&str, u64, u64); 8] = [
    ("sync", SYNC, EIO),
    ("write", WRITE, EIO),
    ("write without space", WRITE, ENOSPC),
    ("read", READ, EIO),
    ("open", OPEN, EMFILE),
    ("send", SEND, 0),
    ("receive", RECEIVE, 0),
    ("connect and accept", CONNECT, 0),
];
const EIO: u64 = 5;
const EMFILE: u64 = 24;
const ENOSPC: u64 = 28;
/// Calls of each kind that fail in the short form.
const OF_EACH: usize = 4;
/// Lives that run at a time: each waits most of it.
const SIDE_BY_SIDE: usize = 3;
const MESSAGES: u32 = 50;
const TEXTS: u32 = 5;
/// Nothing takes longer, whatever fails.
const HANG: Duration = Duration::from_secs(10);
/// The exit codes that mean something (DESIGN §6), of those that a failing system call can lead to.
const MEANT: [i32; 5] = [1, 69, 70, 73, 74];

/// What came of one failing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// It went on.
    WentOn,
    /// It ended with this code, said why, and its next start went on.
    Exit(i32),
    /// The call never came: there are fewer in this run.
    Spared,
}

#[tokio::test(flavor = "multi_thread")]
async fn any_call_on_file_or_socket_may_fail_once_and_nothing_is_lost() {
    let _stage = alone().await;
    let seed = seed("torture");
    let mut draw = rng(seed, 9);
    let mut ends: BTreeMap<&str, BTreeMap<End, u32>> = BTreeMap::new();
    let begun = monotonic();
    for (name, kind, error) in KINDS {
        let Some((calls, _)) = scenario(
            seed,
            &Fault {
                name,
                kind,
                number: 0,
                error,
            },
        )
        .await
        else {
            return;
        };
        let mut numbers: Vec<u64> = (1..=calls).collect();
        if !long() {
            numbers.shuffle(&mut draw);
            // The first calls are those of the start: one of them is always among the failing.
            numbers[0] = draw.random_range(1..=calls.min(12));
            numbers.truncate(OF_EACH);
        }
        let scenarios = numbers.into_iter().map(|number| async move {
            let fault = Fault {
                name,
                kind,
                number,
                error,
            };
            scenario(seed, &fault).await
        });
        let mut scenarios = stream::iter(scenarios).buffer_unordered(SIDE_BY_SIDE);
        while let Some(end) = scenarios.next().await {
            let Some((_, end)) = end else { return };
            *ends.entry(name).or_default().entry(end).or_default() += 1;
        }
        eprintln!("torture: {name}: {calls} calls, {:?}", ends[name]);
    }
    eprintln!("torture: lost 0, in {:?}", monotonic().duration_since(begun));
    let hit = ends.values().flatten().filter(|(end, _)| **end != End::Spared);
    assert!(hit.count() >= KINDS.len(), "hardly anything failed: {ends:?}");
}

struct Fault {
    name: &'static str,
    kind: u64,
    /// 0 fails nothing.
    number: u64,
    error: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.number)
    }
}

/// A life of the daemon with one failing call: how many calls of the kind there were, and what came of it. `None` where
/// the library cannot be made.
async fn scenario(seed: u64, fault: &Fault) -> Option<(u64, End)> {
    let mut house = House::new("");
    let shim = Shim::load(&mut house)?;
    let carrier = Carrier::start(house.path(), "north", &["--receipt-delay", "0s..20ms", "--phones", "0"]);
    house.configure(&format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n{}[address.\"12345\"]\nclient = \"bank\"\n\
         [route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        carrier.section("window = 10")
    ));
    shim.fail(fault.kind, fault.number, fault.error);
    let books = Arc::new(Books::default());
    let mut keeper = Keeper {
        fault,
        house: &house,
        daemon: house.spawn(),
        end: End::WentOn,
    };
    keeper.through("it is ready", house.ready(HANG)).await;
    let load = Load::start(&house, &books, 5, 1_000, |client| mixed(seed, client, MESSAGES / 5));
    keeper
        .through("it takes messages and texts", async {
            tokio::join!(load.all(), texts(&carrier))
        })
        .await;
    keeper.through("every message ends", house.settled(HANG)).await;
    let end = keeper.stop(&shim).await;

    let account = books.account(&house, &[&carrier]).await;
    assert!(account.faults.is_empty(), "{fault}:\n{account}\n{:?}", account.faults);
    assert_eq!(account.total().accepted, MESSAGES, "{fault}");
    let kept = house.database().texts().await;
    assert!(
        (0..TEXTS).all(|number| kept.contains(&text(number))),
        "{fault}: {kept:?}"
    );
    assert_eq!(house.database().integrity().await, "ok", "{fault}");
    assert!(house.alarms().is_empty(), "{fault}: {:?}", house.alarms());
    Some((shim.calls(), end))
}

fn text(number: u32) -> String {
    format!("SALDO {number}")
}

/// Each text is sent until it is taken.
async fn texts(carrier: &Carrier) {
    for number in 0..TEXTS {
        until(HANG, "a text is taken", async || {
            let answer = carrier.text(&recipient(347, number), "12345", &text(number)).await;
            (answer? == ["ESME_ROK"]).then_some(())
        })
        .await;
    }
}

/// Whoever starts the daemon again when it has ended, as systemd does.
struct Keeper<'a> {
    fault: &'a Fault,
    house: &'a House,
    daemon: Daemon,
    end: End,
}

impl Keeper<'_> {
    /// Keeps the daemon up until the work is done.
    async fn through<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        let fault = self.fault;
        let deadline = monotonic() + HANG;
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if let Some(status) = self.daemon.has_ended() {
                self.judge(status);
                self.daemon = self.house.spawn();
            }
            assert!(monotonic() < deadline, "{fault}: not within {HANG:?}: {what}");
        }
    }

    /// Ended though nobody asked: once, for a reason that the code and the log tell.
    fn judge(&mut self, status: ExitStatus) {
        let fault = self.fault;
        let said = self.house.events("stopped").pop().unwrap_or_default();
        assert_eq!(self.end, End::WentOn, "{fault}: ended again: {status} {said}");
        let code = status.code().filter(|code| MEANT.contains(code));
        let code = code.unwrap_or_else(|| panic!("{fault}: {status} {said}"));
        assert!(
            said["message"].as_str().is_some_and(|why| why.len() > 20),
            "{fault}: {status} {said}"
        );
        self.end = End::Exit(code);
    }

    /// A planned stop, and another start where that failed.
    async fn stop(mut self, shim: &Shim) -> End {
        self.daemon.terminate();
        let status = self.daemon.ended(HANG).await;
        if !status.success() {
            self.judge(status);
            self.daemon = self.house.spawn();
            self.house.ready(HANG).await;
            self.house.settled(HANG).await;
            self.daemon.terminate();
            assert!(self.daemon.ended(HANG).await.success(), "{}", self.fault);
        }
        if shim.hits() == 0 { End::Spared } else { self.end }
    }
}
