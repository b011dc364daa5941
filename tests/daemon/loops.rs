//! Two daemons that answer one another: neither knows that the other is none, and both fall silent.

use std::fs;
use std::time::Duration;

use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::ledger::Ledger;
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(30);
/// Texts after which each of the two is silent, at the latest.
const MOST: usize = 5;
/// Commands whose replies are commands: to the letter, and with a courtesy behind them.
const ECHOES: &str = r#"
[command.hours]
title = { it = "Orari", en = "Hours" }
keywords = { it = ["orari sportello"], en = ["desk hours"] }
replies = { ok = { it = "Filiali vicine", en = "Branches nearby" } }
[command.branches]
title = { it = "Filiali", en = "Branches" }
keywords = { it = ["filiali vicine"], en = ["branches nearby"] }
replies = { ok = { it = "Orari sportello", en = "Desk hours" } }
[command.appointment]
title = { it = "Appuntamento", en = "Appointment" }
keywords = { it = ["appuntamento"], en = ["appointment"] }
replies = { ok = { it = "Appuntamento, per favore", en = "Appointment, please" } }
"#;

/// A daemon with the shipped catalogue, and the number that it answers at.
struct Herald {
    number: &'static str,
    house: House,
    carrier: Carrier,
    daemon: Daemon,
    /// Texts of its own that were brought to the other one.
    brought: usize,
}

impl Herald {
    /// With these commands beside the shipped ones.
    async fn start(number: &'static str, more: &str) -> Self {
        let house = House::new("");
        let carrier = Carrier::start(house.path(), "c", &[]);
        let conf = house.path().join("conf.d");
        fs::create_dir(&conf).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/commands.toml");
        fs::copy(shipped, conf.join("10-commands.toml")).unwrap();
        fs::write(conf.join("20-more.toml"), more).unwrap();
        house.configure(&format!(
            "[address.\"{number}\"]\nclient = \"bank\"\n{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
            carrier.section("")
        ));
        let daemon = house.start().await;
        carrier.until(LIMIT, "bound", 1).await;
        Self {
            number,
            house,
            carrier,
            daemon,
            brought: 0,
        }
    }

    /// A text from a number comes to it.
    async fn hears(&self, from: &str, text: &str) {
        let taken = self.carrier.text(from, self.number, text).await;
        assert!(taken.unwrap().iter().all(|status| status == "ESME_ROK"));
    }

    /// Waits until all that it heard is handled and all that it says is said.
    async fn is_done(&self) {
        const OPEN: &str = "SELECT (SELECT count(*) FROM inbound WHERE handled_at IS NULL) \
             + (SELECT count(*) FROM message WHERE state IN ('queued', 'scheduled', 'claimed'))";
        until(LIMIT, "it has said all", async || {
            (self.house.database().number(OPEN).await == 0).then_some(())
        })
        .await;
    }

    /// All that it has to say, and how many texts that is.
    async fn speaks_to(&mut self, other: &Self) -> usize {
        self.is_done().await;
        let texts = Ledger::texts(self.carrier.ledger_file());
        let new: Vec<_> = texts.into_iter().skip(self.brought).collect();
        self.brought += new.len();
        for (_, text) in &new {
            other.hears(self.number, text).await;
        }
        new.len()
    }
}

/// Begins with this text to one of two that have these commands, and brings each what the other says until both are silent.
async fn converse(more: &str, begins: &str) {
    let (one, other) = tokio::join!(Herald::start("393331110001", more), Herald::start("393331110002", more));
    let (mut one, mut other) = (one, other);
    one.hears(other.number, begins).await;
    loop {
        let spoken = one.speaks_to(&other).await + other.speaks_to(&one).await;
        assert!(one.brought <= MOST && other.brought <= MOST, "{begins}: it goes on");
        if spoken == 0 {
            break;
        }
    }
    eprintln!("{begins}: {} and {} texts", one.brought, other.brought);
    assert!(one.brought > 0, "{begins}");
    for herald in [one, other] {
        assert!(herald.daemon.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_heralds_that_answer_one_another_stop_within_five_texts() {
    let _stage = together().await;
    for begins in ["che tempo fa domani a Bologna", "aiuto"] {
        converse("", begins).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_heralds_whose_replies_are_commands_to_one_another_stop_within_five_texts() {
    let _stage = together().await;
    for begins in ["orari sportello", "appuntamento"] {
        converse(ECHOES, begins).await;
    }
}
