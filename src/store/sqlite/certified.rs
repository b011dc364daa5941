//! Numbers that are certified, and the codes that prove them.

use serde::Serialize;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::columns::{self, Cells};
use super::commit::Transaction;
use crate::domain::{Name, UnixMillis, VerificationId};
use crate::store::certified::{
    Certified, CertifiedAct, CertifiedEnd, CertifiedQuery, CertifiedRecord, NewVerification, SentCode, Uncertified,
    VerificationRecord, VerificationState,
};
use crate::store::{Enqueue, Page, Seq};

pub(super) const VERIFICATION: &str = "SELECT id, client, msisdn, customer, profile, code, state, wrong, made_at, \
     expires_at, ended_at FROM verification AS ver WHERE id = ?1";

pub(super) const LIST: &str = "SELECT seq, client, msisdn, customer, profile, at, ended_at, ended \
     FROM certified AS cert WHERE seq > ?1 AND client = coalesce(?2, client) AND +ended_at IS NULL \
     ORDER BY seq LIMIT ?3";

pub(super) const OF_NUMBER: &str = "SELECT seq, client, msisdn, customer, profile, at, ended_at, ended \
     FROM certified AS cert WHERE msisdn = ?4 AND seq > ?1 AND client = coalesce(?2, client) ORDER BY seq LIMIT ?3";

/// Which pairs of a client and a number are certified, by their places in the list.
pub(super) const ARE: &str = "SELECT j.key FROM jsonb_each(?1) AS j CROSS JOIN certified AS cert \
     WHERE cert.msisdn = (j.value ->> 1) AND cert.client = (j.value ->> 0) AND cert.ended_at IS NULL";

/// The customer for whom a code's number is certified so far.
pub(super) const HOLDER: &str = "SELECT cert.customer FROM verification AS ver CROSS JOIN certified AS cert \
     WHERE ver.id = ? AND cert.msisdn = ver.msisdn AND cert.client = ver.client AND cert.ended_at IS NULL";

/// Read at the start alone: a walk over all that was ever certified.
const UNCERTIFIED: &str = "SELECT cert.client, cert.msisdn, cert.ended_at FROM certified AS cert \
     WHERE cert.ended_at >= ?1 AND (cert.ended = 'revoked' OR NOT EXISTS (SELECT 1 FROM certified AS next \
     WHERE next.msisdn = cert.msisdn AND next.client = cert.client AND next.customer = cert.customer \
     AND next.at = cert.ended_at)) ORDER BY cert.seq";

pub(super) const CODES: &str = "SELECT msisdn, made_at FROM verification AS ver WHERE made_at >= ?1 \
     ORDER BY made_at DESC LIMIT ?2";

pub(super) const MARK: &str = "UPDATE verification SET state = ?, wrong = ?, ended_at = ? WHERE id = ?";

pub(super) const END: &str =
    "UPDATE certified SET ended_at = ?, ended = ? WHERE msisdn = ? AND client = ? AND ended_at IS NULL";

pub(super) const DROP_QUESTIONS: &str = "DELETE FROM question WHERE number = ?";

impl Transaction<'_> {
    /// Keeps the codes that messages bring.
    pub(super) fn keep_verifications(&mut self, rows: &[(Seq, &Enqueue)]) {
        #[derive(Serialize)]
        struct Columns<'a>(Uuid, &'a str, &'a str, &'a str, Option<&'a str>, &'a str, i64, i64);
        const KEEP: &str = "INSERT INTO verification (id, client, msisdn, customer, profile, code, state, wrong, \
             made_at, expires_at) SELECT unhex(value ->> 0, '-'), value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
             value ->> 5, 'pending', 0, value ->> 6, value ->> 7 FROM jsonb_each(?)";
        let now = self.now.0;
        let new = rows.iter().filter_map(|(_, item)| {
            let new = item.birth.as_ref()?.verification.as_ref()?;
            let message = &item.message;
            let profile = new.profile.as_ref().map(Name::as_str);
            let (client, to) = (message.client.as_str(), message.to.digits());
            let expires_at = new.expires_at.0;
            Some(Columns(
                new.id.0,
                client,
                to,
                &new.customer,
                profile,
                &new.code,
                now,
                expires_at,
            ))
        });
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            self.script.add(KEEP).bind_json(&new);
        }
    }

    /// Changes what is certified; of each, whether it stood where the change leaves it.
    pub(super) async fn certify(&mut self, acts: &[CertifiedAct]) -> Result<(), sqlx::Error> {
        for act in acts {
            let done = match act {
                CertifiedAct::Tried { id, wrong, becomes } => self.tried(*id, *wrong, *becomes).await?,
                CertifiedAct::Revoked { client, msisdn } => {
                    self.end(client, msisdn, CertifiedEnd::Revoked);
                    let done = self.send().await?.changed > 0;
                    if done {
                        self.uncertify(client, msisdn);
                    }
                    done
                }
            };
            self.applied.certified.push(done);
        }
        Ok(())
    }

    async fn tried(&mut self, id: VerificationId, wrong: u8, becomes: VerificationState) -> Result<bool, sqlx::Error> {
        const CERTIFY: &str = "INSERT INTO certified (client, msisdn, customer, profile, at) VALUES (?, ?, ?, ?, ?)";
        let known_at = self.script.next_place();
        self.script.add(VERIFICATION).bind(id.0);
        self.script.add(HOLDER).bind(id.0);
        let answer = self.send().await?;
        let (mut known, mut holder) = (None, None);
        for (place, r) in &answer.rows {
            match *place == known_at {
                true => known = Some(verification(r)?),
                false => holder = Some(columns::words(r, 0)?),
            }
        }
        let stands = |known: &VerificationRecord| known.state == VerificationState::Pending && known.wrong == wrong;
        let Some(known) = known.filter(stands) else {
            return Ok(false);
        };
        let right = becomes == VerificationState::Verified;
        self.script
            .add(MARK)
            .bind(becomes.as_str())
            .bind(wrong.saturating_add(u8::from(!right)))
            .bind((becomes != VerificationState::Pending).then_some(self.now.0))
            .bind(id.0);
        if right {
            self.end(&known.client, &known.msisdn, CertifiedEnd::Replaced);
            if holder.is_some_and(|holder| holder != known.asked.customer) {
                self.uncertify(&known.client, &known.msisdn);
            }
            self.script
                .add(CERTIFY)
                .bind(known.client.as_str().to_owned())
                .bind(known.msisdn.into_string())
                .bind(known.asked.customer.into_string())
                .bind(known.asked.profile.map(|profile| profile.as_str().to_owned()))
                .bind(self.now.0);
        }
        Ok(true)
    }

    /// What was for the customer who had the number is for nobody now, and what he was asked is not answered by another.
    fn uncertify(&mut self, client: &Name, msisdn: &str) {
        self.script.add(DROP_QUESTIONS).bind(msisdn.to_owned());
        self.applied.uncertified.push(Uncertified {
            client: client.clone(),
            msisdn: msisdn.into(),
            at: self.now,
        });
    }

    fn end(&mut self, client: &Name, msisdn: &str, end: CertifiedEnd) {
        self.script
            .add(END)
            .bind(self.now.0)
            .bind(end.as_str())
            .bind(msisdn.to_owned())
            .bind(client.as_str().to_owned());
    }
}

pub(super) async fn of_id(
    readers: &SqlitePool,
    id: VerificationId,
    client: &Name,
) -> Result<Option<VerificationRecord>, sqlx::Error> {
    let found = sqlx::query(VERIFICATION).bind(id.0).fetch_optional(readers).await?;
    let known = found.as_ref().map(verification).transpose()?;
    Ok(known.filter(|known| known.client == *client))
}

pub(super) async fn list(readers: &SqlitePool, query: &CertifiedQuery) -> Result<Page<CertifiedRecord>, sqlx::Error> {
    let sql = if query.msisdn.is_some() { OF_NUMBER } else { LIST };
    let mut asked = sqlx::query(sql)
        .bind(query.after.unwrap_or(0))
        .bind(query.client.as_ref().map(Name::as_str))
        .bind(query.limit);
    if let Some(msisdn) = &query.msisdn {
        asked = asked.bind(&**msisdn);
    }
    let found = asked.fetch_all(readers).await?;
    let rows: Vec<CertifiedRecord> = found.iter().map(record).collect::<Result<_, _>>()?;
    let full = rows.len() >= query.limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.seq);
    Ok(Page { rows, next })
}

pub(super) async fn are(readers: &SqlitePool, pairs: &[(Name, Box<str>)]) -> Result<Vec<bool>, sqlx::Error> {
    let asked = serde_json::to_string(pairs).map_err(columns::decode)?;
    let found: Vec<i64> = sqlx::query_scalar(ARE).bind(asked).fetch_all(readers).await?;
    let mut are = vec![false; pairs.len()];
    for place in found {
        if let Some(one) = usize::try_from(place).ok().and_then(|place| are.get_mut(place)) {
            *one = true;
        }
    }
    Ok(are)
}

pub(super) async fn uncertified(readers: &SqlitePool, since: UnixMillis) -> Result<Vec<Uncertified>, sqlx::Error> {
    let found = sqlx::query(UNCERTIFIED).bind(since.0).fetch_all(readers).await?;
    let ended = |r: &SqliteRow| {
        Ok(Uncertified {
            client: columns::parsed(r, 0)?,
            msisdn: columns::words(r, 1)?,
            at: UnixMillis(columns::narrow(r, 2)?),
        })
    };
    found.iter().map(ended).collect()
}

pub(super) async fn codes(readers: &SqlitePool, since: UnixMillis, limit: u32) -> Result<Vec<SentCode>, sqlx::Error> {
    let found = sqlx::query(CODES).bind(since.0).bind(limit).fetch_all(readers).await?;
    let sent = |r: &SqliteRow| Ok((columns::words(r, 0)?, UnixMillis(columns::narrow(r, 1)?)));
    found.iter().rev().map(sent).collect()
}

/// Reads `client, profile`, from column `at`.
pub(super) fn certified(r: &impl Cells, at: usize) -> Result<Certified, sqlx::Error> {
    Ok(Certified {
        client: columns::parsed(r, at)?,
        profile: profile(r, at + 1)?,
    })
}

fn profile(r: &impl Cells, at: usize) -> Result<Option<Name>, sqlx::Error> {
    r.text(at)?
        .map(|word| word.parse().map_err(columns::decode))
        .transpose()
}

fn verification(r: &SqliteRow) -> Result<VerificationRecord, sqlx::Error> {
    Ok(VerificationRecord {
        client: columns::parsed(r, 1)?,
        msisdn: columns::words(r, 2)?,
        asked: NewVerification {
            id: VerificationId(r.uuid(0)?),
            customer: columns::words(r, 3)?,
            profile: profile(r, 4)?,
            code: columns::words(r, 5)?,
            expires_at: UnixMillis(columns::narrow(r, 9)?),
        },
        state: columns::parsed(r, 6)?,
        wrong: columns::narrow(r, 7)?,
        made_at: UnixMillis(columns::narrow(r, 8)?),
        ended_at: r.number(10)?.map(UnixMillis),
    })
}

fn record(r: &SqliteRow) -> Result<CertifiedRecord, sqlx::Error> {
    let ended_at = r.number(6)?.map(UnixMillis);
    Ok(CertifiedRecord {
        seq: columns::narrow(r, 0)?,
        client: columns::parsed(r, 1)?,
        msisdn: columns::words(r, 2)?,
        customer: columns::words(r, 3)?,
        profile: profile(r, 4)?,
        at: UnixMillis(columns::narrow(r, 5)?),
        ended: match ended_at {
            Some(at) => Some((at, columns::parsed(r, 7)?)),
            None => None,
        },
    })
}
