//! Numbers as people and machines write them: national or international, with what stands between the digits.

use phonelib::{Country, ParseError, PhoneNumber, PhoneNumberType};

use super::{AddressError, Msisdn};

/// A country with a numbering plan, named by its ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(&'static Country);

impl Region {
    /// Reads a code in either case, as `IT`.
    pub fn parse(code: &str) -> Option<Self> {
        if code.len() != 2 {
            return None;
        }
        phonelib::country_by_code(&code.to_ascii_uppercase()).map(Self)
    }

    /// The code in capitals.
    pub fn as_str(self) -> &'static str {
        self.0.code
    }
}

impl Msisdn {
    /// Reads a number in any notation: E.164, with an international prefix (`00`, or what is dialled from the region),
    /// national if a region says whose nation is meant, as a `tel:` URI (RFC 3966), with an extension, which is left out.
    ///
    /// Digits of other scripts are digits. Digits alone that could be national or begin with the region's own country
    /// code are read with the country code if a number that is known remains.
    pub fn parse_in(text: &str, region: Option<Region>) -> Result<Self, AddressError> {
        let written = plain(text);
        if written.is_empty() {
            return Err(AddressError::Empty);
        }
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        let international = written.contains('+') || written.starts_with("00");
        let number = match region {
            Some(region) if !written.contains('+') => in_region(&written, &digits, region),
            None if !international && written.len() == digits.len() => return Self::parse(&digits),
            None if !international => return Err(unmarked(&written)),
            Some(_) | None => PhoneNumber::try_parse(&written),
        };
        match number {
            Ok(number) if has_odd_letters(&written, &number) => Err(AddressError::NotDigits),
            Ok(number) => Self::written(number.e164()),
            Err(ParseError::InvalidCharacter) => Err(AddressError::NotDigits),
            // Tables are no reason to refuse a number that is whole; what is wrong with it is told best by its digits.
            Err(_) if written.contains('+') => Self::parse(&digits),
            Err(error) => Err(reason(error, digits.len())),
        }
    }

    /// The country, or `001` for a number of no country; `None` where several share the country code and the number is in
    /// no range that is known. A hint: ranges move.
    pub fn region(&self) -> Option<&'static str> {
        let number = PhoneNumber::parse(&self.to_string())?;
        let country = number.country();
        let shared = phonelib::countries_by_calling_code(country.prefix).len() > 1;
        (!shared || is_known(&number)).then_some(country.code)
    }
}

/// The same in ASCII, without what nobody sees, with one plus, without a URI's scheme and parameters.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !is_invisible(*c)).map(ascii_digit).collect();
    let text = text.trim();
    let uri = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    let (number, parameters) = match uri {
        Some(_) => text[4..].split_once(';').unwrap_or((&text[4..], "")),
        None => (text, ""),
    };
    let context = parameters
        .split(';')
        .find_map(|parameter| parameter.strip_prefix("phone-context="))
        .filter(|context| context.starts_with('+') && !number.starts_with('+'));
    let number = [context.unwrap_or_default(), number].concat();
    match number.trim_start_matches('+') {
        without if without.len() < number.len() => format!("+{without}"),
        _ => number,
    }
}

/// Marks of direction and width that come along when a number is copied.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Arabic-Indic, Persian, Devanagari, Bengali and full-width digits, and the full-width plus.
fn ascii_digit(c: char) -> char {
    const ZEROS: [char; 5] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{ff10}'];
    let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    match ZEROS.iter().find_map(value) {
        Some(value) => char::from_digit(value, 10).unwrap_or(c),
        None if c == '\u{ff0b}' => '+',
        None => c,
    }
}

/// Without a plus, in a region.
fn in_region(written: &str, digits: &str, region: Region) -> Result<PhoneNumber, ParseError> {
    if let Some(number) = argentine_mobile(digits, region) {
        return Ok(number);
    }
    let national = PhoneNumber::try_parse_with_country(written, region.as_str());
    let with_code = digits
        .starts_with(&region.0.prefix.to_string())
        .then(|| PhoneNumber::parse(&format!("+{digits}")))
        .flatten()
        .filter(is_known);
    match (with_code, national) {
        (Some(with_code), Ok(national)) if !is_likelier(&with_code, &national) => Ok(national),
        (Some(with_code), _) => Ok(with_code),
        (None, national) => national,
    }
}

/// Whether digits alone begin with the country code rather than being all national. Few digits behind a code speak
/// against it, since 393 is a prefix of Italian mobiles; that only so they are a mobile's speaks for it.
fn is_likelier(with_code: &PhoneNumber, national: &PhoneNumber) -> bool {
    with_code.national_number().len() >= LEAST_BEHIND_OWN_CODE
        || !is_known(national)
        || (with_code.is_mobile() && !national.is_mobile())
}

/// In a range that is known, whatever kind of number it is.
fn is_known(number: &PhoneNumber) -> bool {
    number.phone_type() != PhoneNumberType::Unknown
}

/// From how many digits on what follows the region's own country code is taken for a whole national number.
const LEAST_BEHIND_OWN_CODE: usize = 9;

/// Mobiles of Argentina are dialled at home as 0, area code, 15, number, and from abroad as 9, area code, number.
fn argentine_mobile(digits: &str, region: Region) -> Option<PhoneNumber> {
    let national = digits.strip_prefix('0').unwrap_or(digits);
    if region.as_str() != "AR" || national.len() != 12 {
        return None;
    }
    (2..=4).find_map(|area| {
        let (area, number) = national.split_at(area);
        let number = PhoneNumber::parse(&format!("+549{area}{}", number.strip_prefix("15")?))?;
        Some(number).filter(is_known)
    })
}

/// A letter is a slip, unless a word is dialled on the keys or it begins the extension.
fn has_odd_letters(written: &str, number: &PhoneNumber) -> bool {
    let letters = written.chars().filter(char::is_ascii_alphabetic).count();
    (1..3).contains(&letters) && number.extension().is_none()
}

fn unmarked(written: &str) -> AddressError {
    if written.chars().any(|c| c.is_ascii_digit()) && !written.chars().any(char::is_alphabetic) {
        AddressError::NoRegion
    } else {
        AddressError::NotDigits
    }
}

fn reason(error: ParseError, digits: usize) -> AddressError {
    match error {
        ParseError::Empty => AddressError::NotDigits,
        ParseError::UnknownCountryCode => AddressError::NoSuchCountry,
        ParseError::MissingCallingCode => AddressError::NoRegion,
        ParseError::TooLong | ParseError::TooShort => AddressError::Length(digits),
        _ => AddressError::NotInPlan { digits },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, region: &str) -> Result<String, AddressError> {
        Msisdn::parse_in(text, Region::parse(region)).map(|number| number.to_string())
    }

    #[test]
    fn every_notation_of_a_number_is_that_number() {
        for (text, region) in [
            ("+393331234567", ""),
            ("00393331234567", ""),
            ("393331234567", ""),
            ("+39 333 1234567", "DE"),
            ("333 1234567", "IT"),
            ("393331234567", "it"),
            ("011 39 333 1234567", "US"),
            ("8 10 39 333 1234567", "RU"),
            ("tel:+39-333-1234567", ""),
            ("tel:333-1234567;phone-context=+39", ""),
            ("TEL:+39-333-1234567;ext=12", "DE"),
            ("+39 333 1234567 ext. 12", ""),
            ("+39 333 1234567x12", ""),
            ("\u{202a}+39 333 1234567\u{202c}", ""),
            ("\u{ff0b}\u{ff13}\u{ff19}3331234567", ""),
            ("\u{6f0}\u{6f0}393331234567", ""),
            ("++39 333/123.45.67", ""),
            ("(+39) 333\u{a0}123\u{2013}4567", ""),
        ] {
            assert_eq!(read(text, region).as_deref(), Ok("+393331234567"), "{text}");
        }
    }

    #[test]
    fn a_trunk_prefix_goes_where_the_plan_has_one_and_stays_where_it_is_a_digit() {
        for (text, region, want) in [
            ("(020) 7946 0958", "GB", "+442079460958"),
            ("+44 (0)20 7946 0958", "", "+442079460958"),
            ("8 912 345 67 89", "RU", "+79123456789"),
            ("06 1 234 5678", "HU", "+3612345678"),
            ("02 1234 5678", "IT", "+390212345678"),
            ("+39 02 1234 5678", "", "+390212345678"),
            ("011 15-2345-6789", "AR", "+5491123456789"),
            ("0221 15 412-3456", "AR", "+5492214123456"),
            ("3933312345", "IT", "+393933312345"),
            ("1-800-FLOWERS", "US", "+18003569377"),
        ] {
            assert_eq!(read(text, region).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_in_every_notation() {
        for (text, region) in [
            ("", "IT"),
            ("  ", ""),
            ("+", "IT"),
            ("0", "IT"),
            ("00", "IT"),
            ("abc", "IT"),
            ("12", "IT"),
            ("333 1234567", ""),
            ("3331234567", ""),
            ("+999 12345678", ""),
            ("+39 333 12", ""),
            ("+39 333 12a4567", ""),
            ("+39 333 1234567\0", ""),
            ("+52 1 222 123 4567", ""),
            ("12345678901234567890", "IT"),
            ("0000000000", "IT"),
        ] {
            assert!(read(text, region).is_err(), "{text}: {:?}", read(text, region));
        }
        assert_eq!(
            Region::parse("XX").or(Region::parse("001")).or(Region::parse("Italy")),
            None
        );
    }
}
