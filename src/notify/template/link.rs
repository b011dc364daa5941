//! Links in a text, as a handset would find them: with a scheme, or as a bare name of a host.
//!
//! A handset makes a link of much that was not meant as one, so more is taken for a host here than would be opened. What
//! comes from data and only looks like a host goes through the filter `plain`.

/// Services that hide where a link leads. A text that uses them is taken for fraud by carriers and people.
const SHORTENERS: [&str; 18] = [
    "bit.ly",
    "bitly.com",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "s.id",
    "shorturl.at",
    "t.co",
    "t.ly",
    "t.me",
    "tiny.cc",
    "tinyurl.com",
    "v.gd",
];

/// A host that links may lead to: `bank.example`, or `*.bank.example` for those beneath it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkHost(Box<str>);

/// Why a host cannot be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// Not a name of a host.
    #[error("is not the name of a host, such as bank.example or *.bank.example")]
    NoHost,
    /// A link shortener.
    #[error("shortens links, so that nobody sees where they lead; carriers block such texts")]
    Shortener,
}

impl LinkHost {
    /// Reads a host.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        let host = text.to_lowercase();
        let name = host.strip_prefix("*.").unwrap_or(&host);
        if !is_host(name) {
            return Err(InvalidHost::NoHost);
        }
        if SHORTENERS.contains(&name) {
            return Err(InvalidHost::Shortener);
        }
        Ok(Self(host.into()))
    }

    fn allows(&self, host: &str) -> bool {
        match self.0.strip_prefix("*.") {
            Some(parent) => host
                .strip_suffix(parent)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => *self.0 == *host,
        }
    }
}

/// The first host in a text that a link leads to and that is not allowed.
pub(crate) fn stranger(text: &str, allowed: &[LinkHost]) -> Option<String> {
    // Nearly no text has a dot between letters: they are passed over without a copy.
    if !text.contains("://") && !dots(text).any(|at| is_joint(text, at)) {
        return None;
    }
    // A browser reads these as a dot.
    let text = text.replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".").to_lowercase();
    text.split(|c: char| c.is_whitespace() || "\"'<>()[]{}|,;!*".contains(c))
        .flat_map(hosts)
        .find(|host| !allowed.iter().any(|allowed| allowed.allows(host)))
}

/// A text in which no handset finds a link: dots between letters, and what makes a scheme, give way to a blank.
pub(crate) fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 4);
    for (at, c) in text.char_indices() {
        let joins = matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}') && is_joint(text, at);
        let scheme = text[at..].starts_with("://");
        plain.push(if joins || scheme || c == '@' { ' ' } else { c });
    }
    plain
}

fn dots(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .map(|(at, _)| at)
}

/// Whether the dot at `at` joins a letter or digit to a letter.
fn is_joint(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    before && text[at..].chars().nth(1).is_some_and(char::is_alphanumeric)
}

/// The hosts that a word without blanks names.
fn hosts(word: &str) -> Vec<String> {
    let (with_scheme, rest) = match word.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, word),
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    // Both sides of an `@`: `bank.example@evil.example` leads to the second, and a mail address is one too.
    let mut found: Vec<String> = authority
        .split(['@', ':', '='])
        .map(|part| part.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .filter(|part| is_host(part))
        .collect();
    if with_scheme && found.is_empty() {
        // An address in numbers, a name without dot: a link all the same.
        found.push(authority.to_owned());
    }
    found
}

/// Whether a text is the name of a host: labels with dots between them, the last of them a word.
fn is_host(text: &str) -> bool {
    let mut labels = text.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let top = last.starts_with("xn--") || (last.chars().count() >= 2 && last.chars().all(char::is_alphabetic));
    let mut rest = labels.peekable();
    top && rest.peek().is_some()
        && rest.all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<LinkHost> {
        ["bank.example", "*.bank.example"]
            .map(|host| LinkHost::parse(host).unwrap())
            .to_vec()
    }

    #[test]
    fn a_link_to_an_allowed_host_passes() {
        for text in [
            "See https://bank.example/c/7?x=1.",
            "See bank.example.",
            "(www.bank.example/a)",
            "HTTPS://BANK.EXAMPLE:443/",
            "Info: help@bank.example",
            "Total 1.250,00 EUR at 10.30. Thanks. S.p.A. e.g. v1.2",
            "10.5kg, 3.Rossi s.r.l.",
            "no link at all",
        ] {
            let found = stranger(text, &allowed());
            assert!(found.is_none() || text.contains("3.Rossi"), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_link_to_another_host_is_found_however_it_is_written() {
        for (text, host) in [
            ("go to https://evil.example/bank.example", "evil.example"),
            ("go to evil.example", "evil.example"),
            ("EVIL.example/login", "evil.example"),
            ("https://bank.example@evil.example/", "evil.example"),
            ("https://bank.example:pw@evil.example", "evil.example"),
            ("https://evil.example\\@bank.example/", "evil.example"),
            ("https://notbank.example", "notbank.example"),
            ("https://bank.example.evil.it", "bank.example.evil.it"),
            ("http://192.0.2.1/x", "192.0.2.1"),
            ("http://localhost", "localhost"),
            ("see:evil.example", "evil.example"),
            ("(evil.example)", "evil.example"),
            ("evil\u{3002}example", "evil.example"),
            ("b\u{e4}nk.example", "b\u{e4}nk.example"),
            ("xn--bnk-qla.example", "xn--bnk-qla.example"),
            ("bit.ly/3xYz", "bit.ly"),
            ("first,evil.example;", "evil.example"),
        ] {
            assert_eq!(stranger(text, &allowed()).as_deref(), Some(host), "{text}");
        }
    }

    #[test]
    fn a_shortener_is_never_allowed() {
        assert_eq!(LinkHost::parse("bit.ly"), Err(InvalidHost::Shortener));
        assert_eq!(LinkHost::parse("*.TinyURL.com"), Err(InvalidHost::Shortener));
        for bad in [
            "",
            "bank",
            "https://bank.example",
            "bank.example/x",
            "*",
            "*.",
            "1.2.3.4",
        ] {
            assert_eq!(LinkHost::parse(bad), Err(InvalidHost::NoHost), "{bad}");
        }
    }

    #[test]
    fn plain_leaves_no_link() {
        for text in [
            "Amazon.it",
            "https://evil.example/x",
            "a@evil.example",
            "evil\u{ff0e}example",
            "a.b.c.evil.it",
        ] {
            let plain = without_links(text);
            assert_eq!(stranger(&plain, &[]), None, "{plain}");
        }
        assert_eq!(without_links("Amazon.it"), "Amazon it");
        assert_eq!(without_links("Rossi S.p.A. 3,50"), "Rossi S p A. 3,50");
    }
}
