//! C-octet strings: characters closed by a NUL (SMPP 3.4 §3.1).

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// The octets of a C-octet string without the closing NUL, shared with the frame they came in.
///
/// Shown as Latin-1, a character an octet, which never fails and is ASCII for every peer that keeps to the standard.
/// The maximum and the absence of a NUL inside are checked when it is encoded, where the field is known.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct COctet(Bytes);

impl COctet {
    /// The string without a character.
    pub const EMPTY: Self = Self(Bytes::new());

    /// From text of the program itself; costs nothing.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// One octet a character; `None` when a character is above U+00FF.
    pub fn from_latin1(text: &str) -> Option<Self> {
        let octets: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        octets.map(|octets| Self(octets.into()))
    }

    /// The text, an octet a character; borrowed when it is ASCII.
    pub fn as_str(&self) -> Cow<'_, str> {
        match self.to_ascii() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.0.iter().map(|&octet| char::from(octet)).collect()),
        }
    }

    /// The text when it is pure ASCII.
    pub fn to_ascii(&self) -> Option<&str> {
        if self.0.is_ascii() {
            std::str::from_utf8(&self.0).ok()
        } else {
            None
        }
    }

    /// The octets without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets without the NUL, still shared with the frame.
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// How many octets, without the NUL.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing before the NUL.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy that does not keep the frame it came in alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl From<Bytes> for COctet {
    fn from(octets: Bytes) -> Self {
        Self(octets)
    }
}

/// Takes the octets of the text as they are; beyond ASCII prefer [`COctet::from_latin1`].
impl From<&str> for COctet {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Takes the octets of the text as they are, without a copy.
impl From<String> for COctet {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl PartialEq<str> for COctet {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for COctet {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for COctet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

impl fmt::Debug for COctet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_str(), f)
    }
}

/// The password of a bind or outbind (SMPP 3.4 §5.2.2): a C-octet string that `Debug` does not show.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub COctet);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_above_ascii_are_shown_as_latin_1() {
        let text = COctet::from(Bytes::from_static(b"caff\xE8"));
        assert_eq!(text.as_str(), "caffè");
        assert_eq!(COctet::from_latin1("caffè"), Some(text));
        assert_eq!(COctet::from_latin1("€"), None);
    }

    #[test]
    fn a_password_is_not_in_its_debug() {
        assert!(!format!("{:?}", Password::from("secret08")).contains("secret"));
    }
}
