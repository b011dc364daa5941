//! The one entry for events: matched, evaluated, rendered, checked, and stored with their key in one commit.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use super::event::Event;
use super::rule::{Draft, Matter, Rule};
use super::{Notifier, Rendered, Templates};
use crate::accept::{Accepted, Body, Client, Code, Fault, Intake, Text, Wish, WithoutRoute, accept_saying};
use crate::config::{EventsConfig, UnknownEvent};
use crate::domain::{Class, Flag, Masked, MessageId, Name, Reason, State, UnixMillis};
use crate::outbox::{EnqueueError, Outbox};
use crate::store::{Birth, Enqueue, EventKind, Group, GroupResult, IdempotencyKey, InboxPlace, Seq, Store};

/// Takes events, whichever way they came in.
pub struct Publisher {
    notifier: ArcSwap<Notifier>,
    settings: EventsConfig,
    intake: Arc<Intake>,
    outbox: Outbox,
    store: Arc<dyn Store>,
}

/// What became of an event.
#[derive(Debug)]
pub enum Published {
    /// Its messages are stored, all of them; the answer to its publisher, a [`Publication`] as JSON.
    Stored(Box<str>),
    /// The same event was published before: this was its answer.
    Replayed(Box<str>),
    /// Another event was published under the same source and id.
    KeyReused,
    /// It cannot be followed; nothing of it is stored.
    Refused(Vec<Fault>),
    /// The row of the event inbox is settled already, or gone; nothing is stored.
    Withdrawn,
    /// Nothing is stored, or nobody knows: to be published again.
    Failed(EnqueueError),
}

/// An event to publish.
#[derive(Clone, Copy)]
pub(super) struct Submitted<'a> {
    /// In whose name.
    pub(super) client: &'a Client,
    /// The event.
    pub(super) event: &'a Event,
    /// The row of the event inbox that its commit settles.
    pub(super) inbox: Option<Seq>,
    /// Whether a place was taken for it, and its messages count against the client's rate.
    pub(super) paced: bool,
}

/// The answer to an event.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Publication<'a> {
    /// The event.
    event: EventName<'a>,
    /// How many rules know events of this type.
    matched: usize,
    /// The messages that it makes; a rule whose condition does not hold makes none.
    messages: Vec<MadeMessage<'a>>,
}

/// An event by its name.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventName<'a> {
    /// Who published it.
    source: &'a str,
    /// Unique with its source.
    id: &'a str,
}

/// A message that an event makes.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeMessage<'a> {
    /// Its id.
    #[schema(value_type = String, example = "msg_01932b5e7c3a70008000000000000001")]
    id: MessageId,
    /// `queued`, `scheduled`, or `failed` where no route leads there.
    state: State,
    /// The rule that asks for it.
    #[schema(value_type = String)]
    rule: &'a Name,
    /// Its recipient, masked.
    #[schema(example = "+39333***4567")]
    to: String,
    /// How many short messages its text makes.
    segments: u8,
}

/// An event that can be stored.
struct Prepared {
    group: Group,
    /// Of each message, to be counted.
    classes: Vec<Class>,
}

impl Publisher {
    /// Puts the parts together.
    pub fn new(notifier: Notifier, intake: Arc<Intake>, outbox: Outbox, store: Arc<dyn Store>) -> Self {
        Self {
            settings: notifier.settings().clone(),
            notifier: ArcSwap::from_pointee(notifier),
            intake,
            outbox,
            store,
        }
    }

    /// The texts, for messages that name a template themselves.
    pub fn templates(&self) -> Arc<Templates> {
        self.notifier.load().templates.clone()
    }

    /// Goes on with other rules and templates; how events are taken stays.
    pub fn renew(&self, notifier: Notifier) {
        self.notifier.store(Arc::new(notifier));
    }

    /// How events are taken.
    pub fn settings(&self) -> &EventsConfig {
        &self.settings
    }

    /// Publishes events for a client: what became of each, in their order, after one synced commit. Every rule that
    /// fits an event applies.
    pub async fn publish(&self, client: &Client, events: Vec<Event>) -> Vec<Published> {
        let submitted = |event| Submitted {
            client,
            event,
            inbox: None,
            paced: true,
        };
        self.publish_all(&events.iter().map(submitted).collect::<Vec<_>>())
            .await
    }

    /// Publishes events of any clients: what became of each, in their order, after one synced commit. What the store
    /// refuses of one costs no other.
    pub(super) async fn publish_all(&self, events: &[Submitted<'_>]) -> Vec<Published> {
        let now = self.intake.clock.now();
        let mut groups = Vec::with_capacity(events.len());
        let mut pending = Vec::with_capacity(events.len());
        for submitted in events {
            match self.prepare(submitted, now).await {
                Ok(prepared) => {
                    if let (true, Some(throttle)) = (submitted.paced, &submitted.client.throttle) {
                        throttle.owe(prepared.classes.len().saturating_sub(1));
                    }
                    pending.push(Ok((prepared.group.key.answer.clone(), prepared.classes)));
                    groups.push(prepared.group);
                }
                Err(unprepared) => pending.push(Err(unprepared)),
            }
        }
        let mut stored = if groups.is_empty() {
            Ok(VecDeque::new())
        } else {
            self.outbox.enqueue_groups(groups).await.map(VecDeque::from)
        };
        let mut published = Vec::with_capacity(events.len());
        for (Submitted { client, event, .. }, pending) in events.iter().zip(pending) {
            published.push(match (pending, &mut stored) {
                (Err(Unprepared::Faulty(faults)), _) => self.refused(client, event, faults).await,
                (Err(Unprepared::Unknown(error)), _) => Published::Failed(error),
                (Ok((answer, classes)), Ok(stored)) => match stored.pop_front() {
                    Some(Ok(GroupResult::Stored(_))) => {
                        classes.into_iter().for_each(|class| client.count_accepted(class));
                        Published::Stored(answer)
                    }
                    Some(Ok(GroupResult::Replayed(answer))) => Published::Replayed(answer),
                    Some(Ok(GroupResult::KeyReused)) => Published::KeyReused,
                    Some(Ok(GroupResult::Withdrawn)) => Published::Withdrawn,
                    Some(Err(error)) => Published::Failed(error),
                    None => Published::Failed(EnqueueError::OutcomeUnknown),
                },
                (Ok(_), Err(error)) => Published::Failed(error.clone()),
            });
        }
        published
    }

    /// What becomes of an event that cannot be followed by now. Where it was published before, it is not refused: its
    /// validity may be over, or a rule may have changed since.
    async fn refused(&self, client: &Client, event: &Event, faults: Vec<Fault>) -> Published {
        match self.store.key(&client.name, &event.key()).await {
            Ok(Some(known)) if known.fingerprint == event.fingerprint() => Published::Replayed(known.answer),
            Ok(Some(_)) => Published::KeyReused,
            Ok(None) | Err(_) => Published::Refused(faults),
        }
    }

    /// An event with its messages, ready to be stored, or everything that is wrong with it.
    async fn prepare(&self, submitted: &Submitted<'_>, now: UnixMillis) -> Result<Prepared, Unprepared> {
        let Submitted {
            client, event, inbox, ..
        } = *submitted;
        let notifier = self.notifier.load_full();
        let making = self.make(&notifier, client, event, now);
        let Making { matched, mut made } = making.map_err(Unprepared::Faulty)?;
        self.fail_uncertified(client, &mut made).await?;
        let publication = Publication {
            event: EventName {
                source: event.source(),
                id: event.id(),
            },
            matched,
            messages: made
                .iter()
                .map(|(rule, made)| MadeMessage::of(&rule.name, &made.accepted))
                .collect(),
        };
        let answer = serde_json::to_string(&publication).unwrap_or_default();
        Ok(Prepared {
            classes: made.iter().map(|(_, made)| made.accepted.message.class).collect(),
            group: Group {
                client: client.name.clone(),
                key: IdempotencyKey {
                    key: event.key(),
                    fingerprint: event.fingerprint(),
                    answer: answer.into(),
                },
                members: made
                    .into_iter()
                    .map(|(rule, made)| made.stored_as(event, rule, now))
                    .collect(),
                inbox: inbox.map(|place| InboxPlace {
                    place,
                    matched: u32::try_from(matched).unwrap_or(u32::MAX),
                }),
            },
        })
    }

    /// What the rules make of an event, or everything that is wrong with it.
    fn make<'n>(
        &self,
        notifier: &'n Notifier,
        client: &Client,
        event: &Event,
        now: UnixMillis,
    ) -> Result<Making<'n>, Vec<Fault>> {
        let Notifier { templates, rules, .. } = notifier;
        let settings = &self.settings;
        let context = event.context();
        let matter = Matter {
            templates,
            event,
            context: &context,
            now,
            most: settings.max_messages as usize,
        };
        let (mut matched, mut faults, mut made) = (0, Vec::new(), Vec::new());
        for rule in rules.iter().filter(|rule| rule.knows(&client.name, event)) {
            matched += 1;
            match self.messages(client, rule, &matter) {
                Ok(accepted) => made.extend(accepted.into_iter().map(|accepted| (rule, accepted))),
                Err(wrong) => faults.extend(wrong),
            }
        }
        if matched == 0 && settings.unknown == UnknownEvent::Refuse {
            let (pointer, detail) = if rules.iter().any(|rule| rule.knows_type(event)) {
                (
                    "/source",
                    "no rule knows events of this type from this source and client",
                )
            } else {
                ("/type", "no rule knows events of this type")
            };
            faults.push(Fault::new(pointer, Code::UnknownEvent, detail));
        }
        if made.len() > matter.most {
            let detail = format!("makes {} messages; at most {} are allowed", made.len(), matter.most);
            faults.push(Fault::new("", Code::ExpressionFailed, detail).limit(matter.most));
        }
        if faults.is_empty() {
            Ok(Making { matched, made })
        } else {
            Err(faults)
        }
    }

    /// What a personal template says goes to certified numbers alone; nobody waits who could do anything about it.
    async fn fail_uncertified(&self, client: &Client, made: &mut [(&Rule, Made)]) -> Result<(), Unprepared> {
        let needs = |(_, made): &&mut (&Rule, Made)| made.for_certified && made.accepted.needs_certified();
        let pairs: Vec<(Name, Box<str>)> = made
            .iter_mut()
            .filter(needs)
            .map(|(_, made)| (client.name.clone(), made.accepted.message.to.digits().into()))
            .collect();
        if pairs.is_empty() {
            return Ok(());
        }
        let are = self.store.are_certified(&pairs).await.map_err(|error| {
            tracing::warn!(event = "store_unavailable", %error);
            Unprepared::Unknown(EnqueueError::Unavailable)
        })?;
        for ((_, made), certified) in made.iter_mut().filter(needs).zip(are) {
            if !certified && made.accepted.ended.is_none() {
                made.accepted.ended = Some(Reason::NotCertified);
                made.accepted.state = State::Failed;
            }
        }
        Ok(())
    }

    /// What one rule makes of an event.
    fn messages(&self, client: &Client, rule: &Rule, matter: &Matter<'_>) -> Result<Vec<Made>, Vec<Fault>> {
        let mut made = Vec::new();
        let mut faults = Vec::new();
        for draft in rule.drafts(matter)? {
            match self.message(client, matter, &draft) {
                Ok(one) => made.push(one),
                Err(wrong) => faults.extend(wrong.into_iter().map(|fault| in_event(fault, rule, draft.recipient))),
            }
        }
        if faults.is_empty() { Ok(made) } else { Err(faults) }
    }

    fn message(&self, client: &Client, matter: &Matter<'_>, draft: &Draft) -> Result<Made, Vec<Fault>> {
        let rendered = matter
            .templates
            .render(&draft.template, draft.locale.as_ref(), &draft.context);
        let said = rendered.as_ref().map(Rendered::body).map_err(Clone::clone);
        let accepted = accept_saying(&self.intake, client, &draft.wish(), said, WithoutRoute::Failed)?;
        Ok(Made {
            accepted,
            personal: draft.personal || rendered.as_ref().is_ok_and(|rendered| rendered.personal),
            for_certified: rendered.is_ok_and(|rendered| rendered.personal),
        })
    }
}

/// Why an event is not stored.
enum Unprepared {
    /// All that is wrong with it.
    Faulty(Vec<Fault>),
    /// The store does not say what must be known.
    Unknown(EnqueueError),
}

/// What the rules make of an event.
struct Making<'r> {
    /// How many of them know it.
    matched: usize,
    /// Its messages, each with its rule.
    made: Vec<(&'r Rule, Made)>,
}

/// A message made by a rule.
struct Made {
    accepted: Accepted,
    /// For the recipient's eyes alone.
    personal: bool,
    /// For certified numbers alone.
    for_certified: bool,
}

impl Made {
    fn stored_as(self, event: &Event, rule: &Rule, now: UnixMillis) -> Enqueue {
        let mut flags = self.accepted.flags;
        if self.personal {
            flags = flags.with(Flag::Personal);
        }
        if self.for_certified && self.accepted.needs_certified() {
            flags = flags.with(Flag::ForCertified);
        }
        let note = format!("by event {} of {}, rule {}", event.id(), event.source(), rule.name);
        let birth = Birth {
            event: Some(crate::store::Event {
                at: now,
                kind: EventKind::ByEvent,
                attempt: 0,
                bind: None,
                code: None,
                note: Some(note.into()),
            }),
            failed: self.accepted.ended,
            flags,
            verification: None,
        };
        Enqueue {
            birth: Some(Box::new(birth)),
            ..Enqueue::new(self.accepted.message)
        }
    }
}

impl Rendered {
    /// As what a message says.
    pub(crate) fn body(&self) -> Body<'_> {
        Body {
            text: &self.text,
            rich: self.rich.as_ref(),
            max_segments: self.max_segments,
            pointer: "/template",
        }
    }
}

impl Draft {
    fn wish(&self) -> Wish<'_> {
        let text = |text: &'_ str| Text(text.to_owned().into());
        let channels = self.channels.as_ref();
        Wish {
            to: Some(text(&self.to)),
            from: self.from.as_deref().map(text),
            class: self.class.as_deref().map(text),
            channels: channels.map(|channels| channels.iter().map(|channel| text(channel)).collect()),
            not_before: self.not_before.as_deref().map(text),
            expires_at: self.expires_at.as_deref().map(text),
            reference: Some(text(&self.reference)),
            ..Wish::default()
        }
    }
}

impl<'a> MadeMessage<'a> {
    fn of(rule: &'a Name, accepted: &Accepted) -> Self {
        let message = &accepted.message;
        Self {
            id: message.id,
            state: accepted.state,
            rule,
            to: Masked(&format!("+{}", message.to.digits())).to_string(),
            segments: message.segments,
        }
    }
}

/// A fault of a message as the event's publisher meets it: the fields of the message are keys of the rule, and what the
/// rule was given is in the data.
fn in_event(fault: Fault, rule: &Rule, recipient: Option<usize>) -> Fault {
    let key = match fault
        .pointer
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default()
    {
        "expires_at" => "validity".to_owned(),
        key => key.to_owned(),
    };
    let whose = recipient.map_or_else(String::new, |number| format!("recipient {number}: "));
    let detail = format!("rule {}: {whose}{key} {}", rule.name, fault.detail);
    Fault {
        pointer: "/data".into(),
        detail,
        ..fault.in_rule(rule.name.as_str(), &key)
    }
}
