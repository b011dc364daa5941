//! The daemon as it is shipped: its own process, a directory, two listeners.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The API key of the one client.
pub(crate) const KEY: &str = "canary-api-key-0123456789abcdef";
/// The password that the daemon shows to its carriers.
pub(crate) const PASSWORD: &str = "cAnArYpw";
/// Longer than anything here should take; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    dir: TempDir,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A directory with a configuration, for a daemon that may or may not start.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    /// `carriers` are the tables `[carrier.*]` and `[route.*]`, in TOML.
    pub(crate) fn new(carriers: &str) -> Self {
        Self::with_log(carriers, "info,araldo=debug")
    }

    pub(crate) fn with_log(carriers: &str, filter: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        for (name, secret) in [("bank.key", KEY), ("carrier.pw", PASSWORD)] {
            let file = dir.path().join(name);
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let config = format!(
            "[store]\nurl = \"sqlite://{}/araldo.db\"\nmin_free_bytes = \"1MiB\"\nreserve_bytes = 0\n\
             [http.api]\nlisten = \"127.0.0.1:0\"\n[http.admin]\nlisten = \"127.0.0.1:0\"\n\
             [outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\ndrain_timeout = \"2s\"\n\
             [log]\nformat = \"json\"\nfilter = \"{filter}\"\n\
             [client.bank]\nkey_file = \"bank.key\"\nscopes = [\"send\", \"read\", \"inbound\"]\ndefault_sender = \"Bank\"\n\
             [address.\"12345\"]\nclient = \"bank\"\n{carriers}",
            state.display()
        );
        fs::write(dir.path().join("araldo.toml"), config).unwrap();
        Self(dir)
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.state().join("araldo.db")
    }

    fn spawn(&self) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.0.path().join("log"))
            .unwrap();
        Command::new(env!("CARGO_BIN_EXE_araldo"))
            .env_clear()
            .args(["run", "--config"])
            .arg(self.0.path().join("araldo.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// A start that must fail: the exit code and what was said.
    pub(crate) fn refused(&self) -> (i32, String) {
        let mut child = self.spawn();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().ok();
                panic!("it runs:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let said = self.log();
        assert!(!said.contains("panicked"), "{said}");
        (child.wait().unwrap().code().unwrap_or(-1), said)
    }

    pub(crate) fn start(self) -> Daemon {
        let before = self.log().len();
        let mut child = self.spawn();
        let ready = wait_for("the daemon to be ready", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("ended with {status}:\n{}", self.log());
            }
            self.log()[before..].lines().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                (line["event"] == "ready").then_some(line)
            })
        });
        let addr = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Daemon {
            child,
            api: addr("api"),
            admin: addr("admin"),
            dir: self.0,
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.0.path().join("log")).unwrap_or_default()
    }
}

impl Daemon {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn token(&self) -> String {
        fs::read_to_string(self.dir.path().join("state/admin.token"))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// GET of the admin listener.
    pub(crate) fn admin(&self, path: &str) -> Value {
        let (status, body) = request(self.admin, "GET", path, &self.token(), None);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The carriers as the CLI lists them.
    pub(crate) fn carrier(&self, id: &str) -> Value {
        let listed = self.cli(&["carriers", "list", "--json"]).1;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|carrier| carrier["id"] == id)
            .unwrap()
            .clone()
    }

    /// A verb against this daemon: exit code, standard output, standard error.
    pub(crate) fn cli(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_araldo"))
            .env_clear()
            .args(args)
            .args(["--admin", &self.admin.to_string(), "--token-file"])
            .arg(self.dir.path().join("state/admin.token"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Sends a message and gives its id.
    pub(crate) fn send(&self, message: &Value) -> String {
        let (status, body) = request(self.api, "POST", "/v1/messages", KEY, Some(message));
        assert_eq!(status, 202, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn send_text(&self, text: &str) -> String {
        self.send(&json!({ "to": "+393331234567", "text": text }))
    }

    pub(crate) fn message(&self, id: &str) -> Value {
        let (status, body) = request(self.api, "GET", &format!("/v1/messages/{id}"), KEY, None);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits until the message is in this state.
    pub(crate) fn until(&self, id: &str, state: &str) -> Value {
        self.until_message(id, state, |message| message["state"] == state)
    }

    pub(crate) fn until_message(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            last = self.message(id);
            if is(&last) {
                return last;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not {what}: {last:#}\n{}", self.log());
    }

    /// Waits until the log has this.
    pub(crate) fn until_log(&self, wanted: &str) {
        let begun = Instant::now();
        while !self.log().contains(wanted) {
            assert!(
                begun.elapsed() < PATIENCE,
                "`{wanted}` is not in the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Octets of memory that are resident.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// It lives, and nothing has gone wrong inside.
    pub(crate) fn is_well(&mut self) {
        let ended = self.child.try_wait().unwrap();
        let log = self.log();
        assert!(ended.is_none(), "{ended:?}\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(mut self) -> (i32, Home) {
        self.terminate();
        let status = wait_for("the daemon to end", || self.child.try_wait().unwrap());
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        (status.code().unwrap_or(-1), Home(dir))
    }

    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Home {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Home(std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "the daemon's log:\n{}",
                fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
            );
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What comes of asking again and again.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One HTTP request over a connection of its own: status and body.
pub(crate) fn request(to: SocketAddr, method: &str, path: &str, bearer: &str, body: Option<&Value>) -> (u16, String) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    (status, body)
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        body.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    body
}
