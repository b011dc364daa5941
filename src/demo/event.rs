//! What has happened at the bank: the events that come with the daemon, made new for a phone and a language.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::setting::Phone;
use super::story;
use crate::clock;
use crate::domain::UnixMillis;
use crate::notify::shipped::{self, File};

/// The languages of the texts that come with the daemon: id, and word.
pub(super) const LANGUAGES: [(&str, &str); 2] = [("it", "Italian"), ("en", "English")];

/// An event that may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Choice {
    pub(super) name: String,
    /// For people.
    pub(super) word: String,
    /// Whether phones with RCS are shown a card.
    pub(super) is_rich: bool,
}

/// The events, those with a card first.
pub(super) fn all() -> Vec<Choice> {
    let templates: Vec<File> = story::templates().into_iter().chain(shipped::templates()).collect();
    let choices = story::examples()
        .into_iter()
        .chain(shipped::examples())
        .filter_map(|(file, _)| {
            let name = file.strip_suffix(".json")?.to_owned();
            let words = name.replace('-', " ");
            let mut letters = words.chars();
            let first = letters.next()?.to_uppercase();
            let card = format!("{}.it.rcs.json", name.replace('-', "_"));
            Some(Choice {
                word: first.chain(letters).collect(),
                is_rich: templates.iter().any(|(file, _)| *file == card),
                name,
            })
        });
    let (mut rich, plain): (Vec<_>, Vec<_>) = choices.partition(|choice| choice.is_rich);
    rich.extend(plain);
    rich
}

/// An event of this name that happens now: a new id, the phone's number, dates moved as far as the example is old.
pub(super) fn make(name: &str, phone: Phone, locale: &str, now: UnixMillis) -> Option<Map<String, Value>> {
    let file = format!("{name}.json");
    let mut all = shipped::examples().into_iter().chain(story::examples());
    let (_, text) = all.find(|(known, _)| **known == file)?;
    let mut event: Map<String, Value> = serde_json::from_slice(&text).ok()?;
    let made: Timestamp = event.get("time")?.as_str()?.parse().ok()?;
    let days = (now.timestamp().as_second() - made.as_second()).div_euclid(86_400);
    let random = hex::encode(&clock::secret_bits()[..6]);
    event.insert("id".to_owned(), json!(format!("{name}-{random}")));
    event.insert(
        "time".to_owned(),
        json!(now.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    );
    let number = json!(format!("+{}", phone.number));
    let data = event.get_mut("data")?.as_object_mut()?;
    for (field, value) in data.iter_mut() {
        match field.as_str() {
            "msisdn" | "number" => *value = number.clone(),
            "locale" => *value = json!(locale),
            _ => {
                if let Some(moved) = value.as_str().and_then(|text| moved(text, days)) {
                    *value = json!(moved);
                }
            }
        }
    }
    Some(event)
}

/// A date or a time, so many days later; `None` for any other text.
fn moved(text: &str, days: i64) -> Option<String> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == "2026-11-26".len()
    {
        return Some(date.checked_add(Span::new().try_days(days).ok()?).ok()?.to_string());
    }
    let time: Timestamp = text.parse().ok()?;
    let hours = Span::new().try_hours(days.checked_mul(24)?).ok()?;
    Some(time.checked_add(hours).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::setting::PHONES;
    use super::*;

    #[test]
    fn an_event_is_the_example_made_new_for_the_phone_and_the_language() {
        // Ten days after the example.
        let now = UnixMillis::from("2026-12-01T10:00:00Z".parse::<Timestamp>().unwrap());
        let event = make("card-shipped", PHONES[1], "en", now).unwrap();
        let again = make("card-shipped", PHONES[1], "en", now).unwrap();
        assert_ne!(event["id"], again["id"]);
        assert_eq!(event["type"], "com.bank.card.shipped.v1");
        assert_eq!(event["time"], "2026-12-01T10:00:00Z");
        let data = json!({ "msisdn": "+447700900321", "locale": "en", "card": "*1234", "arrives": "2026-12-06" });
        assert_eq!(event["data"], data);
        assert_eq!(make("nothing", PHONES[0], "it", now), None);
    }

    #[test]
    fn only_dates_and_times_are_moved() {
        assert_eq!(
            moved("2026-11-21T09:40:00Z", 2).as_deref(),
            Some("2026-11-23T09:40:00Z")
        );
        assert_eq!(moved("2026-12-31", 1).as_deref(), Some("2027-01-01"));
        for text in ["482910", "20261121", "*1234", "FT2026-1187", "Anna Bianchi", ""] {
            assert_eq!(moved(text, 3), None, "{text}");
        }
    }

    #[test]
    fn every_shipped_event_has_a_name_for_people_and_can_be_made() {
        let all = all();
        let names: Vec<&str> = all.iter().map(|choice| choice.name.as_str()).collect();
        assert_eq!(
            names[..4],
            [
                "branch-opening",
                "card-offers",
                "appointment-reminder",
                "suspicious-payment"
            ]
        );
        assert!(
            all.iter()
                .any(|choice| choice.word == "One time code" && !choice.is_rich)
        );
        for name in names {
            assert!(make(name, PHONES[0], "it", UnixMillis(0)).is_some(), "{name}");
        }
    }
}
