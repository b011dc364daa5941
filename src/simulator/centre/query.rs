//! What became of messages: for query_sm, and on the phones.

use std::time::Instant;

use araldo_smpp::pdu::QuerySmResp;
use araldo_smpp::value::AbsoluteTime;
use araldo_smpp::{COctet, MessageState, SmppTime};

use super::{Centre, State};
use crate::domain::UnixMillis;
use crate::simulator::phone::{Kept, PhoneMessage};
use crate::simulator::receipt::{self, Fate};

impl Centre {
    /// What query_sm is answered.
    pub(in crate::simulator) fn query(&self, id: &COctet, now: Instant) -> Option<QuerySmResp> {
        let number = self.config.id_form.number(&id.as_str())?;
        let fate = self.state().fate(number)?;
        let due = fate.due <= now;
        Some(QuerySmResp {
            message_id: id.clone(),
            final_date: if due { smpp_time(fate.at) } else { COctet::EMPTY },
            message_state: if due { fate.state } else { MessageState::ENROUTE },
            error_code: if due {
                u8::try_from(fate.error).unwrap_or(u8::MAX)
            } else {
                0
            },
            ..QuerySmResp::default()
        })
    }

    /// What the phones have received, oldest first, the last `limit` of it.
    pub(in crate::simulator) fn messages(&self, to: Option<&str>, limit: usize, now: Instant) -> Vec<PhoneMessage> {
        let state = self.state();
        let mut messages: Vec<PhoneMessage> = state
            .phones
            .messages(to)
            .rev()
            .take(limit)
            .map(|kept| self.view(&state, kept, now))
            .collect();
        messages.reverse();
        messages
    }

    pub(super) fn view(&self, state: &State, kept: &Kept, now: Instant) -> PhoneMessage {
        let word = |fate: Fate| {
            if fate.due <= now {
                fate.state
            } else {
                MessageState::ENROUTE
            }
        };
        let states = kept.numbers.iter().filter_map(|number| state.fate(*number)).map(word);
        let worst = states.max_by_key(|state| match *state {
            MessageState::DELIVERED => 0,
            MessageState::ENROUTE => 1,
            _ => 2,
        });
        PhoneMessage {
            id: kept
                .numbers
                .first()
                .map(|number| self.config.id_form.in_response(*number))
                .unwrap_or_default(),
            at: kept.at,
            to: kept.to.clone(),
            from: kept.from.clone(),
            text: kept.text.clone(),
            segments: u8::try_from(kept.numbers.len()).unwrap_or(u8::MAX),
            state: receipt::word(worst.unwrap_or(MessageState::UNKNOWN)),
            system_id: kept.system_id.clone(),
        }
    }
}

fn smpp_time(at: UnixMillis) -> COctet {
    let at = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let time = AbsoluteTime {
        year: u8::try_from(at.year() % 100).unwrap_or(0),
        month: part(at.month()),
        day: part(at.day()),
        hour: part(at.hour()),
        minute: part(at.minute()),
        second: part(at.second()),
        tenths: 0,
        quarters: 0,
    };
    SmppTime::Absolute(time).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_query_sm_is_absolute_and_in_utc() {
        assert_eq!(smpp_time(UnixMillis(1_767_225_600_000)), "260101000000000+");
    }
}
