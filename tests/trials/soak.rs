//! Everything goes a little wrong, all the time, for a long time: nothing is lost, and what the process holds does not
//! grow.

use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use araldo::simulator::{Fault, FaultRule, Status};
use araldo_smpp::CommandStatus;
use rand::RngExt;

use crate::process;
use crate::shim::{RECEIVE, SEND, Shim, WRITE};
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{House, carrier_section};
use crate::support::load::Load;
use crate::support::owner::{SECRET, client, must_agree, outcomes, owner, publish, reach, text_rule};
use crate::support::proxy::Proxy;
use crate::support::sample::{Sample, mark, mixed, short};
use crate::support::seed::{rng, seed};
use crate::support::sink::{Reply, Sink};
use crate::support::{alone, long};
use crate::texts::Texts;

const LIMIT: Duration = Duration::from_secs(120);
const CLIENTS: u32 = 32;
/// As many as there are numbers for.
const MESSAGES: u64 = 2_500_000;
/// Linux's number for a full disk.
const ENOSPC: u64 = 28;
/// Descriptors beyond those of the beginning: connections that open and close all the while.
const DESCRIPTORS: usize = 24;
/// Octets an hour, from an hour on; and in all, for as long as caches still fill.
const SLOPE: f64 = 1_048_576.0;
const MEMORY: u64 = 160 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn under_faults_of_every_kind_nothing_is_lost_and_nothing_grows() {
    let _stage = alone().await;
    let seed = seed("soak");
    let (lasts, rate) = length();
    let mut house = House::new("");
    let shim = Shim::load(&mut house);
    let flags = [
        "--phones",
        "0",
        "--receipt-delay",
        "10ms..2s",
        "--duplicate",
        "0.01",
        "--before-response",
        "0.01",
    ];
    let north = Arc::new(Carrier::start(house.path(), "north", &flags));
    let south = Carrier::start(house.path(), "south", &flags);
    for carrier in [&*north, &south] {
        carrier.set_faults(&faults()).await;
    }
    let marks: Vec<String> = Class::ALL.into_iter().map(mark).collect();
    let proxy = Proxy::start(south.smpp, &marks, 500).await;
    let sink = Sink::start(&[SECRET]).await;
    let ill = [
        Reply::Status(500),
        Reply::CutRead,
        Reply::CutAnswer(500),
        Reply::Late(200, Duration::from_millis(300)),
    ];
    // Never the same notice twice: that waits five minutes on the schedule.
    let replies = (0..200_000).map(|n| {
        if n % 50 == 7 {
            ill[n / 50 % ill.len()].clone()
        } else {
            Reply::Status(200)
        }
    });
    sink.script_first("/hook", replies);
    house.configure(&format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n{}{}{}{}{}[address.\"12345\"]\nclient = \"bank\"\n\
         [route.all]\nsteps = [{{ carriers = [\"north\", \"south\"] }}]\n",
        reach(&house, &[&sink]),
        owner("shop", &sink.url("/hook"), "timeout = \"1s\""),
        text_rule(&house),
        north.section("window = 50\nbinds = 2\nresponse_timeout = \"2s\""),
        carrier_section("south", proxy.addr, "window = 20\nresponse_timeout = \"2s\"")
    ));
    let daemon = house.start().await;
    let books = Arc::new(Books::default());
    let begun = monotonic();
    // A fifth more than they come to send.
    let each = u32::try_from(lasts.as_secs()).unwrap() * rate / CLIENTS * 6 / 5;
    let load = Load::start(&house, &books, CLIENTS, rate, |client| mixed(seed, client, each));
    let texts = Texts::start(north.clone(), Duration::from_millis(100));
    let told = Arc::new(Books::default());
    let events = tokio::spawn({
        let (told, mut http) = (told.clone(), client(&house, "shop"));
        async move {
            let mut rng = rng(seed, 31);
            let mut token = 8_000_000;
            while monotonic().duration_since(begun) < lasts {
                let mut one = |_| {
                    token += 1;
                    short(&mut rng, token, Class::ALL[token as usize % 6], 335)
                };
                let batch: Vec<Sample> = (0..5).map(&mut one).collect();
                publish(&mut http, &told, &batch).await;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
    });

    let mut draw = rng(seed, 32);
    let mut held = Vec::new();
    let mut hits = 0;
    while monotonic().duration_since(begun) < lasts {
        if let Some(shim) = &shim {
            hits += shim.hits();
            let number = draw.random_range(1..500);
            match draw.random_range(0..4) {
                0 => shim.fail(WRITE, number, ENOSPC),
                1 => shim.fail(SEND, number, 0),
                2 => shim.fail(RECEIVE, number, 0),
                _ => shim.count(0),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        held.push(Held {
            at: monotonic().duration_since(begun),
            memory: process::resident(daemon.id()),
            descriptors: process::descriptors(daemon.id()),
        });
    }
    if let Some(shim) = &shim {
        shim.count(0);
    }
    events.await.unwrap();
    let answers = load.finish().await;
    let taken = texts.finish().await;
    house.settled(LIMIT).await;
    // What failed by its connection too, after its ill reply, waits as long: a person has it sent now.
    house.araldo(&["webhooks", "enable", "shop"]);
    house.told(LIMIT).await;
    assert!(daemon.stop().await.success());

    let came = outcomes(&sink.seen());
    let tally = must_agree(&house, &told.accepted(), &came).await;
    books.take_over(&told);
    let account = books.account(&house, &[&north, &south]).await;
    account.must_balance("soak");
    let lost = taken.lost(&house).await;
    let grown = Growth::of(&held);
    eprintln!(
        "soak: {lasts:?} at {rate} a second, {answers:?}, {} doubled of {} in doubt, {hits} calls failed, {} texts taken, \
         {} lost; {tally:?}; {grown:?}",
        account.total().duplicated,
        account.total().in_doubt,
        taken.count(),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(
        account.total().in_doubt > 0 && answers.accepted > 0,
        "nothing went wrong"
    );
    assert!(grown.descriptors <= DESCRIPTORS, "{grown:?}");
    assert!(grown.peak <= MEMORY, "{grown:?}");
    if lasts >= Duration::from_hours(1) {
        assert!(grown.an_hour <= SLOPE, "{grown:?}");
    }
    assert_eq!(house.database().integrity().await, "ok");
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

/// For how long, and how many messages a second: `ARALDO_SOAK` is the seconds, the long form is an hour.
fn length() -> (Duration, u32) {
    let asked = std::env::var("ARALDO_SOAK").ok();
    let asked = asked.map(|text| text.parse().expect("ARALDO_SOAK is a number of seconds"));
    let seconds: u64 = asked.unwrap_or(if long() { 3_600 } else { 15 });
    let rate = if seconds > 60 { 500.min(MESSAGES / seconds) } else { 300 };
    (Duration::from_secs(seconds), u32::try_from(rate).unwrap())
}

/// Each now and then; together a few links a minute, and a few answers in a hundred.
fn faults() -> Vec<FaultRule> {
    let rare = |fault| FaultRule::with_probability(fault, 0.000_2);
    let delay = Fault::Delay {
        by: Duration::from_millis(400),
    };
    let stall = Fault::Stall {
        drop_after: Some(Duration::from_millis(500)),
    };
    let pause = Fault::StopReading {
        resume_after: Some(Duration::from_millis(500)),
    };
    let throttled = Fault::Status(Status(CommandStatus::ESME_RTHROTTLED));
    vec![
        rare(Fault::DropBeforeReading),
        rare(Fault::DropBeforeResponse),
        rare(Fault::DropAfterResponse),
        rare(Fault::Reset),
        rare(stall),
        rare(pause),
        rare(Fault::Garbage { octets: 40 }),
        rare(Fault::Unbind),
        rare(Fault::NoResponse),
        rare(Fault::WrongSequence),
        rare(Fault::AnswerSegments { answered: 1 }),
        // Each halves the pace for a while: some in an hour, as of a carrier that is seldom at its limit.
        FaultRule::with_probability(throttled, 0.000_01),
        FaultRule::with_probability(Fault::DuplicateResponse, 0.005),
        FaultRule::with_probability(delay, 0.01),
    ]
}

/// What the process held at a time.
struct Held {
    at: Duration,
    memory: u64,
    descriptors: usize,
}

/// How that changed.
#[derive(Debug)]
struct Growth {
    /// The most memory that was resident, in octets.
    peak: u64,
    /// The slope of its second half, in octets an hour.
    an_hour: f64,
    /// Descriptors at the end beyond those after a quarter: medians of a quarter each.
    descriptors: usize,
}

impl Growth {
    fn of(held: &[Held]) -> Self {
        let quarter = held.len() / 4;
        let descriptors = |from: usize| {
            let mut counts: Vec<usize> = held[from..from + quarter].iter().map(|held| held.descriptors).collect();
            counts.sort_unstable();
            counts[counts.len() / 2]
        };
        Self {
            peak: held.iter().map(|held| held.memory).max().unwrap(),
            an_hour: slope(&held[held.len() / 2..]),
            descriptors: descriptors(held.len() - quarter).saturating_sub(descriptors(quarter)),
        }
    }
}

/// The least squares' slope of memory over time, an hour.
#[expect(clippy::cast_precision_loss, reason = "octets of memory are few enough")]
fn slope(held: &[Held]) -> f64 {
    let count = held.len() as f64;
    let mean = |of: &dyn Fn(&Held) -> f64| held.iter().map(of).sum::<f64>() / count;
    let (hours, memory) = (
        |held: &Held| held.at.as_secs_f64() / 3_600.0,
        |held: &Held| held.memory as f64,
    );
    let (mean_hours, mean_memory) = (mean(&hours), mean(&memory));
    let along = mean(&|held| (hours(held) - mean_hours) * (memory(held) - mean_memory));
    along / mean(&|held| (hours(held) - mean_hours).powi(2))
}
