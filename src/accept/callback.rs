//! Whether outcomes may be told to an address that a message names.

use super::{Client, Code, Fault};
use crate::backend::{AddressGuard, Target};

const MAX_URL: usize = 2_048;

/// Checks a callback by its looks. Names are resolved and judged when they are called.
pub(super) fn check(url: Option<&str>, client: &Client, guard: &AddressGuard) -> Result<(), Fault> {
    let Some(url) = url else { return Ok(()) };
    let refused = |detail: String| Err(Fault::new("/callback", Code::InvalidCallback, detail));
    if !client.has_webhook_secret {
        return refused("needs the client's webhook secret, with which it is signed; the client has none".to_owned());
    }
    if url.len() > MAX_URL || url.contains('#') {
        return refused("must be a URL of at most 2048 characters without fragment".to_owned());
    }
    match Target::parse(url) {
        Ok(target) => guard.look(&target).or_else(|refusal| refused(refusal.to_string())),
        Err(invalid) => refused(invalid.to_string()),
    }
}
