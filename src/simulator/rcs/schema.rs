//! What the API's schema says of a body, by a validator that is not ours.

use std::collections::HashSet;

use jsonschema::Validator;
use serde_json::{Value, json};

/// A JSON Schema (draft 2020-12) of the API, restated by hand from its documentation; the project's own, under its licence.
const SCHEMA: &str = include_str!("../../../protocols/rcs/tests/vectors/rbm-v1.schema.json");

/// UTF-16 units of a text; a schema counts characters.
const MAX_TEXT_UNITS: usize = 3_072;

/// Validators of the bodies that are posted.
pub(super) struct Schema {
    message: Validator,
    event: Validator,
    batch: Validator,
    file: Validator,
}

/// A member that breaks the schema.
pub(super) struct Break {
    /// Its path, as the platform writes it: `contentMessage.suggestions[0].reply.text`.
    pub(super) field: String,
    pub(super) description: String,
}

/// A definition of the schema.
#[derive(Clone, Copy)]
pub(super) enum Definition {
    Message,
    Event,
    Batch,
    File,
}

impl Schema {
    pub(super) fn new() -> Self {
        Self {
            message: validator("AgentMessage"),
            event: validator("AgentEvent"),
            batch: validator("BatchGetUsersRequest"),
            file: validator("CreateFileRequest"),
        }
    }

    /// What is wrong with a body.
    pub(super) fn breaks(&self, definition: Definition, body: &Value) -> Vec<Break> {
        let validator = match definition {
            Definition::Message => &self.message,
            Definition::Event => &self.event,
            Definition::Batch => &self.batch,
            Definition::File => &self.file,
        };
        let breaks = validator.iter_errors(body).map(|error| Break {
            field: field(&error.instance_path().to_string()),
            // The validator would repeat what was sent.
            description: error.masked().to_string(),
        });
        breaks.chain(rules(definition, body)).take(16).collect()
    }
}

/// What the documentation demands, and a schema cannot say or this one does not.
fn rules(definition: Definition, body: &Value) -> Vec<Break> {
    let broken = |field: String, rule: &str| Break {
        field,
        description: rule.to_owned(),
    };
    match definition {
        Definition::Message => {
            let content = &body["contentMessage"];
            let text = content["text"].as_str().unwrap_or_default();
            let long = (text.encode_utf16().count() > MAX_TEXT_UNITS)
                .then(|| broken("contentMessage.text".to_owned(), "has more than 3072 UTF-16 units"));
            let card = &content["richCard"]["standaloneCard"];
            let bare = is_bare_and_horizontal(card).then(|| {
                let field = "contentMessage.richCard.standaloneCard.cardContent".to_owned();
                broken(field, "a horizontal card has something beside its media")
            });
            let cards = content["richCard"]["carouselCard"]["cardContents"].as_array();
            let tall = cards.into_iter().flatten().enumerate().filter_map(|(place, card)| {
                let field = format!("contentMessage.richCard.carouselCard.cardContents[{place}].media.height");
                (card["media"]["height"] == "TALL").then(|| broken(field, "is not TALL in a carousel"))
            });
            long.into_iter().chain(bare).chain(tall).collect()
        }
        Definition::Batch => {
            let users = body["users"].as_array().map_or(&[][..], Vec::as_slice);
            let mut seen = HashSet::new();
            let again = users.iter().position(|user| !seen.insert(user.as_str()));
            let again = again.map(|place| broken(format!("users[{place}]"), "is there before"));
            again.into_iter().collect()
        }
        Definition::Event | Definition::File => Vec::new(),
    }
}

fn is_bare_and_horizontal(card: &Value) -> bool {
    let content = &card["cardContent"];
    let has = |member: &str| match &content[member] {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    card["cardOrientation"] == "HORIZONTAL"
        && has("media")
        && !["title", "description", "suggestions"].into_iter().any(has)
}

fn validator(definition: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    schema["$ref"] = json!(format!("#/$defs/{definition}"));
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// A JSON Pointer as the path that the platform's errors have.
fn field(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|octet| octet.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_breaks_the_schema_is_told_by_its_path() {
        let label = "a label of more than 25 characters";
        let body = json!({"contentMessage": {"text": "Ciao", "suggestions": [{"reply": {"text": label, "postbackData": "a"}}]}});
        let breaks = Schema::new().breaks(Definition::Message, &body);
        assert!(
            breaks
                .iter()
                .any(|found| found.field.starts_with("contentMessage.suggestions[0]"))
        );
        assert!(breaks.iter().all(|found| !found.description.contains(label)));
        let body = json!({"contentMessage": {"text": "Ciao"}, "ttl": "60s"});
        assert!(Schema::new().breaks(Definition::Message, &body).is_empty());
    }
}
