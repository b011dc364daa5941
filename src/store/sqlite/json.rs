//! Rows that come as one JSON array of arrays.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{ROW_COLUMNS, decode};

/// The cells of one row, in the order of its `json_array`.
pub(super) struct JsonRow<'a>(Vec<Cell<'a>>);

/// What SQLite puts into JSON for the columns that we have.
pub(super) enum Cell<'a> {
    Null,
    Number(i64),
    Text(Cow<'a, str>),
}

/// A cell that is not of the kind looked for.
#[derive(Debug, thiserror::Error)]
#[error("a column of another type")]
pub(super) struct OtherType;

/// Reads an array of rows from column `at`.
pub(super) fn rows(r: &SqliteRow, at: usize) -> Result<Vec<JsonRow<'_>>, sqlx::Error> {
    serde_json::from_str(r.try_get(at)?).map_err(decode)
}

impl<'a> JsonRow<'a> {
    pub(super) fn cell(&self, at: usize) -> Result<&Cell<'a>, sqlx::Error> {
        self.0.get(at).ok_or(sqlx::Error::ColumnIndexOutOfBounds {
            index: at,
            len: self.0.len(),
        })
    }
}

impl Cell<'_> {
    pub(super) fn number(&self) -> Result<Option<i64>, OtherType> {
        match self {
            Self::Null => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Text(_) => Err(OtherType),
        }
    }

    pub(super) fn text(&self) -> Result<Option<&str>, OtherType> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Number(_) => Err(OtherType),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = JsonRow<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonRow<'de>, A::Error> {
        let mut cells = Vec::with_capacity(ROW_COLUMNS);
        while let Some(cell) = seq.next_element()? {
            cells.push(cell);
        }
        Ok(JsonRow(cells))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number or text")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cell<'de>, E> {
        i64::try_from(number).map(Cell::Number).map_err(E::custom)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
}
