//! Time: what runs out, and when that is.

use std::time::Instant;

use super::{CloseReason, Event, Session, State, UNANSWERED_ENQUIRE_LINKS};
use crate::pdu::{EnquireLink, Header, Pdu};

/// Whether the peer is still there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    /// The last PDU of the peer, or our last enquire_link if that is later.
    since: Instant,
    unanswered: u8,
}

/// A PDU of which only a part came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub(super) since: Instant,
    pub(super) got: usize,
    pub(super) announced: Option<u32>,
}

impl Probe {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            unanswered: 0,
        }
    }
}

impl<T> Session<T> {
    /// When [`Self::handle_timeout`] should be called; `None` when nothing can run out.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state.is_closed() {
            return None;
        }
        let partial = self
            .partial
            .map(|partial| partial.since + self.settings.pdu_read_timeout);
        let overdue = self.window.deadline(self.settings.response_timeout);
        [self.state.deadline(), partial, overdue, self.probe_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due by now. Calling it early or twice does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire_state(now);
        self.expire_partial(now);
        self.expire_requests(now);
        self.expire_probe(now);
    }

    fn expire_state(&mut self, now: Instant) {
        if self.state.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.state {
            State::Open { .. } => self.shut(CloseReason::SessionInitTimeout),
            State::Binding { .. } => self.shut(CloseReason::BindTimeout),
            State::Unbinding { .. } => self.shut(CloseReason::UnbindTimeout),
            State::Deciding { .. } | State::Bound { .. } | State::Closed(_) => {}
        }
    }

    fn expire_partial(&mut self, now: Instant) {
        if let Some(Partial { since, got, announced }) = self.partial
            && since + self.settings.pdu_read_timeout <= now
        {
            let want = announced.map_or(Header::LENGTH, |length| length as usize);
            self.shut(CloseReason::PduReadTimeout { got, want });
        }
    }

    fn expire_requests(&mut self, now: Instant) {
        if self.state.is_closed() {
            return;
        }
        while let Some((sequence_number, slot)) = self.window.expire(self.settings.response_timeout, now) {
            let (command_id, waited) = (slot.command, now.saturating_duration_since(slot.sent));
            self.events.push_back(Event::Overdue {
                sequence_number,
                command_id,
                waited,
            });
        }
        let (overdue, window) = (self.window.overdue(), self.window.size());
        let stalled = overdue * 2 >= window;
        if stalled && !self.stalled {
            self.events.push_back(Event::Stalled { overdue, window });
        }
        self.stalled = stalled;
    }

    fn probe_deadline(&self) -> Option<Instant> {
        let interval = self.settings.enquire_link_interval?;
        matches!(self.state, State::Bound { .. }).then(|| self.probe.since + interval)
    }

    fn expire_probe(&mut self, now: Instant) {
        if self.probe_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.probe.unanswered >= UNANSWERED_ENQUIRE_LINKS {
            self.shut(CloseReason::LinkDead);
            return;
        }
        let sent = self.send_control(Pdu::EnquireLink(EnquireLink::default()));
        assert!(sent.is_ok(), "a header can be written");
        self.probe = Probe {
            since: now,
            unanswered: self.probe.unanswered + 1,
        };
    }
}
