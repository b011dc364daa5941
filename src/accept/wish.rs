//! A message as it is asked for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Text;
use crate::domain::UnixMillis;

/// The fields of a message. Every one may be missing here; what must be there is said by `accept`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish<'a> {
    #[serde(borrow)]
    pub(crate) to: Option<Text<'a>>,
    pub(crate) text: Option<Text<'a>>,
    /// What is shown by RCS; `text` is then what SMS says instead.
    pub(crate) rich: Option<Value>,
    /// Instead of a text.
    pub(crate) template: Option<Text<'a>>,
    /// What the template calls `data`.
    pub(crate) vars: Option<Map<String, Value>>,
    /// The template's language.
    pub(crate) locale: Option<Text<'a>>,
    pub(crate) from: Option<Text<'a>>,
    pub(crate) class: Option<Text<'a>>,
    pub(crate) channels: Option<Vec<Text<'a>>>,
    pub(crate) not_before: Option<Text<'a>>,
    pub(crate) expires_at: Option<Text<'a>>,
    pub(crate) reference: Option<Text<'a>>,
    pub(crate) receipt: Option<bool>,
    pub(crate) callback: Option<Text<'a>>,
    pub(crate) encoding: Option<Text<'a>>,
    pub(crate) smart: Option<bool>,
    pub(crate) flash: Option<bool>,
    pub(crate) dry_run: Option<bool>,
    /// Of a line of NDJSON.
    pub(crate) idempotency_key: Option<Text<'a>>,
    /// Of the admin listener: in whose name.
    pub(crate) client: Option<Text<'a>>,
}

/// The fields of the body of `POST /v1/messages`.
pub(crate) const FIELDS: [&str; 18] = [
    "to",
    "text",
    "rich",
    "template",
    "vars",
    "locale",
    "from",
    "class",
    "channels",
    "not_before",
    "expires_at",
    "reference",
    "receipt",
    "callback",
    "encoding",
    "smart",
    "flash",
    "dry_run",
];

impl Wish<'_> {
    /// SHA-256 over what is asked for, the same however the JSON was written.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        #[derive(Serialize)]
        struct Asked<'w>(
            [Option<&'w str>; 8],
            Option<Vec<&'w str>>,
            Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")] Option<Form<'w>>,
        );
        /// How the text is to be written; left out where nothing is said of it.
        type Form<'w> = (Option<&'w str>, Option<bool>, Option<bool>);
        let form = (self.encoding.as_deref(), self.smart, self.flash);
        let asked = Asked(
            [
                &self.to,
                &self.text,
                &self.from,
                &self.class,
                &self.not_before,
                &self.expires_at,
                &self.reference,
                &self.callback,
            ]
            .map(|text| text.as_deref()),
            self.channels
                .as_ref()
                .map(|channels| channels.iter().map(|channel| &**channel).collect()),
            self.receipt,
            (form != (None, None, None)).then_some(form),
        );
        let mut hash = Sha256::new_with_prefix(serde_json::to_vec(&asked).unwrap_or_default());
        if let Some(mut rich) = self.rich.clone() {
            rich.sort_all_objects();
            hash.update(serde_json::to_vec(&("rich", rich)).unwrap_or_default());
        }
        // A message with its own text keeps the fingerprint that it had before there were templates.
        if self.template.is_some() || self.vars.is_some() || self.locale.is_some() {
            let mut vars = self.vars.clone().map(Value::Object).unwrap_or_default();
            vars.sort_all_objects();
            let said = (self.template.as_deref(), self.locale.as_deref(), vars);
            hash.update(serde_json::to_vec(&said).unwrap_or_default());
        }
        hash.finalize().into()
    }
}

/// Reads a time with its zone.
pub(crate) fn time(text: &str) -> Option<UnixMillis> {
    text.parse::<jiff::Timestamp>().ok().map(UnixMillis::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_zone() {
        assert!(time("2026-11-21T10:00:00Z").is_some());
        assert!(time("2026-11-21T10:00:00+01:00").is_some());
        for bad in ["2026-11-21T10:00:00", "2026-11-21", "10000-01-01T00:00:00Z", "soon", ""] {
            assert!(time(bad).is_none(), "{bad}");
        }
    }
}
