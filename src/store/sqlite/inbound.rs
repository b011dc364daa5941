//! Inbound texts, and PDUs that could not be read.

use serde::Serialize;
use sqlx::Row as _;
use uuid::Uuid;

use super::checksum;
use super::commit::Transaction;
use super::script::Script;
use super::two_way::DROP_QUESTION;
use crate::domain::Concat;
use crate::store::batch::QUARANTINE_ROWS;
use crate::store::matching::{self, KnownInbound};
use crate::store::notice::NewNotice;
use crate::store::{BadPdu, InboundResult, NewInbound, Seq};

pub(super) const BY_ID: &str = "SELECT i.carrier, i.carrier_message_id, i.digest, i.at \
     FROM jsonb_each(?) AS j CROSS JOIN inbound AS i \
     WHERE i.carrier = (j.value ->> 0) AND i.carrier_message_id = (j.value ->> 1) AND i.carrier_message_id IS NOT NULL";

pub(super) const BY_OCTETS: &str = "SELECT i.carrier, i.carrier_message_id, i.digest, i.at \
     FROM json_each(?) AS j CROSS JOIN inbound AS i WHERE i.digest = unhex(j.value)";

/// A stored text that may be one of the batch's.
struct Stored {
    carrier: String,
    carrier_message_id: Option<String>,
    digest: Vec<u8>,
    at: i64,
}

impl Transaction<'_> {
    pub(super) async fn store_inbound(&mut self, items: &[NewInbound]) -> Result<(), sqlx::Error> {
        let stored = self.stored_like(items).await?;
        let mut known: Vec<KnownInbound<'_>> = stored.iter().map(Stored::known).collect();
        let mut rows: Vec<(Seq, &NewInbound)> = Vec::with_capacity(items.len());
        for item in items {
            if known.iter().any(|known| matching::is_repeated(item, known)) {
                self.applied.inbound.push(InboundResult::Repeated);
                continue;
            }
            let seq = self.writer.next.inbound;
            self.writer.next.inbound += 1;
            rows.push((seq, item));
            known.push(KnownInbound::of(item));
            self.applied.inbound.push(InboundResult::Stored(seq));
        }
        insert(&mut self.script, &rows);
        let told = rows
            .iter()
            .filter_map(|(seq, text)| NewNotice::of_inbound(*seq, text, self.rules));
        self.notices.extend(told);
        let consents: Vec<_> = rows.iter().flat_map(|(_, text)| &text.consents).collect();
        self.consent(&consents).await?;
        let ended: Vec<_> = rows.iter().filter_map(|(_, text)| text.ends_question()).collect();
        if !ended.is_empty() {
            let pairs: Vec<_> = ended.iter().map(|pair| (&pair.number, &pair.address)).collect();
            self.script.add(DROP_QUESTION).bind_json(&pairs);
        }
        let answers = rows.iter().flat_map(|(_, text)| &text.answers);
        self.enqueue_answers(answers);
        Ok(())
    }

    /// Stored texts of which one of these may be a repetition: the same id of the carrier's, or, where answers were
    /// lost, the same octets.
    async fn stored_like(&mut self, items: &[NewInbound]) -> Result<Vec<Stored>, sqlx::Error> {
        let ids: Vec<(&str, &str)> = items
            .iter()
            .filter_map(|item| Some((item.bind.carrier.as_str(), item.carrier_message_id.as_deref()?)))
            .collect();
        let suspects: Vec<String> = items
            .iter()
            .filter(|item| !item.losses.is_empty())
            .map(|item| hex::encode(item.digest))
            .collect();
        let mut found = Vec::new();
        if !ids.is_empty() {
            self.script.add(BY_ID).bind_json(&ids);
            found.extend(self.send().await?.rows);
        }
        if !suspects.is_empty() {
            self.script.add(BY_OCTETS).bind_json(&suspects);
            found.extend(self.send().await?.rows);
        }
        found
            .iter()
            .map(|(_, r)| {
                Ok(Stored {
                    carrier: r.try_get(0)?,
                    carrier_message_id: r.try_get(1)?,
                    digest: r.try_get(2)?,
                    at: r.try_get(3)?,
                })
            })
            .collect()
    }

    pub(super) fn keep_bad_pdus(&mut self, items: &[BadPdu]) {
        #[derive(Serialize)]
        struct Columns<'a>(i64, &'a str, u16, &'a str, &'a str, u32, String);
        const INSERT: &str = "INSERT INTO quarantine (at, carrier, bind, peer, reason, status, octets) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, unhex(value ->> 6) \
             FROM jsonb_each(?)";
        const MAKE_ROOM: &str = "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?";
        if items.is_empty() {
            return;
        }
        let rows: Vec<_> = items
            .iter()
            .map(|item| {
                let octets = hex::encode(&item.octets);
                Columns(
                    item.at.0,
                    item.bind.carrier.as_str(),
                    item.bind.bind,
                    &item.peer,
                    &item.reason,
                    item.status,
                    octets,
                )
            })
            .collect();
        self.script.add(INSERT).bind_json(&rows);
        self.script.add(MAKE_ROOM).bind(QUARANTINE_ROWS);
    }
}

fn insert(script: &mut Script, rows: &[(Seq, &NewInbound)]) {
    #[derive(Serialize)]
    struct Columns<'a>(
        Seq,
        Uuid,
        &'a str,
        u16,
        &'a str,
        &'a str,
        u8,
        u8,
        String,
        Option<&'a str>,
        bool,
        Option<(u16, u8, u8, u8)>,
        Option<&'a str>,
        String,
        i64,
        Option<&'a str>,
        i64,
        Option<&'static str>,
    );
    const INSERT: &str = "INSERT INTO inbound (seq, id, carrier, bind, sender, recipient, data_coding, esm_class, \
         octets, text, lossy, segment_reference, segment_total, segment_number, carrier_message_id, digest, at, note, \
         segment_reference_bits, checksum, outcome, handled_at) \
         SELECT value ->> 0, unhex(value ->> 1, '-'), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
         value ->> 7, unhex(value ->> 8), value ->> 9, value ->> 10, value ->> '$[11][0]', value ->> '$[11][1]', \
         value ->> '$[11][2]', value ->> 12, unhex(value ->> 13), value ->> 14, value ->> 15, \
         value ->> '$[11][3]', value ->> 16, value ->> 17, iif(value ->> 17 IS NULL, NULL, value ->> 14) \
         FROM jsonb_each(?)";
    if rows.is_empty() {
        return;
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|(seq, item)| {
            Columns(
                *seq,
                item.id.0,
                item.bind.carrier.as_str(),
                item.bind.bind,
                &item.from,
                &item.to,
                item.data_coding,
                item.esm_class,
                hex::encode(&item.octets),
                item.text.as_deref(),
                item.lossy,
                item.segment.map(segment_columns),
                item.carrier_message_id.as_deref(),
                hex::encode(item.digest),
                item.at.0,
                item.note.as_deref(),
                checksum::of_inbound(*seq, item),
                item.handled,
            )
        })
        .collect();
    script.add(INSERT).bind_json(&rows);
}

fn segment_columns(segment: Concat) -> (u16, u8, u8, u8) {
    (
        segment.reference,
        segment.total,
        segment.number,
        segment.reference_size.bits(),
    )
}

impl Stored {
    fn known(&self) -> KnownInbound<'_> {
        KnownInbound {
            carrier: &self.carrier,
            carrier_message_id: self.carrier_message_id.as_deref(),
            digest: &self.digest,
            at: crate::domain::UnixMillis(self.at),
        }
    }
}
