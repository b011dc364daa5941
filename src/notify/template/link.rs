//! Links in a text, as a handset would find them. The text is normalised first: NFKC, without characters that are not
//! seen, with every dot that a browser takes for one as `.`. What is a link then is one rule:
//!
//! - `//`, where no letter or digit stands before it, and what follows up to a blank, `/`, `?` or `#`;
//! - `tel:` and its like with what they call right after them;
//! - labels with dots between them whose last is a top-level domain of the public suffix list;
//! - an address of IPv4.
//!
//! A handset makes a link of much that was not meant as one (`C.so` is a host in Somalia), and here it is one too. What
//! comes from data goes through the filter `plain`.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::ops::Range;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::accept::{Code, Fault};

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
        if !is_name(name) {
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

/// What is called without naming a host.
const CALLS: [&str; 6] = ["tel", "callto", "smsto", "mmsto", "javascript", "intent"];

/// Octets of the name of a host.
const MAX_HOST: usize = 253;

/// A link in a normalised text, as places in it.
struct Link {
    /// What gives way where the text is made plain: with a blank in its place it is no link.
    joint: Range<usize>,
    /// Where it leads: a host, or what cannot be allowed.
    host: Range<usize>,
}

/// What is said of a link that a template does not allow.
pub(super) fn not_allowed(name: &str, host: &str) -> Fault {
    let shown: String = host.chars().take(64).flat_map(char::escape_default).collect();
    let detail = format!("has a link to `{shown}`, which its link_hosts do not allow");
    Fault::new("/template", Code::LinkNotAllowed, detail).hint(format!(
        "add the host to link_hosts of [template.{name}], or pass data through the filter `plain`"
    ))
}

/// The first host in a text that a link leads to and that is not allowed.
pub(crate) fn stranger(text: &str, allowed: &[LinkHost]) -> Option<String> {
    // Most texts have none of these before anything but a blank: they are passed over without a copy.
    let joins = |pair: &[u8]| b".:/".contains(&pair[0]) && !pair[1].is_ascii_whitespace();
    if text.is_ascii() && !text.as_bytes().windows(2).any(joins) {
        return None;
    }
    let text = normalised(text);
    let is_allowed = |host: &str| allowed.iter().any(|allowed| allowed.allows(host));
    let host = |link: &Link| text[link.host.clone()].to_lowercase();
    let mut others = rooted(&text).chain(called(&text)).map(|link| host(&link));
    let other = others.find(|host| !is_allowed(host));
    // Of a name with several ends, `bank.it.Grazie`, the longest that is a host or allowed counts.
    let mut names = names(&text).filter_map(|word| {
        let mut links = hosts(&text, word);
        links.find_map(|(link, is_host)| {
            // A longer name is nobody's (RFC 1035 §2.3.4).
            let passes = link.host.len() <= MAX_HOST && is_allowed(&host(&link));
            (passes || is_host).then(|| (host(&link), passes))
        })
    });
    other.or_else(|| names.find(|(_, passes)| !passes).map(|(host, _)| host))
}

/// A text in one line in which no handset finds a link: what joins one gives way to a blank, and all else stays.
pub(crate) fn without_links(text: &str) -> String {
    let lines = text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
    let mut plain = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if stranger(&plain, &[]).is_none() {
        return plain;
    }
    plain = normalised(&plain).into_owned();
    loop {
        let named =
            names(&plain).flat_map(|word| hosts(&plain, word).filter_map(|(link, is_host)| is_host.then_some(link)));
        let links = rooted(&plain).chain(called(&plain)).chain(named);
        let mut joints: Vec<Range<usize>> = links.map(|link| link.joint).collect();
        if joints.is_empty() {
            return plain;
        }
        joints.sort_by_key(|joint| joint.start);
        let (mut parted, mut from) = (String::with_capacity(plain.len()), 0);
        for joint in joints.into_iter().filter(|joint| !joint.is_empty()) {
            if joint.start >= from {
                parted.push_str(&plain[from..joint.start]);
                parted.push(' ');
                from = joint.end;
            }
        }
        parted.push_str(&plain[from..]);
        plain = parted;
    }
}

/// The text as a browser reads it, but for the size of its letters.
fn normalised(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let seen = text.chars().filter(|c| !is_unseen(*c));
    let is_plain = |c: char| !is_unseen(c) && c != FULL_STOP;
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes && text.chars().all(is_plain) {
        return text.into();
    }
    let dots = |c| if c == FULL_STOP { '.' } else { c };
    // What is left out may have stood between a letter and its mark.
    seen.nfkc().map(dots).filter(|c| !is_unseen(*c)).collect()
}

/// The ideographic full stop, which parts labels too (RFC 3490 §3.1); NFKC makes dots of the others that do.
const FULL_STOP: char = '\u{3002}';

/// Characters that show nothing, and that a browser leaves out of a host (UTS #46, `ignored`) or refuses.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// `//host`, with a scheme or without.
fn rooted(text: &str) -> impl Iterator<Item = Link> {
    let is_slash = |c: char| matches!(c, '/' | '\\');
    text.match_indices("//").filter_map(move |(at, _)| {
        let before = &text[..at];
        if before.ends_with(|c: char| c.is_alphanumeric() || is_slash(c)) {
            return None;
        }
        let rest = text[at..].trim_start_matches(is_slash);
        let from = text.len() - rest.len();
        let end = |c: char| "/?#\"'<>(){}".contains(c) || !(c.is_ascii_graphic() || may_be_in_host(c));
        let authority = rest.split(end).next()?.trim_end_matches(['.', ',', ';', ':', '!']);
        if authority.is_empty() {
            return None;
        }
        let port = authority
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()));
        let host = port.map_or(authority, |(host, _)| host);
        Some(Link {
            joint: at - usize::from(before.ends_with(':'))..from,
            host: from..from + host.len(),
        })
    })
}

/// `tel:899123456` and its like.
fn called(text: &str) -> impl Iterator<Item = Link> {
    text.match_indices(':').filter_map(move |(at, _)| {
        let word = text[..at].rsplit(|c: char| !c.is_alphanumeric()).next()?;
        let is_call = CALLS.iter().any(|call| call.eq_ignore_ascii_case(word));
        let follows = text[at + 1..].starts_with(|c: char| !c.is_whitespace());
        (is_call && follows).then(|| Link {
            joint: at..at + 1,
            host: at - word.len()..at + 1,
        })
    })
}

/// Where words with dots in them stand.
fn names(text: &str) -> impl Iterator<Item = Range<usize>> {
    let words = text.split(|c| !may_be_in_host(c)).flat_map(|word| word.split(".."));
    words.filter_map(move |word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        let name = word.trim_start_matches(['.', '-', '_']);
        let start = start + word.len() - name.len();
        name.contains('.').then_some(start..start + name.len())
    })
}

/// What a word may be the host of at each of its dots, from the last, and whether a handset takes it for one.
fn hosts(text: &str, word: Range<usize>) -> impl Iterator<Item = (Link, bool)> {
    let name = &text[word.clone()];
    name.rmatch_indices('.').filter_map(move |(dot, _)| {
        let after = &name[dot + 1..];
        let end = after
            .find(|c: char| !c.is_alphanumeric() && c != '-')
            .unwrap_or(after.len());
        let host = &name[..dot + 1 + end];
        // No more than the last two labels is needed, and four of an address.
        let last_two = &name[name[..dot].rfind('.').map_or(0, |at| at + 1)..host.len()];
        let is_host = end > 0 && (is_under_a_top(&last_two.to_lowercase()) || host.parse::<Ipv4Addr>().is_ok());
        let link = Link {
            joint: word.start + dot..word.start + dot + 1,
            host: word.start..word.start + host.len(),
        };
        (end > 0).then_some((link, is_host))
    })
}

/// Letters and digits of any script, pictures too; not the punctuation that stands around a host.
fn may_be_in_host(c: char) -> bool {
    let is_sign = matches!(c, '\u{2000}'..='\u{20cf}' | '\u{3000}'..='\u{303f}');
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || (c >= '\u{300}' && !is_sign && !c.is_whitespace())
}

/// Whether two labels end in a top-level domain that there is.
fn is_under_a_top(labels: &str) -> bool {
    let last = labels.rsplit('.').next().unwrap_or_default();
    last.starts_with("xn--") || psl::suffix(labels.as_bytes()).is_some_and(|top| top.is_known())
}

/// Whether a text is the name of a host that a link may lead to: labels with dots between them, the last of them a word.
fn is_name(text: &str) -> bool {
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
        ["bank.example", "*.bank.example", "banca.it", "bank.co.uk"]
            .map(|host| LinkHost::parse(host).unwrap())
            .to_vec()
    }

    /// What no handset makes a link of.
    const NO_LINKS: &[&str] = &[
        "no link at all",
        "M.Rossi, St.Moritz, Dott.ssa Bianchi, Sig.ra Verdi, A.Müller, Dr.Watson",
        "Rossi S.p.A., Bianchi s.r.l., C.F. RSSMRA, N.B., e.g. v1.2, i.e., a.m. & p.m.",
        "Ore 9.30, alle 10.30. Total 1.250,00 EUR, 12.5%, 10.5kg, 24.11.2026, 1.250.300.400",
        "Fine...grazie, Mario…Luigi, e/o, 24/7, 24/11/2026, PIN:1234, ore 15:30",
        "Tel. 06.1234567, Tel: 800 123 456, tel 899",
        "Rif. BON.48213/7, n.12, art.3 c.2, pag.7, ID a_b.c1",
        "5 € // 6 €, Rossi//Bianchi, km 3+200",
        "caffè.Buongiorno, perché.no1, 東京。大阪",
    ];

    #[test]
    fn what_no_handset_makes_a_link_of_passes() {
        for text in NO_LINKS {
            assert_eq!(stranger(text, &[]), None, "{text}");
            assert_eq!(without_links(text), *text, "plain leaves it as it is");
        }
    }

    #[test]
    fn a_link_to_an_allowed_host_passes() {
        for text in [
            "See https://bank.example/c/7?x=1.",
            "See bank.example.",
            "(www.bank.example/a)",
            "bank.example.",
            "\u{201c}https://bank.example\u{201d}",
            "\u{201c}www.bank.example\u{201d}",
            "HTTPS://BANK.EXAMPLE:443/",
            "Info: help@banca.it, mailto:help@banca.it",
            "vai su banca.it.Grazie",
            "https://bank.co.uk, bank.co.uk/a",
            "//bank.example/a",
        ] {
            assert_eq!(stranger(text, &allowed()), None, "{text}");
        }
    }

    #[test]
    fn a_link_to_another_host_is_found_however_it_is_written() {
        for (text, host) in [
            ("go to https://evil.com/bank.example", "evil.com"),
            ("vai su evil.com", "evil.com"),
            ("EVIL.com/login", "evil.com"),
            ("https://evil.internal/", "evil.internal"),
            ("https://bank.example@evil.com/", "bank.example@evil.com"),
            ("https://bank.example:pw@evil.com", "bank.example:pw@evil.com"),
            ("https://bank.example@localhost", "bank.example@localhost"),
            ("https://evil.com\\@bank.example/", "evil.com\\@bank.example"),
            ("https://notbank.example", "notbank.example"),
            ("https://bank.example.evil.it", "bank.example.evil.it"),
            ("bank.example.evil.it", "bank.example.evil.it"),
            ("http://192.0.2.1/x", "192.0.2.1"),
            ("192.168.1.1/pay", "192.168.1.1"),
            ("go to 93.184.216.34 now", "93.184.216.34"),
            ("http://localhost", "localhost"),
            ("http://[::1]/", "[::1]"),
            ("http://3232235777/", "3232235777"),
            ("//evil.com/a", "evil.com"),
            ("(//evil/a)", "evil"),
            ("a/evil.com/p", "evil.com"),
            ("a//evil.com/p", "evil.com"),
            ("see:evil.com", "evil.com"),
            ("(evil.com)", "evil.com"),
            ("\u{ab}evil.com\u{bb}", "evil.com"),
            ("evil.com.grazie", "evil.com"),
            ("evil.com\u{1f4b3}", "evil.com"),
            ("\u{1f4b3}.ws", "\u{1f4b3}.ws"),
            ("evil\u{3002}com", "evil.com"),
            ("evil\u{2024}com/x", "evil.com"),
            ("evil\u{fe52}com/x", "evil.com"),
            ("evil\u{ff0e}com", "evil.com"),
            ("evil\u{ff61}com", "evil.com"),
            ("evil.\u{200b}com", "evil.com"),
            ("ev\u{ad}il.com", "evil.com"),
            ("ev\u{2060}il\u{200d}.com", "evil.com"),
            ("evil.\u{ff43}om", "evil.com"),
            ("b\u{e4}nk.it", "b\u{e4}nk.it"),
            ("xn--bnk-qla.it", "xn--bnk-qla.it"),
            (
                "\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}",
                "\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}",
            ),
            ("bit.ly/3xYz", "bit.ly"),
            ("first,evil.com;", "evil.com"),
            ("mario@evil.com", "evil.com"),
            ("chiama tel:899123456", "tel:"),
            ("TEL:+39899", "tel:"),
            ("tel:(899) 1", "tel:"),
            ("javascript:alert(1)", "javascript:"),
            ("Amazon.it", "amazon.it"),
            ("Grazie.It", "grazie.it"),
            ("C.so Italia 3", "c.so"),
        ] {
            assert_eq!(stranger(text, &allowed()).as_deref(), Some(host), "{text}");
            let plain = without_links(text);
            assert_eq!(stranger(&plain, &[]), None, "{text}: {plain}");
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
    fn plain_changes_only_what_joins_a_link() {
        for (text, plain) in [
            ("Amazon.it", "Amazon it"),
            ("Rossi S.p.A. 3,50", "Rossi S.p.A. 3,50"),
            ("Rossi S.p.A., www.rossi.it", "Rossi S.p.A., www.rossi it"),
            ("https://evil.com/x", "https evil com/x"),
            ("a@evil.com", "a@evil com"),
            ("evil\u{ff0e}com", "evil com"),
            ("tel:899", "tel 899"),
            ("93.184.216.34", "93.184.216 34"),
            ("Rossi\nIl conto: chiuso\r\n", "Rossi Il conto: chiuso"),
            ("evil.\ncom", "evil. com"),
        ] {
            assert_eq!(without_links(text), plain, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn plain_leaves_no_link_in_anything(text in "[a-z0-9.:/@\\\\ \u{3002}\u{2024}\u{ad}\u{e8}\u{1f4b3}-]{0,24}(it|com|9)?") {
            let plain = without_links(&text);
            proptest::prop_assert_eq!(stranger(&plain, &[]), None);
        }
    }
}
