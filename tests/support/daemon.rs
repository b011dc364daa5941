//! The daemon as it is shipped: the binary, a configuration file, a state directory.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use araldo::clock::monotonic;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::carrier::Carrier;
use super::database::Database;
use super::http::Http;
use super::{free_addr, until};

pub(crate) const KEY: &str = "journey-0123456789abcdefghijklmnopqrstuv";
/// The longest that a start or a planned stop may take.
const LIMIT: Duration = Duration::from_secs(40);

/// A place for a daemon and its carriers: directory, addresses, configuration. Kept for a look when a test fails.
pub(crate) struct House {
    dir: Option<TempDir>,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    through: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// A daemon at work. Dropped, it is killed.
pub(crate) struct Daemon {
    child: Child,
}

impl House {
    /// With the sections of the configuration that a journey cares for: `outbox`, `carrier`, `route`.
    pub(crate) fn new(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("araldo-journey-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let house = Self {
            dir: Some(dir),
            api: free_addr(),
            admin: free_addr(),
            through: Vec::new(),
            environment: Vec::new(),
        };
        house.configure(config);
        house
    }

    /// Starts the daemon through another program from now on, as `strace -D`: one that becomes the daemon.
    pub(crate) fn through(&mut self, words: impl IntoIterator<Item = impl Into<OsString>>) {
        self.through = words.into_iter().map(Into::into).collect();
    }

    /// Starts the daemon with this in its environment from now on.
    pub(crate) fn environment(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.environment.push((name, value.into()));
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, config: &str) {
        let whole = format!(
            "[store]\nurl = \"sqlite://{}\"\nreserve_bytes = 0\n[http.api]\nlisten = \"{}\"\n[http.admin]\nlisten = \"{}\"\n\
             [log]\nformat = \"json\"\n[client.bank]\nkey = \"{KEY}\"\nscopes = [\"send\", \"read\", \"inbound\", \"cases\"]\n{config}",
            self.database_file().display(),
            self.api,
            self.admin
        );
        let mut file = OpenOptions::new();
        let mut file = file
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.config_file())
            .unwrap();
        file.write_all(whole.as_bytes()).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().expect("there until dropped").path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path().join("araldo.toml")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path().join("state")
    }

    fn database_file(&self) -> PathBuf {
        self.state_dir().join("araldo.db")
    }

    fn log_file(&self) -> PathBuf {
        self.path().join("daemon.log")
    }

    /// Takes the tables away, as if the daemon had never run.
    pub(crate) fn forget(&self) {
        fs::remove_dir_all(self.state_dir()).unwrap();
    }

    /// Starts the daemon and waits for its first readiness.
    pub(crate) async fn start(&self) -> Daemon {
        let mut daemon = self.spawn();
        let mut http = Http::new(self.admin, "");
        until(LIMIT, "the daemon is ready", async || {
            let ended = daemon.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{ended:?}: {}",
                fs::read_to_string(self.log_file()).unwrap()
            );
            http.get("/readyz")
                .await
                .is_ok_and(|answer| answer.status.is_success())
                .then_some(())
        })
        .await;
        daemon
    }

    /// Starts the daemon.
    pub(crate) fn spawn(&self) -> Daemon {
        fs::create_dir_all(self.state_dir()).unwrap();
        fs::set_permissions(self.state_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .unwrap();
        Daemon {
            child: self.command(log).spawn().unwrap(),
        }
    }

    /// Starts the daemon where it should refuse to, and waits for its end; its exit code and what it said.
    pub(crate) async fn refused(&self, limit: Duration) -> (Option<i32>, String, Duration) {
        fs::create_dir_all(self.state_dir()).unwrap();
        let path = self.path().join("refused.log");
        let begun = monotonic();
        let mut daemon = Daemon {
            child: self.command(File::create(&path).unwrap()).spawn().unwrap(),
        };
        let status = daemon.ended(limit).await;
        (
            status.code(),
            fs::read_to_string(path).unwrap(),
            monotonic().duration_since(begun),
        )
    }

    fn command(&self, log: File) -> Command {
        let mut words = self.through.clone();
        words.push(env!("CARGO_BIN_EXE_araldo").into());
        let mut command = Command::new(&words[0]);
        command
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().cloned())
            .args(&words[1..])
            .arg("run")
            .arg("--config")
            .arg(self.config_file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    /// Waits until new messages are taken; how long that took.
    pub(crate) async fn ready(&self, limit: Duration) -> Duration {
        let begun = monotonic();
        let mut http = Http::new(self.admin, "");
        until(limit, "the daemon is ready", async || {
            http.get("/readyz")
                .await
                .is_ok_and(|answer| answer.status.is_success())
                .then_some(())
        })
        .await;
        monotonic().duration_since(begun)
    }

    /// A client of the API.
    pub(crate) fn client(&self) -> Http {
        Http::new(self.api, KEY)
    }

    /// An operator.
    pub(crate) fn operator(&self) -> Http {
        let token = fs::read_to_string(self.state_dir().join("admin.token")).unwrap();
        Http::new(self.admin, token.trim())
    }

    /// The tables, as they stand on disk.
    pub(crate) fn database(&self) -> Database {
        Database::new(self.database_file())
    }

    /// The daemon's own words, over all its starts.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log_file()).unwrap();
        // The last line of a process that was killed may be half a line.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The events of that name.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        self.log().into_iter().filter(|line| line["event"] == name).collect()
    }

    /// Everything that was said by a panic, an assertion or a bug.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log_file()).unwrap();
        text.lines()
            .filter(|line| line.contains("panicked"))
            .map(str::to_owned)
            .collect()
    }

    /// Has the command line do something with the running daemon, and gives the JSON that it prints.
    pub(crate) fn araldo(&self, words: &[&str]) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_araldo"))
            .env_clear()
            .args(words)
            .args(["--json", "--config"])
            .arg(self.config_file())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {}: {said}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until no owner has anything to be told; fails when some still have after `limit`.
    pub(crate) async fn told(&self, limit: Duration) {
        let pending = "SELECT count(*) FROM notice WHERE due_at IS NOT NULL";
        let what = "every outcome is told";
        until(limit, what, async || {
            (self.database().number(pending).await == 0).then_some(())
        })
        .await;
    }

    /// Waits until no message is open; fails with what is, when some still are after `limit`.
    pub(crate) async fn settled(&self, limit: Duration) {
        let database = self.database();
        let deadline = monotonic() + limit;
        loop {
            let open = database.open().await;
            if open.is_empty() {
                return;
            }
            assert!(monotonic() < deadline, "open after {limit:?}: {open:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("kept for a look: {}", dir.keep().display());
        }
    }
}

impl Daemon {
    /// As if the power went for this process alone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "it had ended before: {status}"
        );
    }

    /// A planned stop, as systemd asks for it.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Asks for the catalogue to be read anew.
    pub(crate) fn hang_up(&self) {
        kill_process(self.pid(), Signal::HUP).unwrap();
    }

    /// A planned stop, to its end.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.ended(LIMIT).await
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let child = &mut self.child;
        until(limit, "the daemon has ended", async || child.try_wait().unwrap()).await
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The section of a carrier, with back-offs short enough for a test.
pub(crate) fn carrier_section(name: &str, addr: SocketAddr, more: &str) -> String {
    format!(
        "[carrier.{name}]\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"bank\"\npassword = \"secret\"\ntls = false\n\
         insecure_plaintext = true\nreconnect_min = \"100ms\"\nreconnect_max = \"1s\"\nretry_min = \"100ms\"\n\
         retry_max = \"1s\"\n{more}\n",
        addr.port()
    )
}

impl Carrier {
    /// Its section in the daemon's configuration.
    pub(crate) fn section(&self, more: &str) -> String {
        carrier_section(&self.name, self.smpp, more)
    }
}
