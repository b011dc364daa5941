//! Optional parameters that are made of several fields, other than those of broadcasts.

use bytes::Bytes;

use super::{TlvTag, Tlvs};
use crate::CommandStatus;
use crate::value::{
    AlertOnMessageDelivery, COctet, DataCoding, DigitMode, ErrorNetworkType, MsValidityBehaviour, MsValidityUnit, Npi,
    SmppTime, SubaddressType, Ton,
};

/// The handset network's own error (SMPP 3.4 §5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkErrorCode {
    /// Whose numbering it is in.
    pub network_type: ErrorNetworkType,
    /// The error in that numbering.
    pub error_code: u16,
}

/// A number to call back (SMPP 3.4 §5.3.2.36).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackNum<'a> {
    /// How the digits are written.
    pub digit_mode: DigitMode,
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The digits, as the mode has them.
    pub digits: &'a [u8],
}

/// What the handset shows for a number to call back (SMPP 3.4 §5.3.2.38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackNumAtag<'a> {
    /// The alphabet of the text.
    pub data_coding: DataCoding,
    /// The text.
    pub text: &'a [u8],
}

/// An address within an address (SMPP 3.4 §5.3.2.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subaddress<'a> {
    /// What it is.
    pub kind: SubaddressType,
    /// Its octets.
    pub octets: &'a [u8],
}

/// Where an interactive dialogue stands (SMPP 3.4 §5.3.2.43).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItsSessionInfo {
    /// Which dialogue.
    pub session: u8,
    /// Which of its messages, 0 to 127.
    pub sequence: u8,
    /// Whether it is the last.
    pub is_last: bool,
}

/// How long the handset keeps a text (SMPP 3.4 §5.3.2.27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MsValidity {
    /// What ends it.
    pub behaviour: MsValidityBehaviour,
    /// Where a time does, the unit and how many; the form of one octet has none.
    pub period: Option<(MsValidityUnit, u16)>,
}

impl Tlvs {
    /// The handset network's own error.
    ///
    /// ```
    /// use araldo_smpp::value::ErrorNetworkType;
    /// use araldo_smpp::{TlvTag, TlvsMut};
    ///
    /// let mut tlvs = TlvsMut::new();
    /// tlvs.push_octets(TlvTag::NETWORK_ERROR_CODE, b"\x03\0\x1B")?;
    /// let code = tlvs.freeze().network_error_code().unwrap();
    /// assert_eq!((code.network_type, code.error_code), (ErrorNetworkType::GSM, 27));
    /// # Ok::<(), araldo_smpp::EncodeError>(())
    /// ```
    pub fn network_error_code(&self) -> Option<NetworkErrorCode> {
        let &[network_type, high, low] = self.get(TlvTag::NETWORK_ERROR_CODE)? else {
            return None;
        };
        Some(NetworkErrorCode {
            network_type: ErrorNetworkType(network_type),
            error_code: u16::from_be_bytes([high, low]),
        })
    }

    /// The numbers to call back, in order: the TLV may be repeated.
    ///
    /// ```
    /// use araldo_smpp::value::DigitMode;
    /// use araldo_smpp::{TlvTag, TlvsMut};
    ///
    /// let mut tlvs = TlvsMut::new();
    /// tlvs.push_octets(TlvTag::CALLBACK_NUM, b"\x01\x01\x01393331234567")?;
    /// let tlvs = tlvs.freeze();
    /// let number = tlvs.callback_nums().next().unwrap();
    /// assert_eq!((number.digit_mode, number.digits), (DigitMode::ASCII, &b"393331234567"[..]));
    /// # Ok::<(), araldo_smpp::EncodeError>(())
    /// ```
    pub fn callback_nums(&self) -> impl Iterator<Item = CallbackNum<'_>> {
        self.all(TlvTag::CALLBACK_NUM).filter_map(|value| {
            let (&[digit_mode, ton, npi], digits) = value.split_first_chunk()?;
            Some(CallbackNum {
                digit_mode: DigitMode(digit_mode),
                ton: Ton(ton),
                npi: Npi(npi),
                digits,
            })
        })
    }

    /// What is shown for each of them, in the same order.
    pub fn callback_num_atags(&self) -> impl Iterator<Item = CallbackNumAtag<'_>> {
        self.all(TlvTag::CALLBACK_NUM_ATAG).filter_map(|value| {
            let (&data_coding, text) = value.split_first()?;
            Some(CallbackNumAtag {
                data_coding: DataCoding(data_coding),
                text,
            })
        })
    }

    /// The source's subaddress (SMPP 3.4 §5.3.2.15).
    pub fn source_subaddress(&self) -> Option<Subaddress<'_>> {
        self.subaddress(TlvTag::SOURCE_SUBADDRESS)
    }

    /// The destination's subaddress (SMPP 3.4 §5.3.2.16).
    pub fn dest_subaddress(&self) -> Option<Subaddress<'_>> {
        self.subaddress(TlvTag::DEST_SUBADDRESS)
    }

    /// Where an interactive dialogue stands.
    pub fn its_session_info(&self) -> Option<ItsSessionInfo> {
        let &[session, low] = self.get(TlvTag::ITS_SESSION_INFO)? else {
            return None;
        };
        Some(ItsSessionInfo {
            session,
            sequence: low >> 1,
            is_last: low & 1 == 1,
        })
    }

    /// How long the handset keeps the text.
    pub fn ms_validity(&self) -> Option<MsValidity> {
        let (behaviour, period) = match *self.get(TlvTag::MS_VALIDITY)? {
            [behaviour] => (behaviour, None),
            [behaviour, unit, high, low] => {
                let amount = u16::from_be_bytes([high, low]);
                (behaviour, Some((MsValidityUnit(unit), amount)))
            }
            _ => return None,
        };
        Some(MsValidity {
            behaviour: MsValidityBehaviour(behaviour),
            period,
        })
    }

    /// That the handset is to alert, and how; 3.4 has no value for it, which is the default.
    pub fn alert_on_message_delivery(&self) -> Option<AlertOnMessageDelivery> {
        match *self.get(TlvTag::ALERT_ON_MESSAGE_DELIVERY)? {
            [] => Some(AlertOnMessageDelivery::DEFAULT),
            [how] => Some(AlertOnMessageDelivery(how)),
            _ => None,
        }
    }

    /// Which network the source is in: country code, then an id that it chose (SMPP 5.0).
    pub fn source_network_id(&self) -> Option<COctet> {
        self.get_c_octet(TlvTag::SOURCE_NETWORK_ID)
    }

    /// Which network the destination is in.
    pub fn dest_network_id(&self) -> Option<COctet> {
        self.get_c_octet(TlvTag::DEST_NETWORK_ID)
    }

    /// Which node of its network the source is at: six digits in ASCII (SMPP 5.0).
    pub fn source_node_id(&self) -> Option<[u8; 6]> {
        self.get(TlvTag::SOURCE_NODE_ID)?.try_into().ok()
    }

    /// Which node of its network the destination is at: six digits in ASCII (SMPP 5.0 §4.8.4.27).
    pub fn dest_node_id(&self) -> Option<[u8; 6]> {
        self.get(TlvTag::DEST_NODE_ID)?.try_into().ok()
    }

    /// What the portability database says of the destination: ten octets (SMPP 5.0 §4.8.4.21).
    pub fn dest_addr_np_information(&self) -> Option<[u8; 10]> {
        self.get(TlvTag::DEST_ADDR_NP_INFORMATION)?.try_into().ok()
    }

    /// The E.164 country code that this is about, in one to five octets (SMPP 5.0 §4.8.4.20).
    pub fn dest_addr_np_country(&self) -> Option<&[u8]> {
        let value = self.get(TlvTag::DEST_ADDR_NP_COUNTRY)?;
        TlvTag::DEST_ADDR_NP_COUNTRY.allows_length(value.len()).then_some(value)
    }

    /// How the message is billed: a format, and what the two sides agreed on (SMPP 5.0 §4.8.4.3).
    pub fn billing_identification(&self) -> Option<(u8, &[u8])> {
        let (&format, information) = self.get(TlvTag::BILLING_IDENTIFICATION)?.split_first()?;
        Some((format, information))
    }

    /// Why a broadcast was refused, area by area (SMPP 5.0 §4.8.4.10).
    pub fn broadcast_error_statuses(&self) -> impl Iterator<Item = CommandStatus> {
        self.all(TlvTag::BROADCAST_ERROR_STATUS)
            .filter_map(|value| Some(CommandStatus(u32::from_be_bytes(value.try_into().ok()?))))
    }

    /// When a broadcast ended; `None` too where it is empty or no time (SMPP 5.0 §4.8.4.9).
    pub fn broadcast_end_time(&self) -> Option<SmppTime> {
        let time = self.get_c_octet(TlvTag::BROADCAST_END_TIME)?;
        SmppTime::parse(time.as_bytes()).ok().flatten()
    }

    /// More about a broadcast's content, as its network has it (SMPP 5.0 §4.8.4.6).
    pub fn broadcast_content_type_info(&self) -> Option<Bytes> {
        self.get_bytes(TlvTag::BROADCAST_CONTENT_TYPE_INFO)
    }

    /// Which handsets a broadcast is for (SMPP 5.0 §4.8.4.14).
    pub fn broadcast_service_group(&self) -> Option<Bytes> {
        self.get_bytes(TlvTag::BROADCAST_SERVICE_GROUP)
    }

    fn subaddress(&self, tag: TlvTag) -> Option<Subaddress<'_>> {
        let (&kind, octets) = self.get(tag)?.split_first()?;
        Some(Subaddress {
            kind: SubaddressType(kind),
            octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TlvsMut;

    fn one(tag: TlvTag, value: &[u8]) -> Tlvs {
        let mut tlvs = TlvsMut::new();
        tlvs.push_octets(tag, value).expect("short");
        tlvs.freeze()
    }

    #[test]
    fn ms_validity_is_read_in_both_lengths_and_in_no_other() {
        let read = |value: &[u8]| one(TlvTag::MS_VALIDITY, value).ms_validity();
        let short = MsValidity {
            behaviour: MsValidityBehaviour::DISPLAY_ONLY,
            period: None,
        };
        assert_eq!(read(b"\x03"), Some(short));
        let timed = MsValidity {
            behaviour: MsValidityBehaviour::RELATIVE,
            period: Some((MsValidityUnit::MINUTES, 300)),
        };
        assert_eq!(read(b"\x04\x01\x01\x2C"), Some(timed));
        assert_eq!(read(b"\x04\x01"), None);
        assert!(!TlvTag::MS_VALIDITY.allows_length(2) && TlvTag::MS_VALIDITY.allows_length(4));
    }

    #[test]
    fn every_number_to_call_back_is_read_with_what_is_shown_for_it() {
        let mut tlvs = TlvsMut::new();
        for (number, text) in [(b"\x01\x01\x01555", b"\0Ann"), (b"\x01\x02\x01556", b"\0Bob")] {
            tlvs.push_octets(TlvTag::CALLBACK_NUM, number).expect("short");
            tlvs.push_octets(TlvTag::CALLBACK_NUM_ATAG, text).expect("short");
        }
        let tlvs = tlvs.freeze();
        let numbers: Vec<_> = tlvs.callback_nums().map(|number| (number.ton, number.digits)).collect();
        assert_eq!(numbers, [(Ton(1), &b"555"[..]), (Ton(2), b"556")]);
        let texts: Vec<_> = tlvs.callback_num_atags().map(|atag| atag.text).collect();
        assert_eq!(texts, [b"Ann", b"Bob"]);
        assert_eq!(one(TlvTag::CALLBACK_NUM, b"\x01\x01").callback_nums().count(), 0);
    }

    #[test]
    fn a_dialogue_tells_its_last_message_in_the_lowest_bit() {
        let info = one(TlvTag::ITS_SESSION_INFO, b"\x07\x05")
            .its_session_info()
            .expect("two octets");
        assert_eq!((info.session, info.sequence, info.is_last), (7, 2, true));
    }

    #[test]
    fn an_alert_without_a_value_is_the_default_one() {
        let read = |value: &[u8]| one(TlvTag::ALERT_ON_MESSAGE_DELIVERY, value).alert_on_message_delivery();
        assert_eq!(read(b""), Some(AlertOnMessageDelivery::DEFAULT));
        assert_eq!(read(b"\x03"), Some(AlertOnMessageDelivery::HIGH));
        assert_eq!(read(b"\0\0"), None);
    }

    #[test]
    fn a_value_of_a_length_that_its_tag_cannot_have_is_none() {
        assert_eq!(one(TlvTag::SOURCE_NODE_ID, b"12345").source_node_id(), None);
        assert_eq!(one(TlvTag::DEST_NODE_ID, b"123456").dest_node_id(), Some(*b"123456"));
        assert_eq!(one(TlvTag::DEST_SUBADDRESS, b"").dest_subaddress(), None);
        let subaddress = one(TlvTag::SOURCE_SUBADDRESS, b"\xA0ab");
        let subaddress = subaddress.source_subaddress().expect("a type and octets");
        assert_eq!(subaddress.kind, SubaddressType::USER_SPECIFIED);
        let failed = one(TlvTag::BROADCAST_ERROR_STATUS, b"\0\0\0\x0B");
        assert_eq!(
            failed.broadcast_error_statuses().collect::<Vec<_>>(),
            [CommandStatus::ESME_RINVDSTADR]
        );
    }
}
