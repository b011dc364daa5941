//! A message as it enters the outbox, and where it may be claimed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use araldo_sms::Encoding;
use serde::{Deserialize, Serialize};

use super::{Class, MessageId, Msisdn, Name, SenderId, Shape, UnixMillis, UnknownWord};

/// How a message reaches the handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A rich message.
    Rcs,
    /// A short message.
    Sms,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::Rcs, Self::Sms];

    /// The word of the API and the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rcs => "rcs",
            Self::Sms => "sms",
        }
    }
}

impl FromStr for Channel {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let mut all = Self::ALL.into_iter();
        all.find(|channel| channel.as_str() == word)
            .ok_or_else(|| UnknownWord::new("channel", word))
    }
}

/// The channels by which a message may go; in which order is its route's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// By RCS.
    pub rcs: bool,
    /// By SMS.
    pub sms: bool,
}

impl Channels {
    /// Any.
    pub const ANY: Self = Self { rcs: true, sms: true };

    /// Whether it may go by this one.
    pub const fn allow(self, channel: Channel) -> bool {
        match channel {
            Channel::Rcs => self.rcs,
            Channel::Sms => self.sms,
        }
    }
}

impl FromIterator<Channel> for Channels {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> Self {
        let none = Self { rcs: false, sms: false };
        channels.into_iter().fold(none, |all, channel| match channel {
            Channel::Rcs => Self { rcs: true, ..all },
            Channel::Sms => Self { sms: true, ..all },
        })
    }
}

/// A step of a plan, as far as the outbox cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// What its carriers speak.
    pub channel: Channel,
    /// How long a message waits there before it moves on; `None` is as long as it is valid.
    pub wait: Option<Duration>,
}

impl PlanStep {
    /// A step by SMS.
    pub const fn sms(wait: Option<Duration>) -> Self {
        Self {
            channel: Channel::Sms,
            wait,
        }
    }

    /// A step by RCS.
    pub const fn rcs(wait: Option<Duration>) -> Self {
        Self {
            channel: Channel::Rcs,
            wait,
        }
    }
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
    /// What it says by SMS.
    pub text: Arc<str>,
    /// What it shows by RCS, as [`Rich::to_json`](super::Rich::to_json) writes it; `None` is the text.
    pub rich: Option<Arc<str>>,
    /// The alphabet chosen.
    pub encoding: Encoding,
    /// How it is written besides.
    pub shape: Shape,
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
