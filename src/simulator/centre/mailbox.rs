//! Bound links with their mailboxes, and the deliveries on their way to one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use araldo_smpp::BindMode;
use tokio::sync::Notify;

use super::{Centre, State};
use crate::simulator::delivery::Delivery;

/// Deliveries that wait for a link at most; the oldest are given up first.
const WAITING: usize = 1_000_000;

/// A bound link that others may hand deliveries to.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Mailbox {
    pub(in crate::simulator) mail: Mutex<Vec<Delivery>>,
    pub(in crate::simulator) wake: Notify,
}

pub(super) struct BoundLink {
    system_id: Arc<str>,
    delivers: bool,
    mailbox: Arc<Mailbox>,
}

impl Centre {
    /// Enters a bound link; gives back what has waited for it.
    pub(in crate::simulator) fn enter(
        &self,
        conn: u64,
        system_id: &Arc<str>,
        mode: BindMode,
        mailbox: &Arc<Mailbox>,
    ) -> Vec<Delivery> {
        let mut state = self.state();
        state.stats.binds += 1;
        let delivers = mode.delivers();
        state.links.insert(
            conn,
            BoundLink {
                system_id: Arc::clone(system_id),
                delivers,
                mailbox: Arc::clone(mailbox),
            },
        );
        if !delivers {
            return Vec::new();
        }
        let (mine, others): (VecDeque<_>, VecDeque<_>) = state
            .waiting
            .drain(..)
            .partition(|waiting| waiting.system_id.as_ref().is_none_or(|id| id == system_id));
        state.waiting = others;
        Vec::from(mine)
    }

    /// Strikes a link out and hands what it has not delivered to others. Returns whether it was bound.
    pub(in crate::simulator) fn leave(&self, conn: u64, mailbox: &Mailbox, undelivered: Vec<Delivery>) -> bool {
        let mut state = self.state();
        let bound = state.links.remove(&conn).is_some();
        let mail = std::mem::take(&mut *mailbox.mail.lock().unwrap_or_else(PoisonError::into_inner));
        for delivery in undelivered.into_iter().chain(mail) {
            state.post(delivery);
        }
        bound
    }

    /// Hands a delivery to a link that can take it, or keeps it until there is one.
    pub(in crate::simulator) fn post(&self, delivery: Delivery) {
        self.state().post(delivery);
    }

    /// Whether an ESME is bound that takes deliver_sm.
    pub(in crate::simulator) fn can_deliver(&self) -> bool {
        self.state().links.values().any(|link| link.delivers)
    }
}

impl State {
    fn post(&mut self, delivery: Delivery) {
        let fits =
            |link: &BoundLink| link.delivers && delivery.system_id.as_ref().is_none_or(|id| *id == link.system_id);
        let (past, coming) = (..=self.last_link, self.last_link + 1..);
        let next = self
            .links
            .range(coming)
            .chain(self.links.range(past))
            .find(|(_, link)| fits(link));
        if let Some((conn, link)) = next {
            self.last_link = *conn;
            link.mailbox
                .mail
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(delivery);
            link.mailbox.wake.notify_one();
            return;
        }
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
            self.stats.given_up += 1;
        }
        self.waiting.push_back(delivery);
    }
}
