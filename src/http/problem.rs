//! What is wrong with a request: RFC 9457, with a code and a pointer for each fault.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

pub use crate::accept::{Code, Fault};

impl Code {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What is wrong with a request. Rendered with the id of the request at the edge.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The code: that of the first fault where there are several.
    pub code: Code,
    /// What is wrong with this request, in a sentence.
    pub detail: Cow<'static, str>,
    /// The faults, each with the place where it is.
    pub errors: Vec<Fault>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// More members.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem with its standard sentence.
    pub fn new(code: Code) -> Self {
        Self::with_detail(code, code.title())
    }

    /// A problem with a sentence of its own.
    pub fn with_detail(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            more: Map::new(),
        }
    }

    /// The faults found in a request, at least one.
    pub fn of_faults(errors: Vec<Fault>) -> Self {
        let code = errors.first().map_or(Code::Internal, |fault| fault.code);
        // What is wrong with the whole has no place.
        let told = |fault: &Fault| match fault.pointer.as_str() {
            "" => fault.detail.clone(),
            pointer => format!("{pointer}: {}", fault.detail),
        };
        let detail = match errors.as_slice() {
            [one] => told(one),
            many => format!(
                "{} faults; the first: {}",
                many.len(),
                many.first().map(told).unwrap_or_default()
            ),
        };
        Self {
            errors,
            ..Self::with_detail(code, detail)
        }
    }

    /// The same, to be tried again after `wait`.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.insert(member.to_owned(), value.into());
        self
    }

    /// The document.
    pub fn document(&self, request_id: &str) -> Document<'_> {
        Document {
            kind: format!("/docs/problems/{}", self.code.word()),
            title: self.code.title(),
            status: self.code.status_number(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            request_id: request_id.to_owned(),
            more: &self.more,
        }
    }

    /// The answer.
    pub fn render(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up, so that who waits that long is early by none.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        match self.code {
            Code::Unauthenticated => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"araldo\""),
                );
            }
            Code::BadSignature => {
                let scheme = HeaderValue::from_static("X-Goog-Signature");
                headers.insert(header::WWW_AUTHENTICATE, scheme);
            }
            // What is left of the body is not read.
            Code::BodyTooLarge | Code::BodyTimeout | Code::BodyIncomplete => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::of_faults(vec![fault])
    }
}

/// A problem on its way to the edge, where it gets the id of its request.
#[derive(Clone)]
pub(super) struct Unrendered(pub(super) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(Unrendered(Arc::new(self)));
        response
    }
}

/// A problem as it is written.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: Code,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    request_id: String,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// The page of a code: what it means and what to do.
pub(super) async fn page(axum::extract::Path(word): axum::extract::Path<String>) -> Result<String, Problem> {
    let code = Code::ALL
        .iter()
        .find(|code| code.word() == word)
        .ok_or(Problem::new(Code::NotFound))?;
    Ok(format!(
        "{}\n\nStatus {}. {}.\n\n{}\n",
        code.word(),
        code.status_number(),
        code.title(),
        code.help()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let response = Problem::new(Code::RateLimited)
            .retry_after(Duration::from_millis(1_200))
            .render("r");
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let response = Problem::new(Code::RateLimited).retry_after(Duration::ZERO).render("r");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
