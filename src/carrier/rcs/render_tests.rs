//! Against the samples of the API, which we did not write.

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use super::*;

/// Samples that hold what a neutral message does not have: files uploaded before, an action that is not offered, two
/// unions at once.
const NOT_OURS: [&str; 6] = [
    "send-text-compose-action.request.json",
    "send-file-uploaded.request.json",
    "send-file-legacy-filename.request.json",
    "send-card-uploaded-media.request.json",
    "send-two-contents.request.json",
    "send-ttl-and-expiretime.request.json",
];

fn sample(file: &str) -> Value {
    let path = format!("{}/protocols/rcs/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The samples of messages, and whether a validator must refuse each.
fn messages() -> Vec<(String, bool)> {
    let index = sample("samples/index.json");
    let entries = index["samples"].as_array().unwrap().iter();
    let sent = entries.filter(|entry| entry["kind"] == "request" && entry["schema"] == "AgentMessage");
    let name = |entry: &Value| (entry["file"].as_str().unwrap().to_owned(), entry["expect"] == "invalid");
    sent.map(name).collect()
}

/// The neutral message that says what a sample does, and what its taps bring back.
struct Neutral(RefCell<Vec<String>>);

impl Neutral {
    fn message(&self, content: &Value) -> Value {
        let mut rich = Map::new();
        if let Some(text) = content.get("text") {
            rich.insert("text".into(), text.clone());
        }
        if let Some(file) = content.get("contentInfo") {
            rich.insert("media".into(), file_of(file));
        }
        if let Some(card) = content.pointer("/richCard/standaloneCard") {
            let mut neutral = self.card(&card["cardContent"]);
            if card["cardOrientation"] == "HORIZONTAL" {
                neutral["media_place"] = lower(&card["thumbnailImageAlignment"]);
            }
            rich.insert("card".into(), neutral);
        }
        if let Some(carousel) = content.pointer("/richCard/carouselCard") {
            let cards = carousel["cardContents"].as_array().unwrap();
            let cards: Vec<_> = cards.iter().map(|card| self.card(card)).collect();
            rich.insert(
                "carousel".into(),
                json!({"width": lower(&carousel["cardWidth"]), "cards": cards}),
            );
        }
        rich.insert("suggestions".into(), self.suggestions(content));
        Value::Object(rich)
    }

    fn card(&self, card: &Value) -> Value {
        let mut media = Value::Null;
        if let Some(found) = card.get("media") {
            media = file_of(&found["contentInfo"]);
            media["height"] = lower(&found["height"]);
        }
        json!({"title": card["title"], "text": card["description"], "media": media,
               "suggestions": self.suggestions(card)})
    }

    fn suggestions(&self, of: &Value) -> Value {
        let found = of["suggestions"].as_array().map_or(&[][..], Vec::as_slice);
        found.iter().map(|suggestion| self.suggestion(suggestion)).collect()
    }

    fn suggestion(&self, suggestion: &Value) -> Value {
        let (body, is_reply) = match suggestion.get("reply") {
            Some(reply) => (reply, true),
            None => (&suggestion["action"], false),
        };
        self.0
            .borrow_mut()
            .push(body["postbackData"].as_str().unwrap().to_owned());
        let mut neutral = action(body, is_reply);
        neutral["label"] = body["text"].clone();
        if let Some(url) = body.get("fallbackUrl") {
            neutral["otherwise"] = url.clone();
        }
        neutral
    }
}

fn action(body: &Value, is_reply: bool) -> Value {
    if is_reply {
        json!({"type": "reply"})
    } else if let Some(dial) = body.get("dialAction") {
        json!({"type": "dial", "number": dial["phoneNumber"]})
    } else if let Some(open) = body.get("openUrlAction") {
        json!({"type": "link", "url": open["url"], "about": open["description"], "view": lower(&open["webviewViewMode"])})
    } else if let Some(view) = body.get("viewLocationAction") {
        json!({"type": "location", "at": view["latLong"], "name": view["label"], "search": view["query"]})
    } else if let Some(event) = body.get("createCalendarEventAction") {
        json!({"type": "calendar", "starts_at": event["startTime"], "ends_at": event["endTime"],
               "title": event["title"], "text": event["description"]})
    } else {
        json!({"type": "share_location"})
    }
}

fn file_of(file: &Value) -> Value {
    json!({"url": file["fileUrl"], "thumbnail_url": file["thumbnailUrl"], "refresh": file["forceRefresh"] == true})
}

fn lower(word: &Value) -> Value {
    word.as_str().map_or(Value::Null, |word| word.to_lowercase().into())
}

fn schema() -> jsonschema::Validator {
    let mut schema = sample("rbm-v1.schema.json");
    schema["$ref"] = json!("#/$defs/AgentMessage");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn a_neutral_message_becomes_the_sample_that_says_the_same() {
    let validator = schema();
    let mut compared = 0;
    for (file, _) in messages().into_iter().filter(|(_, refused)| !refused) {
        if NOT_OURS.contains(&&*file) {
            continue;
        }
        let wanted = sample(&format!("samples/{file}"));
        let neutral = Neutral(RefCell::default());
        let json = neutral.message(&wanted["contentMessage"]);
        let rich = rich::read(&json).unwrap_or_else(|faults| panic!("{file}: {faults:?}"));
        let postbacks = neutral.0.into_inner();
        let made = content(&rich, &|place| postbacks[place].clone()).unwrap();
        let wanted = AgentMessage::from_json(wanted.to_string().as_bytes()).unwrap();
        assert_eq!(made, wanted.content_message, "{file}");
        let sent = AgentMessage {
            content_message: made,
            ..wanted
        };
        assert_eq!(sent.check("2026-03-04T09:15:00Z".parse().unwrap()), Ok(()), "{file}");
        let sent = serde_json::to_value(&sent).unwrap();
        let errors: Vec<_> = validator.iter_errors(&sent).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
        compared += 1;
    }
    assert!(compared >= 12, "only {compared} samples were compared");
}

#[test]
fn the_sample_over_the_limits_is_refused_with_its_members_named() {
    let over = sample("samples/send-limits-over.request.json");
    let json = Neutral(RefCell::default()).message(&over["contentMessage"]);
    let faults = rich::read(&json).expect_err("is over the limits");
    let limits: Vec<_> = faults.iter().map(|fault| (&*fault.pointer, fault.limit)).collect();
    assert!(limits.contains(&("/text", Some(3_072))), "{limits:?}");
    assert!(limits.contains(&("/suggestions", Some(11))), "{limits:?}");
    assert!(limits.contains(&("/suggestions/0/label", Some(25))), "{limits:?}");
}

#[test]
fn a_tap_brings_back_the_message_and_the_suggestions_place() {
    let id = MessageId(uuid::uuid!("01932b5e-7c3a-7000-8000-000000000001"));
    let json = json!({"carousel": {"cards": [
        {"title": "a", "suggestions": [{"type": "reply", "label": "One"}]},
        {"title": "b", "suggestions": [{"type": "reply", "label": "Two"}]}]},
        "suggestions": [{"type": "reply", "label": "None"}]});
    let rich = rich::read(&json).unwrap();
    let sent = message(id, Class::Marketing, &rich, Duration::from_secs(3_600)).unwrap();
    assert_eq!(sent.message_traffic_type, Some(TrafficType::Promotion));
    assert_eq!(sent.expiry, Some(Expiry::Ttl(Duration::from_secs(3_600))));
    let json = serde_json::to_string(&sent).unwrap();
    for (place, label) in ["One", "Two", "None"].iter().enumerate() {
        let postback = Postback { message: id, place };
        assert!(
            json.contains(&format!(r#""text":"{label}","postbackData":"{postback}""#)),
            "{json}"
        );
        assert_eq!(rich.suggestions().nth(place).map(rich::Suggestion::label), Some(*label));
    }
}
