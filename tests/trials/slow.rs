//! Two thousand connections that say nothing, or an octet now and then: each is cut by its deadline, all of them cost
//! little memory, and who has something to say hardly notices them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::process;
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{House, KEY, carrier_section};
use crate::support::http::Http;
use crate::support::sample::short;
use crate::support::seed::{rng, seed};
use crate::support::{alone, until};

/// Connections to each listener, by what they do.
const EACH: usize = 325;
/// Binds of each of the two carriers that never let anybody in.
const BINDS: usize = 25;
const ALL: usize = 2 * 3 * EACH + 2 * BINDS;
/// The deadlines of the configuration.
const DEADLINE: Duration = Duration::from_secs(2);
/// A connection has ended this long after its deadline, on a machine with other things to do.
const LATE: Duration = Duration::from_secs(8);
/// Between two octets of a connection that dribbles.
const DRIBBLE: Duration = Duration::from_millis(700);
const LIMIT: Duration = Duration::from_secs(60);
const ROUNDS: usize = 5;
const REQUESTS: u32 = 100;
/// More memory than before.
const MEMORY: u64 = 32 << 20;
/// Within 1.5 times, or this: below it, a busy machine's own pauses are all there is to see.
const P99: Duration = Duration::from_millis(50);

/// What an idle peer does with its connection.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Nothing.
    Silent,
    /// Its head comes an octet at a time.
    Head,
    /// Its body comes not at all, after a head that promises one.
    Body,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_idle_peers_are_cut_in_time_and_cost_others_little() {
    let _stage = alone().await;
    let seed = seed("slow");
    let descriptors = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: descriptors.maximum,
        ..descriptors
    };
    setrlimit(Resource::Nofile, wanted).unwrap();
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "north", &["--phones", "0"]);
    let siege = Arc::new(Siege::default());
    let mut config = format!(
        "[http]\nheader_timeout = \"{0}s\"\nbody_timeout = \"{0}s\"\nidle_timeout = \"{0}s\"\n{1}[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        DEADLINE.as_secs(),
        carrier.section("window = 50")
    );
    let mut besiegers = JoinSet::new();
    for (name, dribbles) in [("silent", false), ("dribbling", true)] {
        let addr = receive_badly(&siege, &mut besiegers, dribbles).await;
        config += &carrier_section(
            name,
            addr,
            &format!("binds = {BINDS}\nbind_timeout = \"{}s\"", DEADLINE.as_secs()),
        );
    }
    house.configure(&config);
    let daemon = house.start().await;
    carrier.until(LIMIT, "bound", 1).await;

    let books = Books::default();
    let mut tokens = 0;
    let mut calm = Vec::new();
    for _ in 0..ROUNDS {
        calm.push(round(&house, &books, seed, &mut tokens).await);
    }
    let before = process::resident(daemon.id());
    // The operators' listener reads no body before it knows who asks.
    let ways = [
        [Way::Silent, Way::Head, Way::Body],
        [Way::Silent, Way::Silent, Way::Head],
    ];
    for (addr, ways) in [house.api, house.admin].into_iter().zip(ways) {
        for way in ways {
            for _ in 0..EACH {
                besiegers.spawn(siege.clone().sit_before(addr, way));
            }
        }
    }
    let most = u64::try_from(ALL * 9 / 10).unwrap();
    until(LIMIT, "the siege is laid", async || {
        (siege.open.load(Ordering::Relaxed) > most).then_some(())
    })
    .await;
    let mut besieged = Vec::new();
    let mut peak = 0;
    for _ in 0..ROUNDS {
        besieged.push(round(&house, &books, seed, &mut tokens).await);
        peak = peak.max(process::resident(daemon.id()));
    }
    // Every one of them is cut at least once.
    let enough = u64::try_from(ALL).unwrap();
    until(LIMIT, "all are cut", async || {
        (siege.cut.load(Ordering::Relaxed) >= enough).then_some(())
    })
    .await;
    peak = peak.max(process::resident(daemon.id()));
    siege.stop.store(true, Ordering::Relaxed);
    let mut longest = Duration::ZERO;
    while let Some(held) = besiegers.join_next().await {
        longest = longest.max(held.unwrap());
    }
    house.settled(LIMIT).await;
    assert!(daemon.stop().await.success());
    books.account(&house, &[&carrier]).await.must_balance("slow");

    let (calm, besieged) = (median(calm), median(besieged));
    let grown = peak.saturating_sub(before);
    eprintln!(
        "slow: {ALL} idle peers, cut {} times, after {longest:?} at most; {} KiB more; p99 of others {besieged:?}, {calm:?} \
         without",
        siege.cut.load(Ordering::Relaxed),
        grown >> 10
    );
    assert!(longest < 2 * DEADLINE + LATE, "one was held for {longest:?}");
    assert!(grown <= MEMORY, "{} KiB more", grown >> 10);
    assert!(
        besieged <= P99.max(calm * 3 / 2),
        "p99 {besieged:?}, {calm:?} without them"
    );
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

/// The 99th of a hundred requests, at a pace.
async fn round(house: &House, books: &Books, seed: u64, tokens: &mut u32) -> Duration {
    let mut http: Http = house.client();
    let mut rng = rng(seed, u64::from(*tokens));
    let mut took = Vec::new();
    let mut pace = tokio::time::interval(Duration::from_millis(8));
    for _ in 0..REQUESTS {
        *tokens += 1;
        let sample = short(&mut rng, *tokens, Class::Service, 330);
        books.ask(&sample);
        pace.tick().await;
        let begun = monotonic();
        let answer = http.send(&sample).await.unwrap();
        took.push(monotonic().duration_since(begun));
        assert_eq!(answer.status, 202, "{answer:?}");
        books.accept(sample.token, &answer.json());
    }
    took.sort();
    took[took.len() * 99 / 100 - 1]
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds[rounds.len() / 2]
}

/// Peers that hold on to their places: each comes again when it was cut.
#[derive(Default)]
struct Siege {
    stop: AtomicBool,
    /// Connections open now.
    open: AtomicU64,
    /// Connections that the daemon has ended.
    cut: AtomicU64,
}

impl Siege {
    /// Sits before a listener; the longest that a connection lasted.
    async fn sit_before(self: Arc<Self>, addr: SocketAddr, way: Way) -> Duration {
        let mut longest = Duration::ZERO;
        while !self.stop.load(Ordering::Relaxed) {
            let Ok(stream) = TcpStream::connect(addr).await else {
                tokio::time::sleep(DRIBBLE).await;
                continue;
            };
            let head = match way {
                Way::Silent => String::new(),
                Way::Head => "GET /v1/messages HTTP/1.1\r\nx: ".to_owned(),
                Way::Body => format!(
                    "POST /v1/messages HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {KEY}\r\n\
                     content-type: application/json\r\ncontent-length: 99\r\n\r\n"
                ),
            };
            longest = longest.max(self.hold(stream, head.as_bytes(), matches!(way, Way::Head)).await);
        }
        longest
    }

    /// Holds a connection until the other end ends it; how long that took.
    async fn hold(&self, mut stream: TcpStream, head: &[u8], dribbles: bool) -> Duration {
        self.open.fetch_add(1, Ordering::Relaxed);
        let begun = monotonic();
        let mut open = stream.write_all(head).await.is_ok();
        let mut heard = [0; 1_024];
        while open {
            tokio::select! {
                read = stream.read(&mut heard) => open = matches!(read, Ok(1..)),
                () = tokio::time::sleep(DRIBBLE), if dribbles => open = stream.write_all(b"a").await.is_ok(),
            }
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.cut.fetch_add(1, Ordering::Relaxed);
        monotonic().duration_since(begun)
    }
}

/// A carrier that takes connections, and lets nobody in: it says nothing, or begins a bind_transceiver_resp that it never
/// ends.
async fn receive_badly(siege: &Arc<Siege>, besiegers: &mut JoinSet<Duration>, dribbles: bool) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let siege = siege.clone();
    besiegers.spawn(async move {
        let mut open = JoinSet::new();
        let mut longest = Duration::ZERO;
        while !siege.stop.load(Ordering::Relaxed) {
            tokio::select! {
                accepted = listener.accept() => {
                    let siege = siege.clone();
                    let answer: &[u8] = if dribbles { b"\0\0\0\xff\x80\0\0\x09" } else { b"" };
                    open.spawn(async move { siege.hold(accepted.unwrap().0, answer, dribbles).await });
                }
                Some(held) = open.join_next() => longest = longest.max(held.unwrap()),
                () = tokio::time::sleep(DRIBBLE) => {}
            }
        }
        longest
    });
    addr
}
