//! Threads for what talks with back ends: texts understood, calls, webhooks. Those of the carriers, of the API and of the
//! outbox's commits have none of it to wait for.

use std::io;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};

/// The threads. Dropped, they are told to end.
pub(super) struct Aside {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Aside {
    pub(super) fn new() -> io::Result<Self> {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads((processors / 4).max(1))
            .thread_name("araldo-aside")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // One runtime may not wait for another on its own thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
