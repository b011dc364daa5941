//! What requests are answered when they succeed. Members that the platform may leave out may be `None`, and unknown ones are
//! passed over: a message that was accepted stays so whatever its answer looks like.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorKind};
use crate::limit::MAX_ANSWER_BYTES;
use crate::message::TrafficType;
use crate::proto3::{self, Time};
use crate::read::from_json;

/// A message or an event that the platform has taken. It tells nothing of delivery: that comes by webhook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accepted {
    /// The platform knew the id already (409) and has taken nothing twice.
    pub is_duplicate: bool,
    /// `phones/{number}/agentMessages/{id}`. Holds the number: not for logs.
    pub name: Option<String>,
    /// When it was taken.
    pub send_time: Option<Timestamp>,
    /// When the message will be withdrawn, where it has an expiry.
    pub expire_time: Option<Timestamp>,
    /// What the message is for; `None` too for a name that this version does not know.
    pub message_traffic_type: Option<TrafficType>,
    /// How it is charged, for numbers of the United States.
    pub rich_message_classification: Option<RichMessageClassification>,
    /// Bytes of the files in the message, for numbers of the United States.
    pub total_payload_size_bytes: Option<u64>,
    /// The carrier, for numbers of the United States.
    pub carrier: Option<String>,
}

/// How a message is charged in the United States.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RichMessageClassification {
    /// `RICH_MESSAGE`, `RICH_MEDIA_MESSAGE`, in older texts `SUGGESTED_ACTION_CLICK`; any other is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification_type: Option<String>,
    /// Segments of 160 bytes of UTF-8, of a `RICH_MESSAGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_count: Option<u32>,
}

/// What became of the attempt to withdraw a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// Taken out of the queue (200). Strong evidence, not proof: a DELIVERED that comes all the same outranks it.
    Withdrawn,
    /// Too late (404): it was delivered, most likely, and a DELIVERED should follow.
    TooLate,
}

/// Which of many users can be reached, from the platform's cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reach {
    /// Those that can, with their plus signs, in no particular order.
    pub reachable_users: Vec<String>,
    /// How many users the estimate is made of, about three quarters of those asked for; 0 below 500.
    pub total_random_sample_user_count: u32,
    /// How many of these can be reached.
    pub reachable_random_sample_user_count: u32,
    /// The same users by carrier, in the United States.
    pub reachable_users_map: BTreeMap<String, ReachableUsers>,
}

/// The users of one carrier that can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReachableUsers {
    /// With their plus signs.
    pub reachable_users: Vec<String>,
}

/// A file that the platform keeps, for 60 days.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StoredFile {
    /// `files/{id}`, for [`UploadedRbmFile`](crate::message::UploadedRbmFile).
    pub name: String,
}

impl Accepted {
    /// Reads the answer to a message or an event.
    ///
    /// # Errors
    /// Any status but 2xx and 409, or a body that is not JSON.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, ApiError> {
        if answer.status() == StatusCode::CONFLICT {
            return Ok(Self {
                is_duplicate: true,
                ..Self::default()
            });
        }
        let members: Members = success(answer)?;
        Ok(Self {
            is_duplicate: false,
            name: members.name,
            send_time: members.send_time.map(|Time(time)| time),
            expire_time: members.expire_time.map(|Time(time)| time),
            message_traffic_type: members
                .message_traffic_type
                .and_then(|name| serde_json::from_value(name).ok()),
            rich_message_classification: members.rich_message_classification,
            total_payload_size_bytes: members.total_payload_size_bytes,
            carrier: members.carrier,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    name: Option<String>,
    send_time: Option<Time>,
    expire_time: Option<Time>,
    message_traffic_type: Option<serde_json::Value>,
    rich_message_classification: Option<RichMessageClassification>,
    #[serde(default, deserialize_with = "proto3::count")]
    total_payload_size_bytes: Option<u64>,
    carrier: Option<String>,
}

impl Revocation {
    /// Reads the answer to a revocation.
    ///
    /// # Errors
    /// Any status but 2xx and 404.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, ApiError> {
        match ApiError::read(answer) {
            None => Ok(Self::Withdrawn),
            Some(error) if error.kind == ErrorKind::NotReachable => Ok(Self::TooLate),
            Some(error) => Err(error),
        }
    }
}

impl Reach {
    /// Reads the answer to a batch look-up.
    ///
    /// # Errors
    /// Any status but 2xx, or a body that is not what it should be. 400 is also what numbers of another region get.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, ApiError> {
        success(answer)
    }
}

impl StoredFile {
    /// Reads the answer to an upload.
    ///
    /// # Errors
    /// Any status but 2xx, or a body without a name.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, ApiError> {
        success(answer)
    }
}

/// The body of a 2xx.
pub(crate) fn success<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, ApiError> {
    if let Some(error) = ApiError::read(answer) {
        return Err(error);
    }
    from_json(answer.body(), MAX_ANSWER_BYTES).map_err(|error| ApiError::unreadable(answer.status(), &error))
}
