//! What a seed decides, and what everybody but the process remembers.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::bank::Bank;
use super::customer::Customer;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::UnixMillis;
use crate::inbound::Book;
use crate::store::Loss;

/// When the world begins.
pub(super) const DAWN: UnixMillis = UnixMillis(1_800_000_000_000);
/// From then on nothing fails.
pub(super) const CALM: Duration = Duration::from_mins(6);
/// By then all has come to its end.
pub(super) const HORIZON: Duration = Duration::from_mins(13);
/// How long a process that died is away.
pub(super) const AWAY: Duration = Duration::from_secs(2);
/// Customers of a world.
const CUSTOMERS: usize = 5;

/// What the bank makes of a call that comes twice, and what one may ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each call moves money. It tells what became of a key.
    Asked,
    /// A key moves money once, though it may do so late. It tells what became of a key, and knows nothing of one that it
    /// has not got round to.
    AskedAndKeyed,
    /// A key moves money once, and it is told to us that this is so.
    Keyed,
    /// Each call moves money, and one can ask nothing.
    Blind,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Asked, Self::AskedAndKeyed, Self::Keyed, Self::Blind];

    /// Whether a key moves money once.
    pub(super) const fn heeds_keys(self) -> bool {
        matches!(self, Self::AskedAndKeyed | Self::Keyed)
    }

    pub(super) fn config(self) -> Config {
        let more = match self {
            Self::Asked | Self::AskedAndKeyed => "status_url = \"https://bank.example/status\"",
            Self::Keyed => "idempotent = true",
            Self::Blind => "",
        };
        toml::from_str(&CONFIG.replace("MORE", more)).unwrap()
    }
}

const CONFIG: &str = r#"
[client.bank]
[address.12345]
client = "bank"
locale = "it"
[route.all]
steps = [{ carriers = ["tim"] }]
[command.topup]
title = { it = "Ricarica" }
money = true
confirmation = "code"
keywords = { it = ["ricarica"] }
[command.topup.slots.amount]
type = "money"
required = true
prompt = { it = "Di quanto?" }
[command.topup.action]
url = "https://bank.example/topup"
timeout = "3s"
late_after = "1s"
retries = 10
MORE
[command.topup.replies]
ok = "Fatto {{ slots.amount }}"
refused = "Rifiutato {{ slots.amount }}"
failed = "Fallito {{ slots.amount }}"
unknown = "Ignoto {{ slots.amount }}"
[command.yes]
title = { it = "Si" }
answers = "yes"
keywords = { it = ["si"] }
[command.no]
title = { it = "No" }
answers = "no"
keywords = { it = ["no"] }
"#;

/// The books, each learnt once: what a text means does not depend on the seed.
pub(super) fn book(config: &Config) -> Arc<Book> {
    static BOOKS: LazyLock<Vec<(String, Arc<Book>)>> = LazyLock::new(|| {
        let book = |kind: Kind| {
            let config = kind.config();
            (action(&config), Arc::new(Book::new(&config).unwrap()))
        };
        Kind::ALL.into_iter().map(book).collect()
    });
    let wanted = action(config);
    let found = BOOKS.iter().find(|(action, _)| *action == wanted);
    found.unwrap().1.clone()
}

fn action(config: &Config) -> String {
    format!(
        "{:?}",
        config.command.values().find_map(|command| command.action.as_ref())
    )
}

/// How often what goes wrong, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    /// A commit fails.
    pub(super) commit: u32,
    /// The answer to a text does not arrive at the carrier, which brings the text again.
    pub(super) answer_lost: u32,
    /// The bank has no place.
    pub(super) busy: u32,
    /// The bank fails before it does anything.
    pub(super) fails_before: u32,
    /// The bank does it, and its answer is lost.
    pub(super) fails_after: u32,
    /// The bank does it, and takes its time.
    pub(super) slow: u32,
    /// The bank refuses.
    pub(super) refuses: u32,
    /// The process dies around a call.
    pub(super) falls: u32,
    /// A customer says something else, or the same twice.
    pub(super) errs: u32,
    /// Times in which nobody answers at the bank.
    outages: u32,
    /// Deaths at any time.
    deaths: u32,
}

impl Faults {
    fn draw(random: &mut StdRng) -> Self {
        // Each seed has its own climate: some have all faults at once, some few.
        let mut at_most = |most: u32| match random.random_bool(0.7) {
            true => random.random_range(0..=most),
            false => 0,
        };
        Self {
            commit: at_most(30),
            answer_lost: at_most(200),
            busy: at_most(150),
            fails_before: at_most(200),
            fails_after: at_most(300),
            slow: at_most(300),
            refuses: at_most(100),
            falls: at_most(200),
            errs: at_most(400),
            outages: at_most(3),
            deaths: at_most(5),
        }
    }
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) kind: Kind,
    pub(super) faults: Faults,
    pub(super) random: StdRng,
    pub(super) bank: Bank,
    pub(super) customers: Vec<Customer>,
    /// Whether the carrier has an id of its own for each text.
    pub(super) names_texts: bool,
    /// When answers to the carrier may have been lost.
    pub(super) losses: Vec<Loss>,
    /// Sums whose right code was texted, with how often.
    pub(super) confirmed: BTreeMap<String, u32>,
    outages: Vec<(UnixMillis, UnixMillis)>,
    deaths: Vec<UnixMillis>,
    fallen: Arc<Notify>,
    trace: Sha256,
    shows: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let faults = Faults::draw(&mut random);
        let calm = u64::try_from(CALM.as_millis()).unwrap();
        let mut at = || DAWN.after(Duration::from_millis(random.random_range(1_000..calm)));
        let outages = (0..faults.outages).map(|_| at()).collect::<Vec<_>>();
        let mut deaths: Vec<_> = (0..faults.deaths).map(|_| at()).collect();
        deaths.sort_unstable();
        let lasts = |begins: UnixMillis, random: &mut StdRng| {
            let lasts = Duration::from_millis(random.random_range(1_000..60_000));
            (begins, begins.after(lasts))
        };
        let outages = outages.into_iter().map(|begins| lasts(begins, &mut random)).collect();
        let customers = (0..CUSTOMERS).map(|n| Customer::new(n, &mut random)).collect();
        let world = Self {
            clock: Clock::manual(DAWN),
            kind: Kind::ALL[usize::try_from(seed).unwrap() % Kind::ALL.len()],
            faults,
            bank: Bank::default(),
            customers,
            names_texts: random.random_bool(0.5),
            losses: Vec::new(),
            confirmed: BTreeMap::new(),
            outages,
            deaths,
            fallen: Arc::default(),
            trace: Sha256::new(),
            shows: std::env::var_os("ARALDO_SEED").is_some(),
            random,
        };
        if world.shows {
            eprintln!("{:?} {:?}", world.kind, world.faults);
        }
        world
    }

    /// A process begins: when it dies at the latest, and what tells that it falls before.
    pub(super) fn begin(&mut self, clock: &Clock) -> (UnixMillis, Arc<Notify>) {
        self.clock = clock.clone();
        self.fallen = Arc::default();
        let now = clock.now();
        self.note("begins");
        // What was answered just before the end may not have arrived.
        self.lose_answers();
        self.deaths.retain(|at| *at > now);
        let dies = self.deaths.first().copied();
        (dies.unwrap_or(DAWN.after(HORIZON)), self.fallen.clone())
    }

    /// The process falls within moments.
    pub(super) fn fall(&mut self) {
        self.note("falls");
        self.fallen.notify_one();
    }

    pub(super) fn lose_answers(&mut self) {
        let now = self.clock.now();
        self.losses.push(Loss { from: now, to: now });
    }

    /// Whether something goes wrong that does so this often in a thousand.
    pub(super) fn fails(&mut self, thousandths: u32) -> bool {
        let calm = self.clock.now() >= DAWN.after(CALM);
        !calm && thousandths > 0 && self.random.random_range(0..1_000) < thousandths
    }

    /// Whether nobody answers at the bank.
    pub(super) fn is_out(&self) -> bool {
        let now = self.clock.now();
        self.outages.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    pub(super) fn note(&mut self, what: impl Display) {
        let line = format!("{} {what}\n", self.clock.now().0 - DAWN.0);
        if self.shows {
            eprint!("{line}");
        }
        self.trace.update(line);
    }

    /// The hash of all that was noted.
    pub(super) fn trace(&self) -> [u8; 32] {
        self.trace.clone().finalize().into()
    }
}
