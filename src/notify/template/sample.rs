//! The example that a template carries in a comment: `{# sample: {"amount": 10.5} #}`, or a whole event where it uses
//! more than `data`: `{# event: {"id": "7", "data": {"amount": 10.5}} #}`.

use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json};

use super::Context;

/// Values that a text is rendered with, as an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample(Map<String, Json>);

impl Sample {
    /// Nothing, for a template that needs nothing.
    pub(super) fn nothing() -> Self {
        Self(Map::new())
    }

    /// Finds it in a template's source. The error says why it is none.
    pub(super) fn read(source: &str) -> Option<Result<Self, String>> {
        let after = |opening| {
            source
                .split_once(opening)
                .map(|(_, rest)| rest.split("#}").next().unwrap_or_default())
        };
        let read = |json: &str| {
            let json = json.trim().trim_end_matches('-');
            serde_json::from_str::<Map<_, _>>(json).map_err(|error| error.to_string())
        };
        if let Some(event) = after("{# event:") {
            return Some(read(event).map(Self));
        }
        let data = read(after("{# sample:")?);
        Some(data.map(|data| Self(Map::from_iter([("data".to_owned(), Json::Object(data))]))))
    }

    /// As templates see it.
    pub fn context(&self) -> Context {
        let values = self.0.iter();
        values
            .map(|(name, value)| (name.as_str().into(), Value::from(Serde(value))))
            .collect()
    }
}
