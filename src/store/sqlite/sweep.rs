//! Rows whose time has come, rows that a dead process held, rows of lanes that are no more.

use super::columns::{self, Cells, row_columns};
use super::commit::Transaction;
use super::script::Answer;
use crate::domain::{Lane, Reason, State};
use crate::store::{Event, Progress, Row, Sweep, SweepResult};

pub(super) const DUE: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = ? AND m.wake_at <= ? AND m.wake_at IS NOT NULL ORDER BY m.wake_at LIMIT ?"
);

pub(super) const ORPHANS: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'claimed' AND m.lease IS NOT ? ORDER BY m.seq LIMIT ?"
);

const ABANDONED: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'claimed' AND m.carrier = ? AND m.bind = ? ORDER BY m.seq LIMIT ?"
);

pub(super) const STRAYS: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'queued' AND m.route = ? AND m.step = ? LIMIT ?"
);

impl Transaction<'_> {
    pub(super) async fn sweep(&mut self, sweeps: &[Sweep]) -> Result<(), sqlx::Error> {
        let (rules, now) = (self.rules, self.now);
        for sweep in sweeps {
            let result = match sweep {
                Sweep::Due { state, limit } => {
                    self.script.add(DUE).bind(state.as_str()).bind(now.0).bind(*limit);
                    let found = self.send().await?;
                    self.move_on(&found, *limit, |row| rules.when_due(row, now)).await?
                }
                Sweep::Orphans { lease, limit } => {
                    self.script.add(ORPHANS).bind(lease.0).bind(*limit);
                    let found = self.send().await?;
                    self.move_on(&found, *limit, |row| rules.orphaned(row, now)).await?
                }
                Sweep::Strays {
                    lane,
                    to: Some(to),
                    limit,
                } => self.move_strays(lane, to, *limit).await?,
                Sweep::Abandoned { bind, limit } => {
                    self.script.add(ABANDONED).bind(bind.carrier.as_str());
                    self.script.bind(bind.bind).bind(*limit);
                    let found = self.send().await?;
                    self.move_on(&found, *limit, |row| rules.orphaned(row, now)).await?
                }
                Sweep::Damaged { seqs } => self.isolate(seqs).await?,
                Sweep::Strays { lane, to: None, limit } => {
                    let (route, step) = (lane.route.as_str(), lane.step);
                    self.script.add(STRAYS).bind(route).bind(step).bind(*limit);
                    let found = self.send().await?;
                    let fail = |row: &Row| row.progress.clone().ended(State::Failed, Some(Reason::NoRoute), now);
                    self.move_on(&found, *limit, |row| (fail(row), None)).await?
                }
            };
            self.applied.sweeps.push(result);
        }
        Ok(())
    }

    async fn move_on(
        &mut self,
        found: &Answer,
        limit: u32,
        next: impl Fn(&Row) -> (Progress, Option<Event>),
    ) -> Result<SweepResult, sqlx::Error> {
        let mut doubts = Vec::new();
        for r in found.rows() {
            let Some(row) = self.readable(r, 0)? else {
                continue;
            };
            let (progress, event) = next(&row);
            if progress.state == State::Uncertain && row.receipt {
                doubts.push((row.seq, row.to.clone()));
            }
            self.change(row, progress, event);
        }
        self.flush();
        let doubts: Vec<_> = doubts.iter().map(|(seq, to)| (*seq, &**to)).collect();
        self.meet_parked_receipts(&doubts).await?;
        Ok(swept(found.rows().len() as u64, limit))
    }

    async fn move_strays(&mut self, lane: &Lane, to: &Lane, limit: u32) -> Result<SweepResult, sqlx::Error> {
        const MOVE: &str = "UPDATE message SET route = ?, step = ? WHERE seq IN \
             (SELECT seq FROM message WHERE state = 'queued' AND route = ? AND step = ? LIMIT ?)";
        self.script.add(MOVE).bind(to.route.as_str()).bind(to.step);
        self.script.bind(lane.route.as_str()).bind(lane.step).bind(limit);
        let moved = self.send().await?.changed;
        Ok(swept(moved, limit))
    }

    /// Reads a row. One that cannot be read is set aside for a person, and the others go on.
    pub(super) fn readable(&mut self, r: &impl Cells, at: usize) -> Result<Option<Row>, sqlx::Error> {
        match columns::row(r, at) {
            Ok(row) => Ok(Some(row)),
            Err(error) => {
                self.quarantine_row(r, at, &error)?;
                Ok(None)
            }
        }
    }
}

fn swept(rows: u64, limit: u32) -> SweepResult {
    let moved = u32::try_from(rows).unwrap_or(u32::MAX);
    SweepResult {
        moved,
        more: moved == limit,
    }
}
