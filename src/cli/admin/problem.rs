//! What can go wrong between us and the daemon, in words and as an exit code.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::cli::{Exit, report};
use crate::config::ConfigError;

/// Why a verb did not succeed.
#[derive(Debug)]
pub(in crate::cli) enum AdminError {
    /// The configuration does not say where the daemon is.
    Config(ConfigError),
    /// Nobody listens there, or nobody answers.
    Unreachable { addr: SocketAddr, source: io::Error },
    /// The token cannot be read.
    Token { path: PathBuf, source: io::Error },
    /// The daemon answered with a problem.
    Problem { status: u16, problem: Box<Problem> },
    /// What listens there does not speak as our daemon does.
    NotOurs { addr: SocketAddr, what: String },
    /// The command line asks for what cannot be done.
    Usage(String),
    /// A person said no.
    Refused(String),
    /// Our own output or input failed.
    Output(io::Error),
}

/// RFC 9457, as far as a person wants to see it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Problem {
    pub(in crate::cli) title: Option<String>,
    pub(in crate::cli) detail: Option<String>,
    pub(in crate::cli) code: Option<String>,
    pub(in crate::cli) errors: Vec<Fault>,
    pub(in crate::cli) request_id: Option<String>,
}

/// One fault of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Fault {
    pub(in crate::cli) pointer: Option<String>,
    pub(in crate::cli) detail: Option<String>,
    pub(in crate::cli) hint: Option<String>,
}

impl From<io::Error> for AdminError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl AdminError {
    /// Says it on standard error, and how to end.
    pub(in crate::cli) fn report(&self, err: &mut impl Write) -> Exit {
        // A closed standard error leaves the exit code.
        let _ = self.write(err);
        self.exit()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Config(error) => Exit::from_code(error.exit_code()),
            Self::Unreachable { .. } => Exit::Unavailable,
            Self::Token { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
            Self::Token { .. } | Self::NotOurs { .. } => Exit::Error,
            Self::Problem { status, .. } => match status {
                404 => Exit::NotFound,
                503 => Exit::Unavailable,
                400..500 => Exit::Refused,
                _ => Exit::Error,
            },
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            // Whoever reads has had enough, as in `araldo messages list | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) => Exit::Io,
        }
    }

    fn write(&self, err: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Config(error) => report(error, err).map(drop),
            Self::Unreachable { addr, source } => writeln!(
                err,
                "error: the daemon cannot be reached at {addr}: {source}\n  cure: `systemctl status araldo`, or name \
                 its admin listener with --admin"
            ),
            Self::Token { path, source } => writeln!(
                err,
                "error: {}: the admin token cannot be read: {source}\n  cure: run it as the daemon's user, or name \
                 the file with --token-file",
                path.display()
            ),
            Self::Problem { status, problem } => problem.write(*status, err),
            Self::NotOurs { addr, what } => writeln!(
                err,
                "error: what listens at {addr} does not answer as an araldo daemon does: {what}\n  cure: name its \
                 admin listener with --admin"
            ),
            Self::Usage(text) => writeln!(err, "error: {text}"),
            Self::Refused(text) => writeln!(err, "{text}"),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Self::Output(error) => writeln!(err, "error: {error}"),
        }
    }
}

impl Problem {
    fn write(&self, status: u16, err: &mut impl Write) -> io::Result<()> {
        let code = self.code.as_deref().unwrap_or("no code");
        let title = self.title.as_deref().unwrap_or("the daemon refused");
        let lower = title
            .chars()
            .next()
            .map(|first| first.to_lowercase().chain(title.chars().skip(1)).collect::<String>());
        writeln!(err, "error: {} ({code}, {status})", lower.as_deref().unwrap_or(title))?;
        if let Some(detail) = self.detail.as_deref().filter(|detail| *detail != title) {
            writeln!(err, "  {detail}")?;
        }
        for fault in &self.errors {
            let (place, detail) = (
                fault.pointer.as_deref().unwrap_or(""),
                fault.detail.as_deref().unwrap_or(""),
            );
            if self.errors.len() > 1 {
                writeln!(err, "  {place}: {detail}")?;
            }
            if let Some(hint) = &fault.hint {
                writeln!(err, "  hint: {hint}")?;
            }
        }
        match &self.request_id {
            Some(id) if status >= 500 => writeln!(err, "  request {id} in the daemon's log"),
            _ => Ok(()),
        }
    }
}
