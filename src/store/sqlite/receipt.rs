//! Receipts meet their messages, or wait for them.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{self, row_columns, segment_columns};
use super::commit::Transaction;
use super::json;
use crate::domain::{Name, UnixMillis};
use crate::store::matching::{self, Candidate, tail};
use crate::store::{Receipt, ReceiptResult, Row, SegmentRecord, Seq};

macro_rules! by_carrier_id {
    () => {
        concat!(
            "(SELECT json_group_array(json_array(j.value ->> 0, j.value ->> 1, 0, ",
            row_columns!(json),
            ")) FROM jsonb_each(?) AS j CROSS JOIN message AS m WHERE m.carrier_message_id = (j.value ->> 2) \
             AND m.carrier = (j.value ->> 3) AND m.carrier_message_id IS NOT NULL AND m.receipt = 1 \
             AND m.state <> 'delivered')"
        )
    };
}

/// Messages of one segment by the carrier's id. The last three terms are those of the partial index, to the letter.
pub(super) const BY_CARRIER_ID: &str = concat!("SELECT ", by_carrier_id!(), ", '[]'");

/// And long messages by the carrier's id of one of their segments.
pub(super) const BY_SEGMENT_ID: &str = concat!(
    "SELECT ",
    by_carrier_id!(),
    ", (SELECT json_group_array(json_array(j.value ->> 0, j.value ->> 1, s.number, ",
    row_columns!(json),
    ")) FROM jsonb_each(?) AS j CROSS JOIN segment AS s CROSS JOIN message AS m \
     WHERE s.carrier_message_id = (j.value ->> 2) AND s.carrier = (j.value ->> 3) \
     AND s.carrier_message_id IS NOT NULL AND s.state <> 'delivered' AND m.seq = s.message_seq AND m.receipt = 1)"
);

/// Rows that are out, or may be, to the recipients with these tails, under no id that we know.
pub(super) const OUT_UNNAMED: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'uncertain' AND m.wake_at IS NOT NULL AND m.receipt = 1 \
     AND substr(m.recipient, -7) IN (SELECT value FROM json_each(?)) \
     UNION ALL SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'claimed' AND m.receipt = 1 \
     AND substr(m.recipient, -7) IN (SELECT value FROM json_each(?)) \
     UNION ALL SELECT ",
    row_columns!(),
    " FROM json_each(?) AS j CROSS JOIN message AS m WHERE m.state = 'submitted' AND m.carrier_message_id IS NULL \
     AND m.segments = 1 AND m.receipt = 1 AND substr(m.recipient, -7) = j.value \
     UNION ALL SELECT ",
    row_columns!(),
    " FROM json_each(?) AS j CROSS JOIN message AS m WHERE m.state = 'failed' AND m.reason = 'outcome_unknown' \
     AND m.carrier_message_id IS NULL AND m.receipt = 1 AND substr(m.recipient, -7) = j.value"
);

pub(super) const BY_SEQ: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM jsonb_each(?) AS j CROSS JOIN message AS m WHERE m.seq = j.value"
);

type Segments = HashMap<Seq, Vec<SegmentRecord>>;

impl Transaction<'_> {
    /// Receipts with a known id first; then, with these applied, those that can only be about a doubt.
    pub(super) async fn match_receipts(&mut self, receipts: &[Receipt]) -> Result<(), sqlx::Error> {
        if receipts.is_empty() {
            return Ok(());
        }
        let mut found = self.by_carrier_id(receipts).await?;
        let long = found
            .values()
            .flatten()
            .filter(|it| it.segment.is_some())
            .map(|it| it.row.seq)
            .collect();
        let mut segments = self.segments_by_seq(long).await?;
        let first = self.applied.receipts.len();
        let mut unknown = Vec::new();
        for (index, receipt) in receipts.iter().enumerate() {
            let candidates = found.remove(&index).unwrap_or_default();
            let current = candidates.into_iter().map(|it| Candidate {
                row: self.current(&it.row),
                ..it
            });
            match matching::choose(receipt, current) {
                Some(candidate) => {
                    self.applied.receipts.push(ReceiptResult::Matched {
                        candidate: candidate.rank,
                    });
                    self.apply_receipt(receipt, candidate.row, candidate.segment, &mut segments);
                }
                None => {
                    self.applied.receipts.push(ReceiptResult::Parked);
                    unknown.push(index);
                }
            }
        }
        self.flush();
        if unknown.is_empty() {
            return Ok(());
        }
        let tails = unknown
            .iter()
            .map(|index| tail(&receipts[*index].destination))
            .collect();
        let doubts = self.out_unnamed(&tails).await?;
        let mut segments = self.segments_by_seq(long_ones(&doubts)).await?;
        let mut parked = Vec::new();
        for index in unknown {
            let receipt = &receipts[index];
            if self.settle_doubt(receipt, &doubts, &mut segments) {
                self.applied.receipts[first + index] = ReceiptResult::SettledDoubt;
            } else {
                parked.push(receipt);
            }
        }
        self.park(&parked);
        self.flush();
        Ok(())
    }

    /// Looks whether a receipt was quicker than the answer, or than the doubt, that these rows have just come to.
    pub(super) async fn meet_parked_receipts(&mut self, settled: &[(Seq, &str)]) -> Result<(), sqlx::Error> {
        const SELECT: &str = "SELECT p.id, p.carrier, p.destination, p.carrier_message_id, p.candidates, p.reference, \
             p.verdict, p.reason, p.code, p.at, p.done_at FROM parked_receipt AS p \
             WHERE p.tail IN (SELECT value FROM json_each(?)) ORDER BY p.id";
        if self.writer.parked == 0 || settled.is_empty() {
            return Ok(());
        }
        let tails: Vec<&str> = settled.iter().map(|(_, to)| tail(to)).collect();
        self.script.add(SELECT).bind_json(&tails);
        let answer = self.send().await?;
        // One that a newer version has parked waits for that version.
        let parked: Vec<(i64, Receipt)> = answer.rows().filter_map(|r| parked_receipt(r).ok()).collect();
        if parked.is_empty() {
            return Ok(());
        }
        let tails: HashSet<&str> = parked.iter().map(|(_, receipt)| tail(&receipt.destination)).collect();
        let seqs: Vec<Seq> = settled
            .iter()
            .filter(|(_, to)| tails.contains(tail(to)))
            .map(|(seq, _)| *seq)
            .collect();
        let rows = self.rows_by_seq(&seqs).await?;
        let doubts = if parked
            .iter()
            .any(|(_, receipt)| matching::may_be_about_unnamed(receipt, &rows))
        {
            self.out_unnamed(&tails).await?
        } else {
            Vec::new()
        };
        let mut segments = self
            .segments_by_seq([long_ones(&rows), long_ones(&doubts)].concat())
            .await?;
        let mut met = Vec::new();
        for (id, receipt) in &parked {
            let named = rows.iter().find_map(|row| {
                let known = segments.get(&row.seq).map_or(&[][..], Vec::as_slice);
                matching::names(receipt, row, known).map(|segment| (row, segment))
            });
            if let Some((row, segment)) = named {
                let row = self.current(row);
                self.apply_receipt(receipt, row, segment, &mut segments);
                met.push(*id);
            } else if matching::may_be_about_unnamed(receipt, &rows)
                && self.settle_doubt(receipt, &doubts, &mut segments)
            {
                met.push(*id);
            }
        }
        self.forget_parked(&met);
        self.flush();
        Ok(())
    }

    fn settle_doubt(&mut self, receipt: &Receipt, doubts: &[Row], segments: &mut Segments) -> bool {
        let current = doubts.iter().map(|row| self.rows.get(&row.seq).unwrap_or(row));
        let Some(row) = matching::doubt_settled_by(receipt, current).cloned() else {
            return false;
        };
        self.apply_receipt(receipt, row, None, segments);
        true
    }

    fn apply_receipt(&mut self, receipt: &Receipt, row: Row, segment: Option<u8>, segments: &mut Segments) {
        let known = segments.entry(row.seq).or_default();
        if let Some(number) = segment
            && let Some(state) = matching::segment_after(receipt.verdict)
        {
            self.marks.insert((row.seq, number), (state, receipt.code, receipt.at));
            for record in known.iter_mut().filter(|record| record.number == number) {
                (record.state, record.code, record.at) = (state, receipt.code, receipt.at);
            }
        }
        if let Some((progress, event)) = self.rules.after_receipt(&row, known, receipt) {
            self.change(row, progress, event);
        }
    }

    /// The row as this transaction has left it.
    fn current(&self, row: &Row) -> Row {
        self.rows.get(&row.seq).unwrap_or(row).clone()
    }

    async fn by_carrier_id(&mut self, receipts: &[Receipt]) -> Result<HashMap<usize, Vec<Candidate>>, sqlx::Error> {
        let wanted: Vec<(usize, usize, &str, &str)> = receipts
            .iter()
            .enumerate()
            .flat_map(|(index, receipt)| {
                let carrier = receipt.carrier.as_str();
                receipt
                    .candidates
                    .iter()
                    .enumerate()
                    .map(move |(rank, id)| (index, rank, &**id, carrier))
            })
            .collect();
        if self.writer.segments {
            self.script.add(BY_SEGMENT_ID).bind_json(&wanted).bind_json(&wanted);
        } else {
            self.script.add(BY_CARRIER_ID).bind_json(&wanted);
        }
        let answer = self.send().await?;
        let mut found: HashMap<usize, Vec<Candidate>> = HashMap::new();
        for r in answer.rows() {
            for r in json::rows(r, 0)?.iter().chain(&json::rows(r, 1)?) {
                let Some(row) = self.readable(r, 3)? else {
                    continue;
                };
                let segment: u8 = columns::narrow(r, 2)?;
                found.entry(columns::narrow(r, 0)?).or_default().push(Candidate {
                    rank: columns::narrow(r, 1)?,
                    segment: (segment > 0).then_some(segment),
                    row,
                });
            }
        }
        Ok(found)
    }

    /// These rows, as far as they can be read.
    pub(super) async fn rows_by_seq(&mut self, seqs: &[Seq]) -> Result<Vec<Row>, sqlx::Error> {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        self.script.add(BY_SEQ).bind_json(seqs);
        self.read_rows().await
    }

    async fn out_unnamed(&mut self, tails: &HashSet<&str>) -> Result<Vec<Row>, sqlx::Error> {
        self.script
            .add(OUT_UNNAMED)
            .bind_json(tails)
            .bind_json(tails)
            .bind_json(tails)
            .bind_json(tails);
        self.read_rows().await
    }

    async fn read_rows(&mut self) -> Result<Vec<Row>, sqlx::Error> {
        let found = self.send().await?;
        let mut rows = Vec::with_capacity(found.rows().len());
        for r in found.rows() {
            rows.extend(self.readable(r, 0)?);
        }
        Ok(rows)
    }

    /// The answered segments of these messages.
    pub(super) async fn segments_by_seq(&mut self, seqs: Vec<Seq>) -> Result<Segments, sqlx::Error> {
        const SELECT: &str = concat!(
            "SELECT ",
            segment_columns!(),
            " FROM segment AS s WHERE s.message_seq IN (SELECT value FROM json_each(?)) ORDER BY s.number"
        );
        let mut segments = Segments::new();
        if seqs.is_empty() {
            return Ok(segments);
        }
        self.script.add(SELECT).bind_json(&seqs);
        for r in self.send().await?.rows() {
            let (seq, record) = columns::segment(r, 0)?;
            segments.entry(seq).or_default().push(record);
        }
        Ok(segments)
    }

    fn park(&mut self, receipts: &[&Receipt]) {
        #[derive(Serialize)]
        struct Columns<'a>(
            &'a str,
            &'a str,
            &'a str,
            &'a str,
            &'a [Box<str>],
            Option<u16>,
            &'a str,
            Option<&'a str>,
            Option<u32>,
            i64,
            Option<i64>,
        );
        const INSERT: &str = "INSERT INTO parked_receipt (carrier, tail, destination, carrier_message_id, candidates, \
             reference, verdict, reason, code, at, done_at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, \
             value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, \
             value ->> 10 FROM jsonb_each(?)";
        if receipts.is_empty() {
            return;
        }
        let rows: Vec<_> = receipts
            .iter()
            .map(|receipt| {
                let (verdict, reason) = matching::verdict_words(receipt.verdict);
                Columns(
                    receipt.carrier.as_str(),
                    tail(&receipt.destination),
                    &receipt.destination,
                    &receipt.carrier_message_id,
                    &receipt.candidates,
                    receipt.reference,
                    verdict,
                    reason,
                    receipt.code,
                    receipt.at.0,
                    receipt.done_at.map(|at| at.0),
                )
            })
            .collect();
        self.script.add(INSERT).bind_json(&rows);
        self.writer.parked += receipts.len() as u64;
    }

    /// Forgets parked receipts that this transaction has read.
    fn forget_parked(&mut self, ids: &[i64]) {
        const DELETE: &str = "DELETE FROM parked_receipt WHERE id IN (SELECT value FROM json_each(?))";
        if !ids.is_empty() {
            self.script.add(DELETE).bind_json(ids);
            self.writer.parked = self.writer.parked.saturating_sub(ids.len() as u64);
        }
    }
}

fn long_ones(rows: &[Row]) -> Vec<Seq> {
    rows.iter().filter(|row| row.segments > 1).map(|row| row.seq).collect()
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
        reference: r
            .try_get::<Option<i64>, _>(5)?
            .and_then(|reference| u16::try_from(reference).ok()),
        verdict: matching::verdict_of(&verdict, reason.as_deref()).map_err(columns::decode)?,
        code: r
            .try_get::<Option<i64>, _>(8)?
            .and_then(|code| u32::try_from(code).ok()),
        done_at: r.try_get::<Option<i64>, _>(10)?.map(UnixMillis),
        at: UnixMillis(r.try_get(9)?),
    };
    Ok((r.try_get(0)?, receipt))
}
