//! The requests. None is sent here, and none is signed in: [`AccessToken::authorize`](crate::AccessToken::authorize) adds
//! the token, so that a request that met a 401 goes again as it is.

use std::collections::HashSet;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limit::{Found, MAX_BATCH_USERS, MAX_FILE_BYTES, MAX_WORD, Path, Violations};
use crate::{AgentId, AgentMessage, Msisdn};

/// The API as one agent sees it: where it is, and who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Scheme, authority and what may stand before `/v1`, without a slash at the end.
    base: String,
    agent_id: AgentId,
}

/// Where the platform's hosts are. The nearest is the fastest; batch look-ups want the one of the numbers' own region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Region {
    Global,
    UnitedStates,
    Europe,
    Asia,
}

impl Region {
    /// The base of the region's host.
    #[must_use]
    pub fn base(self) -> &'static str {
        match self {
            Self::Global => "https://rcsbusinessmessaging.googleapis.com",
            Self::UnitedStates => "https://us-rcsbusinessmessaging.googleapis.com",
            Self::Europe => "https://europe-rcsbusinessmessaging.googleapis.com",
            Self::Asia => "https://asia-rcsbusinessmessaging.googleapis.com",
        }
    }
}

/// A text that is no base of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the base of an API: write scheme and host, as https://europe-rcsbusinessmessaging.googleapis.com")]
pub struct InvalidBase;

/// What the agent tells a user without saying anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "eventType")]
pub enum AgentEvent {
    /// It is writing.
    #[serde(rename = "IS_TYPING")]
    IsTyping,
    /// It has read a message.
    #[serde(rename = "READ", rename_all = "camelCase")]
    Read {
        /// The id of the user's message, as the webhook brought it.
        message_id: String,
    },
}

/// Media types that the platform takes, with which a file is uploaded.
const MEDIA_TYPES: [&str; 20] = [
    "application/ogg",
    "application/pdf",
    "audio/3gpp",
    "audio/aac",
    "audio/mp3",
    "audio/mp4",
    "audio/mp4-latm",
    "audio/mpeg",
    "audio/mpg",
    "audio/ogg",
    "image/gif",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "video/h263",
    "video/m4v",
    "video/mp4",
    "video/mpeg",
    "video/mpeg4",
    "video/webm",
];

impl Api {
    /// The API at `base`, a [`Region`]'s or that of a simulator, for the agent that calls.
    ///
    /// # Errors
    /// A base that is no URL of http or https, or one with user, password, query or fragment.
    pub fn new(base: &str, agent_id: AgentId) -> Result<Self, InvalidBase> {
        let uri: Uri = base.parse().map_err(|_| InvalidBase)?;
        let is_base = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
            && !base.contains('#');
        let base = base.trim_end_matches('/').to_owned();
        is_base.then_some(Self { base, agent_id }).ok_or(InvalidBase)
    }

    /// Who calls.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.agent_id
    }

    /// Sends a message: `phones.agentMessages.create`, answered with [`Accepted`](crate::Accepted).
    ///
    /// The platform passes over a `message_id` that the agent has used before, for a message or for an event. So the same id
    /// may be sent again after a lost answer, and a new id may not.
    ///
    /// # Errors
    /// Every member of the message that breaks a limit; `now` is for `expireTime`.
    pub fn send(
        &self,
        to: &Msisdn,
        message_id: Uuid,
        message: &AgentMessage,
        now: Timestamp,
    ) -> Result<Request<Bytes>, Violations> {
        let query = [("messageId", message_id.to_string()), self.agent()];
        Ok(self.json(&format!("/v1/phones/{to}/agentMessages"), &query, message.to_json(now)?))
    }

    /// Withdraws a message that was not delivered yet: `phones.agentMessages.delete`, answered with
    /// [`Revocation`](crate::Revocation). Nothing is taken off a handset.
    #[must_use]
    pub fn revoke(&self, to: &Msisdn, message_id: Uuid) -> Request<Bytes> {
        let path = format!("/v1/phones/{to}/agentMessages/{message_id}");
        self.request(Method::DELETE, &path, &[self.agent()], None, Bytes::new())
    }

    /// Tells a user that the agent writes or has read: `phones.agentEvents.create`, answered with
    /// [`Accepted`](crate::Accepted). Events and messages share their ids; no event can be withdrawn.
    ///
    /// # Errors
    /// An empty id of the message that was read, or one that no platform makes.
    pub fn event(&self, to: &Msisdn, event_id: Uuid, event: &AgentEvent) -> Result<Request<Bytes>, Violations> {
        let mut found = Found::default();
        if let AgentEvent::Read { message_id } = event {
            found.text(Path::Root.member("messageId"), message_id, MAX_WORD);
        }
        found.finish()?;
        let query = [("eventId", event_id.to_string()), self.agent()];
        Ok(self.json(&format!("/v1/phones/{to}/agentEvents"), &query, json(event)))
    }

    /// Asks what a user's handset can show: `phones.getCapabilities`, answered with [`Capabilities`](crate::Capabilities).
    #[must_use]
    pub fn capabilities(&self, to: &Msisdn, request_id: Uuid) -> Request<Bytes> {
        let query = [("requestId", request_id.to_string()), self.agent()];
        self.request(
            Method::GET,
            &format!("/v1/phones/{to}/capabilities"),
            &query,
            None,
            Bytes::new(),
        )
    }

    /// Asks which of many users can be reached at all: `users.batchGet`, answered with [`Reach`](crate::Reach). The platform
    /// wants 500 to 10,000 different numbers of the host's region a call, and 600 calls a minute at most; from fewer than 500
    /// it makes no estimate.
    ///
    /// # Errors
    /// No number, more than 10,000, or a number twice.
    pub fn batch_get(&self, users: &[Msisdn]) -> Result<Request<Bytes>, Violations> {
        let at = Path::Root.member("users");
        let mut found = Found::default();
        found.count(at, users.len(), 1..=MAX_BATCH_USERS);
        found.finish()?;
        let mut seen = HashSet::with_capacity(users.len());
        let mut found = Found::default();
        for (index, user) in users.iter().enumerate() {
            found.expect(seen.insert(user), at.item(index), "each number once");
        }
        found.finish()?;

        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct BatchGetUsersRequest<'a> {
            agent_id: &'a str,
            users: Vec<&'a str>,
        }
        let users = users.iter().map(Msisdn::as_str).collect();
        let body = BatchGetUsersRequest {
            agent_id: self.agent_id.as_str(),
            users,
        };
        Ok(self.json("/v1/users:batchGet", &[], json(&body)))
    }

    /// Has the platform fetch a file and keep it for 60 days: `files.create`, answered with
    /// [`StoredFile`](crate::StoredFile). One redirect is followed here, where messages allow none.
    ///
    /// # Errors
    /// URLs that are none of http or https, or longer than the API allows.
    pub fn create_file(&self, file_url: &str, thumbnail_url: Option<&str>) -> Result<Request<Bytes>, Violations> {
        let mut found = Found::default();
        found.web_url(Path::Root.member("fileUrl"), file_url);
        if let Some(url) = thumbnail_url {
            found.web_url(Path::Root.member("thumbnailUrl"), url);
        }
        found.finish()?;

        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct CreateFileRequest<'a> {
            file_url: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            thumbnail_url: Option<&'a str>,
            agent_id: &'a str,
        }
        let body = CreateFileRequest {
            file_url,
            thumbnail_url,
            agent_id: self.agent_id.as_str(),
        };
        Ok(self.json("/v1/files", &[], json(&body)))
    }

    /// Uploads a file or a thumbnail, a call each: `files.create`, answered with [`StoredFile`](crate::StoredFile). The
    /// violations name `Content-Type` and `body`, which are no members of JSON.
    ///
    /// # Errors
    /// A media type that the platform does not take, no bytes, or more than 100 MiB.
    pub fn upload_file(&self, media_type: &str, file: Bytes) -> Result<Request<Bytes>, Violations> {
        let mut found = Found::default();
        let known = MEDIA_TYPES.iter().find(|known| known.eq_ignore_ascii_case(media_type));
        found.expect(
            known.is_some(),
            Path::Root.member("Content-Type"),
            "a media type that handsets show, as image/jpeg",
        );
        found.expect(!file.is_empty(), Path::Root.member("body"), "a file");
        found.bytes(Path::Root.member("body"), file.len(), MAX_FILE_BYTES);
        found.finish()?;
        Ok(self.request(Method::POST, "/upload/v1/files", &[self.agent()], known.copied(), file))
    }

    fn agent(&self) -> (&'static str, String) {
        ("agentId", self.agent_id.to_string())
    }

    fn json(&self, path: &str, query: &[(&str, String)], body: Bytes) -> Request<Bytes> {
        self.request(Method::POST, path, query, Some("application/json"), body)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Request<Bytes> {
        let mut uri = format!("{}{path}", self.base);
        if !query.is_empty() {
            uri.push('?');
            let start = uri.len();
            uri = Serializer::for_suffix(uri, start).extend_pairs(query).finish();
        }
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(content_type) = content_type {
            request = request
                .header(CONTENT_TYPE, content_type)
                .header(CONTENT_LENGTH, body.len());
        }
        request
            .body(body)
            .expect("a base that was checked, digits, ids and escaped queries make a URI")
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("texts and lists are JSON").into()
}
