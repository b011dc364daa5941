//! What owners are told: written with the change that it tells of, settled as webhooks go out.

use serde::Serialize;

use super::columns::{self, Cells};
use super::commit::Transaction;
use crate::domain::{Flags, Name, Reason, State};
use crate::store::notice::{HURRIED, NewNotice};
use crate::store::{Fate, NoticeAct, NoticeKind, NoticeSettle, OffReason, Seq};

/// By place alone: `+` keeps the planner from the index of what is pending.
pub(super) const SETTLE: &str = "UPDATE notice SET due_at = j.value ->> 1, attempts = j.value ->> 2, \
     bundle = j.value ->> 3, tried_at = j.value ->> 4, outcome = j.value ->> 5, dead_at = j.value ->> 6 \
     FROM jsonb_each(?) AS j WHERE notice.seq = (j.value ->> 0) AND +notice.due_at IS NOT NULL";

/// Later notices of these ones' messages are not due before them.
pub(super) const HOLD_LATER: &str = "WITH l AS MATERIALIZED \
     (SELECT n.seq AS seq, (j.value ->> 1) AS due_at FROM jsonb_each(?) AS j CROSS JOIN notice AS e \
      CROSS JOIN notice AS n INDEXED BY notice_message WHERE e.seq = (j.value ->> 0) \
      AND n.message_seq = e.message_seq AND n.seq > e.seq AND n.endpoint IS NOT NULL AND +n.due_at < (j.value ->> 1)) \
     UPDATE notice SET due_at = l.due_at FROM l WHERE notice.seq = l.seq";

macro_rules! replay {
    ($of:literal) => {
        concat!(
            "UPDATE notice SET due_at = ?, attempts = 0, bundle = NULL, dead_at = NULL WHERE seq IN \
             (SELECT n.seq FROM notice AS n INDEXED BY notice_dead WHERE n.dead_at IS NOT NULL",
            $of,
            " AND n.seq >= ? AND n.seq <= ? ORDER BY n.seq LIMIT ?)"
        )
    };
}

pub(super) const REPLAY: &str = replay!("");
pub(super) const REPLAY_OF: &str = replay!(" AND n.endpoint = ?");

/// What is pending for an endpoint and not due yet.
pub(super) const HURRY: &str = "UPDATE notice SET due_at = ? WHERE seq IN (SELECT seq FROM notice \
     WHERE endpoint = ? AND due_at > ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?)";

impl Transaction<'_> {
    /// Writes what owners are told of this batch so far.
    pub(super) fn write_notices(&mut self) {
        #[derive(Serialize)]
        struct Columns<'a>(
            Option<Seq>,
            Option<Seq>,
            Option<Seq>,
            Option<Seq>,
            Option<&'a str>,
            &'static str,
            i64,
            Option<&'static str>,
            Option<u32>,
            u32,
            Option<&'a str>,
            Option<&'a str>,
            Option<i64>,
        );
        const INSERT: &str = "INSERT INTO notice (message_seq, inbound_seq, consent_seq, case_seq, client, kind, at, reason, code, \
             flags, carrier, endpoint, due_at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
             value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, \
             value ->> 12 FROM jsonb_each(?)";
        let changed = &self.applied.changed[self.noticed..];
        let mut new = std::mem::take(&mut self.notices);
        new.extend(changed.iter().filter_map(|changed| NewNotice::of(changed, self.rules)));
        // That it was read is told after that it was delivered.
        new.sort_by_key(|notice| notice.kind == NoticeKind::MessageRead);
        self.noticed = self.applied.changed.len();
        if new.is_empty() {
            return;
        }
        let rows: Vec<_> = new
            .iter()
            .map(|notice| {
                let endpoint = notice.endpoint.as_ref();
                Columns(
                    notice.message,
                    notice.inbound,
                    notice.consent,
                    notice.case,
                    notice.client.as_ref().map(Name::as_str),
                    notice.kind.as_str(),
                    notice.at.0,
                    notice.reason.map(Reason::as_str),
                    notice.code,
                    notice.flags.0,
                    notice.carrier.as_ref().map(Name::as_str),
                    endpoint.map(|endpoint| endpoint.as_str()),
                    endpoint.map(|_| self.now.0),
                )
            })
            .collect();
        self.script.add(INSERT).bind_json(&rows);
        self.applied.noticed = true;
        for endpoint in new.into_iter().filter_map(|notice| notice.endpoint) {
            if !self.applied.heard_by.contains(&endpoint) {
                self.applied.heard_by.insert(endpoint);
            }
        }
    }

    /// The owner of a row that is set aside just now is told as well, as far as the row says who that is.
    pub(super) fn tell_of_quarantine(&mut self, seq: Seq, r: &impl Cells, at: usize, reason: Reason) {
        let known = self.notices.iter().any(|notice| notice.message == Some(seq));
        if known {
            return;
        }
        let kind = NoticeKind::Message(State::Quarantined);
        let client: Option<Name> = columns::parsed(r, at + columns::CLIENT).ok();
        let callback = r.text(at + columns::CALLBACK).ok().flatten();
        self.notices.push(NewNotice {
            message: Some(seq),
            inbound: None,
            consent: None,
            case: None,
            endpoint: client
                .as_ref()
                .and_then(|client| self.rules.hears(client, kind, callback)),
            client: None,
            kind,
            at: self.now,
            reason: Some(reason),
            code: None,
            flags: Flags::default(),
            carrier: None,
        });
    }

    /// Notes what came of webhooks. One that is pending no more is left alone.
    pub(super) fn settle_notices(&mut self, items: &[NoticeSettle]) {
        #[derive(Serialize)]
        struct Columns<'a>(Seq, Option<i64>, u16, Option<Seq>, i64, &'a str, Option<i64>);
        if items.is_empty() {
            return;
        }
        let mut again = Vec::new();
        let rows: Vec<_> = items
            .iter()
            .map(|item| {
                let (due_at, bundle, dead_at) = match item.fate {
                    Fate::Told => (None, None, None),
                    Fate::Again { at, bundle } => (Some(at.0), bundle, None),
                    Fate::Dead => (None, None, Some(self.now.0)),
                };
                again.extend(due_at.map(|due_at| (item.seq, due_at)));
                Columns(
                    item.seq,
                    due_at,
                    item.attempts,
                    bundle,
                    item.tried_at.0,
                    &item.outcome,
                    dead_at,
                )
            })
            .collect();
        self.script.add(SETTLE).bind_json(&rows);
        if !again.is_empty() {
            self.script.add(HOLD_LATER).bind_json(&again);
        }
    }

    pub(super) async fn act_on_notices(&mut self, acts: &[NoticeAct]) -> Result<(), sqlx::Error> {
        for act in acts {
            match act {
                NoticeAct::Replay {
                    endpoint: None,
                    from,
                    to,
                    limit,
                } => {
                    self.script.add(REPLAY).bind(self.now.0);
                    self.script.bind(*from).bind(*to).bind(*limit);
                }
                NoticeAct::Replay {
                    endpoint: Some(endpoint),
                    from,
                    to,
                    limit,
                } => {
                    self.script.add(REPLAY_OF).bind(self.now.0).bind(endpoint.as_str());
                    self.script.bind(*from).bind(*to).bind(*limit);
                }
                NoticeAct::SwitchOff { endpoint, reason } => {
                    const OFF: &str = "INSERT INTO webhook_off (endpoint, at, reason) VALUES (?, ?, ?) \
                         ON CONFLICT (endpoint) DO UPDATE SET at = excluded.at, reason = excluded.reason \
                         WHERE webhook_off.reason = 'failing' AND excluded.reason <> 'failing'";
                    self.script.add(OFF).bind(endpoint.as_str()).bind(self.now.0);
                    self.script.bind(reason.as_str());
                }
                NoticeAct::SwitchOn { endpoint, from } => {
                    const ON: &str = "DELETE FROM webhook_off WHERE endpoint = ? AND reason = coalesce(?, reason)";
                    self.script.add(ON).bind(endpoint.as_str());
                    self.script.bind(from.map(OffReason::as_str));
                    self.script.add(HURRY).bind(self.now.0).bind(endpoint.as_str());
                    self.script.bind(self.now.0).bind(HURRIED);
                }
            }
            let moved = self.send().await?.changed;
            self.applied.notice_acts.push(u32::try_from(moved).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}
