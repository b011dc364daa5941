//! One trial: simulator, daemon and generator started, the work done, its cost taken.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

use super::child::{Process, log_path, settings};
use super::generator::{self, Accepts, KEY_VARIABLE};
use super::http::Connection;
use super::sink::{Ready, Taken};
use super::template::Packing;
use super::{BenchArgs, BenchError};
use crate::cli::Global;
use crate::clock::{monotonic, secret_bits};
use crate::notify::shipped;

/// How long daemon and simulator may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// How long nothing may happen before a trial is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is asked how far it is; the ends of a trial are known this exactly.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Messages sent before the trial, so that it does not measure first pages and statements being prepared.
const WARM_UP: u64 = 500;

/// The work, and where.
pub(super) struct Trial<'a> {
    args: &'a BenchArgs,
    global: &'a Global,
    directory: &'a Path,
    key: String,
}

/// What came out.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) configuration: String,
    pub(super) accepts: Accepts,
    /// From the first request to the last message final.
    pub(super) seconds: f64,
    /// Of the daemon alone, over that time.
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_kib: u64,
    pub(super) queued: Option<Queued>,
    pub(super) events: Option<Told>,
}

/// Of a trial with events.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What the back end was told over the trial.
    pub(super) taken: Taken,
    /// The daemon's peak when a quarter of the messages was accepted.
    pub(super) quarter_peak_rss_kib: u64,
}

/// Of a trial that queues first.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// The daemon's peak while all were queued.
    pub(super) peak_rss_kib: u64,
    /// Processor seconds of taking them.
    pub(super) accept_cpu_seconds: f64,
    /// From the carrier's start to the last message final.
    pub(super) drain_seconds: f64,
}

/// The processes, once they are ready.
struct Stage {
    simulator: Process,
    daemon: Process,
    api: SocketAddr,
    admin: Remote,
    control: Remote,
    sink: Option<(Process, Remote)>,
    /// The daemon's peak when a quarter of the messages was accepted.
    quarter_peak_rss_kib: u64,
}

/// Somebody who answers small requests.
struct Remote {
    addr: SocketAddr,
    token: String,
}

impl<'a> Trial<'a> {
    pub(super) fn new(args: &'a BenchArgs, global: &'a Global, directory: &'a Path) -> Self {
        let key = hex::encode(secret_bits());
        Self {
            args,
            global,
            directory,
            key,
        }
    }

    /// Runs it from start to stop.
    pub(super) async fn run(&self) -> Result<Figures, BenchError> {
        let (simulator, smpp, control) = self.start_simulator().await?;
        let sink = match self.args.events {
            Some(_) => Some(self.start_sink().await?),
            None => None,
        };
        let configuration = self.write_configuration(smpp, sink.as_ref().map(|(_, remote)| remote.addr))?;
        let (daemon, api, admin) = self.start_daemon().await?;
        let mut stage = Stage {
            simulator,
            daemon,
            api,
            admin: Remote::new(admin, &read_token(self.directory)?),
            control: Remote::new(control, ""),
            sink,
            quarter_peak_rss_kib: 0,
        };
        stage.wait_for_bind().await?;
        stage.work(self, 0, WARM_UP, &ProgressBar::hidden()).await?;
        stage.wait_for_end(self, WARM_UP, &ProgressBar::hidden()).await?;
        let warm = stage.told().await?;

        let bar = progress_bar(self.args.count());
        let (start, cpu) = (monotonic(), stage.daemon.cpu_seconds()?);
        let mut figures = match self.args.queued {
            None => {
                let accepts = stage.work(self, WARM_UP, self.args.count(), &bar).await?;
                stage.wait_for_end(self, WARM_UP + accepts.accepted, &bar).await?;
                Figures::new(configuration, accepts)
            }
            Some(count) => self.queue_and_drain(count, &mut stage, configuration, &bar).await?,
        };
        figures.seconds = start.elapsed().as_secs_f64();
        figures.cpu_seconds = stage.daemon.cpu_seconds()? - cpu;
        figures.peak_rss_kib = stage.daemon.peak_rss_kib()?;
        if let (Some(before), Some(after)) = (warm, stage.told().await?) {
            figures.events = Some(Told {
                taken: after.since(before),
                quarter_peak_rss_kib: stage.quarter_peak_rss_kib,
            });
        }
        bar.finish_and_clear();
        let Stage {
            daemon,
            simulator,
            sink,
            ..
        } = stage;
        daemon.stop().await?;
        simulator.stop().await?;
        if let Some((sink, _)) = sink {
            sink.stop().await?;
        }
        Ok(figures)
    }

    async fn queue_and_drain(
        &self,
        count: u64,
        stage: &mut Stage,
        configuration: String,
        bar: &ProgressBar,
    ) -> Result<Figures, BenchError> {
        let cpu = stage.daemon.cpu_seconds()?;
        stage.admin.post("/admin/v1/carriers/simulator/stop").await?;
        stage.wait_for_carrier("stopped").await?;
        bar.set_message("queued");
        let accepts = stage.work(self, WARM_UP, count, bar).await?;
        let peak_rss_kib = stage.daemon.peak_rss_kib()?;
        let accept_cpu_seconds = stage.daemon.cpu_seconds()? - cpu;
        bar.reset();
        bar.set_message("drained");
        let start = monotonic();
        stage.admin.post("/admin/v1/carriers/simulator/start").await?;
        stage.wait_for_end(self, WARM_UP + accepts.accepted, bar).await?;
        let queued = Queued {
            peak_rss_kib,
            accept_cpu_seconds,
            drain_seconds: start.elapsed().as_secs_f64(),
        };
        Ok(Figures {
            queued: Some(queued),
            ..Figures::new(configuration, accepts)
        })
    }

    async fn start_simulator(&self) -> Result<(Process, SocketAddr, SocketAddr), BenchError> {
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
            (Some(smpp), Some(control)) => Ok((simulator, smpp, control)),
            _ => Err(self.not_ready("simulator")),
        }
    }

    async fn start_sink(&self) -> Result<(Process, Remote), BenchError> {
        let mut sink = Process::start("sink", self.directory, true, |command| {
            command.arg("bench-sink");
        })?;
        match first_line::<Ready>(&mut sink).await {
            Some(ready) => Ok((sink, Remote::new(ready.sink, ""))),
            None => Err(self.not_ready("sink")),
        }
    }

    async fn start_daemon(&self) -> Result<(Process, SocketAddr, SocketAddr), BenchError> {
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

    /// The default configuration with one carrier, which takes whatever it is given.
    fn write_configuration(&self, smpp: SocketAddr, sink: Option<SocketAddr>) -> Result<String, BenchError> {
        let window = self
            .args
            .window
            .map_or_else(String::new, |window| format!("window = {window}\n"));
        let (database, port) = (self.directory.join("araldo.db"), smpp.port());
        let secret = format!("whsec_{}", STANDARD.encode(secret_bits()));
        let events = match (self.args.events, sink) {
            (Some(batch), Some(sink)) => self.write_rule(batch, sink, &secret)?,
            _ => String::new(),
        };
        let text = format!(
            "[store]\nurl = \"sqlite://{}\"\n[http.api]\nlisten = \"127.0.0.1:0\"\n[http.admin]\nlisten = \
             \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n[client.bench]\nkey = \"{}\"\ndefault_sender = \"Araldo\"\n\
             scopes = [\"send\", \"read\", \"events\"]\n\
             [carrier.simulator]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"bench\"\ntls = false\n\
             insecure_plaintext = true\n{window}[route.all]\nsteps = [{{ carriers = [\"simulator\"] }}]\n{events}",
            database.display(),
            self.key
        );
        let path = self.directory.join("araldo.toml");
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            io::Write::write_all(&mut file, text.as_bytes())
        };
        write().map_err(|source| BenchError::directory(&path, source))?;
        Ok(text.replace(&self.key, "***").replace(&secret, "***"))
    }

    /// A rule with one of the texts that come along, and who is told; writes the text.
    fn write_rule(&self, batch: u32, sink: SocketAddr, secret: &str) -> Result<String, BenchError> {
        let folder = self.directory.join("templates");
        let write = || {
            fs::create_dir(&folder)?;
            let mut files = shipped::templates().into_iter();
            files.try_for_each(|(name, octets)| fs::write(folder.join(&*name), octets))
        };
        write().map_err(|source| BenchError::directory(&folder, source))?;
        Ok(format!(
            "[event.bench]\ntype = \"bench\"\nto = \"{{{{ data.msisdn }}}}\"\nlocale = \"it\"\ntemplate = \
             \"transfer_executed\"\nclass = \"{}\"\nreference = \"{{{{ data.transaction }}}}\"\n[webhook]\nallow_networks = \
             [\"127.0.0.0/8\"]\n[client.bench.webhook]\nurl = \"http://{sink}/\"\nsecret = \"{secret}\"\nbatch = {batch}\n",
            self.args.class
        ))
    }
}

impl Figures {
    fn new(configuration: String, accepts: Accepts) -> Self {
        Self {
            configuration,
            accepts,
            seconds: 0.0,
            cpu_seconds: 0.0,
            peak_rss_kib: 0,
            queued: None,
            events: None,
        }
    }
}

impl Stage {
    /// Sends messages and waits until all are answered. A refusal ends the trial: half a work has no figures.
    async fn work(
        &mut self,
        trial: &Trial<'_>,
        first: u64,
        count: u64,
        bar: &ProgressBar,
    ) -> Result<Accepts, BenchError> {
        let args = trial.args;
        let mut generator = Process::start("generator", trial.directory, true, |command| {
            command.arg("bench-generator").arg("--api").arg(self.api.to_string());
            command.args(["--messages", &count.to_string(), "--first", &first.to_string()]);
            command.args(["--connections", &args.connections.to_string(), "--class", &args.class]);
            match args.packing() {
                Packing::Single => command.args(["--ndjson", "0"]),
                Packing::Ndjson(batch) => command.args(["--ndjson", &batch.to_string()]),
                Packing::Events(batch) => command.args(["--events", &batch.to_string()]),
            };
            for (given, option) in [(args.no_receipt, "--no-receipt"), (args.keys, "--keys")] {
                if given {
                    command.arg(option);
                }
            }
            command.env(KEY_VARIABLE, &trial.key).stdin(Stdio::piped());
        })?;
        let unheard = || BenchError::Process("generator", "it ended without a word".to_owned());
        let mut input = generator.child.stdin.take().ok_or_else(unheard)?;
        let mut lines = BufReader::new(generator.child.stdout.take().ok_or_else(unheard)?).lines();
        loop {
            let line = timeout(PATIENCE, lines.next_line()).await;
            let line = line.map_err(|_| BenchError::Stuck(format!("no word from the generator for {PATIENCE:?}")))?;
            let line = line.ok().flatten().ok_or_else(unheard)?;
            match serde_json::from_str(&line) {
                Ok(generator::Told::Ready) => input.write_all(b"go\n").await.map_err(|_| unheard())?,
                Ok(generator::Told::Accepted(accepted)) => {
                    bar.set_position(accepted);
                    // A quick trial may be past its quarter at the first word.
                    if accepted * 4 <= count || self.quarter_peak_rss_kib == 0 {
                        self.quarter_peak_rss_kib = self.daemon.peak_rss_kib()?;
                    }
                }
                Ok(generator::Told::Done(accepts)) if accepts.refused > 0 => {
                    let first = accepts.first_refusal.unwrap_or_default();
                    return Err(BenchError::Refused(accepts.refused, first));
                }
                Ok(generator::Told::Done(accepts)) => return Ok(accepts),
                Ok(generator::Told::Failed(why)) => return Err(BenchError::Process("generator", why)),
                Err(_) => return Err(BenchError::Process("generator", line)),
            }
            if let Some(ended) = self.daemon.ended() {
                return Err(ended);
            }
        }
    }

    async fn wait_for_bind(&mut self) -> Result<(), BenchError> {
        self.wait_for_carrier("up").await
    }

    async fn wait_for_carrier(&mut self, state: &str) -> Result<(), BenchError> {
        let start = monotonic();
        while start.elapsed() < READY {
            let carriers = self.admin.get("/admin/v1/carriers").await?;
            if carriers["data"][0]["state"] == state {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        Err(BenchError::Stuck(format!("the carrier is not {state} after {READY:?}")))
    }

    /// Waits until so many messages, counted from the daemon's start, are final. The simulator is asked, since asking
    /// the daemon would cost what is measured; only the last word is the daemon's.
    async fn wait_for_end(&mut self, trial: &Trial<'_>, count: u64, bar: &ProgressBar) -> Result<(), BenchError> {
        let what = if trial.args.no_receipt {
            "accepted"
        } else {
            "receipts_taken"
        };
        let mut last = Moved::new();
        loop {
            let stats = self.control.get("/stats").await?;
            let settled = stats[what].as_u64().unwrap_or(0);
            bar.set_position(settled.saturating_sub(WARM_UP));
            if settled >= count {
                break;
            }
            last.check(settled, || format!("{settled} of {count} {what}"))?;
            sleep(LOOK_EVERY).await;
        }
        let mut last = Moved::new();
        loop {
            let queue = self.admin.get("/admin/v1/queue").await?;
            let open = queue["open"].as_array().map_or(&[][..], Vec::as_slice);
            // Where no receipt is wanted, submitted is the end.
            let open = open
                .iter()
                .filter(|row| !(trial.args.no_receipt && row["state"] == "submitted"));
            let open: u64 = open.filter_map(|row| row["messages"].as_u64()).sum();
            if open == 0 {
                break;
            }
            last.check(open, || format!("{open} messages are not final: {}", queue["open"]))?;
            sleep(LOOK_EVERY).await;
        }
        let mut last = Moved::new();
        while let Some(taken) = self.told().await? {
            // Each message was submitted, and delivered.
            if taken.webhooks >= count * 2 {
                break;
            }
            last.check(taken.webhooks, || {
                format!("{} of {} outcomes are told", taken.webhooks, count * 2)
            })?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// What the back end was told, if there is one.
    async fn told(&mut self) -> Result<Option<Taken>, BenchError> {
        let Some((_, sink)) = &mut self.sink else {
            return Ok(None);
        };
        let stats = sink.get("/stats").await?;
        let taken = serde_json::from_value(stats);
        taken
            .map(Some)
            .map_err(|error| BenchError::Process("sink", error.to_string()))
    }
}

/// Notices when a number does not move any more.
struct Moved {
    value: u64,
    at: Instant,
}

impl Moved {
    fn new() -> Self {
        Self {
            value: 0,
            at: monotonic(),
        }
    }

    fn check(&mut self, value: u64, what: impl FnOnce() -> String) -> Result<(), BenchError> {
        if value != self.value {
            (self.value, self.at) = (value, monotonic());
        }
        if self.at.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(BenchError::Stuck(format!("nothing moves for {PATIENCE:?}: {}", what())))
    }
}

impl Remote {
    fn new(addr: SocketAddr, token: &str) -> Self {
        Self {
            addr,
            token: token.to_owned(),
        }
    }

    async fn get(&mut self, path: &str) -> Result<Value, BenchError> {
        self.ask("GET", path).await
    }

    async fn post(&mut self, path: &str) -> Result<Value, BenchError> {
        self.ask("POST", path).await
    }

    async fn ask(&mut self, method: &str, path: &str) -> Result<Value, BenchError> {
        let (addr, token) = (self.addr, &self.token);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
        );
        // A connection of its own each time: a trial is longer than an idle one is kept.
        let asked = async {
            let mut connection = Connection::open(addr).await?;
            let status = connection.exchange(request.as_bytes()).await?;
            Ok((status, connection))
        };
        let (status, connection) = asked.await.map_err(|error| lost(addr, &error))?;
        let body = connection.body();
        if !(200..300).contains(&status) {
            let text = String::from_utf8_lossy(body);
            return Err(BenchError::Stuck(format!("{method} {path}: {status} {text}")));
        }
        serde_json::from_slice(body).map_err(|error| BenchError::Stuck(format!("{method} {path}: {error}")))
    }
}

fn lost(addr: SocketAddr, error: &io::Error) -> BenchError {
    BenchError::Stuck(format!("no answer from {addr}: {error}"))
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

fn read_token(directory: &Path) -> Result<String, BenchError> {
    let path = directory.join("admin.token");
    let text = fs::read_to_string(&path).map_err(|source| BenchError::directory(&path, source))?;
    Ok(text.trim().to_owned())
}

/// Shown on a terminal only.
fn progress_bar(count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {msg} {per_sec:.0}");
    let bar = ProgressBar::new(count);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
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
