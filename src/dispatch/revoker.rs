//! Messages that an RCS platform is to take back: it is asked until it answers, or until a report or the time has settled
//! what became of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::Msisdn;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::carrier::rcs::{RcsCarrier, RevokeOutcome};
use crate::clock::Clock;
use crate::domain::Name;
use crate::outbox::Outbox;
use crate::store::{RcsReport, RcsSaid, Revocation, Seq, Store, StoreError};

/// How often it is looked for messages to take back.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Messages that a platform is asked for at once.
const AT_ONCE: u32 = 500;

/// Asks one platform for messages back.
pub struct Revoker {
    /// The carrier's name.
    pub name: Name,
    /// How the platform is asked.
    pub carrier: Arc<RcsCarrier>,
    /// Where it stands which.
    pub store: Arc<dyn Store>,
    /// Who is told what came of it.
    pub outbox: Outbox,
    /// The time.
    pub clock: Clock,
}

impl Revoker {
    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked: HashSet<Seq> = HashSet::new();
        let mut answers = FuturesUnordered::new();
        let mut after: Seq = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(seq) = answers.next() => {
                    asked.remove(&seq);
                }
                _ = looks.tick(), if asked.len() < AT_ONCE as usize => match self.wanted(&mut after).await {
                    Ok(wanted) => {
                        let new = wanted.into_iter().filter(|revocation| asked.insert(revocation.seq));
                        answers.extend(new.map(|revocation| self.take_back(revocation)));
                    }
                    Err(error) => self.warn(&error),
                },
            }
        }
    }

    /// The next page of those that are wanted back; after the last one from the beginning.
    async fn wanted(&self, after: &mut Seq) -> Result<Vec<Revocation>, StoreError> {
        let page = self.store.revocations(&self.name, *after, AT_ONCE).await?;
        let is_full = page.len() == AT_ONCE as usize;
        *after = page.last().filter(|_| is_full).map_or(0, |last| last.seq);
        Ok(page)
    }

    /// Asks for one. Where nobody answers, the row still says that it is wanted, and it is asked for again.
    async fn take_back(&self, revocation: Revocation) -> Seq {
        if let Ok(to) = Msisdn::parse(&format!("+{}", revocation.to)) {
            let said = match self.carrier.revoke(&to, revocation.message.0).await {
                RevokeOutcome::Withdrawn => Some(RcsSaid::Revoked),
                RevokeOutcome::TooLate => Some(RcsSaid::NotRevoked),
                RevokeOutcome::Unknown => None,
            };
            let report = said.map(|said| RcsReport {
                message: revocation.message,
                to: revocation.to,
                carrier: self.name.clone(),
                said,
                at: self.clock.now(),
            });
            if let Some(report) = report
                && let Err(error) = self.outbox.rcs_reports(vec![report]).await
            {
                self.warn(&error);
            }
        }
        revocation.seq
    }

    fn warn(&self, error: &StoreError) {
        tracing::warn!(event = "rcs_revocations_wait", carrier = %self.name, %error, "asked for again in a second");
    }
}
