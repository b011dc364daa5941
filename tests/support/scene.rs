//! A daemon with the shipped catalogue, a carrier whose phones text and are texted, and a bank that does what the texts
//! ask for.

use std::fs;
use std::time::Duration;

use super::bank::Bank;
use super::carrier::Carrier;
use super::daemon::{Daemon, House};
use super::ledger::Ledger;
use super::until;

/// The address that customers write to.
pub(crate) const ADDRESS: &str = "48400";
const LIMIT: Duration = Duration::from_secs(30);

/// All of them. Dropped, they are gone.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) carrier: Carrier,
    pub(crate) bank: Bank,
}

impl Scene {
    /// A daemon to be started: `ours` says what the catalogue has beside the shipped one, `more` what the configuration
    /// has beside carrier, route and address.
    pub(crate) async fn new(ours: impl FnOnce(&Bank) -> String, more: &str) -> Self {
        let house = House::new("");
        let carrier = Carrier::start(house.path(), "c", &[]);
        let bank = Bank::open().await;
        let conf = house.path().join("conf.d");
        fs::create_dir(&conf).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/commands.toml");
        fs::copy(shipped, conf.join("10-commands.toml")).unwrap();
        fs::write(conf.join("20-bank.toml"), ours(&bank)).unwrap();
        house.configure(&format!(
            "[outbox]\ndoubt_hold = \"1s\"\n[webhook]\nallow_networks = [\"127.0.0.0/8\"]\n\
             [address.\"{ADDRESS}\"]\nclient = \"bank\"\nlocale = \"it\"\n{}\
             [route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n{more}",
            carrier.section("")
        ));
        Self { house, carrier, bank }
    }

    pub(crate) async fn start(&self) -> Daemon {
        let daemon = self.house.start().await;
        self.carrier.until(LIMIT, "bound", 1).await;
        daemon
    }

    /// Texts, and waits for the carrier's answer.
    pub(crate) async fn text(&self, from: &str, text: &str) {
        until(LIMIT, "the text is taken", async || {
            let statuses = self.carrier.text_when_bound(LIMIT, from, ADDRESS, text).await?;
            statuses.iter().all(|status| status == "ESME_ROK").then_some(())
        })
        .await;
    }

    /// What the phone has, oldest first.
    pub(crate) fn phone(&self, number: &str) -> Vec<String> {
        let texts = Ledger::texts(self.carrier.ledger_file());
        let own = texts.into_iter().filter(|(to, _)| to == number.trim_start_matches('+'));
        own.map(|(_, text)| text).collect()
    }

    /// Waits for the n-th text on the phone.
    pub(crate) async fn hears(&self, number: &str, n: usize) -> String {
        let what = format!("text {n} on the phone");
        until(LIMIT, &what, async || self.phone(number).get(n - 1).cloned()).await
    }

    /// Waits for a text on the phone that has this in it.
    pub(crate) async fn hears_of(&self, number: &str, part: &str) -> String {
        let what = format!("a text with `{part}` on the phone");
        let found = async || self.phone(number).into_iter().find(|text| text.contains(part));
        until(LIMIT, &what, found).await
    }

    /// Texts, and waits for the next text on the phone.
    pub(crate) async fn answer(&self, number: &str, text: &str) -> String {
        let before = self.phone(number).len();
        self.text(number, text).await;
        self.hears(number, before + 1).await
    }

    /// Waits until nothing that came is still to be handled.
    pub(crate) async fn handled(&self) {
        let unhandled = "SELECT count(*) FROM inbound WHERE handled_at IS NULL";
        until(LIMIT, "all texts are handled", async || {
            (self.house.database().number(unhandled).await == 0).then_some(())
        })
        .await;
    }

    /// The sums that the bank has moved for a number.
    pub(crate) fn moved(&self, number: &str) -> Vec<String> {
        let done = self.bank.done_for(number);
        let topups = done.iter().filter(|body| body["command"] == "topup");
        topups
            .map(|body| body["slots"]["amount"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// What a command calls: the bank, in this manner.
pub(crate) fn action(bank: &Bank, command: &str, manner: &str) -> String {
    let url = bank.url(&format!("/do/{command}"));
    format!("[command.{command}.action]\nurl = \"{url}\"\n{manner}\n")
}

/// A code that is not this one.
pub(crate) fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}
