//! One bind: owns the socket and the timers, asks the session and obeys it.
//!
//! One task reads, writes and waits at once. Reading never stops for writing, for the database or for a lock: what
//! goes inward is offered without waiting, and what finds no place is answered busy.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use araldo_smpp::pdu::Bind;
use araldo_smpp::session::{Answered, BadPduReason, CloseReason, EsmeConfig, Event, Session, Settings, SubmitError};
use araldo_smpp::{
    Address, BindMode, COctet, CommandId, CommandStatus, Npi, Packet, Password, Pdu, SequenceNumber, Ton,
};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connect::{Octets, connect};
use super::inbound::{Delivery, Parts};
use super::submit::SegmentPdu;
use super::{ANSWER_WITHIN, INBOUND_QUEUE, Shared, inbound, status, submit};
use crate::carrier::{
    AnswerSlot, DownReason, Inbound, Link, LinkMode, LinkReport, Message, OpenError, SubmitReport, SubmitResult,
    Verdict,
};
use crate::clock::monotonic;
use crate::config::InterfaceVersion;
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
/// Octets of an unreadable PDU that are kept.
const KEEP_OF_BAD_PDU: usize = 4_096;

/// Which segment an outstanding submit carries, and where its octets begin in all that this link has written.
struct Ticket {
    key: i64,
    number: u8,
    total: u8,
    begins: u64,
}

/// Opens a bind and leaves a task to drive it.
pub(super) async fn open(shared: Arc<Shared>, bind: BindRef, mode: LinkMode) -> Result<Link, OpenError> {
    let stream = connect(&shared).await?;
    let (reader, writer) = tokio::io::split(stream);
    let (submits, submits_rx) = mpsc::unbounded_channel();
    let (reports, reports_rx) = mpsc::unbounded_channel();
    let (inbound, inbound_rx) = mpsc::channel(INBOUND_QUEUE);
    let (answers, answers_rx) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let now = monotonic();
    let mut driver = Driver {
        session: Session::esme(esme_config(&shared), now),
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
        stopping: None,
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
        stop,
    })
}

fn esme_config(shared: &Shared) -> EsmeConfig {
    let config = &shared.config;
    EsmeConfig {
        settings: Settings {
            window: config.window,
            response_timeout: config.response_timeout,
            enquire_link_interval: (!config.enquire_link_interval.is_zero()).then_some(config.enquire_link_interval),
            ..Settings::default()
        },
        accept_outbind: false,
    }
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
    /// When a planned stop gives up waiting.
    stopping: Option<Instant>,
    closed: Option<CloseReason>,
    submit_seconds: metrics::Histogram,
    shared: Arc<Shared>,
    bind: BindRef,
}

/// A request of the carrier's that waits for its answer.
struct Unanswered {
    ticket: u64,
    sequence: SequenceNumber,
    command: CommandId,
    deadline: Instant,
    done: bool,
}

impl Driver {
    /// Binds, or says why not.
    async fn bind(&mut self, mode: LinkMode, now: Instant) -> Result<(), OpenError> {
        let config = &self.shared.config;
        let bind = bind_pdu(&self.shared).map_err(OpenError::Settings)?;
        let mode = match mode {
            LinkMode::Both => BindMode::Transceiver,
            LinkMode::Out => BindMode::Transmitter,
            LinkMode::In => BindMode::Receiver,
        };
        let encode = |error: SubmitError| OpenError::Settings(format!("the bind cannot be written: {error}"));
        self.session.bind(mode, bind, now).map_err(encode)?;
        let deadline = now + config.bind_timeout;
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::Bound { .. } => return Ok(()),
                    Event::Closed(reason) => {
                        self.flush_briefly().await;
                        return Err(not_bound(&reason));
                    }
                    other => self.note(&other),
                }
            }
            self.collect_output();
            let wake = self.session.poll_timeout().map_or(deadline, |at| at.min(deadline));
            tokio::select! {
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => return Err(OpenError::Lost("the carrier closed the connection before it answered the bind".into())),
                    Ok(_) => self.session.handle_bytes(&mut self.input, monotonic()),
                    Err(error) => return Err(OpenError::Lost(error.to_string())),
                },
                written = self.writer.write_buf(&mut self.output), if !self.output.is_empty() => match written {
                    Ok(octets) => self.written += octets as u64,
                    Err(error) => return Err(OpenError::Lost(error.to_string())),
                },
                () = tokio::time::sleep_until(wake.into()) => {
                    let now = monotonic();
                    if now >= deadline {
                        let within = self.shared.config.bind_timeout;
                        return Err(OpenError::Lost(format!("no answer to the bind within {within:?}")));
                    }
                    self.session.handle_timeout(now);
                }
            }
        }
    }

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
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => break CloseReason::LinkLost,
                    Ok(_) => {
                        self.session.handle_bytes(&mut self.input, monotonic());
                        self.input.reserve(READ_CHUNK);
                    }
                    Err(_) => break CloseReason::LinkLost,
                },
                pushed = push(&mut self.writer, &mut self.output), if self.unflushed || !self.output.is_empty() => {
                    match pushed {
                        Ok(octets) => {
                            self.written += octets as u64;
                            self.unflushed = octets > 0;
                        }
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
                messages = submits.recv(), if self.output.len() < WRITE_HIGH && self.stopping.is_none() => match messages {
                    Some(messages) => self.take(messages),
                    None => self.begin_stop(),
                },
                () = self.stop.cancelled(), if self.stopping.is_none() => self.begin_stop(),
                () = sleep_until(wake) => self.handle_time(),
            }
        };
        self.end(reason, submits).await;
    }

    fn next_wake(&self) -> Option<Instant> {
        let unanswered = self.unanswered.front().map(|request| request.deadline);
        [self.session.poll_timeout(), unanswered, self.stopping]
            .into_iter()
            .flatten()
            .min()
    }

    fn handle_time(&mut self) {
        let now = monotonic();
        self.session.handle_timeout(now);
        while self.unanswered.front().is_some_and(|request| request.deadline <= now) {
            let Some(request) = self.unanswered.pop_front() else {
                break;
            };
            if !request.done {
                metrics::counter!("araldo_inbound_busy_total", "carrier" => self.carrier()).increment(1);
                let status = self.shared.busy_status();
                self.respond(request.command, request.sequence, status);
            }
        }
        if self.stopping.is_some_and(|at| at <= now) {
            self.session.unbind(now);
            self.stopping = Some(now + UNBIND_WITHIN);
            if self.session.is_closed() || self.output.len() > WRITE_HIGH {
                self.closed = Some(CloseReason::Local);
            }
        }
    }

    /// A planned stop: nothing new is submitted; once nothing is outstanding, or the wait is over, it unbinds.
    fn begin_stop(&mut self) {
        self.stopping = Some(monotonic() + self.shared.drain);
        for (key, total, segment) in std::mem::take(&mut self.waiting) {
            self.outcome(key, segment.number, total, SubmitResult::NotWritten);
        }
        self.unbind_when_empty();
    }

    fn unbind_when_empty(&mut self) {
        let awaited = self.session.outstanding() - self.session.overdue();
        let inward = self.unanswered.iter().any(|request| !request.done);
        if self.stopping.is_some() && awaited == 0 && !inward {
            let now = monotonic();
            self.session.unbind(now);
            self.stopping = Some(now + UNBIND_WITHIN);
        }
    }

    fn take(&mut self, messages: Vec<Message>) {
        let now = self.shared.clock.now();
        for message in messages {
            match submit::pdus(&self.shared, &message, now) {
                Some((pdus, total)) => self
                    .waiting
                    .extend(pdus.into_iter().map(|pdu| (message.key, total, pdu))),
                None => self.outcome(message.key, 1, 1, SubmitResult::Unsendable),
            }
        }
    }

    fn submit_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = monotonic();
        while self.session.window_free() > 0 {
            let Some((key, total, segment)) = self.waiting.pop_front() else {
                break;
            };
            let number = segment.number;
            let begins = self.written + (self.output.len() + self.session.transmit().len()) as u64;
            let submitted = self.session.submit(
                &segment.pdu,
                Ticket {
                    key,
                    number,
                    total,
                    begins,
                },
                now,
            );
            if let Err(rejected) = submitted {
                let result = match rejected.error {
                    SubmitError::Encode(_) => SubmitResult::Unsendable,
                    SubmitError::WindowFull | SubmitError::NotBound | SubmitError::NotAllowed(_) => {
                        SubmitResult::NotWritten
                    }
                };
                self.outcome(key, number, total, result);
            }
        }
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Answered(answered) => self.answered(answered),
                Event::Overdue { sequence_number, .. } => {
                    if let Some(ticket) = self.session.ticket(sequence_number) {
                        let (key, number, total) = (ticket.key, ticket.number, ticket.total);
                        self.outcome(key, number, total, SubmitResult::Overdue);
                    }
                }
                Event::Stalled { overdue, window } => {
                    tracing::warn!(event = "link_stalled", bind = %self.bind, overdue, window);
                    self.session.unbind(monotonic());
                }
                Event::Request { packet, forgiven } => self.request(packet, &forgiven),
                Event::Closed(reason) => self.closed = Some(reason),
                other => self.note(&other),
            }
        }
        if self.stopping.is_some() && self.session.is_bound() {
            self.unbind_when_empty();
        }
    }

    fn answered(&mut self, answered: Answered<Ticket>) {
        let ticket = answered.ticket;
        self.submit_seconds.record(answered.waited.as_secs_f64());
        let status = answered.command_status;
        let result = if status.is_ok() {
            let id = match &answered.pdu {
                Pdu::SubmitSmResp(resp) if !resp.message_id.is_empty() => Some(resp.message_id.as_str().into()),
                _ => None,
            };
            SubmitResult::Accepted { carrier_message_id: id }
        } else {
            metrics::counter!(
                "araldo_submit_errors_total", "carrier" => self.carrier(), "command_status" => status.to_string()
            )
            .increment(1);
            SubmitResult::Refused {
                status: status.0,
                action: status::action(status, &self.shared.overrides),
            }
        };
        self.outcome(ticket.key, ticket.number, ticket.total, result);
    }

    fn request(&mut self, packet: Packet, forgiven: &[araldo_smpp::Forgiven]) {
        let alphabet = self.shared.default_alphabet();
        let delivery = match &packet.pdu {
            Pdu::DeliverSm(pdu) => inbound::deliver_sm(pdu, forgiven, alphabet),
            Pdu::DataSm(pdu) => {
                let parts = Parts {
                    source: &pdu.source.addr.as_str(),
                    destination: &pdu.destination.addr.as_str(),
                    esm_class: pdu.esm_class,
                    data_coding: pdu.data_coding.0,
                    short_message: &Bytes::new(),
                    tlvs: &pdu.tlvs,
                };
                inbound::read(&parts, forgiven, alphabet)
            }
            other => {
                let command = other.command_id();
                self.respond(command, packet.sequence_number, CommandStatus::ESME_RINVCMDID);
                return;
            }
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let slot = AnswerSlot::new(self.answers.clone(), ticket);
        self.unanswered.push_back(Unanswered {
            ticket,
            sequence: packet.sequence_number,
            command: packet.command_id(),
            deadline: monotonic() + ANSWER_WITHIN,
            done: false,
        });
        let inbound = match delivery {
            Delivery::Receipt(receipt) => Inbound::Receipt(receipt, slot),
            Delivery::Text(text) => Inbound::Text(text, slot),
            Delivery::UnreadableReceipt(mut octets) => {
                tracing::warn!(event = "receipt_unparsed", bind = %self.bind, octets = octets.len());
                octets.truncate(KEEP_OF_BAD_PDU);
                Inbound::Unreadable {
                    reason: "receipt_unparsed".to_owned(),
                    status: 0,
                    octets,
                    slot: Some(slot),
                }
            }
        };
        // A full queue drops the slot, and a dropped slot answers busy.
        self.inbound.try_send(inbound).ok();
    }

    fn answer(&mut self, ticket: u64, verdict: Verdict) {
        let Some(first) = self.unanswered.front().map(|request| request.ticket) else {
            return;
        };
        let place = ticket.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let Some(request) = place.and_then(|place| self.unanswered.get_mut(place)) else {
            return;
        };
        if std::mem::replace(&mut request.done, true) {
            return;
        }
        let (command, sequence) = (request.command, request.sequence);
        let status = match verdict {
            Verdict::Taken => CommandStatus::ESME_ROK,
            Verdict::Busy => self.shared.busy_status(),
        };
        self.respond(command, sequence, status);
        while self.unanswered.front().is_some_and(|request| request.done) {
            self.unanswered.pop_front();
        }
    }

    fn respond(&mut self, command: CommandId, sequence: SequenceNumber, status: CommandStatus) {
        if let Err(error) = self.session.respond(command, sequence, status, &COctet::EMPTY) {
            tracing::debug!(event = "answer_not_sent", bind = %self.bind, %error);
        }
    }

    /// Events that change nothing for a message.
    fn note(&mut self, event: &Event<Ticket>) {
        match event {
            Event::BadPdu(bad) => {
                let reason = match &bad.reason {
                    BadPduReason::Unreadable(error) => error.to_string(),
                    BadPduReason::Refused(refusal) => format!("{}: {}", refusal.field, refusal.command_status),
                };
                let status = bad.answered.map_or(0, |status| status.0);
                tracing::warn!(event = "bad_pdu", bind = %self.bind, command = %bad.command_id.0, reason, status);
                let kept = bad.octets.len().min(KEEP_OF_BAD_PDU);
                let octets = Bytes::copy_from_slice(&bad.octets[..kept]);
                let bad = Inbound::Unreadable {
                    reason,
                    status,
                    octets,
                    slot: None,
                };
                self.inbound.try_send(bad).ok();
            }
            Event::UnknownResponse { sequence_number, .. } => {
                metrics::counter!("araldo_unknown_responses_total", "carrier" => self.carrier()).increment(1);
                tracing::debug!(event = "unknown_response", bind = %self.bind, sequence = sequence_number.0);
            }
            Event::UnknownCommand { command_id, .. } | Event::NotAllowed { command_id, .. } => {
                tracing::warn!(event = "pdu_not_allowed", bind = %self.bind, command = %format_args!("{:#010x}", command_id.0));
            }
            Event::Alert(_) | Event::Outbind(_) => tracing::info!(event = "pdu_ignored", bind = %self.bind),
            Event::Bound { .. }
            | Event::BindRequested { .. }
            | Event::Request { .. }
            | Event::Answered(_)
            | Event::Overdue { .. }
            | Event::Stalled { .. }
            | Event::Closed(_) => {}
        }
    }

    fn outcome(&mut self, key: i64, number: u8, total: u8, result: SubmitResult) {
        self.outcomes.push(SubmitReport {
            key,
            number,
            total,
            result,
        });
    }

    fn report(&mut self) {
        if !self.outcomes.is_empty() {
            self.reports
                .send(LinkReport::Submits(std::mem::take(&mut self.outcomes)))
                .ok();
        }
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
        let outstanding: Vec<_> = self.session.drain_outstanding().collect();
        for request in outstanding {
            let Ticket {
                key,
                number,
                total,
                begins,
            } = request.ticket;
            if request.overdue {
                continue;
            }
            let result = if begins >= self.written {
                SubmitResult::NotWritten
            } else {
                SubmitResult::Lost
            };
            self.outcome(key, number, total, result);
        }
        for (key, total, segment) in std::mem::take(&mut self.waiting) {
            self.outcome(key, segment.number, total, SubmitResult::NotWritten);
        }
        submits.close();
        while let Some(messages) = submits.recv().await {
            for message in messages {
                // No segment of it was made: the whole message is unwritten.
                self.outcome(message.key, 0, 0, SubmitResult::NotWritten);
            }
        }
        self.report();
        let stopped = self.stopping.is_some() && matches!(reason, CloseReason::Unbound | CloseReason::UnbindTimeout);
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

fn bind_pdu(shared: &Shared) -> Result<Bind, String> {
    let config = &shared.config;
    let octets = |key: &str, text: &str| {
        COctet::from_latin1(text).ok_or_else(|| format!("{key} has a character that SMPP cannot carry"))
    };
    Ok(Bind {
        system_id: octets("system_id", &config.system_id)?,
        password: Password(octets("password", config.password.expose())?),
        system_type: octets("system_type", &config.system_type)?,
        interface_version: match config.interface_version {
            InterfaceVersion::V3_4 => araldo_smpp::InterfaceVersion::V3_4,
            InterfaceVersion::V5_0 => araldo_smpp::InterfaceVersion::V5_0,
        },
        address_range: Address::new(Ton(0), Npi(0), octets("address_range", &config.address_range)?),
        ..Bind::default()
    })
}

/// Why a bind did not come up, with what to do about it.
fn not_bound(reason: &CloseReason) -> OpenError {
    use CommandStatus as S;
    let CloseReason::BindRefused(status) = reason else {
        return OpenError::Lost(reason.to_string());
    };
    let (hint, permanent) = match *status {
        S::ESME_RINVPASWD => ("; check password or password_file (SMPP 3.4 allows 8 characters)", true),
        S::ESME_RINVSYSID => ("; check system_id with the carrier", true),
        S::ESME_RALYBND => (
            "; another session is bound under this system_id: check binds and bind_mode",
            false,
        ),
        S::ESME_RBINDFAIL => (
            "; check system_type, bind_mode and the number of binds with the carrier",
            false,
        ),
        _ => ("", false),
    };
    OpenError::Refused {
        status: status.0,
        name: status.to_string(),
        hint,
        permanent,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
