//! The effective values, with where they come from, secrets starred.

use serde_json::Value as Json;

use super::error::Place;
use super::layer::join;
use super::load::Loaded;

/// The documented default file, as shipped.
pub const DEFAULT_FILE: &str = include_str!("../../config/araldo.toml");

/// One effective value.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// The key's full path.
    pub key: String,
    /// The value; a secret is `"***"`, and null is no value.
    pub value: Json,
    /// Where it comes from.
    pub place: Place,
}

impl Loaded {
    /// Every effective value, in the order of the keys. Lists are one value.
    pub fn effective(&self) -> Vec<Effective> {
        let mut rows = Vec::new();
        self.collect(&self.tree(), String::new(), &mut rows);
        rows
    }

    /// The effective values as a tree, secrets starred.
    pub fn tree(&self) -> Json {
        let mut tree = self.config.tree();
        star_passwords(&mut tree);
        tree
    }

    fn collect(&self, value: &Json, path: String, rows: &mut Vec<Effective>) {
        match value {
            Json::Object(map) if !map.is_empty() || path.is_empty() => {
                for (key, value) in map {
                    let mut path = path.clone();
                    join(&mut path, key);
                    self.collect(value, path, rows);
                }
            }
            _ => rows.push(Effective {
                place: self.place_of(&path),
                key: path,
                value: value.clone(),
            }),
        }
    }

    fn place_of(&self, path: &str) -> Place {
        // A secret out of a file comes from the key that names the file.
        let forms = ["", "_file", "_credential"];
        let given = forms
            .iter()
            .find_map(|form| self.origins.exact(&format!("{path}{form}")));
        given.cloned().unwrap_or(Place::Default)
    }
}

/// URLs may carry a password.
fn star_passwords(json: &mut Json) {
    match json {
        Json::String(text) => {
            if let Some((scheme, rest)) = text.split_once("://")
                && let Some((user, host)) = rest.split('/').next().and_then(|authority| authority.rsplit_once('@'))
            {
                let name = user.split(':').next().unwrap_or_default();
                let path = &rest[user.len() + 1 + host.len()..];
                *text = format!("{scheme}://{name}:***@{host}{path}");
            }
        }
        Json::Array(items) => items.iter_mut().for_each(star_passwords),
        Json::Object(map) => map.values_mut().for_each(star_passwords),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
