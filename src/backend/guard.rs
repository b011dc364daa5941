//! Which addresses of the world a webhook may reach.
//!
//! The rows are those of IANA's registries of special-purpose addresses (RFC 6890), IPv4 and IPv6, as of October 2025.
//! Where a registry calls a block globally reachable (anycast of AS112, AMT, PCP, TURN, ORCHIDv2), no back end lives in it
//! either; such a block is refused where it shares a row with one that must be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::target::{Host, Target};
use crate::domain::Network;

/// Decides where webhooks may go. Cloned freely.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard(Arc<[Network]>);

/// Why a target is refused before anything was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address is no public one, and no network of the list holds it.
    #[error("names a private address that is not in webhook.allow_networks")]
    Inside,
    /// Plain http leaves the listed networks.
    #[error("must be https; http goes only to webhook.allow_networks")]
    Plain,
}

impl AddressGuard {
    /// A guard that lets webhooks reach the public internet and these networks besides.
    pub fn new(allow_networks: &[Network]) -> Self {
        Self(allow_networks.into())
    }

    /// Whether a connection may go to this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.lists(address) || is_public(address)
    }

    /// Whether the address lies in a listed network, and so may be reached by plain http.
    pub fn lists(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Judges a target by its looks, before any name is resolved. What a name stands for is judged at each connection.
    pub fn look(&self, target: &Target) -> Result<(), Refusal> {
        let (permitted, listed) = match target.host() {
            Host::Address(address) => (self.permits(*address), self.lists(*address)),
            Host::Name(name) => {
                // RFC 6761 §6.3: these stand for the machine itself, whatever a name server says.
                let local = **name == *"localhost" || name.ends_with(".localhost");
                let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                let permitted = !local || loopback.into_iter().any(|address| self.lists(address));
                (permitted, !self.0.is_empty())
            }
        };
        if target.is_plain() && !listed {
            return Err(Refusal::Plain);
        }
        if permitted { Ok(()) } else { Err(Refusal::Inside) }
    }
}

/// IPv4 blocks that are not the internet's: the first address and how many leading bits count.
const V4_INSIDE: [(Ipv4Addr, u8); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8), // this network, and 0.0.0.0, which Linux takes for loopback
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10), // shared, for carrier-grade NAT (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's own: Azure's wire server answers on this public address
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local (RFC 3927), and the clouds' metadata on 169.254.169.254
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private
    (Ipv4Addr::new(192, 0, 0, 0), 24), // IETF protocol assignments (RFC 6890), and metadata on 192.0.0.192
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112 (RFC 7535)
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT (RFC 7450)
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relay anycast (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112 (RFC 7534)
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarking (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3), // multicast, reserved (RFC 1112), limited broadcast
];

/// IPv6 blocks inside 2000::/3 that are not the internet's. All beyond 2000::/3 is refused but for [`NAT64`].
const V6_INSIDE: [(Ipv6Addr, u8); 6] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocol assignments (RFC 2928): Teredo, ORCHID, anycasts
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4 (RFC 3056): an IPv4 address in the next 32 bits
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112 (RFC 7534)
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16), // the former 6bone (RFC 3701)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// IPv4 through a translator (RFC 6052): the last 32 bits are the IPv4 address that is reached. A network without IPv4
/// has no other way to an IPv4 back end. 64:ff9b:1::/48 (RFC 8215) leads into a network of its owner's, and is refused.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Whether an address may be a back end's on the internet.
fn is_public(address: IpAddr) -> bool {
    // An IPv4-mapped address reaches the IPv4 address.
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !V4_INSIDE
        .iter()
        .any(|(block, length)| (bits ^ block.to_bits()) >> (32 - length) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let within = |block: Ipv6Addr, length: u8| (bits ^ block.to_bits()) >> (128 - length) == 0;
    if within(NAT64, 96) {
        return is_public_v4(embedded_v4(address));
    }
    let global_unicast = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
    // ISATAP (RFC 5214 §6.1): a router may carry it to the IPv4 address in its last 32 bits.
    let [.., high, low, _, _] = address.segments();
    let isatap = high & !0x0200 == 0 && low == 0x5efe;
    within(global_unicast, 3)
        && !V6_INSIDE.iter().any(|(block, length)| within(*block, *length))
        && (!isatap || is_public_v4(embedded_v4(address)))
}

/// The last 32 bits.
fn embedded_v4(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    /// First and last address of each row of IANA's "IPv4 Special-Purpose Address Registry".
    const V4_REGISTRY: &[(&str, &str)] = &[
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.0.8", "192.0.0.10"),
        ("192.0.0.170", "192.0.0.171"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.255"),
        ("255.255.255.255", "255.255.255.255"),
    ];

    /// Those of its "IPv6 Special-Purpose Address Registry", and the blocks of "IPv6 Address Space" that are not unicast.
    const V6_REGISTRY: &[(&str, &str)] = &[
        ("::", "::"),
        ("::1", "::1"),
        ("::ffff:0:0", "::ffff:0.255.255.255"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:1::1", "2001:1::3"),
        ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
        ("2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"),
        ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    #[test]
    fn no_row_of_the_registries_is_public_from_its_first_to_its_last_address() {
        for (first, last) in V4_REGISTRY.iter().chain(V6_REGISTRY) {
            assert!(!is_public(address(first)), "{first}");
            assert!(!is_public(address(last)), "{last}");
        }
    }

    #[test]
    fn the_neighbours_of_the_rows_are_public() {
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "2000::1",
            "2001:200::",
            "2001:db7:ffff::1",
            "2001:db9::",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2620:4f:7fff::1",
            "2620:4f:8001::",
            "3ffd::1",
            "3fff:1000::",
        ] {
            assert!(is_public(address(public)), "{public}");
        }
    }

    #[test]
    fn the_clouds_metadata_is_inside() {
        for metadata in [
            "169.254.169.254",
            "169.254.170.2",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ] {
            assert!(!is_public(address(metadata)), "{metadata}");
        }
    }

    /// Every way to write an IPv4 address as an IPv6 one: `None` where no disguise of it is ever let through.
    fn disguises(v4: Ipv4Addr) -> Vec<(Ipv6Addr, bool)> {
        let [a, b, c, d] = v4.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let v6 = Ipv6Addr::new;
        vec![
            (v6(0, 0, 0, 0, 0, 0xffff, high, low), true),          // IPv4-mapped
            (v6(0x64, 0xff9b, 0, 0, 0, 0, high, low), true),       // NAT64
            (v6(0x2a00, 1, 2, 3, 0, 0x5efe, high, low), true),     // ISATAP
            (v6(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low), true), // ISATAP, globally unique
            (v6(0, 0, 0, 0, 0, 0, high, low), false),              // IPv4-compatible
            (v6(0, 0, 0, 0, 0xffff, 0, high, low), false),         // IPv4-translated (RFC 2765)
            (v6(0x64, 0xff9b, 1, 0, 0, 0, high, low), false),      // NAT64, local use
            (v6(0x64, 0xff9b, 1, high, low >> 8, low << 8, 0, 0), false),
            (v6(0x2002, high, low, 0, 0, 0, 0, 1), false), // 6to4
            (v6(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low), false), // Teredo, client
            (v6(0x2001, 0, high, low, 0, 0, 0, 0), false), // Teredo, server
            (v6(0xfe80, 0, 0, 0, 0, 0x5efe, high, low), false), // ISATAP, link-local
        ]
    }

    #[test]
    fn a_disguised_address_is_judged_by_the_one_beneath() {
        for (first, last) in V4_REGISTRY {
            for v4 in [first, last] {
                for (disguise, _) in disguises(v4.parse().unwrap()) {
                    assert!(!is_public(disguise.into()), "{v4} as {disguise}");
                }
            }
        }
        for (disguise, legitimate) in disguises(Ipv4Addr::new(8, 8, 8, 8)) {
            assert_eq!(is_public(disguise.into()), legitimate, "{disguise}");
        }
    }

    #[test]
    fn a_listed_network_is_reached_and_nothing_beside_it() {
        let guard = AddressGuard::new(&["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()]);
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::9"] {
            assert!(
                guard.permits(address(inside)) && guard.lists(address(inside)),
                "{inside}"
            );
        }
        for outside in ["10.2.0.1", "fd13::1", "64:ff9b::10.1.2.3", "::10.1.2.3"] {
            assert!(!guard.permits(address(outside)), "{outside}");
        }
        assert!(guard.permits(address("8.8.8.8")) && !guard.lists(address("8.8.8.8")));
    }

    #[test]
    fn a_target_is_judged_by_its_looks() {
        let look = |guard: &AddressGuard, url: &str| guard.look(&Target::parse(url).unwrap());
        let strict = AddressGuard::default();
        assert_eq!(look(&strict, "https://bank.example/x"), Ok(()));
        assert_eq!(look(&strict, "http://bank.example/x"), Err(Refusal::Plain));
        assert_eq!(look(&strict, "http://8.8.8.8/"), Err(Refusal::Plain));
        for inside in [
            "https://LOCALHOST/",
            "https://a.localhost/",
            "https://[::1]/",
            "https://10.0.0.1/",
        ] {
            assert_eq!(look(&strict, inside), Err(Refusal::Inside), "{inside}");
        }
        let local = AddressGuard::new(&["127.0.0.0/8".parse().unwrap()]);
        for fine in [
            "http://localhost:8080/",
            "http://127.0.0.1/",
            "https://127.0.0.1/",
            "http://bank.example/",
        ] {
            assert_eq!(look(&local, fine), Ok(()), "{fine}");
        }
        assert_eq!(look(&local, "http://10.0.0.1/"), Err(Refusal::Plain));
    }
}
