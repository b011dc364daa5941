//! From the merged tree to the sections, with every mistake told.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_path_to_error::Segment;

use super::error::{Place, Problem};
use super::layer::{join, literal};
use super::load::Origins;
use super::{
    BrandConfig, CarrierConfig, ClientConfig, ClientWebhookConfig, Config, EventConfig, QuietHoursConfig, RbmConfig,
    RouteConfig, TemplateConfig, TopicConfig, rbm,
};
use crate::command::Command;

/// Where the carriers of RCS are while the tree is read.
const RBM: &str = "rbm";

/// The defaults as a tree.
pub(super) fn default_tree() -> Json {
    Config::default().tree()
}

/// Turns the merged tree into the sections. A key that does not fit is told, taken out, and the rest is tried again,
/// so that one reading tells every mistake.
pub(super) struct Decoder<'a> {
    json: Json,
    origins: &'a Origins,
    /// Values from outside files that have been read as the number or list they spell.
    spelled: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'a> Decoder<'a> {
    /// Mistakes after which we stop looking for more.
    const MOST_PROBLEMS: usize = 100;

    pub(super) fn new(mut json: Json, origins: &'a Origins) -> Self {
        let mut problems = Vec::new();
        // The name is ours: in a file its tables are those of `carrier`.
        if json.as_object_mut().and_then(|sections| sections.remove(RBM)).is_some() {
            let problem = Problem::new(RBM, "unknown key").cure("write [carrier.ID], with protocol = \"rbm\"");
            problems.push(problem.at(origins.place(RBM).cloned()));
        }
        rbm::split(&mut json);
        Self {
            json,
            origins,
            spelled: BTreeSet::new(),
            problems,
        }
    }

    /// The sections, and what was wrong with them; where something was, they are the defaults at best.
    pub(super) fn decode(mut self) -> (Config, Vec<Problem>) {
        while self.problems.len() < Self::MOST_PROBLEMS {
            let error = match serde_path_to_error::deserialize::<_, Config>(&self.json) {
                Ok(config) => return (config, self.problems),
                Err(error) => error,
            };
            let segments: Vec<Key> = error.path().iter().filter_map(Key::of).collect();
            let path = path_of(&segments);
            if self.spell_out(&segments, &path) {
                continue;
            }
            let message = error.inner().to_string();
            let place = self.origins.place(&path).cloned();
            self.problems.push(explain(&segments, &path, &message).at(place));
            if !self.take_out(&segments) {
                break;
            }
        }
        (Config::default(), self.problems)
    }

    /// The environment and `--set` hold text only: `50` becomes a number once its key has refused the text.
    fn spell_out(&mut self, segments: &[Key], path: &str) -> bool {
        let outside = matches!(self.origins.exact(path), Some(Place::Environment(_) | Place::Set(_)));
        if !outside || !self.spelled.insert(path.to_owned()) {
            return false;
        }
        let Some(Json::String(text)) = find(&mut self.json, segments) else {
            return false;
        };
        let Some(value) = literal(text) else {
            return false;
        };
        if let Some(slot) = find(&mut self.json, segments) {
            *slot = value;
        }
        true
    }

    fn take_out(&mut self, segments: &[Key]) -> bool {
        let Some((last, parents)) = segments.split_last() else {
            return false;
        };
        let default = default_at(segments);
        match (find(&mut self.json, parents), last) {
            (Some(Json::Object(map)), Key::Name(name)) => match default {
                // What has a default gets it: some keys may not be missing.
                Some(default) => map.insert(name.clone(), default).is_some(),
                None => map.remove(name).is_some(),
            },
            (Some(Json::Array(items)), Key::Index(index)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        }
    }
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Name(String),
    Index(usize),
}

impl Key {
    fn of(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Map { key } => Some(Self::Name(key.clone())),
            Segment::Seq { index } => Some(Self::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        }
    }
}

/// As the file has it.
fn path_of(segments: &[Key]) -> String {
    let (first, rest) = match segments.split_first() {
        Some((Key::Name(name), rest)) if name == RBM => ("carrier", rest),
        _ => ("", segments),
    };
    rest.iter().fold(first.to_owned(), |mut path, key| {
        match key {
            Key::Name(name) => join(&mut path, name),
            Key::Index(index) => path.push_str(&format!("[{index}]")),
        }
        path
    })
}

fn find<'a>(json: &'a mut Json, segments: &[Key]) -> Option<&'a mut Json> {
    segments.iter().try_fold(json, |here, key| match key {
        Key::Name(name) => here.get_mut(name),
        Key::Index(index) => here.get_mut(index),
    })
}

/// The default of a key, in whichever table it is; `None` where it has none.
fn default_at(segments: &[Key]) -> Option<Json> {
    let client = ClientConfig {
        webhook: Some(ClientWebhookConfig::default()),
        ..ClientConfig::default()
    };
    let (mut json, rest) = match segments {
        [Key::Name(section), Key::Name(_), rest @ ..] if !rest.is_empty() => match section.as_str() {
            "client" => (serde_json::to_value(client), rest),
            "carrier" => (serde_json::to_value(CarrierConfig::default()), rest),
            RBM => (serde_json::to_value(RbmConfig::default()), rest),
            "route" => (serde_json::to_value(RouteConfig::default()), rest),
            "event" => (serde_json::to_value(EventConfig::default()), rest),
            "template" => (serde_json::to_value(TemplateConfig::default()), rest),
            "brand" => (serde_json::to_value(BrandConfig::default()), rest),
            "topic" => (serde_json::to_value(TopicConfig::default()), rest),
            "quiet_hours" => (serde_json::to_value(QuietHoursConfig::default()), rest),
            "command" => (serde_json::to_value(Command::default()), rest),
            _ => (Ok(default_tree()), segments),
        },
        _ => (Ok(default_tree()), segments),
    };
    let found = find(json.as_mut().ok()?, rest)?.take();
    (!found.is_null()).then_some(found)
}

/// Says what a refused key should have been.
fn explain(segments: &[Key], path: &str, message: &str) -> Problem {
    if let Some(words) = message.strip_prefix("unknown field `") {
        let mut quoted = words.split('`');
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
        return Problem::new(path, "unknown key").cure(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", known.join(", ")),
        });
    }
    if let Some(words) = message.strip_prefix("unknown variant `") {
        let mut quoted = words.split('`');
        let word = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
        let problem = Problem::new(path, format!("`{word}` is not one of {}", known.join(", ")));
        return match nearest(word, known.iter().copied()) {
            _ if word == "rcs" && path.ends_with(".protocol") => {
                problem.cure("write protocol = \"rbm\", the API that RCS is spoken by")
            }
            Some(near) => problem.cure(format!("did you mean \"{near}\"?")),
            None => problem,
        };
    }
    let Some(Key::Name(name)) = segments.last() else {
        return Problem::new(path, in_plain_words(message));
    };
    if matches!(
        name.as_str(),
        "key" | "password" | "secret" | "token" | "service_account" | "client_token" | "previous_client_token"
    ) {
        return Problem::new(path, "must be a text")
            .cure(format!("write {name} = \"…\", or better {name}_file = \"…\""));
    }
    let problem = Problem::new(path, in_plain_words(message));
    match default_at(segments) {
        Some(default) if !default.is_object() && default != Json::Array(Vec::new()) && default != "" => {
            problem.cure(format!("write it as in {name} = {default}"))
        }
        _ => problem,
    }
}

/// A message of serde's with the types of Rust said as an operator knows them.
fn in_plain_words(message: &str) -> String {
    let Some((said, expected)) = message.rsplit_once("expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" => "a whole number of 0 to 255",
        "u16" => "a whole number of 0 to 65535",
        "u32" => "a whole number of 0 to 4294967295",
        "u64" | "usize" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{said}expected {expected}")
}

/// The word most like another, if one is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= 0.8).then_some(best.1)
}
