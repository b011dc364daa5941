//! Entries of a list, noted in groups.

use std::sync::Arc;

use serde::Serialize;

use super::ConsentWish;
use crate::domain::{Name, Source};
use crate::http::api::ApiState;
use crate::http::api::ndjson::Line;
use crate::http::api::send::store_problem;
use crate::http::problem::{Code, Document, Problem};
use crate::store::{ConsentResult, NewConsent};

/// What became of an entry.
#[derive(Serialize)]
pub(in crate::http) struct LineResult<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Document<'a>>,
}

/// The result lines of a group of lines.
pub(super) async fn lines(state: Arc<ApiState>, brand: Name, group: Vec<Line>, request_id: Arc<str>) -> Vec<u8> {
    let read = group.into_iter().map(|(number, line)| {
        let entry = line.and_then(|line| {
            let wish = ConsentWish::read(&line)?;
            wish.noted(&state, None, Some(&brand), Source::Import)
        });
        (number, entry)
    });
    let results = results_of(&state, read.collect()).await;
    let mut out = Vec::new();
    for (number, result) in &results {
        let written = serde_json::to_writer(&mut out, &shown(*number, result, &request_id));
        debug_assert!(written.is_ok());
        out.push(b'\n');
    }
    out
}

/// Notes what could be read, in one commit, and gives what became of each entry.
pub(in crate::http) async fn results_of(
    state: &ApiState,
    entries: Vec<(u64, Result<NewConsent, Problem>)>,
) -> Vec<(u64, Result<ConsentResult, Problem>)> {
    let noted: Vec<NewConsent> = entries
        .iter()
        .filter_map(|(_, entry)| entry.as_ref().ok())
        .cloned()
        .collect();
    let mut results = match noted.is_empty() {
        true => Ok(Vec::new().into_iter()),
        false => state.outbox.consents(noted).await.map(Vec::into_iter),
    };
    let result = |entry: Result<NewConsent, Problem>| {
        entry?;
        match &mut results {
            Ok(results) => results.next().ok_or_else(|| Problem::new(Code::OutcomeUnknown)),
            Err(error) => Err(store_problem(error)),
        }
    };
    let mut result = result;
    entries
        .into_iter()
        .map(|(number, entry)| (number, result(entry)))
        .collect()
}

/// An entry's result as it is shown.
pub(in crate::http) fn shown<'a>(
    line: u64,
    result: &'a Result<ConsentResult, Problem>,
    request_id: &str,
) -> LineResult<'a> {
    let (word, suppressed) = match result {
        Ok(ConsentResult::Noted { suppressed, .. }) => (Some("noted"), Some(*suppressed)),
        Ok(ConsentResult::Same) => (Some("same"), None),
        Ok(ConsentResult::Outdated) => (Some("outdated"), None),
        Err(_) => (None, None),
    };
    LineResult {
        line,
        result: word,
        suppressed,
        error: result.as_ref().err().map(|problem| problem.document(request_id)),
    }
}
