//! One call with its tries: a token, a place, an answer that can be used.

use std::time::Duration;

use araldo_rcs::error::{Advice, ApiError, ErrorKind};
use bytes::Bytes;
use hyper::{Request, Response};
use metrics::counter;

use super::exchange::Lost;
use super::sign_in::SignInError;
use super::{RcsCarrier, Refusal};
use crate::clock::{jitter, monotonic};
use crate::domain::UnixMillis;

/// A request and how to make it again.
pub(super) struct Call<'a> {
    /// The word of the metrics.
    pub(super) name: &'static str,
    pub(super) first: Request<Bytes>,
    /// What makes it for a later try, where it changes with the time; `None` of it once its time is over.
    pub(super) again: Option<&'a (dyn Fn(UnixMillis) -> Option<Request<Bytes>> + Send + Sync)>,
    pub(super) effort: Effort,
}

/// How hard it is tried, and what a refusal for now means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// A message: refused as too many, it slows all messages, and they wait as long as the platform says.
    Message,
    /// As often, for itself.
    Usual,
    /// Once: whoever wants it can do without.
    Once,
}

/// Why there is no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The platform refuses it for good.
    #[error(transparent)]
    Refused(ApiError),
    /// There is no access token.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// It breaks a limit of the API and was not sent.
    #[error("{0}")]
    Broken(String),
    /// It had no effect, and may have later.
    #[error("the platform does not take it now: try again in {}", humantime::format_duration(*.0))]
    Later(Duration),
    /// It may have had its effect or not.
    #[error("the platform gave no answer that can be used: look at api_base and at the network, and try again")]
    InDoubt,
}

impl Call<'_> {
    /// One that is the same at every try.
    pub(super) fn repeated(name: &'static str, request: Request<Bytes>) -> Self {
        Self {
            name,
            first: request,
            again: None,
            effort: Effort::Usual,
        }
    }
}

/// What follows a try.
enum Next {
    /// Another, not before this time is over; `None` leaves it to the back-off.
    Again { after: Option<Duration>, doubt: bool },
    /// Another at once, with a new token.
    NewToken,
    /// None.
    Refused(ApiError),
}

/// Doubles from `min` to `max` with every try, less up to a fifth, so that what failed together does not come back
/// together.
fn backoff(min: Duration, max: Duration, tries: u32, jitter: f64) -> Duration {
    let whole = min.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(max);
    whole.mul_f64(1.0 - 0.2 * jitter)
}

impl RcsCarrier {
    /// Calls until the answer can be used, the tries are used up, or the time is over.
    pub(super) async fn call<T>(
        &self,
        call: Call<'_>,
        read: fn(&Response<Bytes>) -> Result<T, ApiError>,
    ) -> Result<T, CallError> {
        let mut request = call.first.clone();
        let (mut tries, mut doubt, mut renewed) = (0_u32, false, false);
        let max_tries = if call.effort == Effort::Once {
            1
        } else {
            self.config.max_tries
        };
        loop {
            tries += 1;
            let next = match self.try_once(&call, request.clone(), read, &mut renewed).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(next)) => next,
                // What keeps a later try from its effect says nothing of an earlier one.
                Err(_) if doubt => return Err(CallError::InDoubt),
                Err(error) => return Err(error),
            };
            let after = match next {
                Next::Refused(_) if doubt => return Err(CallError::InDoubt),
                Next::Refused(error) => return Err(CallError::Refused(error)),
                Next::NewToken => {
                    // No try of the platform's: the token was at fault.
                    tries -= 1;
                    continue;
                }
                Next::Again { after, doubt: in_doubt } => {
                    doubt |= in_doubt;
                    after
                }
            };
            let max = self.config.retry_max;
            let pause = backoff(self.config.retry_min, max, tries, jitter()).max(after.unwrap_or_default());
            let given_up = || {
                if doubt {
                    CallError::InDoubt
                } else {
                    CallError::Later(pause)
                }
            };
            if tries >= max_tries || pause > max || self.is_hopeless(&call) {
                return Err(given_up());
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.circuit.opened(), if call.effort == Effort::Message => return Err(given_up()),
            }
            if let Some(again) = call.again {
                request = again(self.clock.now()).ok_or_else(given_up)?;
            }
        }
    }

    /// One try. The outer error ends the call.
    async fn try_once<T>(
        &self,
        call: &Call<'_>,
        mut request: Request<Bytes>,
        read: fn(&Response<Bytes>) -> Result<T, ApiError>,
        renewed: &mut bool,
    ) -> Result<Result<T, Next>, CallError> {
        let name = call.name;
        let mut begun = monotonic();
        let failed = |begun, why: String| {
            if call.effort == Effort::Message {
                self.circuit.failed(begun, why);
            }
        };
        let token = match self.sign_in.token(&self.exchange).await {
            Ok(token) => token,
            Err(error) => {
                failed(begun, error.to_string());
                return Err(error.into());
            }
        };
        token.access.authorize(&mut request);
        let answered = {
            let _place = self.places.acquire().await.map_err(|_| CallError::InDoubt)?;
            begun = monotonic();
            self.exchange.exchange(request).await
        };
        let answer = match answered {
            Ok(answer) => answer,
            Err(lost) => {
                self.count(name, lost.as_str());
                failed(begun, lost.as_str().replace('_', " "));
                return Ok(Err(Next::Again {
                    after: None,
                    doubt: lost == Lost::Unanswered,
                }));
            }
        };
        self.count(name, answer.status().as_str());
        let error = match read(&answer) {
            Ok(value) => {
                self.answered(call);
                return Ok(Ok(value));
            }
            Err(error) => error,
        };
        Ok(Err(match error.advice() {
            Advice::Retry { after } => {
                failed(begun, format!("status {}", answer.status().as_u16()));
                if call.effort == Effort::Message {
                    if error.kind == ErrorKind::RateLimited {
                        self.pace.throttled();
                    }
                    self.hold_messages(after);
                }
                Next::Again {
                    after,
                    // What answers 429 or 503 has not done it; of the rest nobody knows.
                    doubt: !matches!(error.http_status.as_u16(), 429 | 503),
                }
            }
            Advice::RefreshToken if !*renewed => {
                *renewed = true;
                self.sign_in.spent(&token);
                Next::NewToken
            }
            Advice::RefreshToken | Advice::Configuration => {
                self.answered(call);
                // Of a message its bind tells.
                if call.effort != Effort::Message {
                    let status = error.http_status.as_u16();
                    self.fault(name, &Refusal::Configuration { status });
                }
                Next::Refused(error)
            }
            Advice::Downgrade | Advice::NextStep => {
                self.answered(call);
                Next::Refused(error)
            }
        }))
    }

    /// The platform takes messages, or says what is wrong with this one.
    fn answered(&self, call: &Call<'_>) {
        if call.effort == Effort::Message {
            self.circuit.answered();
        }
    }

    /// Whether another try would keep a message waiting for a platform that takes none.
    fn is_hopeless(&self, call: &Call<'_>) -> bool {
        call.effort == Effort::Message && self.circuit.outage().is_some()
    }

    fn count(&self, call: &'static str, result: &str) {
        counter!(
            "araldo_rcs_requests_total",
            "carrier" => self.name.to_string(), "call" => call, "result" => result.to_owned()
        )
        .increment(1);
    }
}
