//! Suggestions: what the user may tap. A tap comes back as a
//! [`SuggestionResponse`](crate::webhook::SuggestionResponse) with the `postbackData` given here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limit::{Found, MAX_EVENT_DESCRIPTION, MAX_EVENT_TITLE, MAX_LABEL, MAX_POSTBACK, MAX_TEXT, MAX_WORD, Path};
use crate::proto3::{self, one_of};

/// What the user may tap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "SuggestionMembers")]
pub enum Suggestion {
    /// Words that the user says by tapping: they appear in the chat.
    Reply(SuggestedReply),
    /// Something that the handset does. The tap tells that it was begun, not that it was done.
    Action(Action),
}

/// Words that the user says by tapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestedReply {
    /// The words, up to 25 UTF-16 units.
    pub text: String,
    /// What comes back, up to 2048 UTF-16 units. It travels as it is: an opaque token of ASCII survives every reading of the
    /// documentation, which calls it base64 in one place and shows plain text in others.
    pub postback_data: String,
}

/// Something that the handset does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "ActionMembers")]
pub struct Action {
    /// The label, up to 25 UTF-16 units.
    pub text: String,
    /// What comes back, as for a reply.
    pub postback_data: String,
    /// What is opened instead by a handset that cannot do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub kind: ActionKind,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ActionKind {
    /// Dials a number.
    #[serde(rename = "dialAction")]
    Dial(DialAction),
    /// Opens a page.
    #[serde(rename = "openUrlAction")]
    OpenUrl(OpenUrlAction),
    /// Shows a place on a map.
    #[serde(rename = "viewLocationAction")]
    ViewLocation(ViewLocationAction),
    /// Asks for the user's place, which comes as a message of its own.
    #[serde(rename = "shareLocationAction")]
    ShareLocation {},
    /// Opens the calendar with an event filled in.
    #[serde(rename = "createCalendarEventAction")]
    CreateCalendarEvent(CreateCalendarEventAction),
    /// Begins a message to somebody. In the schema, but its introduction has been paused since June 2025: not to be offered.
    #[serde(rename = "composeAction")]
    Compose(ComposeAction),
}

/// A number to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DialAction {
    /// Digits, `+`, `*` and `#`.
    pub phone_number: String,
}

/// A page to open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenUrlAction {
    /// Its address, of any scheme.
    pub url: String,
    /// Where it is shown; `None` is the browser.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "proto3::specified"
    )]
    pub application: Option<OpenUrlApplication>,
    /// How much of the screen a web view takes.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "proto3::specified"
    )]
    pub webview_view_mode: Option<WebviewViewMode>,
    /// What the page is, for those who have it read to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Where a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OpenUrlApplication {
    /// In the browser.
    Browser,
    /// In the chat, where the handset can; else in the browser.
    Webview,
}

/// How much of the screen a web view takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WebviewViewMode {
    /// All of it.
    Full,
    /// Half of it.
    Half,
    /// Three quarters of it.
    Tall,
}

/// A place to show: by its position or by words to search for, at least one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewLocationAction {
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat_long: Option<LatLng>,
    /// What is written beside the pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What is searched for on the map; in Google Messages only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// A position in degrees, WGS 84. A coordinate that JSON leaves out is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatLng {
    /// -90 to 90, north positive.
    #[serde(default)]
    pub latitude: f64,
    /// -180 to 180, east positive.
    #[serde(default)]
    pub longitude: f64,
}

/// An event to put into the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateCalendarEventAction {
    /// When it begins.
    #[serde(with = "proto3::time")]
    pub start_time: Timestamp,
    /// When it ends.
    #[serde(with = "proto3::time")]
    pub end_time: Timestamp,
    /// Up to 100 UTF-16 units.
    pub title: String,
    /// Up to 500 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A message to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "ComposeMembers")]
pub enum ComposeAction {
    /// A text.
    ComposeTextMessage(ComposeTextMessage),
    /// A recording.
    ComposeRecordingMessage(ComposeRecordingMessage),
}

/// A text to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComposeTextMessage {
    /// To whom.
    pub phone_number: String,
    /// What.
    pub text: String,
}

/// A recording to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComposeRecordingMessage {
    /// To whom.
    pub phone_number: String,
    /// Of what.
    #[serde(rename = "type")]
    pub recording: ActionType,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ActionType {
    #[serde(rename = "ACTION_TYPE_AUDIO")]
    Audio,
    #[serde(rename = "ACTION_TYPE_VIDEO")]
    Video,
}

impl Suggestion {
    /// A reply.
    #[must_use]
    pub fn reply(text: impl Into<String>, postback_data: impl Into<String>) -> Self {
        Self::Reply(SuggestedReply {
            text: text.into(),
            postback_data: postback_data.into(),
        })
    }

    /// An action without fallback.
    #[must_use]
    pub fn action(text: impl Into<String>, postback_data: impl Into<String>, kind: ActionKind) -> Self {
        Self::Action(Action {
            text: text.into(),
            postback_data: postback_data.into(),
            fallback_url: None,
            kind,
        })
    }

    pub(super) fn check_all(suggestions: &[Self], at: Path<'_>, most: usize, found: &mut Found) {
        found.count(at, suggestions.len(), 0..=most);
        for (index, suggestion) in suggestions.iter().enumerate() {
            let at = at.item(index);
            match suggestion {
                Self::Reply(reply) => {
                    let at = at.member("reply");
                    found.text(at.member("text"), &reply.text, MAX_LABEL);
                    found.text(at.member("postbackData"), &reply.postback_data, MAX_POSTBACK);
                }
                Self::Action(action) => action.check(at.member("action"), found),
            }
        }
    }
}

impl ActionKind {
    /// Opens a page in the browser.
    #[must_use]
    pub fn open_url(url: impl Into<String>) -> Self {
        Self::OpenUrl(OpenUrlAction {
            url: url.into(),
            ..OpenUrlAction::default()
        })
    }

    /// Dials a number.
    #[must_use]
    pub fn dial(phone_number: impl Into<String>) -> Self {
        Self::Dial(DialAction {
            phone_number: phone_number.into(),
        })
    }
}

impl Action {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        found.text(at.member("text"), &self.text, MAX_LABEL);
        found.text(at.member("postbackData"), &self.postback_data, MAX_POSTBACK);
        if let Some(url) = &self.fallback_url {
            found.url(at.member("fallbackUrl"), url);
        }
        match &self.kind {
            ActionKind::Dial(dial) => {
                check_number(at.member("dialAction").member("phoneNumber"), &dial.phone_number, found);
            }
            ActionKind::OpenUrl(open) => {
                let at = at.member("openUrlAction");
                found.url(at.member("url"), &open.url);
                found.optional_text(at.member("description"), open.description.as_deref(), MAX_WORD);
            }
            ActionKind::ViewLocation(view) => view.check(at.member("viewLocationAction"), found),
            ActionKind::ShareLocation {} => {}
            ActionKind::CreateCalendarEvent(event) => {
                let at = at.member("createCalendarEventAction");
                found.text(at.member("title"), &event.title, MAX_EVENT_TITLE);
                found.optional_text(
                    at.member("description"),
                    event.description.as_deref(),
                    MAX_EVENT_DESCRIPTION,
                );
            }
            ActionKind::Compose(compose) => compose.check(at.member("composeAction"), found),
        }
    }
}

impl ViewLocationAction {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        found.expect(
            self.lat_long.is_some() || self.query.is_some(),
            at,
            "`latLong` or `query`",
        );
        if let Some(place) = self.lat_long {
            let at = at.member("latLong");
            found.expect(
                (-90.0..=90.0).contains(&place.latitude),
                at.member("latitude"),
                "-90 to 90 degrees",
            );
            found.expect(
                (-180.0..=180.0).contains(&place.longitude),
                at.member("longitude"),
                "-180 to 180 degrees",
            );
        }
        found.optional_text(at.member("label"), self.label.as_deref(), MAX_WORD);
        found.optional_text(at.member("query"), self.query.as_deref(), MAX_WORD);
    }
}

impl ComposeAction {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        match self {
            Self::ComposeTextMessage(message) => {
                let at = at.member("composeTextMessage");
                check_number(at.member("phoneNumber"), &message.phone_number, found);
                found.text(at.member("text"), &message.text, MAX_TEXT);
            }
            Self::ComposeRecordingMessage(message) => {
                let at = at.member("composeRecordingMessage");
                check_number(at.member("phoneNumber"), &message.phone_number, found);
            }
        }
    }
}

fn check_number(at: Path<'_>, number: &str, found: &mut Found) {
    found.text(at, number, MAX_WORD);
    let is_number = number
        .bytes()
        .all(|octet| octet.is_ascii_digit() || b"+*#".contains(&octet));
    found.expect(is_number, at, "digits, +, * and #");
}

#[derive(Deserialize)]
struct SuggestionMembers {
    reply: Option<SuggestedReply>,
    action: Option<Action>,
}

impl TryFrom<SuggestionMembers> for Suggestion {
    type Error = String;

    fn try_from(members: SuggestionMembers) -> Result<Self, String> {
        one_of([
            ("reply", members.reply.map(Self::Reply)),
            ("action", members.action.map(Self::Action)),
        ])
    }
}

#[derive(Deserialize)]
struct Empty {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionMembers {
    text: String,
    postback_data: String,
    fallback_url: Option<String>,
    dial_action: Option<DialAction>,
    open_url_action: Option<OpenUrlAction>,
    view_location_action: Option<ViewLocationAction>,
    share_location_action: Option<Empty>,
    create_calendar_event_action: Option<CreateCalendarEventAction>,
    compose_action: Option<ComposeAction>,
}

impl TryFrom<ActionMembers> for Action {
    type Error = String;

    fn try_from(members: ActionMembers) -> Result<Self, String> {
        let calendar = members.create_calendar_event_action;
        let kind = one_of([
            ("dialAction", members.dial_action.map(ActionKind::Dial)),
            ("openUrlAction", members.open_url_action.map(ActionKind::OpenUrl)),
            (
                "viewLocationAction",
                members.view_location_action.map(ActionKind::ViewLocation),
            ),
            (
                "shareLocationAction",
                members
                    .share_location_action
                    .map(|Empty {}| ActionKind::ShareLocation {}),
            ),
            (
                "createCalendarEventAction",
                calendar.map(ActionKind::CreateCalendarEvent),
            ),
            ("composeAction", members.compose_action.map(ActionKind::Compose)),
        ])?;
        Ok(Self {
            text: members.text,
            postback_data: members.postback_data,
            fallback_url: members.fallback_url,
            kind,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComposeMembers {
    compose_text_message: Option<ComposeTextMessage>,
    compose_recording_message: Option<ComposeRecordingMessage>,
}

impl TryFrom<ComposeMembers> for ComposeAction {
    type Error = String;

    fn try_from(members: ComposeMembers) -> Result<Self, String> {
        one_of([
            (
                "composeTextMessage",
                members.compose_text_message.map(Self::ComposeTextMessage),
            ),
            (
                "composeRecordingMessage",
                members.compose_recording_message.map(Self::ComposeRecordingMessage),
            ),
        ])
    }
}
