//! The classes of traffic: what goes first, what may be sent twice, how long it keeps.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::UnknownWord;

/// What a message is for. The class decides its place in the queue, how long it is worth sending, and what happens
/// when nobody knows whether it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A one-time code.
    Otp,
    /// Fraud and security: silence is the harm.
    Alert,
    /// The answer to a command that a customer texted.
    Reply,
    /// Something happened to the customer's money or goods.
    Transaction,
    /// Useful, and not urgent.
    Service,
    /// Offers.
    Marketing,
}

/// What is done with a message whose submit may or may not have reached the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDoubt {
    /// Sent again over the same step of its plan.
    Resend,
    /// Sent again, by the next step of its plan where there is one.
    ResendElsewhere,
    /// Never sent again.
    GiveUp,
}

impl Class {
    /// Every class, best first.
    pub const ALL: [Self; 6] = [
        Self::Otp,
        Self::Alert,
        Self::Reply,
        Self::Transaction,
        Self::Service,
        Self::Marketing,
    ];

    /// The number of distinct priorities.
    pub const PRIORITIES: usize = 5;

    /// The place in the queue; 0 goes first.
    pub const fn priority(self) -> u8 {
        match self {
            Self::Otp | Self::Alert => 0,
            Self::Reply => 1,
            Self::Transaction => 2,
            Self::Service => 3,
            Self::Marketing => 4,
        }
    }

    /// What follows a doubt.
    pub const fn after_doubt(self) -> AfterDoubt {
        match self {
            Self::Otp | Self::Reply | Self::Transaction | Self::Service => AfterDoubt::Resend,
            Self::Alert => AfterDoubt::ResendElsewhere,
            Self::Marketing => AfterDoubt::GiveUp,
        }
    }

    /// Copies that may go out beyond the first, over the message's whole life.
    pub const fn copies_allowed(self) -> u8 {
        match self {
            Self::Otp | Self::Reply | Self::Transaction | Self::Service => 1,
            Self::Alert => 2,
            Self::Marketing => 0,
        }
    }

    /// How long the message is worth sending when its sender does not say.
    pub const fn default_validity(self) -> Duration {
        match self {
            Self::Otp => Duration::from_mins(10),
            Self::Alert => Duration::from_mins(15),
            Self::Reply => Duration::from_mins(5),
            Self::Transaction | Self::Service => Duration::from_hours(24),
            Self::Marketing => Duration::from_hours(8),
        }
    }

    /// Whether an idle carrier of the next step may take it after seconds rather than half a minute.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Otp | Self::Alert)
    }

    /// The word used in the API, the store and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Alert => "alert",
            Self::Reply => "reply",
            Self::Transaction => "transaction",
            Self::Service => "service",
            Self::Marketing => "marketing",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or_else(|| UnknownWord::new("class", word))
    }
}
