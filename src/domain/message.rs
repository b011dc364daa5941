//! A message as it enters the outbox, and where it may be claimed.

use std::fmt;
use std::sync::Arc;

use araldo_sms::Encoding;
use serde::{Deserialize, Serialize};

use super::{Class, MessageId, Msisdn, Name, SenderId, UnixMillis};

/// How a message reaches the handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A short message.
    Sms,
}

/// A step of a route: the queue that a step's carriers pull from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The route.
    pub route: Name,
    /// The step, from 0.
    pub step: u8,
}

impl Lane {
    /// Where a message stands for which there is no route: no route of the configuration is called so.
    pub fn nowhere() -> Self {
        Self {
            route: Name::nowhere(),
            step: 0,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.route, self.step)
    }
}

/// One of a carrier's binds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindRef {
    /// The carrier.
    pub carrier: Name,
    /// The bind's number, from 0.
    pub bind: u16,
}

impl fmt::Display for BindRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.carrier, self.bind)
    }
}

/// A message checked, measured and routed: ready to be stored.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Our id.
    pub id: MessageId,
    /// The back-end system that owns it.
    pub client: Name,
    /// What it is for.
    pub class: Class,
    /// Who gets it.
    pub to: Msisdn,
    /// Who it comes from.
    pub from: SenderId,
    /// What it says.
    pub text: Arc<str>,
    /// The alphabet chosen.
    pub encoding: Encoding,
    /// How many segments the text makes, 1 to 255.
    pub segments: u8,
    /// The first step of its plan.
    pub lane: Lane,
    /// Whether a receipt is asked of the carrier and awaited.
    pub receipt: bool,
    /// The owner's own word for it.
    pub reference: Option<Box<str>>,
    /// Where its outcomes are told instead of the client's usual address.
    pub callback: Option<Arc<str>>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// Not to be sent before; `None` is at once.
    pub not_before: Option<UnixMillis>,
    /// Not to be sent after.
    pub expires_at: UnixMillis,
}
