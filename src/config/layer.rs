//! Layers of configuration, each value with its place: files, environment, `--set`.

use std::collections::BTreeMap;
use std::path::Path;

use config::{ConfigError as MergeError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Place, Problem};

/// The prefix of our environment variables.
pub(super) const ENV_PREFIX: &str = "ARALDO__";

/// Every place met while reading. A value of the merged tree carries the index of its place as its origin.
#[derive(Debug, Default)]
pub(super) struct Places {
    all: Vec<Place>,
    /// Where each table is first opened, by its path.
    tables: BTreeMap<String, Place>,
}

/// One layer, ready to be merged.
#[derive(Clone, Debug)]
pub(super) struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, MergeError> {
        Ok(self.0.clone())
    }
}

impl Places {
    pub(super) fn of(&self, value: &Value) -> Option<&Place> {
        self.all.get(value.origin()?.parse::<usize>().ok()?)
    }

    pub(super) fn table(&self, path: &str) -> Option<&Place> {
        self.tables.get(path)
    }

    fn add(&mut self, place: Place) -> String {
        self.all.push(place);
        (self.all.len() - 1).to_string()
    }
}

impl Layer {
    /// The daemon's own defaults.
    pub(super) fn defaults(defaults: &Json, places: &mut Places) -> Self {
        let origin = places.add(Place::Default);
        match from_json(defaults, &origin).kind {
            ValueKind::Table(table) => Self(table),
            _ => Self(Map::new()),
        }
    }

    /// A file's text. Every syntax error is told, with its line and a caret.
    pub(super) fn file(path: &Path, text: &str, places: &mut Places) -> Result<Self, Vec<Problem>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(|error| syntax_problem(path, text, error)).collect());
        }
        let mut reader = FileReader { path, text, places };
        Ok(Self(reader.table(table.into_inner(), "")))
    }

    /// Variables that begin with `ARALDO__`.
    pub(super) fn environment(env: &[(String, String)], places: &mut Places) -> Result<Self, Vec<Problem>> {
        let mut layer = Self(Map::new());
        let mut problems = Vec::new();
        for (name, text) in env {
            let Some(path) = name.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            let path = path.to_lowercase();
            let place = Place::Environment(name.clone());
            let keys: Vec<&str> = path.split("__").collect();
            if keys.iter().any(|key| key.is_empty()) {
                problems.push(
                    Problem::new("", "is not the name of a key")
                        .at(Some(place))
                        .cure("write ARALDO__SECTION__KEY, e.g. ARALDO__STORE__URL"),
                );
                continue;
            }
            let origin = places.add(place.clone());
            layer.put(&keys, Value::new(Some(&origin), text.as_str()), &place, places);
        }
        if problems.is_empty() { Ok(layer) } else { Err(problems) }
    }

    /// `key=value` as given to `--set`.
    pub(super) fn set(given: &str, places: &mut Places) -> Result<Self, Problem> {
        let Some((path, text)) = given.split_once('=') else {
            return Err(Problem::new("", "--set needs `key=value`").cure("e.g. --set carrier.tim.window=50"));
        };
        let (path, text) = (path.trim(), text.trim());
        let keys: Vec<&str> = path.split('.').collect();
        let place = Place::Set(path.into());
        if keys.iter().any(|key| key.is_empty()) {
            return Err(Problem::new(path, "is not the path of a key")
                .at(Some(place))
                .cure("e.g. --set carrier.tim.window=50"));
        }
        let origin = places.add(place.clone());
        let value = match literal(text) {
            // Quotes are TOML's; any other text is taken as it stands until its key turns out to want a number.
            Some(Json::String(unquoted)) => Value::new(Some(&origin), unquoted),
            _ => Value::new(Some(&origin), text),
        };
        let mut layer = Self(Map::new());
        layer.put(&keys, value, &place, places);
        Ok(layer)
    }

    fn put(&mut self, keys: &[&str], value: Value, place: &Place, places: &mut Places) {
        let Some((last, tables)) = keys.split_last() else {
            return;
        };
        let mut path = String::new();
        let mut here = &mut self.0;
        for key in tables {
            join(&mut path, key);
            places.tables.entry(path.clone()).or_insert_with(|| place.clone());
            let slot = here.entry((*key).into()).or_default();
            if !matches!(slot.kind, ValueKind::Table(_)) {
                slot.kind = ValueKind::Table(Map::new());
            }
            let ValueKind::Table(inner) = &mut slot.kind else {
                unreachable!("made a table on the line above");
            };
            here = inner;
        }
        here.insert((*last).into(), value);
    }
}

/// A text as the TOML value it spells, e.g. `5`, `true`, `["a"]`.
pub(super) fn literal(text: &str) -> Option<Json> {
    let line = format!("v = {text}");
    let table = DeTable::parse(&line).ok()?.into_inner();
    let mut values = table.into_iter().map(|(_, value)| value.into_inner());
    let value = values.next()?;
    values.next().is_none().then(|| to_json(&plain(value, "")))
}

/// The tree as JSON, which the sections are read from.
pub(super) fn to_json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(b) => Json::from(*b),
        ValueKind::I64(n) => Json::from(*n),
        ValueKind::U64(n) => Json::from(*n),
        ValueKind::I128(n) => Json::from(n.to_string()),
        ValueKind::U128(n) => Json::from(n.to_string()),
        ValueKind::Float(n) => Json::from(*n),
        ValueKind::String(text) => Json::from(text.as_str()),
        ValueKind::Array(items) => items.iter().map(to_json).collect(),
        ValueKind::Table(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
        }
    }
}

/// Extends a path by a key.
pub(super) fn join(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn from_json(json: &Json, origin: &String) -> Value {
    let kind = match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(b) => ValueKind::Boolean(*b),
        Json::Number(n) => n
            .as_i64()
            .map_or_else(|| ValueKind::Float(n.as_f64().unwrap_or(0.0)), ValueKind::I64),
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(items) => ValueKind::Array(items.iter().map(|item| from_json(item, origin)).collect()),
        Json::Object(map) => ValueKind::Table(
            map.iter()
                .map(|(key, value)| (key.clone(), from_json(value, origin)))
                .collect(),
        ),
    };
    Value::new(Some(origin), kind)
}

struct FileReader<'a> {
    path: &'a Path,
    text: &'a str,
    places: &'a mut Places,
}

impl FileReader<'_> {
    fn table(&mut self, table: DeTable<'_>, path: &str) -> Map<String, Value> {
        let mut map = Map::new();
        for (key, value) in table {
            let place = self.place(key.span().start);
            let key = key.into_inner().into_owned();
            let mut path = path.to_owned();
            join(&mut path, &key);
            if matches!(value.get_ref(), DeValue::Table(_)) {
                self.places.tables.entry(path.clone()).or_insert_with(|| place.clone());
            }
            map.insert(key, self.value(value, place, &path));
        }
        map
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, place: Place, path: &str) -> Value {
        let origin = self.places.add(place);
        match value.into_inner() {
            DeValue::Table(table) => Value::new(Some(&origin), self.table(table, path)),
            DeValue::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    let place = self.place(item.span().start);
                    list.push(self.value(item, place, &format!("{path}[{index}]")));
                }
                Value::new(Some(&origin), list)
            }
            value @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)) => plain(value, &origin),
        }
    }

    fn place(&self, offset: usize) -> Place {
        let (line, column) = line_and_column(self.text, offset);
        Place::File {
            path: self.path.into(),
            line,
            column,
        }
    }
}

fn plain(value: DeValue<'_>, origin: &str) -> Value {
    let kind = match value {
        DeValue::String(text) => ValueKind::String(text.into_owned()),
        // Numbers out of range stay text, and their key then says what it wants.
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_or_else(|_| ValueKind::String(n.as_str().into()), ValueKind::I64),
        DeValue::Float(n) => n.as_str().parse().map_or(ValueKind::Nil, ValueKind::Float),
        DeValue::Boolean(b) => ValueKind::Boolean(b),
        DeValue::Datetime(at) => ValueKind::String(at.to_string()),
        DeValue::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| plain(item.into_inner(), origin)).collect())
        }
        DeValue::Table(table) => ValueKind::Table(
            table
                .into_iter()
                .map(|(key, value)| (key.into_inner().into_owned(), plain(value.into_inner(), origin)))
                .collect(),
        ),
    };
    Value::new(Some(&origin.to_owned()), kind)
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn syntax_problem(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let offset = error.span().map_or(text.len(), |span| span.start);
    let (line, column) = line_and_column(text, offset);
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let message = error.message().trim();
    let mut problem = Problem::new("", message).at(Some(Place::File {
        path: path.into(),
        line,
        column,
    }));
    let margin = line.to_string().len();
    problem.excerpt = Some(format!(
        "{0:margin$} |\n{line} | {1}\n{0:margin$} | {0:2$}^",
        "",
        without_secrets(shown),
        column - 1
    ));
    if message.contains("duplicate") {
        let first = text
            .lines()
            .take(line - 1)
            .position(|earlier| same_head(earlier, shown));
        problem.places.extend(first.map(|index| Place::File {
            path: path.into(),
            line: index + 1,
            column: 1,
        }));
        problem.cure = Some("keep one of the two, or give one another id".into());
    }
    problem
}

/// Whether two lines name the same table or key.
fn same_head(one: &str, other: &str) -> bool {
    let head = |line: &str| line.split(['=', '#']).next().unwrap_or_default().trim().to_owned();
    !head(one).is_empty() && head(one) == head(other)
}

/// A line as an error may show it: what follows the name of a secret is starred, width kept so that the caret fits.
fn without_secrets(line: &str) -> String {
    let names = ["key", "password", "secret"];
    let Some(hidden_from) = names
        .iter()
        .filter_map(|name| line.find(name).map(|at| at + name.len()))
        .min()
    else {
        return line.to_owned();
    };
    let (shown, hidden) = line.split_at(hidden_from);
    let star = |c: char| {
        if c.is_whitespace() || "=[]{}".contains(c) {
            c
        } else {
            '*'
        }
    };
    shown.chars().chain(hidden.chars().map(star)).collect()
}
