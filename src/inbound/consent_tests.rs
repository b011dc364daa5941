//! Consent words and commands side by side: each text is answered once, by whom it is meant for.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use tokio_util::sync::DropGuard;

use super::*;
use crate::backend::{AddressGuard, Webhooks};
use crate::clock;
use crate::command::{Catalogue, Locale};
use crate::config::{AddressConfig, ClientConfig, Config, RouteConfig, StepCarrier, StepConfig};
use crate::consent::Gate;
use crate::dispatch::Waits;
use crate::dispatch::action::Parts;
use crate::domain::{Concat, ReferenceSize, UnixMillis};
use crate::fixture::{self, bind, name};
use crate::inbound::say::{self, Say};
use crate::outbox::Policy;
use crate::router::Router;
use crate::store::memory::MemoryStore;
use crate::store::{ConsentQuery, MessageQuery, NewInbound};

const CATALOGUE: &str = r#"
[command.block]
title = { it = "Blocco", en = "Block" }
sensitive = true
confirmation = "yes"
keywords = { it = ["blocca carta"], en = ["block card"] }
[command.topup]
title = { it = "Ricarica", en = "Top-up" }
money = true
confirmation = "code"
keywords = { it = ["ricarica"], en = ["topup"] }
[command.off]
title = { it = "Spegni", en = "Off" }
keywords = { it = ["disattiva"], en = ["switch off"] }
[command.leave]
title = { it = "Basta", en = "Leave" }
consent = "stop"
keywords = { it = ["niente messaggi"], en = ["no messages"] }
[command.help]
title = { it = "Aiuto", en = "Help" }
consent = "help"
keywords = { it = ["aiuto"], en = ["help"] }
replies = { ok = "SALDO, BLOCCA CARTA, STOP" }
[command.yes]
title = { it = "Si", en = "Yes" }
answers = "yes"
keywords = { it = ["si"], en = ["yes"] }
[command.no]
title = { it = "No", en = "No" }
answers = "no"
keywords = { it = ["no"], en = ["no"] }
"#;

fn config(catalogue: &str) -> Config {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        command: Catalogue,
    }
    let file: File = toml::from_str(catalogue).unwrap();
    let mut config = Config {
        command: file.command,
        ..Config::default()
    };
    config.client.insert(name("bank"), ClientConfig::default());
    let address = AddressConfig {
        client: Some(name("bank")),
        ..AddressConfig::default()
    };
    config.address.insert("12345".to_owned(), address);
    let carriers = vec![StepCarrier {
        id: name("tim"),
        weight: 1,
    }];
    let steps = vec![StepConfig {
        carriers,
        ..StepConfig::default()
    }];
    let route = RouteConfig {
        steps,
        ..RouteConfig::default()
    };
    config.route = BTreeMap::from([(name("all"), route)]);
    config
}

/// A pipeline over the store in memory, and a customer.
pub(super) struct House {
    pub(super) outbox: Outbox,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) waits: Waits,
    pub(super) actions: Arc<Actions>,
    texts: u8,
    heard: usize,
    _stop: DropGuard,
}

impl House {
    /// Nobody is there but the machine.
    async fn new(catalogue: &str) -> Self {
        Self::with(catalogue, false).await
    }

    pub(super) async fn with(catalogue: &str, open_cases: bool) -> Self {
        Self::over(Arc::new(MemoryStore::new()), catalogue, open_cases).await
    }

    pub(super) async fn over(store: Arc<dyn Store>, catalogue: &str, open_cases: bool) -> Self {
        let mut config = config(catalogue);
        config.care.open_cases = open_cases;
        let policy = Policy {
            gate: Arc::new(Gate::new(&config)),
            ..fixture::policy()
        };
        let clock = Clock::manual(UnixMillis(1_773_100_800_000));
        let lease = store.take_lease().await.unwrap();
        let settings = fixture::settings();
        let started = crate::outbox::start(store.clone(), Arc::new(policy), &settings, clock.clone(), lease);
        let (outbox, _) = started.await.unwrap();
        let intake = || {
            let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
            Arc::new(Intake::new(&config, router, clock.clone()).with_gate(outbox.gate().clone()))
        };
        let limits = Arc::new(Limits::new(&config.command, 0, 100));
        let shelf = Arc::new(Shelf::from_pointee(Book::new(&config).unwrap()));
        let stop = CancellationToken::new();
        let parts = Parts {
            store: store.clone(),
            outbox: outbox.clone(),
            caller: Box::new(Webhooks::new(AddressGuard::new(&[]), None).unwrap()),
            sim_swap: None,
            clock: clock.clone(),
            shelf: shelf.clone(),
            intake: intake(),
            limits: limits.clone(),
            lease,
            most: 1,
        };
        let actions = Actions::new(parts, stop.clone());
        let waits = Waits {
            store: store.clone(),
            outbox: outbox.clone(),
            clock: clock.clone(),
            shelf: shelf.clone(),
            intake: intake(),
            limits: limits.clone(),
        };
        let pipeline = Pipeline {
            store: store.clone(),
            outbox: outbox.clone(),
            clock: clock.clone(),
            book: shelf.load_full(),
            shelf,
            limits: limits.clone(),
            intake: intake(),
            consent: Arc::new(ConsentStep::new(&config, intake(), limits)),
            actions: actions.clone(),
            reassembly_timeout: Duration::from_mins(5),
        };
        tokio::spawn(pipeline.run(stop.clone()));
        Self {
            outbox,
            store,
            clock,
            waits,
            actions,
            texts: 0,
            heard: 0,
            _stop: stop.drop_guard(),
        }
    }

    /// A text that the carrier brought and that nothing was made of; gives what the customer is answered.
    pub(super) async fn text(&mut self, said: &str) -> Vec<String> {
        self.bring(said, None).await
    }

    async fn bring(&mut self, said: &str, segment: Option<Concat>) -> Vec<String> {
        self.bring_from("393331234567", said, segment).await;
        self.answers().await
    }

    /// A text of a number's.
    pub(super) async fn bring_from(&mut self, from: &str, said: &str, segment: Option<Concat>) {
        self.texts += 1;
        self.clock.set(self.clock.now().after(Duration::from_secs(1)));
        let at = self.clock.now();
        let text = NewInbound {
            id: clock::inbound_id(at),
            bind: bind(),
            from: from.into(),
            to: "12345".into(),
            data_coding: 0,
            esm_class: 0,
            octets: Bytes::new(),
            text: Some(said.into()),
            code: None,
            lossy: false,
            segment,
            carrier_message_id: None,
            digest: [self.texts; 32],
            losses: Vec::new(),
            at,
            note: None,
            handled: None,
            consents: Vec::new(),
            answers: Vec::new(),
        };
        self.outbox.inbound(text).await.unwrap();
    }

    /// What the customer was told since the last look.
    pub(super) async fn answers(&mut self) -> Vec<String> {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let query = MessageQuery {
            limit: 99,
            ..MessageQuery::default()
        };
        let mut rows = self.store.messages(&query).await.unwrap().rows;
        rows.sort_unstable_by_key(|message| message.row.seq);
        let new = rows.split_off(self.heard);
        self.heard += new.len();
        new.into_iter().map(|message| message.text.into()).collect()
    }

    async fn opted_out(&self) -> bool {
        let query = ConsentQuery {
            limit: 9,
            ..ConsentQuery::default()
        };
        let noted = !self.store.consents(&query).await.unwrap().rows.is_empty();
        assert_eq!(noted, !self.outbox.gate().is_open());
        noted
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_answers_the_question_that_waits_and_is_a_stop_where_none_does() {
    let mut house = House::new(CATALOGUE).await;
    assert_eq!(house.text("blocca carta").await.len(), 1);
    assert_eq!(house.text("cancella").await.len(), 1);
    assert!(!house.opted_out().await);
    let answers = house.text("cancella").await;
    assert!(answers.len() == 1 && answers[0].contains("START"), "{answers:?}");
    assert!(house.opted_out().await);
}

#[tokio::test(start_paused = true)]
async fn a_keyword_of_the_catalogue_comes_before_what_its_word_means_elsewhere() {
    let mut house = House::new(CATALOGUE).await;
    assert_eq!(house.text("disattiva").await.len(), 1);
    assert!(!house.opted_out().await);
}

#[tokio::test(start_paused = true)]
async fn stop_in_a_long_text_is_obeyed_even_where_there_are_no_commands() {
    for catalogue in [CATALOGUE, ""] {
        let mut house = House::new(catalogue).await;
        let segment = |number| Concat::new(ReferenceSize::Bits8, 7, 2, number);
        assert_eq!(house.bring("ST", segment(1)).await, [""; 0]);
        let answers = house.bring("OP", segment(2)).await;
        assert!(answers.len() == 1 && answers[0].contains("START"), "{answers:?}");
        assert!(house.opted_out().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plea_in_a_sentence_is_obeyed_answered_and_leaves_later_answers_alone() {
    let mut house = House::new(CATALOGUE).await;
    let answers = house.text("niente messaggi").await;
    assert!(answers.len() == 1 && answers[0].contains("START"), "{answers:?}");
    assert!(house.opted_out().await);
    assert_eq!(house.text("blocca carta").await.len(), 1);
    let query = MessageQuery {
        limit: 9,
        ..MessageQuery::default()
    };
    let rows = house.store.messages(&query).await.unwrap().rows;
    assert!(
        rows.iter().all(|message| !message.row.progress.state.is_final()),
        "{rows:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn help_is_answered_once_by_the_catalogue_that_has_a_reply() {
    let mut house = House::new(CATALOGUE).await;
    assert_eq!(house.text("Hilfe!").await, ["SALDO, BLOCCA CARTA, STOP"]);
    assert!(!house.opted_out().await);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_comes_after_five_minutes_is_told_so_and_does_nothing() {
    let mut house = House::new(CATALOGUE).await;
    for (minutes, told) in [(5, "troppo tempo"), (4, "Ricarica")] {
        let asked = house.text("ricarica").await.remove(0);
        let code: String = asked
            .split(' ')
            .find(|word| word.len() == 6 && word.parse::<u32>().is_ok())
            .unwrap()
            .into();
        house.clock.set(house.clock.now().after(Duration::from_mins(minutes)));
        let said = house.text(&code).await.remove(0);
        assert!(said.contains(told), "{minutes}: {said}");
    }
}

#[test]
fn what_is_said_asks_for_a_receipt_only_where_receipts_are_wanted() {
    for receipts in [false, true] {
        let mut config = config(CATALOGUE);
        config.two_way.receipts = receipts;
        let clock = Clock::manual(UnixMillis(1_773_100_800_000));
        let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
        let intake = Intake::new(&config, router, clock.clone());
        let book = Book::new(&config).unwrap();
        let between = Between {
            number: "393331234567".into(),
            address: "12345".into(),
        };
        let client = book.client(&between.address, None).unwrap();
        let say = Say::Plain("Fatto.".to_owned());
        let said = say::message(&book, &intake, client, &between, Locale::It, &say, clock.now()).unwrap();
        assert_eq!(said.message.receipt, receipts);
    }
}
