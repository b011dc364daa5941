//! Who is written to and who writes.

use std::fmt;

/// A phone number in E.164 form with its plus sign, as `+447700900123`: up to fifteen digits, the first not zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(Box<str>);

/// A text that is no E.164 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a number in E.164 form: write a plus sign and 2 to 15 digits")]
pub struct InvalidMsisdn;

impl Msisdn {
    /// Reads a number with its plus sign.
    ///
    /// ```
    /// use araldo_rcs::Msisdn;
    ///
    /// assert_eq!(Msisdn::parse("+447700900123").unwrap().as_str(), "+447700900123");
    /// assert!(Msisdn::parse("07700900123").is_err());
    /// ```
    ///
    /// # Errors
    /// Anything else than `+` and 2 to 15 digits of which the first is not zero.
    pub fn parse(text: &str) -> Result<Self, InvalidMsisdn> {
        let digits = text.strip_prefix('+').ok_or(InvalidMsisdn)?;
        let is_number = (2..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        is_number.then(|| Self(text.into())).ok_or(InvalidMsisdn)
    }

    /// The number with its plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The agent: the branded sender. Requests name it in the short form, webhooks in the long one, `<id>@rbm.goog`; the part
/// before the `@` is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentId(Box<str>);

/// A text that names no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an agent id: write 1 to 128 letters, digits, dots, dashes or underscores, as the console shows it")]
pub struct InvalidAgentId;

impl AgentId {
    /// What follows the id in webhooks and in the service ids of deep links.
    const DOMAIN: &str = "@rbm.goog";
    const MAX_CHARACTERS: usize = 128;

    /// Reads either form.
    ///
    /// ```
    /// use araldo_rcs::AgentId;
    ///
    /// assert_eq!(AgentId::parse("harbour_bank@rbm.goog")?, AgentId::parse("harbour_bank")?);
    /// # Ok::<(), araldo_rcs::InvalidAgentId>(())
    /// ```
    ///
    /// # Errors
    /// No id before the `@`, one of more than 128 characters, or other characters than those of ids.
    pub fn parse(text: &str) -> Result<Self, InvalidAgentId> {
        let id = text.split_once('@').map_or(text, |(id, _)| id);
        let is_id = (1..=Self::MAX_CHARACTERS).contains(&id.len())
            && id
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"._-".contains(&octet));
        is_id.then(|| Self(id.into())).ok_or(InvalidAgentId)
    }

    /// The short form, as requests carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The long form, as webhooks carry it.
    #[must_use]
    pub fn with_domain(&self) -> String {
        format!("{}{}", self.0, Self::DOMAIN)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
