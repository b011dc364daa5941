//! Answers in the words of the platform.

use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// JSON; a bare text is sent as it stands.
    pub(super) body: Value,
    /// `Retry-After`, in seconds.
    pub(super) retry_after: Option<u32>,
}

impl Answer {
    pub(super) const fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body,
            retry_after: None,
        }
    }

    /// An error of this canonical name.
    pub(super) fn refusal(code: u16, status: &str, message: &str) -> Self {
        Self {
            status: code,
            body: json!({ "error": { "code": code, "message": message, "status": status } }),
            retry_after: None,
        }
    }

    /// 400, with the members that are wrong.
    pub(super) fn invalid(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let violations: Vec<_> = fields
            .into_iter()
            .map(|(field, description)| json!({ "field": field, "description": description }))
            .collect();
        let mut answer = Self::refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
        answer.body["error"]["details"] = json!([
            { "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations }
        ]);
        answer
    }

    pub(super) fn not_reachable() -> Self {
        let message = "The specified phone number cannot be reached by RBM at this time.";
        Self::refusal(404, "NOT_FOUND", message)
    }

    /// What front ends answer for a path that the API has not: a page.
    pub(super) fn no_such_path() -> Self {
        let page = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>";
        Self {
            status: 404,
            ..Self::ok(Value::String(page.to_owned()))
        }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::refusal(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        )
    }

    /// What a status alone says, as of a fault.
    pub(super) fn of_status(code: u16, retry_after: Option<u32>) -> Self {
        let (status, message) = match code {
            400 => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
            401 => ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
            403 => ("PERMISSION_DENIED", "The caller does not have permission."),
            404 => ("NOT_FOUND", "Requested entity was not found."),
            429 => ("RESOURCE_EXHAUSTED", "Quota exceeded."),
            500 => ("INTERNAL", "Internal error encountered."),
            504 => ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
            _ => ("UNAVAILABLE", "The service is currently unavailable."),
        };
        Self {
            retry_after,
            ..Self::refusal(code, status, message)
        }
    }

    /// 200, and nothing that can be read.
    pub(super) fn garbage() -> Self {
        Self::ok(Value::String("<html>".to_owned()))
    }
}
