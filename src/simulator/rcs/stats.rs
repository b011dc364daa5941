//! What a simulated platform has counted.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start, as `GET /stats` gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RcsStats {
    /// Requests read, by call.
    pub requests: BTreeMap<&'static str, u64>,
    /// Messages that waited for their answer at once, at the most.
    pub most_at_once: u64,
    #[serde(skip)]
    pub(super) at_once: u64,
    /// Answers given, by call and status, as `send 200`.
    pub answers: BTreeMap<String, u64>,
    /// Messages accepted, each id once.
    pub accepted: u64,
    /// Messages of an id that was used before.
    pub duplicates: u64,
    /// Bodies that the schema or a rule refused.
    pub refused: u64,
    /// Messages on a handset.
    pub delivered: u64,
    /// Messages that were read.
    pub read: u64,
    /// Messages withdrawn, by DELETE or since their time was up.
    pub withdrawn: u64,
    /// Messages that wait for their handset.
    pub waiting: u64,
    /// Access tokens given out.
    pub tokens: u64,
    /// Whether the webhook has proved to be the agent's.
    pub webhook_verified: bool,
    /// Posts to the webhook, those tried again included.
    pub webhooks_sent: u64,
    /// Of these, answered 200.
    pub webhooks_taken: u64,
    /// Of these, answered otherwise or not at all.
    pub webhooks_refused: u64,
    /// Webhooks that are not told yet.
    pub webhooks_waiting: u64,
    /// Faults that happened, by name.
    pub faults: BTreeMap<&'static str, u64>,
}

impl RcsStats {
    pub(super) fn request(&mut self, call: &'static str) {
        *self.requests.entry(call).or_default() += 1;
        if call == "send" {
            self.at_once += 1;
            self.most_at_once = self.most_at_once.max(self.at_once);
        }
    }

    pub(super) fn answer(&mut self, call: &'static str, status: u16) {
        if call == "send" {
            self.at_once = self.at_once.saturating_sub(1);
        }
        *self.answers.entry(format!("{call} {status}")).or_default() += 1;
    }

    pub(super) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Answers to a call with a status.
    pub fn answered(&self, call: &str, status: u16) -> u64 {
        self.answers.get(&format!("{call} {status}")).copied().unwrap_or(0)
    }
}
