//! What owners are told of their messages: one notice a fact, kept from the commit of the change that it tells of.
//!
//! A notice with an endpoint is pending until a webhook has brought it there, or has given it up; one without is read
//! from the stream alone. Of a message's pending notices only the earliest is due.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{CaseRecord, Changed, ConsentRecord, NewConsent, Seq};
use crate::domain::{
    Class, Concat, Endpoint, Flag, Flags, InboundId, MessageId, Name, Reason, State, UnixMillis, UnknownWord,
};

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// A message has come to this state.
    Message(State),
    /// The user has seen a message.
    MessageRead,
    /// A text has come from a handset.
    InboundReceived,
    /// A person wants to be sent something, or no more.
    ConsentChanged,
    /// A case was opened.
    CaseOpened,
    /// A person has taken a case.
    CaseTaken,
    /// A case is closed.
    CaseSolved,
    /// Nobody has answered a case in time.
    CaseOverdue,
}

impl NoticeKind {
    const ALL: [(Self, &'static str); 17] = [
        (Self::Message(State::Submitted), "message.submitted"),
        (Self::Message(State::Delivered), "message.delivered"),
        (Self::Message(State::Undelivered), "message.undelivered"),
        (Self::Message(State::Failed), "message.failed"),
        (Self::Message(State::Expired), "message.expired"),
        (Self::Message(State::Suppressed), "message.suppressed"),
        (Self::Message(State::Canceled), "message.canceled"),
        (Self::Message(State::Uncertain), "message.uncertain"),
        (Self::Message(State::Unconfirmed), "message.unconfirmed"),
        (Self::Message(State::Quarantined), "message.quarantined"),
        (Self::MessageRead, "message.read"),
        (Self::InboundReceived, "inbound.received"),
        (Self::ConsentChanged, "consent.changed"),
        (Self::CaseOpened, "case.opened"),
        (Self::CaseTaken, "case.taken"),
        (Self::CaseSolved, "case.solved"),
        (Self::CaseOverdue, "case.overdue"),
    ];

    /// The word of every kind.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, word)| *word)
    }

    /// What is told of a message that has come to this state; `None` where nobody outside is told.
    pub const fn of_state(state: State) -> Option<Self> {
        match state {
            State::Scheduled | State::Queued | State::Claimed => None,
            State::Submitted
            | State::Uncertain
            | State::Delivered
            | State::Undelivered
            | State::Failed
            | State::Expired
            | State::Canceled
            | State::Suppressed
            | State::Unconfirmed
            | State::Quarantined => Some(Self::Message(state)),
        }
    }

    /// The state that a message has come to; what was read is delivered.
    pub const fn state(self) -> Option<State> {
        match self {
            Self::Message(state) => Some(state),
            Self::MessageRead => Some(State::Delivered),
            Self::InboundReceived
            | Self::ConsentChanged
            | Self::CaseOpened
            | Self::CaseTaken
            | Self::CaseSolved
            | Self::CaseOverdue => None,
        }
    }

    /// The word of the store, of webhooks and of the configuration.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or("message.changed", |(_, word)| word)
    }
}

impl FromStr for NoticeKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found
            .map(|(kind, _)| *kind)
            .ok_or_else(|| UnknownWord::new("event", word))
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for NoticeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A notice that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its place: grows by age, never given twice.
    pub seq: Seq,
    /// What it tells.
    pub kind: NoticeKind,
    /// When that happened.
    pub at: UnixMillis,
    /// Why, as it stood then.
    pub reason: Option<Reason>,
    /// The carrier's own code, as it stood then.
    pub code: Option<u32>,
    /// Notes, as they stood then.
    pub flags: Flags,
    /// The carrier that had the message then.
    pub carrier: Option<Name>,
    /// Who hears of it by webhook; `None` is nobody.
    pub endpoint: Option<Endpoint>,
    /// How far that is.
    pub delivery: Delivery,
}

/// How far a notice's webhook is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// When it is to be sent, while it is pending.
    pub due_at: Option<UnixMillis>,
    /// Tries so far that count.
    pub attempts: u16,
    /// Which others it is sent together with, since they were so before: the place of the first of them.
    pub bundle: Option<Seq>,
    /// When it was last tried.
    pub tried_at: Option<UnixMillis>,
    /// What came of that: a status, or a word such as `timeout`.
    pub outcome: Option<Box<str>>,
    /// When it was given up.
    pub dead_at: Option<UnixMillis>,
}

/// A notice with what it is about, as that stands now.
#[derive(Clone, Debug)]
pub struct NoticeRecord {
    /// The notice.
    pub notice: Notice,
    /// What it is about.
    pub about: About,
}

/// What a notice is about.
#[derive(Clone, Debug)]
pub enum About {
    /// A message.
    Message(Box<AboutMessage>),
    /// An inbound text.
    Inbound(Box<AboutInbound>),
    /// What a person has said of whose messages.
    Consent(Box<AboutConsent>),
    /// A case, as it stands now.
    Case(Box<CaseRecord>),
}

/// What a notice tells of its message beside what has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutMessage {
    /// Its place.
    pub seq: Seq,
    /// Our id.
    pub id: MessageId,
    /// Whose it is.
    pub client: Name,
    /// What it is for.
    pub class: Class,
    /// The recipient's digits.
    pub to: Box<str>,
    /// The sender.
    pub from: Box<str>,
    /// How many segments its text makes.
    pub segments: u8,
    /// The owner's word for it.
    pub reference: Option<Box<str>>,
    /// The address that it names for its outcomes.
    pub callback: Option<Box<str>>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// When a carrier took it, as known now.
    pub submitted_at: Option<UnixMillis>,
}

/// What a notice tells of an inbound text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutInbound {
    /// Its place.
    pub seq: Seq,
    /// Our id.
    pub id: InboundId,
    /// Whose address it came to; `None` is nobody's.
    pub client: Option<Name>,
    /// The sender's address.
    pub from: Box<str>,
    /// Our address.
    pub to: Box<str>,
    /// What it says; `None` where it is no text.
    pub text: Option<Box<str>>,
    /// Which segment of a long text it is.
    pub segment: Option<Concat>,
}

/// What a notice tells of a person's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutConsent {
    /// Who is told: a client of the brand.
    pub client: Option<Name>,
    /// What was said; `seq` is its place in the history.
    pub said: ConsentRecord,
}

/// Which notices an endpoint is to be told now.
#[derive(Clone, Debug)]
pub struct DueNotices {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The time.
    pub now: UnixMillis,
    /// Only those that stand behind this one in the order of due time and place; `None` starts with the first.
    pub after: Option<(UnixMillis, Seq)>,
    /// How many at the most.
    pub limit: u32,
}

/// Notices that are due, in the order of due time and place.
#[derive(Clone, Debug, Default)]
pub struct DuePage {
    /// The notices. None of whose message an earlier one is pending.
    pub rows: Vec<NoticeRecord>,
    /// Those that cannot be read, or whose message is gone: nobody can be told of them.
    pub unreadable: Vec<Seq>,
    /// When the next of this endpoint's is due that is not so yet.
    pub next_at: Option<UnixMillis>,
}

/// Which notices to go through, in their order.
#[derive(Clone, Debug, Default)]
pub struct NoticeQuery {
    /// Only later ones. `None` is from now on: the page is empty and says where that is.
    pub after: Option<Seq>,
    /// Only this owner's.
    pub client: Option<Name>,
    /// Only about messages of these classes; empty is all, and inbound texts too.
    pub classes: Vec<Class>,
    /// Only of these kinds; empty is all.
    pub kinds: Vec<NoticeKind>,
    /// How many at the most.
    pub limit: u32,
}

/// A stretch of the notices.
#[derive(Clone, Debug, Default)]
pub struct NoticePage {
    /// Those that were asked for, oldest first.
    pub rows: Vec<NoticeRecord>,
    /// Where to go on: everything up to here was looked at.
    pub upto: Seq,
    /// How many up to there, of whichever owner and kind, are forgotten.
    pub forgotten: u64,
    /// Whether more stand behind that.
    pub more: bool,
}

/// Which dead letters to list.
#[derive(Clone, Debug, Default)]
pub struct DeadNotices {
    /// Only this endpoint's.
    pub endpoint: Option<Endpoint>,
    /// Only older than this place.
    pub before: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

/// An endpoint that has something pending or dead, or is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRecord {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Notices that wait for it.
    pub pending: u64,
    /// Since when the oldest of them does.
    pub oldest: Option<UnixMillis>,
    /// Notices that were given up.
    pub dead: u64,
    /// Since when and why it is switched off.
    pub off: Option<(UnixMillis, OffReason)>,
}

/// Why an endpoint is switched off: its notices wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffReason {
    /// A person wishes so.
    Wished,
    /// It has answered 410: it wants no more.
    Gone,
    /// It has failed for days. It is asked now and then, and switched on once it takes a post; each of the other reasons
    /// takes the place of this one.
    Failing,
}

impl OffReason {
    /// The word of the store and of what is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wished => "switched_off",
            Self::Gone => "status_410",
            Self::Failing => "failing",
        }
    }

    /// One that was written down. A word that is not ours was a person's.
    pub(super) fn stored(word: &str) -> Self {
        let found = [Self::Gone, Self::Failing]
            .into_iter()
            .find(|reason| reason.as_str() == word);
        found.unwrap_or(Self::Wished)
    }
}

impl Serialize for OffReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What came of trying to tell an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSettle {
    /// The notice.
    pub seq: Seq,
    /// What becomes of it.
    pub fate: Fate,
    /// Tries so far that count, with this one if it does.
    pub attempts: u16,
    /// When it was tried.
    pub tried_at: UnixMillis,
    /// What came of it: a status, or a word such as `timeout`.
    pub outcome: Box<str>,
}

/// What becomes of a notice that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The endpoint knows.
    Told,
    /// Tried again. Later ones of its message wait with it.
    Again {
        /// When.
        at: UnixMillis,
        /// Together with those of the same bundle.
        bundle: Option<Seq>,
    },
    /// Given up.
    Dead,
}

/// What a person, or an endpoint's answer, wishes for notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeAct {
    /// Dead letters in this range are due now, as if never tried.
    Replay {
        /// Only this endpoint's.
        endpoint: Option<Endpoint>,
        /// The first place.
        from: Seq,
        /// The last place.
        to: Seq,
        /// How many at the most.
        limit: u32,
    },
    /// Nothing more is sent to the endpoint: its notices wait. One that is off already stays so as it is, unless that was
    /// for failing.
    SwitchOff {
        /// The endpoint.
        endpoint: Endpoint,
        /// Why.
        reason: OffReason,
    },
    /// The endpoint is sent to again, and what waits for it is due now.
    SwitchOn {
        /// The endpoint.
        endpoint: Endpoint,
        /// Only where it is off for this reason; `None` is any.
        from: Option<OffReason>,
    },
}

/// Notices whose due time one [`NoticeAct::SwitchOn`] moves; more go at the time that they have.
pub(super) const HURRIED: u32 = 10_000;

/// A notice to write.
#[derive(Clone, Debug)]
pub(super) struct NewNotice {
    pub(super) message: Option<Seq>,
    pub(super) inbound: Option<Seq>,
    pub(super) consent: Option<Seq>,
    pub(super) case: Option<Seq>,
    pub(super) client: Option<Name>,
    pub(super) kind: NoticeKind,
    pub(super) at: UnixMillis,
    pub(super) reason: Option<Reason>,
    pub(super) code: Option<u32>,
    pub(super) flags: Flags,
    pub(super) carrier: Option<Name>,
    pub(super) endpoint: Option<Endpoint>,
}

impl NewNotice {
    /// What is told of a change, if anything.
    pub(super) fn of(changed: &Changed, rules: &dyn super::Rules) -> Option<Self> {
        let progress = &changed.progress;
        let kind = NoticeKind::of_state(progress.state)?;
        let at = match progress.state {
            State::Submitted => progress.submitted_at,
            state if state.is_final() => progress.final_at,
            _ => None,
        };
        Some(Self {
            message: Some(changed.seq),
            inbound: None,
            consent: None,
            case: None,
            client: None,
            kind,
            at: at.unwrap_or(changed.at),
            reason: progress.reason,
            code: progress.code,
            flags: progress.flags,
            carrier: progress.bind.as_ref().map(|bind| bind.carrier.clone()),
            endpoint: rules.hears(&changed.client, kind, changed.callback.as_deref()),
        })
    }

    /// What is told of a message that its user has just seen, or that RCS has delivered after its SMS was; `None` where that
    /// is known already.
    pub(super) fn of_rcs(
        row: &super::Row,
        progress: &super::Progress,
        report: &super::RcsReport,
        rules: &dyn super::Rules,
    ) -> Option<Self> {
        let at = report.at;
        let is_new = |flag| progress.flags.has(flag) && !row.progress.flags.has(flag);
        let kind = if is_new(Flag::Read) {
            NoticeKind::MessageRead
        } else if row.progress.state == State::Delivered && is_new(Flag::DeliveredTwice) {
            // The first delivery was told before.
            NoticeKind::Message(State::Delivered)
        } else {
            return None;
        };
        Some(Self {
            message: Some(row.seq),
            inbound: None,
            consent: None,
            case: None,
            client: None,
            kind,
            at,
            reason: None,
            code: None,
            flags: progress.flags,
            carrier: Some(report.carrier.clone()),
            endpoint: rules.hears(&row.client, kind, row.callback.as_deref()),
        })
    }

    /// What is told of an inbound text that came whole; of a segment nothing is told before its text is put together.
    pub(super) fn of_inbound(seq: Seq, text: &super::NewInbound, rules: &dyn super::Rules) -> Option<Self> {
        let carrier = &text.bind.carrier;
        text.segment
            .is_none()
            .then(|| Self::of_text(seq, &text.to, carrier, text.at, rules))
    }

    /// What is told of a long text that was put together.
    pub(super) fn of_whole(seq: Seq, whole: &super::two_way::Whole, rules: &dyn super::Rules) -> Self {
        Self::of_text(seq, &whole.to, &whole.carrier, whole.at, rules)
    }

    fn of_text(seq: Seq, to: &str, carrier: &Name, at: UnixMillis, rules: &dyn super::Rules) -> Self {
        let client = rules.owner_of(to);
        let kind = NoticeKind::InboundReceived;
        Self {
            message: None,
            inbound: Some(seq),
            consent: None,
            case: None,
            kind,
            at,
            reason: None,
            code: None,
            flags: Flags::default(),
            carrier: Some(carrier.clone()),
            endpoint: client.as_ref().and_then(|client| rules.hears(client, kind, None)),
            client,
        }
    }
}

impl NewNotice {
    /// What a client of the brand is told of a person's wish.
    pub(super) fn of_consent(seq: Seq, said: &NewConsent, client: &Name, rules: &dyn super::Rules) -> Self {
        let kind = NoticeKind::ConsentChanged;
        Self {
            message: None,
            inbound: None,
            consent: Some(seq),
            case: None,
            kind,
            at: said.at,
            reason: None,
            code: None,
            flags: Flags::default(),
            carrier: None,
            endpoint: rules.hears(client, kind, None),
            client: Some(client.clone()),
        }
    }
}

impl NewNotice {
    /// What its client is told of a step of a case.
    pub(super) fn of_case(case: &CaseRecord, kind: NoticeKind, now: UnixMillis, rules: &dyn super::Rules) -> Self {
        Self {
            message: None,
            inbound: None,
            consent: None,
            case: Some(case.seq),
            kind,
            at: now,
            reason: None,
            code: None,
            flags: Flags::default(),
            carrier: None,
            endpoint: rules.hears(&case.client, kind, None),
            client: Some(case.client.clone()),
        }
    }
}

impl NoticeRecord {
    /// The id that the event keeps over all its tries: of what it is about, and its place.
    pub fn event_id(&self) -> String {
        let about = match &self.about {
            About::Message(message) => message.id.0.simple().to_string(),
            About::Inbound(text) => text.id.0.simple().to_string(),
            About::Consent(consent) => format!("{:032x}", consent.said.seq),
            About::Case(case) => format!("{:032x}", case.id.0),
        };
        format!("evt_{about}_{}", self.notice.seq)
    }

    /// Whose it is.
    pub fn client(&self) -> Option<&Name> {
        match &self.about {
            About::Message(message) => Some(&message.client),
            About::Inbound(text) => text.client.as_ref(),
            About::Consent(consent) => consent.client.as_ref(),
            About::Case(case) => Some(&case.client),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_word_and_every_told_state_has_one() {
        for (kind, word) in NoticeKind::ALL {
            assert_eq!((kind.as_str(), word.parse()), (word, Ok(kind)));
        }
        for state in State::ALL {
            if let Some(kind) = NoticeKind::of_state(state) {
                assert_eq!(kind.as_str(), format!("message.{state}"));
            }
        }
    }
}
