//! What only a person can mend: told once a minute for each kind, and counted each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;

use super::{RcsCarrier, Refusal};
use crate::clock::monotonic;

/// How long a fault of one kind is not told again.
const AGAIN: Duration = Duration::from_mins(1);
/// Kinds that are kept. The platform names members, which are few: this is a bound.
const KINDS: usize = 64;

/// When each kind was told last.
#[derive(Default)]
pub(super) struct Faults(Mutex<HashMap<(u16, Box<str>), Instant>>);

impl Faults {
    fn is_due(&self, status: u16, field: &str, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.duration_since(*at) < AGAIN);
        let kind = (status, field.into());
        if told.len() >= KINDS || told.contains_key(&kind) {
            return false;
        }
        told.insert(kind, now);
        true
    }
}

impl RcsCarrier {
    /// Counts a refusal that is a fault of ours, of the agent or of its configuration; what to tell of it, where that is
    /// due: cause and cure.
    pub(super) fn fault(&self, call: &'static str, refusal: &Refusal) -> Option<String> {
        let (status, field) = match refusal {
            Refusal::Rejected { field } => (400, field.as_deref().unwrap_or_default()),
            Refusal::Configuration { status } => (*status, ""),
            Refusal::NotReachable | Refusal::CannotShow | Refusal::UserTrafficLimit | Refusal::Expired => return None,
        };
        let labels = [
            ("carrier", self.name.to_string()),
            ("call", call.to_owned()),
            ("status", status.to_string()),
        ];
        counter!("araldo_rcs_faults_total", &labels).increment(1);
        if !self.faults.is_due(status, field, monotonic()) {
            return None;
        }
        let text = self.text_of(status, field);
        tracing::error!(event = "rcs_fault", carrier = %self.name, call, status, field, "{text}");
        Some(text)
    }

    fn text_of(&self, status: u16, field: &str) -> String {
        let (name, agent) = (&self.name, self.agent());
        match (status, field) {
            (400, "messageTrafficType") => format!(
                "agent `{agent}` may not send what this class of message is for (400, messageTrafficType): look at its use \
                 case in the console, or leave `{name}` out of the routes of that class"
            ),
            (400, "") => {
                "the platform refuses a message and does not say which member is at fault (400): look at its rich \
                          form and at the agent's use case in the console"
                    .to_owned()
            }
            (400, field) => {
                format!("the platform refuses a message for its member `{field}` (400): look at its rich form")
            }
            (401, _) => {
                format!("there is no access token that the platform takes (401): run `araldo rcs check {name}`")
            }
            (403, _) => format!(
                "the key may not speak for agent `{agent}` (403): look at agent_id and service_account, and whether the \
                 agent is launched; `araldo rcs check {name}` tries both"
            ),
            _ => format!(
                "{} answers {status}, which is not an answer of the API: look at carrier.{name}.api_base",
                self.config.base()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_a_minute_for_each_kind() {
        let (faults, begun) = (Faults::default(), monotonic());
        let due = |status, field, after| faults.is_due(status, field, begun + Duration::from_secs(after));
        assert!(due(400, "messageTrafficType", 0));
        assert!(!due(400, "messageTrafficType", 59));
        assert!(due(400, "ttl", 59));
        assert!(due(403, "", 59));
        assert!(due(400, "messageTrafficType", 60));
    }
}
