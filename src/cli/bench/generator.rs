//! The load: a process of its own, so that its CPU is not the daemon's.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;

use super::http::Connection;
use super::template::{Packing, Requests, Shape};
use crate::cli::Exit;
use crate::clock::monotonic;

/// The variable that hands over the API key: arguments can be read by everyone.
pub(super) const KEY_VARIABLE: &str = "ARALDO_BENCH_KEY";
/// How long a request that found the daemon busy waits.
const BUSY_WAIT: Duration = Duration::from_millis(20);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What to send. Started by `araldo bench`, which says "go" on its standard input.
#[derive(Clone, Debug, clap::Args)]
pub struct GeneratorArgs {
    /// Where the daemon's API listens.
    #[arg(long)]
    api: SocketAddr,
    /// Messages to send.
    #[arg(long)]
    messages: u64,
    /// The number of the first.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Connections.
    #[arg(long)]
    connections: u32,
    /// The class.
    #[arg(long)]
    class: String,
    /// Ask for no receipt.
    #[arg(long)]
    no_receipt: bool,
    /// Messages a request of NDJSON; zero is one message a request, as JSON.
    #[arg(long, default_value_t = 0)]
    ndjson: u32,
    /// Events a request, in a batch.
    #[arg(long, conflicts_with = "ndjson")]
    events: Option<u32>,
    /// Send an idempotency key with each.
    #[arg(long)]
    keys: bool,
    /// Messages a second; as fast as they are taken where it is absent.
    #[arg(long)]
    rate: Option<u32>,
}

/// A line that the generator prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// Connected; waits for "go".
    Ready,
    /// So many are accepted.
    Accepted(u64),
    /// The end.
    Done(Accepts),
    /// It went no further.
    Failed(String),
}

/// How the requests went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Accepts {
    /// Messages answered 2xx.
    pub(super) accepted: u64,
    /// Messages answered otherwise.
    pub(super) refused: u64,
    /// Requests sent again since the daemon was busy.
    pub(super) retried: u64,
    /// The first refusal, in the daemon's words.
    pub(super) first_refusal: Option<String>,
    /// From the first request to the last answer.
    pub(super) seconds: f64,
    /// From a request to its answer, in milliseconds.
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// What the connections share. They run on one thread.
struct Work {
    args: GeneratorArgs,
    key: String,
    /// When the first request went out.
    start: Cell<Instant>,
    next: Cell<u64>,
    waits: RefCell<Vec<u32>>,
    accepts: RefCell<Accepts>,
}

impl GeneratorArgs {
    fn packing(&self) -> Packing {
        match (self.events, self.ndjson) {
            (Some(count), _) => Packing::Events(count),
            (None, 0) => Packing::Single,
            (None, count) => Packing::Ndjson(count),
        }
    }

    /// Does it.
    pub fn run(self) -> Exit {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = runtime.and_then(|runtime| LocalSet::new().block_on(&runtime, generate(self)));
        let (told, exit) = match done {
            Ok(accepts) => (Told::Done(accepts), Exit::Ok),
            Err(error) => (Told::Failed(error.to_string()), Exit::Error),
        };
        // Without a reader the exit code is what is left.
        let _ = tell(&told);
        exit
    }
}

async fn generate(args: GeneratorArgs) -> io::Result<Accepts> {
    let key = std::env::var(KEY_VARIABLE).map_err(|_| io::Error::other("started by `araldo bench` only"))?;
    let (first, count) = (args.first, args.connections);
    let requests = usize::try_from(args.messages / u64::from(args.packing().size())).unwrap_or(0) + 1;
    let work = Rc::new(Work {
        args,
        key,
        start: Cell::new(monotonic()),
        next: Cell::new(first),
        waits: RefCell::new(Vec::with_capacity(requests)),
        accepts: RefCell::default(),
    });
    let mut connections = Vec::new();
    for _ in 0..count {
        connections.push(Connection::open(work.args.api).await?);
    }
    tell(&Told::Ready)?;
    io::stdin().lock().read_line(&mut String::new())?;

    let start = monotonic();
    work.start.set(start);
    let told = tokio::task::spawn_local(tell_progress(work.clone()));
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(send(work.clone(), connection)))
        .collect();
    for task in tasks {
        task.await.map_err(io::Error::other)??;
    }
    told.abort();
    let mut accepts = work.accepts.take();
    accepts.seconds = start.elapsed().as_secs_f64();
    accepts.measure(&mut work.waits.borrow_mut());
    Ok(accepts)
}

/// One connection: the next numbers, a request, its answer, until all are sent.
async fn send(work: Rc<Work>, mut connection: Connection) -> io::Result<()> {
    let args = &work.args;
    let shape = Shape {
        class: args.class.clone(),
        receipt: !args.no_receipt,
        keys: args.keys,
    };
    let mut requests = Requests::new(args.api, &work.key, &shape, args.packing());
    let end = args.first + args.messages;
    loop {
        let from = work.next.get();
        let numbers = from..(from + requests.size()).min(end);
        if numbers.is_empty() {
            return Ok(());
        }
        work.next.set(numbers.end);
        let request = requests.render(numbers.clone());
        let mut start = work.due(numbers.start).await;
        let mut status = connection.exchange(request).await?;
        while status == 503 || status == 429 {
            work.accepts.borrow_mut().retried += 1;
            tokio::time::sleep(BUSY_WAIT).await;
            start = monotonic();
            status = connection.exchange(request).await?;
        }
        work.answered(start, status, numbers.end - numbers.start, connection.body());
    }
}

impl Work {
    /// Waits until a message is due. Where there is a rate its wait counts from when it was to be sent, so that a daemon
    /// that stands still is not spared by those who wait for it.
    async fn due(&self, number: u64) -> Instant {
        let Some(rate) = self.args.rate else {
            return monotonic();
        };
        let after = (number - self.args.first) as f64 / f64::from(rate);
        let due = self.start.get() + Duration::from_secs_f64(after);
        tokio::time::sleep_until(due.into()).await;
        due
    }

    fn answered(&self, start: Instant, status: u16, messages: u64, body: &[u8]) {
        let micros = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.waits.borrow_mut().push(micros);
        let mut accepts = self.accepts.borrow_mut();
        let good = match status {
            200..300 if self.args.packing() != Packing::Single => body
                .split(|octet| *octet == b'\n')
                .filter(|line| contains(line, b"\"id\":\"msg_"))
                .count() as u64,
            200..300 => messages,
            _ => 0,
        };
        accepts.accepted += good;
        if good < messages {
            accepts.refused += messages - good;
            if accepts.first_refusal.is_none() {
                let line = body
                    .split(|octet| *octet == b'\n')
                    .find(|line| !contains(line, b"\"id\":\"msg_"));
                let text = String::from_utf8_lossy(line.unwrap_or(body));
                accepts.first_refusal = Some(format!("{status} {}", text.chars().take(500).collect::<String>()));
            }
        }
    }
}

impl Accepts {
    fn measure(&mut self, waits: &mut [u32]) {
        waits.sort_unstable();
        let at = |share: f64| {
            // The smallest wait that `share` of all do not exceed.
            let rank = (waits.len() as f64 * share).ceil() as usize;
            waits
                .get(rank.saturating_sub(1))
                .map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        (self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms) = (at(0.5), at(0.9), at(0.99), at(1.0));
    }
}

async fn tell_progress(work: Rc<Work>) {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let accepted = work.accepts.borrow().accepted;
        if tell(&Told::Accepted(accepted)).is_err() {
            // Nobody listens any more; the end will say so too.
            return;
        }
    }
}

fn tell(told: &Told) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, told)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|octets| octets == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_waits_that_happened() {
        let mut accepts = Accepts::default();
        accepts.measure(&mut (1..=100).rev().map(|ms| ms * 1000).collect::<Vec<u32>>());
        assert_eq!((accepts.p50_ms, accepts.p99_ms, accepts.max_ms), (50.0, 99.0, 100.0));
        accepts.measure(&mut []);
        assert_eq!(accepts.max_ms, 0.0);
    }
}
