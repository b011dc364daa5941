//! Arguments, configuration, logging, exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use araldo::cli::simulate::{self, SimulateArgs};
use araldo::cli::{Cli, Exit, Global, Verb, report};
use araldo::config::{Config, ConfigError, Loaded, StateDirError};
use araldo::store::StoreError;
use araldo::telemetry::logs;
use clap::Parser;

fn main() -> ExitCode {
    // TLS has one provider; whoever builds a client or a server finds it installed.
    let installed = rustls::crypto::ring::default_provider().install_default();
    debug_assert!(installed.is_ok(), "nothing else installs a provider");
    let cli = Cli::parse();
    let exit = match cli.verb {
        Verb::Run => run(&cli.global),
        Verb::Config(verb) => verb.run(&cli.global),
        Verb::Status(args) => args.run(&cli.global),
        Verb::Messages(verb) => verb.run(&cli.global),
        Verb::Inbound(verb) => verb.run(&cli.global),
        Verb::Send(args) => args.run(&cli.global),
        Verb::Carriers(verb) => verb.run(&cli.global),
        Verb::Queue(verb) => verb.run(&cli.global),
        Verb::Simulate(args) => simulate(*args),
        Verb::Bench(args) => args.run(&cli.global),
        Verb::BenchGenerator(args) => args.run(),
        Verb::Pdu(verb) => verb.run(),
        Verb::Sms(verb) => verb.run(),
        Verb::Receipt(verb) => verb.run(),
    };
    exit.into()
}

fn run(global: &Global) -> Exit {
    let loaded = match Config::load(&global.load_options()) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = logs::start(&loaded.config.log) {
        // There is no log yet to say it in; a closed standard error leaves the exit code.
        let _ = writeln!(io::stderr(), "error: {error:#}");
        return Exit::Error;
    }
    warn_of(&loaded);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("no runtime to work on")),
    };
    match runtime.block_on(araldo::app::run(loaded.config)) {
        Ok(()) => Exit::Ok,
        Err(error) => fail(&error),
    }
}

/// A simulator has no log: what went wrong is said where it was started.
fn simulate(args: SimulateArgs) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime
        .map_err(anyhow::Error::new)
        .and_then(|runtime| runtime.block_on(simulate::run(args)));
    match done {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            exit_for(&error)
        }
    }
}

/// What `config check` would say, before there is a log to say it in.
fn refuse(error: &ConfigError) -> Exit {
    report(error, &mut io::stderr().lock()).unwrap_or(Exit::Config)
}

fn warn_of(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(event = "config_warning", key = %warning.key, "{warning}");
    }
}

/// Ends for an error, which the log has then.
fn fail(error: &anyhow::Error) -> Exit {
    tracing::error!(event = "stopped", "{error:#}");
    exit_for(error)
}

/// The exit code of the cause that has one.
fn exit_for(error: &anyhow::Error) -> Exit {
    let known = error.chain().find_map(|cause| {
        let by_config = cause.downcast_ref::<ConfigError>().map(ConfigError::exit_code);
        let by_state = || cause.downcast_ref::<StateDirError>().map(StateDirError::exit_code);
        by_config.or_else(by_state).or_else(|| cause.downcast_ref::<StoreError>().map(StoreError::exit_code))
    });
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    match (known, io.map(io::Error::kind)) {
        (Some(code), _) => Exit::from_code(code),
        (None, Some(io::ErrorKind::PermissionDenied)) => Exit::Permission,
        (None, Some(io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)) => Exit::CannotCreate,
        (None, Some(_)) => Exit::Io,
        (None, None) => Exit::Error,
    }
}
