//! One connection of an ESME: a task that owns socket, session and timers.
//!
//! Reading never waits for writing: what cannot be written at once stays in `out` while PDUs go on being read. Every
//! turn of the loop ends with at most one write of the ledger and one of the socket, in this order.

mod inward;
mod outward;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use araldo_smpp::session::{CloseReason, McConfig, Settings};
use araldo_smpp::{COctet, Mode, Session};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::centre::{Centre, Mailbox};
use super::delivery::Delivery;
use super::event::SimulatorEvent;
use super::ledger::Lines;
use crate::clock::monotonic;

/// Octets asked of the socket in one read.
const READ: usize = 64 * 1024;
/// Octets that may wait for a peer that does not read; a link with more is ended.
const UNWRITTEN: usize = 16 * 1024 * 1024;
/// How long the timer sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);
/// How long a link may take to say goodbye once it must end.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) struct Link {
    conn: u64,
    centre: Arc<Centre>,
    stream: TcpStream,
    session: Session<Delivery>,
    input: BytesMut,
    out: BytesMut,
    lines: Lines,
    tally: Tally,
    /// Who bound; `None` before.
    system_id: Option<Arc<str>>,
    mailbox: Arc<Mailbox>,
    /// Delayed answers and receipts not yet due.
    later: BinaryHeap<Reverse<Later>>,
    serial: u64,
    /// Answers among `later`.
    unanswered: usize,
    /// Deliveries that are due and wait for the window.
    ready: VecDeque<Delivery>,
    /// Whether deliveries wait for the bind's own answer.
    bind_unanswered: bool,
    traps: Vec<SegmentTrap>,
    reading: Reading,
    /// Nothing more is appended to `out`: a stall in mid-PDU.
    stalled: bool,
    /// Requests have no effect and no answer any more, since an unbind of ours is under way.
    deaf: bool,
    ending: Option<(Ending, Instant)>,
    watched: bool,
}

/// Counts gathered between two locks of the centre.
#[derive(Debug, Default)]
struct Tally {
    submits: u64,
    receipts_sent: u64,
    receipts_taken: u64,
    receipts_refused: u64,
    mos_sent: u64,
    mos_taken: u64,
    mos_refused: u64,
    bad_pdus: u64,
    given_up: u64,
    ok: u64,
    other: Vec<String>,
    peak_unanswered: u64,
    changed: bool,
}

#[derive(Debug)]
struct Later {
    due: Instant,
    serial: u64,
    act: Act,
}

#[derive(Debug)]
enum Act {
    Answer(Bytes),
    Deliver(Delivery),
    End(Ending),
}

/// A long message of which only some segments are to be answered.
#[derive(Debug)]
struct SegmentTrap {
    destination: COctet,
    reference: u16,
    left: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    On,
    /// `None` for good.
    Off(Option<Instant>),
}

/// How a link ends once `out` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The socket is closed as it stands.
    Drop,
    /// The write side first, so that the peer surely gets what was written.
    Graceful,
    /// By RST.
    Reset,
}

impl Link {
    pub(super) fn new(conn: u64, centre: Arc<Centre>, stream: TcpStream) -> Self {
        let config = &centre.config;
        let mc = McConfig {
            settings: Settings {
                window: config.deliver_window,
                enquire_link_interval: config.enquire_link_interval,
                mode: if config.tolerant { Mode::Tolerant } else { Mode::Strict },
                ..Settings::default()
            },
            system_id: COctet::from(config.name.as_str()),
            ..McConfig::default()
        };
        Self {
            conn,
            session: Session::message_centre(mc, monotonic()),
            centre,
            stream,
            input: BytesMut::new(),
            out: BytesMut::new(),
            lines: Lines::default(),
            tally: Tally::default(),
            system_id: None,
            mailbox: Arc::default(),
            later: BinaryHeap::new(),
            serial: 0,
            unanswered: 0,
            ready: VecDeque::new(),
            bind_unanswered: false,
            traps: Vec::new(),
            reading: Reading::On,
            stalled: false,
            deaf: false,
            ending: None,
            watched: false,
        }
    }

    /// Serves the link to its end. `cut` ends it at once, `stop` by an unbind.
    pub(super) async fn run(mut self, cut: CancellationToken, stop: CancellationToken) {
        let mailbox = Arc::clone(&self.mailbox);
        let (mut cut, mut stop) = (pin!(cut.cancelled()), pin!(stop.cancelled()));
        let mut stopping = false;
        let mut armed = monotonic() + IDLE;
        let mut timer = pin!(tokio::time::sleep_until(armed.into()));
        loop {
            if let Err(error) = self.flush() {
                tracing::debug!(conn = self.conn, %error, "simulator_link_lost");
                self.session.close(CloseReason::LinkLost);
                self.ending = Some((Ending::Drop, monotonic()));
                break;
            }
            let now = monotonic();
            if self.ending.is_some_and(|(_, by)| by <= now || self.out.is_empty()) {
                break;
            }
            let wake = self.wake_at().unwrap_or(now + IDLE);
            if wake != armed {
                armed = wake;
                timer.as_mut().reset(wake.into());
            }
            tokio::select! {
                biased;
                () = &mut cut => {
                    self.ending = Some((Ending::Drop, now));
                    break;
                }
                () = &mut stop, if !stopping => {
                    stopping = true;
                    self.begin_stop();
                }
                ready = self.stream.readable(), if self.reads() => self.read(ready),
                _ = self.stream.writable(), if !self.out.is_empty() => {}
                () = mailbox.wake.notified() => self.take_mail(),
                () = &mut timer => {
                    armed = now;
                    self.handle_time();
                }
            }
        }
        self.leave();
        self.close().await;
    }

    fn reads(&self) -> bool {
        self.ending.is_none() && self.reading == Reading::On
    }

    fn wake_at(&self) -> Option<Instant> {
        let later = self.later.peek().map(|Reverse(later)| later.due);
        let reading = match self.reading {
            Reading::Off(until) => until,
            Reading::On => None,
        };
        let ending = self.ending.map(|(_, by)| by);
        [self.session.poll_timeout(), later, reading, ending]
            .into_iter()
            .flatten()
            .min()
    }

    fn read(&mut self, ready: io::Result<()>) {
        let mut gone = ready.is_err();
        if !gone {
            if self.input.capacity() - self.input.len() < READ / 8 {
                self.input.reserve(READ);
            }
            gone = match self.stream.try_read_buf(&mut self.input) {
                Ok(0) => true,
                Ok(_) => false,
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
            };
        }
        self.handle_input();
        if gone && self.ending.is_none() {
            self.end(Ending::Drop);
        }
    }

    fn take_mail(&mut self) {
        let mail = std::mem::take(
            &mut *self
                .mailbox
                .mail
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        self.ready.extend(mail);
        self.pump(monotonic());
    }

    fn handle_time(&mut self) {
        let now = monotonic();
        self.watched = self.centre.is_watched();
        self.session.handle_timeout(now);
        self.drain_session(now);
        if let Reading::Off(Some(until)) = self.reading
            && until <= now
        {
            self.reading = Reading::On;
            self.handle_input();
        }
        while self.later.peek().is_some_and(|Reverse(later)| later.due <= now) {
            let Some(Reverse(Later { act, .. })) = self.later.pop() else {
                break;
            };
            match act {
                Act::Answer(answer) => {
                    self.unanswered -= 1;
                    self.bind_unanswered = false;
                    self.push_out(&answer);
                }
                Act::Deliver(delivery) => self.ready.push_back(delivery),
                Act::End(ending) => self.end(ending),
            }
        }
        self.pump(now);
    }

    fn do_later(&mut self, due: Instant, act: Act) {
        self.serial += 1;
        self.later.push(Reverse(Later {
            due,
            serial: self.serial,
            act,
        }));
    }

    /// Ends the link once what is written so far is out, or a second from now. The first reason stands.
    fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some((ending, monotonic() + FAREWELL));
        }
    }

    /// The program stops: unbind, and wait a second for the answer.
    fn begin_stop(&mut self) {
        let now = monotonic();
        self.deaf = true;
        self.session.unbind(now);
        self.drain_session(now);
        self.do_later(now + FAREWELL, Act::End(Ending::Graceful));
    }

    /// Leaves the register of bound links; what was not delivered goes to others.
    fn leave(&mut self) {
        self.session.close(CloseReason::LinkLost);
        let mut undelivered: Vec<Delivery> = self
            .session
            .drain_outstanding()
            .map(|outstanding| outstanding.ticket)
            .collect();
        undelivered.extend(self.ready.drain(..));
        let later = std::mem::take(&mut self.later).into_sorted_vec();
        undelivered.extend(later.into_iter().rev().filter_map(|Reverse(later)| match later.act {
            Act::Deliver(delivery) => Some(delivery),
            Act::Answer(_) | Act::End(_) => None,
        }));
        self.settle();
        if self.centre.leave(self.conn, &self.mailbox, undelivered)
            && let Some(system_id) = &self.system_id
        {
            let (at, system_id) = (self.centre.now(), system_id.to_string());
            self.centre.tell(SimulatorEvent::Unbound {
                at,
                conn: self.conn,
                system_id,
            });
        }
    }

    async fn close(mut self) {
        // Failing to say goodbye is no more than the link being gone already.
        match self.ending.map_or(Ending::Drop, |(ending, _)| ending) {
            Ending::Drop => {}
            Ending::Reset => {
                let _ = self.stream.set_zero_linger();
            }
            Ending::Graceful => {
                let _ = self.stream.shutdown().await;
                let _ = tokio::time::timeout(FAREWELL, self.read_to_end()).await;
            }
        }
    }

    async fn read_to_end(&mut self) {
        while self.stream.readable().await.is_ok() {
            self.input.clear();
            self.input.reserve(READ);
            match self.stream.try_read_buf(&mut self.input) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.serial) == (other.due, other.serial)
    }
}

impl Eq for Later {}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.serial).cmp(&(other.due, other.serial))
    }
}
