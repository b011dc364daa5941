//! The wiring.

use crate::config::Config;

/// Runs the gateway until it is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    drop(config);
    anyhow::bail!("the gateway has no parts yet")
}
