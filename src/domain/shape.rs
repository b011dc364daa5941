//! How a text is written beyond its alphabet.

use std::fmt;
use std::str::FromStr;

use araldo_sms::{Language, ReferenceSize, ShiftTables};

use super::UnknownWord;

/// What is decided when a message is accepted, so that whichever carrier sends it cuts it as it was counted. The default
/// is the usual way: no national tables, a reference of 8 bits, segments as full as can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The national tables of a GSM-7 text.
    pub tables: ShiftTables,
    /// Bits of the reference that ties the segments of a long text together.
    pub reference_size: ReferenceSize,
    /// Whether what a reader takes for one character stays in one segment.
    pub whole_graphemes: bool,
    /// Whether the handset shows it at once and does not keep it (class 0).
    pub flash: bool,
}

const FLASH: &str = "flash";
const REFERENCE_16: &str = "reference_16";
const WHOLE_GRAPHEMES: &str = "whole_graphemes";
const LOCKING: &str = "locking_";
const SINGLE: &str = "single_";

impl Shape {
    /// The words under which the store keeps it; `None` for the usual way.
    pub fn words(&self) -> Option<String> {
        (*self != Self::default()).then(|| self.to_string())
    }
}

/// Its words with a blank between; nothing for the usual way.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.flash, FLASH),
            (self.reference_size == ReferenceSize::Bits16, REFERENCE_16),
            (self.whole_graphemes, WHOLE_GRAPHEMES),
        ];
        let tables = [(LOCKING, self.tables.locking), (SINGLE, self.tables.single)];
        let mut blank = "";
        for (_, word) in words.into_iter().filter(|(is_so, _)| *is_so) {
            write!(f, "{}{word}", std::mem::replace(&mut blank, " "))?;
        }
        for (word, language) in tables {
            if let Some(language) = language {
                write!(f, "{}{word}{language}", std::mem::replace(&mut blank, " "))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Shape {
    type Err = UnknownWord;

    fn from_str(words: &str) -> Result<Self, UnknownWord> {
        let mut shape = Self::default();
        for word in words.split_whitespace() {
            let language = |name: &str| name.parse::<Language>().map_err(|_| UnknownWord::new("shape", word));
            match word {
                FLASH => shape.flash = true,
                REFERENCE_16 => shape.reference_size = ReferenceSize::Bits16,
                WHOLE_GRAPHEMES => shape.whole_graphemes = true,
                _ => match (word.strip_prefix(LOCKING), word.strip_prefix(SINGLE)) {
                    (Some(name), _) => shape.tables.locking = Some(language(name)?),
                    (None, Some(name)) => shape.tables.single = Some(language(name)?),
                    (None, None) => return Err(UnknownWord::new("shape", word)),
                },
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_read_back_from_its_words() {
        let tables = ShiftTables {
            locking: Some(Language::Turkish),
            single: Some(Language::Spanish),
        };
        let all = Shape {
            tables,
            reference_size: ReferenceSize::Bits16,
            whole_graphemes: true,
            flash: true,
        };
        let flash = Shape {
            flash: true,
            ..Shape::default()
        };
        assert_eq!(
            all.to_string(),
            "flash reference_16 whole_graphemes locking_turkish single_spanish"
        );
        for shape in [all, flash, Shape::default()] {
            assert_eq!(shape.to_string().parse(), Ok(shape));
        }
        assert_eq!(Shape::default().words(), None);
        assert!("locking_klingon".parse::<Shape>().is_err() && "loud".parse::<Shape>().is_err());
    }
}
