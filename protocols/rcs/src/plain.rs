//! A message rendered down to text, for SMS and for handsets that cannot show it.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::AgentMessage;
use crate::message::{
    Action, ActionKind, CardContent, Content, ContentInfo, Media, MediaSource, RichCard, Suggestion, ViewLocationAction,
};

/// A message as text: what it says, then a line an action, then the replies with numbers before them.
///
/// ```
/// use araldo_rcs::PlainText;
/// use araldo_rcs::message::{ActionKind, AgentMessage, Suggestion, TrafficType};
///
/// let mut message = AgentMessage::text("Was it you who paid 90 € at Rossi's?", TrafficType::Transaction);
/// message.content_message.suggestions = vec![
///     Suggestion::reply("Yes", "paid-yes"),
///     Suggestion::reply("No", "paid-no"),
///     Suggestion::action("Call us", "call", ActionKind::dial("+442079460000")),
/// ];
/// let plain = PlainText::of(&message);
/// assert_eq!(plain.text, "Was it you who paid 90 € at Rossi's?\nCall us: +442079460000\n1 Yes, 2 No");
/// assert_eq!(plain.choices[1].postback_data, "paid-no");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainText {
    /// The text; empty where nothing of the message can be said in text, as of an uploaded file.
    pub text: String,
    /// What a number in the answer stands for: the first is 1.
    pub choices: Vec<Choice>,
}

/// A reply that was rendered with a number before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its label.
    pub text: String,
    /// What a tap would have brought back.
    pub postback_data: String,
}

impl PlainText {
    /// Renders a message. The replies of all cards are numbered through; what is not said twice: a URL or a number that
    /// the text holds already.
    #[must_use]
    pub fn of(message: &AgentMessage) -> Self {
        let mut plain = Self::default();
        let content = &message.content_message;
        match &content.content {
            Content::Text(text) => plain.line(text),
            Content::RichCard(card) => plain.cards(card),
            Content::ContentInfo(file) => plain.line(&file.file_url),
            Content::UploadedRbmFile(_) => {}
        }
        plain.suggestions(&content.suggestions);
        plain
    }

    fn cards(&mut self, card: &RichCard) {
        for (index, card) in card.cards().iter().enumerate() {
            if index > 0 && !self.text.is_empty() {
                self.text.push('\n');
            }
            self.card(card);
        }
    }

    fn card(&mut self, card: &CardContent) {
        for text in [&card.title, &card.description].into_iter().flatten() {
            self.line(text);
        }
        if let Some(Media {
            source: MediaSource::ContentInfo(ContentInfo { file_url, .. }),
            ..
        }) = &card.media
        {
            self.line(file_url);
        }
        self.suggestions(&card.suggestions);
    }

    fn suggestions(&mut self, suggestions: &[Suggestion]) {
        let mut replies = String::new();
        for suggestion in suggestions {
            match suggestion {
                Suggestion::Action(action) => self.action(action),
                Suggestion::Reply(reply) => {
                    self.choices.push(Choice {
                        text: reply.text.clone(),
                        postback_data: reply.postback_data.clone(),
                    });
                    let comma = if replies.is_empty() { "" } else { ", " };
                    let _ = write!(replies, "{comma}{} {}", self.choices.len(), reply.text);
                }
            }
        }
        self.line(&replies);
    }

    fn action(&mut self, action: &Action) {
        if let Some(target) = target(action)
            && !self.text.contains(&target)
        {
            self.line(&format!("{}: {target}", action.text));
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }
}

/// What a reader of text can do instead; `None` where there is nothing.
fn target(action: &Action) -> Option<String> {
    match &action.kind {
        ActionKind::Dial(dial) => Some(dial.phone_number.clone()),
        ActionKind::OpenUrl(open) => Some(open.url.clone()),
        _ if action.fallback_url.is_some() => action.fallback_url.clone(),
        ActionKind::ViewLocation(view) => place(view),
        ActionKind::CreateCalendarEvent(event) => {
            let start = event.start_time.to_zoned(TimeZone::UTC);
            Some(format!("{} {} UTC", event.title, start.strftime("%Y-%m-%d %H:%M")))
        }
        ActionKind::ShareLocation {} | ActionKind::Compose(_) => None,
    }
}

fn place(view: &ViewLocationAction) -> Option<String> {
    let words = view
        .label
        .as_ref()
        .or(view.query.as_ref())
        .filter(|words| !words.is_empty());
    let position = || {
        view.lat_long
            .map(|at| format!("{:.5},{:.5}", at.latitude, at.longitude))
    };
    words.cloned().or_else(position)
}
