//! A simulator in a process of its own: it tells in one line of JSON where it listens.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A simulator. Dropped, it is killed.
pub(crate) struct Process {
    /// What it has said of itself.
    said: Value,
    child: Child,
}

impl Process {
    /// Starts `araldo simulate` on free ports, with the arguments that a caller adds.
    pub(crate) fn start(which: &[&str], add: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_araldo"));
        command.env_clear().arg("simulate").args(which).arg("--json");
        command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        add(&mut command).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { said, child }
    }

    /// A word of what it has said of itself.
    pub(crate) fn word(&self, field: &str) -> &str {
        self.said[field].as_str().unwrap()
    }

    /// An address of these.
    pub(crate) fn addr(&self, field: &str) -> SocketAddr {
        self.word(field).parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
