//! A thread for what talks with back ends: texts understood, calls, webhooks. The thread of the carriers, of the API and
//! of the outbox's commits has none of it to wait for.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

/// The thread. It ends, with whatever runs there, when this is dropped.
pub(super) struct Aside(Option<Runtime>);

impl Aside {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("araldo-aside")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Has the thread do some work; its end is waited for with that of the other tasks.
    pub(super) fn spawn(&self, tasks: &TaskTracker, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            tasks.spawn_on(work, runtime.handle());
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // One runtime may not wait for another on its own thread.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
