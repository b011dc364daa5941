//! The templates, embedded and read once. What they are given is escaped, for their names end in `.html`.

use anyhow::Context;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use rust_embed::RustEmbed;
use serde::Serialize;

use super::asset::Assets;

#[derive(RustEmbed)]
#[folder = "src/demo/templates"]
struct Sources;

/// The templates.
pub(super) struct Templates(Environment<'static>);

impl Templates {
    pub(super) fn new(assets: &Assets) -> anyhow::Result<Self> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Lenient);
        templates.add_global("assets", Value::from_safe_string(assets.base()));
        for name in Sources::iter() {
            let file = Sources::get(&name).context("an embedded template is gone")?;
            let source = String::from_utf8(file.data.into_owned())?;
            templates.add_template_owned(name.into_owned(), source)?;
        }
        Ok(Self(templates))
    }

    /// A page or a part of one.
    pub(super) fn render(&self, name: &str, with: impl Serialize) -> Result<String, minijinja::Error> {
        self.0.get_template(name)?.render(Serde(with))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_template_is_given_is_escaped() {
        let templates = Templates::new(&Assets::new()).unwrap();
        let hostile = "<script>alert(1)</script>\"' onload=x";
        let sent = json!({ "sent": { "problems": [{ "field": hostile, "detail": hostile }], "title": hostile } });
        let html = templates.render("sent.html", sent).unwrap();
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    }
}
