//! The back end that is told: a process of its own that counts what it is told, each outcome once.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::cli::Exit;

/// Where it listens. Started by `araldo bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct SinkArgs {
    /// The address.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
}

/// The line with which it says that it is ready.
#[derive(Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) sink: SocketAddr,
}

/// What it was told.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Requests.
    pub(super) posts: u64,
    /// Outcomes, each once.
    pub(super) webhooks: u64,
    /// Of these, deliveries.
    pub(super) delivered: u64,
    /// Outcomes that came once more.
    pub(super) again: u64,
}

impl Taken {
    /// What came since then.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            posts: self.posts - before.posts,
            webhooks: self.webhooks - before.webhooks,
            delivered: self.delivered - before.delivered,
            again: self.again - before.again,
        }
    }
}

#[derive(Default)]
struct Told {
    taken: Taken,
    /// Ids, by their octets.
    known: HashSet<Box<[u8]>>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    id: &'a str,
    r#type: &'a str,
}

impl SinkArgs {
    /// Takes webhooks until it is stopped.
    pub fn run(self) -> Exit {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime.and_then(|runtime| runtime.block_on(self.listen())) {
            Ok(()) => Exit::Ok,
            Err(error) => {
                // A closed standard error leaves the exit code.
                let _ = writeln!(io::stderr(), "error: {error}");
                Exit::Error
            }
        }
    }

    async fn listen(self) -> io::Result<()> {
        let listener = TcpListener::bind(self.listen).await?;
        let sink = listener.local_addr()?;
        serde_json::to_writer(io::stdout(), &Ready { sink })?;
        writeln!(io::stdout())?;
        let told: Arc<Mutex<Told>> = Arc::default();
        let router = Router::new()
            .route("/", post(take))
            .route("/stats", get(stats))
            .with_state(told);
        let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let ended = async move {
            stop.recv().await;
        };
        tokio::select! {
            served = async { axum::serve(listener, router).await } => served,
            () = ended => Ok(()),
        }
    }
}

async fn take(State(told): State<Arc<Mutex<Told>>>, body: Bytes) -> StatusCode {
    let Ok(outcomes) = serde_json::from_slice::<Vec<Outcome<'_>>>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let Ok(mut told) = told.lock() else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    told.taken.posts += 1;
    for outcome in outcomes {
        if told.known.insert(outcome.id.as_bytes().into()) {
            told.taken.webhooks += 1;
            told.taken.delivered += u64::from(outcome.r#type == "message.delivered");
        } else {
            told.taken.again += 1;
        }
    }
    StatusCode::OK
}

async fn stats(State(told): State<Arc<Mutex<Told>>>) -> Json<Taken> {
    Json(told.lock().map(|told| told.taken).unwrap_or_default())
}
