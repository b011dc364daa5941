//! A range of IP addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network: an address and how many of its leading bits count, as in `10.0.0.0/8`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Something that is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a network; write an address and a prefix length with no bits beyond it, e.g. \"10.0.0.0/8\"")]
pub struct InvalidNetwork;

impl Network {
    /// Whether an address lies in the network. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(host)) => {
                mask(u128::from(net.to_bits()) << 96, self.bits) == mask(u128::from(host.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(net), IpAddr::V6(host)) => mask(net.to_bits(), self.bits) == mask(host.to_bits(), self.bits),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn mask(address: u128, bits: u8) -> u128 {
    address & !u128::MAX.checked_shr(bits.into()).unwrap_or(0)
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = text.split_once('/').ok_or(InvalidNetwork)?;
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let bits: u8 = bits.parse().map_err(|_| InvalidNetwork)?;
        let (longest, value) = match address {
            IpAddr::V4(v4) => (32, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        };
        if bits > longest || mask(value, bits) != value {
            return Err(InvalidNetwork);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| serde::de::Error::custom(format_args!("`{text}` {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let ten: Network = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains("10.255.0.1".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        let local: Network = "fd00::/8".parse().unwrap();
        assert!(local.contains("fd12::1".parse().unwrap()) && !local.contains("fe80::1".parse().unwrap()));
    }

    #[test]
    fn a_network_with_bits_beyond_its_prefix_is_refused() {
        for bad in ["10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "::/129", "local/8", ""] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork), "{bad}");
        }
    }
}
