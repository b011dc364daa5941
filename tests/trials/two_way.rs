//! The process dies at any moment while people text, the bank is asked and answers leave: no text that the carrier was
//! told we have is lost, none leads to two wishes, no money moves twice, and nobody is answered twice but for a doubt.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use araldo::clock::monotonic;
use futures_util::future::join_all;
use rand::RngExt;
use tokio::time::MissedTickBehavior;

use crate::support::bank::{Bank, Mood, code};
use crate::support::ledger::{Brought, Ledger};
use crate::support::sample::recipient;
use crate::support::scene::{ADDRESS, Scene, action};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, until};

/// A start after a crash may take this long until messages are taken again.
const READY: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(60);
/// Texts a second that ask for a balance, and the phones that share them: each waits for the carrier.
const RATE: u32 = 300;
const PHONES: u32 = 48;
/// People who top up, one after the other, each with a code.
const CLERKS: u32 = 4;
/// Between two looks at a phone.
const GLANCE: Duration = Duration::from_millis(80);
/// How long the bank takes.
const THINKS: Duration = Duration::from_millis(25);
const WISHES: [&str; 4] = ["saldo", "SALDO!", "saldo per favore", "balance"];
const TOP_UP: &str = "ricarica 10 euro";
const OK: u32 = 0;

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_texts_and_calls_it_loses_no_text_and_doubles_no_wish() {
    let _stage = alone().await;
    let seed = seed("two-way");
    let kills = if long() { 30 } else { 4 };
    let scene = scene().await;
    scene.bank.set_mood(Mood::Late(THINKS));
    let is_over = AtomicBool::new(false);
    let begun = monotonic();
    let killed = async {
        let mut daemon = scene.start().await;
        let mut moments = rng(seed, 2);
        let mut slowest = Duration::ZERO;
        for _ in 0..kills {
            tokio::time::sleep(Duration::from_millis(moments.random_range(50..2_000))).await;
            daemon.kill();
            daemon = scene.house.spawn();
            slowest = slowest.max(scene.house.ready(READY).await);
        }
        is_over.store(true, Ordering::Relaxed);
        (daemon, slowest, monotonic().duration_since(begun))
    };
    let phones = join_all((0..PHONES).map(|phone| texts(&scene, &is_over, seed, phone)));
    let clerks = join_all((0..CLERKS).map(|clerk| tops_up(&scene, &is_over, clerk)));
    let ((daemon, slowest, lasted), ..) = tokio::join!(killed, phones, clerks);
    const OPEN: &str = "SELECT (SELECT count(*) FROM inbound WHERE handled_at IS NULL) \
         + (SELECT count(*) FROM action WHERE state <> 'done') \
         + (SELECT count(*) FROM message WHERE state IN ('scheduled', 'queued', 'claimed', 'uncertain'))";
    until(LIMIT, "all that came is done and answered", async || {
        (scene.house.database().number(OPEN).await == 0).then_some(())
    })
    .await;
    assert!(daemon.stop().await.success());
    assert_eq!(scene.house.database().integrity().await, "ok");

    let account = account(&scene).await;
    eprintln!("two-way: {kills} kills in {lasted:?}, slowest start {slowest:?}\ntwo-way: {account}");
    let shown = account.faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(account.faults.is_empty(), "{} faults\n  {shown}", account.faults.len());
    assert!(account.moved > 0, "nobody has topped up");
    assert!(
        f64::from(account.accepted) / lasted.as_secs_f64() > 50.0,
        "hardly any load: {} in {lasted:?}",
        account.accepted
    );
    // Of few kills all may fall between two commits.
    if long() {
        assert!(account.again + account.inquiries > 0, "no kill found a call under way");
        assert!(account.brought_again > 0, "no kill found an answer under way");
    }
    assert!(scene.house.alarms().is_empty(), "{:?}", scene.house.alarms());
}

/// Balances may be asked for again; of a top-up one may ask what became of it. Nobody is told that it takes long: each
/// text has one answer.
async fn scene() -> Scene {
    const MANNER: &str = "timeout = \"3s\"\nretries = 10\nlate_after = \"60s\"";
    let ours = |bank: &Bank| {
        let asked = format!("{MANNER}\nstatus_url = \"{}\"", bank.url("/status"));
        let [topup, balance] = [("topup", &*asked), ("balance", MANNER)].map(|(c, manner)| action(bank, c, manner));
        format!("[command.topup]\nauthorisation = \"none\"\n{topup}{balance}")
    };
    Scene::new(ours, "").await
}

/// A phone with a number of its own for each text, so that all that follows can be told apart. What became of a text
/// stands in the carrier's ledger.
async fn texts(scene: &Scene, is_over: &AtomicBool, seed: u64, phone: u32) {
    let mut draw = rng(seed, 100 + u64::from(phone));
    // One after the other, not all at once.
    tokio::time::sleep(Duration::from_secs(1) * phone / RATE).await;
    let mut tick = tokio::time::interval(Duration::from_secs(1) * PHONES / RATE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for n in 0.. {
        tick.tick().await;
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let wish = WISHES[draw.random_range(0..WISHES.len())];
        let from = recipient(347, phone * 100_000 + n);
        scene.carrier.text_when_bound(LIMIT, &from, ADDRESS, wish).await;
    }
}

/// One person after the other, each with a wish, its code, and the word that it is done.
async fn tops_up(scene: &Scene, is_over: &AtomicBool, clerk: u32) {
    for n in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let number = &recipient(348, clerk * 100_000 + n);
        scene.carrier.text_when_bound(LIMIT, number, ADDRESS, TOP_UP).await;
        let sent = hears(scene, number, "Per confermare").await;
        scene
            .carrier
            .text_when_bound(LIMIT, number, ADDRESS, &code(&sent))
            .await;
        hears(scene, number, "Fatto").await;
    }
}

async fn hears(scene: &Scene, number: &str, part: &str) -> String {
    until(LIMIT, &format!("`{part}` on a phone"), async || {
        tokio::time::sleep(GLANCE).await;
        let texts = scene.carrier.phone(number).await;
        texts.into_iter().find(|text| text.contains(part))
    })
    .await
}

/// What the carrier was told that we have, the bank heard, the phones were sent, and the tables say.
#[derive(Default)]
struct Account {
    /// Texts that the carrier was answered ESME_ROK to.
    accepted: u32,
    /// Of these, those that it brought more than once.
    brought_again: u32,
    /// Wishes that the bank heard.
    asked: u32,
    /// Of these, those that it heard more than once, under one key.
    again: u32,
    /// How often it was asked what became of one.
    inquiries: u32,
    /// Top-ups.
    moved: u32,
    /// Answers that the phones have.
    answered: u32,
    /// Answers that came into doubt, and copies that were sent for it.
    in_doubt: u32,
    copies: u32,
    lost: u32,
    doubled: u32,
    faults: Vec<String>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} texts accepted ({} brought again), {} wishes asked ({} again under their keys, {} inquiries), {} of them \
             top-ups, {} answers sent, {} in doubt, {} copies, lost {}, doubled {}",
            self.accepted,
            self.brought_again,
            self.asked,
            self.again,
            self.inquiries,
            self.moved,
            self.answered,
            self.in_doubt,
            self.copies,
            self.lost,
            self.doubled
        )
    }
}

/// All that is known of a number.
#[derive(Default)]
struct Known {
    /// What the carrier brought, by text.
    brought: BTreeMap<String, Vec<Brought>>,
    /// What the bank heard: how often, by key, of each command.
    asked: BTreeMap<String, BTreeMap<String, u32>>,
    /// The answers in the tables, with how often each came into doubt.
    answers: Vec<(String, u32)>,
    /// What the phone was sent.
    sent: Vec<String>,
}

async fn account(scene: &Scene) -> Account {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let ledger = scene.carrier.ledger_file();
    for brought in Ledger::brought(ledger) {
        let of_number = known.entry(brought.from.clone()).or_default();
        of_number.brought.entry(brought.text.clone()).or_default().push(brought);
    }
    for (command, key, body) in scene.bank.asked() {
        let number = body["number"].as_str().unwrap().trim_start_matches('+');
        let of_command = known.entry(number.to_owned()).or_default().asked.entry(command);
        *of_command.or_default().entry(key).or_default() += 1;
    }
    for (to, text, doubts) in scene.house.database().letters().await {
        known.entry(to).or_default().answers.push((text, doubts));
    }
    for (to, text) in Ledger::texts(ledger) {
        known.entry(to).or_default().sent.push(text);
    }
    let mut account = Account {
        inquiries: scene.bank.inquiries(),
        ..Account::default()
    };
    for (number, known) in &known {
        account.number(number, known);
    }
    account
}

impl Account {
    fn number(&mut self, number: &str, known: &Known) {
        let taken = |brought: &&Vec<Brought>| brought.iter().any(|brought| brought.status == Some(OK));
        let accepted = u32::try_from(known.brought.values().filter(taken).count()).unwrap();
        self.accepted += accepted;
        self.brought_again += u32::from(known.brought.values().any(|brought| brought.len() > 1));
        let tops_up = known.brought.contains_key(TOP_UP);
        let (command, texts) = if tops_up { ("topup", 2) } else { ("balance", 1) };
        self.wishes(number, known, command, accepted == texts);
        self.answers(number, known, accepted, texts);
    }

    /// One wish for one text, or for a text and its code.
    fn wishes(&mut self, number: &str, known: &Known, command: &str, is_due: bool) {
        let none = BTreeMap::new();
        let keys = known.asked.get(command).unwrap_or(&none);
        self.asked += u32::try_from(keys.len()).unwrap();
        self.again += u32::try_from(keys.values().filter(|times| **times > 1).count()).unwrap();
        if keys.is_empty() && is_due {
            self.lost(format!("{number}: accepted, and nobody was asked"));
        }
        if keys.len() > 1 {
            self.doubled(format!("{number}: one text, and the bank heard {} wishes", keys.len()));
        }
        if command == "topup" {
            self.moved += u32::try_from(keys.len()).unwrap();
            if keys.values().any(|times| *times > 1) {
                self.doubled(format!(
                    "{number}: a top-up was asked for again, and nobody knew that it was not done"
                ));
            }
        }
        if let Some(other) = known.asked.keys().find(|asked| *asked != command) {
            self.faults
                .push(format!("{number}: texted for {command}, and {other} was asked for"));
        }
    }

    /// One answer to each text, and a copy only after a doubt.
    fn answers(&mut self, number: &str, known: &Known, accepted: u32, texts: u32) {
        let rows = u32::try_from(known.answers.len()).unwrap();
        if rows < accepted {
            self.lost(format!("{number}: {accepted} texts accepted, {rows} answered"));
        }
        if rows > texts {
            self.doubled(format!("{number}: {texts} texts, and {rows} answers in the tables"));
        }
        let written: BTreeSet<&String> = known.answers.iter().map(|(text, _)| text).collect();
        if known.sent.iter().any(|text| !written.contains(text)) {
            self.faults.push(format!("{number}: sent what is not in the tables"));
        }
        for (text, doubts) in &known.answers {
            let sent = u32::try_from(known.sent.iter().filter(|sent| *sent == text).count()).unwrap();
            self.answered += u32::from(sent > 0);
            self.in_doubt += u32::from(*doubts > 0);
            let copies = sent.saturating_sub(1);
            self.copies += copies;
            if sent == 0 {
                self.lost(format!("{number}: an answer never left"));
            }
            if copies > (*doubts).min(1) {
                self.doubled(format!(
                    "{number}: an answer was sent {sent} times after {doubts} doubts"
                ));
            }
        }
    }

    fn lost(&mut self, what: String) {
        self.lost += 1;
        self.faults.push(what);
    }

    fn doubled(&mut self, what: String) {
        self.doubled += 1;
        self.faults.push(what);
    }
}
