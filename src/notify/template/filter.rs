//! The filters of templates and expressions.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

use super::link;
use super::money::money;
use crate::domain::mask_number;
use crate::notify::locale::Locale;

/// Adds them; times are shown in `zone` where a filter names none.
pub(super) fn add(env: &mut Environment<'static>, zone: &TimeZone) {
    env.add_filter("money", |state: &State<'_, '_>, amount: &Value, currency: &Value| {
        // As JSON wrote it; a float is shown in its shortest form, which is what was written.
        let (amount, currency) = (given(amount)?, given(currency)?);
        let amount = amount.strip_suffix(".0").unwrap_or(&amount);
        money(amount, &currency, &locale(state)).map_err(|why| wrong(format!("money: {why}")))
    });
    let here = zone.clone();
    env.add_filter("date", move |state: &State<'_, '_>, at: &Value, zone: Option<&str>| {
        let (at, format) = (given(at)?, date_format(&locale(state)));
        match at.parse::<Date>() {
            Ok(date) if at.len() == DATE_ALONE => Ok(date.strftime(format).to_string()),
            _ => Ok(moment("date", &at, zone, &here)?.strftime(format).to_string()),
        }
    });
    let here = zone.clone();
    env.add_filter("time", move |at: &Value, zone: Option<&str>| {
        Ok::<_, Error>(moment("time", &given(at)?, zone, &here)?.strftime("%H:%M").to_string())
    });
    let here = zone.clone();
    env.add_filter(
        "datetime",
        move |state: &State<'_, '_>, at: &Value, zone: Option<&str>| {
            let format = format!("{} %H:%M", date_format(&locale(state)));
            Ok::<_, Error>(
                moment("datetime", &given(at)?, zone, &here)?
                    .strftime(&format)
                    .to_string(),
            )
        },
    );
    env.add_filter("masked_card", |card: &Value| masked_card(&given(card)?));
    env.add_filter("masked_number", |number: &Value| masked_number(&given(number)?));
    env.add_filter("plain", |text: &Value| {
        Ok::<_, Error>(link::without_links(&given(text)?))
    });
}

/// The card's last four digits. What has anything but digits and signs that hide them is no card, and is not guessed at.
fn masked_card(card: &str) -> Result<String, Error> {
    let is_card = |c: char| c.is_ascii_digit() || " -*xX.#\u{2022}\u{b7}".contains(c);
    let digits: String = card.chars().filter(char::is_ascii_digit).collect();
    match digits.len().checked_sub(4) {
        Some(hidden) if digits.len() <= LONGEST_CARD && card.chars().all(is_card) => {
            Ok(format!("*{}", &digits[hidden..]))
        }
        _ => Err(wrong(
            "masked_card needs a card: its last four digits at least, and nothing beside digits, blanks and * - . #",
        )),
    }
}

/// A number without its middle. What has none is not shown at all.
fn masked_number(number: &str) -> Result<String, Error> {
    let is_number = |c: char| c.is_ascii_digit() || "+ -./()".contains(c);
    let digits = number.chars().filter(char::is_ascii_digit).count();
    // Of fewer digits nothing could be hidden; the middle of one with many blanks may not be in the middle.
    if digits >= FEWEST_DIGITS && digits * 2 >= number.chars().count() && number.chars().all(is_number) {
        return Ok(mask_number(number));
    }
    Err(wrong("masked_number needs a telephone number of seven digits at least"))
}

/// Digits of a card's number (ISO/IEC 7812-1).
const LONGEST_CARD: usize = 19;

/// Digits that a number needs for its middle to be hidden.
const FEWEST_DIGITS: usize = 7;

/// Characters of a date without time, as in 2026-11-21.
const DATE_ALONE: usize = 10;

/// What a filter is given, as text: what is missing, null or no single value is an error here as it is where it is
/// printed.
fn given(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        ValueKind::Undefined => Err(Error::new(ErrorKind::UndefinedError, "a filter is given nothing")),
        kind => Err(wrong(format!(
            "a filter needs a text or a number, and got {}",
            described(kind)
        ))),
    }
}

/// The locale in which the text is written.
fn locale(state: &State<'_, '_>) -> Locale {
    let locale = state.lookup("locale");
    let locale = locale
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|locale| locale.parse().ok());
    locale.unwrap_or_else(Locale::english)
}

fn date_format(locale: &Locale) -> &'static str {
    match (locale.as_str(), locale.language()) {
        ("en-US", _) => "%b %-d, %Y",
        (_, "en") => "%-d %b %Y",
        (_, "it" | "fr" | "es" | "pt") => "%d/%m/%Y",
        (_, "de" | "pl" | "cs" | "fi") => "%d.%m.%Y",
        _ => "%Y-%m-%d",
    }
}

fn moment(filter: &str, at: &str, zone: Option<&str>, here: &TimeZone) -> Result<Zoned, Error> {
    let at: Timestamp = at.parse().map_err(|_| {
        wrong(format!(
            "{filter} needs a time in RFC 3339 with its zone, such as 2026-11-21T10:00:00Z"
        ))
    })?;
    let zone = match zone {
        Some(name) => {
            TimeZone::get(name).map_err(|_| wrong(format!("{filter} needs a time zone such as Europe/Rome")))?
        }
        None => here.clone(),
    };
    Ok(at.to_zoned(zone))
}

pub(super) fn described(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::None => "null",
        ValueKind::Bool => "true or false",
        ValueKind::Map => "an object",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        _ => "something else",
    }
}

/// An error in our own words, which repeat no value.
pub(super) fn wrong(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail).with_source(OwnWords)
}

/// Marks an error whose words may be shown as they are.
#[derive(Debug, thiserror::Error)]
#[error("said by a filter of ours")]
pub(super) struct OwnWords;
