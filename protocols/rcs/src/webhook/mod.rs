//! Posts of the platform to the agent's webhook.
//!
//! [`Post::read`] tells a handshake from an envelope. An [`Envelope`] shows nothing until [`Envelope::verify`] has checked its
//! signature, and what the signature does not cover (attributes, ids of the transport) is never shown.
//!
//! Delivery is at least once and in no order: READ may come before DELIVERED, an UNSUBSCRIBE beside the text STOP. The answer
//! is 200 as soon as the payload is stored; anything else is tried again for seven days, and holds up the agent's others.
//!
//! ```
//! use araldo_rcs::webhook::{ClientToken, Payload, Post, UserContent, envelope};
//!
//! let token = ClientToken::new("SAMPLE-CLIENT-TOKEN-0001".into()).expect("it is not empty");
//! let data = br#"{"agentId":"bank@rbm.goog","senderPhoneNumber":"+447700900123","messageId":"Mx1","text":"STOP"}"#;
//! let (body, signature) = (envelope(data), token.sign(data));
//!
//! let Post::Envelope(envelope) = Post::read(&body)? else { panic!("an envelope") };
//! let signed = envelope.verify(Some(signature.as_bytes()), [&token])?;
//! let Payload::UserMessage(message) = signed.payload()? else { panic!("a message") };
//! assert_eq!(message.content, UserContent::Text("STOP".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod payload;
mod signature;
mod user_message;

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use event::{LaunchEvent, LaunchState, ServerEvent, ServerEventType, UserEvent, UserEventType};
pub use payload::{DedupKey, Payload};
pub use signature::{BadSignature, ClientToken};
pub use user_message::{
    FileInfo, SuggestionResponse, SuggestionType, UserContent, UserFile, UserMessage, UserMessageId,
};

use crate::limit::MAX_WEBHOOK_BYTES;
use crate::read::{ReadError, from_json};

/// The header with the signature of an envelope.
pub const SIGNATURE_HEADER: &str = "X-Goog-Signature";

/// Base64 as the platform writes it, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What was posted.
#[derive(Debug)]
pub enum Post {
    /// The webhook is being registered.
    Handshake(Handshake),
    /// Something has happened.
    Envelope(Envelope),
}

/// The registration of a webhook, which proves with the client token that it is ours, and wants the secret back. Shown
/// without either.
pub struct Handshake {
    client_token: SecretString,
    /// What is given back.
    secret: String,
}

/// A post whose signature has not been checked.
pub struct Envelope {
    data: Bytes,
}

/// The payload of an envelope whose signature was right.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed(Bytes);

impl Post {
    /// Reads the body of a post. A handshake is known by its two members, since the header that public receivers see
    /// (`X-Goog-Webhook-Type`) is nowhere documented.
    ///
    /// # Errors
    /// More than [`MAX_WEBHOOK_BYTES`], no JSON, or neither of the two.
    pub fn read(body: &[u8]) -> Result<Self, ReadError> {
        let members: Members<'_> = from_json(body, MAX_WEBHOOK_BYTES)?;
        if let Some(message) = members.message {
            let data = BASE64
                .decode(message.data.as_bytes())
                .map_err(|_| ReadError::new("message.data", "is not base64"))?;
            return Ok(Self::Envelope(Envelope { data: data.into() }));
        }
        let (Some(client_token), Some(secret)) = (members.client_token, members.secret) else {
            return Err(ReadError::new(
                "message",
                "is missing, and so are `clientToken` and `secret` of a handshake",
            ));
        };
        Ok(Self::Handshake(Handshake { client_token, secret }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    client_token: Option<SecretString>,
    secret: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Message<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

impl Handshake {
    /// The answer to a handshake that carries one of our tokens: 200 with the bare secret as plain text; `None` if it carries
    /// another, which is to be refused. Compared in constant time.
    #[must_use]
    pub fn answer<'t>(&self, tokens: impl IntoIterator<Item = &'t ClientToken>) -> Option<Response<Bytes>> {
        // All are compared, so that the time does not tell which of them it was.
        let given = self.client_token.expose_secret();
        let is_ours = tokens
            .into_iter()
            .fold(false, |is_ours, token| is_ours | token.is(given));
        is_ours.then(|| {
            let mut answer = Response::new(Bytes::from(self.secret.clone()));
            answer
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            answer
        })
    }
}

impl Envelope {
    /// Checks the signature, the value of [`SIGNATURE_HEADER`], with the tokens that may have made it: that of the partner,
    /// that of the agent, the old and the new one while they are changed.
    ///
    /// # Errors
    /// No signature, or one that none of the tokens has made of this payload.
    pub fn verify<'t>(
        self,
        signature: Option<&[u8]>,
        tokens: impl IntoIterator<Item = &'t ClientToken>,
    ) -> Result<Signed, BadSignature> {
        signature::verify(&self.data, signature, tokens)?;
        Ok(Signed(self.data))
    }
}

impl Signed {
    /// The JSON of the payload as it came: to be stored before it is read.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.0
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// The member that is missing or not what it should be. Unknown kinds are [`Payload::Unknown`], not errors.
    pub fn payload(&self) -> Result<Payload, ReadError> {
        Payload::from_json(&self.0)
    }
}

/// The smallest envelope around a payload, as the platform posts it; for simulators.
#[must_use]
pub fn envelope(payload: &[u8]) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        message: Message<'a>,
    }
    let envelope = Envelope {
        message: Message {
            data: STANDARD.encode(payload).into(),
        },
    };
    serde_json::to_vec(&envelope).expect("a text is JSON").into()
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("bytes", &self.data.len()).finish()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("bytes", &self.0.len()).finish()
    }
}
