//! The checksum of a row: of what never changes in it, so that what a disk has spoilt is told from what was written.
//!
//! One number of three parts, since each reader checks what it reads: receipts, deadlines and webhooks read who and
//! whither (24 bits), a claim the text as well (24 bits), a webhook the owner's words (16 bits). Every part finds every
//! single bit. The route is in none of them: a row may be moved to another.

use crc::{CRC_16_IBM_SDLC, CRC_24_OPENPGP, Crc, Table};
use sqlx::error::BoxDynError;

use crate::domain::{Class, Concat, Encoding, InboundId, MessageId, NewMessage, Shape, UnixMillis};
use crate::store::{NewInbound, Row, Seq};

static CRC_24: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_24_OPENPGP);
static CRC_16: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

/// A row that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row is not as it was written")]
pub(super) struct Damaged;

/// A part of the checksum, over what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Who and whither.
    Head(u32),
    /// The owner's words.
    Words(u16),
    /// The rest: of a message its text.
    Body(u32),
}

/// Who a message is from and whither it goes.
pub(super) struct MessageHead<'a> {
    pub(super) seq: Seq,
    pub(super) id: MessageId,
    pub(super) client: &'a str,
    pub(super) class: Class,
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) segments: u8,
    pub(super) receipt: bool,
    pub(super) callback: Option<&'a str>,
    pub(super) accepted_at: UnixMillis,
}

/// Who a text came from, and what it says.
pub(super) struct InboundHead<'a> {
    pub(super) seq: Seq,
    pub(super) id: InboundId,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) text: Option<&'a str>,
    pub(super) segment: Option<Concat>,
}

/// How a text came.
pub(super) struct InboundBody<'a> {
    pub(super) carrier: &'a str,
    pub(super) bind: u16,
    pub(super) data_coding: u8,
    pub(super) esm_class: u8,
    pub(super) octets: &'a [u8],
    pub(super) lossy: bool,
    pub(super) carrier_message_id: Option<&'a str>,
    pub(super) at: UnixMillis,
    pub(super) note: Option<&'a str>,
}

impl Part {
    /// Holds this part against the row's checksum. A row of before there were any passes.
    pub(super) fn check(self, checksum: Option<i64>) -> Result<(), BoxDynError> {
        let same = checksum.is_none_or(|checksum| {
            let bits = checksum.cast_unsigned();
            match self {
                Self::Head(head) => bits >> 40 == u64::from(head),
                Self::Words(words) => bits >> 24 & 0xffff == u64::from(words),
                Self::Body(body) => bits & 0xff_ffff == u64::from(body),
            }
        });
        if same { Ok(()) } else { Err(Box::new(Damaged)) }
    }
}

/// Whether a row could not be read since it is not as it was written.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Decode(cause) if cause.is::<Damaged>())
}

/// The checksum of a message to store; `from` is its sender as it stands in the row.
pub(super) fn of_message(seq: Seq, message: &NewMessage, from: &str) -> i64 {
    let head = MessageHead {
        seq,
        id: message.id,
        client: message.client.as_str(),
        class: message.class,
        to: message.to.digits(),
        from,
        segments: message.segments,
        receipt: message.receipt,
        callback: message.callback.as_deref(),
        accepted_at: message.accepted_at,
    };
    joined(
        head.part(),
        message_words(message.reference.as_deref(), message.not_before),
        message_body(&message.text, message.encoding, &message.shape, message.rich.as_deref()),
    )
}

/// The checksum of a text to store.
pub(super) fn of_inbound(seq: Seq, text: &NewInbound) -> i64 {
    let head = InboundHead {
        seq,
        id: text.id,
        from: &text.from,
        to: &text.to,
        text: text.text.as_deref(),
        segment: text.segment,
    };
    let body = InboundBody {
        carrier: text.bind.carrier.as_str(),
        bind: text.bind.bind,
        data_coding: text.data_coding,
        esm_class: text.esm_class,
        octets: &text.octets,
        lossy: text.lossy,
        carrier_message_id: text.carrier_message_id.as_deref(),
        at: text.at,
        note: text.note.as_deref(),
    };
    joined(head.part(), Part::Words(0), body.part())
}

/// The owner's words for a message.
pub(super) fn message_words(reference: Option<&str>, not_before: Option<UnixMillis>) -> Part {
    let mut crc = CRC_16.digest();
    feed(
        &[text_if_any(reference), number_if_any(not_before.map(|at| at.0))],
        |octets| crc.update(octets),
    );
    Part::Words(crc.finalize())
}

/// What a message says, and how it is written. A rich form counts where there is one: what was written before there were
/// any keeps its checksum.
pub(super) fn message_body(text: &str, encoding: Encoding, shape: &Shape, rich: Option<&str>) -> Part {
    let words = shape.words();
    let mut fields = vec![
        Field::Octets(text.as_bytes()),
        Field::Octets(encoding.as_str().as_bytes()),
        text_if_any(words.as_deref()),
    ];
    fields.extend(rich.map(|rich| Field::Octets(rich.as_bytes())));
    Part::Body(crc_24(&fields))
}

impl<'a> MessageHead<'a> {
    /// Of a row as it was read.
    pub(super) fn of_row(row: &'a Row) -> Self {
        Self {
            seq: row.seq,
            id: row.id,
            client: row.client.as_str(),
            class: row.class,
            to: &row.to,
            from: &row.from,
            segments: row.segments,
            receipt: row.receipt,
            callback: row.callback.as_deref(),
            accepted_at: row.accepted_at,
        }
    }

    pub(super) fn part(&self) -> Part {
        Part::Head(crc_24(&[
            Field::Number(self.seq),
            Field::Octets(self.id.0.as_bytes()),
            Field::Octets(self.client.as_bytes()),
            Field::Octets(self.class.as_str().as_bytes()),
            Field::Octets(self.to.as_bytes()),
            Field::Octets(self.from.as_bytes()),
            Field::Number(self.segments.into()),
            Field::Number(self.receipt.into()),
            text_if_any(self.callback),
            Field::Number(self.accepted_at.0),
        ]))
    }
}

impl InboundHead<'_> {
    pub(super) fn part(&self) -> Part {
        let mut fields = vec![
            Field::Number(self.seq),
            Field::Octets(self.id.0.as_bytes()),
            Field::Octets(self.from.as_bytes()),
            Field::Octets(self.to.as_bytes()),
            text_if_any(self.text),
        ];
        if let Some(segment) = self.segment {
            let numbers = [segment.total, segment.number, segment.reference_size.bits()];
            fields.push(Field::Number(segment.reference.into()));
            fields.extend(numbers.map(|number| Field::Number(number.into())));
        }
        Part::Head(crc_24(&fields))
    }
}

impl InboundBody<'_> {
    pub(super) fn part(&self) -> Part {
        Part::Body(crc_24(&[
            Field::Octets(self.carrier.as_bytes()),
            Field::Number(self.bind.into()),
            Field::Number(self.data_coding.into()),
            Field::Number(self.esm_class.into()),
            Field::Octets(self.octets),
            Field::Number(self.lossy.into()),
            text_if_any(self.carrier_message_id),
            Field::Number(self.at.0),
            text_if_any(self.note),
        ]))
    }
}

fn joined(head: Part, words: Part, body: Part) -> i64 {
    let bits = [head, words, body].map(|part| match part {
        Part::Head(head) => u64::from(head) << 40,
        Part::Words(words) => u64::from(words) << 24,
        Part::Body(body) => u64::from(body),
    });
    bits.into_iter().fold(0, |all, bits| all | bits).cast_signed()
}

/// A cell, with its length: one that ends early is not taken for the beginning of the next.
enum Field<'a> {
    Missing,
    Number(i64),
    Octets(&'a [u8]),
}

fn text_if_any(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Missing, |text| Field::Octets(text.as_bytes()))
}

fn number_if_any(number: Option<i64>) -> Field<'static> {
    number.map_or(Field::Missing, Field::Number)
}

fn crc_24(fields: &[Field<'_>]) -> u32 {
    let mut crc = CRC_24.digest();
    feed(fields, |octets| crc.update(octets));
    crc.finalize()
}

fn feed(fields: &[Field<'_>], mut update: impl FnMut(&[u8])) {
    for field in fields {
        match field {
            Field::Missing => update(&[0xff; 4]),
            Field::Number(number) => update(&number.to_le_bytes()),
            Field::Octets(octets) => {
                update(&u32::try_from(octets.len()).unwrap_or(u32::MAX).to_le_bytes());
                update(octets);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::harness::message;

    #[test]
    fn every_bit_of_a_text_and_every_field_beside_it_counts() {
        let shape = Shape::default();
        let sum = of_message(1, &message(1), "MyBank");
        let text = message(1).text;
        for bit in 0..text.len() * 8 {
            let mut octets = text.as_bytes().to_vec();
            octets[bit / 8] ^= 1 << (bit % 8);
            let Ok(other) = String::from_utf8(octets) else { continue };
            assert!(
                message_body(&other, Encoding::Gsm7, &shape, None)
                    .check(Some(sum))
                    .is_err()
            );
        }
        assert!(
            message_body(&text, Encoding::Gsm7, &shape, None)
                .check(Some(sum))
                .is_ok()
        );
        assert!(
            message_body(&text, Encoding::Ucs2, &shape, None)
                .check(Some(sum))
                .is_err()
        );
        assert!(
            message_body(&text, Encoding::Gsm7, &shape, Some("{}"))
                .check(Some(sum))
                .is_err()
        );
        assert!(message_words(Some(""), None).check(Some(sum)).is_err());
        assert!(message_words(None, None).check(Some(sum)).is_ok());
        assert_ne!(of_message(2, &message(1), "MyBank") >> 40, sum >> 40);
    }

    #[test]
    fn a_row_of_before_there_were_checksums_passes() {
        assert!(Part::Head(1).check(None).is_ok());
    }
}
