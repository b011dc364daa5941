//! A carrier in a process of its own: `araldo simulate`, steered over its control.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use araldo::simulator::FaultRule;
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::http::{Answer, Http};
use super::ledger::Ledger;
use super::simulator::Process;
use super::until;

/// A simulated carrier. Dropped, it is killed.
pub(crate) struct Carrier {
    pub(crate) name: String,
    pub(crate) smpp: SocketAddr,
    control_addr: SocketAddr,
    control: Mutex<Http>,
    ledger: PathBuf,
    _process: Process,
}

impl Carrier {
    /// Starts one on free ports; `more` are flags of `araldo simulate`.
    pub(crate) fn start(dir: &Path, name: &str, more: &[&str]) -> Self {
        let ledger = ledger_in(dir, name);
        let process = Process::start(&[], |command| {
            command.args(["--name", name]).arg("--ledger").arg(&ledger).args(more)
        });
        Self {
            name: name.to_owned(),
            smpp: process.addr("smpp"),
            control_addr: process.addr("control"),
            control: Mutex::new(Http::new(process.addr("control"), "")),
            ledger,
            _process: process,
        }
    }

    /// Takes connections, or cuts and refuses them all.
    pub(crate) async fn set_up(&self, up: bool) {
        self.put("/state", &json!({ "up": up })).await;
    }

    /// Puts other faults in force.
    pub(crate) async fn set_faults(&self, rules: &[FaultRule]) {
        self.put("/faults", &serde_json::to_value(rules).unwrap()).await;
    }

    /// Changes receipts.
    pub(crate) async fn set_receipts(&self, change: Value) {
        self.put("/receipts", &change).await;
    }

    /// What it has counted.
    pub(crate) async fn stats(&self) -> Value {
        let answer = self.control.lock().await.get("/stats").await.unwrap();
        answer.json()
    }

    /// One number of what it has counted.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        self.stats().await[what].as_u64().unwrap_or(0)
    }

    /// Waits until a number is reached.
    pub(crate) async fn until(&self, limit: Duration, what: &str, at_least: u64) {
        let name = &self.name;
        until(limit, &format!("{what} of {name} is {at_least}"), async || {
            (self.count(what).await >= at_least).then_some(())
        })
        .await;
    }

    /// Everything it saw and said.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::read(&self.ledger)
    }

    pub(crate) fn ledger_file(&self) -> &Path {
        &self.ledger
    }

    /// Has a phone text one of our numbers; what we answered to each segment, or `None` where that is not known.
    pub(crate) async fn text(&self, from: &str, to: &str, text: &str) -> Option<Vec<String>> {
        statuses(&self.inject(from, to, text).await?)
    }

    /// The same, and where nobody is bound, when somebody is again.
    pub(crate) async fn text_when_bound(
        &self,
        limit: Duration,
        from: &str,
        to: &str,
        text: &str,
    ) -> Option<Vec<String>> {
        until(limit, "somebody is bound", async || {
            let answer = self.inject(from, to, text).await;
            let is_bound = answer.as_ref().is_none_or(|answer| answer.status.as_u16() != 503);
            is_bound.then(|| statuses(&answer?))
        })
        .await
    }

    /// What a phone shows, oldest first.
    pub(crate) async fn phone(&self, number: &str) -> Vec<String> {
        let path = format!("/messages?to={}", number.trim_start_matches('+'));
        let messages = self.control.lock().await.get(&path).await.unwrap().json();
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn inject(&self, from: &str, to: &str, text: &str) -> Option<Answer> {
        let headers = [("content-type", "application/json".to_owned())];
        let body = json!({ "from": from, "to": to, "text": text }).to_string().into_bytes();
        // A connection of its own: an answer may take its time.
        let mut http = Http::new(self.control_addr, "");
        http.request(Method::POST, "/mo", &headers, body).await.ok()
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        let answer = self.control.lock().await.put(path, body).await.unwrap();
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer
    }
}

fn statuses(answer: &Answer) -> Option<Vec<String>> {
    let answer = answer.json();
    let statuses = answer["statuses"].as_array()?.iter();
    Some(
        statuses
            .filter_map(|status| status.as_str().map(str::to_owned))
            .collect(),
    )
}

/// Beside the carrier, or where `ARALDO_LEDGERS` says: kept there for who reads all that was said, each under a name of
/// its house.
fn ledger_in(dir: &Path, name: &str) -> PathBuf {
    match (std::env::var_os("ARALDO_LEDGERS"), dir.file_name()) {
        (Some(kept), Some(house)) => Path::new(&kept).join(format!("{}-{name}.jsonl", house.display())),
        _ => dir.join(format!("{name}.ledger")),
    }
}
