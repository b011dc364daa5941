//! The rich form of a template: `NAME.LOCALE.rcs.json`, a rich message in which every text is a template of its own.
//!
//! The file is read as JSON before anything is put in, so that no value can become a member. A member whose text comes out
//! empty is left out, and so is a suggestion without label: that is how a part depends on the data.

use std::collections::BTreeSet;
use std::path::Path;

use minijinja::value::Value;
use serde_json::{Map, Value as Json};

use super::{Misfit, Templates, link};
use crate::accept::{Code, Fault, Origin, rich_fault};
use crate::config::{Place, Problem};
use crate::domain::Rich;
use crate::domain::rich::{self, RichFault};
use crate::notify::locale::Locale;

/// How the name of a file ends that holds a rich form.
pub(super) const SUFFIX: &str = ".rcs.json";

/// What a suggestion is not without.
const LABEL: &str = "label";

/// A rich form whose texts are compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct RichForm {
    /// The template's name.
    name: String,
    /// Under which its texts are known: each has its pointer behind it.
    key: String,
    form: Json,
}

impl RichForm {
    /// Reads a file and compiles its texts. The error says what is wrong and in which member.
    pub(super) fn compile(templates: &mut Templates, name: &str, locale: &Locale, source: &str) -> Result<Self, Unfit> {
        let form: Json = serde_json::from_str(source).map_err(|error| Unfit {
            line: error.line(),
            column: error.column(),
            told: format!("is not JSON: {}", reason(&error)),
        })?;
        let form = Self {
            name: name.to_owned(),
            key: format!("{name}.{locale}.rcs"),
            form,
        };
        form.check(source)?;
        let mut failed = None;
        each_text(&form.form, "", &mut |pointer, text| {
            if failed.is_none() {
                failed = templates
                    .compile(&form.key_of(pointer), text.to_owned())
                    .err()
                    .map(|misfit| (pointer.to_owned(), misfit));
            }
        });
        match failed {
            None => Ok(form),
            Some((pointer, Misfit { told, .. })) => Err(unfit(source, &pointer, told)),
        }
    }

    /// What no value could make good: members that are not there, of another kind, or that are missing, and texts without
    /// an expression that break a limit.
    fn check(&self, source: &str) -> Result<(), Unfit> {
        let mut form = self.form.clone();
        numbers(&mut form, |_| Some(0.0));
        let unfit = |RichFault { pointer, detail, .. }| unfit(source, &pointer, detail);
        rich::members(&form).map_err(unfit)?;
        let is_literal = |fault: &RichFault| {
            let text = form.pointer(&fault.pointer).and_then(Json::as_str);
            text.is_some_and(|text| !["{{", "{%", "{#"].iter().any(|begins| text.contains(begins)))
        };
        let faults = rich::read(&form).err().unwrap_or_default();
        faults
            .into_iter()
            .find(is_literal)
            .map_or(Ok(()), |fault| Err(unfit(fault)))
    }

    /// The variables that its texts look up.
    pub(super) fn variables(&self, templates: &Templates) -> BTreeSet<String> {
        let mut variables = BTreeSet::new();
        each_text(&self.form, "", &mut |pointer, _| {
            if let Ok(template) = templates.env().get_template(&self.key_of(pointer)) {
                variables.extend(template.undeclared_variables(true));
            }
        });
        variables
    }

    /// The message with these values. Links are checked as those of a text are.
    pub(super) fn render(
        &self,
        templates: &Templates,
        context: &Value,
        link_hosts: &[link::LinkHost],
    ) -> Result<Rich, Vec<Fault>> {
        let mut filled = self
            .filled(templates, context, "", &self.form)
            .map_err(|fault| vec![fault])?;
        let filled = filled.as_mut().map_or(Json::Null, |filled| {
            numbers(filled, |text| text.trim().parse().ok());
            filled.take()
        });
        let of = |fault: Fault| fault.of(Origin::template(&self.key, None));
        let rich = rich::read(&filled).map_err(|faults| -> Vec<Fault> {
            // The place in the template is told beside what is wrong there: the request has no such member.
            let told = |fault: RichFault| {
                let detail = format!("{}: {}", fault.pointer, fault.detail);
                let pointer = String::new();
                of(rich_fault(
                    "/template",
                    RichFault {
                        pointer,
                        detail,
                        ..fault
                    },
                ))
            };
            faults.into_iter().map(told).collect()
        })?;
        match rich.words().iter().find_map(|word| link::stranger(word, link_hosts)) {
            None => Ok(rich),
            Some(host) => Err(vec![of(link::not_allowed(&self.name, &host))]),
        }
    }

    /// `None` is left out.
    fn filled(
        &self,
        templates: &Templates,
        context: &Value,
        pointer: &str,
        form: &Json,
    ) -> Result<Option<Json>, Fault> {
        Ok(match form {
            Json::String(_) => {
                let key = self.key_of(pointer);
                let text = templates.text(&key, context.clone()).map_err(|error| {
                    let detail = templates.explain(&error, context);
                    Fault::new("/template", Code::TemplateFailed, detail).of(Origin::template(&key, error.line()))
                })?;
                (!text.is_empty()).then_some(Json::String(text))
            }
            Json::Array(items) => {
                let mut filled = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    filled.extend(self.filled(templates, context, &format!("{pointer}/{index}"), item)?);
                }
                Some(Json::Array(filled))
            }
            Json::Object(members) => {
                let of = |name: &str, member| self.filled(templates, context, &format!("{pointer}/{name}"), member);
                // The label first: where it is left out, nothing else of the suggestion needs to be there.
                if let Some(label) = members.get(LABEL)
                    && of(LABEL, label)?.is_none()
                {
                    return Ok(None);
                }
                let mut filled = Map::with_capacity(members.len());
                for (name, member) in members {
                    let member = of(name, member)?;
                    filled.extend(member.map(|member| (name.clone(), member)));
                }
                Some(Json::Object(filled))
            }
            Json::Null => None,
            Json::Bool(_) | Json::Number(_) => Some(form.clone()),
        })
    }

    fn key_of(&self, pointer: &str) -> String {
        format!("{}{pointer}", self.key)
    }
}

/// What is wrong with a file.
pub(super) struct Unfit {
    line: usize,
    column: usize,
    told: String,
}

impl Unfit {
    pub(super) fn problem(self, path: &Path) -> Problem {
        let place = Place::File {
            path: path.into(),
            line: self.line.max(1),
            column: self.column.max(1),
        };
        Problem::new("", self.told)
            .at(Some(place))
            .cure("correct it: its members are those of `rich` in POST /v1/messages")
    }
}

/// What serde says, without the place, which is told before it.
fn reason(error: &serde_json::Error) -> String {
    let (told, place) = (
        error.to_string(),
        format!(" at line {} column {}", error.line(), error.column()),
    );
    told.strip_suffix(&place).unwrap_or(&told).to_owned()
}

/// The line is that of the last member's name; the first that is called so.
fn unfit(source: &str, pointer: &str, told: String) -> Unfit {
    let member = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err());
    let quoted = format!("\"{}\"", member.unwrap_or_default());
    let line = source.lines().position(|line| line.contains(&quoted)).unwrap_or(0) + 1;
    let at = if pointer.is_empty() { "the message" } else { pointer };
    Unfit {
        line,
        column: 1,
        told: format!("{at}: {told}"),
    }
}

fn each_text(form: &Json, pointer: &str, visit: &mut dyn FnMut(&str, &str)) {
    match form {
        Json::String(text) => visit(pointer, text),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &format!("{pointer}/{index}"), visit);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                each_text(member, &format!("{pointer}/{name}"), visit);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Degrees may be given by an expression, and stand in quotes then: `read` gives their number.
fn numbers(form: &mut Json, read: impl Fn(&str) -> Option<f64> + Copy) {
    match form {
        Json::Object(members) => {
            for (name, member) in members {
                let is_degrees = matches!(name.as_str(), "latitude" | "longitude");
                let number = member.as_str().filter(|_| is_degrees).and_then(read);
                match number.map(Json::from) {
                    Some(number) => *member = number,
                    None => numbers(member, read),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| numbers(item, read)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
