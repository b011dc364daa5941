//! What the TLVs of a broadcast are made of.

use super::{TlvTag, Tlvs};
use crate::value::{BroadcastAreaFormat, BroadcastNetworkType, FrequencyUnit};

/// What a broadcast is about (SMPP 5.0 §4.8.4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastContentType {
    /// The network whose services are meant.
    pub network_type: BroadcastNetworkType,
    /// The service, as 0x0033 for weather.
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
    /// How the area is described.
    pub format: BroadcastAreaFormat,
    /// As the format has it.
    pub details: &'a [u8],
}

impl Tlvs {
    /// The areas of a broadcast, in order.
    pub fn broadcast_areas(&self) -> impl Iterator<Item = BroadcastArea<'_>> {
        self.all(TlvTag::BROADCAST_AREA_IDENTIFIER).filter_map(|value| {
            let (&format, details) = value.split_first()?;
            Some(BroadcastArea {
                format: BroadcastAreaFormat(format),
                details,
            })
        })
    }

    /// What a broadcast is about.
    pub fn broadcast_content_type(&self) -> Option<BroadcastContentType> {
        let &[network_type, high, low] = self.get(TlvTag::BROADCAST_CONTENT_TYPE)? else {
            return None;
        };
        Some(BroadcastContentType {
            network_type: BroadcastNetworkType(network_type),
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
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

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
