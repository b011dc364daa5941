//! A value of a rule: a literal, or what an expression over the event gives.

use minijinja::Error;
use minijinja::value::Value;

use super::template::{Misfit, Templates};

/// Compiled at start.
pub(super) enum Expression {
    /// Needs no event.
    Literal(Box<str>),
    /// One expression: its value whole, a list or a boolean too.
    Value {
        /// Under which it is compiled.
        key: Box<str>,
    },
    /// A text with expressions in it.
    Text {
        /// Under which it is compiled.
        key: Box<str>,
    },
}

/// Where a value is found once its expression has been run.
const RESULT: &str = "result";

impl Expression {
    /// A literal, `{{ one expression }}`, or a text with some. The error is of the syntax.
    pub(super) fn compile(templates: &mut Templates, key: String, source: &str) -> Result<Self, Misfit> {
        if !source.contains("{{") && !source.contains("{%") {
            return Ok(Self::Literal(source.into()));
        }
        let trimmed = source.trim();
        let inner = trimmed.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        match inner.filter(|inner| !inner.contains("}}") && !inner.contains("{{")) {
            Some(inner) => Self::condition(templates, key, inner),
            None => {
                templates.compile(&key, source.to_owned())?;
                Ok(Self::Text { key: key.into() })
            }
        }
    }

    /// An expression that stands without braces.
    pub(super) fn condition(templates: &mut Templates, key: String, source: &str) -> Result<Self, Misfit> {
        let inner = source.trim_start_matches('-').trim_end_matches('-');
        // What is wrong with it is told of what was written, and not of what is made of it.
        let read = templates.env().compile_expression_owned(inner.to_owned()).map(drop);
        read.map_err(|error| Misfit::of(&error))?;
        templates.compile(&key, format!("{{% set {RESULT} = ({inner}) %}}"))?;
        Ok(Self::Value { key: key.into() })
    }

    /// What it gives with these variables. A value that is not there is an error, as in a text; the error says what is
    /// wrong, and does not repeat what the event says.
    pub(super) fn value(&self, templates: &Templates, context: &Value) -> Result<Value, String> {
        let explained = |error: Error| templates.explain(&error, context);
        match self {
            Self::Literal(text) => Ok(Value::from(&**text)),
            Self::Value { key } => {
                let template = templates.env().get_template(key).map_err(explained)?;
                let run = template.render_captured(context.clone()).map_err(explained)?;
                let value = run.state().lookup(RESULT).unwrap_or_default();
                if value.is_undefined() {
                    return Err(templates.missing(key, None, context));
                }
                Ok(value)
            }
            Self::Text { key } => {
                let template = templates.env().get_template(key).map_err(explained)?;
                Ok(template.render(context.clone()).map_err(explained)?.into())
            }
        }
    }
}
