//! Whether a literal of a rule can be followed at all: one that cannot would have every event refused.

use std::time::Duration;

use jiff::Timestamp;

use super::locale::Locale;
use crate::accept::{LONGEST, MAX_REFERENCE, masked};
use crate::domain::{Channel, Msisdn, SenderId};

/// What is wrong with the literal of a key, and the cure. Nothing is a value that is left out. Whether a time is over
/// is not asked: a rule stays good when its day has passed, and the daemon starts.
pub(super) fn check(key: &str, text: &str) -> Result<(), (String, &'static str)> {
    if text.is_empty() {
        return Ok(());
    }
    match key {
        "to" => {
            let cure = "write a number such as +393331234567, or an expression such as \"{{ data.msisdn }}\"";
            Msisdn::parse(text).map_err(|error| (format!("`{}` {error}", masked(text)), cure))?;
        }
        "from" => {
            let cure = "write a number in E.164, a short code, or a name of 1 to 11 characters with a letter";
            SenderId::parse(text).map_err(|error| (format!("`{text}` {error}"), cure))?;
        }
        "locale" => {
            let parsed: Result<Locale, _> = text.parse();
            parsed.map_err(|error| (format!("`{text}` {error}"), "write e.g. locale = \"it\""))?;
        }
        // As a text it is neither of the two.
        "personal" => return Err((format!("`{text}` is neither true nor false"), "write personal = true")),
        "channels" if text.parse::<Channel>().is_err() => {
            return Err((
                format!("`{text}` is no channel"),
                "write [\"rcs\", \"sms\"], or one of them",
            ));
        }
        "reference" if text.chars().count() > MAX_REFERENCE || text.chars().any(char::is_control) => {
            let cause = format!("has more than {MAX_REFERENCE} characters, or a control character");
            return Err((cause, "shorten it"));
        }
        "validity" | "not_before" => span(key, text)?,
        _ => {}
    }
    Ok(())
}

fn span(key: &str, text: &str) -> Result<(), (String, &'static str)> {
    let cure = "write a span such as \"2h\", or a time in RFC 3339 with its zone";
    if text.parse::<Timestamp>().is_ok() {
        return Ok(());
    }
    match humantime::parse_duration(text) {
        Err(_) => Err((format!("`{text}` is neither a span nor a time"), cure)),
        Ok(Duration::ZERO) if key == "validity" => Err((format!("`{text}` is over at once"), cure)),
        Ok(span) if span > LONGEST => Err((format!("`{text}` is more than 7 days"), cure)),
        Ok(_) => Ok(()),
    }
}
