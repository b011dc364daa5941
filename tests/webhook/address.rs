//! The address that is connected to is one that was judged, whatever a name server says next.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use araldo::backend::{AddressGuard, Answer, Failure, Resolver, Webhooks};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::post;
use crate::sink::{Door, Sink};

/// A name server whose answers follow a script; the last one stays.
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicU64,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: AtomicU64::new(0),
        })
    }
}

impl Resolver for Scripted {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        Box::pin(async { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// 127.0.0.1 is outside, and all other addresses of the machine are inside.
fn webhooks(resolver: &Arc<Scripted>, sink: &Sink) -> Webhooks {
    let guard = AddressGuard::new(&["127.0.0.1/32".parse().unwrap()]);
    let ca_file = sink.url("").starts_with("https").then(|| sink.ca_file());
    Webhooks::with_resolver(guard, ca_file, Arc::<Scripted>::clone(resolver)).unwrap()
}

/// Stands where nobody may come, on the sink's port, and counts who comes.
async fn forbidden(address: &str, sink: &Sink) -> Arc<AtomicU64> {
    let address = SocketAddr::new(address.parse().unwrap(), sink.addr().port());
    let listener = TcpListener::bind(address).await.unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    count
}

fn url(sink: &Sink, path: &str) -> String {
    let scheme = sink.url("").split(':').next().unwrap().to_owned();
    format!("{scheme}://sink.example:{}{path}", sink.addr().port())
}

const TAKEN: Answer = Answer::Taken { status: 200 };

#[tokio::test]
async fn an_answer_that_changes_after_it_was_judged_changes_nothing() {
    let sink = Sink::start(&[]).await;
    let inside = forbidden("127.0.0.2", &sink).await;
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let webhooks = webhooks(&resolver, &sink);
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, TAKEN);
    assert_eq!(
        resolver.asked.load(Ordering::Relaxed),
        1,
        "judged and connected to by one answer"
    );
    // The kept connection leads where it led.
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, TAKEN);
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
    // A new one asks anew, and the new answer is refused.
    sink.script("/", [crate::sink::Reply::CutRead]);
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, Answer::from(Failure::Broken));
    assert_eq!(
        post(&webhooks, &url(&sink, "/")).await,
        Answer::from(Failure::Forbidden)
    );
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 2);
    assert_eq!(inside.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn of_several_addresses_only_permitted_ones_are_tried_even_when_they_are_dead() {
    let sink = Sink::start(&[]).await;
    let inside = forbidden("127.0.0.3", &sink).await;
    let resolver = Scripted::new(&[&["127.0.0.3", "127.0.0.1"], &["127.0.0.1", "127.0.0.3"]]);
    let webhooks = webhooks(&resolver, &sink);
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, TAKEN);
    sink.door(Door::Cut);
    sink.script("/", [crate::sink::Reply::CutRead]);
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, Answer::from(Failure::Broken));
    assert_eq!(post(&webhooks, &url(&sink, "/")).await, Answer::from(Failure::Tls));
    assert_eq!(inside.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_that_stands_for_nothing_permitted_is_forbidden_and_one_without_address_is_not_there() {
    let sink = Sink::start(&[]).await;
    for inside in [
        &["127.0.0.9"][..],
        &["10.0.0.1", "::1", "::ffff:169.254.169.254"],
        &["::ffff:127.0.0.9"],
    ] {
        let webhooks = webhooks(&Scripted::new(&[inside]), &sink);
        assert_eq!(
            post(&webhooks, &url(&sink, "/")).await,
            Answer::from(Failure::Forbidden),
            "{inside:?}"
        );
    }
    for nowhere in [&[][..], &[&[][..]]] {
        let webhooks = webhooks(&Scripted::new(nowhere), &sink);
        assert_eq!(post(&webhooks, &url(&sink, "/")).await, Answer::from(Failure::Connect));
    }
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn plain_http_goes_to_listed_networks_only() {
    let sink = Sink::plain(&[]).await;
    let listed = webhooks(&Scripted::new(&[&["127.0.0.1"]]), &sink);
    assert_eq!(post(&listed, &url(&sink, "/")).await, TAKEN);
    assert_eq!(post(&listed, &sink.url("/")).await, TAKEN);
    let public = webhooks(&Scripted::new(&[&["8.8.8.8", "2a00:1450::1"]]), &sink);
    assert_eq!(post(&public, &url(&sink, "/")).await, Answer::from(Failure::Forbidden));
}

#[tokio::test]
async fn a_url_that_is_never_called_is_forbidden() {
    let sink = Sink::plain(&[]).await;
    let resolver = Scripted::new(&[&["127.0.0.1"]]);
    let webhooks = webhooks(&resolver, &sink);
    let port = sink.addr().port();
    for host in [
        "127.1",
        "2130706433",
        "0x7f.1",
        "u@127.0.0.1",
        "sink.example.",
        "[::1%25lo]",
    ] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(post(&webhooks, &url).await, Answer::from(Failure::Forbidden), "{url}");
    }
    assert_eq!((sink.connections(), resolver.asked.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn the_system_resolves_names_where_none_else_is_named() {
    let sink = Sink::start(&[]).await;
    let webhooks = crate::sender(&sink);
    let url = format!("https://LocalHost:{}/", sink.addr().port());
    assert_eq!(post(&webhooks, &url).await, TAKEN);
}
