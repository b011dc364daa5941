//! The access token: one for all requests, asked for by one alone, and early, so that nobody waits for it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use araldo_rcs::error::Advice;
use araldo_rcs::sign_in::TokenError;
use araldo_rcs::{AccessToken, ServiceAccount};
use tokio::sync::Mutex;

use super::exchange::{Exchange, Lost};
use crate::clock::{Clock, monotonic};

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(60);
/// How long a failure is believed, so that a thousand messages do not ask a thousand times.
const AGAIN: Duration = Duration::from_secs(1);
/// The same for one that only a person can end.
const AGAIN_REFUSED: Duration = Duration::from_secs(30);

/// Why there is no access token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The token endpoint answered otherwise.
    #[error(transparent)]
    Refused(TokenError),
    /// It did not answer.
    #[error("the token endpoint does not answer: look at token_uri of the service account, and at the network")]
    Unanswered,
}

impl SignInError {
    /// How long to wait before the next attempt; `None` is for ever, until a person changes something.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unanswered => Some(AGAIN),
            Self::Refused(error) => match error.advice() {
                Advice::Retry { after } => Some(after.unwrap_or(AGAIN)),
                _ => None,
            },
        }
    }
}

/// A token that is in use.
pub(super) struct Held {
    pub(super) access: AccessToken,
    /// How long it was good for when it came.
    pub(super) lifetime: Duration,
    came: Instant,
}

impl Held {
    fn age(&self) -> Duration {
        monotonic().duration_since(self.came)
    }

    fn is_good(&self) -> bool {
        self.age() < self.lifetime
    }

    /// Of a life that is short, the last tenth counts as its end.
    fn is_young(&self) -> bool {
        self.age() + EARLY.min(self.lifetime / 10) < self.lifetime
    }
}

/// The account with its token.
pub(super) struct SignIn {
    account: ServiceAccount,
    clock: Clock,
    held: RwLock<Option<Arc<Held>>>,
    /// Whoever has it asks for the next token; the last failure, and when.
    asking: Mutex<Option<(SignInError, Instant)>>,
}

impl SignIn {
    pub(super) fn new(account: ServiceAccount, clock: Clock) -> Self {
        Self {
            account,
            clock,
            held: RwLock::new(None),
            asking: Mutex::new(None),
        }
    }

    /// A token that is good now. While one is good still, only one of those who ask waits for the next.
    pub(super) async fn token(&self, exchange: &Exchange) -> Result<Arc<Held>, SignInError> {
        let held = self.held();
        match held {
            Some(held) if held.is_young() => Ok(held),
            Some(held) if held.is_good() => match self.asking.try_lock() {
                // What goes wrong now is tried again by the next.
                Ok(mut asking) => Ok(self.ask(exchange, &mut asking).await.unwrap_or(held)),
                Err(_) => Ok(held),
            },
            _ => {
                let mut asking = self.asking.lock().await;
                match self.held() {
                    Some(held) if held.is_good() => Ok(held),
                    _ => self.ask(exchange, &mut asking).await,
                }
            }
        }
    }

    /// The platform does not take this token any more.
    pub(super) fn spent(&self, token: &Arc<Held>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, token)) {
            *held = None;
        }
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn ask(
        &self,
        exchange: &Exchange,
        failed: &mut Option<(SignInError, Instant)>,
    ) -> Result<Arc<Held>, SignInError> {
        if let Some((error, at)) = failed {
            let believed = error.retry_after().unwrap_or(AGAIN_REFUSED);
            if monotonic().duration_since(*at) < believed {
                return Err(error.clone());
            }
        }
        match self.exchange(exchange).await {
            Ok(access) => {
                let held = Arc::new(Held {
                    lifetime: access.lifetime(),
                    access,
                    came: monotonic(),
                });
                *failed = None;
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
                Ok(held)
            }
            Err(error) => {
                tracing::warn!(event = "rcs_sign_in_failed", account = self.account.client_email(), %error);
                *failed = Some((error.clone(), monotonic()));
                Err(error)
            }
        }
    }

    async fn exchange(&self, exchange: &Exchange) -> Result<AccessToken, SignInError> {
        let request = self.account.token_request(self.clock.now().timestamp());
        let answer = exchange.exchange(request).await;
        let answer = answer.map_err(|_: Lost| SignInError::Unanswered)?;
        AccessToken::read(&answer).map_err(SignInError::Refused)
    }
}
