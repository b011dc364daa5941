//! Receipts meet their messages, or wait for them.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{self, ROW_COLUMNS, row_columns, segment_columns};
use super::commit::Transaction;
use crate::domain::{Name, State, UnixMillis};
use crate::store::matching::{self, agrees, tail};
use crate::store::{Claimed, Receipt, ReceiptResult, Row, SegmentRecord, SegmentState, Seq, Verdict};

/// Messages of one segment by the carrier's id. The last three terms are those of the partial index, to the letter.
pub(super) const BY_CARRIER_ID: &str = concat!(
    "SELECT j.value ->> 0, j.value ->> 1, 0, ",
    row_columns!(),
    " FROM json_each(?1) AS j CROSS JOIN message AS m WHERE m.carrier_message_id = (j.value ->> 2) \
     AND m.carrier = (j.value ->> 3) AND m.carrier_message_id IS NOT NULL AND m.receipt = 1 AND m.state <> 'delivered'"
);

/// Long messages by the carrier's id of one of their segments.
pub(super) const BY_SEGMENT_ID: &str = concat!(
    "SELECT j.value ->> 0, j.value ->> 1, s.number, ",
    row_columns!(),
    " FROM json_each(?1) AS j CROSS JOIN segment AS s CROSS JOIN message AS m \
     WHERE s.carrier_message_id = (j.value ->> 2) AND s.carrier = (j.value ->> 3) \
     AND s.carrier_message_id IS NOT NULL AND s.state <> 'delivered' AND m.seq = s.message_seq AND m.receipt = 1"
);

pub(super) const IN_DOUBT: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'uncertain' AND m.wake_at IS NOT NULL AND m.receipt = 1"
);

/// A row that a receipt may be about.
struct Candidate {
    receipt: usize,
    rank: usize,
    segment: Option<u8>,
    row: Row,
}

impl Transaction<'_> {
    pub(super) async fn match_receipts(&mut self, receipts: &[Receipt]) -> Result<(), sqlx::Error> {
        if receipts.is_empty() {
            return Ok(());
        }
        let mut candidates: HashMap<usize, Vec<Candidate>> = HashMap::new();
        for candidate in self.by_carrier_id(receipts).await? {
            candidates.entry(candidate.receipt).or_default().push(candidate);
        }
        let mut segments = self.segments_of(candidates.values().flatten()).await?;
        let mut doubts: Option<Vec<Row>> = None;
        for (index, receipt) in receipts.iter().enumerate() {
            let found = candidates.remove(&index).unwrap_or_default();
            if let Some(candidate) = self.choose(receipt, found) {
                self.applied.receipts.push(ReceiptResult::Matched { candidate: candidate.rank });
                let known = segments.entry(candidate.row.seq).or_default();
                self.apply_receipt(receipt, candidate.row, candidate.segment, known).await?;
                continue;
            }
            if doubts.is_none() {
                doubts = Some(self.in_doubt().await?);
            }
            let current = |row: &Row| self.rows.get(&row.seq).unwrap_or(row).clone();
            let rows = doubts.iter().flatten().map(current).filter(|row| row.progress.state == State::Uncertain);
            if let Some(row) = matching::doubt_settled_by(receipt, rows) {
                self.applied.receipts.push(ReceiptResult::SettledDoubt);
                self.apply_receipt(receipt, row, None, &mut Vec::new()).await?;
            } else {
                self.applied.receipts.push(ReceiptResult::Parked);
                self.park(receipt).await?;
            }
        }
        self.flush().await
    }

    /// The newest open message first; the recipient must agree.
    fn choose(&self, receipt: &Receipt, mut found: Vec<Candidate>) -> Option<Candidate> {
        for candidate in &mut found {
            if let Some(row) = self.rows.get(&candidate.row.seq) {
                candidate.row = row.clone();
            }
        }
        found.retain(|candidate| agrees(&candidate.row.to, &receipt.destination));
        found.into_iter().min_by_key(|candidate| {
            let open = !candidate.row.progress.state.is_final();
            (!open, std::cmp::Reverse(candidate.row.seq), candidate.rank)
        })
    }

    async fn apply_receipt(
        &mut self,
        receipt: &Receipt,
        row: Row,
        segment: Option<u8>,
        segments: &mut Vec<SegmentRecord>,
    ) -> Result<(), sqlx::Error> {
        if let Some(number) = segment
            && let Some(state) = matching::segment_after(receipt.verdict)
        {
            self.mark_segment(row.seq, number, state, receipt).await?;
            for record in segments.iter_mut().filter(|record| record.number == number) {
                record.state = state;
                record.code = receipt.code;
            }
        }
        match self.rules.after_receipt(&row, segments, receipt) {
            Some((progress, event)) => self.change(row, progress, event),
            None => {
                self.rows.insert(row.seq, row);
            }
        }
        Ok(())
    }

    async fn by_carrier_id(&mut self, receipts: &[Receipt]) -> Result<Vec<Candidate>, sqlx::Error> {
        let wanted: Vec<(usize, usize, &str, &str)> = receipts
            .iter()
            .enumerate()
            .flat_map(|(index, receipt)| {
                let carrier = receipt.carrier.as_str();
                receipt.candidates.iter().enumerate().map(move |(rank, id)| (index, rank, &**id, carrier))
            })
            .collect();
        let json = serde_json::to_string(&wanted).map_err(columns::decode)?;
        let mut rows = sqlx::query(BY_CARRIER_ID).bind(&json).fetch_all(&mut self.writer.connection).await?;
        rows.extend(sqlx::query(BY_SEGMENT_ID).bind(&json).fetch_all(&mut self.writer.connection).await?);
        rows.iter().map(candidate).collect()
    }

    async fn segments_of(
        &mut self,
        candidates: impl Iterator<Item = &Candidate>,
    ) -> Result<HashMap<Seq, Vec<SegmentRecord>>, sqlx::Error> {
        let seqs: Vec<Seq> =
            candidates.filter(|candidate| candidate.segment.is_some()).map(|candidate| candidate.row.seq).collect();
        self.segments_by_seq(&seqs).await
    }

    /// The answered segments of these messages.
    pub(super) async fn segments_by_seq(
        &mut self,
        seqs: &[Seq],
    ) -> Result<HashMap<Seq, Vec<SegmentRecord>>, sqlx::Error> {
        const SELECT: &str = concat!(
            "SELECT ",
            segment_columns!(),
            " FROM segment AS s WHERE s.message_seq IN (SELECT value FROM json_each(?1)) ORDER BY s.number"
        );
        let mut segments: HashMap<Seq, Vec<SegmentRecord>> = HashMap::new();
        if seqs.is_empty() {
            return Ok(segments);
        }
        let json = serde_json::to_string(seqs).map_err(columns::decode)?;
        for r in sqlx::query(SELECT).bind(json).fetch_all(&mut self.writer.connection).await? {
            let (seq, record) = columns::segment(&r, 0)?;
            segments.entry(seq).or_default().push(record);
        }
        Ok(segments)
    }

    async fn mark_segment(
        &mut self,
        seq: Seq,
        number: u8,
        state: SegmentState,
        receipt: &Receipt,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE segment SET state = ?3, code = ?4, at = ?5 WHERE message_seq = ?1 AND number = ?2")
            .bind(seq)
            .bind(number)
            .bind(state.as_str())
            .bind(receipt.code)
            .bind(receipt.at.0)
            .execute(&mut self.writer.connection)
            .await?;
        Ok(())
    }

    async fn in_doubt(&mut self) -> Result<Vec<Row>, sqlx::Error> {
        let rows = sqlx::query(IN_DOUBT).fetch_all(&mut self.writer.connection).await?;
        rows.iter().map(|r| columns::row(r, 0)).collect()
    }

    async fn park(&mut self, receipt: &Receipt) -> Result<(), sqlx::Error> {
        const INSERT: &str = "INSERT INTO parked_receipt (carrier, tail, destination, carrier_message_id, candidates, \
             reference, verdict, reason, code, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let (verdict, reason) = matching::verdict_words(receipt.verdict);
        let candidates = serde_json::to_string(&receipt.candidates).map_err(columns::decode)?;
        sqlx::query(INSERT)
            .bind(receipt.carrier.as_str())
            .bind(tail(&receipt.destination))
            .bind(&*receipt.destination)
            .bind(&*receipt.carrier_message_id)
            .bind(candidates)
            .bind(receipt.reference)
            .bind(verdict)
            .bind(reason)
            .bind(receipt.code)
            .bind(receipt.at.0)
            .execute(&mut self.writer.connection)
            .await?;
        self.writer.parked += 1;
        Ok(())
    }

    /// Looks whether a receipt was quicker than the answer, or than the doubt, that has just been settled.
    pub(super) async fn meet_parked_receipts(&mut self, claimed: &[Arc<Claimed>]) -> Result<(), sqlx::Error> {
        const SELECT: &str = "SELECT p.id, p.carrier, p.destination, p.carrier_message_id, p.candidates, p.reference, \
             p.verdict, p.reason, p.code, p.at FROM parked_receipt AS p \
             WHERE p.tail IN (SELECT value FROM json_each(?1)) ORDER BY p.id";
        if self.writer.parked == 0 || claimed.is_empty() {
            return Ok(());
        }
        let tails: Vec<&str> = claimed.iter().map(|claimed| tail(&claimed.to)).collect();
        let json = serde_json::to_string(&tails).map_err(columns::decode)?;
        let parked = sqlx::query(SELECT).bind(json).fetch_all(&mut self.writer.connection).await?;
        if parked.is_empty() {
            return Ok(());
        }
        let parked: Vec<(i64, Receipt)> = parked.iter().map(parked_receipt).collect::<Result<_, _>>()?;
        for claimed in claimed {
            self.meet_parked(claimed.seq, &parked).await?;
        }
        self.flush().await
    }

    async fn meet_parked(&mut self, seq: Seq, parked: &[(i64, Receipt)]) -> Result<(), sqlx::Error> {
        const SELECT: &str = concat!("SELECT ", row_columns!(), " FROM message AS m WHERE m.seq = ?1");
        let Some(r) = sqlx::query(SELECT).bind(seq).fetch_optional(&mut self.writer.connection).await? else {
            return Ok(());
        };
        let row = columns::row(&r, 0)?;
        let mut segments = match row.segments {
            0 | 1 => Vec::new(),
            _ => self.segments_by_seq(&[seq]).await?.remove(&seq).unwrap_or_default(),
        };
        for (id, receipt) in parked {
            let row = self.rows.get(&seq).unwrap_or(&row).clone();
            let Some(segment) = matching::parked_is_about(receipt, &row, &segments) else { continue };
            sqlx::query("DELETE FROM parked_receipt WHERE id = ?1")
                .bind(id)
                .execute(&mut self.writer.connection)
                .await?;
            self.writer.parked = self.writer.parked.saturating_sub(1);
            self.apply_receipt(receipt, row, segment, &mut segments).await?;
        }
        Ok(())
    }
}

fn candidate(r: &SqliteRow) -> Result<Candidate, sqlx::Error> {
    let segment: u8 = columns::narrow(r, 2)?;
    debug_assert_eq!(r.len(), 3 + ROW_COLUMNS);
    Ok(Candidate {
        receipt: columns::narrow(r, 0)?,
        rank: columns::narrow(r, 1)?,
        segment: (segment > 0).then_some(segment),
        row: columns::row(r, 3)?,
    })
}

fn parked_receipt(r: &SqliteRow) -> Result<(i64, Receipt), sqlx::Error> {
    let carrier: Name = columns::parsed(r, 1)?;
    let candidates: String = r.try_get(4)?;
    let verdict: String = r.try_get(6)?;
    let reason: Option<String> = r.try_get(7)?;
    let receipt = Receipt {
        carrier,
        destination: r.try_get::<String, _>(2)?.into(),
        carrier_message_id: r.try_get::<String, _>(3)?.into(),
        candidates: serde_json::from_str(&candidates).map_err(columns::decode)?,
        reference: r.try_get::<Option<i64>, _>(5)?.and_then(|reference| u16::try_from(reference).ok()),
        verdict: matching::verdict_of(&verdict, reason.as_deref()).map_err(columns::decode)?,
        code: r.try_get::<Option<i64>, _>(8)?.and_then(|code| u32::try_from(code).ok()),
        at: UnixMillis(r.try_get(9)?),
    };
    debug_assert!(!matches!(receipt.verdict, Verdict::Progress("")));
    Ok((r.try_get(0)?, receipt))
}
