//! What RCS platforms have told, made use of after it is stored: what became of messages, what users say, what they want.
//!
//! An event is marked once all is made of it. After a crash it comes again, and the second time changes nothing.

mod confirmed;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::webhook::{
    Payload, ServerEvent, ServerEventType, SuggestionType, UserContent, UserEvent, UserEventType, UserMessage,
    UserMessageId,
};
use araldo_rcs::{AgentId, Msisdn};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use metrics::counter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::consent::ConsentStep;
use super::inbound::new_inbound;
use crate::carrier::InboundText;
use crate::carrier::rcs::RcsCarrier;
use crate::consent::Heard;
use crate::domain::{BindRef, MessageId, Name, UnixMillis};
use crate::inbound::Tap;
use crate::outbox::Outbox;
use crate::store::{
    Enqueue, IdempotencyKey, NewConsent, RcsEvent, RcsMark, RcsReport, RcsSaid, Seq, Store, StoreError,
};
pub use confirmed::Confirmed;
use confirmed::Said;

/// Events read at a time.
const PAGE: u32 = 500;
/// How long to wait when the store takes nothing, and between looks when nobody rings.
const AGAIN: Duration = Duration::from_secs(1);

/// What a platform tells of one of our messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    /// The carrier.
    pub carrier: Name,
    /// The message.
    pub message: MessageId,
    /// Its recipient.
    pub to: Msisdn,
    /// What.
    pub told: Told,
    /// By the platform's clock, or when it came.
    pub at: UnixMillis,
}

/// What became of a message. DELIVERED outranks all; nothing comes in order, and everything may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is on the handset.
    Delivered,
    /// It was opened, and so delivered.
    Read,
    /// Its time was up and it was withdrawn.
    Withdrawn,
    /// Its time was up, and nobody knows whether it was withdrawn.
    Inconclusive,
    /// The suggestion in this place was tapped, from 0.
    Tapped {
        /// The place.
        place: usize,
    },
}

/// Who makes something of what is told of messages.
pub trait MessageEvents: Send + Sync + 'static {
    /// Takes events in, in one commit where that can be. The same ones may come again.
    fn take<'a>(&'a self, events: &'a [MessageEvent]) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Tells the outbox, which owns what follows.
pub struct Reports(pub Outbox);

impl MessageEvents for Reports {
    fn take<'a>(&'a self, events: &'a [MessageEvent]) -> BoxFuture<'a, Result<(), StoreError>> {
        let reports = events.iter().flat_map(reports).collect();
        Box::pin(async move { self.0.rcs_reports(reports).await.map(drop) })
    }
}

/// What is read was delivered before, whichever is told first: each has its own entry on the timeline.
fn reports(event: &MessageEvent) -> impl Iterator<Item = RcsReport> {
    let (said, then) = match event.told {
        Told::Delivered => (RcsSaid::Delivered, None),
        Told::Read => (RcsSaid::Delivered, Some(RcsSaid::Read)),
        Told::Withdrawn => (RcsSaid::Revoked, None),
        Told::Inconclusive => (RcsSaid::NotRevoked, None),
        Told::Tapped { place } => (RcsSaid::Tapped { place }, None),
    };
    std::iter::once(said).chain(then).map(|said| RcsReport {
        message: event.message,
        to: digits(&event.to).into(),
        carrier: event.carrier.clone(),
        said,
        at: event.at,
    })
}

/// As the store has numbers.
fn digits(number: &Msisdn) -> &str {
    number.as_str().trim_start_matches('+')
}

/// An agent whose events are made use of.
pub struct Agent {
    /// The carrier: a text by RCS proves that the handset has it.
    pub carrier: Arc<RcsCarrier>,
    /// Our number that stands for the agent: what users say comes to it, as by SMS. `None`: of what they say only STOP and
    /// its like are heard.
    pub address: Option<Box<str>>,
}

/// The worker.
pub struct RcsEvents {
    /// Where events are kept.
    pub store: Arc<dyn Store>,
    /// Where they are marked, and texts stored.
    pub outbox: Outbox,
    /// The agents, by carrier.
    pub agents: BTreeMap<Name, Agent>,
    /// Hears STOP.
    pub consent: Arc<ConsentStep>,
    /// Which consent words were confirmed of late.
    pub confirmed: Confirmed,
    /// Hears of messages.
    pub listener: Arc<dyn MessageEvents>,
    /// Rung for every event that is kept.
    pub came: Arc<Notify>,
}

/// What a page of events asks for.
#[derive(Default)]
struct Wanted {
    messages: Vec<MessageEvent>,
    texts: Vec<(Name, InboundText, UnixMillis)>,
    consents: Vec<NewConsent>,
    /// Confirmations of what was said by a menu.
    answers: Vec<Enqueue>,
    marks: Vec<RcsMark>,
    /// What was tapped, by the place of the event.
    taps: HashMap<Seq, Tap>,
}

impl RcsEvents {
    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.drain(&stop).await {
                tracing::warn!(event = "rcs_events_wait", %error, "they stay in the store and are tried again");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => continue,
                    () = stop.cancelled() => return,
                }
            }
            tokio::select! {
                () = self.came.notified() => {}
                () = tokio::time::sleep(AGAIN) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Makes use of all that is kept. A page is marked together with the reports of the next, so that one commit serves
    /// both.
    async fn drain(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut after: Seq = 0;
        let mut used = Vec::new();
        while !stop.is_cancelled() {
            let events = self.store.new_rcs_events(after, PAGE).await?;
            let Some(last) = events.last() else { break };
            after = last.place;
            let (made, marked) = tokio::join!(self.make_use(&events), self.mark(used));
            marked?;
            used = made?;
        }
        self.mark(used).await
    }

    async fn mark(&self, used: Vec<RcsMark>) -> Result<(), StoreError> {
        if used.is_empty() {
            return Ok(());
        }
        self.outbox.mark_rcs_events(used).await
    }

    /// Makes use of these; the marks are given back, for when all is committed.
    async fn make_use(&self, events: &[RcsEvent]) -> Result<Vec<RcsMark>, StoreError> {
        let mut wanted = Wanted {
            taps: self.taps(events).await?,
            ..Wanted::default()
        };
        for event in events {
            let error = self.read(event, &mut wanted).err();
            if let Some(error) = &error {
                tracing::warn!(event = "rcs_event_refused", carrier = %event.carrier, place = event.place, error);
            }
            wanted.marks.push(RcsMark {
                place: event.place,
                error: error.map(Into::into),
            });
        }
        if !wanted.messages.is_empty() {
            self.listener.take(&wanted.messages).await?;
        }
        if !wanted.consents.is_empty() {
            self.outbox.consents(wanted.consents).await?;
        }
        self.confirm(wanted.answers).await;
        let texts = wanted.texts.into_iter().map(|(carrier, text, at)| {
            let bind = BindRef { carrier, bind: 0 };
            let mut text = new_inbound(text, &bind, at, Vec::new(), &self.consent);
            let word = text.handled.filter(|_| !text.answers.is_empty());
            if word.is_some_and(|word| !self.confirmed.is_first(&text.from, &text.to, word, Said::InWords, at)) {
                text.answers.clear();
            }
            self.outbox.inbound(text)
        });
        for stored in join_all(texts).await {
            stored?;
        }
        Ok(wanted.marks)
    }

    /// Confirms what was said by a menu. It counts whether it is confirmed or not.
    async fn confirm(&self, answers: Vec<Enqueue>) {
        if answers.is_empty() {
            return;
        }
        let stored = match self.outbox.enqueue(answers).await {
            Ok(results) => results.into_iter().collect::<Result<Vec<_>, _>>().map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(event = "consent_not_answered", %error);
        }
    }

    /// What stands behind the taps among these events.
    async fn taps(&self, events: &[RcsEvent]) -> Result<HashMap<Seq, Tap>, StoreError> {
        let mut taps = HashMap::new();
        for event in events.iter().filter(|event| event.payload.contains("postbackData")) {
            let Ok(Payload::UserMessage(message)) = Payload::from_json(event.payload.as_bytes()) else {
                continue;
            };
            if let UserContent::SuggestionResponse(tap) = &message.content {
                let from = digits(&message.sender_phone_number);
                let found = Tap::read(&*self.store, &tap.postback_data, from, event.at).await?;
                taps.extend(found.map(|found| (event.place, found)));
            }
        }
        Ok(taps)
    }

    /// Adds what an event asks for; the error says why nothing can be made of it.
    fn read(&self, event: &RcsEvent, wanted: &mut Wanted) -> Result<(), String> {
        let agent = self
            .agents
            .get(&event.carrier)
            .ok_or("its carrier is not configured any more")?;
        let payload = Payload::from_json(event.payload.as_bytes()).map_err(|error| error.to_string())?;
        let is_ours = |id: &AgentId| {
            let ours = id == agent.carrier.agent();
            ours.then_some(())
                .ok_or_else(|| format!("it is of another agent, {id}"))
        };
        let kind = match &payload {
            Payload::UserMessage(message) => {
                is_ours(&message.agent_id)?;
                agent.carrier.heard_from(&message.sender_phone_number);
                let tap = wanted.taps.remove(&event.place);
                let new = tap.as_ref().filter(|tap| !tap.is_noted);
                wanted.messages.extend(new.map(|tap| MessageEvent {
                    carrier: event.carrier.clone(),
                    message: tap.message,
                    to: message.sender_phone_number.clone(),
                    told: Told::Tapped { place: tap.place },
                    at: event.at,
                }));
                match &agent.address {
                    Some(address) => wanted.texts.extend(text(event, address, message, tap)),
                    None => self.unheard(event, agent, message, tap, wanted),
                }
                "message"
            }
            Payload::UserEvent(told) => {
                is_ours(&told.agent_id)?;
                self.user_event(event, agent, told, wanted)?;
                word(&told.event)
            }
            Payload::ServerEvent(told) => {
                is_ours(&told.agent_id)?;
                wanted.messages.extend(server_event(event, told)?);
                match &told.event {
                    ServerEventType::Other(_) => "unknown",
                    known => known.as_str(),
                }
            }
            Payload::LaunchEvent(told) => {
                let state = told.new_launch_state.as_str();
                tracing::warn!(event = "rcs_launch", carrier = %event.carrier, state, region = told.region_id);
                "launch"
            }
            Payload::Unknown => "unknown",
        };
        let kind = kind.to_ascii_lowercase();
        counter!("araldo_rcs_events_total", "carrier" => event.carrier.to_string(), "kind" => kind).increment(1);
        Ok(())
    }

    /// What a user says where no number stands for the agent: of that only a wish of consent is heard.
    fn unheard(&self, event: &RcsEvent, agent: &Agent, message: &UserMessage, tap: Option<Tap>, wanted: &mut Wanted) {
        let (UserMessageId::Message(id) | UserMessageId::Event(id)) = &message.id;
        let Some(said) = said(message, tap) else { return };
        let consent = Consent {
            word: &said,
            said: Said::InWords,
            from: digits(&message.sender_phone_number),
            id,
        };
        if !self.hear(&consent, event, agent, wanted) {
            tracing::warn!(event = "rcs_text_unheard", carrier = %event.carrier, "carrier.ID.address is not set");
        }
    }

    fn user_event(&self, event: &RcsEvent, agent: &Agent, told: &UserEvent, wanted: &mut Wanted) -> Result<(), String> {
        let number = &told.sender_phone_number;
        let of_message = |id: &str, what| {
            Ok::<_, String>(MessageEvent {
                carrier: event.carrier.clone(),
                message: message_id(id)?,
                to: number.clone(),
                told: what,
                at: told.send_time.map_or(event.at, UnixMillis::from),
            })
        };
        match &told.event {
            UserEventType::Delivered { message_id } => wanted.messages.push(of_message(message_id, Told::Delivered)?),
            UserEventType::Read { message_id } => wanted.messages.push(of_message(message_id, Told::Read)?),
            UserEventType::Unsubscribe => self.said_by_menu("STOP", event, agent, told, wanted),
            UserEventType::Subscribe => self.said_by_menu("START", event, agent, told, wanted),
            UserEventType::IsTyping | UserEventType::Other { .. } => {}
        }
        Ok(())
    }

    /// What a menu of the handset says of consent, as if its keyword had been written. Most handsets write it too: the two
    /// are confirmed once.
    fn said_by_menu(&self, word: &str, event: &RcsEvent, agent: &Agent, told: &UserEvent, wanted: &mut Wanted) {
        let consent = Consent {
            word,
            said: Said::ByMenu,
            from: digits(&told.sender_phone_number),
            id: &told.event_id,
        };
        self.hear(&consent, event, agent, wanted);
    }

    /// Obeys a wish of consent; whether it is one. Where no number stands for the agent it is of every brand, and confirmed
    /// where one brand alone has a sender to do so.
    fn hear(&self, consent: &Consent<'_>, event: &RcsEvent, agent: &Agent, wanted: &mut Wanted) -> bool {
        let common = self.consent.common_sender();
        let nowhere = agent.carrier.agent().as_str();
        let address = agent.address.as_deref().or(common.as_deref()).unwrap_or(nowhere);
        let (from, at) = (consent.from, event.at);
        let heard = Heard {
            text: consent.word,
            from,
            to: address,
            at,
            pending: false,
        };
        let Some(reaction) = self.consent.hear(&heard) else {
            return false;
        };
        let mut obeyed = self
            .consent
            .obey(reaction, from, address, at, self.consent.has_room(from, address, at));
        wanted.consents.append(&mut obeyed.consents);
        let is_first = || self.confirmed.is_first(from, address, obeyed.word, consent.said, at);
        if let Some(answer) = obeyed.answer.filter(|_| is_first()) {
            // After a crash the event comes again, and its confirmation is there.
            let key = IdempotencyKey {
                key: format!("rcs/{}/{}", event.carrier, consent.id).into(),
                fingerprint: [0; 32],
                answer: Box::default(),
            };
            self.consent.note_answers(from, address, 1, at);
            wanted.answers.push(Enqueue {
                key: Some(key),
                ..answer
            });
        }
        true
    }
}

/// A wish of consent, if its word is one.
struct Consent<'a> {
    word: &'a str,
    said: Said,
    /// Who says it: digits.
    from: &'a str,
    /// The platform's id of what says it.
    id: &'a str,
}

/// What a user says, as a text to the number that stands for the agent.
fn text(
    event: &RcsEvent,
    address: &str,
    message: &UserMessage,
    tap: Option<Tap>,
) -> Option<(Name, InboundText, UnixMillis)> {
    let said = said(message, tap)?;
    let (UserMessageId::Message(id) | UserMessageId::Event(id)) = &message.id;
    let text = InboundText {
        source: digits(&message.sender_phone_number).into(),
        destination: address.into(),
        data_coding: 0,
        esm_class: 0,
        octets: Bytes::from(said.clone()),
        text: Some(said.into()),
        lossy: false,
        segment: None,
        carrier_message_id: Some(id.as_str().into()),
        note: None,
    };
    Some((event.carrier.clone(), text, event.at))
}

/// What a message of a user's says. A tap on an action says nothing: the handset does it.
fn said(message: &UserMessage, tap: Option<Tap>) -> Option<String> {
    Some(match (&message.content, tap) {
        // What the suggestion says is known by its message; a handset's word for it is not needed.
        (UserContent::SuggestionResponse(_), Some(tap)) => tap.says?.into(),
        (UserContent::Text(text), _) => text.clone(),
        (UserContent::SuggestionResponse(tap), None) if tap.suggestion_type == Some(SuggestionType::Action) => {
            return None;
        }
        (UserContent::SuggestionResponse(tap), None) => tap.text.clone()?,
        // RFC 5870.
        (UserContent::Location(at), _) => format!("geo:{},{}", at.latitude, at.longitude),
        (UserContent::UserFile(file), _) => file.payload.file_uri.clone(),
    })
}

/// Our messages have ids of the form that platforms want.
fn message_id(id: &str) -> Result<MessageId, String> {
    id.parse::<Uuid>()
        .map(MessageId)
        .map_err(|_| "its message id is none of ours".to_owned())
}

fn server_event(event: &RcsEvent, told: &ServerEvent) -> Result<Option<MessageEvent>, String> {
    let what = match told.event {
        ServerEventType::TtlExpirationRevoked => Told::Withdrawn,
        ServerEventType::TtlExpirationRevokeFailed => Told::Inconclusive,
        _ => return Ok(None),
    };
    Ok(Some(MessageEvent {
        carrier: event.carrier.clone(),
        message: message_id(&told.message_id)?,
        to: told.phone_number.clone(),
        told: what,
        at: told.send_time.map_or(event.at, UnixMillis::from),
    }))
}

/// A name of the metrics: what this version does not know is one.
fn word(event: &UserEventType) -> &'static str {
    match event {
        UserEventType::Delivered { .. } => "delivered",
        UserEventType::Read { .. } => "read",
        UserEventType::IsTyping => "is_typing",
        UserEventType::Subscribe => "subscribe",
        UserEventType::Unsubscribe => "unsubscribe",
        UserEventType::Other { .. } => "unknown",
    }
}

#[cfg(test)]
mod tests;
