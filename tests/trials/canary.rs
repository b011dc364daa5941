//! Twenty secrets, fifty numbers and fifty texts go through every interface at the most talkative level, while carriers,
//! endpoints, disk and process fail: none comes out in a log, a metric, an error or another's answer.

use std::collections::BTreeMap;
use std::time::Duration;

use araldo::simulator::{Fault, FaultRule};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};

use crate::shim::{SYNC, Shim};
use crate::support::carrier::Carrier;
use crate::support::daemon::{House, KEY, carrier_section};
use crate::support::http::Http;
use crate::support::owner::post_batch;
use crate::support::sink::{Reply, Sink};
use crate::support::{free_addr, together, until};

const LIMIT: Duration = Duration::from_secs(30);
const CLIENTS: usize = 10;
const OWNERS: usize = 4;
const CARRIERS: usize = 5;
const NUMBERS: usize = 50;
const TEXTS: usize = 50;
/// How often each way to say something wrong is tried.
const WRONG: usize = 8;
/// What the carriers' faults have the daemon say.
const FAULTS: [&str; 3] = ["link_lost", "bind_failed", "bind_refused_for_good"];

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_sings_whatever_fails() {
    let _stage = together().await;
    let canaries = Canaries::default();
    let mut house = House::new("");
    house.environment("ARALDO__LOG__FILTER", "trace");
    let Some(shim) = Shim::load(&mut house) else { return };
    let webhook_secrets: Vec<&str> = canaries.webhook_secrets.iter().map(String::as_str).collect();
    let sink = Sink::start(&webhook_secrets).await;
    let replies = [
        Reply::Status(500),
        Reply::CutRead,
        Reply::Redirect(sink.url("/elsewhere")),
        Reply::Hang,
    ];
    for (owner, reply) in replies.iter().enumerate() {
        sink.script(&format!("/{owner}"), [reply.clone(), Reply::Status(200)]);
    }
    let carriers = carriers(&house).await;
    house.configure(&config(&house, &canaries, &sink, &carriers));
    let mut daemon = house.start().await;
    let mut outputs = Outputs::default();
    outputs.add(
        "process listing",
        &std::fs::read_to_string(format!("/proc/{}/cmdline", daemon.id())).unwrap(),
    );
    carriers[0].until(LIMIT, "bound", 1).await;

    let sent = send(&house, &canaries, &mut outputs).await;
    for number in 0..TEXTS {
        carriers[0]
            .text(&canaries.numbers[number], "12345", &canaries.texts[number])
            .await;
    }
    say_wrong(&house, &canaries, &mut outputs).await;
    until(LIMIT, "owners are told", async || {
        (sink.seen().len() >= TEXTS / 2).then_some(())
    })
    .await;
    look_around(&house, &canaries, &sent, &mut outputs).await;

    // A bind's third refusal comes when its waits are over.
    for event in FAULTS {
        until(LIMIT, event, async || (!house.events(event).is_empty()).then_some(())).await;
    }

    // The process dies, and its successor ends with a failed sync.
    daemon.kill();
    daemon = house.start().await;
    shim.fail(SYNC, 1, 5);
    send_one(&mut house.client(), &canaries, 0, &mut outputs).await;
    assert_eq!(daemon.ended(LIMIT).await.code(), Some(70));
    daemon = house.start().await;
    let token = std::fs::read_to_string(house.state_dir().join("admin.token"))
        .unwrap()
        .trim()
        .to_owned();
    assert!(daemon.stop().await.success());
    let log = std::fs::read_to_string(house.path().join("daemon.log")).unwrap();
    assert!(log.contains("\"level\":\"DEBUG\""), "it was not talkative");
    assert!(log.contains("commit_failed"), "the sync did not fail");
    outputs.add("log", &log);

    let forms = canaries.forms(&token);
    let found = outputs.found(&forms);
    eprintln!(
        "canary: {} secrets, {NUMBERS} numbers, {TEXTS} texts in {} forms; {} octets of {} kinds searched, {} found",
        canaries.secrets().count() + 1,
        forms.len(),
        outputs.octets(),
        outputs.0.len(),
        found.len()
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
    // One that sings is heard.
    for form in &forms {
        let mut sung = Outputs::default();
        sung.add("log", &format!("{{\"error\":\"unexpected {form}\"}}"));
        assert!(!sung.found(&forms).is_empty(), "{form} goes unheard");
    }
}

/// What must not come out.
struct Canaries {
    keys: Vec<String>,
    webhook_secrets: Vec<String>,
    passwords: Vec<String>,
    numbers: Vec<String>,
    texts: Vec<String>,
}

impl Default for Canaries {
    fn default() -> Self {
        let many = |count, one: &dyn Fn(usize) -> String| (0..count).map(one).collect();
        Self {
            keys: many(CLIENTS, &|n| format!("canary-key-{n}-jT6Yw0qZr4mVx8Kb2Ns5Ld7")),
            webhook_secrets: many(OWNERS, &|n| {
                format!("whsec_{}", STANDARD.encode(format!("canary webhook secret no {n:02}")))
            }),
            // SMPP 3.4 has room for eight characters.
            passwords: many(CARRIERS, &|n| format!("cNrYpw{n}Z")),
            numbers: many(NUMBERS, &|n| format!("39347{:07}", 5_190_283 + n * 1_013)),
            texts: many(TEXTS, &|n| format!("Canary-{n:02}-{}", 718_293 + n * 7_919)),
        }
    }
}

impl Canaries {
    /// All but the operators' token, which the daemon draws.
    fn secrets(&self) -> impl Iterator<Item = &String> {
        let (keys, secrets) = (self.keys.iter(), self.webhook_secrets.iter());
        keys.chain(secrets).chain(&self.passwords)
    }

    /// Each as it is, in the forms that octets are shown in, and a number without its country.
    fn forms(&self, token: &str) -> Vec<String> {
        let national = self.numbers.iter().map(|number| number[2..].to_owned());
        let secrets = self.secrets().cloned().chain([token.to_owned(), KEY.to_owned()]);
        let plain: Vec<String> = secrets.chain(national).chain(self.texts.iter().cloned()).collect();
        let wide = |text: &str| hex::encode(text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
        let shown = |text: &String| [text.clone(), hex::encode(text), wide(text), STANDARD.encode(text)];
        plain.iter().flat_map(shown).collect()
    }
}

/// What came out, by where.
#[derive(Default)]
struct Outputs(BTreeMap<String, String>);

impl Outputs {
    fn add(&mut self, place: &str, said: &str) {
        *self.0.entry(place.to_owned()).or_default() += &(said.to_owned() + "\n");
    }

    fn octets(&self) -> usize {
        self.0.values().map(String::len).sum()
    }

    fn found(&self, forms: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for (place, said) in &self.0 {
            let lower = said.to_ascii_lowercase();
            for form in forms.iter().map(|form| form.to_ascii_lowercase()) {
                let Some(at) = lower.find(&form) else { continue };
                let begin = lower[..at].rfind('\n').map_or(0, |line| line + 1);
                let line: String = said[begin..]
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(300)
                    .collect();
                found.push(format!("{form} in {place}: {line}"));
            }
        }
        found
    }
}

/// One that works but for its faults, two more that hardly do, one that wants another password; the fifth is nowhere.
async fn carriers(house: &House) -> Vec<Carrier> {
    let delay = ["--receipt-delay", "5ms..50ms"];
    let mut carriers = Vec::new();
    for name in ["c0", "c1", "c2", "c3"] {
        carriers.push(Carrier::start(house.path(), name, &delay));
    }
    let garbage = Fault::Garbage { octets: 64 };
    let faults = [
        vec![
            FaultRule::nth(Fault::DropBeforeResponse, 7),
            FaultRule::nth(Fault::DropAfterResponse, 19),
        ],
        vec![FaultRule::always(garbage).on("bind")],
        vec![FaultRule::always(Fault::Garbage { octets: 700 })],
        vec![FaultRule::always(Fault::Status(serde_json::from_value(json!("ESME_RINVPASWD")).unwrap())).on("bind")],
    ];
    for (carrier, faults) in carriers.iter().zip(&faults) {
        carrier.set_faults(faults).await;
    }
    carriers
}

fn config(house: &House, canaries: &Canaries, sink: &Sink, carriers: &[Carrier]) -> String {
    let templates = house.path().join("templates");
    std::fs::create_dir_all(&templates).unwrap();
    let sample = "{# sample: {\"text\": \"Ciao\"} #}\n{{ data.text }}\n";
    std::fs::write(templates.join("text.en.txt"), sample).unwrap();
    let mut config = format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n[webhook]\nallow_networks = [\"127.0.0.0/8\"]\n\
         ca_file = \"{}\"\n[address.\"12345\"]\nclient = \"k0\"\n\
         [event.text]\ntype = \"journey.text\"\nto = \"{{{{ data.to }}}}\"\ntemplate = \"text\"\nclass = \"service\"\n\
         [route.half]\nprefixes = [\"39347522\"]\nsteps = [{{ carriers = [\"c2\"] }}]\n\
         [route.all]\nsteps = [{{ carriers = [\"c0\"] }}, {{ carriers = [\"c1\", \"c3\", \"c4\"] }}]\n",
        sink.ca_file().display()
    );
    for (n, key) in canaries.keys.iter().enumerate() {
        config += &format!(
            "[client.k{n}]\nkey = \"{key}\"\nscopes = [\"send\", \"read\", \"events\", \"inbound\"]\ndefault_sender = \"Banca\"\n"
        );
        if let Some(secret) = canaries.webhook_secrets.get(n) {
            let url = sink.url(&format!("/{n}"));
            config += &format!("[client.k{n}.webhook]\nurl = \"{url}\"\nsecret = \"{secret}\"\ntimeout = \"1s\"\n");
        }
    }
    let nowhere = [free_addr()];
    let addresses = carriers.iter().map(|carrier| &carrier.smpp).chain(&nowhere);
    for ((n, password), addr) in canaries.passwords.iter().enumerate().zip(addresses) {
        let section = carrier_section(&format!("c{n}"), *addr, "window = 5");
        config += &section.replace("\"secret\"", &format!("\"{password}\""));
    }
    config
}

/// Sends each text to its number, as a request, a line, or an event, each client in its turn; the ids.
async fn send(house: &House, canaries: &Canaries, outputs: &mut Outputs) -> Vec<String> {
    let mut ids = Vec::new();
    for (n, key) in canaries.keys.iter().enumerate() {
        let mut http = Http::new(house.api, key);
        let mine: Vec<usize> = (0..TEXTS).filter(|index| index % CLIENTS == n).collect();
        for index in &mine {
            ids.extend(match index % 3 {
                0 => send_one(&mut http, canaries, *index, outputs).await,
                1 => {
                    let line = json!({ "to": format!("+{}", canaries.numbers[*index]), "text": canaries.texts[*index] });
                    let wrong = json!({ "to": canaries.texts[*index], "text": canaries.numbers[*index] });
                    let headers = [("content-type", "application/x-ndjson".to_owned())];
                    let body = format!("{line}\n{wrong}\n{{\"to\": {}\n", canaries.texts[*index]).into_bytes();
                    let answer = http.request(Method::POST, "/v1/messages", &headers, body).await.unwrap();
                    let lines = answer.lines();
                    outputs.add("lines refused", &lines[1..].iter().map(Value::to_string).collect::<String>());
                    lines[0]["id"].as_str().map(str::to_owned)
                }
                _ => {
                    let event = json!({
                        "specversion": "1.0", "id": index.to_string(), "source": "/canary", "type": "journey.text",
                        "data": { "to": format!("+{}", canaries.numbers[*index]), "text": canaries.texts[*index] },
                    });
                    let wrong = json!({
                        "specversion": "1.0", "id": format!("{index}-wrong"), "source": "/canary", "type": "journey.text",
                        "data": { "to": canaries.texts[*index], "text": canaries.numbers[*index] },
                    });
                    let lines = post_batch(&mut http, &[event, wrong]).await.unwrap().lines();
                    outputs.add("events refused", &lines[1].to_string());
                    lines[0]["messages"][0]["id"].as_str().map(str::to_owned)
                }
            });
        }
    }
    ids
}

async fn send_one(http: &mut Http, canaries: &Canaries, index: usize, outputs: &mut Outputs) -> Option<String> {
    let headers = [("content-type", "application/json".to_owned())];
    let body = json!({ "to": format!("+{}", canaries.numbers[index]), "text": canaries.texts[index], "from": "Banca" });
    let answer = http
        .request(Method::POST, "/v1/messages", &headers, body.to_string().into_bytes())
        .await;
    let answer = answer.ok()?;
    if !answer.status.is_success() {
        outputs.add("refused", &String::from_utf8_lossy(&answer.body));
    }
    answer.json()["id"].as_str().map(str::to_owned)
}

/// Requests that are refused, with canaries in every place of them.
async fn say_wrong(house: &House, canaries: &Canaries, outputs: &mut Outputs) {
    let headers = [("content-type", "application/json".to_owned())];
    for n in 0..WRONG {
        let (number, text, key) = (&canaries.numbers[n], &canaries.texts[n], &canaries.keys[n]);
        let mut http = Http::new(house.api, key);
        for body in [
            json!({ "to": format!("00{number}"), "text": text }).to_string(),
            json!({ "to": text, "text": number }).to_string(),
            json!({ "to": format!("+{number}"), "text": text, "from": format!("{number}{number}") }).to_string(),
            json!({ "to": format!("+{number}"), "text": text, "class": text }).to_string(),
            json!({ "to": format!("+{number}"), "text": text, "zzz": key }).to_string(),
            json!({ "to": [number], "text": text }).to_string(),
            format!("{{\"to\": \"+{number}\", \"text\": \"{text}\" {key}"),
        ] {
            let answer = http
                .request(Method::POST, "/v1/messages", &headers, body.into_bytes())
                .await
                .unwrap();
            assert!(answer.status.is_client_error(), "{answer:?}");
            outputs.add("refused", &String::from_utf8_lossy(&answer.body));
        }
        for path in [
            format!("/v1/messages/{number}"),
            format!("/v1/messages/{text}"),
            format!("/{key}/{number}"),
        ] {
            let answer = http.get(&path).await.unwrap();
            assert!(answer.status.is_client_error(), "{path}: {answer:?}");
            outputs.add("refused", &String::from_utf8_lossy(&answer.body));
        }
        let answer = Http::new(house.api, &format!("{key}x"))
            .get("/v1/messages")
            .await
            .unwrap();
        assert_eq!(answer.status, 401);
        outputs.add("refused", &String::from_utf8_lossy(&answer.body));
        let answer = Http::new(house.admin, key).get("/admin/v1/status").await.unwrap();
        outputs.add("operators' door", &String::from_utf8_lossy(&answer.body));
    }
}

/// All that operators and other clients see, and all that is shown to anybody.
async fn look_around(house: &House, canaries: &Canaries, sent: &[String], outputs: &mut Outputs) {
    let mut operator = house.operator();
    for path in [
        "status",
        "queue",
        "quarantine",
        "messages",
        "inbound",
        "webhooks",
        "webhooks/dead",
        "carriers",
    ] {
        let answer = operator.get(&format!("/admin/v1/{path}")).await.unwrap();
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        outputs.add("operators' lists, masked", &String::from_utf8_lossy(&answer.body));
    }
    for path in ["/metrics", "/readyz", "/livez"] {
        let answer = Http::new(house.admin, "").get(path).await.unwrap();
        outputs.add("metrics and health", &String::from_utf8_lossy(&answer.body));
    }
    let mut stranger = Http::new(house.api, &canaries.keys[CLIENTS - 1]);
    for id in sent.iter().take(CLIENTS - 1) {
        let answer = stranger.get(&format!("/v1/messages/{id}")).await.unwrap();
        assert_eq!(answer.status, 404, "another client's message");
        outputs.add("another client", &String::from_utf8_lossy(&answer.body));
    }
    for words in [
        &["status"][..],
        &["messages", "list"],
        &["inbound", "list"],
        &["carriers", "list"],
        &["carriers", "quarantine"],
        &["queue", "stats"],
        &["webhooks", "list"],
        &["messages", "show", &sent[0]],
    ] {
        outputs.add("command line", &house.araldo(words).to_string());
    }
    for words in [
        &["config", "show"][..],
        &["config", "show", "--origin"],
        &["config", "check"],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_araldo"))
            .env_clear()
            .args(words)
            .arg("--config")
            .arg(house.config_file())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        outputs.add("configuration shown", &String::from_utf8_lossy(&said));
    }
}
