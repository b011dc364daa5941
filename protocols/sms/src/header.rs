//! The user data header (3GPP TS 23.040 §9.2.3.24): what may stand before the text when `esm_class` says so.

mod concat;
mod ports;

pub use concat::{Concat, ReferenceSize};
pub use ports::Ports;

use crate::language::Language;
use crate::shift::{LOCKING_SHIFT, SINGLE_SHIFT, ShiftTables};

/// A user data header: a list of information elements, all whole.
///
/// ```
/// use araldo_sms::UserDataHeader;
///
/// let (header, rest) = UserDataHeader::parse(b"\x05\x00\x03\x7f\x02\x01Hello").unwrap();
/// assert_eq!(rest, b"Hello");
/// let concat = header.concat().unwrap();
/// assert_eq!((concat.reference, concat.total, concat.number), (0x7F, 2, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserDataHeader<'a> {
    elements: &'a [u8],
}

impl<'a> UserDataHeader<'a> {
    /// Divides user data into header and text. Call it when the UDHI bit of `esm_class` (0x40) is set.
    ///
    /// ```
    /// use araldo_sms::UserDataHeader;
    ///
    /// assert!(UserDataHeader::parse(b"\x00text").is_ok());
    /// assert_eq!(UserDataHeader::parse(b"\x7fHi").unwrap_err().rest, b"\x7fHi");
    /// assert_eq!(UserDataHeader::parse(b"\x02\x00\x03Hi").unwrap_err().rest, b"Hi");
    /// ```
    ///
    /// # Errors
    /// [`MalformedHeader`] when the header is longer than the data or its elements do not fill it exactly. It carries
    /// what to read as the text nonetheless.
    pub fn parse(octets: &'a [u8]) -> Result<(Self, &'a [u8]), MalformedHeader<'a>> {
        let whole = MalformedHeader { rest: octets };
        let (&length, after) = octets.split_first().ok_or(whole)?;
        let (elements, rest) = after.split_at_checked(usize::from(length)).ok_or(whole)?;
        let mut walk = Elements { octets: elements };
        walk.by_ref().for_each(drop);
        if walk.octets.is_empty() {
            Ok((Self { elements }, rest))
        } else {
            Err(MalformedHeader { rest })
        }
    }

    /// The information elements in their order.
    ///
    /// ```
    /// use araldo_sms::UserDataHeader;
    ///
    /// let (header, _) = UserDataHeader::parse(b"\x06\x05\x04\x0b\x84\x23\xf0").unwrap();
    /// let port = header.elements().next().unwrap();
    /// assert_eq!((port.id, port.data), (5, &[0x0b, 0x84, 0x23, 0xf0][..]));
    /// ```
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        Elements { octets: self.elements }
    }

    /// The segment's place in its message. `None` for a message of one segment, or when the numbers make no sense
    /// (TS 23.040 §9.2.3.24.1 has such an element ignored). Of several the last counts (§9.2.3.24).
    ///
    /// ```
    /// use araldo_sms::UserDataHeader;
    ///
    /// let (third_of_two, _) = UserDataHeader::parse(&[5, 0, 3, 9, 2, 3]).unwrap();
    /// assert_eq!(third_of_two.concat(), None);
    /// ```
    #[must_use]
    pub fn concat(&self) -> Option<Concat> {
        self.elements()
            .filter_map(|element| Concat::from_element(&element))
            .last()
    }

    /// The application ports, if it has any. Of several the last count (TS 23.040 §9.2.3.24).
    ///
    /// ```
    /// use araldo_sms::{Ports, UserDataHeader};
    ///
    /// let (header, _) = UserDataHeader::parse(&[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0]).unwrap();
    /// assert_eq!(header.ports(), Some(Ports { destination: 2948, source: 9200 }));
    /// ```
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.elements()
            .filter_map(|element| Ports::from_element(&element))
            .last()
    }

    /// The national tables that its septets are read with. An element of a language that the standard reserves is
    /// ignored, as TS 23.040 §9.2.3.24.15 asks; of several the last counts.
    ///
    /// ```
    /// use araldo_sms::{Language, ShiftTables, UserDataHeader};
    ///
    /// let (header, _) = UserDataHeader::parse(&[6, 0x24, 1, 1, 0x25, 1, 99]).unwrap();
    /// let tables = ShiftTables { locking: None, single: Some(Language::Turkish) };
    /// assert_eq!(header.shift_tables(), tables);
    /// ```
    #[must_use]
    pub fn shift_tables(&self) -> ShiftTables {
        let mut tables = ShiftTables::DEFAULT;
        for (id, language) in self.languages() {
            match id {
                LOCKING_SHIFT => tables.locking = language.or(tables.locking),
                _ => tables.single = language.or(tables.single),
            }
        }
        tables
    }

    /// Octets of the whole header, its length octet included.
    pub(crate) fn octets(&self) -> usize {
        1 + self.elements.len()
    }

    /// Whether it names a language that nobody knows, so its septets may mean something else.
    pub(crate) fn has_unknown_language(&self) -> bool {
        self.languages().any(|(_, language)| language.is_none())
    }

    fn languages(&self) -> impl Iterator<Item = (u8, Option<Language>)> {
        self.elements().filter_map(|element| match (element.id, element.data) {
            (id @ (SINGLE_SHIFT | LOCKING_SHIFT), &[number]) => Some((id, Language::from_number(number))),
            _ => None,
        })
    }
}

/// The information elements of a header, from [`UserDataHeader::elements`].
///
/// ```
/// use araldo_sms::UserDataHeader;
///
/// let (header, _) = UserDataHeader::parse(&[6, 0x24, 1, 1, 0x25, 1, 3]).unwrap();
/// assert_eq!(header.elements().map(|element| element.id).collect::<Vec<_>>(), [0x24, 0x25]);
/// ```
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    octets: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = InformationElement<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let [id, length, after @ ..] = self.octets else {
            return None;
        };
        let (data, rest) = after.split_at_checked(usize::from(*length))?;
        self.octets = rest;
        Some(InformationElement { id: *id, data })
    }
}

/// One information element of a user data header.
///
/// ```
/// use araldo_sms::{InformationElement, UserDataHeader};
///
/// let (header, _) = UserDataHeader::parse(&[3, 0x24, 1, 3]).unwrap();
/// assert_eq!(header.elements().next(), Some(InformationElement { id: 0x24, data: &[3] }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InformationElement<'a> {
    /// The identifier (TS 23.040 §9.2.3.24): 0x00 and 0x08 concatenation, 0x05 ports, 0x24 and 0x25 national tables.
    pub id: u8,
    /// Its octets, without identifier and length.
    pub data: &'a [u8],
}

/// The header cannot be believed, so it is ignored whole (TS 23.040 §9.2.3.24). The peer's mistake; the text may still
/// be read.
///
/// ```
/// use araldo_sms::UserDataHeader;
///
/// let malformed = UserDataHeader::parse(&[]).unwrap_err();
/// assert_eq!(malformed.to_string(), "the user data header is malformed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user data header is malformed")]
pub struct MalformedHeader<'a> {
    /// What to read as the text: all after the header when its length fits, else all octets.
    pub rest: &'a [u8],
}

/// Appends a header with the elements that are needed, and gives back its octets; without any there is no header.
pub(crate) fn write_header(concat: Option<&Concat>, tables: ShiftTables, out: &mut Vec<u8>) -> u8 {
    let start = out.len();
    out.push(0);
    if let Some(concat) = concat {
        concat.write_element(out);
    }
    tables.write_elements(out);
    // Seven octets at most, then six.
    let length = (out.len() - start - 1) as u8;
    if length == 0 {
        out.truncate(start);
        return 0;
    }
    out[start] = length;
    length + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concat_is_found_behind_other_elements() {
        let (header, rest) = UserDataHeader::parse(b"\x0b\x05\x04\x00\x01\x00\x02\x00\x03\x2a\x03\x02Hi").unwrap();
        assert_eq!(header.concat(), Concat::new(ReferenceSize::Bits8, 42, 3, 2));
        assert_eq!(rest, b"Hi");
    }

    #[test]
    fn of_two_concat_elements_the_last_counts() {
        let (header, _) = UserDataHeader::parse(&[11, 0, 3, 1, 2, 1, 8, 4, 1, 2, 2, 2]).unwrap();
        assert_eq!(header.concat(), Concat::new(ReferenceSize::Bits16, 0x0102, 2, 2));
    }

    #[test]
    fn national_tables_and_concat_share_a_header() {
        let tables = ShiftTables {
            locking: Some(Language::Urdu),
            single: Some(Language::Hindi),
        };
        let concat = Concat::new(ReferenceSize::Bits8, 7, 2, 1);
        let mut out = Vec::new();
        assert_eq!(write_header(concat.as_ref(), tables, &mut out), 12);
        assert_eq!(out, [11, 0, 3, 7, 2, 1, 0x24, 1, 6, 0x25, 1, 13]);
        let (header, _) = UserDataHeader::parse(&out).unwrap();
        assert_eq!((header.concat(), header.shift_tables()), (concat, tables));
    }

    #[test]
    fn language_that_nobody_knows_leaves_the_default_tables() {
        let (header, _) = UserDataHeader::parse(&[3, 0x24, 1, 14]).unwrap();
        assert_eq!(header.shift_tables(), ShiftTables::DEFAULT);
        assert!(header.has_unknown_language());
        let (header, _) = UserDataHeader::parse(&[4, 0x24, 2, 1, 1]).unwrap();
        assert_eq!(header.shift_tables(), ShiftTables::DEFAULT);
    }

    #[test]
    fn element_longer_than_the_header_makes_it_malformed() {
        assert_eq!(
            UserDataHeader::parse(&[5, 0, 9, 1, 2, 1, b'a']),
            Err(MalformedHeader { rest: b"a" })
        );
    }

    #[test]
    fn header_longer_than_the_data_leaves_all_as_text() {
        assert_eq!(UserDataHeader::parse(b"Hi"), Err(MalformedHeader { rest: b"Hi" }));
    }
}
