//! Which message requests may be sent on which bind (SMPP 3.4 §2.3 table 2-1, 5.0 §2.4).

use super::Role;
use crate::CommandId;
use crate::value::BindMode;

/// Whether `sender` may send this message request on a bind of this mode.
///
/// Control PDUs (bind, unbind, enquire_link, outbind) are not messages: the session's states decide about them.
///
/// ```
/// use araldo_smpp::session::{Role, may_send};
/// use araldo_smpp::{BindMode, CommandId};
///
/// assert!(may_send(Role::Esme, BindMode::Transmitter, CommandId::SUBMIT_SM));
/// assert!(!may_send(Role::Esme, BindMode::Receiver, CommandId::SUBMIT_SM));
/// ```
pub const fn may_send(sender: Role, mode: BindMode, command: CommandId) -> bool {
    match (sender, command) {
        (
            Role::Esme,
            CommandId::SUBMIT_SM
            | CommandId::SUBMIT_MULTI
            | CommandId::DATA_SM
            | CommandId::QUERY_SM
            | CommandId::CANCEL_SM
            | CommandId::REPLACE_SM
            | CommandId::BROADCAST_SM
            | CommandId::QUERY_BROADCAST_SM
            | CommandId::CANCEL_BROADCAST_SM,
        ) => mode.submits(),
        (Role::MessageCentre, CommandId::DELIVER_SM | CommandId::DATA_SM | CommandId::ALERT_NOTIFICATION) => {
            mode.delivers()
        }
        (Role::Esme | Role::MessageCentre, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_delivered_to_and_submits_nothing() {
        assert!(may_send(Role::MessageCentre, BindMode::Receiver, CommandId::DELIVER_SM));
        assert!(!may_send(Role::Esme, BindMode::Receiver, CommandId::SUBMIT_SM));
        assert!(!may_send(
            Role::MessageCentre,
            BindMode::Transmitter,
            CommandId::DELIVER_SM
        ));
        assert!(!may_send(
            Role::MessageCentre,
            BindMode::Transceiver,
            CommandId::SUBMIT_SM
        ));
    }
}
