//! Rows that the disk has spoilt, or that nobody can read: set aside for a person, and the others go on.

use sqlx::sqlite::SqliteRow;

use super::checksum::{self, Damaged};
use super::columns::{self, Cells, row_columns};
use super::commit::{Transaction, Trust, Writer};
use super::open::extended_code;
use super::read::{check_record, record_columns, tell_of_damage};
use crate::domain::{Class, Reason, State, UnixMillis};
use crate::store::{Rules, Seq, SweepResult};

/// Every cell as its column wants it: SQLite changes no row of a strict table that holds another type.
const SET_ASIDE: &str = "UPDATE message SET state = 'quarantined', wake_at = NULL, final_at = ?, reason = ?, \
     id = CAST(coalesce(id, '') AS BLOB), client = CAST(coalesce(client, '') AS TEXT), \
     class = CAST(coalesce(class, '') AS TEXT), priority = CAST(coalesce(priority, 0) AS INTEGER), \
     recipient = CAST(coalesce(recipient, '') AS TEXT), sender = CAST(coalesce(sender, '') AS TEXT), \
     text = CAST(coalesce(text, '') AS TEXT), encoding = CAST(coalesce(encoding, '') AS TEXT), \
     segments = CAST(coalesce(segments, 0) AS INTEGER), route = CAST(coalesce(route, '') AS TEXT), \
     receipt = CAST(coalesce(receipt, 0) AS INTEGER), reference = CAST(reference AS TEXT), \
     callback = CAST(callback AS TEXT), accepted_at = CAST(coalesce(accepted_at, 0) AS INTEGER), \
     not_before = CAST(not_before AS INTEGER), step = CAST(coalesce(step, 0) AS INTEGER), \
     expires_at = CAST(coalesce(expires_at, 0) AS INTEGER), attempt = CAST(coalesce(attempt, 0) AS INTEGER), \
     tries = CAST(coalesce(tries, 0) AS INTEGER), copies = CAST(coalesce(copies, 0) AS INTEGER), \
     flags = CAST(coalesce(flags, 0) AS INTEGER), lease = CAST(lease AS INTEGER), carrier = CAST(carrier AS TEXT), \
     bind = CAST(bind AS INTEGER), claimed_at = CAST(claimed_at AS INTEGER), \
     submitted_at = CAST(submitted_at AS INTEGER), carrier_message_id = CAST(carrier_message_id AS TEXT), \
     code = CAST(code AS INTEGER), shape = CAST(shape AS TEXT), rich = CAST(rich AS TEXT), \
     done_at = CAST(done_at AS INTEGER), \
     checksum = CAST(checksum AS INTEGER) WHERE seq = ?";

/// Open rows with a cell of another type than its column's.
const UNTYPED: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE (m.wake_at IS NOT NULL OR m.state = 'claimed') AND (typeof(m.id) <> 'blob' \
     OR typeof(m.client) <> 'text' OR typeof(m.class) <> 'text' OR typeof(m.recipient) <> 'text' OR typeof(m.sender) <> 'text' OR typeof(m.text) <> 'text' \
     OR typeof(m.encoding) <> 'text' OR typeof(m.route) <> 'text' OR typeof(m.state) <> 'text' \
     OR typeof(m.priority) <> 'integer' OR typeof(m.segments) <> 'integer' OR typeof(m.receipt) <> 'integer' \
     OR typeof(m.accepted_at) <> 'integer' OR typeof(m.step) <> 'integer' OR typeof(m.expires_at) <> 'integer' \
     OR typeof(m.attempt) <> 'integer' OR typeof(m.tries) <> 'integer' OR typeof(m.copies) <> 'integer' \
     OR typeof(m.flags) <> 'integer' OR typeof(m.reference) NOT IN ('text', 'null') \
     OR typeof(m.callback) NOT IN ('text', 'null') OR typeof(m.carrier) NOT IN ('text', 'null') \
     OR typeof(m.carrier_message_id) NOT IN ('text', 'null') OR typeof(m.reason) NOT IN ('text', 'null') \
     OR typeof(m.rich) NOT IN ('text', 'null') OR typeof(m.shape) NOT IN ('text', 'null') OR typeof(m.not_before) NOT IN ('integer', 'null') \
     OR typeof(m.wake_at) NOT IN ('integer', 'null') OR typeof(m.lease) NOT IN ('integer', 'null') \
     OR typeof(m.bind) NOT IN ('integer', 'null') OR typeof(m.claimed_at) NOT IN ('integer', 'null') \
     OR typeof(m.submitted_at) NOT IN ('integer', 'null') OR typeof(m.final_at) NOT IN ('integer', 'null') \
     OR typeof(m.code) NOT IN ('integer', 'null') OR typeof(m.done_at) NOT IN ('integer', 'null') \
     OR typeof(m.checksum) NOT IN ('integer', 'null'))"
);

/// All of a message that [`check_row`] looks at, of a table named `m`.
macro_rules! checked_columns {
    () => {
        concat!(record_columns!(), ", m.priority")
    };
}
pub(super) use checked_columns;

/// Where the priority stands among them.
const PRIORITY: usize = columns::ROW_COLUMNS + 6;

/// Whether a message is as it was written.
pub(super) fn check_row(r: &SqliteRow) -> Result<(), sqlx::Error> {
    check_record(r)?;
    let class: Class = columns::parsed(r, columns::CLASS)?;
    if columns::narrow::<u8>(r, PRIORITY)? == class.priority() {
        Ok(())
    } else {
        Err(columns::decode(Damaged))
    }
}

/// Whether a statement failed on a row that holds a cell of another type than its column's.
pub(super) fn met_untyped_row(error: &sqlx::Error) -> bool {
    const CONSTRAINT_NOTNULL: u32 = 1299;
    const CONSTRAINT_DATATYPE: u32 = 3091;
    let told = |error: &dyn sqlx::error::DatabaseError| error.message().contains("JSON cannot hold BLOB");
    matches!(extended_code(error), Some(CONSTRAINT_NOTNULL | CONSTRAINT_DATATYPE))
        || error.as_database_error().is_some_and(told)
}

impl Writer {
    /// Sets the open rows aside that let no statement through; says whether there were any.
    pub(super) async fn isolate_untyped(&mut self, now: UnixMillis, rules: &dyn Rules) -> Result<bool, sqlx::Error> {
        let mut transaction = Transaction::begin(self, rules, now, Trust::Care);
        transaction.script.add(UNTYPED);
        let found = transaction.send().await?;
        for r in found.rows() {
            transaction.quarantine_row(r, 0, &columns::decode(Damaged))?;
        }
        transaction.write_notices();
        transaction.script.add("COMMIT");
        transaction.send().await?;
        self.ended();
        Ok(found.rows().len() > 0)
    }
}

impl Transaction<'_> {
    /// Looks at rows again that a check has complained of, and sets aside those that are not as they were written.
    pub(super) async fn isolate(&mut self, seqs: &[Seq]) -> Result<SweepResult, sqlx::Error> {
        const SELECT: &str = concat!(
            "SELECT ",
            checked_columns!(),
            " FROM jsonb_each(?) AS j CROSS JOIN message AS m WHERE m.seq = j.value"
        );
        self.script.add(SELECT).bind_json(seqs);
        let found = self.send().await?;
        let mut moved = 0;
        for r in found.rows() {
            if let Err(error) = check_row(r) {
                self.quarantine_row(r, 0, &error)?;
                moved += 1;
            }
        }
        Ok(SweepResult { moved, more: false })
    }

    /// Sets a row aside for a person, and tells its owner, as far as the row says who that is.
    pub(super) fn quarantine_row(&mut self, r: &impl Cells, at: usize, why: &sqlx::Error) -> Result<(), sqlx::Error> {
        let seq: Seq = columns::narrow(r, at)?;
        if r.text(at + columns::STATE).ok().flatten() == Some(State::Quarantined.as_str()) {
            return Ok(());
        }
        let spoilt = checksum::is_damage(why) || matches!(why, sqlx::Error::ColumnDecode { .. });
        let reason = if spoilt { Reason::Damaged } else { Reason::Poison };
        tell_of_damage("message", seq, why);
        self.script
            .add(SET_ASIDE)
            .bind(self.now.0)
            .bind(reason.as_str())
            .bind(seq);
        self.tell_of_quarantine(seq, r, at, reason);
        Ok(())
    }
}
