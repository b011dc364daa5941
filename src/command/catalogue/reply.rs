//! What a reply's template makes: whether it can be read, and how many segments it fills.

use std::collections::BTreeMap;

use araldo_sms::{SplitOptions, split};
use minijinja::value::Rest;
use minijinja::{Environment, UndefinedBehavior, Value};

/// What a value that is not known yet counts for: an amount with its currency, a date, a case's number.
const STAND_IN: &str = "0000000000";

/// Steps that a reply's template may take; a hundred are plenty.
const FUEL: u64 = 10_000;

/// The values that a template names, with their paths: `slots.amount`. None where it cannot be read.
pub(super) fn names(template: &str) -> Vec<String> {
    let environment = Environment::new();
    let Ok(parsed) = environment.template_from_str(template) else {
        return Vec::new();
    };
    let functions: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let names = parsed.undeclared_variables(true).into_iter();
    let mut names: Vec<String> = names.filter(|name| !functions.contains(&name.as_str())).collect();
    names.sort_unstable();
    names
}

/// The values that a template names and that are not there.
pub(crate) fn missing(template: &str, values: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
    let is_there = |name: &String| {
        let mut path = name.split('.');
        let first = path.next().and_then(|root| values.get(root));
        path.fold(first, |value, key| value?.get(key)).is_some()
    };
    names(template).into_iter().filter(|name| !is_there(name)).collect()
}

/// Segments that the template makes with ten characters for each value, or why it cannot be read.
pub(super) fn segments(template: &str) -> Result<usize, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // Those of the templates, which know the language: here a value stands for what they make of it.
    for name in [
        "money",
        "date",
        "time",
        "datetime",
        "masked_card",
        "masked_number",
        "plain",
    ] {
        environment.add_filter(name, |value: Value, _: Rest<Value>| value);
    }
    let parsed = environment
        .template_from_str(template)
        .map_err(|error| in_words(&error))?;
    let mut values = Tree::default();
    let functions: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    for name in parsed
        .undeclared_variables(true)
        .iter()
        .filter(|name| !functions.contains(&name.as_str()))
    {
        values.insert(name.split('.'));
    }
    let text = parsed.render(values.value()).map_err(|error| in_words(&error))?;
    let divided = split(&text, &SplitOptions::default()).map_err(|error| error.to_string())?;
    Ok(divided.segments.len())
}

fn in_words(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// `slots.amount` as a table in a table, with a stand-in at its end.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>) {
        if let Some(name) = path.next() {
            self.0.entry(name.to_owned()).or_default().insert(path);
        }
    }

    fn value(&self) -> Value {
        if self.0.is_empty() {
            return Value::from(STAND_IN);
        }
        Value::from_pairs(self.0.iter().map(|(name, tree)| (name.clone(), tree.value())))
    }
}
