//! An RCS platform in a process of its own: `araldo simulate rcs`, steered over its control.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use araldo_rcs::webhook::{ClientToken, SIGNATURE_HEADER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::daemon::House;
use super::http::Http;
use super::simulator::Process;
use super::until;

/// What signs its webhooks.
const TOKEN: &str = "journey-client-token";

/// A simulated platform, whose webhook is the house's `rbm`. Dropped, it is killed.
pub(crate) struct Platform {
    base: String,
    control: Mutex<Http>,
    account: PathBuf,
    ledger: PathBuf,
    _process: Process,
}

impl Platform {
    /// Starts one on free ports; `more` are flags of `araldo simulate rcs`.
    pub(crate) fn start(house: &House, more: &[&str]) -> Self {
        let (account, ledger) = (house.path().join("rbm.json"), house.path().join("rbm.ledger"));
        let webhook = format!("http://{}/rcs/rbm", house.api);
        let process = Process::start(&["rcs"], |command| {
            command
                .args(["--webhook", &webhook, "--client-token", TOKEN])
                .arg("--write-account")
                .arg(&account)
                .arg("--ledger")
                .arg(&ledger)
                .args(more)
        });
        Self {
            base: process.word("api").to_owned(),
            control: Mutex::new(Http::new(process.addr("control"), "")),
            account,
            ledger,
            _process: process,
        }
    }

    /// Its section in the daemon's configuration: the carrier `rbm`, with back-offs short enough for a test.
    pub(crate) fn section(&self, address: &str, more: &str) -> String {
        format!(
            "[carrier.rbm]\nprotocol = \"rbm\"\nagent_id = \"simulator\"\napi_base = \"{}\"\nservice_account_file = \"{}\"\n\
             client_token = \"{TOKEN}\"\naddress = \"{address}\"\nretry_min = \"50ms\"\nretry_max = \"2s\"\n{more}\n",
            self.base,
            self.account.display()
        )
    }

    /// Puts other faults in force.
    pub(crate) async fn set_faults(&self, rules: Value) {
        self.put("/faults", &rules).await;
    }

    /// Gives a number, or all that begin so, another handset.
    pub(crate) async fn set_handset(&self, number: &str, handset: Value) {
        self.put(&format!("/handsets/{number}"), &handset).await;
    }

    /// Every access token is good for nothing from now on.
    pub(crate) async fn expire_tokens(&self) {
        let answer = self.control.lock().await.delete("/tokens").await.unwrap();
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// A user does something: writes, taps, unsubscribes.
    pub(crate) async fn user(&self, from: &str, act: Value) {
        let body = json!({ "from": from, "act": act }).to_string().into_bytes();
        let headers = [("content-type", "application/json".to_owned())];
        let mut control = self.control.lock().await;
        let answer = control.request(Method::POST, "/user", &headers, body).await.unwrap();
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// A post to the webhook of what it would tell, signed as its own are: the headers and the body.
    pub(crate) fn post_of(payload: &Value) -> ([(&'static str, String); 2], Vec<u8>) {
        let payload = payload.to_string().into_bytes();
        let signature = ClientToken::new(TOKEN.into()).unwrap().sign(&payload);
        let headers = [
            ("content-type", "application/json".to_owned()),
            (SIGNATURE_HEADER, signature),
        ];
        let envelope = json!({ "message": { "data": STANDARD.encode(payload) } });
        (headers, envelope.to_string().into_bytes())
    }

    /// What a phone shows, oldest first.
    pub(crate) async fn phone(&self, number: &str) -> Vec<Value> {
        let path = format!("/messages?to={}", number.trim_start_matches('+'));
        let answer = self.control.lock().await.get(&path).await.unwrap().json();
        answer.as_array().unwrap().clone()
    }

    /// One number of what it has counted.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        let answer = self.control.lock().await.get("/stats").await.unwrap().json();
        answer[what].as_u64().unwrap_or(0)
    }

    /// Requests of one kind that it has read.
    pub(crate) async fn asked(&self, call: &str) -> u64 {
        let answer = self.control.lock().await.get("/stats").await.unwrap().json();
        answer["requests"][call].as_u64().unwrap_or(0)
    }

    /// Waits until a number is reached.
    pub(crate) async fn until(&self, limit: Duration, what: &str, at_least: u64) {
        until(limit, &format!("{what} of the platform is {at_least}"), async || {
            (self.count(what).await >= at_least).then_some(())
        })
        .await;
    }

    /// How its webhooks were answered, in their order.
    pub(crate) fn answers(&self) -> Vec<Value> {
        let told = self.lines().into_iter().filter(|line| line["dir"] == "webhook");
        told.map(|line| line["status"].clone()).collect()
    }

    /// The ids of the messages that it took, by recipient: the digits. Whatever it did not answer it may have taken.
    pub(crate) fn taken(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut asked: BTreeMap<u64, (String, String)> = BTreeMap::new();
        for line in self.lines() {
            let Some(number) = line["number"].as_u64() else {
                continue;
            };
            if line["dir"] == "in" && line["call"] == "send" {
                asked.insert(number, addressed(line["request"].as_str().unwrap()));
            } else if line["dir"] == "out" && line["status"] != 200 {
                asked.remove(&number);
            }
        }
        let mut taken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (to, id) in asked.into_values() {
            taken.entry(to).or_default().insert(id);
        }
        taken
    }

    /// The messages of which it has told this, and was heard.
    pub(crate) fn told(&self, what: &str) -> BTreeSet<String> {
        let told = self
            .lines()
            .into_iter()
            .filter(|line| line["dir"] == "webhook" && line["status"] == 200 && line["body"]["eventType"] == what);
        told.filter_map(|line| Some(line["body"]["messageId"].as_str()?.to_owned()))
            .collect()
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.ledger).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.collect()
    }

    async fn put(&self, path: &str, body: &Value) {
        let answer = self.control.lock().await.put(path, body).await.unwrap();
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    }
}

/// To whom a message goes and under which id: `POST /v1/phones/+393331234567/agentMessages?messageId=…&agentId=…`.
fn addressed(request: &str) -> (String, String) {
    let (path, query) = request.split_once('?').unwrap();
    let to = path.split('/').nth(3).unwrap().replace("%2B", "+");
    let id = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("messageId="))
        .unwrap();
    (to.trim_start_matches('+').to_owned(), id.to_owned())
}
