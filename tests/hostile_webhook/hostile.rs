//! The addresses that a webhook must not reach, and the ways to lead it there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{PUBLIC, SENDER};

/// IPv4 addresses inside: one or more of each block.
const V4: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.254",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.0.0.53",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.254",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.254",
];
/// Those that TCP itself cannot connect to.
const V4_NO_TCP: &[&str] = &["224.0.0.1", "239.255.255.250", "255.255.255.255"];

const V6: &[&str] = &[
    "::",
    "::1",
    "100::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd12:3456:789a::1",
    "fec0::1",
    "64:ff9b:1::1",
    "4000::1",
];
/// fe80::/10 without zone, and multicast.
const V6_NO_TCP: &[&str] = &["fe80::1", "febf::1", "ff02::1", "ff05::2"];

/// One way to lead a webhook astray.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) url: String,
    /// What the name server says of its host, time after time.
    pub(crate) answers: Vec<Vec<IpAddr>>,
    /// How often it is posted to.
    pub(crate) posts: u64,
    /// The address that it reaches where nobody looks; `None` where TCP or our own reading of URLs ends it.
    pub(crate) means: Option<IpAddr>,
    /// The host as a resolver is asked that reads more spellings than we do.
    pub(crate) spelled: Option<String>,
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    for text in V4 {
        let v4: Ipv4Addr = text.parse().unwrap();
        // Linux takes 0.0.0.0 for the machine itself.
        let means = if v4.is_unspecified() { Ipv4Addr::LOCALHOST } else { v4 };
        cases.ways(v4.into(), Some(means.into()));
        cases.spellings(v4, means);
        cases.disguises(v4, means);
    }
    for text in V4_NO_TCP.iter().chain(V6_NO_TCP) {
        cases.ways(text.parse().unwrap(), None);
    }
    for text in V6 {
        let v6: Ipv6Addr = text.parse().unwrap();
        let means = if v6.is_unspecified() { Ipv6Addr::LOCALHOST } else { v6 };
        cases.ways(v6.into(), Some(means.into()));
    }
    for own in SENDER {
        let own = own.parse().unwrap();
        cases.ways(own, Some(own));
    }
    for host in ["localhost", "LocalHost", "a.localhost", "ip6-localhost"] {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        cases.add(format!("https://{host}/"), vec![vec![loopback]], 1, Some(loopback));
    }
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, url: String, answers: Vec<Vec<IpAddr>>, posts: u64, means: Option<IpAddr>) {
        self.0.push(Case {
            url,
            answers,
            posts,
            means,
            spelled: None,
        });
    }

    /// A name that no other case has.
    fn name(&self) -> String {
        format!("n{}.rig.example", self.0.len())
    }

    /// Written out, by a name, by a name whose answer changes, among others, by a redirect.
    fn ways(&mut self, address: IpAddr, means: Option<IpAddr>) {
        let host = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let public: Vec<IpAddr> = PUBLIC.iter().map(|public| public.parse().unwrap()).collect();
        self.add(format!("https://{host}/"), Vec::new(), 1, means);
        self.add(format!("http://{host}:8080/"), Vec::new(), 1, means);
        let name = self.name();
        self.add(format!("https://{name}/"), vec![vec![address]], 1, means);
        let name = self.name();
        self.add(format!("http://{name}/"), vec![vec![address]], 1, means);
        // Public when it is judged, inside when it is connected to: one answer each, for as many questions as come.
        let name = self.name();
        let changing = vec![vec![public[0]], vec![address], vec![public[1]], vec![address]];
        self.add(format!("https://{name}/"), changing, 4, means);
        let name = self.name();
        self.add(format!("https://{name}/"), vec![vec![address, public[0]]], 1, means);
        let name = self.name();
        self.add(
            format!("https://{name}/to/http://{host}/"),
            vec![vec![public[0]]],
            1,
            None,
        );
    }

    /// IPv4 as some readers spell it.
    fn spellings(&mut self, v4: Ipv4Addr, means: Ipv4Addr) {
        let [a, b, c, d] = v4.octets();
        let spelled = [
            v4.to_bits().to_string(),
            format!("{:#x}", v4.to_bits()),
            format!("{:#o}", v4.to_bits()).replace("0o", "0"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a:#X}.{b:#X}.{c:#x}.{d:#x}"),
            format!("{a}.{}", v4.to_bits() & 0xff_ffff),
            format!("{a}.{b}.{}", v4.to_bits() & 0xffff),
        ];
        for host in spelled {
            self.0.push(Case {
                url: format!("https://{host}/"),
                answers: vec![vec![v4.into()]],
                posts: 1,
                means: Some(means.into()),
                spelled: Some(host),
            });
        }
        let percent = v4.to_string().replace('.', "%2e");
        for host in [
            format!("{v4}."),
            percent,
            format!("public.rig.example@{v4}"),
            format!("[{v4}]"),
        ] {
            self.add(format!("https://{host}/"), vec![vec![v4.into()]], 1, None);
        }
    }

    /// IPv6 addresses that lead to an IPv4 one, through the system or through a translator or tunnel.
    fn disguises(&mut self, v4: Ipv4Addr, means: Ipv4Addr) {
        let [a, b, c, d] = v4.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let v6 = Ipv6Addr::new;
        let mapped = v4.to_ipv6_mapped();
        self.add(format!("https://[{mapped}]/"), Vec::new(), 1, Some(means.into()));
        let name = self.name();
        self.add(
            format!("https://{name}/"),
            vec![vec![mapped.into()]],
            1,
            Some(means.into()),
        );
        for disguise in [
            v6(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            v6(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            v6(0x2002, high, low, 0, 0, 0, 0, 1),
            v6(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
            v6(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
            v6(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low),
            v6(0, 0, 0, 0, 0xffff, 0, high, low),
            v6(0, 0, 0, 0, 0, 0, high, low),
        ] {
            let means = if disguise.is_unspecified() {
                Ipv6Addr::LOCALHOST
            } else {
                disguise
            };
            self.add(format!("https://[{disguise}]/"), Vec::new(), 1, Some(means.into()));
        }
    }
}
