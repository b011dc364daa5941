//! From what is asked for to a message ready to be stored: checked, measured, routed. Every independent fault is
//! found at once.

use std::time::Duration;

use araldo_sms::Language;
use serde::Serialize;

use super::wish::{Wish, time};
use super::written::{Asked, written};
use super::{ApiState, callback};
use crate::clock;
use crate::domain::{Class, MessageId, Msisdn, Name, NewMessage, SenderId, State, UnixMillis, mask_number};
use crate::http::auth::Client;
use crate::http::json::nearest;
use crate::http::problem::{Code, Fault, Problem, masked};
use crate::router::{Plan, Wanted};

/// The longest validity, and the furthest that a message may be put off.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// A `not_before` this little in the past is now: clocks differ.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);
const MAX_REFERENCE: usize = 128;

/// A message ready to be stored, and the answer to give once it is.
pub(crate) struct Accepted {
    /// The message.
    pub(crate) message: NewMessage,
    /// Scheduled or queued.
    pub(crate) state: State,
    /// Septets, octets or UTF-16 units of its text, for the answer.
    units: usize,
    /// What gave way to look-alikes in its text, for the answer.
    replaced: Vec<char>,
}

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
    pub(crate) carriers: &'a [Name],
    /// Characters that gave way to look-alikes so that the text stays in GSM-7, each as often as it did.
    #[schema(value_type = Vec<String>)]
    pub(crate) characters_replaced: &'a [char],
    /// The language whose table stands for the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locking_shift: Option<&'static str>,
    /// The language whose table stands for the extension of the GSM alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) single_shift: Option<&'static str>,
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
            carriers: state
                .routes
                .get(&message.lane.route)
                .map_or(&[], |facts| &facts.carriers),
            characters_replaced: &self.replaced,
            locking_shift: message.shape.tables.locking.map(Language::as_str),
            single_shift: message.shape.tables.single.map(Language::as_str),
            expires_at: message.expires_at,
            dry_run,
        };
        serde_json::to_string(&view).unwrap_or_default()
    }
}

/// Checks a wish.
pub(crate) fn accept(state: &ApiState, client: &Client, wish: &Wish<'_>) -> Result<Accepted, Problem> {
    let now = state.clock.now();
    let mut faults = Vec::new();
    let to = found(destination(wish), &mut faults);
    let text = found(text(wish), &mut faults);
    let from = found(sender(wish, client), &mut faults);
    let class = found(class(wish), &mut faults);
    found(channels(wish), &mut faults);
    let times = found(times(wish, class.unwrap_or(Class::Service), now), &mut faults);
    found(reference(wish), &mut faults);
    let asked = found(Asked::read(wish), &mut faults);
    found(
        callback::check(wish.callback.as_deref(), client, &state.callback_networks),
        &mut faults,
    );

    let plan = match (&to, &from, class) {
        (Some(to), Some(from), Some(class)) => {
            let wanted = Wanted {
                to,
                from,
                class,
                client: &client.name,
            };
            found(route(state, &wanted), &mut faults)
        }
        _ => None,
    };
    let facts = plan.as_ref().and_then(|plan| state.routes.get(&plan.route));
    let common = facts.map_or(&state.unrouted, |facts| &facts.common);
    let text = text.zip(asked);
    let text = text.and_then(|(text, asked)| found(written(text, &asked, common), &mut faults));
    let (Some(to), Some(text), Some(from), Some(class), Some(times), Some(plan)) = (to, text, from, class, times, plan)
    else {
        return Err(Problem::of_faults(faults));
    };
    if !faults.is_empty() {
        return Err(Problem::of_faults(faults));
    }
    let message = NewMessage {
        id: clock::message_id(now),
        client: client.name.clone(),
        class,
        to,
        from,
        text: (&*text.text).into(),
        encoding: text.encoding,
        shape: text.shape,
        segments: text.segments,
        lane: plan.lane,
        receipt: wish.receipt.unwrap_or(true),
        reference: wish.reference.as_deref().map(Into::into),
        callback: wish.callback.as_deref().map(Into::into),
        accepted_at: now,
        not_before: times.not_before,
        expires_at: times.expires_at,
    };
    let state = if times.not_before.is_some() {
        State::Scheduled
    } else {
        State::Queued
    };
    Ok(Accepted {
        message,
        state,
        units: text.units,
        replaced: text.replaced,
    })
}

fn found<T>(checked: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    checked.map_err(|fault| faults.push(fault)).ok()
}

fn destination(wish: &Wish<'_>) -> Result<Msisdn, Fault> {
    let Some(to) = wish.to.as_deref() else {
        return Err(Fault::new("/to", Code::Required, "is missing"));
    };
    Msisdn::parse(to).map_err(|error| {
        Fault::new("/to", Code::InvalidNumber, error.to_string())
            .got(masked(to))
            .hint("E.164, e.g. +393331234567")
    })
}

fn text<'w>(wish: &'w Wish<'_>) -> Result<&'w str, Fault> {
    let Some(text) = wish.text.as_deref() else {
        return Err(Fault::new("/text", Code::Required, "is missing"));
    };
    if text.is_empty() {
        return Err(Fault::new("/text", Code::TextEmpty, "is empty"));
    }
    match text.chars().position(|c| c == '\0') {
        Some(position) => {
            let detail = format!("has U+0000 at character {}, which ends texts on the way", position + 1);
            Err(Fault::new("/text", Code::TextUnencodable, detail).got("U+0000"))
        }
        None => Ok(text),
    }
}

fn sender(wish: &Wish<'_>, client: &Client) -> Result<SenderId, Fault> {
    let Some(from) = wish.from.as_deref() else {
        return client.default_sender.clone().ok_or_else(|| {
            Fault::new(
                "/from",
                Code::Required,
                "is missing, and the client has no default_sender",
            )
        });
    };
    let sender = SenderId::parse(from).map_err(|error| {
        Fault::new("/from", Code::SenderInvalid, error.to_string())
            .got(mask_number(from))
            .hint("a number in E.164, a short code, or a name of 1 to 11 characters with a letter")
    })?;
    if client.senders.is_empty() || client.senders.contains(&sender) || client.default_sender.as_ref() == Some(&sender)
    {
        return Ok(sender);
    }
    let detail = "is not one of the client's senders";
    Err(Fault::new("/from", Code::SenderNotRegistered, detail).got(mask_number(from)))
}

fn class(wish: &Wish<'_>) -> Result<Class, Fault> {
    let Some(word) = wish.class.as_deref() else {
        return Ok(Class::Service);
    };
    word.parse().map_err(|_| {
        let known = Class::ALL.map(Class::as_str);
        let fault = Fault::new(
            "/class",
            Code::InvalidClass,
            format!("must be one of {}", known.join(", ")),
        );
        match nearest(word, &known) {
            Some(nearest) => fault.hint(format!("did you mean `{nearest}`?")),
            None => fault,
        }
    })
}

fn channels(wish: &Wish<'_>) -> Result<(), Fault> {
    let Some(channels) = &wish.channels else { return Ok(()) };
    if channels.is_empty() {
        return Err(Fault::new("/channels", Code::InvalidChannel, "is empty").hint("[\"sms\"]"));
    }
    match channels.iter().position(|channel| &**channel != "sms") {
        Some(0) if channels.len() == 1 && &*channels[0] == "rcs" => {
            Err(Fault::new("/channels/0", Code::NotAvailable, "`rcs` is not available yet").hint("[\"sms\"]"))
        }
        Some(at) => Err(Fault::new(format!("/channels/{at}"), Code::InvalidChannel, "must be sms").hint("[\"sms\"]")),
        None if channels.len() > 1 => Err(Fault::new("/channels/1", Code::InvalidChannel, "comes twice")),
        None => Ok(()),
    }
}

struct Times {
    not_before: Option<UnixMillis>,
    expires_at: UnixMillis,
}

fn times(wish: &Wish<'_>, class: Class, now: UnixMillis) -> Result<Times, Fault> {
    let read = |pointer: &str, text: &str| {
        time(text).ok_or_else(|| {
            Fault::new(
                pointer,
                Code::InvalidValidity,
                "is not a time in RFC 3339 with its zone",
            )
            .hint("e.g. 2026-11-21T10:00:00Z or 2026-11-21T11:00:00+01:00")
        })
    };
    let out_of_range = |pointer: &str, what: &str, from: UnixMillis, to: UnixMillis| {
        Fault::new(
            pointer,
            Code::InvalidValidity,
            format!("{what}; allowed is {from} to {to}"),
        )
        .limit(serde_json::json!({ "from": from, "to": to }))
    };
    let not_before = match wish.not_before.as_deref() {
        None => None,
        Some(text) => {
            let (at, last) = (read("/not_before", text)?, now.after(LONGEST));
            if at < now.before(CLOCKS_DIFFER) {
                return Err(out_of_range("/not_before", "is in the past", now, last));
            }
            if at > last {
                return Err(out_of_range("/not_before", "is more than 7 days ahead", now, last));
            }
            Some(at).filter(|at| *at > now)
        }
    };
    let start = not_before.unwrap_or(now);
    let last = start.after(LONGEST);
    let expires_at = match wish.expires_at.as_deref() {
        None => start.after(class.default_validity()),
        Some(text) => {
            let at = read("/expires_at", text)?;
            if at <= start {
                let what = if not_before.is_some() {
                    "is not after not_before"
                } else {
                    "is in the past"
                };
                return Err(out_of_range("/expires_at", what, start, last));
            }
            if at > last {
                return Err(out_of_range(
                    "/expires_at",
                    "is more than 7 days after the start",
                    start,
                    last,
                ));
            }
            at
        }
    };
    Ok(Times { not_before, expires_at })
}

fn reference(wish: &Wish<'_>) -> Result<(), Fault> {
    let Some(reference) = wish.reference.as_deref() else {
        return Ok(());
    };
    let length = reference.chars().count();
    if (1..=MAX_REFERENCE).contains(&length) && !reference.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("must have 1 to {MAX_REFERENCE} characters, none of them a control character");
    Err(Fault::new("/reference", Code::InvalidReference, detail).limit(MAX_REFERENCE))
}

fn route(state: &ApiState, wanted: &Wanted<'_>) -> Result<Plan, Fault> {
    state.router.plan(wanted).map_err(|_| {
        let to = wanted.to.digits();
        Fault::new(
            "/to",
            Code::NoRoute,
            format!("no route leads there for class {}", wanted.class),
        )
        .got(mask_number(&format!("+{to}")))
    })
}
