//! Rich cards: one, or several side by side.

use serde::{Deserialize, Serialize};

use super::{ContentInfo, Suggestion, UploadedRbmFile};
use crate::limit::{CAROUSEL_CARDS, Found, MAX_CARD_SUGGESTIONS, MAX_DESCRIPTION, MAX_TITLE, Path};
use crate::proto3::{self, one_of};

/// A card, or several side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "RichCardMembers")]
pub enum RichCard {
    /// One card.
    StandaloneCard(StandaloneCard),
    /// Two to ten cards, which the user moves through.
    CarouselCard(CarouselCard),
}

/// One card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandaloneCard {
    /// Whether the media stand above the text or beside it.
    pub card_orientation: CardOrientation,
    /// On which side they stand in a horizontal card; for a vertical one it says nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "proto3::specified"
    )]
    pub thumbnail_image_alignment: Option<ThumbnailImageAlignment>,
    /// What the card holds.
    pub card_content: CardContent,
}

/// Where the media of a card stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CardOrientation {
    /// Beside the text.
    Horizontal,
    /// Above the text.
    Vertical,
}

/// On which side of a horizontal card the media stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ThumbnailImageAlignment {
    Left,
    Right,
}

/// Cards side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarouselCard {
    /// How wide each of them is.
    pub card_width: CardWidth,
    /// Two to ten cards.
    pub card_contents: Vec<CardContent>,
}

/// How wide the cards of a carousel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CardWidth {
    /// 120 density-independent pixels.
    Small,
    /// 232 density-independent pixels.
    Medium,
}

/// What a card holds: at least one of title, description and media.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardContent {
    /// Up to 200 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Up to 2000 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An image or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// Buttons in the card, up to four; they stay when newer messages come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

/// An image or a video in a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MediaMembers")]
pub struct Media {
    /// How high it is; horizontal cards take no notice. `None` leaves it to the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<MediaHeight>,
    /// Where it comes from.
    #[serde(flatten)]
    pub source: MediaSource,
}

/// How high the media of a vertical card are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MediaHeight {
    /// 112 density-independent pixels.
    Short,
    /// 168 density-independent pixels.
    Medium,
    /// 264 density-independent pixels; not in a carousel.
    Tall,
}

/// Where media come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaSource {
    /// By URL.
    ContentInfo(ContentInfo),
    /// Uploaded before.
    UploadedRbmFile(UploadedRbmFile),
}

impl RichCard {
    /// The cards, one or several.
    #[must_use]
    pub fn cards(&self) -> &[CardContent] {
        match self {
            Self::StandaloneCard(card) => std::slice::from_ref(&card.card_content),
            Self::CarouselCard(carousel) => &carousel.card_contents,
        }
    }

    pub(super) fn check(&self, at: Path<'_>, found: &mut Found) {
        match self {
            Self::StandaloneCard(card) => card.check(at.member("standaloneCard"), found),
            Self::CarouselCard(carousel) => carousel.check(at.member("carouselCard"), found),
        }
    }
}

impl StandaloneCard {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        let content = &self.card_content;
        let at = at.member("cardContent");
        content.check(at, found);
        let is_bare = content.title.is_none() && content.description.is_none() && content.suggestions.is_empty();
        if self.card_orientation == CardOrientation::Horizontal && content.media.is_some() && is_bare {
            found.expect(
                false,
                at,
                "`title`, `description` or `suggestions` beside the media of a horizontal card",
            );
        }
    }
}

impl CarouselCard {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        let at = at.member("cardContents");
        found.count(at, self.card_contents.len(), CAROUSEL_CARDS);
        for (index, content) in self.card_contents.iter().enumerate() {
            let at = at.item(index);
            content.check(at, found);
            // By the letter a MEDIUM carousel may have them, but AWS refuses them in any.
            let is_tall = content
                .media
                .as_ref()
                .is_some_and(|media| media.height == Some(MediaHeight::Tall));
            found.expect(
                !is_tall,
                at.member("media").member("height"),
                "SHORT or MEDIUM in a carousel",
            );
        }
    }
}

impl CardContent {
    fn check(&self, at: Path<'_>, found: &mut Found) {
        let has_something = self.title.is_some() || self.description.is_some() || self.media.is_some();
        found.expect(has_something, at, "`title`, `description` or `media`");
        found.optional_text(at.member("title"), self.title.as_deref(), MAX_TITLE);
        found.optional_text(at.member("description"), self.description.as_deref(), MAX_DESCRIPTION);
        match self.media.as_ref().map(|media| &media.source) {
            None => {}
            Some(MediaSource::ContentInfo(file)) => file.check(at.member("media").member("contentInfo"), found),
            Some(MediaSource::UploadedRbmFile(file)) => file.check(at.member("media").member("uploadedRbmFile"), found),
        }
        Suggestion::check_all(&self.suggestions, at.member("suggestions"), MAX_CARD_SUGGESTIONS, found);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RichCardMembers {
    standalone_card: Option<StandaloneCard>,
    carousel_card: Option<CarouselCard>,
}

impl TryFrom<RichCardMembers> for RichCard {
    type Error = String;

    fn try_from(members: RichCardMembers) -> Result<Self, String> {
        one_of([
            ("standaloneCard", members.standalone_card.map(Self::StandaloneCard)),
            ("carouselCard", members.carousel_card.map(Self::CarouselCard)),
        ])
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaMembers {
    #[serde(default, deserialize_with = "proto3::specified")]
    height: Option<MediaHeight>,
    content_info: Option<ContentInfo>,
    uploaded_rbm_file: Option<UploadedRbmFile>,
    file_name: Option<String>,
}

impl TryFrom<MediaMembers> for Media {
    type Error = String;

    fn try_from(members: MediaMembers) -> Result<Self, String> {
        let source = one_of([
            ("contentInfo", members.content_info.map(MediaSource::ContentInfo)),
            (
                "uploadedRbmFile",
                members.uploaded_rbm_file.map(MediaSource::UploadedRbmFile),
            ),
            (
                "fileName",
                members
                    .file_name
                    .map(|name| MediaSource::UploadedRbmFile(UploadedRbmFile::new(name))),
            ),
        ])?;
        Ok(Self {
            height: members.height,
            source,
        })
    }
}
