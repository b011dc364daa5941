//! Events in: a rule turns a fact that a back end publishes into messages, in the words of a template.
//!
//! Everything is compiled at start and run without awaits. [`Publisher::publish`] is the one entry, whichever way an
//! event came in: it knows no HTTP. All messages of an event and its key go in one commit, or none.
//!
//! | module | what it holds |
//! |---|---|
//! | `event` | [`Event`]: CloudEvents 1.0.2, checked |
//! | `rule`, `expression`, `literal` | `[event.NAME]`: which events, and what they make of them |
//! | `template` | [`Templates`]: texts in several languages, with their filters and bounds |
//! | `locale` | [`Locale`], and what stands in for what |
//! | `publish` | [`Publisher`], [`Published`] |
//! | `inbox` | [`Inbox`]: events that programs write into the store themselves |
//! | `nats` | `Nats`: events from a stream of NATS, with the feature of that name |
//! | `shipped` | the rules, templates and examples that come with the daemon |

mod event;
mod expression;
mod inbox;
mod literal;
mod locale;
#[cfg(feature = "nats")]
mod nats;
mod publish;
mod rule;
pub mod shipped;
mod template;
mod way;

use std::path::Path;
use std::sync::Arc;

pub use event::Event;
pub(crate) use event::{header_text, is_json};
pub use inbox::Inbox;
use jiff::tz::TimeZone;
pub use locale::{InvalidLocale, Locale};
#[cfg(feature = "nats")]
pub use nats::Nats;
pub use publish::{EventName, MadeMessage, Publication, Published, Publisher};
use rule::Rule;
pub use template::{Context, Family, LinkHost, Rendered, RichForm, Sample, Templates};

use crate::config::{Config, ConfigError, EventsConfig, Origins, Problem};
use crate::domain::Name;

/// Rules and templates, ready to be used.
pub struct Notifier {
    /// The texts.
    pub templates: Arc<Templates>,
    rules: Vec<Rule>,
    settings: EventsConfig,
}

impl Notifier {
    /// Reads the templates and compiles the rules. The error tells everything wrong, with its place where `origins`
    /// know it.
    pub fn load(config: &Config, origins: &Origins) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let settings = &config.templates;
        let default_locale = settings.locale.parse().unwrap_or_else(|error: InvalidLocale| {
            let problem = Problem::new("templates.locale", format!("`{}` {error}", settings.locale));
            problems.push(problem.cure("write e.g. locale = \"it\""));
            Locale::english()
        });
        // A zone that does not exist is told by the check of the configuration.
        let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
        let mut templates = Templates::new(default_locale, &zone, settings.fuel);
        if let Some(dir) = &settings.dir {
            templates.load(Path::new(dir), &mut problems);
        }
        for (name, limits) in &config.template {
            problems.extend(templates.limit(name, limits).err());
        }
        problems.extend(
            config
                .verification
                .template
                .iter()
                .flat_map(|name| code_faults(&templates, name)),
        );
        let mut rules = Vec::with_capacity(config.event.len());
        for (name, rule) in &config.event {
            rules.push(Rule::compile(name, rule, &mut templates, &mut problems));
        }
        if !problems.is_empty() {
            let placed = problems.into_iter().map(|problem| {
                let place = origins.place(&problem.key).cloned().filter(|_| !problem.key.is_empty());
                problem.at(place)
            });
            return Err(ConfigError::Invalid(placed.collect()));
        }
        Ok(Self {
            templates: Arc::new(templates),
            rules,
            settings: config.events.clone(),
        })
    }

    /// How events are taken.
    pub fn settings(&self) -> &EventsConfig {
        &self.settings
    }
}

/// What keeps a template from bringing a code.
fn code_faults(templates: &Templates, name: &Name) -> Vec<Problem> {
    let key = "verification.template";
    let Some(family) = templates.families().get(name) else {
        let problem = Problem::new(key, format!("there is no template `{name}`"));
        return vec![problem.cure(templates.how_to_add(name.as_str()))];
    };
    let silent = |locale: &&Locale| {
        let variables = templates.variables(name, locale);
        !variables.contains("code") && !variables.contains("data.code")
    };
    let silent = family.locales.iter().filter(silent);
    silent
        .map(|locale| {
            let cause = format!("`{name}` does not say the code in `{locale}`");
            Problem::new(key, cause).cure("write {{ code }} into it")
        })
        .collect()
}

#[cfg(test)]
mod tests;
