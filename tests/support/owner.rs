//! A back end that publishes events and is told by webhook what became of its messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use araldo::domain::State;
use hyper::Method;
use serde_json::{Value, json};

use super::books::Books;
use super::daemon::House;
use super::http::{Answer, Http, NoAnswer};
use super::sample::Sample;
use super::sink::{Reply, Seen, Sink};

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// How long a publisher lets go by before it asks again.
const AGAIN: Duration = Duration::from_millis(20);
/// A rule by which an event is a text.
const RULE: &str = "[event.text]\ntype = \"journey.text\"\nto = \"{{ data.to }}\"\ntemplate = \"text\"\n\
                    class = \"{{ data.class }}\"\nfrom = \"{{ data.from }}\"\n";

/// The configuration that lets webhooks reach sinks here, and trusts these by TLS.
pub(crate) fn reach(house: &House, sinks: &[&Sink]) -> String {
    let mut config = "[webhook]\nallow_networks = [\"127.0.0.0/8\"]\n".to_owned();
    if !sinks.is_empty() {
        let authorities = house.path().join("sinks.pem");
        let certificates = sinks
            .iter()
            .map(|sink| std::fs::read_to_string(sink.ca_file()).unwrap());
        std::fs::write(&authorities, certificates.collect::<String>()).unwrap();
        config += &format!("ca_file = \"{}\"\n", authorities.display());
    }
    config
}

/// The configuration of a client that is told there; `more` are further keys of its webhook.
pub(crate) fn owner(name: &str, url: &str, more: &str) -> String {
    format!(
        "[client.{name}]\nkey = \"{}\"\nscopes = [\"send\", \"read\", \"events\"]\ndefault_sender = \"Banca\"\n\
         [client.{name}.webhook]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n{more}\n",
        key(name)
    )
}

/// That client.
pub(crate) fn client(house: &House, name: &str) -> Http {
    Http::new(house.api, &key(name))
}

/// The key that it shows.
pub(crate) fn key(name: &str) -> String {
    format!("{name}-0123456789abcdefghijklmnopqrstuvwxyz")
}

/// The rule and the template by which [`publish`] makes messages of samples.
pub(crate) fn text_rule(house: &House) -> &'static str {
    let templates = house.path().join("templates");
    std::fs::create_dir_all(&templates).unwrap();
    std::fs::write(
        templates.join("text.en.txt"),
        "{# sample: {\"text\": \"Ciao\"} #}\n{{ data.text }}\n",
    )
    .unwrap();
    RULE
}

/// A sample as an event; its number is the event's id.
pub(crate) fn event(sample: &Sample) -> Value {
    json!({
        "specversion": "1.0", "id": sample.key(), "source": "/journey", "type": "journey.text",
        "data": { "to": format!("+{}", sample.to), "from": sample.from, "class": sample.class, "text": sample.text },
    })
}

/// Posts a batch of events.
pub(crate) async fn post_batch(http: &mut Http, events: &[Value]) -> Result<Answer, NoAnswer> {
    let headers = [("content-type", "application/cloudevents-batch+json".to_owned())];
    let body = serde_json::to_vec(events).unwrap();
    http.request(Method::POST, "/v1/events", &headers, body).await
}

/// Publishes samples in one batch, again and again until each is promised a message.
pub(crate) async fn publish(http: &mut Http, books: &Books, samples: &[Sample]) {
    samples.iter().for_each(|sample| books.ask(sample));
    let mut left: Vec<&Sample> = samples.iter().collect();
    loop {
        let events: Vec<Value> = left.iter().map(|sample| event(sample)).collect();
        match post_batch(http, &events).await {
            Ok(answer) if answer.status == 200 => {
                let lines = answer.lines();
                assert_eq!(lines.len(), left.len(), "{answer:?}");
                let mut lines = lines.iter();
                left.retain(|sample| {
                    let line = lines.next().expect("as many as samples");
                    match line["status"].as_u64() {
                        Some(202) => {
                            assert_eq!(line["messages"].as_array().map(Vec::len), Some(1), "{line}");
                            books.accept(sample.token, &line["messages"][0]);
                        }
                        Some(429 | 503) => {}
                        _ => panic!("{sample:?}: {line}"),
                    }
                    line["status"] != 202
                });
                if left.is_empty() {
                    return;
                }
            }
            Ok(answer) => assert!(matches!(answer.status.as_u16(), 429 | 503), "{answer:?}"),
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// An outcome as it came to a sink.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Its id, the same however often it comes.
    pub(crate) id: String,
    /// `message.delivered`.
    pub(crate) kind: String,
    /// Whose it is.
    pub(crate) message: String,
    pub(crate) body: Value,
    pub(crate) path: String,
    pub(crate) at: Instant,
    /// Whether it was answered 2xx.
    pub(crate) taken: bool,
}

/// All outcomes that came whole, each under a signature that holds.
pub(crate) fn outcomes(seen: &[Seen]) -> Vec<Outcome> {
    let whole = seen.iter().filter(|seen| !matches!(seen.reply, Reply::CutUnread));
    whole.flat_map(of_request).collect()
}

fn of_request(seen: &Seen) -> Vec<Outcome> {
    assert_eq!(seen.signature, Ok(()), "{seen:?}");
    assert_eq!(seen.header("content-type"), "application/json");
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let members = match body {
        Value::Array(members) => members,
        one => {
            assert_eq!(one["id"], seen.id(), "the body and its head name one outcome");
            vec![one]
        }
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let outcome = |body: Value| Outcome {
        id: text(&body["id"]),
        kind: text(&body["type"]),
        message: text(&body["data"]["id"]),
        body,
        path: seen.path.clone(),
        at: seen.at,
        taken: matches!(
            seen.reply,
            Reply::Status(200..300) | Reply::Late(200..300, _) | Reply::Flood(200..300, _)
        ),
    };
    members.into_iter().map(outcome).collect()
}

/// What a run told, counted.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) outcomes: usize,
    /// Times that one came beyond its first.
    pub(crate) again: usize,
}

/// Holds what came against the tables and the promises: every outcome was taken, under the id and type that it has there;
/// no other came; of a message each came only once the one before was taken; and every message promised was told its
/// end, once.
pub(crate) async fn must_agree(house: &House, accepted: &BTreeMap<u32, String>, came: &[Outcome]) -> Tally {
    let noted = house.database().outcomes().await;
    let mut first: HashMap<&str, &Outcome> = HashMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut last: HashMap<&str, (i64, &str)> = HashMap::new();
    for outcome in came {
        assert_eq!(noted.get(&outcome.id), Some(&outcome.kind), "{outcome:?}");
        let known = first.entry(&outcome.id).or_insert(outcome);
        for member in ["type", "timestamp"] {
            assert_eq!(known.body[member], outcome.body[member], "{known:?} {outcome:?}");
        }
        let place: i64 = outcome.id.rsplit('_').next().unwrap().parse().unwrap();
        match last.get(outcome.message.as_str()) {
            Some((before, id)) if *before < place => {
                assert!(taken.contains(id), "{id} was not taken before {outcome:?}");
            }
            // Told again, since nobody knew that it had been taken.
            _ => {}
        }
        let newest = last.entry(&outcome.message).or_insert((place, &outcome.id));
        *newest = (*newest).max((place, &outcome.id));
        if outcome.taken {
            taken.insert(&outcome.id);
        }
    }
    let lost: Vec<_> = noted.iter().filter(|(id, _)| !taken.contains(id.as_str())).collect();
    assert!(
        lost.is_empty(),
        "{} never taken: {:?}",
        lost.len(),
        &lost[..lost.len().min(9)]
    );
    let mut ends: HashMap<&str, Vec<&Outcome>> = HashMap::new();
    for outcome in first.values() {
        let state: State = outcome.body["data"]["state"].as_str().unwrap().parse().unwrap();
        if state.is_final() {
            ends.entry(&outcome.message).or_default().push(outcome);
        }
    }
    for (token, id) in accepted {
        let ended = ends.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        assert!(!ended.is_empty(), "{token} {id}: its end was never told");
    }
    Tally {
        outcomes: noted.len(),
        again: came.len() - first.len(),
    }
}
