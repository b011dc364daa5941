//! Receipts meet their messages, or wait for them.

use super::commit::Transaction;
use crate::store::matching::{self, Candidate, tail};
use crate::store::{Receipt, ReceiptResult, Row, SegmentRecord, Seq};

/// A place in the candidates of a receipt: rank, segment, row.
type Place = (usize, Option<u8>, Seq);

impl Transaction<'_> {
    /// Receipts with a known id first; then, with these applied, those that can only be about a doubt. What is known by
    /// an id is read before any is applied, so that two receipts for one message in a batch both meet it.
    pub(super) fn match_receipts(&mut self, receipts: &[Receipt]) {
        let found: Vec<Vec<Place>> = receipts.iter().map(|receipt| self.places(receipt)).collect();
        let mut unknown = Vec::new();
        for (receipt, places) in receipts.iter().zip(found) {
            let candidates = places.into_iter().filter_map(|(rank, segment, seq)| {
                Some(Candidate {
                    rank,
                    segment,
                    row: self.tables.row(seq)?.clone(),
                })
            });
            match matching::choose(receipt, candidates) {
                Some(candidate) => {
                    self.applied.receipts.push(ReceiptResult::Matched {
                        candidate: candidate.rank,
                    });
                    self.apply_receipt(receipt, &candidate.row, candidate.segment);
                }
                None => {
                    unknown.push((self.applied.receipts.len(), receipt));
                    self.applied.receipts.push(ReceiptResult::Parked);
                }
            }
        }
        for (place, receipt) in unknown {
            if self.settle_doubt(receipt) {
                self.applied.receipts[place] = ReceiptResult::SettledDoubt;
            } else {
                self.tables.parked.insert(self.tables.next_parked, receipt.clone());
                self.tables.next_parked += 1;
            }
        }
    }

    fn places(&self, receipt: &Receipt) -> Vec<Place> {
        let ranked = receipt.candidates.iter().enumerate();
        ranked
            .flat_map(|(rank, id)| {
                let short = self
                    .tables
                    .by_carrier_id(&receipt.carrier, id)
                    .map(move |row| (rank, None, row.seq));
                let long = self.tables.by_segment_id(&receipt.carrier, id);
                short.chain(long.map(move |(number, row)| (rank, Some(number), row.seq)))
            })
            .collect()
    }

    /// Looks whether a receipt was quicker than the answer, or than the doubt, that these rows have just come to.
    pub(super) fn meet_parked_receipts(&mut self, settled: &[Seq]) {
        let rows: Vec<Row> = settled
            .iter()
            .filter_map(|seq| self.tables.row(*seq))
            .cloned()
            .collect();
        let concerns = |receipt: &Receipt| rows.iter().any(|row| tail(&row.to) == tail(&receipt.destination));
        let parked: Vec<(u64, Receipt)> = self
            .tables
            .parked
            .iter()
            .filter(|(_, receipt)| concerns(receipt))
            .map(|(id, receipt)| (*id, receipt.clone()))
            .collect();
        for (id, receipt) in parked {
            let named = rows.iter().find_map(|row| {
                matching::names(&receipt, row, &self.segments_of_long(row)).map(|segment| (row.seq, segment))
            });
            let met = match named {
                Some((seq, segment)) => {
                    let row = self.tables.row(seq).cloned();
                    row.is_some_and(|row| {
                        self.apply_receipt(&receipt, &row, segment);
                        true
                    })
                }
                None => matching::may_be_about_unnamed(&receipt, &rows) && self.settle_doubt(&receipt),
            };
            if met {
                self.tables.parked.remove(&id);
            }
        }
    }

    fn settle_doubt(&mut self, receipt: &Receipt) -> bool {
        let out = self.tables.messages.values().map(|message| &message.row);
        let Some(row) = matching::doubt_settled_by(receipt, out).cloned() else {
            return false;
        };
        self.apply_receipt(receipt, &row, None);
        true
    }

    fn apply_receipt(&mut self, receipt: &Receipt, row: &Row, segment: Option<u8>) {
        if let Some(number) = segment
            && let Some(state) = matching::segment_after(receipt.verdict)
            && let Some(known) = self.tables.segment(row.seq, number).cloned()
        {
            let marked = SegmentRecord {
                state,
                code: receipt.code,
                at: receipt.at,
                ..known
            };
            self.tables.put_segment(row.seq, marked);
        }
        let segments = self.segments_of_long(row);
        if let Some((progress, event)) = self.rules.after_receipt(row, &segments, receipt) {
            self.change(row, progress, event);
        }
    }

    fn segments_of_long(&self, row: &Row) -> Vec<SegmentRecord> {
        if row.segments > 1 {
            self.tables.segments_of(row.seq)
        } else {
            Vec::new()
        }
    }
}
