//! The process dies at any moment while messages go by RCS and by SMS, are read, taken back and told of, and while clients try
//! again: nothing is lost, the platform knows no message by two ids, and nobody is sent a second SMS that no doubt explains.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::{Class, Flag, State};
use rand::RngExt;
use serde_json::{Value, json};

use crate::support::accountant::allowance;
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::database::Whole;
use crate::support::load::Load;
use crate::support::platform::Platform;
use crate::support::sample::{Sample, sample, token_of_recipient};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, until};

/// A start after a crash may take this long until messages are taken again.
const READY: Duration = Duration::from_secs(10);
/// Long, since machines that tests run on stand still for a minute now and then.
const SETTLED: Duration = Duration::from_secs(180);
const CLIENTS: u32 = 8;
/// Messages a second, of all clients.
const RATE: u32 = 200;
/// Operators of which handsets have RCS, have none, and are off line: of every ten messages seven, one and two.
const OPERATORS: [u32; 10] = [333, 333, 333, 333, 333, 333, 333, 332, 331, 331];

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_rcs_it_loses_nothing_and_shows_nothing_twice_by_accident() {
    killed("rcs", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_the_platform_out_across_the_restart_it_shows_nothing_twice_by_accident() {
    killed("rcs_out", true).await;
}

/// What goes wrong with the platform: now and then, and with an outage always.
fn faults(out: bool) -> Value {
    let mut rules = vec![
        json!({ "fault": "lose_answer", "when": { "probability": 0.01 } }),
        json!({ "fault": { "status": { "code": 503 } }, "when": { "probability": 0.02 } }),
        json!({ "fault": { "repeat": { "times": 2 } }, "when": { "call": "webhook", "probability": 0.05 } }),
    ];
    if out {
        rules.insert(0, json!({ "fault": { "status": { "code": 503 } } }));
        rules.insert(
            1,
            json!({ "fault": { "status": { "code": 503 } }, "when": { "call": "revoke" } }),
        );
    }
    rules.into()
}

async fn killed(name: &str, out: bool) {
    let _stage = alone().await;
    let seed = seed(name);
    let kills = if long() { 20 } else { 4 };
    let house = House::new("");
    let draws = seed.to_string();
    let platform = Platform::start(
        &house,
        &[
            ["--delay", "0s..1500ms"],
            ["--read", "0.5"],
            // What is taken back with the platform out is gone: nothing else is to blame for a second copy.
            ["--revoke-race", if out { "0" } else { "0.3" }],
            ["--without-rcs", "+39332"],
            ["--offline", "+39331"],
            ["--seed", &draws],
        ]
        .concat(),
    );
    platform.set_faults(faults(false)).await;
    let carrier = Carrier::start(house.path(), "c", &["--receipt-delay", "0s..500ms", "--no-reference"]);
    house.configure(&format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n{}{}\
         [route.all]\nsteps = [{{ carriers = [\"rbm\"], wait = \"1s\" }}, {{ carriers = [\"c\"] }}]\n",
        platform.section("48400", "response_timeout = \"1s\"\nwindow = 50"),
        carrier.section("window = 20")
    ));
    let books = Arc::new(Books::default());
    let mut daemon = house.start().await;
    // More than the kills can use up.
    let each = kills * if out { 11 } else { 3 } * RATE / CLIENTS;
    let load = Load::start(&house, &books, CLIENTS, RATE, |client| samples(seed, client, each));
    let mut moments = rng(seed, 2);
    let mut slowest = Duration::ZERO;
    let begun = monotonic();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(moments.random_range(50..2_000))).await;
        if out {
            platform.set_faults(faults(true)).await;
        }
        daemon.kill();
        daemon = house.spawn();
        slowest = slowest.max(house.ready(READY).await);
        if out {
            tokio::time::sleep(Duration::from_millis(moments.random_range(0..8_000))).await;
            platform.set_faults(faults(false)).await;
        }
    }
    let lasted = monotonic().duration_since(begun);
    let answers = load.finish().await;
    house.settled(SETTLED).await;
    until(
        SETTLED,
        "the platform has told everything, and it is made use of",
        async || {
            let unused = "SELECT count(*) FROM rcs_inbox WHERE done_at IS NULL";
            let waits = platform.count("webhooks_waiting").await > 0 || house.database().number(unused).await > 0;
            (!waits).then_some(())
        },
    )
    .await;
    let again = platform.count("duplicates").await;
    assert!(daemon.stop().await.success());
    assert_eq!(house.database().integrity().await, "ok");

    let mut account = account(&books, &house, &platform, &carrier).await;
    if !out {
        account.beside.clear();
    }
    account.faults.append(&mut account.beside);
    eprintln!(
        "rcs: {kills} kills in {lasted:?}, {answers:?}, slowest start {slowest:?}\nrcs: {account}, {again} tries of an id \
         that the platform had"
    );
    let shown = account.faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(account.faults.is_empty(), "{} faults\n  {shown}", account.faults.len());
    assert!(
        account.by_rcs > account.by_sms && account.by_sms > 0,
        "one way is hardly used"
    );
    // Of few kills all may fall between two commits.
    if long() {
        assert!(account.in_doubt > 0, "no kill found anything under way");
        assert!(answers.cut > 0 && answers.replayed > 0, "no client was cut off");
    }
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

/// What one client sends: every class, to every kind of handset.
fn samples(seed: u64, client: u32, count: u32) -> Vec<Sample> {
    let mut draw = rng(seed, 100 + u64::from(client));
    let mut make = |n: u32| {
        let class = Class::ALL[draw.random_range(0..Class::ALL.len())];
        let operator = OPERATORS[draw.random_range(0..OPERATORS.len())];
        sample(&mut draw, client * 100_000 + n, class, operator)
    };
    (1..=count).map(&mut make).collect()
}

/// What clients were promised, the platform and the carrier have, and the tables say.
#[derive(Default)]
struct Account {
    accepted: usize,
    by_rcs: usize,
    by_sms: usize,
    in_doubt: usize,
    /// Shown by RCS and sent by SMS, and recorded as such.
    twice: usize,
    /// SMS beyond the first, each after a doubt of its own.
    copies: u32,
    lost: usize,
    /// What went both ways and was to go one way, where no revocation loses a race.
    beside: Vec<String>,
    /// What is wrong, a sentence each.
    faults: Vec<String>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} accepted, {} delivered by RCS, {} sent by SMS, {} once in doubt, {} by both and noted, {} copies by SMS, \
             lost {}",
            self.accepted, self.by_rcs, self.by_sms, self.in_doubt, self.twice, self.copies, self.lost
        )
    }
}

/// All that is known of a message beside its row.
struct Seen {
    /// The ids under which the platform has it.
    ids: BTreeSet<String>,
    /// Whether the platform has told that it was delivered, and was heard.
    delivered: bool,
    /// How often each of its segments is with the carrier.
    segments: BTreeMap<u8, u32>,
}

async fn account(books: &Books, house: &House, platform: &Platform, carrier: &Carrier) -> Account {
    let mut account = Account::default();
    let promised = books.accepted();
    let mut rows: BTreeMap<u32, Vec<Whole>> = BTreeMap::new();
    for whole in house.database().whole().await {
        rows.entry(whole.row.token.unwrap()).or_default().push(whole);
    }
    let told = platform.told("DELIVERED");
    let mut ids: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for (to, known) in platform.taken() {
        ids.insert(token_of_recipient(&to).unwrap(), known);
    }
    let mut segments: BTreeMap<u32, BTreeMap<u8, u32>> = BTreeMap::new();
    for handed in carrier.ledger().submits.iter().filter(|handed| handed.taken()) {
        let of_message = segments.entry(handed.token.unwrap()).or_default();
        *of_message.entry(handed.number).or_default() += 1;
    }
    for (token, id) in &promised {
        account.accepted += 1;
        if !rows
            .get(token)
            .is_some_and(|rows| rows.iter().any(|whole| whole.row.id == *id))
        {
            account.lost(format!("{token} {id}: promised, and not in the tables"));
        }
    }
    for token in ids
        .keys()
        .chain(segments.keys())
        .filter(|token| !rows.contains_key(token))
    {
        account.faults.push(format!("{token}: sent, and not in the tables"));
    }
    for (token, rows) in &rows {
        if rows.len() > 1 {
            account
                .faults
                .push(format!("{token}: one wish, {} messages", rows.len()));
        }
        let ids = ids.remove(token).unwrap_or_default();
        let seen = Seen {
            delivered: ids.iter().any(|id| told.contains(id)),
            ids,
            segments: segments.remove(token).unwrap_or_default(),
        };
        account.message(*token, &rows[0], &seen);
    }
    account
}

impl Account {
    fn message(&mut self, token: u32, whole: &Whole, seen: &Seen) {
        let (row, flags) = (&whole.row, whole.flags);
        let uuid = |id: &str| id.replace('-', "");
        let foreign = seen.ids.iter().any(|id| format!("msg_{}", uuid(id)) != row.id);
        if seen.ids.len() > 1 || foreign {
            self.faults
                .push(format!("{token} {}: the platform has it as {:?}", row.id, seen.ids));
        }
        if !row.is_final() {
            self.faults.push(format!("{token}: stuck in {}", row.state));
        }
        let sms = seen.segments.values().copied().max().unwrap_or(0);
        let whole_sms = seen.segments.keys().copied().eq(1..=row.segments);
        self.by_rcs += usize::from(seen.delivered);
        self.by_sms += usize::from(sms > 0);
        self.in_doubt += usize::from(row.doubts > 0);
        if matches!(row.state, State::Delivered | State::Submitted) && !seen.delivered && !whole_sms {
            self.lost(format!("{token}: {}, and nobody has it whole", row.state));
        }
        if seen.delivered && row.state != State::Delivered {
            self.faults
                .push(format!("{token}: told to be delivered by RCS, and {}", row.state));
        }
        if seen.delivered && sms > 0 {
            self.twice += 1;
            if !row.class.sends_sms_in_doubt() {
                self.beside
                    .push(format!("{token}: by RCS and by SMS, though only {}", row.class));
            }
            if !flags.has(Flag::DeliveredTwice) && !flags.has(Flag::PossibleDuplicate) {
                self.faults.push(format!("{token}: by RCS and by SMS, and not noted"));
            }
        }
        let copies = sms.saturating_sub(1);
        self.copies += copies;
        if copies > allowance(row.class).min(row.doubts) {
            let what = format!("{token}: {sms} SMS after {} doubts, of class {}", row.doubts, row.class);
            self.faults.push(what);
        }
    }

    fn lost(&mut self, what: String) {
        self.lost += 1;
        self.faults.push(what);
    }
}
