//! What a command_status in an answer to submit_sm means for the message: one table, which a carrier's configuration
//! may override.

use std::collections::{BTreeMap, HashMap};

use araldo_smpp::{CommandStatus, StatusClass};

use crate::carrier::RefusalAction;
use crate::config::StatusAction;
use crate::domain::Reason;

/// What follows from `status`.
pub(super) fn action(status: CommandStatus, overrides: &HashMap<CommandStatus, StatusAction>) -> RefusalAction {
    match overrides.get(&status) {
        Some(StatusAction::Retry) => RefusalAction::Retry,
        Some(StatusAction::Next) => RefusalAction::NextStep,
        Some(StatusAction::Final) => RefusalAction::Final(reason(status)),
        Some(StatusAction::Throttle) => RefusalAction::Throttle,
        None => by_table(status),
    }
}

fn by_table(status: CommandStatus) -> RefusalAction {
    use CommandStatus as S;
    match status {
        S::ESME_RTHROTTLED | S::ESME_RMSGQFUL => RefusalAction::Throttle,
        // The number, the sender or the text is at fault: no carrier will do better, or none may be asked.
        S::ESME_RINVDSTADR | S::ESME_RINVDSTTON | S::ESME_RINVDSTNPI => {
            RefusalAction::Final(Reason::InvalidDestination)
        }
        // A sender that one carrier does not know may be registered with another.
        S::ESME_RINVSRCADR | S::ESME_RINVSRCTON | S::ESME_RINVSRCNPI => RefusalAction::NextStep,
        S::ESME_RINVMSGLEN | S::ESME_RINVESMCLASS | S::ESME_RINVEXPIRY | S::ESME_RINVSCHED | S::ESME_RINVREGDLVFLG => {
            RefusalAction::Final(Reason::RejectedContent)
        }
        S::ESME_RSUBMITFAIL | S::ESME_RINVSERTYP => RefusalAction::NextStep,
        _ => match status.class() {
            StatusClass::Throttled => RefusalAction::Throttle,
            StatusClass::Permanent => RefusalAction::NextStep,
            StatusClass::Protocol => RefusalAction::Final(Reason::RejectedContent),
            // A code that nobody knows, and vendors' codes, may pass.
            StatusClass::Temporary | StatusClass::Ok => RefusalAction::Retry,
        },
    }
}

fn reason(status: CommandStatus) -> Reason {
    match by_table(status) {
        RefusalAction::Final(reason) => reason,
        RefusalAction::Throttle
        | RefusalAction::Retry
        | RefusalAction::NextStep
        | RefusalAction::NotReachable
        | RefusalAction::Rejected { .. } => match status {
            CommandStatus::ESME_RINVSRCADR | CommandStatus::ESME_RINVSRCTON | CommandStatus::ESME_RINVSRCNPI => {
                Reason::InvalidSender
            }
            _ => Reason::CarrierRefused,
        },
    }
}

/// Reads the configuration's table: a status by its name or in hex.
pub(super) fn overrides(
    table: &BTreeMap<String, StatusAction>,
) -> Result<HashMap<CommandStatus, StatusAction>, String> {
    table.iter().map(|(word, action)| Ok((parse(word)?, *action))).collect()
}

fn parse(word: &str) -> Result<CommandStatus, String> {
    let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let status = match hex {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(CommandStatus),
        None => CommandStatus::from_name(&word.to_ascii_uppercase()),
    };
    status
        .ok_or_else(|| format!("`{word}` is no command_status: write a name such as ESME_RSYSERR, or hex such as 0x45"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_carrier_burns_no_try() {
        for status in [CommandStatus::ESME_RTHROTTLED, CommandStatus::ESME_RMSGQFUL] {
            assert_eq!(action(status, &HashMap::new()), RefusalAction::Throttle);
        }
    }

    #[test]
    fn a_wrong_number_ends_the_message_and_a_system_error_does_not() {
        let none = HashMap::new();
        assert_eq!(
            action(CommandStatus::ESME_RINVDSTADR, &none),
            RefusalAction::Final(Reason::InvalidDestination)
        );
        assert_eq!(action(CommandStatus::ESME_RSYSERR, &none), RefusalAction::Retry);
        assert_eq!(
            action(CommandStatus(0x0412), &none),
            RefusalAction::Retry,
            "vendors' codes may pass"
        );
    }

    #[test]
    fn a_carrier_may_mean_something_else() {
        let table = BTreeMap::from([
            ("ESME_RSYSERR".to_owned(), StatusAction::Final),
            ("0x412".to_owned(), StatusAction::Throttle),
        ]);
        let overrides = overrides(&table).unwrap();
        assert_eq!(
            action(CommandStatus::ESME_RSYSERR, &overrides),
            RefusalAction::Final(Reason::CarrierRefused)
        );
        assert_eq!(action(CommandStatus(0x412), &overrides), RefusalAction::Throttle);
        assert!(super::parse("ESME_NONSENSE").is_err());
    }
}
