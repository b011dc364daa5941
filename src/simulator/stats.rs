//! What a simulator has counted.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start, as `GET /stats` gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The simulator's name.
    pub name: String,
    /// Whether connections are taken.
    pub up: bool,
    /// Links open now.
    pub links: u64,
    /// Links bound now.
    pub bound: u64,
    /// Binds accepted.
    pub binds: u64,
    /// Binds refused.
    pub binds_refused: u64,
    /// submit_sm, data_sm and the like read, those with a fault included; not those of `drop_before_reading`.
    pub submits: u64,
    /// Of these, given an id.
    pub accepted: u64,
    /// Of these, refused for the pace or the window.
    pub throttled: u64,
    /// submit_sm_resp and data_sm_resp written, by status.
    pub answers: BTreeMap<String, u64>,
    /// The most requests of one link that waited for a delayed answer at once.
    pub peak_unanswered: u64,
    /// Receipts written, intermediate and repeated ones included.
    pub receipts_sent: u64,
    /// Receipts answered ESME_ROK.
    pub receipts_taken: u64,
    /// Receipts answered otherwise.
    pub receipts_refused: u64,
    /// Deliveries given up: refused for good, or too many times.
    pub given_up: u64,
    /// Deliveries that wait for a link that can take them.
    pub waiting: u64,
    /// Segments of MOs written.
    pub mos_sent: u64,
    /// Segments of MOs answered ESME_ROK.
    pub mos_taken: u64,
    /// Segments of MOs answered otherwise.
    pub mos_refused: u64,
    /// Faults that happened, by name.
    pub faults: BTreeMap<String, u64>,
    /// PDUs refused for their form.
    pub bad_pdus: u64,
}

impl Stats {
    pub(super) fn fault(&mut self, name: &str) {
        count(&mut self.faults, name, 1);
    }

    pub(super) fn answered(&mut self, status: &str, times: u64) {
        count(&mut self.answers, status, times);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, times: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += times,
        None => {
            counts.insert(name.to_owned(), times);
        }
    }
}
