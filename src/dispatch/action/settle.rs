//! What follows from a call, committed: its row moves on, and the customer is told where it is over, or the person who
//! owns the conversation by then.

use metrics::counter;

use super::policy::{After, End};
use super::{Actions, STORE_PAUSE, key, locale, told_apart};
use crate::clock;
use crate::inbound::case::{Left, Promise};
use crate::inbound::say::Say;
use crate::store::two_way::Leaves;
use crate::store::{
    ActionProgress, ActionRecord, ActionState, CaseReason, CaseStep, Enqueue, OpenCase, StoreError, Turn, TurnResult,
};

impl Actions {
    pub(super) async fn say_late(&self, record: &mut ActionRecord) {
        record.action.progress.late_at = None;
        let say = Say::Words("late", self.called(record));
        let turn = moved(
            record,
            record.action.progress.clone(),
            false,
            self.message(record, &say),
        );
        if self.commit(record, turn, None).await {
            record.version += 1;
        }
    }

    /// Notes what follows, and tells the customer where it is over: or the person who owns the conversation by then.
    pub(super) async fn settle(&self, record: &ActionRecord, after: After, outcome: &str) {
        let mut progress = record.action.progress.clone();
        progress.lease = None;
        progress.outcome = Some(outcome.into());
        let again = matches!(after, After::Again { .. });
        let unknown = matches!(after, After::Over(End::Unknown));
        let mut ended = None;
        let turn = match after {
            After::Again { at, asks, doubt } => {
                (progress.state, progress.asks, progress.next_at) = (ActionState::Waiting, asks, Some(at));
                progress.doubt = doubt;
                // Where the next call comes later than the customer should hear that it takes long, he hears it now.
                let late = progress.late_at.filter(|late| *late <= at).map(|_| {
                    progress.late_at = None;
                    Say::Words("late", self.called(record))
                });
                let message = late.and_then(|say| self.message(record, &say));
                moved(record, progress, false, message)
            }
            After::Over(end) => {
                (progress.state, progress.next_at, progress.late_at) = (ActionState::Done, None, None);
                let (word, say) = self.said(record, &end);
                let word: Box<str> = word.into();
                ended = Some(word.clone());
                progress.outcome = Some(word);
                counter!(
                    "araldo_commands_total",
                    "command" => record.action.command.to_string(), "outcome" => end.word()
                )
                .increment(1);
                if end == End::Unknown {
                    tracing::error!(
                        event = "action_unknown", command = %record.action.command, key = key(record),
                        "whether the back end has done it is not known; a person must look"
                    );
                }
                let refunds = matches!(end, End::Refused(_) | End::Failed | End::Stopped(_));
                moved(record, progress, refunds, self.message(record, &say))
            }
        };
        match unknown {
            true => self.commit_with_case(record, turn).await,
            false => self.commit(record, turn, ended.as_deref()).await,
        };
        if again {
            self.ring();
        }
    }

    /// What nobody knows is left to a person, in the very commit that says so: the case is looked for anew as often as
    /// it moves meanwhile.
    pub(super) async fn commit_with_case(&self, record: &ActionRecord, turn: Turn) -> bool {
        loop {
            let mut turn = copy(&turn);
            let done = async {
                let between = std::slice::from_ref(&record.action.between);
                let standing = self.parts.store.standings(between).await?.pop().unwrap_or_default();
                self.to_person(record, standing.case, &mut turn);
                self.parts.outbox.turn(turn).await
            };
            match done.await {
                Ok(TurnResult::NotAsSeen | TurnResult::Owned(_)) => {}
                Ok(result) => return self.is_done(record, &result),
                Err(StoreError::Io(_) | StoreError::Open(_)) => return false,
                Err(error) => {
                    tracing::warn!(event = "call_not_settled", %error);
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    fn to_person(&self, record: &ActionRecord, open: Option<OpenCase>, turn: &mut Turn) {
        let action = &record.action;
        let note: Box<str> = format!("Nobody knows whether the back end has done it: {}.", told_apart(record)).into();
        if let Some(open) = open {
            if open.is_taken {
                turn.messages.clear();
            }
            turn.case = Some(CaseStep::Note {
                id: open.id,
                text: note,
            });
            return;
        }
        let book = self.parts.shelf.load();
        let Some(client) = book.named(&action.client).filter(|_| book.desk().opens_cases()) else {
            return;
        };
        let promise = Promise {
            book: &book,
            intake: &self.parts.intake,
        };
        let left = Left {
            id: clock::case_id(),
            between: &action.between,
            client,
            locale: locale(record),
            reason: CaseReason::ActionUnknown,
            understood: Some(action.command.as_str().into()),
            note: Some(note),
            heard_at: action.at,
            tells: true,
        };
        let (step, told) = promise.open(left, self.parts.clock.now());
        turn.case = Some(step);
        turn.messages.extend(told);
    }

    /// Commits what is known now, however long the store takes: nobody else knows it. Where a person owns the
    /// conversation, a note on the case stands for what the customer would be told of a call that has `ended` so.
    pub(super) async fn commit(&self, record: &ActionRecord, turn: Turn, ended: Option<&str>) -> bool {
        let mut owned = None;
        loop {
            let mut turn = copy(&turn);
            if let Some(id) = owned {
                turn.messages.clear();
                turn.case = ended.map(|word| CaseStep::Note {
                    id,
                    text: format!(
                        "{} has ended: {word}. The customer was not told, as a person owns the conversation.",
                        told_apart(record)
                    )
                    .into(),
                });
            }
            match self.parts.outbox.turn(turn).await {
                Ok(TurnResult::Owned(id)) => owned = Some(id),
                // It was solved meanwhile.
                Ok(TurnResult::NotAsSeen) => owned = None,
                Ok(result) => return self.is_done(record, &result),
                Err(StoreError::Io(_) | StoreError::Open(_)) => return false,
                Err(error) => {
                    tracing::warn!(event = "call_not_settled", %error);
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Whether a turn was taken; what the customer is told by it counts.
    fn is_done(&self, record: &ActionRecord, result: &TurnResult) -> bool {
        let TurnResult::Done { messages, .. } = result else {
            return false;
        };
        let between = &record.action.between;
        let now = self.parts.clock.now();
        self.parts
            .limits
            .sent(&between.number, &between.address, messages.len(), now);
        true
    }
}

pub(super) fn moved(record: &ActionRecord, becomes: ActionProgress, refunds: bool, message: Option<Enqueue>) -> Turn {
    let mut turn = Turn::new(Leaves::Action {
        seq: record.seq,
        version: record.version,
        becomes: Box::new(becomes),
        refunds,
    });
    turn.messages.extend(message);
    turn
}

/// The same turn to be tried again: as if no bind had been found for its message.
pub(super) fn copy(turn: &Turn) -> Turn {
    let mut copy = Turn::new(turn.leaves.clone());
    copy.messages = turn.messages.iter().map(Enqueue::again).collect();
    copy
}
