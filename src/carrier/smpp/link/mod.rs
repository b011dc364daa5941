//! One bind: owns the socket and the timers, asks the session and obeys it.
//!
//! Here the driver turns; `bind` opens the link, `outward` has what we submit, `inward` what the carrier delivers.
//!
//! One task reads, writes and waits at once. Reading never stops for writing, for the database or for a lock: what
//! goes inward is offered without waiting, and what finds no place is answered busy. Each turn begins with our own
//! answers and deadlines, so that a carrier that never stops talking holds up neither.

mod bind;
mod inward;
mod outward;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use araldo_smpp::session::{CloseReason, Event, Session};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::inward::Unanswered;
use self::outward::Ticket;
use super::connect::{Octets, connect};
use super::submit::SegmentPdu;
use super::{INBOUND_QUEUE, Shared};
use crate::carrier::{DownReason, Inbound, Link, LinkMode, LinkReport, Message, OpenError, SubmitReport, Verdict};
use crate::clock::monotonic;
use crate::domain::BindRef;

/// Octets read at once.
const READ_CHUNK: usize = 64 * 1024;
/// Octets waiting to be written above which no more is submitted, so that a carrier that does not read costs no memory.
const WRITE_HIGH: usize = 256 * 1024;
/// Octets waiting to be written at which the link is given up: the carrier sends and does not read.
const WRITE_MAX: usize = 4 * 1024 * 1024;
/// How long the last octets, and the end of the link, may take.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);
/// How long an unbind may take.
const UNBIND_WITHIN: Duration = Duration::from_secs(5);

/// Opens a bind and leaves a task to drive it.
pub(super) async fn open(shared: Arc<Shared>, bind: BindRef, mode: LinkMode) -> Result<Link, OpenError> {
    let (stream, peer) = connect(&shared).await?;
    let (reader, writer) = tokio::io::split(stream);
    let (submits, submits_rx) = mpsc::unbounded_channel();
    let (reports, reports_rx) = mpsc::unbounded_channel();
    let (inbound, inbound_rx) = mpsc::channel(INBOUND_QUEUE);
    let (answers, answers_rx) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let now = monotonic();
    let mut driver = Driver {
        session: Session::esme(bind::esme_config(&shared), now),
        reader,
        writer,
        input: BytesMut::with_capacity(READ_CHUNK),
        output: BytesMut::new(),
        written: 0,
        unflushed: false,
        waiting: VecDeque::new(),
        outcomes: Vec::new(),
        unanswered: VecDeque::new(),
        next_ticket: 0,
        inbound,
        answers,
        reports,
        stop: stop.clone(),
        stopping: false,
        ending: None,
        closed: None,
        submit_seconds: metrics::histogram!("araldo_submit_seconds", "carrier" => bind.carrier.as_str().to_owned()),
        shared,
        bind,
    };
    driver.bind(mode, now).await?;
    tokio::spawn(driver.run(submits_rx, answers_rx));
    Ok(Link {
        submits,
        reports: reports_rx,
        inbound: inbound_rx,
        peer,
        stop,
        on_trial: false,
    })
}

struct Driver {
    session: Session<Ticket>,
    reader: ReadHalf<Pin<Box<dyn Octets>>>,
    writer: WriteHalf<Pin<Box<dyn Octets>>>,
    input: BytesMut,
    output: BytesMut,
    /// Octets that the socket has taken so far.
    written: u64,
    /// Octets may stand between us and the socket: TLS keeps what it has not sent.
    unflushed: bool,
    /// PDUs that wait for a place in the window: the rest of long messages.
    waiting: VecDeque<(i64, u8, SegmentPdu)>,
    outcomes: Vec<SubmitReport>,
    /// Requests of the carrier's that wait for our commit, in the order of their tickets and deadlines.
    unanswered: VecDeque<Unanswered>,
    next_ticket: u64,
    inbound: mpsc::Sender<Inbound>,
    answers: mpsc::UnboundedSender<(u64, Verdict)>,
    reports: mpsc::UnboundedSender<LinkReport>,
    stop: CancellationToken,
    /// A planned stop: nothing new is submitted.
    stopping: bool,
    /// When we no longer wait: for the last answers, then for the answer to our unbind.
    ending: Option<Instant>,
    closed: Option<CloseReason>,
    submit_seconds: metrics::Histogram,
    shared: Arc<Shared>,
    bind: BindRef,
}

impl Driver {
    async fn run(
        mut self,
        mut submits: mpsc::UnboundedReceiver<Vec<Message>>,
        mut answers: mpsc::UnboundedReceiver<(u64, Verdict)>,
    ) {
        let reason = loop {
            self.handle_events();
            self.submit_waiting();
            self.collect_output();
            self.report();
            if self.output.len() > WRITE_MAX {
                break CloseReason::Local;
            }
            if let Some(reason) = self.closed.take() {
                break reason;
            }
            let wake = self.next_wake();
            tokio::select! {
                biased;
                pushed = push(&mut self.writer, &mut self.output), if self.unflushed || !self.output.is_empty() => {
                    match pushed {
                        Ok(octets) => self.pushed(octets),
                        Err(_) => {
                            self.count_torn_write();
                            break CloseReason::LinkLost;
                        }
                    }
                }
                Some((ticket, verdict)) = answers.recv() => {
                    self.answer(ticket, verdict);
                    while let Ok((ticket, verdict)) = answers.try_recv() {
                        self.answer(ticket, verdict);
                    }
                }
                () = sleep_until(wake) => self.handle_time(),
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => break CloseReason::LinkLost,
                    Ok(_) => {
                        self.session.handle_bytes(&mut self.input, monotonic());
                        self.input.reserve(READ_CHUNK);
                    }
                    Err(_) => break CloseReason::LinkLost,
                },
                messages = submits.recv(), if self.output.len() < WRITE_HIGH && !self.stopping => match messages {
                    Some(messages) => self.take(messages),
                    None => self.begin_stop(),
                },
                () = self.stop.cancelled(), if !self.stopping => self.begin_stop(),
            }
        };
        self.end(reason, submits).await;
    }

    fn next_wake(&self) -> Option<Instant> {
        [self.session.poll_timeout(), self.next_answer_due(), self.ending]
            .into_iter()
            .flatten()
            .min()
    }

    fn handle_time(&mut self) {
        let now = monotonic();
        self.session.handle_timeout(now);
        self.answer_busy_what_waited_too_long(now);
        match self.ending {
            Some(at) if at > now => {}
            Some(_) if self.session.is_bound() => self.unbind(now),
            Some(_) => self.closed = Some(CloseReason::UnbindTimeout),
            None => {}
        }
    }

    /// Unbinds, and gives the carrier a moment for its answer.
    fn unbind(&mut self, now: Instant) {
        self.session.unbind(now);
        self.ending = Some(now + UNBIND_WITHIN);
    }

    /// A planned stop: nothing new is submitted; once nothing is outstanding, or the wait is over, it unbinds.
    fn begin_stop(&mut self) {
        self.stopping = true;
        self.ending = Some(monotonic() + self.shared.drain);
        self.give_back_waiting();
        self.unbind_when_empty();
    }

    fn unbind_when_empty(&mut self) {
        let awaited = self.session.outstanding() - self.session.overdue();
        if self.stopping && awaited == 0 && !self.owes_answers() {
            self.unbind(monotonic());
        }
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Answered(answered) => self.answered(answered),
                Event::Overdue { sequence_number, .. } => self.overdue(sequence_number),
                Event::Stalled { overdue, window } => {
                    tracing::warn!(event = "link_stalled", bind = %self.bind, overdue, window);
                    self.reports.send(LinkReport::Closing).ok();
                    self.unbind(monotonic());
                }
                Event::Request { packet, forgiven } => self.request(packet, &forgiven),
                Event::Closed(reason) => self.closed = Some(reason),
                other => self.note(&other),
            }
        }
        if self.stopping && self.session.is_bound() {
            self.unbind_when_empty();
        }
    }

    /// So many octets were taken; TLS may still hold them.
    fn pushed(&mut self, octets: usize) {
        self.written += octets as u64;
        self.unflushed = octets > 0;
    }

    fn collect_output(&mut self) {
        let fresh = self.session.transmit();
        if fresh.is_empty() {
            return;
        }
        if self.output.is_empty() {
            std::mem::swap(&mut self.output, fresh);
        } else {
            self.output.extend_from_slice(fresh);
            fresh.clear();
        }
    }

    /// Tells what became of everything outstanding: what has not left is not written; the rest is in doubt.
    async fn end(mut self, reason: CloseReason, mut submits: mpsc::UnboundedReceiver<Vec<Message>>) {
        self.flush_briefly().await;
        self.session.close(reason);
        self.handle_events();
        self.give_back_outstanding();
        self.give_back_waiting();
        submits.close();
        while let Some(messages) = submits.recv().await {
            self.give_back(&messages);
        }
        self.report();
        let stopped = self.stopping && matches!(reason, CloseReason::Unbound | CloseReason::UnbindTimeout);
        let down = if stopped {
            DownReason::Stopped
        } else {
            DownReason::Lost(reason.to_string())
        };
        self.reports.send(LinkReport::Down(down)).ok();
        tokio::time::timeout(LAST_WORDS_WITHIN, self.writer.shutdown())
            .await
            .ok();
    }

    /// What the session still wants to say, a generic_nack or an unbind_resp, is given a moment.
    async fn flush_briefly(&mut self) {
        self.collect_output();
        let flush = async {
            while self.output.has_remaining() {
                match self.writer.write_buf(&mut self.output).await {
                    Ok(0) => return,
                    Ok(octets) => self.written += octets as u64,
                    Err(_) => return self.count_torn_write(),
                }
            }
            self.writer.flush().await.ok();
        };
        tokio::time::timeout(LAST_WORDS_WITHIN, flush).await.ok();
    }

    /// A write over TLS may fail after some of its octets have left: all of them count as written then, so that what
    /// may have arrived is in doubt rather than sent again unnoticed.
    fn count_torn_write(&mut self) {
        if self.shared.tls.is_some() {
            self.written += self.output.len() as u64;
        }
    }

    fn carrier(&self) -> String {
        self.bind.carrier.as_str().to_owned()
    }
}

/// Writes what waits, or, where nothing does, sees to it that what was written leaves. Says how many octets were taken.
async fn push(writer: &mut WriteHalf<Pin<Box<dyn Octets>>>, output: &mut BytesMut) -> std::io::Result<usize> {
    if output.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    writer.write_buf(output).await
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
