//! A carrier that speaks the RCS business messaging API: values of `araldo-rcs` go in, and what became of them comes out.
//!
//! It knows no outbox and no store. What it remembers is in memory alone: the access token, and which handsets could be
//! reached.
//!
//! | module | what it holds |
//! |---|---|
//! | `exchange` | connections of HTTP/2, and one request over them |
//! | `sign_in` | the access token: one for all, refreshed early and by one alone |
//! | `call` | tries with their pauses, until the answer can be used |
//! | `known` | which handsets could be reached, and what they can show |
//! | [`render`] | a message of ours as the API has it |
//! | [`outcome`](SendOutcome) | what became of a message |
//! | [`link`](RcsLink) | the agent as a carrier that can be bound to |

mod call;
mod exchange;
mod known;
mod link;
mod outcome;
pub mod render;
mod sign_in;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use araldo_rcs::answer::{Accepted, Reach, Revocation};
use araldo_rcs::limit::MAX_BATCH_USERS;
use araldo_rcs::message::{AgentMessage, Expiry};
use araldo_rcs::{AgentId, Api, Capabilities, ErrorKind, Msisdn, ServiceAccount};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use call::CallError;
pub use known::Handset;
pub use link::RcsLink;
pub use outcome::{Refusal, RevokeOutcome, SendOutcome};
pub use sign_in::SignInError;

use crate::clock::Clock;
use crate::config::RbmConfig;
use crate::domain::{Name, UnixMillis};
use crate::throttle::CarrierPace;
use call::{Call, Effort};
use exchange::Exchange;
use known::Known;
use sign_in::SignIn;

/// The shortest time that a message is given: what has less left is not worth sending.
const SHORTEST_TTL: Duration = Duration::from_secs(1);
/// Batch look-ups that the platform allows in a minute.
const LOOK_UPS_A_MINUTE: NonZeroU32 = NonZeroU32::new(600).unwrap();
/// After a look-up that came to nothing messages go unasked for this long: the next one would keep them waiting too.
const LOOK_UPS_REST: Duration = Duration::from_secs(30);
/// The longest that messages wait because the platform asks for it: it may be mistaken, and is asked again.
const LONGEST_HOLD: Duration = Duration::from_mins(10);

/// An agent of the business messaging API.
pub struct RcsCarrier {
    name: Name,
    config: RbmConfig,
    api: Api,
    exchange: Exchange,
    sign_in: SignIn,
    /// Requests under way at once.
    places: Semaphore,
    pace: Arc<CarrierPace>,
    /// Until when no message is sent, since the platform asked for it.
    held_until: Moment,
    look_ups: DefaultDirectRateLimiter,
    /// Until when nobody waits for a look-up.
    unasked_until: Moment,
    known: Known,
    clock: Clock,
}

/// A time that moves ahead.
#[derive(Default)]
struct Moment(AtomicI64);

impl Moment {
    fn put_off(&self, until: UnixMillis) {
        self.0.fetch_max(until.0, Ordering::Relaxed);
    }

    /// How long it is until then.
    fn left(&self, now: UnixMillis) -> Option<Duration> {
        let left = UnixMillis(self.0.load(Ordering::Relaxed)).since(now);
        (!left.is_zero()).then_some(left)
    }
}

/// A carrier that cannot be built of its configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(String);

impl RcsCarrier {
    /// A carrier of this configuration, which has been checked. Nothing is asked of the platform yet.
    pub fn new(name: &Name, config: &RbmConfig, clock: Clock) -> Result<Self, InvalidSettings> {
        let invalid = |error: &dyn std::fmt::Display| InvalidSettings(error.to_string());
        let agent = AgentId::parse(&config.agent_id).map_err(|error| invalid(&error))?;
        let account = ServiceAccount::from_json(config.service_account.expose().as_bytes());
        let account = account.map_err(|error| InvalidSettings(format!("service_account: {error}")))?;
        let exchange = Exchange::new(config).map_err(InvalidSettings)?;
        Ok(Self {
            api: Api::new(config.base(), agent).map_err(|error| invalid(&error))?,
            sign_in: SignIn::new(account, clock.clone()),
            places: Semaphore::new(config.window.into()),
            pace: Arc::new(CarrierPace::new(config.throughput)),
            held_until: Moment::default(),
            look_ups: RateLimiter::direct(Quota::per_minute(LOOK_UPS_A_MINUTE)),
            unasked_until: Moment::default(),
            known: Known::new(config),
            name: name.clone(),
            config: config.clone(),
            exchange,
            clock,
        })
    }

    /// The agent.
    pub fn agent(&self) -> &AgentId {
        self.api.agent_id()
    }

    /// The pace of messages. Whoever sends takes a token first; the carrier slows it when the platform says so.
    pub fn pace(&self) -> &Arc<CarrierPace> {
        &self.pace
    }

    /// Asks for an access token, if there is none.
    pub async fn sign_in(&self) -> Result<Duration, SignInError> {
        self.sign_in.token(&self.exchange).await.map(|token| token.lifetime)
    }

    /// What is believed of a handset without asking: by the configuration, and by what was seen. `None` is nothing.
    pub fn known(&self, to: &Msisdn) -> Option<Handset> {
        self.known.of(to)
    }

    /// A message came from this handset by RCS: so it has it.
    pub fn heard_from(&self, from: &Msisdn) {
        self.known.reached(from);
    }

    /// Frees what is believed of handsets no longer; to be called now and then.
    pub fn sweep(&self) {
        self.known.sweep();
    }

    /// Sends a message, which may be told until `until` and has this time as its ttl where it has none of its own. To be
    /// called again with the same id, never with another, after [`SendOutcome::Later`] and [`SendOutcome::InDoubt`].
    pub async fn send(&self, to: &Msisdn, id: Uuid, message: &AgentMessage, until: UnixMillis) -> SendOutcome {
        if let Some(refusal) = self.refused_unasked(to, message) {
            return SendOutcome::Refused(refusal);
        }
        if let Some(left) = self.held_until.left(self.clock.now()) {
            return SendOutcome::Later(left);
        }
        let built = |now: UnixMillis| {
            let left = until.since(now);
            let mut message = message.clone();
            message.expiry.get_or_insert(Expiry::Ttl(left));
            (left >= SHORTEST_TTL).then(|| self.api.send(to, id, &message, now.timestamp()))
        };
        let request = match built(self.clock.now()) {
            None => return SendOutcome::Refused(Refusal::Expired),
            Some(Err(violations)) => return SendOutcome::Refused(Refusal::Broken(violations.to_string())),
            Some(Ok(request)) => request,
        };
        let call = Call {
            name: "send",
            first: request,
            again: Some(&|now| built(now).and_then(Result::ok)),
            effort: Effort::Message,
        };
        let answer = self.call(call, Accepted::read).await;
        let outcome = SendOutcome::of(answer);
        match &outcome {
            SendOutcome::Accepted(_) => self.known.reached(to),
            SendOutcome::Refused(Refusal::NotReachable) => self.known.not_reached(to),
            SendOutcome::Refused(Refusal::CannotShow) => self.known.refuted(to),
            _ => {}
        }
        outcome
    }

    /// The platform asks for patience: so long no message is sent.
    fn hold_messages(&self, after: Option<Duration>) {
        if let Some(wait) = after {
            self.held_until.put_off(self.clock.now().after(wait.min(LONGEST_HOLD)));
        }
    }

    /// What needs no question: numbers left out by the configuration, handsets that could not be reached a while ago, and
    /// those that cannot show the message.
    fn refused_unasked(&self, to: &Msisdn, message: &AgentMessage) -> Option<Refusal> {
        match self.known.of(to)? {
            Handset::NotReachable => Some(Refusal::NotReachable),
            Handset::Reachable(Some(capabilities)) => {
                (!capabilities.lacks(message).is_empty()).then_some(Refusal::CannotShow)
            }
            Handset::Reachable(None) => None,
        }
    }

    /// Withdraws a message that may not have been delivered yet.
    pub async fn revoke(&self, to: &Msisdn, id: Uuid) -> RevokeOutcome {
        let request = self.api.revoke(to, id);
        RevokeOutcome::of(self.call(Call::repeated("revoke", request), Revocation::read).await)
    }

    /// What a handset can show, of a message that asks for more than every handset can; from memory, or asked for where
    /// `ask`s it and for no longer than `look_up_timeout`. `None`: nobody knows, and it is sent as it is.
    pub async fn shows(&self, to: &Msisdn, message: &AgentMessage, ask: bool) -> Option<Arc<Capabilities>> {
        if Capabilities::default().lacks(message).is_empty() {
            return None;
        }
        match self.known.of(to) {
            Some(Handset::Reachable(Some(capabilities))) => return Some(capabilities),
            Some(Handset::NotReachable) => return None,
            Some(Handset::Reachable(None)) | None => {}
        }
        let timeout = self.config.look_up_timeout;
        if !ask || timeout.is_zero() || self.unasked_until.left(self.clock.now()).is_some() {
            return None;
        }
        match tokio::time::timeout(timeout, self.look_up(to, Effort::Once)).await {
            Ok(Ok(Handset::Reachable(capabilities))) => capabilities,
            Ok(Ok(Handset::NotReachable)) => None,
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(
                    event = "rcs_look_ups_rest",
                    carrier = %self.name,
                    "a look-up of what a handset can show came to nothing within look_up_timeout: for 30 s messages go without"
                );
                self.unasked_until.put_off(self.clock.now().after(LOOK_UPS_REST));
                None
            }
        }
    }

    /// What a handset can show; from memory where it was asked before.
    ///
    /// # Errors
    /// Nobody knows, and why.
    pub async fn capabilities(&self, to: &Msisdn) -> Result<Handset, CallError> {
        match self.known.of(to) {
            Some(known @ (Handset::NotReachable | Handset::Reachable(Some(_)))) => Ok(known),
            Some(Handset::Reachable(None)) | None => self.look_up(to, Effort::Usual).await,
        }
    }

    async fn look_up(&self, to: &Msisdn, effort: Effort) -> Result<Handset, CallError> {
        let request = self.api.capabilities(to, crate::clock::message_id(self.clock.now()).0);
        let call = Call {
            effort,
            ..Call::repeated("capabilities", request)
        };
        match self.call(call, Capabilities::read).await {
            Ok(capabilities) => Ok(self.known.seen(to, capabilities)),
            Err(CallError::Refused(error)) if error.kind == ErrorKind::NotReachable => {
                self.known.not_reached(to);
                Ok(Handset::NotReachable)
            }
            Err(error) => Err(error),
        }
    }

    /// Which of many handsets can be reached at all; what is known is not asked again. The platform wants 500 numbers or
    /// more of the host's own region.
    ///
    /// # Errors
    /// Nobody knows, and why; what was learnt before is kept.
    pub async fn reach(&self, numbers: &[Msisdn]) -> Result<HashMap<Msisdn, bool>, CallError> {
        let mut found = HashMap::with_capacity(numbers.len());
        let mut unknown: Vec<Msisdn> = Vec::new();
        let mut asked = HashSet::new();
        for number in numbers {
            match self.known.of(number) {
                Some(handset) => {
                    found.insert(number.clone(), handset.is_reachable());
                }
                None if asked.insert(number) => unknown.push(number.clone()),
                None => {}
            }
        }
        for numbers in unknown.chunks(MAX_BATCH_USERS) {
            self.look_ups.until_ready().await;
            let request = self
                .api
                .batch_get(numbers)
                .map_err(|error| CallError::Broken(error.to_string()))?;
            let reach = self.call(Call::repeated("batch_get", request), Reach::read).await?;
            let by_carrier = reach.reachable_users_map.iter();
            let skipped = by_carrier.filter(|(carrier, _)| self.known.skips(carrier));
            let skipped: HashSet<&str> = skipped
                .flat_map(|(_, users)| users.reachable_users.iter().map(String::as_str))
                .collect();
            let reachable: HashSet<&str> = reach.reachable_users.iter().map(String::as_str).collect();
            let is_wanted = |number: &str| reachable.contains(number) && !skipped.contains(number);
            for number in numbers {
                let is_reachable = is_wanted(number.as_str());
                if is_reachable {
                    self.known.reached(number);
                } else {
                    self.known.not_reached(number);
                }
                found.insert(number.clone(), is_reachable);
            }
        }
        Ok(found)
    }
}
