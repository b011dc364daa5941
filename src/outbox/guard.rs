//! Rules behind a guard: a row that makes them panic is set aside, and costs neither the batch nor the process.

use crate::domain::{Endpoint, Name, Reason, State, UnixMillis};
use crate::store::{
    Act, ActResult, Event, NewConsent, NoticeKind, Progress, RcsReport, Receipt, Row, Rules, SegmentRecord,
};
use crate::telemetry::panics::caught;

/// These rules, none of which panics.
pub(super) struct Guarded<'a>(pub(super) &'a dyn Rules);

impl Rules for Guarded<'_> {
    fn after_receipt(
        &self,
        row: &Row,
        segments: &[SegmentRecord],
        receipt: &Receipt,
    ) -> Option<(Progress, Option<Event>)> {
        caught("after_receipt", || self.0.after_receipt(row, segments, receipt))
            .unwrap_or_else(|| Some(set_aside(row, receipt.at)))
    }

    fn after_rcs(&self, row: &Row, report: &RcsReport, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        caught("after_rcs", || self.0.after_rcs(row, report, now)).unwrap_or_else(|| Some(set_aside(row, now)))
    }

    fn when_due(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        caught("when_due", || self.0.when_due(row, now)).unwrap_or_else(|| set_aside(row, now))
    }

    fn orphaned(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        caught("orphaned", || self.0.orphaned(row, now)).unwrap_or_else(|| set_aside(row, now))
    }

    fn act(&self, row: &Row, act: Act, now: UnixMillis) -> Result<(Progress, Option<Event>), ActResult> {
        let refused = ActResult::Refused {
            state: row.progress.state,
            since: None,
        };
        caught("act", || self.0.act(row, act, now)).unwrap_or(Err(refused))
    }

    fn opted_out(&self, row: &Row, said: &NewConsent, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        // What cannot be judged is not sent against somebody's will.
        let kept_back = || {
            row.progress
                .clone()
                .ended(State::Suppressed, Some(Reason::OptedOut), now)
        };
        caught("opted_out", || self.0.opted_out(row, said, now)).unwrap_or_else(|| Some((kept_back(), None)))
    }

    fn hears(&self, client: &Name, kind: NoticeKind, callback: Option<&str>) -> Option<Endpoint> {
        caught("hears", || self.0.hears(client, kind, callback)).flatten()
    }

    fn owner_of(&self, address: &str) -> Option<Name> {
        caught("owner_of", || self.0.owner_of(address)).flatten()
    }
}

/// For a person.
fn set_aside(row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
    let progress = row.progress.clone();
    (progress.ended(State::Quarantined, Some(Reason::Poison), now), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::harness::{Bench, LEASE, NOW, TestRules, at, delivered, id, message};
    use crate::store::{ActItem, Batch, Sweep};

    /// Falls over the second row.
    struct Falls;

    impl Falls {
        fn over(row: &Row) {
            assert_ne!(row.seq, 2, "poison");
        }
    }

    impl Rules for Falls {
        fn after_receipt(
            &self,
            row: &Row,
            segments: &[SegmentRecord],
            receipt: &Receipt,
        ) -> Option<(Progress, Option<Event>)> {
            Self::over(row);
            TestRules.after_receipt(row, segments, receipt)
        }

        fn after_rcs(&self, row: &Row, report: &RcsReport, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
            Self::over(row);
            TestRules.after_rcs(row, report, now)
        }

        fn when_due(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
            Self::over(row);
            TestRules.when_due(row, now)
        }

        fn orphaned(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
            Self::over(row);
            TestRules.orphaned(row, now)
        }

        fn act(&self, row: &Row, act: Act, now: UnixMillis) -> Result<(Progress, Option<Event>), ActResult> {
            Self::over(row);
            TestRules.act(row, act, now)
        }

        fn opted_out(&self, row: &Row, said: &NewConsent, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
            Self::over(row);
            TestRules.opted_out(row, said, now)
        }

        fn hears(&self, _: &Name, _: NoticeKind, _: Option<&str>) -> Option<Endpoint> {
            panic!("poison")
        }

        fn owner_of(&self, _: &str) -> Option<Name> {
            None
        }
    }

    async fn states(bench: &Bench, batch: Batch) -> [State; 3] {
        let rules = Guarded(&Falls);
        bench.store.commit(&batch, &rules).await.unwrap();
        [bench.state(1).await, bench.state(2).await, bench.state(3).await]
    }

    #[tokio::test]
    async fn a_row_that_the_rules_fall_over_is_set_aside_and_its_neighbours_go_on() {
        for bench in [Bench::memory().await, Bench::sqlite().await] {
            for n in 1..=3 {
                bench.sent(n, &format!("id-{n}")).await;
            }
            let receipts = (1..=3).map(|n| delivered(&format!("id-{n}"), n)).collect();
            let batch = Batch {
                receipts,
                ..Batch::new(at(5_000))
            };
            let ends = states(&bench, batch).await;
            assert_eq!(ends, [State::Delivered, State::Quarantined, State::Delivered]);
            assert_eq!(bench.progress(2).await.reason, Some(Reason::Poison));
        }
        for bench in [Bench::memory().await, Bench::sqlite().await] {
            let claimed = bench
                .claimed_by(crate::store::conformance::harness::tim(), (1..=3).map(message))
                .await;
            assert_eq!(claimed[0].progress.lease, Some(LEASE));
            let lease = bench.store.take_lease().await.unwrap();
            let sweeps = vec![Sweep::Orphans { lease, limit: 9 }];
            let batch = Batch {
                sweeps,
                ..Batch::new(NOW)
            };
            let ends = states(&bench, batch).await;
            assert_eq!(ends, [State::Uncertain, State::Quarantined, State::Uncertain]);
        }
        for bench in [Bench::memory().await, Bench::sqlite().await] {
            bench.enqueue((1..=3).map(message)).await;
            let limit = 9;
            let sweeps = vec![Sweep::Due {
                state: State::Queued,
                limit,
            }];
            let batch = Batch {
                sweeps,
                ..Batch::new(at(3_600_000))
            };
            let ends = states(&bench, batch).await;
            assert_eq!(ends, [State::Expired, State::Quarantined, State::Expired]);
        }
    }

    #[tokio::test]
    async fn a_wish_that_the_rules_fall_over_is_refused() {
        let bench = Bench::memory().await;
        bench.enqueue((1..=3).map(message)).await;
        let acts = (2..=3)
            .map(|n| ActItem {
                id: id(n),
                client: None,
                act: Act::Cancel,
            })
            .collect();
        let batch = Batch {
            acts,
            ..Batch::new(NOW)
        };
        let ends = states(&bench, batch).await;
        assert_eq!(ends, [State::Queued, State::Queued, State::Canceled]);
    }
}
