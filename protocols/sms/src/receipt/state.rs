use std::fmt;

/// The state a receipt reports: those of `message_state` (SMPP 5.0 §4.7.15), and one for words nobody knows.
///
/// ```
/// use araldo_sms::ReceiptState;
///
/// assert_eq!(ReceiptState::from_stat("DELIVRD"), Some(ReceiptState::Delivered));
/// assert_eq!(ReceiptState::from_message_state(5), ReceiptState::Undeliverable);
/// assert_eq!(ReceiptState::Undeliverable.as_str(), "undeliverable");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// Waits at the MC for its time.
    Scheduled,
    /// On its way.
    Enroute,
    /// The handset has it.
    Delivered,
    /// Its validity period is over.
    Expired,
    /// Deleted at the MC before delivery.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// Taken by an operator or a machine on behalf of the subscriber.
    Accepted,
    /// The MC does not know.
    Unknown,
    /// Refused by the MC or the network.
    Rejected,
    /// Taken and then left out by the MC.
    Skipped,
    /// A word or number that no standard has; `stat` of the receipt keeps it.
    Other,
}

/// Words met after `stat:`, those of SMPP 3.4 Appendix B and 5.0 first.
const WORDS: [(&str, ReceiptState); 42] = [
    ("DELIVRD", ReceiptState::Delivered),
    ("UNDELIV", ReceiptState::Undeliverable),
    ("EXPIRED", ReceiptState::Expired),
    ("REJECTD", ReceiptState::Rejected),
    ("ACCEPTD", ReceiptState::Accepted),
    ("ENROUTE", ReceiptState::Enroute),
    ("UNKNOWN", ReceiptState::Unknown),
    ("DELETED", ReceiptState::Deleted),
    ("SCHEDLD", ReceiptState::Scheduled),
    ("SKIPPED", ReceiptState::Skipped),
    ("DELIVERED", ReceiptState::Delivered),
    ("DELIVERD", ReceiptState::Delivered),
    ("UNDELIVRD", ReceiptState::Undeliverable),
    ("UNDELIVERD", ReceiptState::Undeliverable),
    ("UNDELIVERED", ReceiptState::Undeliverable),
    ("UNDELIVERABLE", ReceiptState::Undeliverable),
    ("UNDELIVERY", ReceiptState::Undeliverable),
    ("FAILED", ReceiptState::Undeliverable),
    ("FAIL", ReceiptState::Undeliverable),
    ("FAILURE", ReceiptState::Undeliverable),
    ("REJECTED", ReceiptState::Rejected),
    ("ACCEPTED", ReceiptState::Accepted),
    ("EN_ROUTE", ReceiptState::Enroute),
    ("EXPIRD", ReceiptState::Expired),
    ("SCHEDULED", ReceiptState::Scheduled),
    ("SKIPPD", ReceiptState::Skipped),
    ("UNKNWN", ReceiptState::Unknown),
    ("DLVRD", ReceiptState::Delivered),
    ("DELIVD", ReceiptState::Delivered),
    ("UNDLV", ReceiptState::Undeliverable),
    ("UNDLVD", ReceiptState::Undeliverable),
    ("UNDLVRD", ReceiptState::Undeliverable),
    ("UNDELIVR", ReceiptState::Undeliverable),
    ("REJECT", ReceiptState::Rejected),
    ("REJCTD", ReceiptState::Rejected),
    ("ENROUT", ReceiptState::Enroute),
    ("EN-ROUTE", ReceiptState::Enroute),
    ("EXPD", ReceiptState::Expired),
    ("EXPIRE", ReceiptState::Expired),
    ("ACCEPT", ReceiptState::Accepted),
    ("ACCPTD", ReceiptState::Accepted),
    ("SCHEDULD", ReceiptState::Scheduled),
];

impl ReceiptState {
    /// Reads the word after `stat:`, in any case. `None` for an empty one, [`Self::Other`] for one nobody knows.
    ///
    /// ```
    /// # use araldo_sms::ReceiptState;
    /// assert_eq!(ReceiptState::from_stat("Delivered"), Some(ReceiptState::Delivered));
    /// assert_eq!(ReceiptState::from_stat("XYZ12"), Some(ReceiptState::Other));
    /// assert_eq!(ReceiptState::from_stat(""), None);
    /// ```
    #[must_use]
    pub fn from_stat(stat: &str) -> Option<Self> {
        if stat.is_empty() {
            return None;
        }
        let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(stat));
        Some(known.map_or(Self::Other, |&(_, state)| state))
    }

    /// Reads the TLV `message_state` or the field of `query_sm_resp`; [`Self::Other`] above 9.
    ///
    /// ```
    /// # use araldo_sms::ReceiptState;
    /// assert_eq!(ReceiptState::from_message_state(2), ReceiptState::Delivered);
    /// assert_eq!(ReceiptState::from_message_state(200), ReceiptState::Other);
    /// ```
    #[must_use]
    pub fn from_message_state(number: u8) -> Self {
        match number {
            0 => Self::Scheduled,
            1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            7 => Self::Unknown,
            8 => Self::Rejected,
            9 => Self::Skipped,
            _ => Self::Other,
        }
    }

    /// The number for `message_state`; [`Self::Other`] has none.
    ///
    /// ```
    /// # use araldo_sms::ReceiptState;
    /// assert_eq!(ReceiptState::Rejected.message_state(), Some(8));
    /// ```
    #[must_use]
    pub fn message_state(self) -> Option<u8> {
        match self {
            Self::Scheduled => Some(0),
            Self::Enroute => Some(1),
            Self::Delivered => Some(2),
            Self::Expired => Some(3),
            Self::Deleted => Some(4),
            Self::Undeliverable => Some(5),
            Self::Accepted => Some(6),
            Self::Unknown => Some(7),
            Self::Rejected => Some(8),
            Self::Skipped => Some(9),
            Self::Other => None,
        }
    }

    /// The seven letters for `stat:`. [`Self::Other`] is written `UNKNOWN`.
    ///
    /// ```
    /// # use araldo_sms::ReceiptState;
    /// assert_eq!(ReceiptState::Accepted.stat(), "ACCEPTD");
    /// ```
    #[must_use]
    pub fn stat(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDLD",
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown | Self::Other => "UNKNOWN",
            Self::Rejected => "REJECTD",
            Self::Skipped => "SKIPPED",
        }
    }

    /// The word for it in our API: SMPP's name of the `message_state` in lower case, or `other`.
    ///
    /// ```
    /// # use araldo_sms::ReceiptState;
    /// assert_eq!(ReceiptState::Enroute.as_str(), "enroute");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Enroute => "enroute",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliverable => "undeliverable",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ReceiptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_cut_or_short_is_the_state_it_can_only_mean() {
        for (word, state) in [
            ("DLVRD", ReceiptState::Delivered),
            ("UNDLV", ReceiptState::Undeliverable),
            ("reject", ReceiptState::Rejected),
            ("ENROUT", ReceiptState::Enroute),
            ("EXPD", ReceiptState::Expired),
            ("BUFFERED", ReceiptState::Other),
        ] {
            assert_eq!(ReceiptState::from_stat(word), Some(state), "{word}");
        }
    }

    #[test]
    fn every_message_state_has_its_number_and_word_back() {
        for number in 0..=9 {
            let state = ReceiptState::from_message_state(number);
            assert_eq!(state.message_state(), Some(number));
            assert_eq!(ReceiptState::from_stat(state.stat()), Some(state));
        }
    }
}
