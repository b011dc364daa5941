//! From what is asked for to a message ready to be stored: checked, measured, routed. Every independent fault is
//! found at once.

mod callback;
mod client;
mod fault;
mod intake;
mod rich;
mod text;
mod wish;
mod written;

use std::time::Duration;

pub use client::Client;
pub use fault::{Code, Fault, Origin};
pub(crate) use fault::{masked, nearest};
pub use intake::Intake;
pub(crate) use rich::fault_at as rich_fault;
pub(crate) use text::Text;
pub(crate) use wish::{FIELDS, Wish, time};
use written::{Asked, unsegmented, written};

use crate::clock;
use crate::consent::Recipient;
use crate::domain::{
    Channel, Channels, Class, Flag, Flags, Lane, Msisdn, NewMessage, Reason, Rich, SenderId, State, UnixMillis,
    mask_number,
};
use crate::router::{Plan, Wanted};
use crate::store::{Birth, Enqueue};

/// The longest validity, and the furthest that a message may be put off.
pub(crate) const LONGEST: Duration = Duration::from_hours(7 * 24);
/// A `not_before` this little in the past is now: clocks differ.
pub(crate) const CLOCKS_DIFFER: Duration = Duration::from_mins(1);
/// Characters of a reference.
pub(crate) const MAX_REFERENCE: usize = 128;

/// A message ready to be stored, and the answer to give once it is.
pub(crate) struct Accepted {
    /// The message.
    pub(crate) message: NewMessage,
    /// Scheduled, queued, or ended at once.
    pub(crate) state: State,
    /// Why it ends at once.
    pub(crate) ended: Option<Reason>,
    /// Notes with which it begins.
    pub(crate) flags: Flags,
    /// Septets, octets or UTF-16 units of its text, for the answer.
    pub(crate) units: usize,
    /// What gave way to look-alikes in its text, for the answer.
    pub(crate) replaced: Vec<char>,
}

impl Accepted {
    /// To be stored with the turn that it belongs to.
    pub(crate) fn into_answer(self) -> Enqueue {
        let birth = (self.flags != Flags::default() || self.ended.is_some()).then(|| {
            Box::new(Birth {
                failed: self.ended,
                flags: self.flags,
                ..Birth::default()
            })
        });
        Enqueue {
            birth,
            ..Enqueue::new(self.message)
        }
    }

    /// Whether what a personal template says here is for certified numbers alone: all but codes, one of which is how a
    /// number becomes certified.
    pub(crate) fn needs_certified(&self) -> bool {
        self.message.class != Class::Otp
    }
}

/// What a message says, and where in the request that stands.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    /// The text.
    pub(crate) text: &'a str,
    /// What is shown by RCS; `None` is the text.
    pub(crate) rich: Option<&'a Rich>,
    /// Segments that it may make, where less than its route allows.
    pub(crate) max_segments: Option<u8>,
    /// The pointer of what gave it.
    pub(crate) pointer: &'static str,
}

/// What becomes of a message for which there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutRoute {
    /// It is refused: who sends it is there to hear it.
    Refused,
    /// It is stored as failed: nobody waits who could do anything about it.
    Failed,
}

/// Checks a wish that brings its own text, or a rich form, or both.
pub(crate) fn accept(state: &Intake, client: &Client, wish: &Wish<'_>) -> Result<Accepted, Vec<Fault>> {
    let rich = rich::asked(wish);
    let plain = match (&rich, &wish.text) {
        (Ok(Some(rich)), None) => rich.plain(),
        _ => String::new(),
    };
    let said = match &rich {
        Ok(rich) => rich::body(wish, rich.as_ref(), &plain).map_err(|fault| vec![fault]),
        Err(faults) => Err(faults.clone()),
    };
    accept_saying(state, client, wish, said, WithoutRoute::Refused)
}

/// Checks a wish whose text comes from elsewhere.
pub(crate) fn accept_saying(
    state: &Intake,
    client: &Client,
    wish: &Wish<'_>,
    said: Result<Body<'_>, Vec<Fault>>,
    without_route: WithoutRoute,
) -> Result<Accepted, Vec<Fault>> {
    checked(state, client, wish, said, without_route, None)
}

/// Checks an answer to a text that its recipient sent at `heard_at`: it is not withheld for what was refused before.
pub(crate) fn accept_answer(
    state: &Intake,
    client: &Client,
    wish: &Wish<'_>,
    body: Body<'_>,
    heard_at: UnixMillis,
) -> Result<Accepted, Vec<Fault>> {
    checked(state, client, wish, Ok(body), WithoutRoute::Failed, Some(heard_at))
}

fn checked(
    state: &Intake,
    client: &Client,
    wish: &Wish<'_>,
    said: Result<Body<'_>, Vec<Fault>>,
    without_route: WithoutRoute,
    heard_at: Option<UnixMillis>,
) -> Result<Accepted, Vec<Fault>> {
    let now = state.clock.now();
    let mut faults = Vec::new();
    let to = found(destination(wish), &mut faults);
    let body = said.map_err(|wrong| faults.extend(wrong)).ok();
    let body = body.and_then(|body| found(sayable(body), &mut faults));
    let from = found(sender(wish, client, heard_at.is_some()), &mut faults);
    let class = found(class(wish), &mut faults);
    let channels = found(channels(wish), &mut faults);
    let times = found(times(wish, class.unwrap_or(Class::Service), now), &mut faults);
    found(reference(wish), &mut faults);
    let asked = found(Asked::read(wish), &mut faults);
    found(
        callback::check(wish.callback.as_deref(), client, &state.callback_guard),
        &mut faults,
    );

    let plan = match (&to, &from, class, channels) {
        (Some(to), Some(from), Some(class), Some(channels)) => {
            let wanted = Wanted {
                to,
                from,
                class,
                client: &client.name,
                channels,
            };
            found(plan(state, &wanted, without_route), &mut faults)
        }
        _ => None,
    };
    let common = state.common(plan.as_ref().and_then(Option::as_ref));
    let text = body.zip(asked);
    let by_rcs_alone = plan
        .as_ref()
        .and_then(Option::as_ref)
        .zip(channels)
        .is_some_and(|(plan, channels)| {
            let ways = state.channels(&plan.lane.route).iter();
            ways.filter(|way| channels.allow(**way)).all(|way| *way == Channel::Rcs)
        });
    let text = text.and_then(|(body, asked)| {
        let text = match by_rcs_alone {
            true => unsegmented(body),
            false => written(body, &asked, common),
        };
        found(text, &mut faults)
    });
    let (Some(to), Some(text), Some(from), Some(class), Some(times), Some(plan), Some(channels)) =
        (to, text, from, class, times, plan, channels)
    else {
        return Err(faults);
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let gate = &state.gate;
    let recipient = Recipient {
        to: to.digits(),
        client: &client.name,
        class,
        solicited_at: heard_at,
    };
    let solicited = heard_at.is_some() && !gate.withholds(&recipient);
    let ended = match plan {
        None => Some(Reason::NoRoute),
        Some(_) if !solicited && gate.withholds(&recipient) => Some(Reason::OptedOut),
        Some(_) => None,
    };
    let start = times.not_before.unwrap_or(now);
    let times = times.outside(gate.quiet.until(class, to.digits(), start), class);
    let message = NewMessage {
        id: clock::message_id(now),
        client: client.name.clone(),
        class,
        to,
        from,
        text: (&*text.text).into(),
        rich: body.and_then(|body| body.rich).map(|rich| rich.to_json().into()),
        encoding: text.encoding,
        shape: text.shape,
        segments: text.segments,
        lane: plan.map_or_else(Lane::nowhere, |plan| plan.lane),
        receipt: wish.receipt.unwrap_or(true),
        reference: wish.reference.as_deref().map(Into::into),
        callback: wish.callback.as_deref().map(Into::into),
        accepted_at: now,
        not_before: times.not_before,
        expires_at: times.expires_at,
    };
    let state = match (ended, times.not_before) {
        (Some(Reason::OptedOut), _) => State::Suppressed,
        (Some(_), _) => State::Failed,
        (None, Some(_)) => State::Scheduled,
        (None, None) => State::Queued,
    };
    Ok(Accepted {
        message,
        state,
        ended,
        flags: match solicited {
            true => Flags::default().by(channels).with(Flag::Solicited),
            false => Flags::default().by(channels),
        },
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

fn sayable(body: Body<'_>) -> Result<Body<'_>, Fault> {
    if body.text.is_empty() {
        return Err(Fault::new(body.pointer, Code::TextEmpty, "is empty"));
    }
    match body.text.chars().position(|c| c == '\0') {
        Some(position) => {
            let detail = format!("has U+0000 at character {}, which ends texts on the way", position + 1);
            Err(Fault::new(body.pointer, Code::TextUnencodable, detail).got("U+0000"))
        }
        None => Ok(body),
    }
}

/// An answer goes out from the address that was written to, which may be on no list of the client's.
fn sender(wish: &Wish<'_>, client: &Client, is_answer: bool) -> Result<SenderId, Fault> {
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
    if is_answer
        || client.senders.is_empty()
        || client.senders.contains(&sender)
        || client.default_sender.as_ref() == Some(&sender)
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

/// The channels that it may go; in which order is its route's matter.
fn channels(wish: &Wish<'_>) -> Result<Channels, Fault> {
    let hint = "[\"rcs\", \"sms\"]";
    let Some(words) = &wish.channels else {
        return Ok(Channels::ANY);
    };
    if words.is_empty() {
        return Err(Fault::new("/channels", Code::InvalidChannel, "is empty").hint(hint));
    }
    let mut channels: Vec<Channel> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let wrong = |detail| Fault::new(format!("/channels/{at}"), Code::InvalidChannel, detail).hint(hint);
        let channel = word.parse().map_err(|_| wrong("must be rcs or sms"))?;
        if channels.contains(&channel) {
            return Err(wrong("comes twice"));
        }
        channels.push(channel);
    }
    Ok(channels.into_iter().collect())
}

struct Times {
    not_before: Option<UnixMillis>,
    expires_at: UnixMillis,
    /// Whether the sender has said how long it is worth sending.
    limited: bool,
}

impl Times {
    /// Not before the end of the recipient's quiet time. What is worth nothing by then waits for its end all the same.
    fn outside(self, quiet_until: Option<UnixMillis>, class: Class) -> Self {
        let Some(end) = quiet_until else { return self };
        let expires_at = match self.limited {
            true => self.expires_at,
            false => end.after(class.default_validity()),
        };
        Self {
            not_before: Some(end.min(expires_at)),
            expires_at,
            ..self
        }
    }
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
    Ok(Times {
        not_before,
        expires_at,
        limited: wish.expires_at.is_some(),
    })
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

/// The way to the recipient; `None` where there is none and the message is to be stored as failed.
fn plan(state: &Intake, wanted: &Wanted<'_>, without_route: WithoutRoute) -> Result<Option<Plan>, Fault> {
    match (state.router.plan(wanted), without_route) {
        (Ok(plan), _) => Ok(Some(plan)),
        (Err(_), WithoutRoute::Failed) => Ok(None),
        (Err(_), WithoutRoute::Refused) if state.router.plan(&wanted.by(Channels::ANY)).is_ok() => {
            let detail = "no route leads there by these channels";
            Err(Fault::new("/channels", Code::NoRoute, detail).hint("leave `channels` out"))
        }
        (Err(_), WithoutRoute::Refused) => {
            let to = wanted.to.digits();
            let detail = format!("no route leads there for class {}", wanted.class);
            Err(Fault::new("/to", Code::NoRoute, detail).got(mask_number(&format!("+{to}"))))
        }
    }
}
