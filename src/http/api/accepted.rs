//! What is answered to an accepted message.

use serde::Serialize;

use super::ApiState;
use crate::accept::Accepted;
use crate::domain::{MessageId, Msisdn, Name, State, UnixMillis};

/// What is answered to an accepted message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct AcceptedView<'a> {
    /// The id; null for a dry run.
    #[schema(value_type = Option<String>, example = "msg_01932b5e7c3a70008000000000000001")]
    pub(crate) id: Option<MessageId>,
    /// The recipient as it was read, in E.164.
    #[schema(value_type = String, example = "+393331234567")]
    pub(crate) to: &'a Msisdn,
    /// `queued`, or `scheduled` where it waits for its time.
    pub(crate) state: State,
    /// The alphabet: `gsm7` or `ucs2`.
    pub(crate) encoding: &'static str,
    /// How many short messages the text makes.
    pub(crate) segments: u8,
    /// Septets or UTF-16 units of the text.
    pub(crate) units: usize,
    /// The route that it follows.
    #[schema(value_type = String)]
    pub(crate) route: &'a Name,
    /// The carriers that may carry it, likeliest first.
    #[schema(value_type = Vec<String>)]
    pub(crate) carriers: &'a [Name],
    /// Characters replaced to fit the alphabet; none are for now.
    #[schema(value_type = Vec<String>)]
    pub(crate) characters_replaced: [&'static str; 0],
    /// Not sent after.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: UnixMillis,
    /// Whether nothing was stored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dry_run: bool,
}

impl Accepted {
    /// The answer as JSON. Begins with the id, so that a stored answer shows it without being parsed.
    pub(crate) fn answer(&self, state: &ApiState, dry_run: bool) -> String {
        let message = &self.message;
        let view = AcceptedView {
            id: (!dry_run).then_some(message.id),
            to: &message.to,
            state: self.state,
            encoding: message.encoding.as_str(),
            segments: message.segments,
            units: self.units,
            route: &message.lane.route,
            carriers: state.intake.carriers(&message.lane.route),
            characters_replaced: [],
            expires_at: message.expires_at,
            dry_run,
        };
        serde_json::to_string(&view).unwrap_or_default()
    }
}
