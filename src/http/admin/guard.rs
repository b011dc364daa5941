//! Who may ask: who shows the token, calls this host by a loopback name, and comes from no other site.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AdminState;
use crate::http::problem::{Code, Problem};

pub(super) async fn admit(State(state): State<Arc<AdminState>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Err(problem) = same_origin(headers) {
        return problem.into_response();
    }
    if !state.token.is_shown_by(headers) {
        let detail = "show the token of <state>/admin.token as Authorization: Bearer";
        return Problem::with_detail(Code::Unauthenticated, detail).into_response();
    }
    next.run(request).await
}

/// A page of another site can make a browser call us, by our name or by one that it lets resolve to us: the first
/// shows in `Origin`, the second in `Host`.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &'static str| Err(Problem::with_detail(Code::ForbiddenOrigin, detail));
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return refused("there must be one Host");
    };
    let Some(host) = host.to_str().ok().filter(|host| is_loopback(host)) else {
        return refused("Host must be a loopback name, such as 127.0.0.1 or localhost");
    };
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    refused("Origin is another site")
}

/// Whether a Host header names this machine by a loopback name or address.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_ours() {
        for ours in ["127.0.0.1:8481", "localhost", "LOCALHOST:1", "[::1]:8481", "127.9.9.9"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[fd00::1]",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
