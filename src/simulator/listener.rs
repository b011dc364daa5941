//! Takes connections while the simulator is up, refuses them while it is down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::centre::Centre;
use super::event::SimulatorEvent;
use super::link::Link;

/// Connections at once; more are closed as soon as they are taken.
const LINKS: u64 = 2_000;
/// Between two tries to listen again, and after a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Listener {
    pub(super) centre: Arc<Centre>,
    pub(super) addr: SocketAddr,
    /// What is wanted: up or down.
    pub(super) wanted: watch::Receiver<bool>,
    /// What is.
    pub(super) is_up: watch::Sender<bool>,
    pub(super) stop: CancellationToken,
}

impl Listener {
    pub(super) async fn run(mut self, first: TcpListener) {
        let mut listener = Some(first);
        let open = Arc::new(AtomicU64::new(0));
        let mut conn = 0;
        while !self.stop.is_cancelled() {
            let Some(socket) = listener.take() else {
                listener = self.listen_again().await;
                continue;
            };
            self.tell(true);
            let (cut, links) = (CancellationToken::new(), TaskTracker::new());
            self.serve(&socket, &cut, &links, &open, &mut conn).await;
            drop(socket);
            if !self.stop.is_cancelled() {
                cut.cancel();
            }
            links.close();
            links.wait().await;
            self.tell(false);
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = turned(&mut self.wanted, true) => {}
            }
        }
        self.tell(false);
    }

    /// Until the simulator goes down or stops.
    async fn serve(
        &mut self,
        socket: &TcpListener,
        cut: &CancellationToken,
        links: &TaskTracker,
        open: &Arc<AtomicU64>,
        conn: &mut u64,
    ) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                () = turned(&mut self.wanted, false) => return,
                accepted = socket.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most often; those that are open may yet close.
                    tracing::warn!(%error, "simulator_accept_failed");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            if open.load(Ordering::Relaxed) >= LINKS {
                continue;
            }
            *conn += 1;
            let (serving, open) = (self.serve_link(*conn, stream, cut), Arc::clone(open));
            open.fetch_add(1, Ordering::Relaxed);
            let centre = Arc::clone(&self.centre);
            centre.count(|stats| stats.links += 1);
            links.spawn(async move {
                serving.await;
                open.fetch_sub(1, Ordering::Relaxed);
                centre.count(|stats| stats.links -= 1);
            });
        }
    }

    fn serve_link(&self, conn: u64, stream: TcpStream, cut: &CancellationToken) -> impl Future<Output = ()> + use<> {
        // Small PDUs must not wait for each other; a socket that refuses this will refuse the rest as well.
        let _ = stream.set_nodelay(true);
        let link = Link::new(conn, Arc::clone(&self.centre), stream);
        link.run(cut.clone(), self.stop.clone())
    }

    async fn listen_again(&self) -> Option<TcpListener> {
        match TcpListener::bind(self.addr).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::debug!(%error, "simulator_port_taken");
                tokio::time::sleep(PAUSE).await;
                None
            }
        }
    }

    fn tell(&self, up: bool) {
        self.centre.count(|stats| stats.up = up);
        if self.is_up.send_replace(up) != up {
            self.centre.tell(SimulatorEvent::State {
                at: self.centre.now(),
                up,
            });
        }
    }
}

/// Waits until `up` is wanted; for ever when nobody is left to want anything, since then `stop` comes.
async fn turned(wanted: &mut watch::Receiver<bool>, up: bool) {
    if wanted.wait_for(|wanted| *wanted == up).await.is_err() {
        std::future::pending::<()>().await;
    }
}
