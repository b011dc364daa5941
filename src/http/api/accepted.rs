//! What is answered to an accepted message.

use araldo_sms::Language;
use serde::Serialize;

use super::ApiState;
use crate::accept::Accepted;
use crate::domain::{Channel, MessageId, Msisdn, Name, Rich, State, UnixMillis};

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
    /// The alphabet: `gsm7`, `latin1` or `ucs2`.
    pub(crate) encoding: &'static str,
    /// How many short messages the text makes.
    pub(crate) segments: u8,
    /// Septets, octets or UTF-16 units of the text.
    pub(crate) units: usize,
    /// The route that it follows.
    #[schema(value_type = String)]
    pub(crate) route: &'a Name,
    /// The carriers that may carry it, likeliest first.
    #[schema(value_type = Vec<String>)]
    pub(crate) carriers: Vec<&'a Name>,
    /// Characters that gave way to look-alikes so that the text stays in GSM-7, each as often as it did.
    #[schema(value_type = Vec<String>)]
    pub(crate) characters_replaced: &'a [char],
    /// The language whose table stands for the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locking_shift: Option<&'static str>,
    /// The language whose table stands for the extension of the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) single_shift: Option<&'static str>,
    /// By which channels it may go, in their order; left out where SMS is the only one.
    #[serde(skip_serializing_if = "only_sms")]
    pub(crate) channels: Vec<Channel>,
    /// What SMS says; of a dry run with a rich form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
    /// What RCS shows; of a dry run with a rich form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rich: Option<Rich>,
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
        let channels = state.intake.channels(&message.lane.route);
        let rich = message.rich.as_deref().filter(|_| dry_run);
        let rich = rich.and_then(|json| Rich::from_json(json).ok());
        let view = AcceptedView {
            id: (!dry_run).then_some(message.id),
            to: &message.to,
            state: self.state,
            encoding: message.encoding.as_str(),
            segments: message.segments,
            units: self.units,
            route: &message.lane.route,
            carriers: state.intake.carriers(&message.lane.route, self.flags.channels()),
            characters_replaced: &self.replaced,
            locking_shift: message.shape.tables.locking.map(Language::as_str),
            single_shift: message.shape.tables.single.map(Language::as_str),
            channels: channels
                .iter()
                .copied()
                .filter(|channel| self.flags.channels().allow(*channel))
                .collect(),
            text: rich.is_some().then_some(&*message.text),
            rich,
            expires_at: message.expires_at,
            dry_run,
        };
        serde_json::to_string(&view).unwrap_or_default()
    }
}

fn only_sms(channels: &[Channel]) -> bool {
    channels.iter().all(|channel| *channel == Channel::Sms)
}
