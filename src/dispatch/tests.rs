//! A carrier's binds over the store in memory, with a carrier whose links are in the test's hands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::accept::Intake;
use crate::carrier::{
    AnswerSlot, Carrier, Inbound, InboundText, Link, LinkMode, LinkReport, Message, OpenError, SubmitReport,
    SubmitResult, Verdict,
};
use crate::clock::{Clock, monotonic};
use crate::config::{AddressConfig, CarrierConfig, ClientConfig, Config, RouteConfig, StepCarrier, StepConfig};
use crate::consent::Gate;
use crate::domain::{BindRef, Class, UnixMillis};
use crate::fixture::{self, name};
use crate::inbound::Limits;
use crate::outbox::{self, Outbox, Policy};
use crate::router::Router;
use crate::store::memory::MemoryStore;
use crate::store::{Enqueue, InboundQuery, Store};

/// The carrier's end of a link.
struct Peer {
    submits: mpsc::UnboundedReceiver<Vec<Message>>,
    reports: mpsc::UnboundedSender<LinkReport>,
    inbound: mpsc::Sender<Inbound>,
}

/// Accepts every bind, on trial or not, and hands its other end to the test.
struct HandHeld(mpsc::UnboundedSender<Peer>, bool);

impl Carrier for HandHeld {
    fn open(&self, _: BindRef, _: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>> {
        let (submits, submits_rx) = mpsc::unbounded_channel();
        let (reports, reports_rx) = mpsc::unbounded_channel();
        let (inbound, inbound_rx) = mpsc::channel(8);
        let peer = Peer {
            submits: submits_rx,
            reports,
            inbound,
        };
        let link = Link {
            peer: "127.0.0.1:2775".into(),
            submits,
            reports: reports_rx,
            inbound: inbound_rx,
            stop: CancellationToken::new(),
            on_trial: self.1,
        };
        async move {
            self.0.send(peer).expect("the test listens");
            Ok(link)
        }
        .boxed()
    }
}

struct House {
    outbox: Outbox,
    store: Arc<dyn Store>,
    clock: Clock,
    dispatch: Arc<Dispatch>,
    peers: mpsc::UnboundedReceiver<Peer>,
}

async fn house() -> House {
    house_of(&Config::default()).await
}

async fn house_of(config: &Config) -> House {
    let (peers_tx, peers) = mpsc::unbounded_channel();
    house_with(
        config,
        Arc::new(HandHeld(peers_tx, false)),
        CarrierConfig::default(),
        peers,
    )
    .await
}

async fn house_with(
    config: &Config,
    carrier: Arc<dyn Carrier>,
    settings_of_carrier: CarrierConfig,
    peers: mpsc::UnboundedReceiver<Peer>,
) -> House {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let policy = Arc::new(Policy {
        gate: Arc::new(Gate::new(config)),
        ..fixture::policy()
    });
    let settings = fixture::settings();
    let clock = Clock::manual(UnixMillis(1_000_000));
    let lease = store.take_lease().await.unwrap();
    let started = outbox::start(store.clone(), policy.clone(), &settings, clock.clone(), lease);
    let (outbox, _) = started.await.unwrap();
    let steps = vec![StepConfig {
        carriers: vec![StepCarrier {
            id: name("tim"),
            weight: 1,
        }],
        ..StepConfig::default()
    }];
    let route = RouteConfig {
        steps,
        ..RouteConfig::default()
    };
    let parts = CarrierParts {
        name: name("tim"),
        config: settings_of_carrier,
        carrier,
    };
    let lanes = LaneMap::new(&BTreeMap::from([(name("all"), route)]));
    let intake = Intake::new(
        config,
        Arc::new(Router::new(&config.route, |id| config.channel_of(id))),
        clock.clone(),
    );
    let intake = intake.with_gate(outbox.gate().clone());
    let limits = Arc::new(Limits::new(&config.command, 0, 100));
    let consent = Arc::new(ConsentStep::new(config, Arc::new(intake), limits));
    let dispatch = Dispatch::start(vec![parts], lanes, &outbox, &policy, &consent, &clock);
    House {
        outbox,
        store,
        clock,
        dispatch,
        peers,
    }
}

impl House {
    async fn send(&self) {
        let item = Enqueue::new(fixture::message(self.clock.now()));
        self.outbox.enqueue(vec![item]).await.unwrap();
    }

    /// Texts that are stored.
    /// What the texts say of which nothing was made yet.
    async fn unhandled(&self) -> Vec<String> {
        let texts = self.store.unhandled_texts(0, 99).await.unwrap();
        texts.into_iter().filter_map(|text| text.text.map(Into::into)).collect()
    }

    async fn texts(&self) -> usize {
        let query = InboundQuery {
            limit: 9,
            ..InboundQuery::default()
        };
        self.store.inbound(&query).await.unwrap().rows.len()
    }
}

impl Peer {
    /// Brings the same text each time; gives how it was answered.
    async fn bring_text(&self) -> Verdict {
        self.bring("SALDO").await
    }

    async fn bring(&self, said: &'static str) -> Verdict {
        let (answers, mut answered) = mpsc::unbounded_channel();
        let text = InboundText {
            source: "393331234567".into(),
            destination: "12345".into(),
            data_coding: 0,
            esm_class: 0,
            octets: Bytes::from_static(said.as_bytes()),
            text: Some(said.into()),
            lossy: false,
            segment: None,
            carrier_message_id: None,
            note: None,
        };
        let brought = Inbound::Text(text, AnswerSlot::new(answers, 1));
        self.inbound.send(brought).await.expect("the bind reads");
        answered.recv().await.unwrap().1
    }
}

/// Lets the tasks do what they can at once.
async fn settle_down() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_closes_is_given_nothing_more() {
    let mut house = house().await;
    let mut peer = house.peers.recv().await.unwrap();
    settle_down().await;
    house.send().await;
    assert_eq!(peer.submits.recv().await.unwrap().len(), 1, "while it is open");
    peer.reports.send(LinkReport::Closing).unwrap();
    settle_down().await;
    house.send().await;
    settle_down().await;
    assert!(peer.submits.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_link_on_trial_counts_as_down_and_is_given_one_message_until_it_has_taken_one() {
    let (peers_tx, peers) = mpsc::unbounded_channel();
    let config = CarrierConfig::default();
    let carrier = Arc::new(HandHeld(peers_tx, true));
    let mut house = house_with(&Config::default(), carrier, config, peers).await;
    let mut peer = house.peers.recv().await.unwrap();
    settle_down().await;
    for _ in 0..3 {
        house.send().await;
    }
    settle_down().await;
    let first = peer.submits.recv().await.unwrap();
    assert_eq!(first.len(), 1);
    assert!(peer.submits.try_recv().is_err());
    assert_eq!(house.dispatch.bound(), (0, 1), "others stand in for it");
    let taken = SubmitReport {
        key: first[0].key,
        number: 1,
        total: 1,
        result: SubmitResult::Accepted {
            carrier_message_id: Some("a1".into()),
        },
    };
    peer.reports.send(LinkReport::Submits(vec![taken])).unwrap();
    peer.reports.send(LinkReport::Proven).unwrap();
    settle_down().await;
    assert_eq!(house.dispatch.bound(), (1, 1));
    let mut got = 0;
    while let Ok(batch) = peer.submits.try_recv() {
        got += batch.len();
    }
    assert_eq!(got, 2, "all that waits");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_answered_busy_and_stored_is_not_stored_again() {
    let mut house = house().await;
    let peer = house.peers.recv().await.unwrap();
    house.clock.set(house.clock.now().after(Duration::from_hours(1)));
    assert_eq!(peer.bring_text().await, Verdict::Taken);
    peer.reports.send(LinkReport::AnsweredBusy).unwrap();
    settle_down().await;
    assert_eq!(peer.bring_text().await, Verdict::Taken);
    assert_eq!(house.texts().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_comes_twice_without_a_loss_is_two_texts() {
    let mut house = house().await;
    let peer = house.peers.recv().await.unwrap();
    house.clock.set(house.clock.now().after(Duration::from_hours(1)));
    peer.bring_text().await;
    peer.bring_text().await;
    assert_eq!(house.texts().await, 2);
}

/// `bank` hears 12345, and everything goes the route `all`.
fn config_of_bank() -> Config {
    let mut config = Config::default();
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
    let route = RouteConfig {
        steps: vec![StepConfig {
            carriers,
            ..StepConfig::default()
        }],
        ..RouteConfig::default()
    };
    config.route.insert(name("all"), route);
    config
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_obeyed_in_the_commit_of_its_text_and_answered_once() {
    let mut house = house_of(&config_of_bank()).await;
    let mut peer = house.peers.recv().await.unwrap();
    settle_down().await;
    assert_eq!(peer.bring("Basta, grazie!").await, Verdict::Taken);
    assert!(!house.outbox.gate().is_open(), "before the carrier is answered");
    assert_eq!(house.unhandled().await, [""; 0], "nobody answers it again");
    let answer = peer.submits.recv().await.unwrap();
    assert_eq!(answer.len(), 1);
    house.send().await;
    settle_down().await;
    assert!(peer.submits.try_recv().is_err(), "nothing more is sent");
    let query = crate::store::MessageQuery {
        limit: 9,
        ..Default::default()
    };
    let found = house.store.messages(&query).await.unwrap().rows;
    let mut states: Vec<_> = found
        .iter()
        .map(|message| (message.row.class, message.row.progress.state.as_str()))
        .collect();
    states.sort_unstable();
    assert_eq!(states, [(Class::Reply, "claimed"), (Class::Service, "suppressed")]);
    assert!(found.iter().any(|message| message.text.contains("START")));
    assert_eq!(peer.bring("start").await, Verdict::Taken);
    assert!(house.outbox.gate().is_open());
}

#[tokio::test(start_paused = true)]
async fn a_word_that_may_answer_a_question_waits_for_who_knows_the_question() {
    let mut house = house_of(&config_of_bank()).await;
    let peer = house.peers.recv().await.unwrap();
    settle_down().await;
    assert_eq!(peer.bring("cancel").await, Verdict::Taken);
    assert!(house.outbox.gate().is_open());
    assert_eq!(house.unhandled().await, ["cancel"]);
}

#[tokio::test(start_paused = true)]
async fn help_is_answered_here_unless_the_catalogue_has_a_reply_to_it() {
    let mut config = config_of_bank();
    let mut house = house_of(&config).await;
    let mut peer = house.peers.recv().await.unwrap();
    settle_down().await;
    peer.bring("help").await;
    assert_eq!(house.unhandled().await, [""; 0]);
    assert_eq!(peer.submits.recv().await.unwrap().len(), 1);

    config.command = crate::command::catalogue::shipped();
    let mut house = house_of(&config).await;
    let mut peer = house.peers.recv().await.unwrap();
    settle_down().await;
    peer.bring("help").await;
    settle_down().await;
    assert_eq!(house.unhandled().await, ["help"]);
    assert!(peer.submits.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_says_stop_for_ever_is_obeyed_and_left_without_an_answer() {
    let mut house = house_of(&config_of_bank()).await;
    let peer = house.peers.recv().await.unwrap();
    house.clock.set(house.clock.now().after(Duration::from_hours(1)));
    settle_down().await;
    for _ in 0..15 {
        assert_eq!(peer.bring("STOP").await, Verdict::Taken);
    }
    let query = crate::store::MessageQuery {
        limit: 99,
        ..Default::default()
    };
    assert_eq!(house.store.messages(&query).await.unwrap().rows.len(), 10);
    assert!(!house.outbox.gate().is_open());
    assert_eq!(house.unhandled().await, [""; 0]);
}

/// Refuses every bind, and notes when it was asked by which.
struct Refusing {
    tries: Arc<Mutex<BTreeMap<u16, Vec<Instant>>>>,
    permanent: bool,
}

impl Carrier for Refusing {
    fn open(&self, bind: BindRef, _: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>> {
        let mut tries = self.tries.lock().unwrap();
        tries.entry(bind.bind).or_default().push(monotonic());
        let refused = OpenError::Refused {
            status: if self.permanent { 0x0e } else { 0x0d },
            name: "refused".to_owned(),
            hint: "",
            permanent: self.permanent,
        };
        async move { Err(refused) }.boxed()
    }
}

/// When each of eight binds was tried in ten minutes, from the first try on.
async fn tries_of_eight_binds(permanent: bool) -> Vec<Vec<Duration>> {
    let tries = Arc::new(Mutex::new(BTreeMap::new()));
    let config = CarrierConfig {
        binds: 8,
        ..CarrierConfig::default()
    };
    let carrier = Refusing {
        tries: tries.clone(),
        permanent,
    };
    let begun = monotonic();
    let (_, nobody) = mpsc::unbounded_channel();
    let _house = house_with(&Config::default(), Arc::new(carrier), config, nobody).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let tries = tries.lock().unwrap();
    let since = |times: &Vec<Instant>| times.iter().map(|at| at.duration_since(begun)).collect();
    tries.values().map(since).collect()
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_is_busy_for_ten_minutes_is_tried_fifteen_times_a_bind_at_most() {
    let binds = tries_of_eight_binds(false).await;
    assert_eq!(binds.len(), 8);
    for tries in &binds {
        assert!((10..=15).contains(&tries.len()), "{tries:?}");
        let waits: Vec<Duration> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (n, wait) in waits.iter().enumerate() {
            let whole = Duration::from_secs(1 << n.min(6)).min(Duration::from_secs(60));
            let most = whole.mul_f64(1.2) + Duration::from_millis(2);
            assert!((whole..=most).contains(wait), "{waits:?}");
        }
    }
    // Binds that begin together do not come back together.
    let mut sixth: Vec<Duration> = binds.iter().map(|tries| tries[5]).collect();
    sixth.sort();
    sixth.dedup();
    assert!(sixth.len() > 1, "no jitter: {sixth:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_shown_three_times_by_each_bind_and_then_waits_for_a_person() {
    let binds = tries_of_eight_binds(true).await;
    assert_eq!(binds.iter().map(Vec::len).collect::<Vec<_>>(), [3; 8]);
}
