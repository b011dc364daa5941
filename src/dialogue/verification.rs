//! Whether a number is in the hand of a client's customer: a code is sent there, and comes back by another way.

use std::time::Duration;

use super::code::{self, Code, TRIES};
use crate::domain::{Name, UnixMillis};

/// How long a code counts.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// What comes back with the code: that this number is this customer's.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Whose customer.
    pub client: &'a Name,
    /// The number, digits.
    pub number: &'a str,
    /// The client's own word for the customer.
    pub customer: &'a str,
    /// What the customer is to the client.
    pub profile: Option<&'a Name>,
}

/// What a try comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is the code.
    Right,
    /// It is not, and so many tries are left.
    Wrong(u8),
    /// It is not, and there was no other try.
    Spent,
    /// It comes too late.
    Expired,
}

impl Claim<'_> {
    /// What is kept of a code for it.
    pub fn seal(&self, code: &str, nonce: &str) -> Code {
        Code::of(code, nonce, &self.purpose(), &self.values())
    }

    /// What a try comes to, after so many wrong ones.
    pub fn try_code(&self, sealed: &Code, tried: &str, wrong: u8, expires_at: UnixMillis, now: UnixMillis) -> Tried {
        if expires_at <= now {
            return Tried::Expired;
        }
        let right = code::digits(tried).is_some_and(|tried| sealed.is(&tried, &self.purpose(), &self.values()));
        match TRIES.saturating_sub(wrong.saturating_add(1)) {
            _ if right => Tried::Right,
            0 => Tried::Spent,
            left => Tried::Wrong(left),
        }
    }

    /// A code of a claim is none of a command.
    fn purpose(&self) -> Name {
        self.client.clone()
    }

    fn values(&self) -> super::Frozen {
        let profile = self.profile.map_or("", Name::as_str);
        let values = [
            ("number", self.number),
            ("customer", self.customer),
            ("profile", profile),
        ];
        let values = values.map(|(name, value)| (format!("verification {name}"), value.into()));
        values.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);
    const LATER: UnixMillis = UnixMillis(2_000);

    #[test]
    fn a_code_proves_its_own_claim_three_times_at_the_most_and_in_its_time() {
        let [bank, shop, gold] = ["bank", "shop", "gold"].map(|name| Name::parse(name).unwrap());
        let claim = Claim {
            client: &bank,
            number: "393331234567",
            customer: "c-7",
            profile: Some(&gold),
        };
        let sealed = claim.seal("123456", "n");
        let told = |claim: &Claim<'_>, tried, wrong, now| claim.try_code(&sealed, tried, wrong, LATER, now);
        assert_eq!(told(&claim, "123 456", 2, NOW), Tried::Right);
        let wrong: Vec<Tried> = (0..3).map(|wrong| told(&claim, "123457", wrong, NOW)).collect();
        assert_eq!(wrong, [Tried::Wrong(2), Tried::Wrong(1), Tried::Spent]);
        assert_eq!(told(&claim, "123456", 0, LATER), Tried::Expired);
        for other in [
            Claim { client: &shop, ..claim },
            Claim {
                number: "393331234568",
                ..claim
            },
            Claim {
                customer: "c-8",
                ..claim
            },
            Claim { profile: None, ..claim },
        ] {
            assert_eq!(told(&other, "123456", 0, NOW), Tried::Wrong(2), "{other:?}");
        }
    }
}
