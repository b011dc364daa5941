//! Numbers as people and machines write them: national or international, with what stands between the digits.

mod writing;

use phonelib::{Country, ParseError, PhoneFormat, PhoneNumber, PhoneNumberType};

use self::writing::Written;
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

    /// Italy, where Araldo is at home: what is meant where nobody says another.
    pub fn home() -> Self {
        Self::parse("IT").expect("Italy has a numbering plan")
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
    /// Digits of other scripts are digits, and a label before the number is passed over. A word is dialled on the keys if
    /// there is no number without it; another is an error, as a letter or two are. Digits that could be national or begin
    /// with the region's own country code are read with the code where that is likelier.
    pub fn parse_in(text: &str, region: Option<Region>) -> Result<Self, AddressError> {
        let written = Written::read(text)?;
        let number = locate(&written, &written.digits, region);
        let Some(dialled) = &written.with_word else {
            return number;
        };
        // Behind a whole number a word is a note, and which number it is of nobody can say.
        match number {
            Ok(_) => Err(AddressError::NotDigits),
            Err(_) => locate(&written, dialled, region),
        }
    }

    /// The country, or `001` for a number of no country; `None` where several share the country code and the number is in
    /// no range that is known. A hint: ranges move.
    pub fn region(&self) -> Option<&'static str> {
        // Santo Domingo's exchanges may begin with 0 and 1, unlike all others of North America.
        if self.digits().len() == 11
            && ["1809", "1829", "1849"]
                .iter()
                .any(|area| self.digits().starts_with(area))
        {
            return Some("DO");
        }
        let number = PhoneNumber::parse(&self.to_string())?;
        let country = number.country();
        let sharers = phonelib::countries_by_calling_code(country.prefix);
        let is_chief = sharers.first().is_none_or(|chief| chief.code == country.code);
        let certain =
            sharers.len() == 1 || !is_chief || country.code == "NO" || is_known(&number) && has_usual_length(&number);
        certain.then_some(country.code)
    }

    /// Whether digits are a whole number of a country whose numbers are as short as short codes.
    pub fn is_short_national(&self, region: Region) -> bool {
        SHORT_PLANS.contains(&region.as_str())
            && PhoneNumber::parse(&self.to_string()).is_some_and(|number| is_known(&number))
    }
}

/// Countries where 4 to 6 digits are an ordinary number.
const SHORT_PLANS: [&str; 22] = [
    "AC", "AD", "CK", "FK", "FO", "GL", "GS", "KI", "NC", "NF", "NU", "PM", "SB", "SH", "SR", "TA", "TK", "TO", "TV",
    "VU", "WF", "WS",
];

/// The number that the digits are.
fn locate(written: &Written, digits: &str, region: Option<Region>) -> Result<Msisdn, AddressError> {
    let number = match (written.plus, region) {
        (true, _) => PhoneNumber::try_parse(&format!("+{digits}")),
        (false, Some(region)) => in_region(digits, region),
        (false, None) if written.bare && !digits.starts_with("00") => return Msisdn::parse(digits),
        (false, None) => match digits.strip_prefix("00") {
            Some(behind) => PhoneNumber::try_parse(&format!("+{behind}")),
            None => return Err(AddressError::NoRegion),
        },
    };
    match number {
        Ok(number) if written.plus && !keeps_to_plan(&number, digits, written.bracketed_zero) => {
            Err(AddressError::NationalPrefix)
        }
        Ok(number) => Msisdn::written(number.e164()),
        // Tables are no reason to refuse a number that is whole; what is wrong with it is told best by its digits.
        Err(_) if written.plus && !digits.is_empty() => Msisdn::parse(digits),
        Err(error) => Err(reason(error, digits.len())),
    }
}

/// Whether digits that were left out are a prefix of the plan, or a 0 in brackets.
fn keeps_to_plan(number: &PhoneNumber, digits: &str, bracketed_zero: bool) -> bool {
    let dialled_at_home = number.format(PhoneFormat::National);
    let at_home = dialled_at_home.chars().filter(char::is_ascii_digit).count();
    bracketed_zero || number.e164().len() > digits.len() || at_home > number.national_number().len()
}

/// Without a plus, in a region.
fn in_region(digits: &str, region: Region) -> Result<PhoneNumber, ParseError> {
    if let Some(number) = argentine_mobile(digits, region) {
        return Ok(number);
    }
    let code = region.0.prefix.to_string();
    // From abroad into the own country, even where 00 and a digit more is dialled through another carrier.
    if let Some(own) = digits.strip_prefix("00").filter(|behind| behind.starts_with(&code))
        && let Ok(number) = PhoneNumber::try_parse(&format!("+{own}"))
    {
        return Ok(number);
    }
    let national = match PhoneNumber::try_parse_with_country(digits, region.as_str()) {
        Ok(number) if digits.starts_with("00") && number.national_number().starts_with("00") => {
            PhoneNumber::try_parse(&format!("+{}", &digits[2..]))
        }
        national => national,
    };
    let with_code = digits.strip_prefix(&code).and_then(|behind| {
        let number = PhoneNumber::parse(&format!("+{digits}"))?;
        // A prefix that is dialled at home is no part of a number with its country code.
        Some(number).filter(|number| number.national_number().len() == behind.len())
    });
    match (with_code, national) {
        (Some(with_code), Ok(national)) if !is_likelier(&with_code, &national, &code) => Ok(national),
        (Some(with_code), _) => Ok(with_code),
        (None, national) => national,
    }
}

/// Whether digits alone begin with the country code rather than being all national. Few digits behind a code of one or two
/// speak against it, the more where national numbers begin so; that only so they are a mobile's speaks for it.
fn is_likelier(with_code: &PhoneNumber, national: &PhoneNumber, code: &str) -> bool {
    let behind = with_code.national_number().len();
    let least = match code {
        // Mobiles begin with 39 in Italy and with 91 in India, and in Santa Maria, Brazil, with 55 and have 9 digits more.
        "39" | "91" => 9,
        "55" => 10,
        _ => LEAST_BEHIND_OWN_CODE,
    };
    !is_known(national)
        || behind >= least
        || code.len() == 3 && behind >= LEAST_BEHIND_LONG_CODE
        || (with_code.is_mobile() && !national.is_mobile())
}

/// In a range that is known, whatever kind of number it is.
fn is_known(number: &PhoneNumber) -> bool {
    number.phone_type() != PhoneNumberType::Unknown
}

/// Whether a mobile has as many digits as mobiles of the country have, where the country code is shared; ranges do not say.
fn has_usual_length(number: &PhoneNumber) -> bool {
    let digits = number.national_number().len();
    !number.is_mobile()
        || match number.country_code() {
            39 => (9..=10).contains(&digits),
            44 => digits == 10,
            61 => digits == 9,
            _ => true,
        }
}

/// From how many digits on what follows the region's own country code is taken for a whole national number.
const LEAST_BEHIND_OWN_CODE: usize = 8;

/// The same behind a code of three digits, which few national numbers begin with.
const LEAST_BEHIND_LONG_CODE: usize = 6;

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
            ("[+39] 333 1234567", ""),
            ("\u{ff08}+39\u{ff09}333\u{2011}1234567", ""),
            ("+39\u{3000}333\u{3000}1234567", ""),
            ("+39*333~1234567", ""),
            ("\u{ab}+39 333 1234567\u{bb}", ""),
            ("+39 333 1234567 int. 4", ""),
            ("+39 333 1234567 anexo 5", ""),
            ("+39 333 1234567 x", ""),
            ("tel. 333 1234567", "IT"),
            ("tel:+39-333-1234567;isub=1;ext=4", ""),
            ("\u{e53}\u{e53}\u{e53}1234567", "IT"),
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
            ("011 15-2345-6789 ext. 12", "AR", "+5491123456789"),
        ] {
            assert_eq!(read(text, region).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn the_own_country_code_is_read_without_plus_and_behind_00() {
        for (text, region, want) in [
            ("56912345678", "CL", "+56912345678"),
            ("918161100492", "IN", "+918161100492"),
            ("9181829830", "IN", "+919181829830"),
            ("5351234567", "CU", "+5351234567"),
            ("50251355262", "GT", "+50251355262"),
            ("97122345678", "AE", "+97122345678"),
            ("4930123456", "DE", "+4930123456"),
            ("8222123456", "KR", "+8222123456"),
            ("55996123456", "BR", "+5555996123456"),
            ("5511961234567", "BR", "+5511961234567"),
            ("003592123456", "BG", "+3592123456"),
            ("005072001234", "PA", "+5072001234"),
            ("005989001008", "UY", "+5989001008"),
            ("0091180074332", "IN", "+91180074332"),
            ("00573123922205", "CO", "+573123922205"),
            ("0066817768231", "TH", "+66817768231"),
        ] {
            assert_eq!(read(text, region).as_deref(), Ok(want), "{text} {region}");
        }
    }

    #[test]
    fn a_region_is_named_where_the_number_can_only_be_of_it() {
        for (number, region) in [
            ("+393331234567", Some("IT")),
            ("+3933312345", None),
            ("+39669812345", None),
            ("+39333123456789", None),
            ("+447400123456", Some("GB")),
            ("+44740012345", None),
            ("+5993181234", Some("BQ")),
            ("+4781349241", Some("NO")),
            ("+18090893845", Some("DO")),
            ("+80012345678", Some("001")),
        ] {
            assert_eq!(Msisdn::written(number).unwrap().region(), region, "{number}");
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
            ("+39 333 1234567 casa", ""),
            ("+39 333 1234567 casa 2", ""),
            ("+39 333 1234567 (ufficio)", ""),
            ("+44 7400 1234567", ""),
            ("+39 333 1234567890", ""),
            ("+22501234567891", ""),
            ("+378054988637", ""),
            ("+229019512345", ""),
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
