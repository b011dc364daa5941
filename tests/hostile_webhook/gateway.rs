//! The daemon as it is shipped, told to bring outcomes to every hostile address: as a message's callback, and, where its
//! looks pass, as the configured webhook of a client.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use tokio::net::TcpStream;

use crate::hostile;

const API: &str = "127.0.0.1:8480";
const ADMIN: &str = "127.0.0.1:8481";
const FINE: [&str; 2] = ["https://public.rig.example/", "https://[2606:4700:4700::1111]/"];
/// How often something awaited is looked at, and how often at most.
const GLANCE: Duration = Duration::from_millis(50);
const GLANCES: u32 = 1_200;

/// Has the daemon call all of them; how often each answer was written down, `refused` where the API refused the address.
pub(crate) async fn pass(dir: &Path) -> BTreeMap<String, u64> {
    let cases = hostile::cases();
    let urls = cases.iter().map(|case| (case.url.as_str(), case.posts));
    let urls: Vec<(&str, u64)> = FINE.iter().map(|url| (*url, 1)).chain(urls).collect();
    let mut answers = BTreeMap::new();

    let mut daemon = Daemon::start(dir, &client("bank", FINE[0])).await;
    let mut passed = Vec::new();
    for (url, posts) in &urls {
        for post in 0..*posts {
            if daemon.tell("bank", Some(url)).await {
                if post == 0 {
                    passed.push((*url, *posts));
                }
            } else {
                *answers.entry("refused".to_owned()).or_default() += 1;
            }
        }
    }
    daemon.outcomes(dir, &mut answers).await;

    let name = |at: usize| format!("client-{at}");
    let clients: String = (passed.iter().enumerate())
        .map(|(at, (url, _))| client(&name(at), url))
        .collect();
    let mut daemon = Daemon::start(dir, &clients).await;
    for (at, (url, posts)) in passed.iter().enumerate() {
        for _ in 0..*posts {
            assert!(daemon.tell(&name(at), None).await, "{url}");
        }
    }
    daemon.outcomes(dir, &mut answers).await;
    answers
}

fn key(client: &str) -> String {
    format!("{client}-0123456789abcdefghijklmnopqrstuvwxyz")
}

fn client(name: &str, url: &str) -> String {
    format!(
        "[client.{name}]\nkey = \"{}\"\n[client.{name}.webhook]\nurl = \"{url}\"\n\
         secret = \"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"\ntimeout = \"1s\"\n",
        key(name)
    )
}

/// A daemon at work, on a store of its own.
struct Daemon {
    process: Process,
    api: SendRequest<Full<Bytes>>,
}

/// Dropped, it is killed.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Daemon {
    async fn start(dir: &Path, clients: &str) -> Self {
        let state = dir.join("state");
        fs::create_dir(&state).unwrap();
        // Its carrier is away, so that every message waits to be cancelled: that is the outcome to be told.
        let config = format!(
            "[store]\nurl = \"sqlite://{}/araldo.db\"\nreserve_bytes = 0\n[http.api]\nlisten = \"{API}\"\n[http.admin]\n\
             listen = \"{ADMIN}\"\n[webhook]\nca_file = \"{}/ca.pem\"\n{clients}[carrier.away]\nhost = \"127.0.0.1\"\n\
             port = 1\nsystem_id = \"rig\"\npassword = \"secret\"\ntls = false\ninsecure_plaintext = true\n\
             [route.all]\nsteps = [{{ carriers = [\"away\"] }}]\n",
            state.display(),
            dir.display()
        );
        let file = dir.join("araldo.toml");
        let mut options = OpenOptions::new();
        let mut writer = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)
            .unwrap();
        writer.write_all(config.as_bytes()).unwrap();
        let log = dir.join("daemon.log");
        let process = Process(
            Command::new(env!("CARGO_BIN_EXE_araldo"))
                .env_clear()
                .args(["run", "--config"])
                .arg(&file)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&log).unwrap())
                .spawn()
                .unwrap(),
        );
        for _ in 0..GLANCES {
            if let Some(mut admin) = connect(ADMIN).await
                && ask(&mut admin, Method::GET, "/readyz", "", String::new()).await.0 == 200
                && let Some(api) = connect(API).await
            {
                return Self { process, api };
            }
            tokio::time::sleep(GLANCE).await;
        }
        panic!("the daemon is not ready: {}", fs::read_to_string(log).unwrap());
    }

    /// Has an outcome to be told: a message that is cancelled. False where the API refuses the callback.
    async fn tell(&mut self, client: &str, callback: Option<&str>) -> bool {
        let key = key(client);
        let mut wish = json!({ "to": "+393331234567", "from": "Rig", "text": "Ciao" });
        if let Some(url) = callback {
            wish["callback"] = json!(url);
        }
        let (status, answer) = ask(&mut self.api, Method::POST, "/v1/messages", &key, wish.to_string()).await;
        if status == 422 {
            assert_eq!(answer["errors"][0]["code"], "invalid_callback", "{answer}");
            return false;
        }
        assert_eq!(status, 202, "{answer}");
        let path = format!("/v1/messages/{}", answer["id"].as_str().unwrap());
        let (status, answer) = ask(&mut self.api, Method::DELETE, &path, &key, String::new()).await;
        assert_eq!(status, 200, "{answer}");
        true
    }

    /// Waits until every outcome was tried, stops, and counts what is written down of them.
    async fn outcomes(self, dir: &Path, answers: &mut BTreeMap<String, u64>) {
        let state = dir.join("state");
        let file = SqliteConnectOptions::new()
            .filename(state.join("araldo.db"))
            .read_only(true);
        let mut file = file.connect().await.unwrap();
        let untried = "SELECT count(*) FROM notice WHERE due_at IS NOT NULL AND attempts = 0";
        let mut glances = 0;
        while sqlx::query(untried)
            .fetch_one(&mut file)
            .await
            .unwrap()
            .get::<i64, _>(0)
            > 0
        {
            glances += 1;
            assert!(glances < GLANCES, "some outcomes were never tried");
            tokio::time::sleep(GLANCE).await;
        }
        let tried = "SELECT outcome, count(*) FROM notice WHERE endpoint IS NOT NULL GROUP BY outcome";
        for row in sqlx::query(tried).fetch_all(&mut file).await.unwrap() {
            *answers.entry(row.get(0)).or_default() += u64::try_from(row.get::<i64, _>(1)).unwrap();
        }
        drop(file);
        drop(self.process);
        fs::remove_dir_all(state).unwrap();
    }
}

async fn connect(addr: &str) -> Option<SendRequest<Full<Bytes>>> {
    let addr: SocketAddr = addr.parse().unwrap();
    let stream = TcpStream::connect(addr).await.ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

async fn ask(http: &mut SendRequest<Full<Bytes>>, method: Method, path: &str, key: &str, body: String) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    http.ready().await.unwrap();
    let response = http.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
