//! What unit tests of several rooms are made of: one route for all, one message, settings without hurry.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::domain::{BindRef, Class, Encoding, Lane, Msisdn, Name, NewMessage, PlanStep, SenderId, Shape, UnixMillis};
use crate::outbox::{CarrierPolicy, Hearing, Policy, Settings};

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The first bind of the only carrier.
pub(crate) fn bind() -> BindRef {
    BindRef {
        carrier: name("tim"),
        bind: 0,
    }
}

/// The only step of the only route.
pub(crate) fn lane() -> Lane {
    Lane {
        route: name("all"),
        step: 0,
    }
}

/// A message that may be sent at once, valid for an hour.
pub(crate) fn message(now: UnixMillis) -> NewMessage {
    NewMessage {
        id: crate::clock::message_id(now),
        client: name("bank"),
        class: Class::Service,
        to: Msisdn::parse("+393331234567").unwrap(),
        from: SenderId::parse("Bank").unwrap(),
        text: "Ciao".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        rich: None,
        segments: 1,
        lane: lane(),
        receipt: true,
        reference: None,
        callback: None,
        accepted_at: now,
        not_before: None,
        expires_at: now.after(Duration::from_hours(1)),
    }
}

/// Nobody hears anything, no carrier has a word of its own.
pub(crate) fn policy() -> Policy {
    Policy {
        steps: HashMap::from([(name("all"), vec![PlanStep::sms(None)])]),
        agents: HashMap::new(),
        receipt_grace: Duration::from_hours(24),
        carriers: HashMap::new(),
        former_carrier: CarrierPolicy::default(),
        habits: Mutex::default(),
        hearing: Hearing::default(),
        gate: std::sync::Arc::default(),
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        queue: 64,
        batch: 1_024,
        commit_timeout: Duration::from_secs(10),
        promote_interval: Duration::from_secs(1),
        rescue_interval: Duration::from_secs(1),
        prune_interval: Duration::from_mins(1),
        prune_step: 1_000,
        retention: Duration::from_hours(24),
        idempotency_retention: Duration::from_hours(24),
    }
}
