//! The example that a template carries in a comment: `{# sample: {"amount": 10.5} #}`.

use serde_json::Value as Json;

/// Values for `data`, as an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample(pub Json);

impl Sample {
    /// Finds it in a template's source. The error says why it is none.
    pub(super) fn read(source: &str) -> Option<Result<Self, String>> {
        let (_, rest) = source.split_once("{# sample:")?;
        let json = rest.split("#}").next().unwrap_or_default();
        Some(
            serde_json::from_str(json.trim().trim_end_matches('-'))
                .map(Self)
                .map_err(|error| error.to_string()),
        )
    }
}
