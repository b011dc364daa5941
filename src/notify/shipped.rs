//! What comes with the daemon: rules, templates, and an example of each event.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// The rules, as `conf.d/events.toml`.
pub const RULES: &str = include_str!("../../config/conf.d/events.toml");

#[derive(RustEmbed)]
#[folder = "config/templates"]
struct TemplateFiles;

#[derive(RustEmbed)]
#[folder = "config/examples/events"]
struct ExampleFiles;

/// A file by its name.
pub type File = (Cow<'static, str>, Cow<'static, [u8]>);

/// The templates, in the order of their names.
pub fn templates() -> Vec<File> {
    sorted(TemplateFiles::iter().filter_map(|name| Some((name.clone(), TemplateFiles::get(&name)?.data))))
}

/// A structured CloudEvent of each type, in the order of their names.
pub fn examples() -> Vec<File> {
    sorted(ExampleFiles::iter().filter_map(|name| Some((name.clone(), ExampleFiles::get(&name)?.data))))
}

fn sorted(files: impl Iterator<Item = File>) -> Vec<File> {
    let mut files: Vec<File> = files.collect();
    files.sort();
    files
}
