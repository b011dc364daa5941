//! What is written of calls and people, column by column.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::UnixMillis;
use crate::store::two_way::{ActionProgress, NewAction, Person};
use crate::store::{ActionState, Seq};

#[derive(Serialize)]
pub(super) struct Moved<'a>(
    Seq,
    &'static str,
    bool,
    u16,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<&'a str>,
    Option<i64>,
    bool,
);

#[derive(Serialize)]
pub(super) struct Made<'a>(
    Seq,
    Uuid,
    Uuid,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    Option<i64>,
    Option<i64>,
    i64,
    &'static str,
    bool,
    u16,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

#[derive(Serialize)]
pub(super) struct PersonColumns<'a>(
    &'a str,
    Option<&'a str>,
    u16,
    Vec<i64>,
    Option<i64>,
    Option<i64>,
    u16,
    Option<i64>,
    i64,
);

impl<'a> Moved<'a> {
    pub(super) fn of(seq: Seq, to: &'a ActionProgress, now: UnixMillis) -> Self {
        let done = to.state == ActionState::Done;
        Self(
            seq,
            to.state.as_str(),
            to.asks,
            to.attempts,
            to.lease.map(|lease| lease.0),
            to.next_at.map(|at| at.0),
            to.late_at.map(|at| at.0),
            to.outcome.as_deref(),
            done.then_some(now.0),
            to.doubt,
        )
    }
}

impl<'a> Made<'a> {
    pub(super) fn of(seq: Seq, action: &'a NewAction) -> Self {
        let progress = &action.progress;
        Self(
            seq,
            action.id,
            action.inbound.0,
            &action.between.number,
            &action.between.address,
            action.client.as_str(),
            action.command.as_str(),
            &action.language,
            &action.slots,
            &action.text,
            action.spend.as_ref().map(|spend| spend.day),
            action.spend.as_ref().map(|spend| spend.hundredths),
            action.at.0,
            progress.state.as_str(),
            progress.asks,
            progress.attempts,
            progress.lease.map(|lease| lease.0),
            progress.next_at.map(|at| at.0),
            progress.late_at.map(|at| at.0),
        )
    }
}

impl<'a> PersonColumns<'a> {
    pub(super) fn of(number: &'a str, person: &'a Person, now: UnixMillis) -> Self {
        Self(
            number,
            person.language.as_deref(),
            person.passive,
            person.wrong.iter().map(|at| at.0).collect(),
            person.locked_until.map(|at| at.0),
            person.said,
            person.said_times,
            person.said_since.map(|at| at.0),
            now.0,
        )
    }
}
