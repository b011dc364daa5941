//! C-octet strings: characters closed by a NUL (SMPP 3.4 §3.1).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

/// The octets of a C-octet string without the closing NUL.
///
/// Up to [`COctet::SHORT`] octets stand in the value itself: such a string costs no allocation and no count of
/// references, and does not keep alive the frame it came in. Longer ones share the frame.
///
/// Shown as Latin-1, a character an octet, which never fails and is ASCII for every peer that keeps to the standard.
/// The maximum and the absence of a NUL inside are checked when it is encoded, where the field is known.
///
/// ```
/// use araldo_smpp::COctet;
///
/// let name = COctet::from("Araldo");
/// assert_eq!((name.len(), name.as_bytes()), (6, &b"Araldo"[..]));
/// assert_eq!(COctet::from_latin1("caff\u{e8}").unwrap().as_bytes(), b"caff\xE8");
/// ```
#[derive(Clone)]
pub struct COctet(Octets);

/// A short string never holds a NUL; one that does is kept as a long one, and refused when it is encoded.
#[derive(Clone)]
enum Octets {
    /// The octets from the first on, and how many they are in the last; what is between means nothing. In words of
    /// eight, because so they stay in registers.
    Short([[u8; 8]; 3]),
    Long(Bytes),
}

impl COctet {
    /// How many octets stand in the value itself: any address, time, service_type, system_id or password.
    pub const SHORT: usize = 23;

    /// The string without a character.
    pub const EMPTY: Self = Self(Octets::Short([[0; 8]; 3]));

    /// From text of the program itself; costs nothing.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Octets::Long(Bytes::from_static(text.as_bytes())))
    }

    /// One octet a character; `None` when a character is above U+00FF.
    pub fn from_latin1(text: &str) -> Option<Self> {
        let octets: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        octets.map(|octets| Bytes::from(octets).into())
    }

    /// The string that `octets` begin with and what is behind its NUL, if it is short.
    ///
    /// Most fields are empty. Of others the same number of octets is copied always, which is far quicker than as many
    /// as the string has.
    #[inline(always)]
    pub(crate) fn leading(octets: &[u8]) -> Option<(Self, &[u8])> {
        if let [0, rest @ ..] = octets {
            return Some((Self::EMPTY, rest));
        }
        let [first, second, third] = match octets.as_chunks().0.first_chunk() {
            Some(words) => *words,
            None => padded(octets),
        };
        let length = match (first_nul(first), first_nul(second), first_nul(third)) {
            (nul @ 0..8, _, _) => nul,
            (_, nul @ 0..8, _) => 8 + nul,
            (_, _, nul @ 0..8) => 16 + nul,
            _ => return None,
        };
        let rest = octets.get(length + 1..)?;
        Some((Self::of_words([first, second, third], length), rest))
    }

    #[inline(always)]
    fn of_words(mut words: [[u8; 8]; 3], length: usize) -> Self {
        words[2][7] = length as u8;
        Self(Octets::Short(words))
    }

    /// What stands before a NUL at `text`, a part of `frame`: copied when short, shared when long.
    pub(crate) fn within(frame: &Bytes, text: &[u8]) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Octets::Long(frame.slice_ref(text))))
    }

    /// These octets, none of which is NUL, shared with nobody.
    pub(crate) fn copied(text: &[u8]) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Octets::Long(Bytes::copy_from_slice(text))))
    }

    /// These octets in the value itself, if they are few enough. None of them may be NUL.
    fn short(text: &[u8]) -> Option<Self> {
        let mut words = [[0; 8]; 3];
        let place = words.as_flattened_mut()[..Self::SHORT].get_mut(..text.len())?;
        place.copy_from_slice(text);
        Some(Self::of_words(words, text.len()))
    }

    /// The text, an octet a character; borrowed when it is ASCII.
    pub fn as_str(&self) -> Cow<'_, str> {
        match self.to_ascii() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.as_bytes().iter().map(|&octet| char::from(octet)).collect()),
        }
    }

    /// The text when it is pure ASCII.
    pub fn to_ascii(&self) -> Option<&str> {
        let octets = self.as_bytes();
        octets.is_ascii().then(|| std::str::from_utf8(octets).ok()).flatten()
    }

    /// The octets without the NUL.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Octets::Short(words) => &words.as_flattened()[..usize::from(words[2][7])],
            Octets::Long(octets) => octets,
        }
    }

    /// The octets without the NUL; of a long string shared, of a short one a copy.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Octets::Short(_) => Bytes::copy_from_slice(self.as_bytes()),
            Octets::Long(octets) => octets.clone(),
        }
    }

    /// How many octets, without the NUL.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Octets::Short(words) => words[2][7].into(),
            Octets::Long(octets) => octets.len(),
        }
    }

    /// Whether there is nothing before the NUL.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The words of a short string, its own octets first.
    #[inline(always)]
    pub(crate) fn words(&self) -> Option<&[u8; Self::SHORT + 1]> {
        match &self.0 {
            Octets::Short(words) => words.as_flattened().first_chunk(),
            Octets::Long(_) => None,
        }
    }

    /// Whether there is a NUL before the end, so that it cannot be encoded.
    #[inline]
    pub(crate) fn has_nul(&self) -> bool {
        match &self.0 {
            Octets::Short(_) => false,
            Octets::Long(octets) => octets.contains(&0),
        }
    }

    /// A copy that does not keep the frame it came in alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        match &self.0 {
            Octets::Short(_) => self.clone(),
            Octets::Long(octets) => Self(Octets::Long(Bytes::copy_from_slice(octets))),
        }
    }
}

impl Default for COctet {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<Bytes> for COctet {
    fn from(octets: Bytes) -> Self {
        let short = if octets.contains(&0) {
            None
        } else {
            Self::short(&octets)
        };
        short.unwrap_or(Self(Octets::Long(octets)))
    }
}

/// Takes the octets of the text as they are; beyond ASCII prefer [`COctet::from_latin1`].
impl From<&str> for COctet {
    fn from(text: &str) -> Self {
        Bytes::copy_from_slice(text.as_bytes()).into()
    }
}

/// Takes the octets of the text as they are, without a copy when it is long.
impl From<String> for COctet {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl PartialEq for COctet {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for COctet {}

impl PartialEq<str> for COctet {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for COctet {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Ord for COctet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for COctet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for COctet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
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

/// Octets that are fewer than the words, with NULs behind them.
fn padded(octets: &[u8]) -> [[u8; 8]; 3] {
    let mut words = [[0; 8]; 3];
    let flat = words.as_flattened_mut().iter_mut();
    flat.zip(octets).for_each(|(place, octet)| *place = *octet);
    words
}

/// Where the first NUL is; 8 when there is none.
#[inline(always)]
const fn first_nul(word: [u8; 8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(word);
    // The lowest octet to borrow is the first that is zero; those above it may borrow wrongly.
    (word.wrapping_sub(ONES) & !word & (ONES << 7)).trailing_zeros() as usize / 8
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
    fn equal_strings_are_equal_wherever_their_octets_stand() {
        assert_eq!(COctet::from_static("Araldo"), COctet::from("Araldo"));
        let (short, long) = (COctet::from("393331234567"), COctet::from_static("393331234568"));
        assert!(short < long);
        assert_eq!(size_of::<COctet>(), size_of::<Bytes>());
    }

    #[test]
    fn a_short_string_ends_at_its_first_nul_wherever_that_is() {
        for length in 0..=COctet::SHORT {
            let mut octets = vec![0x80; length];
            octets.extend_from_slice(b"\0\x01\0 and more octets than a word has");
            let (text, rest) = COctet::leading(&octets).expect("short");
            assert_eq!((text.as_bytes(), rest), (&octets[..length], &octets[length + 1..]));
        }
        assert!(COctet::leading(&[b'1'; 24]).is_none());
    }

    #[test]
    fn a_nul_inside_is_kept_however_short_the_string() {
        let text = COctet::from(Bytes::from_static(b"a\0b"));
        assert_eq!((text.as_bytes(), text.has_nul()), (&b"a\0b"[..], true));
    }

    #[test]
    fn a_password_is_not_in_its_debug() {
        assert!(!format!("{:?}", Password::from("secret08")).contains("secret"));
    }
}
