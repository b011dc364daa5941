//! Amounts of money as people of a locale write them, in characters of the GSM alphabet.

use crate::notify::locale::Locale;

/// Currencies with other than two decimals (ISO 4217).
const DECIMALS: [(&str, usize); 23] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// How a locale writes an amount.
struct Manner {
    decimal: char,
    /// Between thousands; none from three digits on where the locale is not known.
    group: Option<char>,
    symbol_first: bool,
}

/// Writes an amount: `1.250,00 €` in Italian, `€1,250.00` in English. Euro, dollar, pound and yen have their sign, which
/// the GSM alphabet has; the others their code. The error says what is wrong with the amount, and does not repeat it.
pub(super) fn money(amount: &str, currency: &str, locale: &Locale) -> Result<String, String> {
    if currency.len() != 3 || !currency.bytes().all(|c| c.is_ascii_uppercase()) {
        return Err("the currency is not a code of ISO 4217, such as EUR".into());
    }
    let decimals = DECIMALS
        .iter()
        .find(|(code, _)| *code == currency)
        .map_or(2, |(_, decimals)| *decimals);
    let (negative, whole, part) = digits(amount)?;
    if part.trim_end_matches('0').len() > decimals {
        return Err(format!(
            "the amount has more than the {decimals} decimals of {currency}"
        ));
    }
    let manner = manner(locale);
    let mut number = grouped(whole, manner.group);
    if decimals > 0 {
        number.push(manner.decimal);
        number.extend(part.chars().chain(std::iter::repeat('0')).take(decimals));
    }
    let sign = if negative { "-" } else { "" };
    let symbol = match currency {
        "EUR" => "\u{20ac}",
        "USD" => "$",
        "GBP" => "\u{a3}",
        "JPY" => "\u{a5}",
        code => code,
    };
    Ok(match (manner.symbol_first, symbol.len() == 3 && symbol.is_ascii()) {
        (false, _) => format!("{sign}{number} {symbol}"),
        (true, true) => format!("{sign}{symbol} {number}"),
        (true, false) => format!("{sign}{symbol}{number}"),
    })
}

/// Sign, whole part without leading zeros, decimals.
fn digits(amount: &str) -> Result<(bool, &str, &str), String> {
    let wrong = || "the amount is not a decimal number such as 10.5".to_owned();
    let (negative, rest) = match amount.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, amount),
    };
    let (whole, part) = rest.split_once('.').unwrap_or((rest, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) || whole.len() > 18 {
        return Err(wrong());
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let is_zero = whole == "0" && part.bytes().all(|c| c == b'0');
    Ok((negative && !is_zero, whole, part))
}

fn grouped(whole: &str, group: Option<char>) -> String {
    let Some(group) = group else { return whole.to_owned() };
    let mut number = String::with_capacity(whole.len() * 4 / 3 + 4);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            number.push(group);
        }
        number.push(digit);
    }
    number
}

/// After CLDR, with the blanks and quotes of the GSM alphabet.
fn manner(locale: &Locale) -> Manner {
    let (decimal, group, symbol_first) = match (locale.as_str(), locale.language()) {
        ("it-CH" | "de-CH" | "fr-CH" | "de-LI", _) => ('.', Some('\''), false),
        (_, "en") => ('.', Some(','), true),
        (_, "it" | "de" | "es" | "pt" | "nl" | "da" | "el" | "hr" | "ro" | "sl" | "tr") => (',', Some('.'), false),
        (_, "fr" | "pl" | "cs" | "sk" | "sv" | "nb" | "fi" | "hu" | "bg" | "uk") => (',', Some(' '), false),
        _ => ('.', None, false),
    };
    Manner {
        decimal,
        group,
        symbol_first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: &str, currency: &str, locale: &str) -> String {
        money(amount, currency, &locale.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_amount_is_written_as_its_readers_write_it() {
        assert_eq!(shown("1250", "EUR", "it"), "1.250,00 \u{20ac}");
        assert_eq!(shown("10.5", "EUR", "it"), "10,50 \u{20ac}");
        assert_eq!(shown("1250.5", "EUR", "en"), "\u{20ac}1,250.50");
        assert_eq!(shown("1250.5", "CHF", "en"), "CHF 1,250.50");
        assert_eq!(shown("1250.5", "CHF", "it-CH"), "1'250.50 CHF");
        assert_eq!(shown("1234567", "JPY", "en"), "\u{a5}1,234,567");
        assert_eq!(shown("0.5", "KWD", "it"), "0,500 KWD");
        assert_eq!(shown("-3.20", "USD", "en"), "-$3.20");
        assert_eq!(shown("-0.00", "EUR", "it"), "0,00 \u{20ac}");
        assert_eq!(shown("1234567.89", "EUR", "fr"), "1 234 567,89 \u{20ac}");
        assert_eq!(shown("1250", "EUR", "ja"), "1250.00 \u{20ac}");
    }

    #[test]
    fn every_manner_stays_in_the_gsm_alphabet() {
        for locale in ["it", "it-CH", "en", "fr", "pl", "ja"] {
            for currency in ["EUR", "USD", "GBP", "JPY", "CHF"] {
                let text = shown("1234567", currency, locale);
                assert_eq!(
                    araldo_sms::Encoding::choose(&text),
                    araldo_sms::Encoding::Gsm7,
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_rather_than_rounded() {
        let it = "it".parse().unwrap();
        for amount in [
            "",
            "x",
            "1e21",
            "1,5",
            ".5",
            "5.",
            "+1",
            "1.234",
            "inf",
            "1234567890123456789",
            "--1",
        ] {
            assert!(money(amount, "EUR", &it).is_err(), "{amount}");
        }
        for currency in ["", "eur", "EURO", "\u{20ac}"] {
            assert!(money("1", currency, &it).is_err(), "{currency}");
        }
    }
}
