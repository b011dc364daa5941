//! Another catalogue without a restart: what customers may ask for, the rules of events, templates and words are read
//! anew, checked, learnt, and put in the place of the old ones; or the old ones stay, all of them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::{Config, ConfigError, LoadOptions, Problem};
use crate::dispatch::ConsentStep;
use crate::http::{ApiState, code_words};
use crate::inbound::{Book, Limits, Shelf};
use crate::notify::{Notifier, Templates};

/// The sections that are read anew, whole.
const RENEWED: [&str; 5] = ["care", "command", "event", "template", "templates"];
/// Those keys of `[two_way]` that are.
const RENEWED_TWO_WAY: [&str; 3] = ["words", "country", "receipts"];

/// What goes by the catalogue.
pub(super) struct Reload {
    /// The configuration with which the daemon was started.
    pub(super) running: Arc<Config>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) limits: Arc<Limits>,
    pub(super) consent: Arc<ConsentStep>,
    pub(super) api: Arc<ApiState>,
}

/// What is put in the place of the old.
struct Renewed {
    config: Config,
    book: Book,
    notifier: Notifier,
    code_words: Templates,
    /// Sections that have changed, and count from the next start on.
    left: Vec<String>,
}

impl Reload {
    /// Reads the configuration anew, and tells in the log what came of it.
    pub(super) async fn reload(&self, options: LoadOptions) {
        let running = self.running.clone();
        // Reading waits for disks, and learning takes a moment: neither on the threads that answer carriers.
        let read = tokio::task::spawn_blocking(move || renewed(&running, &options)).await;
        match read {
            Ok(Ok(renewed)) => self.renew(renewed),
            Ok(Err(error)) => refused(&error),
            Err(error) => tracing::error!(event = "reload_refused", %error, "the catalogue in use stays"),
        }
    }

    fn renew(&self, renewed: Renewed) {
        let Renewed {
            config,
            book,
            notifier,
            code_words,
            left,
        } = renewed;
        let (commands, rules) = (config.command.len(), config.event.len());
        self.limits.renew(&config.command);
        self.consent.renew(&config);
        self.shelf.store(Arc::new(book));
        self.api.renew(notifier, code_words);
        tracing::info!(event = "reloaded", commands, rules);
        if !left.is_empty() {
            tracing::warn!(
                event = "restart_needed",
                sections = left.join(", "),
                "what has changed there counts from the next start on"
            );
        }
    }
}

/// Says everything that is wrong, as `araldo config check` does.
fn refused(error: &ConfigError) {
    match error {
        ConfigError::Read { .. } => tracing::error!(event = "reload_refused", "{error}"),
        ConfigError::Invalid(problems) => {
            for problem in problems {
                tracing::error!(event = "reload_refused", key = %problem.key, "{problem}");
            }
        }
    }
    tracing::error!(
        event = "catalogue_kept",
        "nothing has changed: `araldo config check` tells what is wrong"
    );
}

fn renewed(running: &Config, options: &LoadOptions) -> Result<Renewed, ConfigError> {
    let loaded = Config::load(options)?;
    let left = left(running, &loaded.config);
    let notifier = Notifier::load(&loaded.config, &loaded.origins)?;
    let config = merged(running, loaded.config);
    strangers(&config)?;
    let book = Book::load(&config, &loaded.origins)?;
    if !book.is_empty() {
        book.matcher();
    }
    Ok(Renewed {
        book,
        notifier,
        code_words: code_words(&config)?,
        config,
        left,
    })
}

/// The running configuration with what is read anew.
fn merged(running: &Config, new: Config) -> Config {
    let mut config = running.clone();
    config.care = new.care;
    config.command = new.command;
    config.event = new.event;
    config.template = new.template;
    config.templates = new.templates;
    config.two_way.words = new.two_way.words;
    config.two_way.country = new.two_way.country;
    config.two_way.receipts = new.two_way.receipts;
    config
}

/// A command answers in the name of a client that is there.
fn strangers(config: &Config) -> Result<(), ConfigError> {
    let problems = config.command.iter().filter_map(|(name, command)| {
        let client = command.client.as_ref()?;
        let cause = format!("the client `{client}` is not known to the running daemon");
        let problem = Problem::new(format!("command.{name}.client"), cause).cure("restart to add clients");
        (!config.client.contains_key(client)).then_some(problem)
    });
    let problems: Vec<Problem> = problems.collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ConfigError::Invalid(problems)),
    }
}

/// The sections that have changed and are not read anew. Secrets do not show.
fn left(running: &Config, new: &Config) -> Vec<String> {
    let tree = |config: &Config| config.tree();
    let (was, is) = (tree(running), tree(new));
    let Some(sections) = was.as_object() else {
        return Vec::new();
    };
    let differs = |section: &&String| {
        let of = |tree: &Json| {
            let mut section = tree[section.as_str()].clone();
            if let Some(keys) = section.as_object_mut() {
                keys.retain(|key, _| !RENEWED_TWO_WAY.contains(&key.as_str()));
            }
            section
        };
        !RENEWED.contains(&section.as_str()) && of(&was) != of(&is)
    };
    sections.keys().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "[client.bank]\nkey = \"0123456789abcdef0123456789abcdef\"\n";

    fn config(text: &str) -> Config {
        Config::parse(&format!("{CLIENT}{text}")).unwrap()
    }

    #[test]
    fn the_catalogue_its_words_and_the_rules_are_read_anew_and_the_rest_is_told() {
        let running = config("");
        let balance = "[command.balance]\ntitle.it = \"Saldo\"\nkeywords.it = [\"saldo\"]\n";
        let words = "[two_way]\ncountry = \"DE\"\nreceipts = true\nwords.done.it = \"Ok.\"\n";
        let new = config(&format!("{words}{balance}"));
        assert_eq!(left(&running, &new), Vec::<String>::new());
        let both = merged(&running, new);
        let two_way = &both.two_way;
        assert_eq!(
            (both.command.len(), two_way.country.as_str(), two_way.receipts),
            (1, "DE", true)
        );
        let new = config("[two_way]\nmax_calls = 7\n[http.api]\nlisten = \"127.0.0.1:1\"\n");
        assert_eq!(left(&running, &new), ["http", "two_way"]);
        assert_eq!(merged(&running, new).two_way.max_calls, 512);
    }

    #[test]
    fn a_command_of_a_client_that_is_not_running_is_refused() {
        let text = "[client.shop]\nkey = \"abcdef0123456789abcdef0123456789\"\n[command.balance]\nclient = \"shop\"\n\
                    title.it = \"Saldo\"\nkeywords.it = [\"saldo\"]\n";
        let error = strangers(&merged(&config(""), config(text))).unwrap_err();
        assert!(
            error.to_string().contains("`shop` is not known to the running daemon"),
            "{error}"
        );
    }
}
