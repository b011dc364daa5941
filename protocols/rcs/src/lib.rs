//! The RCS business messaging API, version 1, as its documentation has it: what an agent sends, what it is answered, what
//! its webhook is told.
//!
//! Values go in and an [`http::Request`] comes out; an [`http::Response`] goes in and a value or a typed error comes out.
//! Nothing here opens a connection, reads a clock or remembers anything: time and ids are handed in.
//!
//! | module | what it holds |
//! |---|---|
//! | `address` | [`Msisdn`] and [`AgentId`]: who is written to, who writes |
//! | [`message`] | [`AgentMessage`]: text, cards, carousel, file, suggestions; written, read, checked |
//! | [`limit`] | every limit by name, and [`Violations`]: which members break which |
//! | `api` | [`Api`]: the requests |
//! | [`answer`] | what is answered to each of them |
//! | `capability` | [`Capabilities`]: what a handset can show, and what a message asks of it |
//! | [`error`] | [`ApiError`]: what was refused, why, and [`Advice`] on what follows |
//! | [`sign_in`] | [`ServiceAccount`]: the RS256 assertion, and the access token it is exchanged for |
//! | [`webhook`] | posts to the agent: handshake, signed envelope, [`webhook::Payload`] |
//! | `plain` | [`PlainText`]: a message rendered down for SMS |
//! | `read` | [`ReadError`]: JSON that is not what it should be, with the path to it |
//!
//! Invariants: no octets from a peer panic, and nothing is read beyond its limit in bytes; a request is built only of
//! values that keep the limits; nothing of a webhook is shown before its signature has been checked; no error's text
//! repeats a number, a text or a secret, and no `Debug` a secret.
//!
//! Deliberately absent: the HTTP client, the clock, retries and their pace, the cache of tokens and capabilities, the
//! decision to send an SMS instead.
//!
//! ```
//! use araldo_rcs::message::{AgentMessage, Suggestion, TrafficType};
//! use araldo_rcs::{AgentId, Api, Msisdn};
//!
//! let api = Api::new("https://europe-rcsbusinessmessaging.googleapis.com", AgentId::parse("harbour_bank")?)?;
//! let mut message = AgentMessage::text("Was it you who paid 90 € at Rossi's?", TrafficType::Transaction);
//! message.content_message.suggestions = vec![Suggestion::reply("Yes", "paid-yes"), Suggestion::reply("No", "paid-no")];
//!
//! let (id, now) = (uuid::uuid!("a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc"), jiff::Timestamp::UNIX_EPOCH);
//! let request = api.send(&Msisdn::parse("+447700900123")?, id, &message, now)?;
//! assert_eq!(
//!     request.uri().path_and_query().unwrap(),
//!     "/v1/phones/+447700900123/agentMessages?messageId=a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc&agentId=harbour_bank"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// The README, so that its examples are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod address;
pub mod answer;
mod api;
mod capability;
pub mod error;
pub mod limit;
pub mod message;
mod plain;
mod proto3;
mod read;
pub mod sign_in;
pub mod webhook;

pub use address::{AgentId, InvalidAgentId, InvalidMsisdn, Msisdn};
pub use answer::{Accepted, Reach, Revocation, StoredFile};
pub use api::{AgentEvent, Api, InvalidBase, Region};
pub use capability::{Capabilities, Feature};
pub use error::{Advice, ApiError, ErrorKind};
pub use limit::{Problem, Violation, Violations};
pub use message::AgentMessage;
pub use plain::{Choice, PlainText};
pub use read::ReadError;
pub use sign_in::{AccessToken, ServiceAccount};
