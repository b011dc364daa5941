//! What routes and tasks of the demo share.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::Stop;
use super::asset::Assets;
use super::back_end::BackEnd;
use super::bank::Bank;
use super::board::Board;
use super::carrier::SimulatedCarrier;
use super::platform::Platform;
use super::template::Templates;
use super::wire::Wire;
use crate::clock::{self, Clock};
use crate::store::Store;

/// What routes and tasks of the demo share.
pub(super) struct Stage {
    /// Which run of the demo this is: a page drawn by another one loads itself anew.
    pub(super) run: String,
    pub(super) clock: Clock,
    pub(super) carriers: Vec<SimulatedCarrier>,
    pub(super) platform: Platform,
    pub(super) back_end: BackEnd,
    pub(super) bank: Bank,
    pub(super) board: Board,
    pub(super) wire: Wire,
    /// The daemon's store, once it has started.
    pub(super) store: OnceLock<Arc<dyn Store>>,
    /// Whether the trickle runs.
    pub(super) trickle: watch::Sender<bool>,
    pub(super) templates: Templates,
    pub(super) assets: Assets,
    /// Ends the tasks and the streams.
    pub(super) stop: Stop,
}

impl Stage {
    pub(super) fn new(
        clock: Clock,
        (carriers, platform): (Vec<SimulatedCarrier>, Platform),
        (back_end, bank): (BackEnd, Bank),
        running: bool,
    ) -> anyhow::Result<Self> {
        let assets = Assets::new();
        Ok(Self {
            run: hex::encode(&clock::secret_bits()[..8]),
            clock,
            carriers,
            platform,
            back_end,
            bank,
            board: Board::default(),
            wire: Wire::default(),
            store: OnceLock::new(),
            trickle: watch::Sender::new(running),
            templates: Templates::new(&assets)?,
            assets,
            stop: Stop::new(),
        })
    }

    /// A carrier by its id.
    pub(super) fn carrier(&self, name: &str) -> Option<&SimulatedCarrier> {
        self.carriers.iter().find(|carrier| carrier.name() == name)
    }
}
