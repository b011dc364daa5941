//! The back end at work: a message every second or two, and an answer to what the phones text.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::back_end::Wish;
use super::script::{self, Script};
use super::stage::Stage;
use crate::domain::Class;

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

/// Answers what the phones text, as a bank would.
pub(super) async fn answer(stage: Arc<Stage>) {
    let mut heard = stage.heard.subscribe();
    loop {
        let text = tokio::select! {
            () = stage.stop.cancelled() => return,
            text = heard.recv() => text,
        };
        let text = match text {
            Ok(text) => text,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        // Of a long text only the first segment is answered.
        if text.segment.is_some_and(|segment| segment.number > 1) {
            continue;
        }
        let wish = Wish {
            to: &text.from,
            from: &text.to,
            class: Class::Reply.as_str(),
            text: script::reply(text.text.as_deref().unwrap_or_default()),
            reference: None,
            dry_run: false,
        };
        if let Err(error) = stage.back_end.send(&wish).await {
            tracing::warn!(event = "demo_reply_refused", %error);
        }
    }
}
