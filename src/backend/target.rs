//! The URL of a webhook, taken apart once: what is judged is what is called.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::Uri;

/// Longest name of DNS, in its written form (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// Longest label of such a name.
const MAX_LABEL: usize = 63;

/// Where a webhook goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    plain: bool,
    host: Host,
    port: u16,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IP address written out.
    Address(IpAddr),
    /// A name to resolve: lower case, no dot at its end.
    Name(Box<str>),
}

/// A URL that no webhook is sent to. The URL itself, which may hold secrets, is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It cannot be read.
    #[error("is not a URL")]
    Url,
    /// Another scheme than http and https, or none.
    #[error("must be an https URL")]
    Scheme,
    /// Our name is shown by the signature.
    #[error("must not name a user")]
    User,
    /// The host has two readings, of which one might slip past the guard.
    #[error(
        "must name its host plainly: a name of letters, digits and hyphens without dot at its end, or an IP address in its usual form"
    )]
    Host,
    /// The port is no number of 1 to 65535.
    #[error("must name a port of 1 to 65535, or none")]
    Port,
}

impl Target {
    /// Reads a URL. Any port will do: over TLS nothing but TLS can be said to it, and plain http goes only where the
    /// operator allows it.
    pub fn parse(url: &str) -> Result<Self, InvalidTarget> {
        Self::of(url.parse().map_err(|_| InvalidTarget::Url)?)
    }

    pub(super) fn of(uri: Uri) -> Result<Self, InvalidTarget> {
        let (plain, standard_port) = match uri.scheme_str() {
            Some("https") => (false, 443),
            Some("http") => (true, 80),
            Some(_) | None => return Err(InvalidTarget::Scheme),
        };
        let authority = uri.authority().ok_or(InvalidTarget::Url)?;
        if authority.as_str().contains('@') {
            return Err(InvalidTarget::User);
        }
        let host = Host::parse(authority.host()).ok_or(InvalidTarget::Host)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => standard_port,
            Some(_) => authority
                .port_u16()
                .filter(|port| *port != 0)
                .ok_or(InvalidTarget::Port)?,
            None => return Err(InvalidTarget::Host),
        };
        Ok(Self { uri, plain, host, port })
    }

    /// Whom it names.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is http without TLS.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn into_uri(self) -> Uri {
        self.uri
    }
}

impl Host {
    /// Reads a host as a URL has it. IPv4 must be four decimal numbers: `127.1`, `0x7f.1`, `0177.0.0.1` and `2130706433`
    /// are addresses to some readers and names to others.
    fn parse(text: &str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            // No zone: `fe80::1%eth0` does not parse.
            let address: Ipv6Addr = literal.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let name = text.to_ascii_lowercase();
        let octets = |label: &str| {
            label
                .bytes()
                .all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        let fine = |label: &str| (1..=MAX_LABEL).contains(&label.len()) && octets(label);
        let last = name.rsplit('.').next().unwrap_or(&name);
        // WHATWG URL, "ends in a number checker".
        let number = last.starts_with("0x") || last.bytes().all(|octet| octet.is_ascii_digit());
        (name.len() <= MAX_NAME && name.split('.').all(fine) && !number).then(|| Self::Name(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_is_taken_apart() {
        let target = Target::parse("https://Bank.Example:8443/hooks/sms?x=1").unwrap();
        assert_eq!(
            (target.host(), target.port()),
            (&Host::Name("bank.example".into()), 8443)
        );
        assert!(!target.is_plain());
        let target = Target::parse("http://[2001:db8::1]/").unwrap();
        assert_eq!(target.host(), &Host::Address("2001:db8::1".parse().unwrap()));
        assert_eq!((target.port(), target.is_plain()), (80, true));
        let target = Target::parse("https://192.0.2.7").unwrap();
        assert_eq!(
            (target.host(), target.port()),
            (&Host::Address("192.0.2.7".parse().unwrap()), 443)
        );
    }

    #[test]
    fn a_host_with_two_readings_is_refused() {
        for host in [
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0X7F.1",
            "0177.0.0.1",
            "127.0.0.01",
            "127.0.0.1.",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "256.1.1.1",
            "a.1",
            "a.0x",
            "localhost.",
            "bank.example..",
            ".bank.example",
            "bank..example",
            "127.0.0.1%00",
            "127%2e0%2e0%2e1",
            "%6c%6fcalhost",
            "[::1%25lo]",
            "[fe80::1%lo]",
            "[::1",
            "[127.0.0.1]",
            "[::ffff:127.1]",
            "a$b",
            "a!b",
            "a~b.example",
        ] {
            let url = format!("https://{host}/");
            assert!(Target::parse(&url).is_err(), "{url}");
        }
        let long = format!("https://{}.example/", "a".repeat(64));
        assert_eq!(Target::parse(&long), Err(InvalidTarget::Host));
    }

    #[test]
    fn letters_beyond_ascii_are_refused_so_that_none_can_stand_for_a_dot_or_a_digit() {
        for host in [
            "ⓛocalhost",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "bänk.example",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "lo\u{ad}calhost",
        ] {
            assert_eq!(
                Target::parse(&format!("https://{host}/")),
                Err(InvalidTarget::Url),
                "{host}"
            );
        }
        assert!(Target::parse("https://xn--bnk-qla.example/").is_ok());
    }

    #[test]
    fn users_ports_and_schemes_are_looked_at() {
        for (url, error) in [
            ("https://u:p@bank.example/", InvalidTarget::User),
            ("https://bank.example@127.0.0.1/", InvalidTarget::User),
            ("https://bank.example\\@127.0.0.1/", InvalidTarget::Url),
            ("https://bank.example:0/", InvalidTarget::Port),
            ("https://bank.example:/", InvalidTarget::Port),
            ("https://bank.example:65536/", InvalidTarget::Port),
            ("https://bank.example:1:2/", InvalidTarget::Url),
            ("ftp://bank.example/", InvalidTarget::Scheme),
            ("gopher://127.0.0.1:25/", InvalidTarget::Scheme),
            ("file:///etc/passwd", InvalidTarget::Url),
            ("/etc/passwd", InvalidTarget::Scheme),
            ("bank.example", InvalidTarget::Scheme),
            ("https:///x", InvalidTarget::Url),
            ("https://bank.example /", InvalidTarget::Url),
            ("", InvalidTarget::Url),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }
}
