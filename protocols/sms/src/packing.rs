//! Septets in octets (3GPP TS 23.038 §6.1.2.1), as they go over the air and as some carriers want them in SMPP.

/// Zero bits between a user data header and the septets after it, 0 to 6, so that they begin at a septet boundary
/// (3GPP TS 23.040 §9.2.3.24). `header_octets` counts the length octet too; 0 is no header.
///
/// ```
/// use araldo_sms::fill_bits;
///
/// assert_eq!((fill_bits(0), fill_bits(6), fill_bits(7)), (0, 1, 0));
/// ```
#[must_use]
pub fn fill_bits(header_octets: usize) -> u8 {
    // Less than seven.
    ((7 - header_octets * 8 % 7) % 7) as u8
}

/// Appends septets, given one an octet, eight in seven octets, after `fill_bits` zero bits; zero bits at the end too. Of
/// each octet the low seven bits count, of `fill_bits` what [`fill_bits`] gives: it is taken modulo 7.
///
/// ```
/// use araldo_sms::pack_septets;
///
/// let mut packed = Vec::new();
/// pack_septets(b"hello", 0, &mut packed);
/// assert_eq!(packed, [0xE8, 0x32, 0x9B, 0xFD, 0x06]);
/// ```
pub fn pack_septets(septets: &[u8], fill_bits: u8, out: &mut Vec<u8>) {
    let mut held = u32::from(fill_bits % 7);
    out.reserve((held as usize + septets.len() * 7).div_ceil(8));
    let mut bits = 0_u32;
    for septet in septets {
        bits |= u32::from(septet & 0x7F) << held;
        held += 7;
        if held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 && !septets.is_empty() {
        out.push(bits as u8);
    }
}

/// Appends the septets that follow `fill_bits` bits, one an octet, `count` of them or as many as there are. Where the
/// count is not known, nothing tells seven spare bits from `@`; spare bits are far more frequent, so a zero septet that
/// ends with the last octet is left out then.
///
/// ```
/// use araldo_sms::unpack_septets;
///
/// let mut septets = Vec::new();
/// unpack_septets(&[0xE8, 0x32, 0x9B, 0xFD, 0x06], 0, None, &mut septets);
/// assert_eq!(septets, b"hello");
/// ```
pub fn unpack_septets(octets: &[u8], fill_bits: u8, count: Option<usize>, out: &mut Vec<u8>) {
    let start = out.len();
    out.reserve(octets.len() * 8 / 7);
    let mut skip = u32::from(fill_bits % 7);
    let (mut bits, mut held) = (0_u32, 0);
    for octet in octets {
        bits |= u32::from(*octet) << held;
        held += 8;
        let skipped = std::mem::take(&mut skip);
        bits >>= skipped;
        held -= skipped;
        while held >= 7 {
            out.push(bits as u8 & 0x7F);
            bits >>= 7;
            held -= 7;
        }
    }
    match count {
        Some(count) => out.truncate(start.saturating_add(count)),
        None if held == 0 && out[start..].last() == Some(&0) => {
            out.pop();
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(octets: &[u8], fill_bits: u8) -> Vec<u8> {
        let mut septets = Vec::new();
        unpack_septets(octets, fill_bits, None, &mut septets);
        septets
    }

    #[test]
    fn text_begins_at_a_septet_boundary_whatever_the_header() {
        for header_octets in 0..=140 {
            let bits = header_octets * 8 + usize::from(fill_bits(header_octets));
            assert!(
                bits.is_multiple_of(7) && fill_bits(header_octets) < 7,
                "{header_octets}"
            );
        }
    }

    #[test]
    fn seven_spare_bits_are_no_character() {
        assert_eq!(unpack(&[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x00], 0), b"1234567");
        assert_eq!(unpack(&[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x70], 0), b"12345678");
    }

    #[test]
    fn at_sign_before_the_end_is_kept() {
        assert_eq!(unpack(&[0x00], 0), [0]);
        assert_eq!(unpack(&[0x80, 0x00], 0), [0, 1]);
    }

    #[test]
    fn no_octets_are_no_septets() {
        let mut packed = Vec::new();
        pack_septets(&[], 3, &mut packed);
        assert_eq!(packed, b"");
        assert_eq!(unpack(&[], 3), b"");
    }
}
