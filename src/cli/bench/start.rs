//! How the processes of a trial are started, and where they listen.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{sleep, timeout};

use super::BenchError;
use super::child::{Process, log_path, settings};
use super::configuration::Peer;
use super::rcs::Platform;
use super::remote::Remote;
use super::sink::Ready;
use super::stage::{LOOK_EVERY, READY};
use super::trial::Trial;
use crate::clock::{monotonic, secret_bits};

impl Trial<'_> {
    /// The peer of the messages, and where its control listens.
    pub(super) async fn start_peer(&self) -> Result<(Process, Peer, Remote), BenchError> {
        if self.args.rcs {
            self.start_platform().await
        } else {
            self.start_simulator().await
        }
    }

    async fn start_platform(&self) -> Result<(Process, Peer, Remote), BenchError> {
        let account = self.directory.join("account.json");
        let mut simulator = Process::start("simulator", self.directory, true, |command| {
            command.args(["simulate", "rcs", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
            command.args([
                "--phones",
                "0",
                "--json",
                "--read",
                if self.args.read { "1" } else { "0" },
            ]);
            command.arg("--write-account").arg(&account);
        })?;
        let line: Value = first_line(&mut simulator).await.unwrap_or_default();
        let control = line["control"].as_str().and_then(|addr| addr.parse().ok());
        let (Some(base), Some(control)) = (line["api"].as_str(), control) else {
            return Err(self.not_ready("simulator"));
        };
        let platform = Platform {
            base: base.to_owned(),
            account,
            client_token: hex::encode(secret_bits()),
        };
        Ok((simulator, Peer::Platform(platform), Remote::new(control, "")))
    }

    async fn start_simulator(&self) -> Result<(Process, Peer, Remote), BenchError> {
        let mut simulator = Process::start("simulator", self.directory, true, |command| {
            command.args([
                "simulate",
                "--listen",
                "127.0.0.1:0",
                "--control",
                "127.0.0.1:0",
                "--phones",
                "0",
                "--json",
            ]);
        })?;
        let line: Value = first_line(&mut simulator).await.unwrap_or_default();
        let addr = |name: &str| line[name].as_str().and_then(|addr| addr.parse().ok());
        match (addr("smpp"), addr("control")) {
            (Some(smpp), Some(control)) => Ok((simulator, Peer::Carrier(smpp), Remote::new(control, ""))),
            _ => Err(self.not_ready("simulator")),
        }
    }

    pub(super) async fn start_sink(&self) -> Result<(Process, Remote), BenchError> {
        let mut sink = Process::start("sink", self.directory, true, |command| {
            command.arg("bench-sink");
        })?;
        match first_line::<Ready>(&mut sink).await {
            Some(ready) => Ok((sink, Remote::new(ready.sink, ""))),
            None => Err(self.not_ready("sink")),
        }
    }

    pub(super) async fn start_daemon(&self) -> Result<(Process, SocketAddr, SocketAddr), BenchError> {
        let mut daemon = Process::start("daemon", self.directory, false, |command| {
            command
                .arg("run")
                .arg("--config")
                .arg(self.directory.join("araldo.toml"));
            settings(command, self.global);
        })?;
        let start = monotonic();
        while start.elapsed() < READY {
            let log = fs::read_to_string(log_path(self.directory, "daemon")).unwrap_or_default();
            if let Some((api, admin)) = log.lines().find_map(ready_line) {
                return Ok((daemon, api, admin));
            }
            if daemon.ended().is_some() {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        Err(self.not_ready("daemon"))
    }

    /// With the last words of its log.
    fn not_ready(&self, name: &'static str) -> BenchError {
        let log = fs::read_to_string(log_path(self.directory, name)).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(10).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        BenchError::Process(name, format!("it did not get ready\n{}", last.join("\n")))
    }
}

/// The first line that a process prints, as JSON. Whatever it prints later it must be able to, and is of no interest.
async fn first_line<T: serde::de::DeserializeOwned>(process: &mut Process) -> Option<T> {
    let mut lines = BufReader::new(process.child.stdout.take()?).lines();
    let line = timeout(READY, lines.next_line()).await.ok()?.ok()??;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    serde_json::from_str(&line).ok()
}

/// The addresses in the line with which the daemon says that it is ready.
fn ready_line(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    if fields["event"] != "ready" {
        return None;
    }
    let addr = |name: &str| fields[name].as_str()?.parse().ok();
    Some((addr("api")?, addr("admin")?))
}

pub(super) fn read_token(directory: &Path) -> Result<String, BenchError> {
    let path = directory.join("admin.token");
    let text = fs::read_to_string(&path).map_err(|source| BenchError::directory(&path, source))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_tells_both_addresses() {
        let line = r#"{"level":"INFO","fields":{"event":"ready","api":"127.0.0.1:1","admin":"127.0.0.1:2"}}"#;
        let (api, admin) = ready_line(line).unwrap();
        assert_eq!((api.port(), admin.port()), (1, 2));
        let flat = r#"{"event":"ready","api":"127.0.0.1:1","admin":"127.0.0.1:2"}"#;
        assert!(ready_line(flat).is_some());
        assert!(ready_line(r#"{"event":"stopping"}"#).is_none());
    }
}
