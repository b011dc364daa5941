//! A message as it is shown, with its timeline.

use araldo_sms::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{BindRef, Class, Flag, Masked, MessageId, Name, Reason, Rich, State, UnixMillis};
use crate::store::{Event, EventKind, MessageRecord, Notice, NoticeKind, Progress, SegmentState};

/// How much is shown, to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// To its owner: all.
    Owner,
    /// To an operator: numbers masked, without its text.
    Masked,
    /// To an operator who asked for it: all, and whose it is.
    Revealed,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Its id.
    #[schema(value_type = String)]
    id: MessageId,
    /// Its owner; shown to operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    client: Option<Name>,
    /// Where it is in its life.
    state: State,
    /// Why it ended otherwise than delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// The carrier's own code: a command_status, or the error of a receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    class: Class,
    /// The recipient in E.164.
    to: String,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    /// What RCS shows, where that is not the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    rich: Option<Rich>,
    /// `gsm7`, `latin1` or `ucs2`.
    encoding: &'static str,
    /// The language whose table stands for the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    locking_shift: Option<&'static str>,
    /// The language whose table stands for the extension of the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    single_shift: Option<&'static str>,
    /// Whether the handset shows it at once and does not keep it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    flash: bool,
    /// How many short messages it makes.
    segments: u8,
    #[schema(value_type = String)]
    route: Name,
    /// The step of the route, from 0.
    step: u8,
    /// The carrier that has or had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    carrier: Option<Name>,
    /// The carrier's id, of a message of one segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_message_id: Option<Box<str>>,
    /// The owner's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Box<str>>,
    /// Whether a receipt was asked for.
    receipt: bool,
    /// How often it was handed to a carrier.
    attempts: u32,
    /// Copies sent beyond the first.
    copies: u8,
    /// Facts beside the state: possible_duplicate, delivered_twice, delivered_by_rcs, read, no_carrier_id, …
    notes: Vec<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    accepted_at: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<UnixMillis>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    submitted_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    final_at: Option<UnixMillis>,
    /// When it came to its end as the carrier's receipt says, by the carrier's clock; to the minute with most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<UnixMillis>,
    /// The segments of a long message as far as answered; not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    segment_states: Vec<SegmentView>,
    /// What happened, oldest first; not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<TimelineEntry>,
}

/// A segment of a long message.
#[derive(Serialize, ToSchema)]
#[schema(as = Segment)]
pub(crate) struct SegmentView {
    /// From 1.
    number: u8,
    #[schema(value_type = String)]
    carrier: Name,
    /// submitted, refused, delivered or undelivered.
    #[schema(value_type = String)]
    state: SegmentState,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_message_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
}

/// Something that happened to a message.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    /// by_event, accepted, claimed, submitted, a final state, or what happened beside the plain way: retried, next_step,
    /// doubted, resent, doubt_settled, revoking, read, tapped, refused, …; and its webhooks: webhook_pending, webhook_sent, webhook_dead.
    event: &'static str,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    carrier: Option<Name>,
    /// The carrier's bind, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    bind: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_message_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    /// When it happened as the carrier's receipt says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Box<str>>,
    /// What its owner was told, e.g. `message.delivered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    told: Option<NoticeKind>,
    /// What came of the last try to tell: a status, or a word such as `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Box<str>>,
    /// When it is told, or tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<UnixMillis>,
}

impl MessageView {
    /// A message of a list.
    pub(crate) fn brief(record: MessageRecord, shown: Shown) -> Self {
        let row = record.row;
        let progress = row.progress;
        let number = |text: &str| match shown {
            Shown::Owner | Shown::Revealed => text.to_owned(),
            Shown::Masked => Masked(text).to_string(),
        };
        Self {
            id: row.id,
            client: (shown != Shown::Owner).then_some(row.client),
            state: progress.state,
            reason: progress.reason,
            code: progress.code,
            class: row.class,
            to: number(&format!("+{}", row.to)),
            from: number(&row.from),
            rich: record
                .rich
                .filter(|_| shows_text(shown, &progress))
                .and_then(|json| Rich::from_json(&json).ok()),
            text: shows_text(shown, &progress).then_some(record.text),
            encoding: record.encoding.as_str(),
            locking_shift: record.shape.tables.locking.map(Language::as_str),
            single_shift: record.shape.tables.single.map(Language::as_str),
            flash: record.shape.flash,
            segments: row.segments,
            route: row.route,
            step: progress.step,
            carrier: progress.bind.map(|bind| bind.carrier),
            carrier_message_id: progress.carrier_message_id,
            reference: record.reference,
            receipt: row.receipt,
            attempts: progress.attempt,
            copies: progress.copies,
            notes: progress.flags.words(),
            accepted_at: row.accepted_at,
            not_before: record.not_before,
            expires_at: progress.expires_at,
            submitted_at: progress.submitted_at,
            final_at: progress.final_at,
            done_at: progress.done_at,
            segment_states: Vec::new(),
            timeline: Vec::new(),
        }
    }

    /// A message with its segments and timeline.
    pub(crate) fn whole(mut record: MessageRecord, shown: Shown) -> Self {
        let timeline = timeline(&record);
        let segments = std::mem::take(&mut record.segments);
        let segment_states = segments.into_iter().map(|segment| SegmentView {
            number: segment.number,
            carrier: segment.carrier,
            state: segment.state,
            carrier_message_id: segment.carrier_message_id,
            code: segment.code,
            at: segment.at,
        });
        Self {
            segment_states: segment_states.collect(),
            timeline,
            ..Self::brief(record, shown)
        }
    }
}

/// The plain way out of the row's times, and the events beside it, in the order of time. What happened in the same
/// millisecond stands in the order of a message's life.
fn timeline(record: &MessageRecord) -> Vec<TimelineEntry> {
    let (row, progress) = (&record.row, &record.row.progress);
    // What made the message comes before all else.
    let (births, events): (Vec<_>, Vec<_>) = record.events.iter().partition(|event| event.kind == EventKind::ByEvent);
    let entry = |event: &Event| {
        // Of what RCS took the note is the id that it has there.
        let is_id = event.kind == EventKind::Submitted;
        TimelineEntry {
            code: event.code,
            note: event.note.clone().filter(|_| !is_id),
            carrier_message_id: event.note.clone().filter(|_| is_id),
            ..TimelineEntry::new(event.at, event.kind.as_str()).of(event.attempt, event.bind.as_ref())
        }
    };
    let is_told = |event: &&Event| event.kind == EventKind::Submitted && event.attempt == progress.attempt;
    let is_told = events.iter().any(is_told);
    let mut entries: Vec<_> = births.into_iter().map(entry).collect();
    entries.push(TimelineEntry::new(row.accepted_at, "accepted"));
    if let Some(at) = progress.claimed_at {
        entries.push(TimelineEntry::new(at, "claimed").of(progress.attempt, progress.bind.as_ref()));
    }
    entries.extend(events.into_iter().map(entry));
    if let Some(at) = progress.submitted_at.filter(|_| !is_told) {
        entries.push(TimelineEntry {
            carrier_message_id: progress.carrier_message_id.clone(),
            ..TimelineEntry::new(at, "submitted").of(progress.attempt, progress.bind.as_ref())
        });
    }
    if let Some(at) = progress.final_at.filter(|_| progress.state != State::Submitted) {
        entries.push(TimelineEntry {
            reason: progress.reason,
            code: progress.code,
            done_at: progress.done_at,
            ..TimelineEntry::new(at, progress.state.as_str())
        });
    }
    entries.extend(record.webhooks.iter().map(TimelineEntry::webhook));
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// What is marked personal is for its recipient and its owner alone.
fn shows_text(shown: Shown, progress: &Progress) -> bool {
    match shown {
        Shown::Owner => true,
        Shown::Masked => false,
        Shown::Revealed => !progress.flags.has(Flag::Personal),
    }
}

impl TimelineEntry {
    fn new(at: UnixMillis, event: &'static str) -> Self {
        Self {
            at,
            event,
            attempt: None,
            carrier: None,
            bind: None,
            carrier_message_id: None,
            reason: None,
            code: None,
            done_at: None,
            note: None,
            told: None,
            outcome: None,
            due_at: None,
        }
    }

    /// A webhook, at its last try. Waiting, sent, or given up; `attempt` is how often it was tried.
    fn webhook(notice: &Notice) -> Self {
        let delivery = &notice.delivery;
        let event = match (delivery.due_at, delivery.dead_at) {
            (Some(_), _) => "webhook_pending",
            (None, Some(_)) => "webhook_dead",
            (None, None) => "webhook_sent",
        };
        Self {
            told: Some(notice.kind),
            outcome: delivery.outcome.clone(),
            due_at: delivery.due_at,
            ..Self::new(delivery.tried_at.unwrap_or(notice.at), event).of(delivery.attempts.into(), None)
        }
    }

    fn of(self, attempt: u32, bind: Option<&BindRef>) -> Self {
        Self {
            attempt: (attempt > 0).then_some(attempt),
            carrier: bind.map(|bind| bind.carrier.clone()),
            bind: bind.map(|bind| bind.bind),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Encoding, Flags, Shape};
    use crate::store::Row;

    fn delivered() -> MessageRecord {
        let bind = BindRef {
            carrier: Name::parse("tim").unwrap(),
            bind: 1,
        };
        let progress = Progress {
            state: State::Delivered,
            attempt: 2,
            flags: Flags(1),
            bind: Some(bind.clone()),
            claimed_at: Some(UnixMillis(30)),
            submitted_at: Some(UnixMillis(40)),
            final_at: Some(UnixMillis(50)),
            done_at: Some(UnixMillis(45)),
            carrier_message_id: Some("AB12".into()),
            ..Progress::waiting(0, None, UnixMillis(1_000))
        };
        let row = Row {
            seq: 7,
            id: MessageId(uuid::Uuid::nil()),
            client: Name::parse("bank").unwrap(),
            class: Class::Otp,
            to: "393331234567".into(),
            from: "Bank".into(),
            route: Name::parse("italy").unwrap(),
            segments: 1,
            receipt: true,
            callback: None,
            accepted_at: UnixMillis(10),
            progress,
        };
        let event = Event {
            at: UnixMillis(20),
            kind: EventKind::Retried,
            attempt: 1,
            bind: Some(bind),
            code: Some(8),
            note: None,
        };
        MessageRecord {
            row,
            text: "secret".into(),
            encoding: Encoding::Gsm7,
            shape: Shape::default(),
            rich: None,
            reference: None,
            not_before: None,
            events: vec![event],
            segments: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    #[test]
    fn the_timeline_joins_the_row_s_times_and_the_events() {
        let view = MessageView::whole(delivered(), Shown::Owner);
        let events: Vec<_> = view.timeline.iter().map(|entry| (entry.at.0, entry.event)).collect();
        assert_eq!(
            events,
            [
                (10, "accepted"),
                (20, "retried"),
                (30, "claimed"),
                (40, "submitted"),
                (50, "delivered")
            ]
        );
        assert_eq!(
            (view.done_at, view.timeline[4].done_at),
            (Some(UnixMillis(45)), Some(UnixMillis(45)))
        );
        assert_eq!(view.timeline[3].carrier_message_id.as_deref(), Some("AB12"));
        assert_eq!((view.timeline[1].attempt, view.timeline[1].code), (Some(1), Some(8)));
    }

    #[test]
    fn an_operator_sees_no_number_and_no_text_unless_asked_for() {
        let shown = serde_json::to_string(&MessageView::whole(delivered(), Shown::Masked)).unwrap();
        assert!(!shown.contains("393331234567") && !shown.contains("secret") && shown.contains("\"client\":\"bank\""));
        let shown = serde_json::to_string(&MessageView::whole(delivered(), Shown::Revealed)).unwrap();
        assert!(shown.contains("+393331234567") && shown.contains("secret"));
    }
}
