//! Signatures of envelopes: HMAC-SHA512 with the client token as key, over the payload as it is before base64, in base64.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha512;
use subtle::ConstantTimeEq;

use super::BASE64;

/// The token that a webhook was configured with, for a partner or for one agent. Shown without what it holds.
#[derive(Clone)]
pub struct ClientToken {
    token: SecretString,
    mac: Hmac<Sha512>,
}

/// Why an envelope is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The header is not there.
    #[error("the post has no X-Goog-Signature: refuse it")]
    Missing,
    /// None of the tokens has made it.
    #[error(
        "X-Goog-Signature was made with another client token or of another payload: refuse it, or look at the token"
    )]
    Mismatch,
}

impl ClientToken {
    /// A token; `None` if it is empty, with which anybody could sign.
    #[must_use]
    pub fn new(token: SecretString) -> Option<Self> {
        let octets = token.expose_secret().as_bytes();
        if octets.is_empty() {
            return None;
        }
        let mac = Hmac::new_from_slice(octets).expect("HMAC takes keys of any length");
        Some(Self { token, mac })
    }

    /// The signature of a payload, as the platform makes it; for simulators.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> String {
        STANDARD.encode(self.mac.clone().chain_update(payload).finalize().into_bytes())
    }

    /// Whether a text is this token, in a time that depends on its length only.
    pub(super) fn is(&self, text: &str) -> bool {
        self.token.expose_secret().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for ClientToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientToken").finish_non_exhaustive()
    }
}

pub(super) fn verify<'t>(
    payload: &[u8],
    signature: Option<&[u8]>,
    tokens: impl IntoIterator<Item = &'t ClientToken>,
) -> Result<(), BadSignature> {
    let signature = BASE64
        .decode(signature.ok_or(BadSignature::Missing)?)
        .map_err(|_| BadSignature::Mismatch)?;
    let made = |token: &ClientToken| token.mac.clone().chain_update(payload).verify_slice(&signature).is_ok();
    if tokens.into_iter().any(made) {
        Ok(())
    } else {
        Err(BadSignature::Mismatch)
    }
}
