//! Wishes of owners and ops.

use super::columns::row_columns;
use super::commit::Transaction;
use crate::domain::State;
use crate::store::{Act, ActItem, ActResult};

impl Transaction<'_> {
    pub(super) async fn act(&mut self, items: &[ActItem]) -> Result<(), sqlx::Error> {
        const SELECT: &str = concat!(
            "SELECT ",
            row_columns!(),
            " FROM message AS m WHERE m.id = ? AND m.client = coalesce(?, m.client)"
        );
        for item in items {
            let client = item.client.as_ref().map(|client| client.as_str());
            self.script.add(SELECT).bind(item.id.0).bind(client);
            let answer = self.send().await?;
            let Some(found) = answer.rows().next() else {
                self.applied.acts.push(ActResult::NotFound);
                continue;
            };
            let Some(row) = self.readable(found, 0)? else {
                self.applied.acts.push(ActResult::Refused {
                    state: State::Quarantined,
                    since: None,
                });
                continue;
            };
            let result = match self.rules.act(&row, item.act, self.now) {
                Ok((progress, event)) => {
                    let state = progress.state;
                    if item.act == Act::Requeue {
                        // It goes out whole: what carriers once took of it is history.
                        self.script
                            .add("DELETE FROM segment WHERE message_seq = ?")
                            .bind(row.seq);
                    }
                    self.change(row, progress, event);
                    self.flush();
                    ActResult::Done(state)
                }
                Err(refused) => refused,
            };
            self.applied.acts.push(result);
        }
        Ok(())
    }
}
