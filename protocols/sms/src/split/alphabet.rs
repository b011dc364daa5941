//! A segment in what a carrier means by `data_coding` 0.

use super::Segment;
use crate::default_alphabet::DefaultAlphabet;
use crate::encoding::Encoding;
use crate::packing::{fill_bits, pack_septets};

impl Segment {
    /// The octets of a GSM-7 segment for a carrier to which `data_coding` 0 is `alphabet`: the header, then the text
    /// written so; the carrier makes septets of it. `whole` is the text that was divided, after what was replaced.
    ///
    /// `None` where the alphabet [lacks](DefaultAlphabet::has) a character. Of the national tables only septets speak.
    ///
    /// ```
    /// use araldo_sms::{DefaultAlphabet, SplitOptions, split};
    ///
    /// let text = "caffè";
    /// let in_latin1 = |text| {
    ///     let segment = split(text, &SplitOptions::default()).ok()?.segments.remove(0);
    ///     segment.into_alphabet(text, DefaultAlphabet::Latin1)
    /// };
    /// assert_eq!(in_latin1("caffè").as_deref(), Some(&b"caff\xE8"[..]));
    /// assert_eq!(in_latin1("5 €"), None);
    /// ```
    #[must_use]
    pub fn into_alphabet(self, whole: &str, alphabet: DefaultAlphabet) -> Option<Vec<u8>> {
        if alphabet == DefaultAlphabet::Gsm7 {
            return Some(self.data);
        }
        let header_octets = usize::from(self.header_octets);
        let (header, septets) = self.data.split_at_checked(header_octets)?;
        let text = whole.get(self.text)?;
        let mut octets = Vec::with_capacity(header.len() + 2 * septets.len());
        octets.extend_from_slice(header);
        match alphabet {
            DefaultAlphabet::Gsm7 => octets.extend_from_slice(septets),
            DefaultAlphabet::Gsm7Packed => pack_septets(septets, fill_bits(header_octets), &mut octets),
            DefaultAlphabet::Ascii if text.is_ascii() => octets.extend_from_slice(text.as_bytes()),
            DefaultAlphabet::Ascii => return None,
            DefaultAlphabet::Latin1 => Encoding::Latin1.encode(text, &mut octets).ok()?,
            DefaultAlphabet::Utf8 => octets.extend_from_slice(text.as_bytes()),
            DefaultAlphabet::Ucs2 => Encoding::Ucs2.encode(text, &mut octets).ok()?,
        }
        Some(octets)
    }
}

#[cfg(test)]
mod tests {
    use crate::{DefaultAlphabet, SplitOptions, UserData, split};

    #[test]
    fn what_is_written_in_an_alphabet_is_read_in_it() {
        let text = "Perché no? \u{a3}5, già. ".repeat(12);
        for alphabet in [
            DefaultAlphabet::Gsm7,
            DefaultAlphabet::Gsm7Packed,
            DefaultAlphabet::Latin1,
            DefaultAlphabet::Utf8,
            DefaultAlphabet::Ucs2,
        ] {
            let segments = split(&text, &SplitOptions::default()).unwrap().segments;
            assert_eq!(segments.len(), 2);
            let read: String = segments
                .into_iter()
                .map(|segment| {
                    let octets = segment.into_alphabet(&text, alphabet).unwrap();
                    let read = UserData::decode(0, true, &octets, alphabet);
                    assert!(!read.lossy && read.concat.is_some(), "{alphabet}");
                    read.text().unwrap().to_owned()
                })
                .collect();
            assert_eq!(read, text, "{alphabet}");
        }
    }

    #[test]
    fn packed_segments_fill_the_140_octets() {
        let text = "x".repeat(306);
        for segment in split(&text, &SplitOptions::default()).unwrap().segments {
            assert_eq!(
                segment.into_alphabet(&text, DefaultAlphabet::Gsm7Packed).unwrap().len(),
                140
            );
        }
    }
}
