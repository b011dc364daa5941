//! The back end at work: a message every second or two.

use std::sync::Arc;
use std::time::Duration;

use super::back_end::Wish;
use super::script::Script;
use super::stage::Stage;

/// The pause after the API has refused a message, e.g. because its disk is full.
const REST: Duration = Duration::from_secs(5);
/// The pause before the first message, for the carriers to bind.
const OPENING: Duration = Duration::from_millis(700);

/// Sends until the demo ends, unless paused.
pub(super) async fn run(stage: Arc<Stage>) {
    let work = async {
        let mut running = stage.trickle.subscribe();
        let mut script = Script::new();
        tokio::time::sleep(OPENING).await;
        loop {
            if running.wait_for(|running| *running).await.is_err() {
                return;
            }
            let drawn = script.draw();
            let wish = Wish {
                to: drawn.to,
                from: drawn.from,
                class: drawn.class.as_str(),
                text: &drawn.text,
                reference: None,
                dry_run: false,
            };
            let mut pause = Duration::from_millis(script.pause_ms());
            if let Err(error) = stage.back_end.send(&wish).await {
                tracing::warn!(event = "demo_refused", %error);
                pause = REST;
            }
            tokio::time::sleep(pause).await;
        }
    };
    tokio::select! {
        () = stage.stop.cancelled() => {}
        () = work => {}
    }
}
