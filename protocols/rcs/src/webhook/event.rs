//! What happens to messages, users and agents.

use jiff::Timestamp;

use crate::proto3::open_enum;
use crate::{AgentId, Msisdn};

/// What a user's handset tells without the user saying anything, and what users decide in its menus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    /// Of which agent.
    pub agent_id: AgentId,
    /// Whose handset.
    pub sender_phone_number: Msisdn,
    /// What.
    pub event: UserEventType,
    /// By which it is known.
    pub event_id: String,
    /// When.
    pub send_time: Option<Timestamp>,
}

/// What a user's event is about. Ids are those that the agent gave its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEventType {
    /// The message is on the handset. It outranks whatever was said of its expiry.
    Delivered {
        /// Which.
        message_id: String,
    },
    /// The message was opened, and so delivered, whether or not that was told before.
    Read {
        /// Which.
        message_id: String,
    },
    /// The user is writing.
    IsTyping,
    /// The user wants messages again. The keyword comes beside it as a text.
    Subscribe,
    /// The user wants no more messages. The keyword comes beside it as a text.
    Unsubscribe,
    /// An event that this version does not know.
    Other {
        /// Its name, as it came.
        event_type: String,
        /// The message that it is about, where it names one.
        message_id: Option<String>,
    },
}

impl UserEventType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Delivered { .. } => "DELIVERED",
            Self::Read { .. } => "READ",
            Self::IsTyping => "IS_TYPING",
            Self::Subscribe => "SUBSCRIBE",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Other { event_type, .. } => event_type,
        }
    }

    /// The agent's message that it is about.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match self {
            Self::Delivered { message_id } | Self::Read { message_id } => Some(message_id),
            Self::IsTyping | Self::Subscribe | Self::Unsubscribe => None,
            Self::Other { message_id, .. } => message_id.as_deref(),
        }
    }
}

/// What the platform tells of a message that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// Whose message.
    pub agent_id: AgentId,
    /// To whom; `phoneNumber` here, not `senderPhoneNumber`.
    pub phone_number: Msisdn,
    /// Which, by the id that the agent gave it.
    pub message_id: String,
    /// What.
    pub event: ServerEventType,
    /// By which it is known.
    pub event_id: String,
    /// When.
    pub send_time: Option<Timestamp>,
}

open_enum! {
    /// What the platform tells of a message.
    ServerEventType {
        /// Its time was up and it was withdrawn: undelivered, unless a DELIVERED says otherwise.
        TtlExpirationRevoked = "TTL_EXPIRATION_REVOKED",
        /// Its time was up and it may or may not have been withdrawn.
        TtlExpirationRevokeFailed = "TTL_EXPIRATION_REVOKE_FAILED",
    }
}

/// What carriers decide about an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchEvent {
    /// Which agent.
    pub agent_id: AgentId,
    /// By which it is known.
    pub event_id: Option<String>,
    /// Its name, as users see it.
    pub bot_display_name: Option<String>,
    /// The brand's id.
    pub brand_id: Option<String>,
    /// The brand's name.
    pub brand_display_name: Option<String>,
    /// The carrier or the region, as `/v1/regions/…`.
    pub region_id: Option<String>,
    /// What it was there.
    pub old_launch_state: Option<LaunchState>,
    /// What it is there.
    pub new_launch_state: LaunchState,
    /// Who decided; an address of a person, not for logs.
    pub acting_party: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// When.
    pub send_time: Option<Timestamp>,
}

open_enum! {
    /// What an agent is to a carrier.
    LaunchState {
        /// Being looked at.
        Pending = "PENDING",
        /// Allowed to write to the carrier's users.
        Launched = "LAUNCHED",
        /// Not allowed.
        Rejected = "REJECTED",
        /// No longer allowed, for now.
        Suspended = "SUSPENDED",
        /// Not asked for.
        Unlaunched = "UNLAUNCHED",
    }
}
