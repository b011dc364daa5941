//! What the TLVs of a broadcast and some others are made of.

use super::{TlvTag, Tlvs};
use crate::value::FrequencyUnit;

/// What a broadcast is about (SMPP 5.0 §4.8.4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastContentType {
    /// 0 generic, 1 GSM, 2 TDMA, 3 CDMA.
    pub network_type: u8,
    /// The service, as 0x0020 for weather.
    pub service: u16,
}

/// How often it is repeated (SMPP 5.0 §4.8.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastFrequencyInterval {
    /// In which unit.
    pub unit: FrequencyUnit,
    /// How many of them.
    pub amount: u16,
}

/// Where it is sent (SMPP 5.0 §4.8.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastArea<'a> {
    /// 0 an alias, 1 an ellipsoid arc, 2 a polygon.
    pub format: u8,
    /// As the format has it.
    pub details: &'a [u8],
}

/// How long the handset keeps a text (SMPP 3.4 §5.3.2.27, 5.0 §4.8.4.41).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MsValidity {
    /// 0 for ever, 1 until power off, 2 until the registration area is left, 3 as long as it is displayed, 4 relative.
    pub behaviour: u8,
    /// With 4, the unit (0 seconds to 6 years) and how many; the form of one octet has none.
    pub period: Option<(u8, u16)>,
}

impl Tlvs {
    /// The areas of a broadcast, in order.
    pub fn broadcast_areas(&self) -> impl Iterator<Item = BroadcastArea<'_>> {
        self.iter()
            .filter(|tlv| tlv.tag == TlvTag::BROADCAST_AREA_IDENTIFIER)
            .filter_map(|tlv| {
                let (&format, details) = tlv.value.split_first()?;
                Some(BroadcastArea { format, details })
            })
    }

    /// What a broadcast is about.
    pub fn broadcast_content_type(&self) -> Option<BroadcastContentType> {
        let &[network_type, high, low] = self.get(TlvTag::BROADCAST_CONTENT_TYPE)? else {
            return None;
        };
        Some(BroadcastContentType {
            network_type,
            service: u16::from_be_bytes([high, low]),
        })
    }

    /// How often a broadcast is repeated.
    pub fn broadcast_frequency_interval(&self) -> Option<BroadcastFrequencyInterval> {
        let &[unit, high, low] = self.get(TlvTag::BROADCAST_FREQUENCY_INTERVAL)? else {
            return None;
        };
        Some(BroadcastFrequencyInterval {
            unit: FrequencyUnit(unit),
            amount: u16::from_be_bytes([high, low]),
        })
    }

    /// How long the handset keeps the text.
    pub fn ms_validity(&self) -> Option<MsValidity> {
        match *self.get(TlvTag::MS_VALIDITY)? {
            [behaviour] => Some(MsValidity {
                behaviour,
                period: None,
            }),
            [behaviour, unit, high, low] => Some(MsValidity {
                behaviour,
                period: Some((unit, u16::from_be_bytes([high, low]))),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn ms_validity_is_read_in_both_lengths_and_in_no_other() {
        let read = |octets: &'static [u8]| Tlvs::leading(&Bytes::from_static(octets)).ms_validity();
        let short = MsValidity {
            behaviour: 3,
            period: None,
        };
        assert_eq!(read(b"\x12\x04\0\x01\x03"), Some(short));
        let period = Some((1, 300));
        assert_eq!(
            read(b"\x12\x04\0\x04\x04\x01\x01\x2C"),
            Some(MsValidity { behaviour: 4, period })
        );
        assert_eq!(read(b"\x12\x04\0\x02\x04\x01"), None);
        assert!(!TlvTag::MS_VALIDITY.allows_length(2) && TlvTag::MS_VALIDITY.allows_length(4));
    }

    #[test]
    fn a_broadcast_tells_its_areas_in_order() {
        let tlvs = Tlvs::leading(&Bytes::from_static(
            b"\x06\x06\0\x03\0Rm\x06\x05\0\x03\x09\0\x0A\x06\x06\0\x03\0Mi",
        ));
        let names: Vec<_> = tlvs.broadcast_areas().map(|area| area.details).collect();
        assert_eq!(names, [b"Rm", b"Mi"]);
        let often = tlvs.broadcast_frequency_interval().expect("there");
        assert_eq!((often.unit, often.amount), (FrequencyUnit::MINUTES, 10));
    }
}
