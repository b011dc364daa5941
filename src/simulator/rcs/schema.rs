//! What the API's schema says of a body, by a validator that is not ours.

use jsonschema::Validator;
use serde_json::{Value, json};

/// A JSON Schema (draft 2020-12) of the API, restated by hand from its documentation; the project's own, under its licence.
const SCHEMA: &str = include_str!("../../../protocols/rcs/tests/vectors/rbm-v1.schema.json");

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
        breaks.take(16).collect()
    }
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
