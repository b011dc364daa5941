//! Rows of the table `message` as values. A row that does not fit (an unknown state, a number that is none) is an
//! error for that row alone.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::checksum::{MessageHead, Part};
use super::json::JsonRow;

use crate::domain::{BindRef, Concat, Flags, MessageId, Name, ReferenceSize, Shape, UnixMillis};
use crate::store::{Event, Lease, Progress, Row, SegmentRecord};

/// The columns that [`row`] reads, in its order, of a table named `m`; `json` for a `json_array`, which has no octets.
macro_rules! row_columns {
    () => {
        row_columns!("m.id")
    };
    (json) => {
        row_columns!("hex(m.id)")
    };
    ($id:literal) => {
        concat!(
            "m.seq, ",
            $id,
            ", m.client, m.class, m.recipient, m.sender, m.route, m.segments, m.receipt, m.callback, m.accepted_at, \
         m.state, m.step, m.wake_at, m.expires_at, m.attempt, m.tries, m.copies, m.flags, m.lease, m.carrier, m.bind, \
         m.claimed_at, m.submitted_at, m.final_at, m.carrier_message_id, m.reason, m.code, m.done_at, m.checksum"
        )
    };
}
pub(super) use row_columns;

/// How many columns [`row_columns`] names: others follow from there.
pub(super) const ROW_COLUMNS: usize = 30;

/// Where some of them stand, for a row that cannot be read whole.
pub(super) const CLIENT: usize = 2;
pub(super) const CLASS: usize = 3;
pub(super) const CALLBACK: usize = 9;
pub(super) const STATE: usize = 11;
pub(super) const CHECKSUM: usize = 29;

/// A row as SQLite gave it, or as one of the arrays in its JSON.
pub(super) trait Cells {
    fn number(&self, at: usize) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error>;
    fn uuid(&self, at: usize) -> Result<Uuid, sqlx::Error>;
}

impl Cells for SqliteRow {
    fn number(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(at)
    }

    fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(at)
    }

    fn uuid(&self, at: usize) -> Result<Uuid, sqlx::Error> {
        self.try_get(at)
    }
}

impl Cells for JsonRow<'_> {
    fn number(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
        self.cell(at)?.number().map_err(decode)
    }

    fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error> {
        self.cell(at)?.text().map_err(decode)
    }

    fn uuid(&self, at: usize) -> Result<Uuid, sqlx::Error> {
        Uuid::try_parse(given(self.text(at)?)?).map_err(decode)
    }
}

/// Reads what [`row_columns`] selected, from column `at`, and holds it against its checksum.
pub(super) fn row(r: &impl Cells, at: usize) -> Result<Row, sqlx::Error> {
    let row = row_as_it_is(r, at)?;
    check(r, at + CHECKSUM, MessageHead::of_row(&row).part())?;
    Ok(row)
}

/// Holds a part of a row against the checksum in column `at`.
pub(super) fn check(r: &impl Cells, at: usize, part: Part) -> Result<(), sqlx::Error> {
    part.check(r.number(at)?).map_err(sqlx::Error::Decode)
}

/// The row as it stands there, be it damaged or not.
pub(super) fn row_as_it_is(r: &impl Cells, at: usize) -> Result<Row, sqlx::Error> {
    Ok(Row {
        seq: given(r.number(at)?)?,
        id: MessageId(r.uuid(at + 1)?),
        client: parsed(r, at + 2)?,
        class: parsed(r, at + 3)?,
        to: given(r.text(at + 4)?)?.into(),
        from: given(r.text(at + 5)?)?.into(),
        route: parsed(r, at + 6)?,
        segments: narrow(r, at + 7)?,
        receipt: given(r.number(at + 8)?)? != 0,
        callback: r.text(at + 9)?.map(Into::into),
        accepted_at: UnixMillis(given(r.number(at + 10)?)?),
        progress: Progress {
            state: parsed(r, at + 11)?,
            step: narrow(r, at + 12)?,
            wake_at: r.number(at + 13)?.map(UnixMillis),
            expires_at: UnixMillis(given(r.number(at + 14)?)?),
            attempt: narrow(r, at + 15)?,
            tries: narrow(r, at + 16)?,
            copies: narrow(r, at + 17)?,
            flags: Flags(narrow(r, at + 18)?),
            lease: r.number(at + 19)?.map(Lease),
            bind: bind_ref(r, at + 20)?,
            claimed_at: r.number(at + 22)?.map(UnixMillis),
            submitted_at: r.number(at + 23)?.map(UnixMillis),
            final_at: r.number(at + 24)?.map(UnixMillis),
            carrier_message_id: r.text(at + 25)?.map(Into::into),
            reason: r.text(at + 26)?.map(|word| word.parse().map_err(decode)).transpose()?,
            code: r.number(at + 27)?.map(code),
            done_at: r.number(at + 28)?.map(UnixMillis),
        },
    })
}

/// The columns that [`segment`] reads, of a table named `s`.
macro_rules! segment_columns {
    () => {
        "s.message_seq, s.number, s.attempt, s.carrier, s.state, s.carrier_message_id, s.code, s.at"
    };
}
pub(super) use segment_columns;

/// Reads what [`segment_columns`] selected: the message's place and the segment.
pub(super) fn segment(r: &SqliteRow, at: usize) -> Result<(i64, SegmentRecord), sqlx::Error> {
    Ok((
        r.try_get(at)?,
        SegmentRecord {
            number: narrow(r, at + 1)?,
            attempt: narrow(r, at + 2)?,
            carrier: parsed(r, at + 3)?,
            state: parsed(r, at + 4)?,
            carrier_message_id: r.try_get::<Option<String>, _>(at + 5)?.map(Into::into),
            code: r.try_get::<Option<i64>, _>(at + 6)?.map(code),
            at: UnixMillis(r.try_get(at + 7)?),
        },
    ))
}

/// Reads an event from `at, kind, attempt, carrier, bind, code, note`.
pub(super) fn event(r: &SqliteRow) -> Result<Event, sqlx::Error> {
    Ok(Event {
        at: UnixMillis(r.try_get(0)?),
        kind: parsed(r, 1)?,
        attempt: narrow(r, 2)?,
        bind: bind_ref(r, 3)?,
        code: r.try_get::<Option<i64>, _>(5)?.map(code),
        note: r.try_get::<Option<String>, _>(6)?.map(Into::into),
    })
}

/// How a text is written besides its alphabet: an empty cell is the usual way.
pub(super) fn shape(r: &impl Cells, at: usize) -> Result<Shape, sqlx::Error> {
    r.text(at)?
        .map_or(Ok(Shape::default()), |words| words.parse().map_err(decode))
}

/// Which segment of which text an inbound text is: reference, total, number and the bits of the reference.
pub(super) fn concat(r: &impl Cells, at: usize) -> Result<Option<Concat>, sqlx::Error> {
    let Some(reference) = narrow_if_any(r, at)? else {
        return Ok(None);
    };
    let size = match r.number(at + 3)? {
        Some(16) => ReferenceSize::Bits16,
        _ => ReferenceSize::Bits8,
    };
    Ok(Concat::new(size, reference, narrow(r, at + 1)?, narrow(r, at + 2)?))
}

/// Reads a word of ours.
pub(super) fn parsed<T>(r: &impl Cells, at: usize) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    given(r.text(at)?)?.parse().map_err(decode)
}

/// Reads a number that must fit.
pub(super) fn narrow<T: TryFrom<i64>>(r: &impl Cells, at: usize) -> Result<T, sqlx::Error>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(given(r.number(at)?)?).map_err(decode)
}

/// Reads a word of ours that may be missing.
pub(super) fn parsed_if_any<T>(r: &impl Cells, at: usize) -> Result<Option<T>, sqlx::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    r.text(at)?.map(|word| word.parse().map_err(decode)).transpose()
}

/// Reads a number that must fit and may be missing.
pub(super) fn narrow_if_any<T: TryFrom<i64>>(r: &impl Cells, at: usize) -> Result<Option<T>, sqlx::Error>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    r.number(at)?
        .map(|number| T::try_from(number).map_err(decode))
        .transpose()
}

/// Reads what somebody wrote.
pub(super) fn words(r: &impl Cells, at: usize) -> Result<Box<str>, sqlx::Error> {
    Ok(given(r.text(at)?)?.into())
}

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn bind_ref(r: &impl Cells, at: usize) -> Result<Option<BindRef>, sqlx::Error> {
    let Some(carrier) = r.text(at)? else { return Ok(None) };
    let carrier = Name::parse(carrier).map_err(decode)?;
    Ok(Some(BindRef {
        carrier,
        bind: u16::try_from(r.number(at + 1)?.unwrap_or(0)).map_err(decode)?,
    }))
}

/// A cell that must not be empty.
fn given<T>(cell: Option<T>) -> Result<T, sqlx::Error> {
    cell.ok_or_else(|| decode(sqlx::error::UnexpectedNullError))
}

/// Codes are 32 bits on the wire and fit the column's 64.
fn code(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
