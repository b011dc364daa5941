//! What a webhook says: `{id, type, timestamp, data}`, or an array of such.

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{Class, Flags, InboundId, MessageId, Name, Reason, State, UnixMillis};
use crate::store::{About, NoticeKind, NoticeRecord};

/// Octets of a text that are told: a payload stays under the 20 kB of Standard Webhooks. The whole text is under its id.
const TEXT: usize = 4_096;

/// The id of a post of several: the same members have the same.
pub(super) fn batch_id<'a>(members: impl IntoIterator<Item = &'a NoticeRecord>) -> String {
    let mut sha = Sha256::new();
    for member in members {
        sha.update(member.event_id());
        sha.update([b' ']);
    }
    format!("bat_{}", hex::encode(&sha.finalize()[..16]))
}

/// The body of a post: an object, or an array where the client wants batches.
pub(super) fn body(members: &[NoticeRecord], array: bool) -> Bytes {
    let mut out = Vec::with_capacity(512 * members.len());
    let written = match members {
        [one] if !array => serde_json::to_writer(&mut out, &Event::of(one)),
        several => {
            let events: Vec<_> = several.iter().map(Event::of).collect();
            serde_json::to_writer(&mut out, &events)
        }
    };
    debug_assert!(written.is_ok(), "plain values into memory");
    out.into()
}

#[derive(Serialize)]
struct Event<'a> {
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
    from: &'a str,
    to: &'a str,
    text: Option<&'a str>,
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
struct Segment {
    reference: u16,
    reference_bits: u8,
    total: u8,
    number: u8,
}

/// Digits, shown in E.164.
struct Number<'a>(&'a str);

impl Serialize for Number<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("+{}", self.0))
    }
}

fn words<S: serde::Serializer>(flags: &Flags, serializer: S) -> Result<S::Ok, S::Error> {
    flags.words().serialize(serializer)
}

impl<'a> Event<'a> {
    fn of(record: &'a NoticeRecord) -> Self {
        let notice = &record.notice;
        let data = match &record.about {
            About::Message(message) => {
                let state = notice.kind.state();
                Data::Message(MessageData {
                    id: message.id,
                    reference: message.reference.as_deref(),
                    state,
                    reason: notice.reason,
                    code: notice.code,
                    to: Number(&message.to),
                    from: &message.from,
                    class: message.class,
                    segments: message.segments,
                    carrier: notice.carrier.as_ref(),
                    notes: notice.flags,
                    accepted_at: message.accepted_at,
                    submitted_at: message.submitted_at,
                    final_at: state.filter(|state| state.is_final()).map(|_| notice.at),
                })
            }
            About::Inbound(inbound) => {
                let text = inbound.text.as_deref();
                let told = text.map(|text| &text[..text.floor_char_boundary(TEXT)]);
                Data::Inbound(InboundData {
                    id: inbound.id,
                    from: &inbound.from,
                    to: &inbound.to,
                    text: told,
                    text_cut: told != text,
                    carrier: notice.carrier.as_ref(),
                    segment: inbound.segment.map(|segment| Segment {
                        reference: segment.reference,
                        reference_bits: segment.reference_size.bits(),
                        total: segment.total,
                        number: segment.number,
                    }),
                    received_at: notice.at,
                })
            }
        };
        Self {
            id: record.event_id(),
            r#type: notice.kind,
            timestamp: notice.at,
            data,
        }
    }
}
