//! What an RCS message shows, in the form in which templates and events have it: cards, and chips to tap.

use araldo_rcs::message::{
    ActionKind, AgentMessage, CardContent, CardOrientation, Content, ContentInfo, MediaHeight, MediaSource, RichCard,
    Suggestion, ThumbnailImageAlignment,
};
use serde::Serialize;
use serde_json::{Value, json};

/// What the addresses of pictures begin with of which this page has its own: the bank's site is nobody's.
const SITE: &str = "https://bancaaurea.example/pictures/";

/// An RCS message as a phone shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct RichView {
    pub(super) text: String,
    /// One card, or several side by side.
    pub(super) cards: Vec<CardView>,
    /// Chips under it. A phone hides them when a newer message comes; here they stay, for the trickle never rests.
    pub(super) chips: Vec<ChipView>,
}

/// A card. What it does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct CardView {
    pub(super) title: String,
    pub(super) text: String,
    /// Where this page serves its picture. Of others nothing is fetched.
    pub(super) picture: String,
    /// What is shown instead of another's file: its address.
    pub(super) file: String,
    /// `short`, `medium` or `tall`.
    pub(super) height: &'static str,
    /// Where the picture stands: `above`, `left` or `right`.
    pub(super) place: &'static str,
    pub(super) chips: Vec<ChipView>,
}

/// Something to tap.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct ChipView {
    pub(super) label: String,
    /// Its shape: `reply`, `link`, `dial`, `map`, `place` or `calendar`.
    pub(super) kind: &'static str,
    /// What a tap brings back.
    pub(super) postback: String,
    /// What the phone does then, e.g. `dials +39800000100`; empty of a reply, which says its label.
    pub(super) does: String,
}

impl RichView {
    /// Of `contentMessage` as it was sent. `pictures` is where this page has its own.
    pub(super) fn of(content: &Value, pictures: &str) -> Option<Self> {
        let whole = json!({ "contentMessage": content }).to_string();
        let content = AgentMessage::from_json(whole.as_bytes()).ok()?.content_message;
        let chips = content.suggestions.iter().map(ChipView::of).collect();
        let (text, cards) = match &content.content {
            Content::Text(text) => (text.clone(), Vec::new()),
            Content::RichCard(rich) => {
                let card = |content| CardView::of(content, place(rich), pictures);
                (String::new(), rich.cards().iter().map(card).collect())
            }
            Content::ContentInfo(file) => (String::new(), vec![CardView::default().with(file, None, pictures)]),
            Content::UploadedRbmFile(file) => {
                let card = CardView {
                    file: file.file_name.clone(),
                    ..CardView::default()
                };
                (String::new(), vec![card])
            }
        };
        Some(Self { text, cards, chips })
    }

    /// The chip that brings this back.
    pub(super) fn chip(&self, postback: &str) -> Option<&ChipView> {
        let of_cards = self.cards.iter().flat_map(|card| &card.chips);
        of_cards.chain(&self.chips).find(|chip| chip.postback == postback)
    }
}

impl CardView {
    fn of(content: &CardContent, place: &'static str, pictures: &str) -> Self {
        let card = Self {
            title: content.title.clone().unwrap_or_default(),
            text: content.description.clone().unwrap_or_default(),
            place,
            chips: content.suggestions.iter().map(ChipView::of).collect(),
            ..Self::default()
        };
        match content.media.as_ref().map(|media| (&media.source, media.height)) {
            Some((MediaSource::ContentInfo(file), height)) => card.with(file, height, pictures),
            Some((MediaSource::UploadedRbmFile(file), _)) => Self {
                file: file.file_name.clone(),
                ..card
            },
            None => card,
        }
    }

    fn with(self, file: &ContentInfo, height: Option<MediaHeight>, pictures: &str) -> Self {
        let height = match height {
            Some(MediaHeight::Short) => "short",
            Some(MediaHeight::Tall) => "tall",
            Some(MediaHeight::Medium) | None => "medium",
        };
        match file.file_url.strip_prefix(SITE) {
            Some(name) => Self {
                picture: format!("{pictures}{name}"),
                height,
                ..self
            },
            None => Self {
                file: file.file_url.clone(),
                height,
                ..self
            },
        }
    }
}

fn place(rich: &RichCard) -> &'static str {
    match rich {
        RichCard::StandaloneCard(card) if card.card_orientation == CardOrientation::Horizontal => {
            match card.thumbnail_image_alignment {
                Some(ThumbnailImageAlignment::Right) => "right",
                Some(ThumbnailImageAlignment::Left) | None => "left",
            }
        }
        RichCard::StandaloneCard(_) | RichCard::CarouselCard(_) => "above",
    }
}

impl ChipView {
    fn of(suggestion: &Suggestion) -> Self {
        let (label, postback, (kind, does)) = match suggestion {
            Suggestion::Reply(reply) => (&reply.text, &reply.postback_data, ("reply", String::new())),
            Suggestion::Action(action) => (&action.text, &action.postback_data, deed(&action.kind)),
        };
        Self {
            label: label.clone(),
            kind,
            postback: postback.clone(),
            does,
        }
    }
}

/// The shape of an action, and what the phone does.
fn deed(kind: &ActionKind) -> (&'static str, String) {
    match kind {
        ActionKind::Dial(dial) => ("dial", format!("dials {}", dial.phone_number)),
        ActionKind::OpenUrl(open) => ("link", format!("opens {}", open.url)),
        ActionKind::ViewLocation(view) => {
            let position = view
                .lat_long
                .map(|at| format!("{:.4}, {:.4}", at.latitude, at.longitude));
            let place = view.label.clone().or_else(|| view.query.clone()).or(position);
            ("map", format!("shows {} on the map", place.unwrap_or_default()))
        }
        ActionKind::ShareLocation {} => ("place", "shares where it is".to_owned()),
        ActionKind::CreateCalendarEvent(event) => {
            let at = event.start_time.strftime("%Y-%m-%d %H:%M UTC");
            ("calendar", format!("notes “{}” for {at}", event.title))
        }
        ActionKind::Compose(_) => ("reply", "begins a message".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURES: &str = "/assets/1/pictures/";

    fn view(content: &Value) -> RichView {
        RichView::of(content, PICTURES).unwrap()
    }

    fn card(url: &str) -> Value {
        let reply = json!({ "reply": { "text": "Blocca", "postbackData": "7-0" } });
        json!({ "title": "Carta", "media": { "height": "SHORT", "contentInfo": { "fileUrl": url } }, "suggestions": [reply] })
    }

    #[test]
    fn a_picture_of_this_page_is_shown_and_another_s_is_only_named() {
        let ours = format!("{SITE}travel.png");
        let content = json!({ "richCard": { "carouselCard": {
            "cardWidth": "MEDIUM", "cardContents": [card(&ours), card("https://bank.example/x.png")],
        } } });
        let shown = view(&content);
        let [one, other] = shown.cards.as_slice() else {
            panic!("{shown:?}")
        };
        assert_eq!(
            (one.picture.as_str(), one.file.as_str()),
            ("/assets/1/pictures/travel.png", "")
        );
        assert_eq!(
            (other.picture.as_str(), other.file.as_str()),
            ("", "https://bank.example/x.png")
        );
        assert_eq!((one.height, one.place), ("short", "above"));
        assert_eq!(shown.chip("7-0").map(|chip| chip.label.as_str()), Some("Blocca"));
        assert_eq!(shown.chip("7-1"), None);
    }

    #[test]
    fn each_chip_says_what_the_phone_does() {
        let action = |name: &str, what: Value| json!({ "action": { "text": "x", "postbackData": "p", name: what } });
        let event =
            json!({ "startTime": "2026-11-24T14:30:00Z", "endTime": "2026-11-24T15:30:00Z", "title": "Visita" });
        let content = json!({ "text": "Ciao", "suggestions": [
            action("dialAction", json!({ "phoneNumber": "+39800000100" })),
            action("openUrlAction", json!({ "url": "https://bank.example/" })),
            action("viewLocationAction", json!({ "query": "Via Roma 12" })),
            action("shareLocationAction", json!({})),
            action("createCalendarEventAction", event),
        ] });
        let shown = view(&content);
        let said: Vec<_> = shown.chips.iter().map(|chip| (chip.kind, chip.does.as_str())).collect();
        assert_eq!(
            said,
            [
                ("dial", "dials +39800000100"),
                ("link", "opens https://bank.example/"),
                ("map", "shows Via Roma 12 on the map"),
                ("place", "shares where it is"),
                ("calendar", "notes “Visita” for 2026-11-24 14:30 UTC"),
            ]
        );
        assert_eq!(shown.text, "Ciao");
    }

    #[test]
    fn a_card_may_have_its_picture_beside_it() {
        let content = json!({ "richCard": { "standaloneCard": {
            "cardOrientation": "HORIZONTAL", "thumbnailImageAlignment": "RIGHT",
            "cardContent": card("https://bank.example/x.png"),
        } } });
        assert_eq!(view(&content).cards[0].place, "right");
        let file = json!({ "contentInfo": { "fileUrl": "https://bank.example/x.pdf" } });
        assert_eq!(view(&file).cards[0].file, "https://bank.example/x.pdf");
    }
}
