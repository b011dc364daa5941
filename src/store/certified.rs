//! Numbers that are certified: known to be in the hand of a client's customer, since a code that was sent there came back.

use std::fmt;
use std::str::FromStr;

use super::Seq;
use crate::domain::{Name, UnixMillis, UnknownWord, VerificationId};

/// A code on its way to a number. Whose it is, and which number, says the message that brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVerification {
    /// Its id.
    pub id: VerificationId,
    /// The client's own word for the customer.
    pub customer: Box<str>,
    /// What the customer is to the client.
    pub profile: Option<Name>,
    /// What is known of the code, as JSON: the store does not look into it.
    pub code: Box<str>,
    /// From when on it does not count.
    pub expires_at: UnixMillis,
}

/// A code as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRecord {
    /// The owner.
    pub client: Name,
    /// The number, digits.
    pub msisdn: Box<str>,
    /// What it is to prove.
    pub asked: NewVerification,
    /// Where it is.
    pub state: VerificationState,
    /// Codes that were not this one.
    pub wrong: u8,
    /// When it was sent.
    pub made_at: UnixMillis,
    /// When it was used, or used up.
    pub ended_at: Option<UnixMillis>,
}

/// Where a code is. Whether its time is over, the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationState {
    /// It may be tried.
    Pending,
    /// It came back.
    Verified,
    /// Others came too often.
    Spent,
}

/// A change of what is certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertifiedAct {
    /// A code was tried.
    Tried {
        /// What was sent.
        id: VerificationId,
        /// Codes before that were not this one: the state that the change leaves.
        wrong: u8,
        /// What it becomes: pending with one wrong code more, or verified, and its number certified instead of whatever
        /// the client knew of it before.
        becomes: VerificationState,
    },
    /// A number is certified no more.
    Revoked {
        /// The owner.
        client: Name,
        /// The number, digits.
        msisdn: Box<str>,
    },
}

/// A number as it is, or was, certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedRecord {
    /// Its place.
    pub seq: Seq,
    /// The owner.
    pub client: Name,
    /// The number, digits.
    pub msisdn: Box<str>,
    /// The client's own word for the customer.
    pub customer: Box<str>,
    /// What the customer is to the client.
    pub profile: Option<Name>,
    /// Since when.
    pub at: UnixMillis,
    /// Until when, and why no longer.
    pub ended: Option<(UnixMillis, CertifiedEnd)>,
}

/// Why a number is certified no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertifiedEnd {
    /// It was certified anew.
    Replaced,
    /// Somebody took it back.
    Revoked,
}

/// For whom a number is certified, and with which profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The owner.
    pub client: Name,
    /// What the customer is to the client.
    pub profile: Option<Name>,
}

/// The end of a number's certification: what was meant for its customer before is not for whoever has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertified {
    /// The owner.
    pub client: Name,
    /// The number, digits.
    pub msisdn: Box<str>,
    /// When.
    pub at: UnixMillis,
}

/// To which number a code was sent, digits, and when.
pub type SentCode = (Box<str>, UnixMillis);

/// Which to list, oldest place first.
#[derive(Clone, Debug, Default)]
pub struct CertifiedQuery {
    /// Only this number, and then also what has ended.
    pub msisdn: Option<Box<str>>,
    /// Only of this client.
    pub client: Option<Name>,
    /// Only behind this place.
    pub after: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident $word:literal),+) => {
        impl $name {
            /// The word of the store and of the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord::new($what, word)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(VerificationState, "state of a code", Pending "pending", Verified "verified", Spent "spent");
words!(CertifiedEnd, "end", Replaced "replaced", Revoked "revoked");
