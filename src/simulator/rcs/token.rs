//! Sign-in: assertions are checked with the key of the account, and exchanged for access tokens that end.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::UnixMillis;

/// What an assertion asks for.
const SCOPE: &str = "https://www.googleapis.com/auth/rcsbusinessmessaging";
/// `grant_type` of an exchange (RFC 7523 §2.1).
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How far the clocks of both ends may be apart, in seconds.
const SKEW: i64 = 60;
/// The longest life of an assertion, in seconds.
const LONGEST: i64 = 3_600;

/// Why an account is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account is no key file with client_email and an RSA private_key: give the one that the gateway has")]
pub struct InvalidAccount;

/// Checks assertions and gives out tokens.
pub(super) struct Issuer {
    client_email: String,
    key: PublicKeyComponents<Vec<u8>>,
    lifetime: Duration,
    /// Tokens and when they end.
    tokens: HashMap<String, UnixMillis>,
}

#[derive(Deserialize)]
struct Account {
    client_email: String,
    private_key: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl Issuer {
    pub(super) fn new(account: &[u8], lifetime: Duration) -> Result<Self, InvalidAccount> {
        let account: Account = serde_json::from_slice(account).map_err(|_| InvalidAccount)?;
        let key = match PrivateKeyDer::from_pem_slice(account.private_key.as_bytes()).map_err(|_| InvalidAccount)? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(InvalidAccount),
        };
        let key = key.map_err(|_| InvalidAccount)?;
        Ok(Self {
            client_email: account.client_email,
            key: PublicKeyComponents::from(key.public()),
            lifetime,
            tokens: HashMap::new(),
        })
    }

    /// Exchanges the assertion of a form for a token; the error is the `error_description`.
    pub(super) fn exchange(
        &mut self,
        form: &[u8],
        token_uri: &str,
        now: UnixMillis,
        id: Uuid,
    ) -> Result<String, String> {
        let fields: HashMap<String, String> = form_fields(form);
        if fields.get("grant_type").map(String::as_str) != Some(GRANT_TYPE) {
            return Err("Invalid grant_type".to_owned());
        }
        let assertion = fields.get("assertion").ok_or("Missing assertion")?;
        self.check(assertion, token_uri, now.0.div_euclid(1_000))?;
        self.tokens.retain(|_, ends| *ends > now);
        let token = format!("sim.{}", id.simple());
        self.tokens.insert(token.clone(), now.after(self.lifetime));
        Ok(token)
    }

    /// RFC 7515 §5.2, and the claims of RFC 7523 §3.
    fn check(&self, assertion: &str, token_uri: &str, now: i64) -> Result<(), String> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or("Invalid JWT: three parts")?;
        let (header, claims) = signed.split_once('.').ok_or("Invalid JWT: three parts")?;
        let header: Header = part(header)?;
        if header.alg != "RS256" || header.typ.is_some_and(|kind| kind != "JWT") {
            return Err("Invalid JWT: alg is not RS256".to_owned());
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| "Invalid JWT Signature.")?;
        self.key
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .map_err(|_| "Invalid JWT Signature.")?;
        let claims: Claims = part(claims)?;
        let short_lived = claims.exp > claims.iat && claims.exp - claims.iat <= LONGEST;
        let problem = if claims.iss != self.client_email {
            "Invalid issuer: Not a valid email"
        } else if claims.scope != SCOPE {
            "Invalid OAuth scope"
        } else if claims.aud != token_uri {
            "Invalid JWT: Failed audience check"
        } else if !short_lived || claims.iat > now + SKEW || claims.exp < now {
            "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
        } else {
            return Ok(());
        };
        Err(problem.to_owned())
    }

    pub(super) fn knows(&self, token: &str, now: UnixMillis) -> bool {
        self.tokens.get(token).is_some_and(|ends| *ends > now)
    }

    pub(super) fn forget(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    pub(super) fn forget_all(&mut self) {
        self.tokens.clear();
    }

    pub(super) const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let octets = URL_SAFE_NO_PAD.decode(text).map_err(|_| "Invalid JWT: not base64url")?;
    serde_json::from_slice(&octets).map_err(|_| "Invalid JWT: not JSON".to_owned())
}

/// A body of `application/x-www-form-urlencoded`.
fn form_fields(form: &[u8]) -> HashMap<String, String> {
    let decode = |text: &[u8]| {
        let blanks: Vec<u8> = text
            .iter()
            .map(|&octet| if octet == b'+' { b' ' } else { octet })
            .collect();
        percent_encoding::percent_decode(&blanks)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = form.split(|&octet| octet == b'&').map(|pair| {
        let at = pair.iter().position(|&octet| octet == b'=').unwrap_or(pair.len());
        (decode(&pair[..at]), decode(pair.get(at + 1..).unwrap_or_default()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use araldo_rcs::ServiceAccount;

    use super::*;
    use crate::simulator::rcs::ACCOUNT;

    const URI: &str = "http://127.0.0.1:2777/token";
    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn form(at: UnixMillis) -> Vec<u8> {
        let account = ServiceAccount::from_json(ACCOUNT).unwrap();
        account.token_request(at.timestamp()).into_body().into()
    }

    fn issuer() -> Issuer {
        Issuer::new(ACCOUNT, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn an_assertion_of_the_key_is_exchanged_for_a_token_that_ends() {
        let mut issuer = issuer();
        let token = issuer.exchange(&form(NOW), URI, NOW, Uuid::nil()).unwrap();
        assert!(issuer.knows(&token, NOW));
        assert!(!issuer.knows(&token, NOW.after(Duration::from_secs(60))));
        assert!(!issuer.knows("sim.another", NOW));
    }

    #[test]
    fn a_wrong_clock_a_wrong_audience_and_a_spoilt_signature_are_refused() {
        let mut issuer = issuer();
        let mut refused = |form: &[u8], uri| issuer.exchange(form, uri, NOW, Uuid::nil()).unwrap_err();
        assert!(refused(&form(NOW.before(Duration::from_hours(2))), URI).contains("reasonable timeframe"));
        assert!(refused(&form(NOW.after(Duration::from_mins(2))), URI).contains("reasonable timeframe"));
        assert!(refused(&form(NOW), "http://127.0.0.1:1/token").contains("audience"));
        let mut spoilt = form(NOW);
        let last = spoilt.len() - 8;
        spoilt[last] = if spoilt[last] == b'A' { b'B' } else { b'A' };
        assert!(refused(&spoilt, URI).contains("Signature"));
        assert!(refused(b"grant_type=password", URI).contains("grant_type"));
    }
}
