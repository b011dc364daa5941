//! The processes of a trial: started, measured from outside, stopped.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::BenchError;
use crate::cli::Global;

/// Clock ticks a second in /proc/PID/stat: USER_HZ, which is 100 on every machine that Linux tells times to.
const TICKS: f64 = 100.0;
/// How long a process may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// A process of our own binary. Killed where it is dropped before it was stopped.
pub(super) struct Process {
    pub(super) name: &'static str,
    pub(super) child: Child,
    pid: u32,
}

impl Process {
    /// Starts ourselves with these arguments. The standard error, and the standard output unless it is piped, goes to
    /// `NAME.log` in the directory.
    pub(super) fn start(
        name: &'static str,
        directory: &Path,
        piped: bool,
        command: impl FnOnce(&mut Command),
    ) -> Result<Self, BenchError> {
        let failed = |error: io::Error| BenchError::Process(name, error.to_string());
        let log = fs::File::create(log_path(directory, name)).map_err(failed)?;
        let mut process = Command::new(std::env::current_exe().map_err(failed)?);
        process
            .stdin(Stdio::null())
            .stderr(log.try_clone().map_err(failed)?)
            .kill_on_drop(true);
        process.stdout(if piped { Stdio::piped() } else { log.into() });
        // The configuration of this host is not that of the trial.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ARALDO_") {
                process.env_remove(variable);
            }
        }
        command(&mut process);
        let child = process.spawn().map_err(failed)?;
        let pid = child
            .id()
            .ok_or_else(|| BenchError::Process(name, "it ended at once".to_owned()))?;
        Ok(Self { name, child, pid })
    }

    /// Seconds of processor that it used, all threads, user and system.
    pub(super) fn cpu_seconds(&self) -> Result<f64, BenchError> {
        let stat = self.proc("stat")?;
        // The name of the command, in brackets, may hold anything; the fields after it are numbers.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        match (ticks(11), ticks(12)) {
            (Some(user), Some(system)) => Ok((user + system) as f64 / TICKS),
            _ => Err(BenchError::Process(
                self.name,
                "/proc does not tell its CPU time".to_owned(),
            )),
        }
    }

    /// The most memory that it had resident at once, in KiB.
    pub(super) fn peak_rss_kib(&self) -> Result<u64, BenchError> {
        self.memory("VmHWM:")
    }

    /// The memory that it has resident now, in KiB.
    pub(super) fn rss_kib(&self) -> Result<u64, BenchError> {
        self.memory("VmRSS:")
    }

    fn memory(&self, name: &str) -> Result<u64, BenchError> {
        let status = self.proc("status")?;
        let size = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
        size.ok_or_else(|| BenchError::Process(self.name, "/proc does not tell its memory".to_owned()))
    }

    fn proc(&self, file: &str) -> Result<String, BenchError> {
        let gone = |error: io::Error| BenchError::Process(self.name, format!("it is gone: {error}"));
        fs::read_to_string(format!("/proc/{}/{file}", self.pid)).map_err(gone)
    }

    /// Whether it ended by itself, and how.
    pub(super) fn ended(&mut self) -> Option<BenchError> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(BenchError::Process(self.name, format!("it ended by itself: {status}")))
    }

    /// Asks it to stop as a service manager does, and waits. Exit code zero is what is expected.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(self.pid.to_string())
            .status()
            .await;
        if !asked.is_ok_and(|status| status.success()) {
            self.child
                .start_kill()
                .map_err(|error| BenchError::Process(self.name, error.to_string()))?;
            return Ok(());
        }
        match timeout(STOP, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(BenchError::Process(self.name, format!("its stop ended with {status}"))),
            Ok(Err(error)) => Err(BenchError::Process(self.name, error.to_string())),
            Err(_) => Err(BenchError::Process(
                self.name,
                format!("it did not stop within {STOP:?}"),
            )),
        }
    }
}

/// The options that reach the daemon.
pub(super) fn settings(command: &mut Command, global: &Global) {
    for setting in &global.set {
        command.arg("--set").arg(setting);
    }
}

pub(super) fn log_path(directory: &Path, name: &str) -> std::path::PathBuf {
    directory.join(format!("{name}.log"))
}
