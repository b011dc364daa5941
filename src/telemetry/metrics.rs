//! Metrics: what they are called, in which buckets they fall, and who counts the changes of state.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::{Class, Name, State};
use crate::store::{Changed, EndpointRecord, Totals};

/// Buckets of latencies, in seconds: from a commit to a day's wait.
const SECONDS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 86_400.0,
];
/// Buckets of batch sizes, in items.
const ITEMS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1_024.0];

/// Installs the recorder for the whole process and gives the handle that renders it. Called again, it gives the same
/// recorder's handle.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_items".to_owned()), &ITEMS)?
        .install_recorder()?;
    describe();
    Ok(installed.insert(handle).clone())
}

fn describe() {
    describe_counter!(
        "araldo_messages_accepted_total",
        "Messages stored, by client and class."
    );
    describe_counter!(
        "araldo_messages_state_total",
        "Messages that entered a state, by carrier, class and state."
    );
    describe_counter!(
        "araldo_events_total",
        "Events that came by the inbox or by NATS, by way and outcome."
    );
    describe_counter!(
        "araldo_store_locked_total",
        "Waits for the database's write lock, held by another program, that were longer than 5 s."
    );
    describe_counter!(
        "araldo_store_rows_damaged_total",
        "Times that a row was met that is not as it was written or cannot be read, by table."
    );
    describe_counter!(
        "araldo_panics_caught_total",
        "Faults of Araldo's own that cost one message or one bind, by place."
    );
    describe_histogram!(
        "araldo_submit_latency_seconds",
        Unit::Seconds,
        "From accept to the carrier's answer, by carrier and class."
    );
    describe_histogram!(
        "araldo_delivery_seconds",
        Unit::Seconds,
        "From accept to the receipt, by carrier and class."
    );
    describe_histogram!(
        "araldo_submit_seconds",
        Unit::Seconds,
        "From submit_sm to its answer, by carrier."
    );
    describe_counter!(
        "araldo_submit_errors_total",
        "Refused submits, by carrier and command_status."
    );
    describe_counter!(
        "araldo_carrier_throttled_total",
        "Submits refused as too fast, by carrier."
    );
    describe_counter!("araldo_carrier_rebinds_total", "Tries to bind again, by carrier.");
    describe_gauge!("araldo_carrier_bound", "1 while the bind is up, by carrier and bind.");
    describe_gauge!(
        "araldo_carrier_window_in_use",
        "Messages claimed and not settled, by carrier and bind."
    );
    describe_gauge!("araldo_outbox_messages", "Open messages, by class and state.");
    describe_gauge!(
        "araldo_outbox_oldest_seconds",
        Unit::Seconds,
        "Age of the oldest message that waits to be sent, by class."
    );
    describe_counter!("araldo_receipts_total", "Receipts, by carrier.");
    describe_counter!(
        "araldo_receipts_unmatched_total",
        "Receipts that met no message when they came and were parked; one that was quicker than the answer meets it a moment later, by carrier."
    );
    describe_counter!(
        "araldo_receipts_repeated_total",
        "Receipts that came again, by carrier."
    );
    describe_gauge!("araldo_receipts_parked", "Receipts that wait for their message.");
    describe_counter!(
        "araldo_webhook_deliveries_total",
        "Events that webhooks were tried with, by client and outcome."
    );
    describe_gauge!(
        "araldo_webhook_pending",
        "Events that wait for their webhook, by client."
    );
    describe_gauge!(
        "araldo_webhook_oldest_seconds",
        Unit::Seconds,
        "Age of the oldest event that waits for its webhook, by client."
    );
    describe_gauge!("araldo_webhook_dead", "Events whose webhook was given up, by client.");
    describe_gauge!("araldo_webhook_off", "Endpoints that are switched off, by client.");
    describe_counter!("araldo_inbound_messages_total", "Texts from handsets, by carrier.");
    describe_counter!("araldo_inbound_busy_total", "deliver_sm answered busy, by carrier.");
    describe_counter!(
        "araldo_cases_overdue_total",
        "Cases that nobody answered within the wait that was promised."
    );
    describe_counter!(
        "araldo_rcs_requests_total",
        "Requests to RCS platforms, by carrier, call and result."
    );
    describe_counter!(
        "araldo_rcs_faults_total",
        "Requests refused for a fault of ours, of the agent or of its configuration, by carrier, call and status."
    );
    describe_counter!(
        "araldo_rcs_plainer_total",
        "Messages sent as text since their handset cannot show them whole, by carrier."
    );
    describe_counter!(
        "araldo_rcs_webhooks_total",
        "Posts of RCS platforms, by carrier and outcome: kept, repeated, handshake, refused."
    );
    describe_counter!(
        "araldo_rcs_events_total",
        "Events of RCS platforms of which all was made, by carrier and kind."
    );
    describe_histogram!("araldo_batch_items", "Items of one commit.");
    describe_histogram!("araldo_commit_seconds", Unit::Seconds, "Time of one synced commit.");
    describe_counter!("araldo_commit_failures_total", "Commits that failed.");
    describe_gauge!("araldo_build_info", "1, with the version.");
}

/// Counts every change of state until the outbox ends.
pub async fn count_changes(mut feed: broadcast::Receiver<Arc<Changed>>) {
    let mut known: HashMap<(Option<Name>, Class, State), Instruments> = HashMap::new();
    loop {
        match feed.recv().await {
            Ok(changed) => {
                let carrier = changed.progress.bind.as_ref().map(|bind| bind.carrier.clone());
                let key = (carrier, changed.class, changed.progress.state);
                let instruments = known.entry(key).or_insert_with_key(Instruments::of);
                instruments.count.increment(1);
                if let Some(age) = &instruments.age {
                    age.record(changed.at.since(changed.accepted_at).as_secs_f64());
                }
            }
            Err(RecvError::Lagged(missed)) => counter!("araldo_changes_missed_total").increment(missed),
            Err(RecvError::Closed) => return,
        }
    }
}

/// What is counted of one carrier, class and state; bounded by the configuration.
struct Instruments {
    count: Counter,
    /// The age at which messages get there, for the states whose latency is asked for.
    age: Option<Histogram>,
}

impl Instruments {
    fn of((carrier, class, state): &(Option<Name>, Class, State)) -> Self {
        let carrier = carrier
            .as_ref()
            .map_or_else(String::new, |name| name.as_str().to_owned());
        let class = class.as_str();
        let age = match state {
            State::Submitted => Some("araldo_submit_latency_seconds"),
            State::Delivered => Some("araldo_delivery_seconds"),
            State::Scheduled
            | State::Queued
            | State::Claimed
            | State::Uncertain
            | State::Undelivered
            | State::Failed
            | State::Expired
            | State::Canceled
            | State::Suppressed
            | State::Unconfirmed
            | State::Quarantined => None,
        };
        Self {
            age: age.map(|metric| histogram!(metric, "carrier" => carrier.clone(), "class" => class)),
            count: counter!(
                "araldo_messages_state_total", "carrier" => carrier, "class" => class, "state" => state.as_str()
            ),
        }
    }
}

/// Shows what waits for webhooks. A client stands for its endpoints; one that has nothing left shows zero.
pub fn show_endpoints(known: &[EndpointRecord], shown: &mut BTreeSet<String>, now: crate::domain::UnixMillis) {
    shown.extend(known.iter().map(|record| record.endpoint.client().to_owned()));
    for client in shown.iter() {
        let of_client = || known.iter().filter(|record| record.endpoint.client() == client);
        #[expect(clippy::cast_precision_loss, reason = "a count for a graph")]
        let draw = |metric: &'static str, count: u64| gauge!(metric, "client" => client.clone()).set(count as f64);
        draw("araldo_webhook_pending", of_client().map(|record| record.pending).sum());
        draw("araldo_webhook_dead", of_client().map(|record| record.dead).sum());
        draw(
            "araldo_webhook_off",
            of_client().map(|record| u64::from(record.off.is_some())).sum(),
        );
        let oldest = of_client().filter_map(|record| record.oldest).min();
        let age = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        gauge!("araldo_webhook_oldest_seconds", "client" => client.clone()).set(age);
    }
}

/// Shows the open rows.
pub fn show_totals(totals: &Totals, now: crate::domain::UnixMillis) {
    for class in crate::domain::Class::ALL {
        let of_class = || totals.open.iter().filter(|(open, ..)| *open == class);
        for state in State::ALL.into_iter().filter(|state| !state.is_final()) {
            let rows = of_class()
                .find(|(_, open, ..)| *open == state)
                .map_or(0, |(_, _, rows, _)| *rows);
            #[expect(clippy::cast_precision_loss, reason = "a count for a graph")]
            gauge!("araldo_outbox_messages", "class" => class.as_str(), "state" => state.as_str()).set(rows as f64);
        }
        let waiting = of_class().filter(|(_, state, ..)| matches!(state, State::Queued | State::Claimed));
        let oldest = waiting
            .map(|(.., oldest)| now.since(*oldest).as_secs_f64())
            .fold(0.0, f64::max);
        gauge!("araldo_outbox_oldest_seconds", "class" => class.as_str()).set(oldest);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count for a graph")]
    gauge!("araldo_receipts_parked").set(totals.parked.rows as f64);
}
