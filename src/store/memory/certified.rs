//! Numbers that are certified, and the codes that prove them.

use std::collections::BTreeMap;

use super::commit::Transaction;
use crate::domain::{Name, UnixMillis, VerificationId};
use crate::store::certified::{
    Certified, CertifiedAct, CertifiedEnd, CertifiedQuery, CertifiedRecord, SentCode, Uncertified, VerificationRecord,
    VerificationState,
};
use crate::store::{Enqueue, Page, Prune, Seq};

/// The books of the certified numbers.
#[derive(Default)]
pub(super) struct Numbers {
    verifications: BTreeMap<VerificationId, VerificationRecord>,
    certified: Vec<CertifiedRecord>,
}

impl Numbers {
    pub(super) fn verification(&self, id: VerificationId, client: &Name) -> Option<VerificationRecord> {
        let known = self.verifications.get(&id)?;
        (known.client == *client).then(|| known.clone())
    }

    pub(super) fn list(&self, query: &CertifiedQuery) -> Page<CertifiedRecord> {
        let wanted = |row: &&CertifiedRecord| {
            let of_number = match &query.msisdn {
                Some(msisdn) => row.msisdn == *msisdn,
                None => row.ended.is_none(),
            };
            of_number
                && query.client.as_ref().is_none_or(|client| *client == row.client)
                && row.seq > query.after.unwrap_or(0)
        };
        let limit = query.limit as usize;
        let rows: Vec<_> = self.certified.iter().filter(wanted).take(limit).cloned().collect();
        let next = rows.last().filter(|_| rows.len() >= limit).map(|row| row.seq);
        Page { rows, next }
    }

    /// For whom a number is certified now.
    pub(super) fn of(&self, msisdn: &str) -> Vec<Certified> {
        let now = self.certified.iter();
        now.filter(|row| row.ended.is_none() && *row.msisdn == *msisdn)
            .map(|row| Certified {
                client: row.client.clone(),
                profile: row.profile.clone(),
            })
            .collect()
    }

    /// Whose it was.
    fn end(&mut self, client: &Name, msisdn: &str, now: UnixMillis, why: CertifiedEnd) -> Option<Box<str>> {
        let stands =
            |row: &&mut CertifiedRecord| row.ended.is_none() && row.client == *client && *row.msisdn == *msisdn;
        let row = self.certified.iter_mut().find(stands)?;
        row.ended = Some((now, why));
        Some(row.customer.clone())
    }

    pub(super) fn uncertified(&self, since: UnixMillis) -> Vec<Uncertified> {
        let goes_on = |row: &CertifiedRecord, at: UnixMillis| {
            let is_next = |next: &CertifiedRecord| {
                next.at == at && next.client == row.client && next.msisdn == row.msisdn && next.customer == row.customer
            };
            self.certified.iter().any(is_next)
        };
        let ended = |row: &CertifiedRecord| {
            let (at, why) = row.ended.filter(|(at, _)| *at >= since)?;
            let is_over = why == CertifiedEnd::Revoked || !goes_on(row, at);
            is_over.then(|| Uncertified {
                client: row.client.clone(),
                msisdn: row.msisdn.clone(),
                at,
            })
        };
        self.certified.iter().filter_map(ended).collect()
    }

    pub(super) fn codes(&self, since: UnixMillis, limit: u32) -> Vec<SentCode> {
        let made = self.verifications.values().filter(|code| code.made_at >= since);
        let mut made: Vec<_> = made.map(|code| (code.msisdn.clone(), code.made_at)).collect();
        made.sort_by_key(|(_, at)| *at);
        made.split_off(made.len().saturating_sub(limit as usize))
    }

    pub(super) fn prune(&mut self, prune: Prune) {
        self.verifications
            .retain(|_, known| known.made_at >= prune.ended_before);
    }
}

impl Transaction<'_> {
    /// Keeps the code that a message brings.
    pub(super) fn keep_verification(&mut self, item: &Enqueue) {
        let Some(new) = item.birth.as_ref().and_then(|birth| birth.verification.as_ref()) else {
            return;
        };
        let known = VerificationRecord {
            client: item.message.client.clone(),
            msisdn: item.message.to.digits().into(),
            asked: new.clone(),
            state: VerificationState::Pending,
            wrong: 0,
            made_at: self.now,
            ended_at: None,
        };
        self.tables.numbers.verifications.insert(new.id, known);
    }

    /// Changes what is certified; whether it stood where the change leaves it.
    pub(super) fn certify(&mut self, act: &CertifiedAct) -> bool {
        let now = self.now;
        let numbers = &mut self.tables.numbers;
        let (id, wrong, becomes) = match act {
            CertifiedAct::Revoked { client, msisdn } => {
                let done = numbers.end(client, msisdn, now, CertifiedEnd::Revoked).is_some();
                if done {
                    self.uncertify(client, msisdn);
                }
                return done;
            }
            CertifiedAct::Tried { id, wrong, becomes } => (id, *wrong, *becomes),
        };
        let known = numbers.verifications.get_mut(id);
        let stands =
            |known: &&mut VerificationRecord| known.state == VerificationState::Pending && known.wrong == wrong;
        let Some(known) = known.filter(stands) else {
            return false;
        };
        let right = becomes == VerificationState::Verified;
        known.state = becomes;
        known.wrong = wrong.saturating_add(u8::from(!right));
        known.ended_at = (becomes != VerificationState::Pending).then_some(now);
        if right {
            let row = CertifiedRecord {
                seq: numbers.certified.len() as Seq + 1,
                client: known.client.clone(),
                msisdn: known.msisdn.clone(),
                customer: known.asked.customer.clone(),
                profile: known.asked.profile.clone(),
                at: now,
                ended: None,
            };
            let holder = numbers.end(&row.client, &row.msisdn, now, CertifiedEnd::Replaced);
            numbers.certified.push(row.clone());
            if holder.is_some_and(|holder| holder != row.customer) {
                self.uncertify(&row.client, &row.msisdn);
            }
        }
        true
    }

    /// What was for the customer who had the number is for nobody now, and what he was asked is not answered by another.
    fn uncertify(&mut self, client: &Name, msisdn: &str) {
        self.tables.two_way.end_questions_of(msisdn);
        self.applied.uncertified.push(Uncertified {
            client: client.clone(),
            msisdn: msisdn.into(),
            at: self.now,
        });
    }
}
