//! What people want to be sent, of every brand. Numbers are masked in lists unless `reveal=true` asks for them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::AdminState;
use crate::domain::{Name, Source, Will};
use crate::http::api::{
    ApiState, ConsentWish, ListQuery, consent_of_person, consents_page, note_consent, number_of, results_of, shown,
};
use crate::http::body;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::{ConsentResult, NewConsent};

/// Entries in one request.
const MOST: usize = 1_000;

pub(super) async fn list(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["brand", "limit", "after", "reveal"])?;
    let brands = query.get("brand").map(|word| brand(&state.api, word)).transpose()?;
    let reveal = query.get("reveal") == Some("true");
    if reveal {
        tracing::info!(event = "revealed", what = "consents");
    }
    consents_page(&state.api, &uri, &query, brands.into_iter().collect(), reveal).await
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["brand"])?;
    let brands = query.get("brand").map(|word| brand(&state.api, word)).transpose()?;
    let brands: Vec<Name> = brands.into_iter().collect();
    consent_of_person(&state.api, &number_of(path)?, &brands, true, None).await
}

/// Notes what a person wants, in the operator's name.
pub(super) async fn set(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let number = number_of(path)?;
    let body = body::whole(&parts.headers, body, state.api.body).await?;
    let new = ConsentWish::read(&body)?.noted(&state.api, Some(&number), None, Source::Operator)?;
    let brand = new.brand.clone();
    tracing::info!(event = "consent_set", brand = %brand, state = %new.will);
    note_consent(&state.api, new, &[brand]).await
}

/// Takes back what a person has said.
pub(super) async fn withdraw(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let number = number_of(path)?;
    let query = ListQuery::read(&uri, &["brand"])?;
    let named = query.get("brand").unwrap_or_default();
    let brand = brand(&state.api, named)?;
    let taken_back = NewConsent {
        msisdn: number.digits().into(),
        topic: None,
        will: Will::Withdrawn,
        source: Source::Operator,
        at: state.api.clock.now(),
        note: None,
        told: state.api.intake.gate.policy.members(&brand),
        brand: brand.clone(),
    };
    note_consent(&state.api, taken_back, &[brand]).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// Notes a list of entries: `{"entries": [...]}` to how many were noted, known, outdated, and what was wrong.
pub(super) async fn import(State(state): State<Arc<AdminState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::whole(&parts.headers, body, state.api.body).await?;
    let list: List<'_> = serde_json::from_slice(&body)
        .map_err(|_| Problem::with_detail(Code::InvalidJson, "expected {\"entries\": [...]}"))?;
    if list.entries.len() > MOST {
        let detail = format!("has {} entries; at most {MOST} are taken at once", list.entries.len());
        return Err(Fault::new("/entries", Code::InvalidLimit, detail).limit(MOST).into());
    }
    let read =
        |entry: &&RawValue| ConsentWish::read(entry.get().as_bytes())?.noted(&state.api, None, None, Source::Import);
    let entries = (1..).zip(list.entries.iter().map(read));
    let results = results_of(&state.api, entries.collect()).await;
    let count = |wanted: fn(&ConsentResult) -> bool| {
        let found = results.iter().filter_map(|(_, result)| result.as_ref().ok());
        found.filter(|result| wanted(result)).count()
    };
    let errors: Vec<_> = results
        .iter()
        .filter_map(|(entry, result)| Some(json!({ "entry": entry, "detail": result.as_ref().err()?.detail })))
        .collect();
    Ok(shown(&json!({
        "noted": count(|result| matches!(result, ConsentResult::Noted { .. })),
        "same": count(|result| *result == ConsentResult::Same),
        "outdated": count(|result| *result == ConsentResult::Outdated),
        "errors": errors,
    })))
}

fn brand(state: &ApiState, word: &str) -> Result<Name, Problem> {
    let mut brands = state.intake.gate.policy.brands();
    let found = brands.find(|brand| brand.as_str() == word).cloned();
    found.ok_or_else(|| Fault::new("#brand", Code::UnknownBrand, Code::UnknownBrand.title()).into())
}
