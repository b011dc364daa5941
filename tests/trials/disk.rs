//! A disk that fills up: new messages are refused while there is still room, receipts and texts are recorded out of the
//! reserve when there is none, and all is well again once there is.
//!
//! The store is on a tmpfs of its own, mounted in a mount namespace that ends with the test.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use hyper::StatusCode;
use rand::rngs::StdRng;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::http::Http;
use crate::support::load::Load;
use crate::support::sample::{mixed, short};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, nothing_may_be_skipped, until};
use crate::texts::Texts;

/// Set in the process that has the mount.
const ROLE: &str = "ARALDO_DISK_TRIAL";
const TEST: &str = "disk::a_full_disk_refuses_early_records_from_the_reserve_and_recovers_by_itself";
const LIMIT: Duration = Duration::from_secs(60);
/// New messages are taken again this soon after there is room.
const RECOVERY: Duration = Duration::from_secs(10);
const MIB: u64 = 1 << 20;
const RESERVE: u64 = 16 * MIB;
/// What the load may fill: the rest another program has.
const ROOM: u64 = 24 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_early_records_from_the_reserve_and_recovers_by_itself() {
    if std::env::var_os(ROLE).is_some() {
        return trial().await;
    }
    let _stage = alone().await;
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let may_mount = |way: &&&[&str]| {
        let probe = ["mount", "-t", "tmpfs", "probe", "/mnt"];
        let output = Command::new("unshare").args(**way).args(probe).output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(may_mount) else {
        assert!(
            !nothing_may_be_skipped(),
            "no mount namespace: unshare, mount, and root or user namespaces are needed"
        );
        eprintln!("disk: passed over: needs unshare, mount, and root or user namespaces");
        return;
    };
    let status = Command::new("unshare")
        .args(*way)
        .arg(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(ROLE, "1")
        .status();
    assert!(status.unwrap().success(), "see above");
}

async fn trial() {
    let seed = seed("disk");
    let full_for = Duration::from_secs(if long() { 300 } else { 7 });
    let mut house = House::new("");
    let carrier = Arc::new(Carrier::start(
        house.path(),
        "north",
        &[
            "--receipt-delay",
            if long() { "5s..250s" } else { "2s..8s" },
            "--phones",
            "0",
        ],
    ));
    house.configure(&format!(
        "{}[address.\"12345\"]\nclient = \"bank\"\n[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        carrier.section(&format!("window = 50\nthroughput = {}", if long() { 20 } else { 150 }))
    ));
    house.environment("ARALDO__STORE__RESERVE_BYTES", RESERVE.to_string());
    let disk = Disk::mount(&house);
    let daemon = house.start().await;
    let reserve = house.state_dir().join("reserve");
    until(LIMIT, "the reserve is set aside", async || {
        size(&reserve).filter(|size| *size == RESERVE)
    })
    .await;
    disk.fill(ROOM);

    let books = Arc::new(Books::default());
    let load = Load::start(&house, &books, 8, 300, |client| mixed(seed, client, 20_000));
    let texts = Texts::start(carrier.clone(), Duration::from_millis(30));
    let mut probe = Probe {
        http: house.client(),
        books: &books,
        draw: rng(seed, 6),
        token: 9_000_000,
    };
    let refused = until(LIMIT, "new messages are refused", async || probe.refused().await).await;
    let free_then = disk.free();
    assert!(
        free_then > 0 && size(&reserve).is_some(),
        "refused only when the reserve was gone"
    );
    assert_eq!(refused, "storage_low");

    // Another program takes all that is left.
    disk.fill(0);
    until(LIMIT, "the reserve is given up", async || {
        size(&reserve).is_none().then_some(())
    })
    .await;
    let before = recorded(&house).await;
    let begun = monotonic();
    let mut health = Http::new(house.admin, "");
    let mut refusals = 0;
    while monotonic().duration_since(begun) < full_for {
        assert_eq!(
            probe.refused().await.as_deref(),
            Some("storage_low"),
            "while the disk is full"
        );
        refusals += 1;
        assert!(health.get("/livez").await.unwrap().status.is_success(), "alive");
        assert!(
            !health.get("/readyz").await.unwrap().status.is_success(),
            "ready with a full disk"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = recorded(&house).await;

    disk.enlarge();
    let begun = monotonic();
    until(RECOVERY, "messages are taken again", async || {
        probe.refused().await.is_none().then_some(())
    })
    .await;
    let recovery = monotonic().duration_since(begun);
    let answers = load.finish().await;
    let taken = texts.finish().await;
    house.settled(LIMIT * 2).await;
    until(LIMIT, "the reserve is there again", async || {
        size(&reserve).filter(|size| *size == RESERVE)
    })
    .await;
    assert!(daemon.stop().await.success());

    let account = books.account(&house, &[&carrier]).await;
    account.must_balance("disk");
    let lost = taken.lost(&house).await;
    eprintln!(
        "disk: refused with {} KiB left, {refusals} times storage_low while full for {full_for:?}; recorded meanwhile: {} \
         final states, {} texts; taken again after {recovery:?}; {answers:?}; {} texts taken, {} of them lost",
        free_then / 1024,
        after.0 - before.0,
        after.1 - before.1,
        taken.count(),
        lost.len()
    );
    assert!(
        after.0 > before.0 + 50,
        "hardly a receipt was recorded on the full disk: {before:?} {after:?}"
    );
    assert!(
        after.1 > before.1 + 50,
        "hardly a text was recorded on the full disk: {before:?} {after:?}"
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(house.database().integrity().await, "ok");
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

/// A client that asks whether messages are taken, by sending one.
struct Probe<'a> {
    http: Http,
    books: &'a Books,
    draw: StdRng,
    token: u32,
}

impl Probe<'_> {
    /// The code with which a message is refused; `None` if it is taken.
    async fn refused(&mut self) -> Option<String> {
        self.token += 1;
        let sample = short(&mut self.draw, self.token, Class::Service, 331);
        self.books.ask(&sample);
        let answer = self.http.send(&sample).await.unwrap();
        if answer.status.is_success() {
            self.books.accept(sample.token, &answer.json());
            return None;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
        Some(answer.json()["code"].as_str().unwrap().to_owned())
    }
}

/// Messages that a receipt has ended, and texts that are stored.
async fn recorded(house: &House) -> (i64, usize) {
    let states = house.database().states().await;
    let ended = |state: &str| states.get(state).copied().unwrap_or(0);
    (
        ended("delivered") + ended("undelivered"),
        house.database().texts().await.len(),
    )
}

fn size(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}

/// The file system under the state. Dropped, it is unmounted.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(house: &House) -> Self {
        let dir = house.state_dir();
        std::fs::create_dir_all(&dir).unwrap();
        let disk = Self(dir);
        disk.run("mount", &["-t", "tmpfs", "-o", "size=64m,mode=0700", "araldo"]);
        disk
    }

    fn enlarge(&self) {
        self.run("mount", &["-o", "remount,size=256m"]);
    }

    /// Has another program take all but so many octets of what is free now. What is freed meanwhile, as the reserve may
    /// be, is not its own.
    fn fill(&self, left: u64) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join("ballast"))
            .unwrap();
        let block = [0; 4096];
        for _ in 0..self.free().saturating_sub(left).div_ceil(4096) {
            if file.write_all(&block).is_err() {
                break;
            }
        }
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.0).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    fn run(&self, program: &str, words: &[&str]) {
        let output = Command::new(program).args(words).arg(&self.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever is still open in it ends with the namespace.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
