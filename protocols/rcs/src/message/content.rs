//! What a message shows: one content, and suggestions under it.

use serde::{Deserialize, Serialize};

use super::{RichCard, Suggestion};
use crate::limit::{Found, MAX_SUGGESTIONS, MAX_TEXT, Path};
use crate::proto3::one_of;

/// One content and the suggestions under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Members")]
pub struct AgentContentMessage {
    /// What is shown.
    #[serde(flatten)]
    pub content: Content,
    /// Chips, up to 11, shown only while this is the newest message of the conversation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

/// What a message shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// A text of up to 3072 UTF-16 units. In some countries its UTF-8 bytes are what is charged.
    Text(String),
    /// A card or a carousel.
    RichCard(RichCard),
    /// A file by its URL.
    ContentInfo(ContentInfo),
    /// A file that was uploaded.
    UploadedRbmFile(UploadedRbmFile),
}

/// A file that the platform fetches: public, with the right Content-Type, without redirects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentInfo {
    /// Where the file is, up to 100 MiB.
    pub file_url: String,
    /// Where a small image of it is, up to 100 kB; JPEG, GIF or PNG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Fetches the file again even where the platform holds a copy; that delays the message.
    #[serde(default)]
    pub force_refresh: bool,
}

impl ContentInfo {
    /// The file at `url`, without thumbnail.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            file_url: url.into(),
            thumbnail_url: None,
            force_refresh: false,
        }
    }

    pub(super) fn check(&self, at: Path<'_>, found: &mut Found) {
        found.web_url(at.member("fileUrl"), &self.file_url);
        if let Some(url) = &self.thumbnail_url {
            found.web_url(at.member("thumbnailUrl"), url);
        }
    }
}

/// A file that the platform holds, by the names that uploads were answered. It holds them for 60 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadedRbmFile {
    /// The file.
    pub file_name: String,
    /// A small image of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_name: Option<String>,
}

impl UploadedRbmFile {
    /// The file of this name, without thumbnail.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            file_name: name.into(),
            thumbnail_name: None,
        }
    }

    pub(super) fn check(&self, at: Path<'_>, found: &mut Found) {
        found.file_name(at.member("fileName"), &self.file_name);
        if let Some(name) = &self.thumbnail_name {
            found.file_name(at.member("thumbnailName"), name);
        }
    }
}

impl AgentContentMessage {
    pub(super) fn check(&self, at: Path<'_>, found: &mut Found) {
        match &self.content {
            Content::Text(text) => found.text(at.member("text"), text, MAX_TEXT),
            Content::RichCard(card) => card.check(at.member("richCard"), found),
            Content::ContentInfo(file) => file.check(at.member("contentInfo"), found),
            Content::UploadedRbmFile(file) => file.check(at.member("uploadedRbmFile"), found),
        }
        Suggestion::check_all(&self.suggestions, at.member("suggestions"), MAX_SUGGESTIONS, found);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    text: Option<String>,
    rich_card: Option<RichCard>,
    content_info: Option<ContentInfo>,
    uploaded_rbm_file: Option<UploadedRbmFile>,
    file_name: Option<String>,
    suggestions: Option<Vec<Suggestion>>,
}

impl TryFrom<Members> for AgentContentMessage {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        let content = one_of([
            ("text", members.text.map(Content::Text)),
            ("richCard", members.rich_card.map(Content::RichCard)),
            ("contentInfo", members.content_info.map(Content::ContentInfo)),
            (
                "uploadedRbmFile",
                members.uploaded_rbm_file.map(Content::UploadedRbmFile),
            ),
            (
                "fileName",
                members
                    .file_name
                    .map(|name| Content::UploadedRbmFile(UploadedRbmFile::new(name))),
            ),
        ])?;
        Ok(Self {
            content,
            suggestions: members.suggestions.unwrap_or_default(),
        })
    }
}
