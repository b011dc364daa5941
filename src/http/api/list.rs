//! Lists: filters, pages, cursors.

use std::fmt::Write as _;

use axum::extract::Query;
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{DEFAULT_PAGE, MAX_PAGE};
use crate::accept::{masked, nearest};
use crate::domain::{Class, Msisdn, Name, State};
use crate::http::problem::{Code, Fault, Problem};
use crate::store::{MessageQuery, Page, Seq};

/// A page as it is answered.
#[derive(Serialize)]
pub(crate) struct PageView<T> {
    data: Vec<T>,
    /// For `after`; null at the end.
    next: Option<String>,
}

/// The parameters of a list, each at most once.
pub(crate) struct ListQuery(Vec<(String, String)>);

impl ListQuery {
    /// Reads the query, which may have `known` parameters only.
    pub(crate) fn read(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Query(pairs): Query<Vec<(String, String)>> = Query::try_from_uri(uri)
            .map_err(|_| Problem::with_detail(Code::InvalidQuery, "the query cannot be read"))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            let shown: String = name.chars().take(20).flat_map(char::escape_default).collect();
            if !known.contains(&name.as_str()) {
                let fault = Fault::new(
                    format!("#{shown}"),
                    Code::InvalidQuery,
                    format!("unknown parameter `{shown}`"),
                );
                return Err(match nearest(name, known) {
                    Some(nearest) => fault.hint(format!("did you mean `{nearest}`?")).into(),
                    None => fault.hint(format!("known are {}", known.join(", "))).into(),
                });
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                let detail = format!("`{shown}` comes twice");
                return Err(Fault::new(format!("#{shown}"), Code::InvalidQuery, detail).into());
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The messages asked for, of one owner or of all.
    pub(crate) fn messages(&self, client: Option<Name>) -> Result<MessageQuery, Problem> {
        let mut faults = Vec::new();
        let state = self.word::<State>("state", Code::InvalidState, &State::ALL.map(State::as_str), &mut faults);
        let class = self.word::<Class>("class", Code::InvalidClass, &Class::ALL.map(Class::as_str), &mut faults);
        // A plus that was not escaped comes as a space.
        let to = self.get("to").map(str::trim_start).and_then(|to| {
            let fault = |error: crate::domain::AddressError| {
                Fault::new("#to", Code::InvalidNumber, error.to_string()).got(masked(to))
            };
            Msisdn::written(to).map_err(|error| faults.push(fault(error))).ok()
        });
        let limit = page_limit(self.get("limit"))
            .map_err(|fault| faults.push(fault))
            .unwrap_or(DEFAULT_PAGE);
        if !faults.is_empty() {
            return Err(Problem::of_faults(faults));
        }
        let before = self
            .get("after")
            .map(|cursor| read_cursor("messages", cursor))
            .transpose()?;
        let reference = self.get("reference").map(Into::into);
        Ok(MessageQuery {
            client,
            state,
            class,
            to,
            reference,
            before,
            limit,
        })
    }

    fn word<T: std::str::FromStr>(&self, name: &str, code: Code, known: &[&str], faults: &mut Vec<Fault>) -> Option<T> {
        let word = self.get(name)?;
        let read = word.parse().ok();
        if read.is_none() {
            faults.push(Fault::new(
                format!("#{name}"),
                code,
                format!("must be one of {}", known.join(", ")),
            ));
        }
        read
    }
}

/// Rows of a page.
pub(crate) fn page_limit(given: Option<&str>) -> Result<u32, Fault> {
    let Some(given) = given else { return Ok(DEFAULT_PAGE) };
    given
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| {
            Fault::new("#limit", Code::InvalidLimit, format!("must be 1 to {MAX_PAGE}"))
                .limit(serde_json::json!({ "from": 1, "to": MAX_PAGE }))
        })
}

/// A place in a list, as it is given out: with a check, so that a changed one is not taken for another place.
pub(crate) fn cursor(list: &str, place: Seq) -> String {
    let mut octets = place.to_be_bytes().to_vec();
    octets.extend_from_slice(&check(list, place));
    hex::encode(octets)
}

/// Reads a cursor that this list gave out.
pub(crate) fn read_cursor(list: &str, text: &str) -> Result<Seq, Problem> {
    let read = || {
        let octets: [u8; 16] = hex::decode(text).ok()?.try_into().ok()?;
        let (place, given) = octets.split_at(8);
        let place = Seq::from_be_bytes(place.try_into().ok()?);
        (given == check(list, place)).then_some(place)
    };
    read().ok_or_else(|| Fault::new("#after", Code::InvalidCursor, "was not given by this list").into())
}

fn check(list: &str, place: Seq) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update("araldo cursor ")
        .chain_update(list)
        .chain_update(place.to_be_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    std::array::from_fn(|at| digest[at])
}

/// Answers with a page, and with a link to the next one.
pub(crate) fn page<R, T: Serialize>(list: &str, uri: &Uri, page: Page<R>, show: impl FnMut(R) -> T) -> Response {
    let next = page.next.map(|place| cursor(list, place));
    let link = next.as_ref().map(|next| {
        let mut link = format!("<{}?", uri.path());
        let kept = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("after"));
        for pair in kept {
            write!(link, "{pair}&").ok();
        }
        write!(link, "after={next}>; rel=\"next\"").ok();
        link
    });
    let mut response = super::send::shown(&PageView {
        data: page.rows.into_iter().map(show).collect(),
        next,
    });
    if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_by_its_list_alone_and_only_unchanged() {
        let given = cursor("messages", 42);
        assert_eq!(read_cursor("messages", &given).unwrap(), 42);
        assert!(read_cursor("inbound", &given).is_err());
        let tampered = given.replacen('2', "3", 1);
        assert_eq!(
            read_cursor("messages", &tampered).unwrap_err().code,
            Code::InvalidCursor
        );
        for bad in ["", "x", "42", &given[1..]] {
            assert!(read_cursor("messages", bad).is_err(), "{bad}");
        }
    }
}
