//! The agent as a carrier that can be bound to: messages go in, what became of them comes out. What platforms tell comes by
//! webhook.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use araldo_rcs::Msisdn;
use araldo_rcs::message::{AgentMessage, TrafficType};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use metrics::counter;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{RcsCarrier, Refusal, SendOutcome, render};
use crate::carrier::{
    ByRcs, Carrier, DownReason, Link, LinkMode, LinkReport, Message, OpenError, RefusalAction, SubmitReport,
    SubmitResult,
};
use crate::domain::{BindRef, Class, Rich, UnixMillis};
use crate::throttle::CarrierPace;

/// What the timeline shows where there was no status of HTTP to keep.
const BAD_REQUEST: u32 = 400;
const NOT_FOUND: u32 = 404;
const TOO_MANY: u32 = 429;
const UNAVAILABLE: u32 = 503;

/// The longest that a message keeps its place in the window while the platform takes nothing: codes want one too.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked whether the platform takes anything.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Messages put back from which on those are looked for that nobody will claim again.
const MANY: usize = 10_000;

/// An agent with its one bind, which is up once it has signed in.
#[derive(Clone)]
pub struct RcsLink {
    carrier: Arc<RcsCarrier>,
    /// Until when each message is tried that the platform did not take for now. Its time began with its first claim.
    put_back: Arc<Mutex<HashMap<Uuid, UnixMillis>>>,
}

impl RcsLink {
    /// Binds to this agent.
    pub fn new(carrier: Arc<RcsCarrier>) -> Self {
        Self {
            carrier,
            put_back: Arc::default(),
        }
    }
}

impl Carrier for RcsLink {
    fn open(&self, _: BindRef, _: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>> {
        async move {
            let signed_in = self.carrier.sign_in().await;
            signed_in.map_err(|error| match error.retry_after() {
                Some(_) => OpenError::Lost(error.to_string()),
                None => OpenError::Settings(error.to_string()),
            })?;
            self.patient()?;
            let on_trial = self.carrier.circuit.try_again();
            let (submits, messages) = mpsc::unbounded_channel();
            let (reporter, reports) = mpsc::unbounded_channel();
            let (nothing, inbound) = mpsc::channel(1);
            let stop = CancellationToken::new();
            let work = self.clone().run(messages, reporter, stop.clone());
            tokio::spawn(async move {
                // The way inward is open as long as the bind is up, though nothing comes by it.
                let _open = nothing;
                work.await;
            });
            Ok(Link {
                submits,
                reports,
                inbound,
                peer: self.carrier.config.base().into(),
                stop,
                on_trial,
            })
        }
        .boxed()
    }

    fn pace(&self) -> Option<Arc<CarrierPace>> {
        Some(self.carrier.pace().clone())
    }
}

impl RcsLink {
    /// A platform that took nothing, and has asked for patience, is not tried before that is over.
    fn patient(&self) -> Result<(), OpenError> {
        let carrier = &self.carrier;
        match carrier.held_until.left(carrier.clock.now()) {
            Some(left) if carrier.circuit.is_on_trial() => {
                let left = humantime::format_duration(Duration::from_secs(left.as_secs().max(1)));
                Err(OpenError::Lost(format!(
                    "the platform asks for patience for another {left}"
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Sends what comes, all of it at once: the window bounds it. Told to stop, or with the platform out, it awaits the last
    /// answers.
    async fn run(
        self,
        mut messages: mpsc::UnboundedReceiver<Vec<Message>>,
        reports: mpsc::UnboundedSender<LinkReport>,
        stop: CancellationToken,
    ) {
        let circuit = &self.carrier.circuit;
        let mut under_way = FuturesUnordered::new();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_open, mut on_trial, mut down) = (true, circuit.is_on_trial(), DownReason::Stopped);
        while is_open || !under_way.is_empty() {
            tokio::select! {
                Some(first) = under_way.next() => {
                    let mut ended = vec![first];
                    while let Some(Some(next)) = under_way.next().now_or_never() {
                        ended.push(next);
                    }
                    reports.send(LinkReport::Submits(ended)).ok();
                }
                batch = messages.recv(), if is_open => match batch {
                    Some(batch) => under_way.extend(batch.into_iter().map(|message| self.submit(message, &reports, &stop))),
                    None => is_open = false,
                },
                () = stop.cancelled(), if is_open => {
                    is_open = false;
                    give_back(&mut messages, &reports);
                }
                _ = looks.tick(), if is_open => {
                    if let Some(why) = circuit.outage() {
                        circuit.open();
                        is_open = false;
                        down = DownReason::Lost(why);
                        reports.send(LinkReport::Closing).ok();
                        give_back(&mut messages, &reports);
                    }
                }
            }
            if on_trial && !circuit.is_on_trial() {
                on_trial = false;
                reports.send(LinkReport::Proven).ok();
            }
        }
        reports.send(LinkReport::Down(down)).ok();
    }

    async fn submit(
        &self,
        message: Message,
        reports: &mpsc::UnboundedSender<LinkReport>,
        stop: &CancellationToken,
    ) -> SubmitReport {
        let said = message.rcs.as_ref().and_then(|by_rcs| said(&message, by_rcs));
        let to = Msisdn::parse(&format!("+{}", message.to));
        let (Some((by_rcs, said)), Ok(to)) = (said, to) else {
            // What cannot be said by RCS is said by SMS.
            return report(message.key, refused(&Refusal::Rejected { field: None }, true));
        };
        let said = self.fitted(&to, said, &message).await;
        let id = by_rcs.id.0;
        let until = self.take_out(id).unwrap_or(by_rcs.until);
        let result = match self.carrier.send(&to, id, &said, until).await {
            SendOutcome::Accepted(_) => SubmitResult::Accepted {
                carrier_message_id: Some(id.to_string().into()),
            },
            SendOutcome::Refused(refusal) => {
                if let Some(text) = self.carrier.fault("send", &refusal) {
                    reports.send(LinkReport::Fault(text)).ok();
                }
                refused(&refusal, until < message.expires_at)
            }
            SendOutcome::InDoubt => SubmitResult::Lost,
            SendOutcome::Later(wait) => {
                let left = until.since(self.carrier.clock.now());
                tokio::select! {
                    () = tokio::time::sleep(wait.min(left).min(LONGEST_PAUSE)) => {}
                    () = stop.cancelled() => {}
                    () = self.carrier.circuit.opened() => {}
                }
                if until <= self.carrier.clock.now() {
                    refused(&Refusal::Expired, until < message.expires_at)
                } else {
                    self.put_back(id, until);
                    answered(UNAVAILABLE, RefusalAction::Throttle)
                }
            }
        };
        report(message.key, result)
    }

    /// The message as its handset can show it. Of offers nobody is asked one by one: they go to many, whose handsets are
    /// looked up together, and what one of these cannot show takes the next step.
    async fn fitted(&self, to: &Msisdn, said: AgentMessage, message: &Message) -> AgentMessage {
        let ask = message
            .rcs
            .as_ref()
            .is_some_and(|by_rcs| by_rcs.class != Class::Marketing);
        match self.carrier.shows(to, &said, ask).await {
            Some(handset) if !handset.lacks(&said).is_empty() => {
                counter!("araldo_rcs_plainer_total", "carrier" => self.carrier.name.to_string()).increment(1);
                render::plainer(&said, &message.text, &handset)
            }
            Some(_) | None => said,
        }
    }

    fn take_out(&self, id: Uuid) -> Option<UnixMillis> {
        let mut put_back = self.put_back.lock().unwrap_or_else(PoisonError::into_inner);
        put_back.remove(&id)
    }

    fn put_back(&self, id: Uuid, until: UnixMillis) {
        let mut put_back = self.put_back.lock().unwrap_or_else(PoisonError::into_inner);
        if put_back.len() >= MANY {
            let now = self.carrier.clock.now();
            put_back.retain(|_, until| *until > now);
        }
        put_back.insert(id, until);
    }
}

/// Takes no more messages; those that are here go back unsent.
fn give_back(messages: &mut mpsc::UnboundedReceiver<Vec<Message>>, reports: &mpsc::UnboundedSender<LinkReport>) {
    messages.close();
    while let Ok(batch) = messages.try_recv() {
        let unsent = batch
            .iter()
            .map(|message| report(message.key, SubmitResult::NotWritten));
        reports.send(LinkReport::Submits(unsent.collect())).ok();
    }
}

/// The message as the platform has it.
fn said<'m>(message: &Message, by_rcs: &'m ByRcs) -> Option<(&'m ByRcs, AgentMessage)> {
    let rich = match &by_rcs.rich {
        Some(json) => Rich::from_json(json).ok()?,
        None => Rich::text(&*message.text),
    };
    let mut said = render::message(by_rcs.id, by_rcs.class, &rich, by_rcs.ttl).ok()?;
    if by_rcs.acknowledges {
        said.message_traffic_type = Some(TrafficType::Acknowledgement);
    }
    Some((by_rcs, said))
}

/// Nothing was sent: the next step now. Its time with the platform may be over before all of its time is.
fn refused(refusal: &Refusal, has_time: bool) -> SubmitResult {
    match refusal {
        Refusal::NotReachable => answered(NOT_FOUND, RefusalAction::NotReachable),
        Refusal::CannotShow => answered(BAD_REQUEST, RefusalAction::NotReachable),
        Refusal::Rejected { field } => rejected(BAD_REQUEST, refusal, field.clone()),
        Refusal::UserTrafficLimit => rejected(TOO_MANY, refusal, None),
        Refusal::Configuration { status } => rejected((*status).into(), refusal, None),
        Refusal::Expired if has_time => answered(UNAVAILABLE, RefusalAction::NextStep),
        Refusal::Expired => answered(UNAVAILABLE, RefusalAction::Final(refusal.reason())),
    }
}

const fn rejected(status: u32, refusal: &Refusal, field: Option<Box<str>>) -> SubmitResult {
    let reason = refusal.reason();
    answered(status, RefusalAction::Rejected { reason, field })
}

const fn answered(status: u32, action: RefusalAction) -> SubmitResult {
    SubmitResult::Refused { status, action }
}

const fn report(key: i64, result: SubmitResult) -> SubmitReport {
    SubmitReport {
        key,
        number: 1,
        total: 1,
        result,
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
