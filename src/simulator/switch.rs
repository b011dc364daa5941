//! Up and down: what is wanted, and what the listener has made of it.

use tokio::sync::watch;

#[derive(Clone, Debug)]
pub(super) struct Switch {
    pub(super) wanted: watch::Sender<bool>,
    pub(super) is_up: watch::Receiver<bool>,
}

impl Switch {
    pub(super) fn is_up(&self) -> bool {
        *self.is_up.borrow()
    }

    /// Returns once connections are taken, or once all links are gone.
    pub(super) async fn set(&self, up: bool) {
        self.wanted.send_replace(up);
        // An error means that the listener has ended with the simulator.
        let _ = self.is_up.clone().wait_for(|is| *is == up).await;
    }
}
