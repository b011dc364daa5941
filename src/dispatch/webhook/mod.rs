//! The lane by which owners are told what became of their messages: a worker an endpoint, each with its own pace, so
//! that one that is slow or dead delays nobody else.
//!
//! What is to be told stands in the store. A worker pulls it from there, posts it, and has written down what came of
//! it; what is under way is known to it alone. So a process that dies tells again, under the same ids: at least once.

mod body;
mod bundle;
mod call;
mod circuit;
mod policy;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::backend::{Answer, Keys, Pauses, Post, Webhooks};
use crate::clock::Clock;
use crate::domain::{Endpoint, Name};
use crate::outbox::Outbox;
use crate::store::{OffReason, Store};
use call::Call;
use worker::Worker;

/// Whoever brings posts to their endpoint.
pub trait Sender: Send + Sync + 'static {
    /// Sends one, once.
    fn post<'a>(&'a self, post: Post<'a>) -> BoxFuture<'a, Answer>;
}

impl Sender for Webhooks {
    fn post<'a>(&'a self, post: Post<'a>) -> BoxFuture<'a, Answer> {
        Box::pin(Self::post(self, post))
    }
}

/// How a client is told.
pub struct Hook {
    /// Its own address.
    pub url: Box<str>,
    /// What signs for it.
    pub keys: Keys,
    /// Events in one post; above 1 the body is an array.
    pub batch: usize,
    /// Posts under way at a time to one endpoint.
    pub concurrency: usize,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What the lane needs.
pub struct Lane {
    /// What is to be told.
    pub store: Arc<dyn Store>,
    /// Where it is written down what came of it.
    pub outbox: Outbox,
    /// Who posts.
    pub sender: Arc<dyn Sender>,
    /// The time.
    pub clock: Clock,
    /// How clients are told.
    pub hooks: HashMap<Name, Arc<Hook>>,
    /// The longest pause of an endpoint that fails again and again.
    pub max_pause: Duration,
    /// Where it is written which endpoints are paused.
    pub pauses: Arc<Pauses>,
    /// How long posts under way have at a stop.
    pub drain: Duration,
}

/// What workers share.
struct Shared {
    store: Arc<dyn Store>,
    outbox: Outbox,
    sender: Arc<dyn Sender>,
    clock: Clock,
    max_pause: Duration,
    pauses: Arc<Pauses>,
    drain: Duration,
    /// A worker has had its endpoint switched: what the store says of it now counts.
    switched: Notify,
}

impl Lane {
    /// Works until told to stop. Posts under way have their time then.
    pub async fn run(self, stop: CancellationToken) {
        let bell = self.outbox.bell().clone();
        let shared = Arc::new(Shared {
            store: self.store,
            outbox: self.outbox,
            sender: self.sender,
            clock: self.clock,
            max_pause: self.max_pause,
            pauses: self.pauses,
            drain: self.drain,
            switched: Notify::new(),
        });
        let mut crew = Crew {
            shared: shared.clone(),
            hooks: self.hooks,
            calls: HashMap::new(),
            workers: JoinSet::new(),
            stop: stop.clone(),
        };
        let mut look = !crew.look().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                rung = bell.rung() => {
                    look |= rung.all;
                    for endpoint in rung.afresh {
                        crew.worker(endpoint, None).begin_afresh();
                    }
                    // A look finds these too, and which of them are switched off.
                    if !look {
                        rung.endpoints.into_iter().for_each(|endpoint| crew.call(endpoint));
                    }
                }
                Some(ended) = crew.workers.join_next() => match ended {
                    Ok(endpoint) => crew.ended(endpoint),
                    Err(error) => {
                        tracing::error!(event = "webhook_worker_ended", %error);
                        look = true;
                    }
                },
                () = shared.switched.notified() => look = true,
                () = tokio::time::sleep(LOOK_AGAIN), if look => {}
            }
            if look {
                look = !crew.look().await;
            }
        }
        while crew.workers.join_next().await.is_some() {}
    }
}

/// How soon the endpoints are read again where the store did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The workers, and how to call them.
struct Crew {
    shared: Arc<Shared>,
    hooks: HashMap<Name, Arc<Hook>>,
    calls: HashMap<Endpoint, Arc<Call>>,
    workers: JoinSet<Endpoint>,
    stop: CancellationToken,
}

impl Crew {
    /// Calls for every endpoint that has something pending, and learns which are switched off. False where the store
    /// did not answer.
    async fn look(&mut self) -> bool {
        self.calls.values().for_each(|call| call.before_look());
        let known = match self.shared.store.endpoints().await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(event = "endpoints_unknown", %error);
                return false;
            }
        };
        let mut on: Vec<Endpoint> = self.calls.keys().cloned().collect();
        for record in known {
            on.retain(|endpoint| *endpoint != record.endpoint);
            if record.off.is_none() && record.pending == 0 && !self.calls.contains_key(&record.endpoint) {
                continue;
            }
            let off = record.off.map(|(_, reason)| reason);
            let call = self.worker(record.endpoint, off);
            call.found(off);
            call.ring();
        }
        for call in on.iter().filter_map(|endpoint| self.calls.get(endpoint)) {
            call.found(None);
            call.ring();
        }
        true
    }

    fn call(&mut self, endpoint: Endpoint) {
        self.worker(endpoint, None).ring();
    }

    /// The endpoint's worker; a new one where it has none, which begins switched off or not.
    fn worker(&mut self, endpoint: Endpoint, off: Option<OffReason>) -> Arc<Call> {
        if let Some(call) = self.calls.get(&endpoint) {
            return call.clone();
        }
        let call = Arc::new(Call::new(off));
        self.hire(endpoint, call.clone());
        call
    }

    fn hire(&mut self, endpoint: Endpoint, call: Arc<Call>) {
        self.calls.insert(endpoint.clone(), call.clone());
        let worker = Worker {
            hook: self.hooks.get(endpoint.client()).cloned(),
            shared: self.shared.clone(),
            endpoint,
            call,
        };
        self.workers.spawn(worker.run(self.stop.clone()));
    }

    /// A worker saw nothing more to do; it may have been called since.
    fn ended(&mut self, endpoint: Endpoint) {
        match self.calls.remove(&endpoint) {
            Some(call) if call.is_due() => self.hire(endpoint, call),
            _ => {}
        }
    }
}
