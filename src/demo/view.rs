//! What the page shows, in the form in which templates and events have it. Numbers are masked, as a console has them.

use araldo_sms::{Encoding, ReferenceSize};
use serde::Serialize;

use super::bank::Doubt;
use super::card::{CardView, ChipView, RichView};
use super::carrier::{Habit, SimulatedCarrier};
use super::platform::{self, AGENT_TITLE, PLATFORM, Platform};
use super::setting::PHONES;
use crate::dispatch::{BindState, CarrierReport};
use crate::domain::{Class, Flag, Masked, State, UnixMillis};
use crate::simulator::rcs::{self, PhoneState};
use crate::simulator::{Mo, PhoneMessage};
use crate::store::{Changed, InboundRecord, MessageRecord, Progress};

/// The word in `reference` of a message that a person has sent from the page.
pub(super) const BY_HAND: &str = "by-hand";

/// A message of the feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct RowView {
    pub(super) id: String,
    pub(super) href: String,
    pub(super) at: String,
    pub(super) clock: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) class: &'static str,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) carrier: String,
    pub(super) latency: String,
    pub(super) note: String,
    /// The rule by which an event made it.
    pub(super) event: String,
    pub(super) by_hand: bool,
}

/// A text on a phone, from either side.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct BubbleView {
    pub(super) id: String,
    /// The phone's number.
    pub(super) phone: String,
    /// Whose phone it is.
    pub(super) phone_short: String,
    /// `theirs`, `mine` for what the phone has sent, `note` for what it has done.
    pub(super) side: &'static str,
    pub(super) from: String,
    pub(super) text: String,
    pub(super) at: String,
    pub(super) clock: String,
    pub(super) badge: String,
    pub(super) carrier: String,
    pub(super) failed: bool,
    /// What the sender was told of it: `delivered`, `read`; empty by SMS, where phones tell nothing.
    pub(super) tick: &'static str,
    /// Its cards and chips, where it has any.
    pub(super) cards: Vec<CardView>,
    pub(super) chips: Vec<ChipView>,
}

/// A carrier.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct CarrierView {
    pub(super) id: &'static str,
    pub(super) name: String,
    /// Of its worst bind.
    pub(super) state: &'static str,
    pub(super) bind_tone: &'static str,
    /// Of the carrier as a whole.
    pub(super) tone: &'static str,
    /// What it was told to do; empty where it cannot be broken.
    pub(super) habit: &'static str,
    pub(super) in_flight: u32,
    pub(super) window: u32,
    /// Segments a second of late.
    pub(super) rate: String,
    /// Segments taken in all.
    pub(super) taken: u64,
    /// What is the matter.
    pub(super) why: String,
}

/// A webhook that the bank has heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct WebhookView {
    /// Its own id: the same each time that it is told.
    pub(super) id: String,
    /// What it is of, e.g. `message.delivered`.
    pub(super) kind: String,
    /// The message that it is about.
    pub(super) about: String,
    pub(super) about_short: String,
    pub(super) href: String,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) at: String,
    pub(super) clock: String,
    pub(super) verified: bool,
    pub(super) seal: String,
    pub(super) seal_tone: &'static str,
    /// How the bank answered, the last time.
    pub(super) status: u16,
    pub(super) taken: bool,
    /// How often it was told.
    pub(super) tries: u32,
    /// Answer and tries, in words.
    pub(super) answer: String,
}

/// How the bank is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct BankView {
    pub(super) down: bool,
    /// Webhooks that the daemon has still to tell.
    pub(super) pending: u64,
    /// Webhooks that it has taken, all of them verified.
    pub(super) verified: u64,
    /// Webhooks that it did not believe.
    pub(super) doubted: u64,
}

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct TalliesView {
    pub(super) sent: u64,
    pub(super) queued: u64,
    pub(super) queue_tone: &'static str,
    pub(super) open: u64,
    pub(super) delivered: u64,
    pub(super) median: String,
    /// How long the last deliveries took, as heights of 1 to 32; the oldest first.
    pub(super) bars: Vec<u64>,
}

impl RowView {
    /// Of a message out of the store.
    pub(super) fn of(record: &MessageRecord) -> Self {
        let row = &record.row;
        let mut view = Self {
            id: row.id.to_string(),
            href: format!("/demo/messages/{}", row.id),
            at: rfc3339(row.accepted_at),
            clock: clock(row.accepted_at),
            class: row.class.as_str(),
            from: Masked(&row.from).to_string(),
            to: Masked(&format!("+{}", row.to)).to_string(),
            by_hand: record.reference.as_deref() == Some(BY_HAND),
            ..Self::default()
        };
        view.follow(&row.progress, row.accepted_at);
        view
    }

    /// Of a message that an event has made, by this rule.
    pub(super) fn by_event(self, rule: &str) -> Self {
        Self {
            event: rule.to_owned(),
            by_hand: true,
            ..self
        }
    }

    /// Of a text from a phone.
    pub(super) fn inbound(record: &InboundRecord) -> Self {
        Self {
            id: record.id.to_string(),
            href: format!("/demo/messages/{}", record.id),
            at: rfc3339(record.at),
            clock: clock(record.at),
            state: "inbound",
            tone: "in",
            class: "text",
            from: Masked(&format!("+{}", record.from.trim_start_matches('+'))).to_string(),
            to: record.to.to_string(),
            carrier: record.carrier.to_string(),
            note: record
                .segment
                .map(|segment| format!("segment {} of {}", segment.number, segment.total))
                .unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Goes along with a change.
    pub(super) fn change(&mut self, changed: &Changed) {
        self.follow(&changed.progress, changed.accepted_at);
    }

    fn follow(&mut self, progress: &Progress, accepted_at: UnixMillis) {
        self.state = progress.state.as_str();
        self.tone = tone(progress.state);
        self.carrier = progress
            .bind
            .as_ref()
            .map(|bind| bind.carrier.to_string())
            .unwrap_or_default();
        let took = progress.final_at.filter(|_| progress.state == State::Delivered);
        self.latency = took
            .map(|at| span(at.since(accepted_at).as_millis()))
            .unwrap_or_default();
        self.note = note(progress);
    }
}

impl BubbleView {
    /// A message that has reached a phone.
    pub(super) fn received(message: &PhoneMessage, carrier: &SimulatedCarrier) -> Self {
        Self {
            id: format!("{}-{}", carrier.name(), message.id),
            phone: message.to.clone(),
            phone_short: owner(&message.to),
            side: "theirs",
            from: message.from.clone(),
            badge: badge(&message.text, usize::from(message.segments)),
            text: message.text.clone(),
            at: rfc3339(message.at),
            clock: clock(message.at),
            carrier: carrier.name().to_owned(),
            ..Self::default()
        }
    }

    /// A message that has reached a phone by RCS; `None` of one that has not, or that shows nothing.
    pub(super) fn rich(message: &rcs::PhoneMessage, pictures: &str) -> Option<Self> {
        let tick = match message.state {
            PhoneState::Delivered => "delivered",
            PhoneState::Read => "read",
            PhoneState::Waiting | PhoneState::Withdrawn => return None,
        };
        let RichView { text, cards, chips } = RichView::of(&message.content, pictures)?;
        let phone = message.to.trim_start_matches('+');
        Some(Self {
            id: message.id.to_string(),
            phone: phone.to_owned(),
            phone_short: owner(phone),
            side: "theirs",
            from: AGENT_TITLE.to_owned(),
            badge: "RCS".to_owned(),
            text,
            at: rfc3339(message.at),
            clock: clock(message.at),
            carrier: PLATFORM.to_owned(),
            tick,
            cards,
            chips,
            failed: false,
        })
    }

    /// A text that a phone has sent, or could not send.
    pub(super) fn texted(id: String, mo: &Mo, at: UnixMillis, carrier: Option<&str>, segments: usize) -> Self {
        Self {
            id,
            phone: mo.from.clone(),
            phone_short: owner(&mo.from),
            side: "mine",
            from: format!("to {}", mo.to),
            badge: if carrier.is_some() {
                badge(&mo.text, segments)
            } else {
                "not sent".to_owned()
            },
            text: mo.text.clone(),
            at: rfc3339(at),
            clock: clock(at),
            carrier: carrier.unwrap_or_default().to_owned(),
            failed: carrier.is_none(),
            ..Self::default()
        }
    }
}

impl WebhookView {
    /// Of what it says.
    pub(super) fn of(id: &str, kind: &str, about: &str, state: Option<&str>, at: UnixMillis) -> Self {
        let known: Option<State> = state.and_then(|word| word.parse().ok());
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            about: about.to_owned(),
            about_short: shortened(about),
            href: format!("/demo/messages/{about}"),
            state: state.unwrap_or("inbound").to_owned(),
            tone: known.map_or("in", tone),
            at: rfc3339(at),
            clock: clock(at),
            ..Self::default()
        }
    }

    /// With what the bank made of it.
    pub(super) fn answered(self, checked: Result<(), Doubt>, status: u16) -> Self {
        Self {
            verified: checked.is_ok(),
            seal: checked.map_or_else(|doubt| doubt.to_string(), |()| "verified".to_owned()),
            seal_tone: if checked.is_ok() { "good" } else { "bad" },
            status,
            taken: (200..300).contains(&status),
            ..self
        }
        .tried(1)
    }

    /// Told so many times by now.
    pub(super) fn tried(self, tries: u32) -> Self {
        let answer = match tries {
            1 => format!("answered {}", self.status),
            _ => format!("answered {}, try {tries}", self.status),
        };
        Self { tries, answer, ..self }
    }
}

/// The end of an id, where ids differ.
fn shortened(id: &str) -> String {
    let end = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    format!("…{}", &id[end..])
}

impl CarrierView {
    /// Of a carrier, what the daemon says of it, and how fast it is.
    pub(super) fn of(carrier: &SimulatedCarrier, report: Option<&CarrierReport>, rate: f64, taken: u64) -> Self {
        let habit = carrier.habit();
        let view = Self::linked(report, "bound", rate, taken);
        let is_broken = matches!(habit, Habit::Slow | Habit::Silent | Habit::Refuse);
        let why = match habit {
            _ if !view.why.is_empty() => view.why,
            Habit::Whole | Habit::Down => carrier.ways().to_owned(),
            Habit::Slow | Habit::Silent | Habit::Refuse => habit.help().to_owned(),
        };
        Self {
            id: carrier.name(),
            name: carrier.title(),
            tone: if is_broken && view.tone == "good" {
                "doubt"
            } else {
                view.tone
            },
            habit: habit.id(),
            window: u32::from(carrier.window()),
            why,
            ..view
        }
    }

    /// Of the RCS platform.
    pub(super) fn of_platform(platform: &Platform, report: Option<&CarrierReport>, rate: f64) -> Self {
        let view = Self::linked(report, "signed in", rate, platform.stats().accepted);
        let why = if view.why.is_empty() {
            platform::WAYS.to_owned()
        } else {
            view.why
        };
        Self {
            id: PLATFORM,
            name: platform::TITLE.to_owned(),
            window: u32::from(platform::WINDOW),
            why,
            ..view
        }
    }

    /// What the daemon says; `up` is the word for a link that stands.
    fn linked(report: Option<&CarrierReport>, up: &'static str, rate: f64, taken: u64) -> Self {
        let binds = report.map_or(&[][..], |report| &report.binds);
        let worst = binds
            .iter()
            .map(|(_, status)| status)
            .find(|status| status.state != BindState::Bound);
        let state = worst.map_or(BindState::Bound, |status| status.state);
        let (word, tone) = match state {
            _ if binds.is_empty() => ("starting", "wait"),
            BindState::Bound => (up, "good"),
            BindState::Connecting => ("connecting", "off"),
            BindState::Waiting => ("link down", "off"),
            BindState::Draining => ("draining", "wait"),
            BindState::Stopped => ("stopped", "off"),
            BindState::Refused => ("bind refused", "bad"),
        };
        Self {
            state: word,
            bind_tone: tone,
            tone,
            in_flight: binds.iter().map(|(_, status)| status.in_flight).sum(),
            rate: format!("{rate:.1}"),
            taken,
            why: worst.and_then(|status| status.last_error.clone()).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The kind of a state: shape and colour.
pub(super) const fn tone(state: State) -> &'static str {
    match state {
        State::Scheduled | State::Queued | State::Canceled | State::Suppressed => "wait",
        State::Claimed | State::Submitted => "go",
        State::Delivered => "good",
        State::Uncertain | State::Unconfirmed => "doubt",
        State::Undelivered | State::Failed | State::Expired | State::Quarantined => "bad",
    }
}

fn note(progress: &Progress) -> String {
    let mut notes: Vec<String> = Vec::new();
    if let Some(reason) = progress.reason {
        notes.push(reason.as_str().replace('_', " "));
    }
    if progress.step > 0 {
        notes.push(format!("step {}", progress.step + 1));
    }
    if progress.copies > 0 {
        notes.push("sent again".to_owned());
    } else if progress.flags.has(Flag::WasUncertain) && progress.state != State::Uncertain {
        notes.push("was in doubt".to_owned());
    }
    notes.join(" · ")
}

/// `GSM-7`, `UCS-2 · 3 segments`.
pub(super) fn badge(text: &str, segments: usize) -> String {
    let encoding = encoding_word(Encoding::choose(text).as_str());
    match segments {
        0 | 1 => encoding.to_owned(),
        more => format!("{encoding} · {more} segments"),
    }
}

/// An encoding's name for people.
pub(super) fn encoding_word(word: &str) -> &'static str {
    match word {
        "gsm7" => "GSM-7",
        "ucs2" => "UCS-2",
        "latin1" => "Latin-1",
        _ => "8-bit",
    }
}

/// Septets or UTF-16 units that so many segments hold.
pub(super) fn room(encoding: &str, segments: usize) -> usize {
    let encoding = if encoding == "ucs2" {
        Encoding::Ucs2
    } else {
        Encoding::Gsm7
    };
    match segments {
        0 | 1 => encoding.single_limit(),
        more => more * encoding.segment_limit(ReferenceSize::Bits8),
    }
}

fn owner(number: &str) -> String {
    PHONES
        .iter()
        .find(|phone| phone.number == number)
        .map_or_else(|| format!("+{number}"), |phone| phone.name.to_owned())
}

/// A time for machines.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A time of day in UTC, until the page knows the viewer's zone.
pub(super) fn clock(at: UnixMillis) -> String {
    at.timestamp().strftime("%H:%M:%S").to_string()
}

/// A span for people, of milliseconds.
pub(super) fn span(ms: u128) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        10_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
    }
}

/// The classes, best first.
pub(super) fn classes() -> Vec<&'static str> {
    Class::ALL.into_iter().map(Class::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short_to_read() {
        let cases = [
            (7, "7 ms"),
            (1_240, "1.24 s"),
            (12_345, "12.3 s"),
            (125_000, "2 min 5 s"),
        ];
        for (ms, text) in cases {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn the_room_of_a_text_grows_by_segments() {
        assert_eq!((room("gsm7", 1), room("gsm7", 2)), (160, 306));
        assert_eq!((room("ucs2", 1), room("ucs2", 3)), (70, 201));
    }
}
