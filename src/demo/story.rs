//! The demo's own events, which show what RCS can: cards side by side, pictures, every kind of chip.

use rust_embed::RustEmbed;

use crate::notify::shipped::File;

/// Their rules.
pub(super) const RULES: &str = include_str!("story/rules.toml");

/// The commands that answer them.
pub(super) const COMMANDS: &str = include_str!("story/commands.toml");

#[derive(RustEmbed)]
#[folder = "src/demo/story/templates"]
struct TemplateFiles;

#[derive(RustEmbed)]
#[folder = "src/demo/story/events"]
struct EventFiles;

/// Their templates.
pub(super) fn templates() -> Vec<File> {
    let names = TemplateFiles::iter();
    names
        .filter_map(|name| Some((name.clone(), TemplateFiles::get(&name)?.data)))
        .collect()
}

/// The events, in the order of their names.
pub(super) fn examples() -> Vec<File> {
    let names = EventFiles::iter();
    let mut all: Vec<File> = names
        .filter_map(|name| Some((name.clone(), EventFiles::get(&name)?.data)))
        .collect();
    all.sort();
    all
}
