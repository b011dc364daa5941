//! A simulator and a small ESME over loopback.

mod control;
mod esme;
mod fault;
mod ledger;
mod link;
mod message;
mod mo;
mod receipt;

use std::time::Duration;

use super::{FaultRule, Simulator, SimulatorConfig};

const LIMIT: Duration = Duration::from_secs(20);

async fn simulator(change: impl FnOnce(&mut SimulatorConfig)) -> Simulator {
    let mut config = SimulatorConfig {
        control: None,
        ..SimulatorConfig::on_free_ports()
    };
    change(&mut config);
    Simulator::start(config).await.expect("started")
}

async fn faulty(rules: Vec<FaultRule>) -> Simulator {
    simulator(|config| config.faults = rules).await
}
