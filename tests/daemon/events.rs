//! What back ends build on: an event in, the exact text on the handset, and a webhook that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::ledger::Ledger;
use crate::support::owner::{Outcome, client, outcomes, owner, post_batch, reach};
use crate::support::sink::Sink;
use crate::support::{nothing_may_be_skipped, together};

const LIMIT: Duration = Duration::from_secs(60);
const LOCALES: [&str; 2] = ["it", "en"];

/// What each shipped event says, written down by hand from its example and its wording.
const TEXTS: [(&str, [&str; 2]); 10] = [
    (
        "appointment-reminder",
        [
            "Ti ricordiamo l'appuntamento del 24/11/2026 alle 15:30, Filiale di Via Roma 12. A presto!",
            "A reminder of your appointment on 24 Nov 2026 at 15:30, Filiale di Via Roma 12. See you soon!",
        ],
    ),
    (
        "bill-due",
        [
            "La bolletta FT2026-1187 di 64,35 € scade il 30/11/2026. Se hai già pagato, ignora questo messaggio.",
            "Your bill FT2026-1187 of €64.35 is due on 30 Nov 2026. If you have already paid, please ignore this \
             message.",
        ],
    ),
    (
        "card-blocked",
        [
            "La tua carta *1234 è stata bloccata il 21/11/2026 10:40. Per assistenza chiama il numero sul retro della \
             carta.",
            "Your card *1234 was blocked on 21 Nov 2026 10:40. For help, please call the number on the back of the \
             card.",
        ],
    ),
    (
        "card-delivered",
        [
            "La tua carta *1234 risulta consegnata. Se non l'hai ricevuta, chiama subito il numero sul nostro sito.",
            "Your card *1234 has been delivered. If you did not get it, please call the number on our website now.",
        ],
    ),
    (
        "card-shipped",
        [
            "La tua carta *1234 è stata spedita. Arrivo previsto entro il 26/11/2026.",
            "Your card *1234 has been shipped. Expected by 26 Nov 2026.",
        ],
    ),
    (
        "one-time-code",
        [
            "Codice 482910 per autorizzare 1.250,00 € a favore di Anna Bianchi. Scade tra 5 min. Non comunicarlo a \
             nessuno, nemmeno a noi.",
            "Code 482910 to authorise €1,250.00 to Anna Bianchi. Expires in 5 min. Never share it, not even with us.",
        ],
    ),
    (
        "parcel-out-for-delivery",
        [
            "Il tuo pacco AR123456789IT è in consegna oggi tra le 13:00 e le 15:00.",
            "Your parcel AR123456789IT is out for delivery today between 13:00 and 15:00.",
        ],
    ),
    (
        "suspicious-payment",
        [
            "Hai fatto tu il pagamento di 249,90 € con carta *1234 presso Elettronica Rossi alle 10:40? Rispondi SI o \
             NO. Rif. TX7K2M9",
            "Did you pay €249.90 with card *1234 at Elettronica Rossi at 10:40? Please reply SI (yes) or NO. Ref. \
             TX7K2M9",
        ],
    ),
    (
        "topup-done",
        [
            "Ricarica di 10,00 € sul numero +39333***4567 completata. Rif. RIC90412. Grazie!",
            "Top-up of €10.00 for +39333***4567 completed. Ref. RIC90412. Thank you!",
        ],
    ),
    (
        "transfer-executed",
        [
            "Bonifico di 1.250,00 € a Anna Bianchi eseguito il 21/11/2026. Rif. BON48213",
            "Your transfer of €1,250.00 to Anna Bianchi was executed on 21 Nov 2026. Ref. BON48213",
        ],
    ),
];

/// An event to be published: what its text must be, and to whom.
struct Wanted {
    event: Value,
    to: String,
    text: &'static str,
}

/// The shipped rules and templates, one carrier, a back end that is told by TLS.
struct Bank {
    house: House,
    carrier: Carrier,
    sink: Sink,
    daemon: Daemon,
}

impl Bank {
    async fn open() -> Self {
        let house = House::new("");
        let carrier = Carrier::start(house.path(), "north", &[]);
        let sink = Sink::start(&[crate::support::owner::SECRET]).await;
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        for part in ["conf.d", "templates"] {
            fs::create_dir(house.path().join(part)).unwrap();
            for file in fs::read_dir(shipped.join(part)).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), house.path().join(part).join(file.file_name())).unwrap();
            }
        }
        house.configure(&format!(
            "{}{}{}[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
            reach(&house, &[&sink]),
            owner("publisher", &sink.url("/hook"), ""),
            carrier.section(""),
        ));
        let daemon = house.start().await;
        Self {
            house,
            carrier,
            sink,
            daemon,
        }
    }

    /// Every text was handed over as it must be, and its owner was told: submitted, then delivered, with a signature
    /// that holds.
    async fn must_have_said(self, wanted: &[Wanted], published: &BTreeMap<String, String>) {
        let seen = self.sink.wait(wanted.len() * 2, LIMIT).await;
        assert_eq!(seen.len(), wanted.len() * 2);
        self.house.settled(LIMIT).await;
        assert!(self.daemon.stop().await.success());
        assert!(self.house.alarms().is_empty(), "{:?}", self.house.alarms());

        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for (to, text) in Ledger::texts(self.carrier.ledger_file()) {
            assert!(texts.insert(to.clone(), text).is_none(), "{to} twice");
        }
        let mut told: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
        for outcome in outcomes(&seen) {
            told.entry(outcome.message.clone()).or_default().push(outcome);
        }
        for Wanted { event, to, text } in wanted {
            assert_eq!(texts.remove(to).as_deref(), Some(*text), "{event}");
            let message = &published[event["id"].as_str().unwrap()];
            let told = told.remove(message).unwrap_or_else(|| panic!("nothing of {event}"));
            let kinds: Vec<&str> = told.iter().map(|outcome| outcome.kind.as_str()).collect();
            assert_eq!(kinds, ["message.submitted", "message.delivered"], "{event}");
            let reference = match &event["data"]["transaction"] {
                Value::Null => &event["id"],
                transaction => transaction,
            };
            for outcome in &told {
                let data = &outcome.body["data"];
                assert_eq!(
                    (&data["reference"], &data["to"]),
                    (reference, &json!(format!("+{to}"))),
                    "{data}"
                );
                assert_eq!(format!("message.{}", data["state"].as_str().unwrap()), outcome.kind);
            }
        }
        assert!(texts.is_empty() && told.is_empty(), "{texts:?} {told:?}");
        let ids: BTreeSet<&str> = seen.iter().map(crate::support::sink::Seen::id).collect();
        assert_eq!(ids.len(), seen.len(), "an outcome came twice");
        // How many there are is the machine's business: one may be opened while another falls idle.
        let connections: BTreeSet<u64> = seen.iter().map(|seen| seen.connection).collect();
        assert!(connections.len() < seen.len(), "no connection was used twice");
    }
}

/// Every shipped event in both languages, each to a phone of its own.
fn shipped(form: u32) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (at, (name, texts)) in TEXTS.iter().enumerate() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/examples/events/{name}.json"));
        let example: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for (locale, text) in LOCALES.iter().zip(texts) {
            let mut event = example.clone();
            let to = format!("39347{form}{at:03}{:03}", wanted.len());
            event["id"] = json!(format!("{name}-{locale}-{form}"));
            event["data"]["locale"] = json!(locale);
            event["data"]["msisdn"] = json!(format!("+{to}"));
            wanted.push(Wanted { event, to, text });
        }
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples/events");
    assert_eq!(fs::read_dir(examples).unwrap().count() * LOCALES.len(), wanted.len());
    wanted
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_event_in_every_form_is_the_exact_text_and_a_signed_webhook() {
    let _stage = together().await;
    let bank = Bank::open().await;
    let mut http = client(&bank.house, "publisher");
    let mut published = BTreeMap::new();
    let mut note = |event: &Value, answer: &Value| {
        assert_eq!(
            (&answer["matched"], answer["messages"].as_array().map(Vec::len)),
            (&json!(1), Some(1)),
            "{answer}"
        );
        let message = answer["messages"][0]["id"].as_str().unwrap().to_owned();
        assert!(
            published
                .insert(event["id"].as_str().unwrap().to_owned(), message)
                .is_none()
        );
    };
    let (structured, binary, batch) = (shipped(1), shipped(2), shipped(3));
    for Wanted { event, .. } in &structured {
        let headers = [("content-type", "application/cloudevents+json; charset=utf-8".to_owned())];
        let body = event.to_string().into_bytes();
        let answer = http.request(Method::POST, "/v1/events", &headers, body).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        note(event, &answer.json());
    }
    for Wanted { event, .. } in &binary {
        let (names, values): (Vec<String>, Vec<String>) = event
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "data" | "datacontenttype"))
            // All that may be encoded is, as some libraries do.
            .map(|(name, value)| {
                let value = utf8_percent_encode(value.as_str().unwrap(), NON_ALPHANUMERIC);
                (format!("ce-{name}"), value.to_string())
            })
            .unzip();
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(names.iter().map(String::as_str).zip(values));
        let body = event["data"].to_string().into_bytes();
        let answer = http.request(Method::POST, "/v1/events", &headers, body).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        note(event, &answer.json());
    }
    let events: Vec<Value> = batch.iter().map(|wanted| wanted.event.clone()).collect();
    let answer = post_batch(&mut http, &events).await.unwrap();
    let lines = answer.lines();
    assert_eq!((answer.status.as_u16(), lines.len()), (200, events.len()));
    for (at, (event, line)) in events.iter().zip(&lines).enumerate() {
        assert_eq!((&line["index"], &line["status"]), (&json!(at), &json!(202)), "{line}");
        note(event, line);
    }
    // The same again is the same, and sends nothing.
    let again = post_batch(&mut http, &events).await.unwrap();
    for (line, before) in again.lines().iter().zip(&lines) {
        assert_eq!(
            (&line["replayed"], &line["messages"]),
            (&json!(true), &before["messages"])
        );
    }
    let wanted: Vec<Wanted> = structured.into_iter().chain(binary).chain(batch).collect();
    bank.must_have_said(&wanted, &published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_made_and_sent_by_the_cloudevents_of_pypi_are_taken_in_all_three_forms() {
    let _stage = together().await;
    let Some(python) = python() else {
        assert!(
            !nothing_may_be_skipped(),
            "no python with cloudevents: tests/run installs it"
        );
        eprintln!("cloudevents: SKIPPED: no python with cloudevents; tests/run installs it");
        return;
    };
    let bank = Bank::open().await;
    let wanted: Vec<Wanted> = (1..=3).flat_map(shipped).collect();
    let events: Vec<&Value> = wanted.iter().map(|wanted| &wanted.event).collect();
    let file = bank.house.path().join("events.json");
    fs::write(&file, serde_json::to_vec(&events).unwrap()).unwrap();
    let output = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/peers/cloudevents_publish.py"
        ))
        .arg(format!("http://{}/v1/events", bank.house.api))
        .arg(&file)
        .env("ARALDO_KEY", crate::support::owner::key("publisher"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let published: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!("cloudevents: {} events of PyPI's cloudevents taken", published.len());
    bank.must_have_said(&wanted, &published).await;
}

/// The interpreter that has what the script needs.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("ARALDO_PYTHON").map(PathBuf::from);
    let installed = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/venv/bin/python"));
    let mut pythons = given.into_iter().chain([installed, PathBuf::from("python3")]);
    pythons.find(|python| {
        let asked = Command::new(python).args(["-c", "import cloudevents"]).output();
        asked.is_ok_and(|output| output.status.success())
    })
}
