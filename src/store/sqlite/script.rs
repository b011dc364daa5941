//! Statements on their way to SQLite.

use std::task::Poll;

use futures_util::{TryStream, TryStreamExt, poll};
use serde::Serialize;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Either, Encode, Executor, FromRow, Row as _, Sqlite, SqliteConnection, Type};

/// How often one looks for the answer of a statement before one sleeps: some 20 µs where nobody else has anything to do.
const LOOKS: usize = 20;

/// Statements with their arguments, written down one after the other and sent in one go.
///
/// sqlx runs a connection on a thread of its own. Whatever is awaited is handed over to that thread and back, which
/// costs more than most of our statements do (10 to 20 µs of CPU), and so does each row that comes back while the
/// caller waits for the next. So a batch writes its statements down, and sends them where it must know something of
/// the tables to go on, and at its end: most batches are one or two calls, `BEGIN` and `COMMIT` among them.
///
/// Several statements separated by `;` are one query for sqlx: prepared statement by statement, kept under the whole
/// text, arguments taken in order. So:
///
/// - Placeholders are plain `?`, one for each argument. (`?1` would count from the first argument of the script.)
/// - A script has one of few texts, or nothing is ever found prepared: rows go into a statement as one JSON array of
///   arrays, for any number of them. Read by `jsonb_each`, which costs no more than the same columns bound one by one;
///   `json_each` writes each row as text again, to be read again for each of its columns.
/// - Statements that are read from come last in their script, and give one row where many would do: a JSON array.
/// - A statement that must touch so many rows is followed by [`Script::expect_changes`], which fails where it has not:
///   nobody needs to come back and count before the `COMMIT`.
///
/// A script that fails stops there. Its transaction stays open, for the caller to roll back.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    arguments: SqliteArguments,
    statements: usize,
    /// An argument that could not be encoded: nothing is sent then.
    broken: Option<BoxDynError>,
}

/// What came back.
#[derive(Default)]
pub(super) struct Answer {
    /// The rows, each with the place of its statement in the script.
    pub(super) rows: Vec<(usize, SqliteRow)>,
    /// Rows changed by the last statement that changes any.
    pub(super) changed: u64,
}

impl Script {
    /// Where [`Script::expect_changes`] complains. To be made once for a connection.
    pub(super) const SETUP: &'static str =
        "CREATE TEMP TABLE surprise (changed INTEGER, CONSTRAINT rows_have_moved CHECK (false))";

    /// The beginning of a transaction that writes.
    pub(super) fn begin() -> Self {
        let mut script = Self::default();
        script.add("BEGIN IMMEDIATE");
        script
    }

    /// Adds a statement: fixed words of ours, never what came from outside. Its arguments follow by [`Script::bind`].
    pub(super) fn add(&mut self, sql: &str) -> &mut Self {
        if self.statements > 0 {
            self.sql.push(';');
        }
        self.sql.push_str(sql);
        self.statements += 1;
        self
    }

    /// The next argument.
    pub(super) fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.broken.get_or_insert(error);
        }
        self
    }

    /// The next argument: an array for `jsonb_each`, or `json_each` where its elements are plain.
    pub(super) fn bind_json(&mut self, rows: &(impl Serialize + ?Sized)) -> &mut Self {
        match serde_json::to_string(rows) {
            Ok(json) => self.bind(json),
            Err(error) => {
                self.broken.get_or_insert(Box::new(error));
                self
            }
        }
    }

    /// Fails the script if the statement before has not changed just so many rows; see [`rows_have_moved`].
    pub(super) fn expect_changes(&mut self, rows: usize) -> &mut Self {
        const EXPECT: &str = "INSERT INTO surprise (changed) SELECT changes() WHERE changes() <> ?";
        self.add(EXPECT).bind(i64::try_from(rows).unwrap_or(i64::MAX))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// The place that the next statement will have.
    pub(super) fn next_place(&self) -> usize {
        self.statements
    }

    /// Sends the script and waits for its end.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> Result<Answer, sqlx::Error> {
        if let Some(error) = self.broken {
            return Err(sqlx::Error::Encode(error));
        }
        let mut answer = Answer::default();
        let mut ended = 0;
        // The text is made of our own words alone: see `add`.
        let mut answers = connection.fetch_many(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments));
        // Counted, rather than waited for the end of the stream, which would be a hand-over more.
        while ended < self.statements {
            match next(&mut answers).await? {
                // A pragma may step through rows that have no column: they answer nobody.
                Some(Either::Right(row)) if row.columns().is_empty() => {}
                Some(Either::Right(row)) => answer.rows.push((ended, row)),
                Some(Either::Left(done)) => {
                    answer.changed = done.rows_affected();
                    ended += 1;
                }
                None => return Err(sqlx::Error::WorkerCrashed),
            }
        }
        Ok(answer)
    }
}

/// What comes next. Most statements take less time than falling asleep and being woken by the connection's thread would
/// cost both: one looks again for a while, letting others in between.
async fn next<T>(
    answers: &mut (impl TryStream<Ok = T, Error = sqlx::Error> + Unpin),
) -> Result<Option<T>, sqlx::Error> {
    let mut next = answers.try_next();
    for _ in 0..LOOKS {
        if let Poll::Ready(answer) = poll!(&mut next) {
            return answer;
        }
        tokio::task::yield_now().await;
    }
    next.await
}

impl Answer {
    /// The rows of a script that reads in one place.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &SqliteRow> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// The only row of a script that reads in one place.
    pub(super) fn one<T: for<'r> FromRow<'r, SqliteRow>>(&self) -> Result<T, sqlx::Error> {
        T::from_row(self.rows().next().ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// Whether a script failed since a statement has not changed as many rows as expected.
pub(super) fn rows_have_moved(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_check_violation() && error.message().contains("rows_have_moved"))
}
