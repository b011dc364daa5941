//! Logs: events with fields, on standard error. Never a message's text, numbers masked.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};

/// The form a line takes, for whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    json: bool,
    /// Colours are for people at a terminal that wants them.
    colours: bool,
    /// The journal notes the time itself.
    time: bool,
}

/// Starts logging; to be called once, before the first event. A later call is an error and changes nothing.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let form = Form::for_reader(
        config.format,
        io::stderr().is_terminal(),
        env::var_os("JOURNAL_STREAM").is_some(),
        env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
    );
    // Loading has refused a filter that cannot be read.
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(form.colours);
    match (form.json, form.time) {
        // For machines a line without time is no use, journal or not.
        (true, _) => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?,
        (false, true) => lines.finish().try_init()?,
        (false, false) => lines.without_time().finish().try_init()?,
    }
    Ok(())
}

impl Form {
    fn for_reader(format: LogFormat, terminal: bool, journal: bool, no_colour: bool) -> Self {
        let json = format == LogFormat::Json;
        Self {
            json,
            colours: terminal && !journal && !no_colour && !json,
            time: terminal || !journal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_times_are_left_to_the_journal() {
        let at_terminal = Form::for_reader(LogFormat::Text, true, false, false);
        assert!(at_terminal.colours && at_terminal.time);
        let in_journal = Form::for_reader(LogFormat::Text, false, true, false);
        assert!(!in_journal.colours && !in_journal.time);
        let in_file = Form::for_reader(LogFormat::Text, false, false, false);
        assert!(!in_file.colours && in_file.time);
        assert!(!Form::for_reader(LogFormat::Text, true, false, true).colours);
        assert!(!Form::for_reader(LogFormat::Json, true, false, false).colours);
    }
}
