//! The alphabet of a message (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4).

use super::octet_value;

octet_value! {
    /// How the octets of a text are to be read; the upper half follows 3GPP TS 23.038.
    DataCoding {
        /// The message centre's default alphabet, most often GSM 7-bit in one octet a character.
        DEFAULT = 0x00,
        /// IA5, which is ASCII.
        IA5 = 0x01,
        /// Octets without meaning to SMPP.
        OCTET_UNSPECIFIED = 0x02,
        /// Latin-1.
        LATIN_1 = 0x03,
        /// Octets without meaning to SMPP.
        BINARY = 0x04,
        /// JIS (X 0208-1990).
        JIS = 0x05,
        /// Cyrillic, ISO 8859-5.
        CYRILLIC = 0x06,
        /// Latin and Hebrew, ISO 8859-8.
        HEBREW = 0x07,
        /// UCS-2, in practice UTF-16, big end first.
        UCS2 = 0x08,
        /// Pictograms.
        PICTOGRAM = 0x09,
        /// ISO 2022-JP.
        ISO_2022_JP = 0x0A,
        /// Extended Kanji JIS.
        EXTENDED_KANJI = 0x0D,
        /// KS C 5601.
        KS_C_5601 = 0x0E,
    }
}

impl DataCoding {
    /// The message class 0 to 3 when the value carries one (3GPP TS 23.038 §4, coding group 1111).
    pub const fn message_class(self) -> Option<u8> {
        if self.0 & 0xF0 == 0xF0 {
            Some(self.0 & 0x03)
        } else {
            None
        }
    }
}
