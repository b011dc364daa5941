//! A place to run a verb in: configuration, token, and perhaps somebody who listens.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A state directory with a token, a configuration, and perhaps somebody who listens.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) addr: SocketAddr,
    /// Request line and body of everything asked.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    /// With a listener that answers by path.
    pub(crate) fn new(answer: fn(&str) -> (u16, Value)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bench = Self::at(listener.local_addr().unwrap());
        let asked = bench.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                while let Some((line, body)) = read_request(&mut reader) {
                    let (status, answer) = answer(&line);
                    asked.lock().unwrap().push((line, body));
                    let answer = answer.to_string();
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
                    if reader.get_mut().write_all((head + &answer).as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        bench
    }

    /// With nobody who listens.
    pub(crate) fn deserted() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::at(listener.local_addr().unwrap())
    }

    fn at(addr: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite://{}/araldo.db\"\n[http.admin]\nlisten = \"{addr}\"\n\
             [client.bank]\nkey_file = \"not-for-us.key\"\n[carrier.tim]\nhost = \"h\"\nsystem_id = \"a\"\n\
             password_credential = \"tim\"\n",
            dir.path().display()
        );
        fs::write(dir.path().join("araldo.toml"), config).unwrap();
        fs::write(dir.path().join("admin.token"), format!("{TOKEN}\n")).unwrap();
        fs::set_permissions(dir.path().join("admin.token"), fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            dir,
            addr,
            asked: Arc::default(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("araldo").unwrap();
        command
            .env_clear()
            .env("TZ", "Europe/Rome")
            .args(args)
            .arg("--config")
            .arg(self.dir.path().join("araldo.toml"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ended {
        let output = self.command(args).write_stdin(input).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ended = Ended {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(
            !ended.err.contains("panicked") && !ended.err.contains(TOKEN),
            "{}",
            ended.err
        );
        ended
    }

    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}

fn read_request(reader: &mut BufReader<std::net::TcpStream>) -> Option<(String, String)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let (mut length, mut token) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        match line.split_once(": ") {
            None => break,
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("authorization", value)) => token = value == format!("bearer {TOKEN}"),
            Some(_) => {}
        }
    }
    assert!(token, "every request shows the token");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = first.trim().strip_suffix(" HTTP/1.1")?.replace("/admin/v1/", "");
    Some((line, String::from_utf8(body).unwrap()))
}
