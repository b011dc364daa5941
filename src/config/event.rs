//! `[events]` and `[event.NAME]`: which events make which messages.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;
use crate::domain::Name;

/// How events are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// What an event gets that no rule knows. Default `accept`: it is answered with `matched: 0`.
    pub unknown: UnknownEvent,
    /// Events in one batch, 1 to 10,000. Default 1,000.
    pub max_batch: u32,
    /// Bytes of one event. Default 64 KiB.
    #[serde(with = "unit::size")]
    pub max_bytes: u64,
    /// Messages that one event may make by all its rules, 1 to 1,000. Default 100.
    pub max_messages: u32,
    /// Whether the table `event_inbox` is a way in. Default true.
    pub inbox: bool,
    /// How often it is looked at, 10 ms to 60 s. Default 200 ms.
    #[serde(with = "unit::duration")]
    pub inbox_interval: Duration,
}

/// What an event gets that no rule knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownEvent {
    /// 202 with `matched: 0`.
    Accept,
    /// 422 `unknown_event`.
    Refuse,
}

/// A rule: events of a type make messages. Every rule that fits an event applies.
///
/// Where it says so, a value is a literal, or holds `{{ … }}`, evaluated over the event: `data`, `type`, `source`, `id`,
/// `subject`, `time` and the extension attributes, and `recipient` beside them but for `when` and `to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventConfig {
    /// The types it is for, with `*` for any characters. Required.
    #[serde(rename = "type")]
    pub types: Words,
    /// The sources it is for, with `*`; empty is all.
    pub source: Words,
    /// The clients that may publish it; empty is all.
    pub client: Vec<Name>,
    /// A condition, e.g. `data.amount > 100`; `None` is always.
    pub when: Option<String>,
    /// Who gets a message: a number, or an expression that gives one, or a list of them. An item of a list may be an
    /// object with `to` and `locale`. Required.
    pub to: Words,
    /// The template, or an expression. Required.
    pub template: String,
    /// The language, or an expression; `None`, null or empty: `templates.locale`.
    pub locale: Option<String>,
    /// The class, or an expression. Default `service`.
    pub class: Option<String>,
    /// The sender, or an expression; `None`, null or empty: the client's `default_sender`.
    pub from: Option<String>,
    /// The channels by which it may go, of `rcs` and `sms`; in which order is the route's matter. Default any.
    pub channels: Words,
    /// How long a message may be on its way, e.g. `"2h"`, or an expression that gives that or a time; `None`, null or
    /// empty: by class.
    pub validity: Option<String>,
    /// Not sent before: a time in RFC 3339, a span from now such as `"30m"`, or an expression that gives either.
    pub not_before: Option<String>,
    /// The owner's word for the message, or an expression. Default the event's id.
    pub reference: Option<String>,
    /// Whether its texts are for the recipient's eyes alone, or an expression that gives true or false: operators are
    /// not shown them. Default as its template.
    pub personal: Truth,
}

/// True, false, or an expression that gives one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "true, false, or an expression such as \"{{ data.secret }}\"")]
pub enum Truth {
    /// Whatever the event says.
    Known(bool),
    /// An expression.
    Asked(String),
}

impl Default for Truth {
    fn default() -> Self {
        Self::Known(false)
    }
}

/// One text, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum Words {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Words {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
        .iter()
        .map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().all(str::is_empty)
    }
}

impl Default for Words {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            unknown: UnknownEvent::Accept,
            max_batch: 1_000,
            max_bytes: 64 << 10,
            max_messages: 100,
            inbox: true,
            inbox_interval: Duration::from_millis(200),
        }
    }
}
