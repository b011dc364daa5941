//! Arguments, configuration, logging, exit code.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use araldo::cli::{Cli, Exit, Global, Verb, demo, report, simulate};
use araldo::config::{Config, ConfigError, Loaded, StateDirError};
use araldo::inbound::Book;
use araldo::notify::Notifier;
use araldo::store::StoreError;
use araldo::telemetry::logs;
use clap::Parser;

fn main() -> ExitCode {
    // TLS has one provider; whoever builds a client or a server finds it installed.
    let installed = rustls::crypto::ring::default_provider().install_default();
    debug_assert!(installed.is_ok(), "nothing else installs a provider");
    let cli = Cli::parse();
    if !cli.global.set.is_empty() && !cli.verb.reads_configuration() {
        let _ = writeln!(
            io::stderr(),
            "error: --set changes nothing here: this verb reads no configuration"
        );
        return Exit::Usage.into();
    }
    let exit = match cli.verb {
        Verb::Run => run(&cli.global),
        Verb::Demo(args) => exit_of(work(demo::run(args))),
        Verb::Simulate(args) => exit_of(work(simulate::run(*args))),
        Verb::Config(verb) => verb.run(&cli.global),
        Verb::Db(verb) => verb.run(&cli.global),
        Verb::Template(verb) => verb.run(&cli.global),
        Verb::Commands(verb) => verb.run(&cli.global),
        Verb::Status(args) => args.run(&cli.global),
        Verb::Messages(verb) => verb.run(&cli.global),
        Verb::Inbound(verb) => verb.run(&cli.global),
        Verb::Consent(verb) => verb.run(&cli.global),
        Verb::Cases(verb) => verb.run(&cli.global),
        Verb::Certified(verb) => verb.run(&cli.global),
        Verb::Send(args) => args.run(&cli.global),
        Verb::Carriers(verb) => verb.run(&cli.global),
        Verb::Queue(verb) => verb.run(&cli.global),
        Verb::Rcs(verb) => verb.run(&cli.global),
        Verb::Webhooks(verb) => verb.run(&cli.global),
        Verb::Bench(args) => args.run(&cli.global),
        Verb::BenchGenerator(args) => args.run(),
        Verb::BenchSink(args) => args.run(),
        Verb::Pdu(verb) => verb.run(),
        Verb::Sms(verb) => verb.run(),
        Verb::Receipt(verb) => verb.run(),
        Verb::Number(verb) => verb.run(),
    };
    exit.into()
}

fn run(global: &Global) -> Exit {
    let loaded = match Config::load(&global.load_options()) {
        Ok(loaded) => loaded,
        // There is no log yet to say it in: it is told as `config check` would tell it.
        Err(error) => return refuse(&error),
    };
    if let Some(error) = loaded.unconfigured() {
        return refuse(&error);
    }
    if let Err(error) = Notifier::load(&loaded.config, &loaded.origins) {
        return refuse(&error);
    }
    if let Err(error) = Book::load(&loaded.config, &loaded.origins) {
        return refuse(&error);
    }
    if let Err(error) = logs::start(&loaded.config.log) {
        return exit_of(Err(error));
    }
    warn_of(&loaded);
    let done = work(araldo::app::run(loaded.config, global.load_options()));
    if let Err(error) = &done {
        tracing::error!(event = "stopped", "{}", told(error));
    }
    done.map_or_else(|error| exit_for(&error), |()| Exit::Ok)
}

fn refuse(error: &ConfigError) -> Exit {
    report(error, &mut io::stderr().lock()).unwrap_or(Exit::Config)
}

/// Drives `work` to its end. Half of the processors are left to the threads of the store, to those aside (`app::aside`),
/// and to whoever sends: with more workers than there is work, messages are handed from one to another for nothing.
fn work(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((processors / 2).max(1))
        .enable_all()
        .build()?
        .block_on(work)
}

/// A verb without a log says what went wrong where it was started.
fn exit_of(done: anyhow::Result<()>) -> Exit {
    match done {
        Ok(()) => Exit::Ok,
        Err(error) => {
            // A closed standard error leaves the exit code.
            let _ = writeln!(io::stderr(), "error: {}", told(&error));
            exit_for(&error)
        }
    }
}

/// The error and its causes, each once: some of ours name their cause themselves.
fn told(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |told, cause| match told {
            told if told.contains(&cause) => told,
            told if told.is_empty() => cause,
            told => format!("{told}: {cause}"),
        })
}

fn warn_of(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(event = "config_warning", key = %warning.key, "{warning}");
    }
}

/// The exit code of the cause that has one.
fn exit_for(error: &anyhow::Error) -> Exit {
    let known = error.chain().find_map(|cause| {
        let by_config = cause.downcast_ref::<ConfigError>().map(ConfigError::exit_code);
        let by_state = || cause.downcast_ref::<StateDirError>().map(StateDirError::exit_code);
        by_config
            .or_else(by_state)
            .or_else(|| cause.downcast_ref::<StoreError>().map(StoreError::exit_code))
    });
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    match (known, io.map(io::Error::kind)) {
        (Some(code), _) => Exit::from_code(code),
        (None, Some(io::ErrorKind::PermissionDenied)) => Exit::Permission,
        // A port taken, too: it may be free a moment later, and the unit starts us again after 74.
        (None, Some(_)) => Exit::Io,
        (None, None) => Exit::Error,
    }
}
