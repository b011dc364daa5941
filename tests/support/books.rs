//! What the clients of a run asked for and were promised, kept while they ask.

use std::collections::BTreeMap;
use std::sync::Mutex;

use araldo::domain::Class;
use serde_json::Value;

use super::accountant::{Account, Evidence, Taken, account};
use super::carrier::Carrier;
use super::daemon::House;
use super::http::Answer;
use super::sample::Sample;

#[derive(Default)]
pub(crate) struct Books {
    asked: Mutex<BTreeMap<u32, Class>>,
    accepted: Mutex<BTreeMap<u32, String>>,
}

impl Books {
    /// Notes a wish, before it is sent.
    pub(crate) fn ask(&self, sample: &Sample) {
        self.asked.lock().unwrap().insert(sample.token, sample.class);
    }

    /// Notes a promise. The same wish has the same id however often it is asked for.
    pub(crate) fn accept(&self, token: u32, answer: &Value) {
        let id = answer["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id: {answer}"))
            .to_owned();
        if let Some(before) = self.accepted.lock().unwrap().insert(token, id.clone()) {
            assert_eq!(before, id, "{token} was given two ids");
        }
    }

    /// Notes the promises of NDJSON, a line a wish.
    pub(crate) fn accept_lines(&self, samples: &[Sample], answer: &Answer) {
        assert!(answer.status.is_success(), "{answer:?}");
        let lines = answer.lines();
        assert_eq!(lines.len(), samples.len());
        for (sample, line) in samples.iter().zip(&lines) {
            self.accept(sample.token, line);
        }
    }

    /// Notes what others asked for and were promised as well.
    pub(crate) fn take_over(&self, others: &Self) {
        let asked = others.asked.lock().unwrap().clone();
        self.asked.lock().unwrap().extend(asked);
        self.accepted.lock().unwrap().extend(others.accepted());
    }

    pub(crate) fn accepted(&self) -> BTreeMap<u32, String> {
        self.accepted.lock().unwrap().clone()
    }

    /// Holds the promises against the tables and the carriers' ledgers.
    pub(crate) async fn account(&self, house: &House, carriers: &[&Carrier]) -> Account {
        let submits = carriers.iter().flat_map(|carrier| carrier.ledger().submits);
        let taken = submits.filter(super::ledger::Handed::taken);
        let asked = self.asked.lock().unwrap().clone();
        let evidence = Evidence {
            asked,
            accepted: self.accepted(),
            rows: house.database().rows().await,
            taken: taken
                .map(|handed| Taken {
                    token: handed.token,
                    number: handed.number,
                })
                .collect(),
        };
        account(&evidence)
    }
}
