//! What owners are told, as it is written: `{id, type, timestamp, data}`, the same by webhook and by the stream.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::{
    CaseId, Class, Flags, InboundId, Masked, MessageId, Name, Reason, Shared, Source, State, UnixMillis, Will,
};
use crate::store::{
    About, AboutInbound, AboutMessage, CaseReason, CaseRecord, CaseState, ConsentRecord, Notice, NoticeKind,
    NoticeRecord,
};

/// Octets of a text that are told: a payload stays under the 20 kB of Standard Webhooks. The whole text is under its id.
const TEXT: usize = 4_096;

/// What a webhook and the stream say of a notice.
#[derive(Serialize)]
pub struct Event<'a> {
    id: String,
    r#type: NoticeKind,
    timestamp: UnixMillis,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Message(MessageData<'a>),
    Inbound(InboundData<'a>),
    Consent(ConsentData<'a>),
    Case(CaseData<'a>),
}

#[derive(Serialize)]
struct MessageData<'a> {
    id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    to: Number<'a>,
    from: &'a str,
    class: Class,
    segments: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'a Name>,
    #[serde(serialize_with = "words")]
    notes: Flags,
    accepted_at: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_at: Option<UnixMillis>,
}

#[derive(Serialize)]
struct InboundData<'a> {
    id: InboundId,
    from: Cow<'a, str>,
    to: &'a str,
    text: Option<&'a str>,
    /// What was shared by RCS in the place of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<Shared>,
    /// Where the text goes on beyond what is told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    text_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<Segment>,
    received_at: UnixMillis,
}

#[derive(Serialize)]
struct ConsentData<'a> {
    msisdn: Number<'a>,
    brand: &'a Name,
    /// `*` is every topic.
    topic: &'a str,
    state: Will,
    source: Source,
    said_at: UnixMillis,
}

#[derive(Serialize)]
struct CaseData<'a> {
    id: CaseId,
    msisdn: Number<'a>,
    address: &'a str,
    state: CaseState,
    reason: CaseReason,
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    understood: Option<&'a str>,
    opened_at: UnixMillis,
    due_at: Option<UnixMillis>,
}

#[derive(Serialize)]
struct Segment {
    reference: u16,
    reference_bits: u8,
    total: u8,
    number: u8,
}

/// Digits, shown in E.164.
struct Number<'a> {
    digits: &'a str,
    masked: bool,
}

impl Serialize for Number<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.digits;
        match self.masked {
            true => serializer.collect_str(&Masked(&format!("+{digits}"))),
            false => serializer.collect_str(&format_args!("+{digits}")),
        }
    }
}

fn words<S: serde::Serializer>(flags: &Flags, serializer: S) -> Result<S::Ok, S::Error> {
    flags.words().serialize(serializer)
}

impl<'a> Event<'a> {
    /// Says it to the owner.
    pub fn of(record: &'a NoticeRecord) -> Self {
        let notice = &record.notice;
        Self {
            id: record.event_id(),
            r#type: notice.kind,
            timestamp: notice.at,
            data: match &record.about {
                About::Message(message) => Data::Message(MessageData::new(notice, message)),
                About::Inbound(inbound) => Data::Inbound(InboundData::new(notice, inbound)),
                About::Consent(consent) => Data::Consent(ConsentData::new(&consent.said)),
                About::Case(case) => Data::Case(CaseData::new(notice, case)),
            },
        }
    }

    /// Says it to others: the number masked, and no text.
    #[must_use]
    pub fn masked(mut self) -> Self {
        match &mut self.data {
            Data::Message(message) => message.to.masked = true,
            Data::Consent(consent) => consent.msisdn.masked = true,
            Data::Case(case) => {
                case.msisdn.masked = true;
                case.understood = None;
            }
            Data::Inbound(inbound) => {
                inbound.from = Masked(&inbound.from).to_string().into();
                inbound.text = None;
                inbound.shared = None;
            }
        }
        self
    }
}

impl<'a> MessageData<'a> {
    fn new(notice: &'a Notice, message: &'a AboutMessage) -> Self {
        let state = notice.kind.state();
        // When it was read is not when it came to its end.
        let told = notice.kind != NoticeKind::MessageRead;
        Self {
            id: message.id,
            reference: message.reference.as_deref(),
            state,
            reason: notice.reason,
            code: notice.code,
            to: Number {
                digits: &message.to,
                masked: false,
            },
            from: &message.from,
            class: message.class,
            segments: message.segments,
            carrier: notice.carrier.as_ref(),
            notes: notice.flags,
            accepted_at: message.accepted_at,
            submitted_at: message.submitted_at,
            final_at: (told && state.is_some_and(State::is_final)).then_some(notice.at),
        }
    }
}

impl<'a> CaseData<'a> {
    fn new(notice: &Notice, case: &'a CaseRecord) -> Self {
        let state = match notice.kind {
            NoticeKind::CaseTaken => CaseState::Taken,
            NoticeKind::CaseSolved => CaseState::Solved,
            NoticeKind::CaseOpened => CaseState::Opened,
            _ => case.state,
        };
        Self {
            id: case.id,
            msisdn: Number {
                digits: &case.between.number,
                masked: false,
            },
            address: &case.between.address,
            state,
            reason: case.reason,
            owner: case.owner.as_deref().filter(|_| state != CaseState::Opened),
            understood: case.understood.as_deref(),
            opened_at: case.opened_at,
            due_at: case.due_at,
        }
    }
}

impl<'a> ConsentData<'a> {
    fn new(said: &'a ConsentRecord) -> Self {
        Self {
            msisdn: Number {
                digits: &said.msisdn,
                masked: false,
            },
            brand: &said.brand,
            topic: said.topic.as_ref().map_or("*", Name::as_str),
            state: said.will,
            source: said.source,
            said_at: said.at,
        }
    }
}

impl<'a> InboundData<'a> {
    fn new(notice: &'a Notice, inbound: &'a AboutInbound) -> Self {
        let shared = inbound.text.as_deref().and_then(Shared::read);
        let text = inbound.text.as_deref().filter(|_| shared.is_none());
        let told = text.map(|text| &text[..text.floor_char_boundary(TEXT)]);
        Self {
            id: inbound.id,
            from: Cow::Borrowed(&inbound.from),
            to: &inbound.to,
            text: told,
            shared,
            text_cut: told != text,
            carrier: notice.carrier.as_ref(),
            segment: inbound.segment.map(|segment| Segment {
                reference: segment.reference,
                reference_bits: segment.reference_size.bits(),
                total: segment.total,
                number: segment.number,
            }),
            received_at: notice.at,
        }
    }
}
