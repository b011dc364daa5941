//! Whether outcomes may be told to an address that a message names.

use std::net::IpAddr;

use axum::http::Uri;

use super::{Client, Code, Fault};
use crate::config::Network;

const MAX_URL: usize = 2_048;

/// Checks a callback by its looks. Names are resolved and checked again when they are called.
pub(super) fn check(url: Option<&str>, client: &Client, networks: &[Network]) -> Result<(), Fault> {
    let Some(url) = url else { return Ok(()) };
    let refused = |detail: &str| Err(Fault::new("/callback", Code::InvalidCallback, detail));
    if !client.has_webhook_secret {
        return refused("needs the client's webhook secret, with which it is signed; the client has none");
    }
    if url.len() > MAX_URL || url.contains('#') {
        return refused("must be a URL of at most 2048 characters without fragment");
    }
    let Ok(uri) = url.parse::<Uri>() else {
        return refused("is not a URL");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refused("must be an https URL");
    };
    if authority.as_str().contains('@') {
        return refused("must not name a user");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    let allowed = address.is_some_and(|address| networks.iter().any(|network| network.contains(address)));
    if scheme != "https" && !(scheme == "http" && allowed) {
        return refused("must be https; http goes only to webhook.allow_networks");
    }
    let local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    if !allowed && (local || address.is_some_and(|address| !is_public(address))) {
        return refused("names a private address that is not in webhook.allow_networks");
    }
    Ok(())
}

/// Whether an address may be one of the internet's.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b)))
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        assert!(is_public("8.8.8.8".parse().unwrap()));
    }
}
