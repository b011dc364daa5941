//! What journeys through the daemon stand on: the real binary, carriers in processes of their own, an HTTP client,
//! messages made under a seed, and an accountant who was told nothing by the daemon but what its clients heard.

pub(crate) mod accountant;
pub(crate) mod bank;
pub(crate) mod books;
pub(crate) mod carrier;
pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod load;
pub(crate) mod owner;
pub(crate) mod platform;
pub(crate) mod proxy;
pub(crate) mod sample;
pub(crate) mod scene;
pub(crate) mod seed;
pub(crate) mod simulator;
pub(crate) mod sink;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use araldo::clock::monotonic;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How often something awaited is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Two cores are not enough for two loads at once.
static STAGE: RwLock<()> = RwLock::const_new(());

/// For a journey that loads the machine: it is alone.
pub(crate) async fn alone() -> RwLockWriteGuard<'static, ()> {
    STAGE.write().await
}

/// For a journey that mostly waits: others of the kind run beside it.
pub(crate) async fn together() -> RwLockReadGuard<'static, ()> {
    STAGE.read().await
}

/// Looks until there is something to see; fails, saying what was awaited, when there is not within `limit`.
pub(crate) async fn until<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = monotonic() + limit;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(monotonic() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// An address that nobody listens on, and that nobody is given by the system either: below the range of passing ports,
/// each handed out once in a process.
pub(crate) fn free_addr() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 100).unwrap_or(0) * 100;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}

/// Whether a missing tool is a failure: in CI nothing is skipped.
pub(crate) fn nothing_may_be_skipped() -> bool {
    ["CI", "ARALDO_CI"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether the long form of every trial is wanted.
pub(crate) fn long() -> bool {
    std::env::var_os("ARALDO_LONG").is_some_and(|value| !value.is_empty())
}
