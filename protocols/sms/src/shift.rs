//! Which tables the septets of a text are read with.

use crate::encoding::{DecodedText, Encoding, TextError};
use crate::gsm7;
use crate::language::Language;

/// Information element of a national single shift table (3GPP TS 23.040 §9.2.3.24.15).
pub(crate) const SINGLE_SHIFT: u8 = 0x24;

/// Information element of a national locking shift table (TS 23.040 §9.2.3.24.16).
pub(crate) const LOCKING_SHIFT: u8 = 0x25;

/// Octets of each of the two elements: identifier, length, language.
const ELEMENT_OCTETS: usize = 3;

/// The tables of the GSM 7-bit alphabet that a text uses; by default the default alphabet and its extension, which need
/// no header.
///
/// ```
/// use araldo_sms::{Language, ShiftTables};
///
/// let tables = ShiftTables { single: Some(Language::Turkish), ..ShiftTables::DEFAULT };
/// let mut septets = Vec::new();
/// tables.encode("ağaç", &mut septets)?;
/// assert_eq!(septets, [0x61, 0x1B, 0x67, 0x61, 0x1B, 0x63]);
/// assert_eq!(tables.decode(&septets).text, "ağaç");
/// # Ok::<(), araldo_sms::TextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ShiftTables {
    /// Whose table stands for the default alphabet; `None` is the default alphabet. Spanish has none of its own and
    /// means the same.
    pub locking: Option<Language>,
    /// Whose table stands for the extension, reached by an escape; `None` is the default extension.
    pub single: Option<Language>,
}

impl ShiftTables {
    /// The default alphabet and its extension.
    ///
    /// ```
    /// # use araldo_sms::ShiftTables;
    /// assert_eq!(ShiftTables::DEFAULT.element_octets(), 0);
    /// ```
    pub const DEFAULT: Self = Self {
        locking: None,
        single: None,
    };

    /// Appends the septets of `text` to `out`, one an octet. On an error `out` holds what came before the character.
    ///
    /// ```
    /// # use araldo_sms::{Language, ShiftTables};
    /// let hindi = ShiftTables { locking: Some(Language::Hindi), single: Some(Language::Hindi) };
    /// let mut septets = Vec::new();
    /// hindi.encode("नमस्ते", &mut septets)?;
    /// assert_eq!(septets.len(), 6);
    /// # Ok::<(), araldo_sms::TextError>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError::Unencodable`] with the first character that neither table has.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), TextError> {
        out.reserve(text.len());
        gsm7::alphabet(self)
            .encode(text, out)
            .map_err(|(position, character)| TextError::Unencodable {
                character,
                position,
                encoding: Encoding::Gsm7,
            })
    }

    /// Reads septets, one an octet, with best effort: see [`Encoding::decode`].
    ///
    /// ```
    /// # use araldo_sms::{Language, ShiftTables};
    /// let portuguese = ShiftTables { locking: Some(Language::Portuguese), single: None };
    /// assert_eq!(portuguese.decode(&[0x6E, 0x7B, 0x6F]).text, "não");
    /// ```
    #[must_use]
    pub fn decode(self, septets: &[u8]) -> DecodedText {
        let (text, lossy) = gsm7::alphabet(self).decode(septets);
        DecodedText { text, lossy }
    }

    /// Octets that its information elements take in a user data header: 0, 3 or 6.
    ///
    /// ```
    /// # use araldo_sms::{Language, ShiftTables};
    /// let tables = ShiftTables { locking: None, single: Some(Language::Spanish) };
    /// assert_eq!(tables.element_octets(), 3);
    /// ```
    #[must_use]
    pub fn element_octets(self) -> usize {
        self.elements().count() * ELEMENT_OCTETS
    }

    /// Appends its information elements, without the length of the header.
    pub(crate) fn write_elements(self, out: &mut Vec<u8>) {
        for (id, language) in self.elements() {
            out.extend_from_slice(&[id, 1, language.number()]);
        }
    }

    fn elements(self) -> impl Iterator<Item = (u8, Language)> {
        let single = self.single.map(|language| (SINGLE_SHIFT, language));
        let locking = self.locking.map(|language| (LOCKING_SHIFT, language));
        single.into_iter().chain(locking)
    }
}
