//! Sign-in of a service account: an assertion signed with its key (RFC 7523, RS256 of RFC 7518 §3.3) is exchanged for an
//! access token that lives for about an hour.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::{Advice, retry_after};
use crate::limit::MAX_ANSWER_BYTES;
use crate::read::{ReadError, from_json};

/// The right to send as an agent.
pub const SCOPE: &str = "https://www.googleapis.com/auth/rcsbusinessmessaging";
/// Where assertions are exchanged when the key file names no other place.
pub const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// How long an assertion is good for: as long as the platform allows.
pub const ASSERTION_LIFETIME: Duration = Duration::from_secs(3_600);
/// `grant_type` of an exchange.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// `type` of a key file.
const SERVICE_ACCOUNT: &str = "service_account";
/// A key file, in bytes; real ones have about 2,400.
const MAX_KEY_FILE_BYTES: usize = 64 * 1_024;
/// The longest life of a token that is believed.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A service account with its private key, which no `Debug` shows.
pub struct ServiceAccount {
    client_email: String,
    key_id: Option<String>,
    token_uri: String,
    key: RsaKeyPair,
}

/// What an assertion is exchanged for. Shown without what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    header: HeaderValue,
    lifetime: Duration,
}

/// Why an assertion was not exchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sign-in was answered {}{}: {}", http_status.as_u16(), name(error), cure(*http_status))]
pub struct TokenError {
    /// The status of HTTP; 2xx where the body was not what it should be.
    pub http_status: StatusCode,
    /// The name of RFC 6749 §5.2, as `invalid_grant`; empty where the body has none.
    pub error: String,
    /// What is said of it, for people.
    pub description: String,
    /// How long to wait before the next attempt, where that is asked for.
    pub retry_after: Option<Duration>,
}

impl ServiceAccount {
    /// Reads a key file as the console issues it: JSON with `client_email`, `private_key` (PEM, PKCS#8 or PKCS#1),
    /// `private_key_id` and `token_uri`.
    ///
    /// # Errors
    /// What the file lacks, a file of another type, and a key that is no RSA key of 2048 to 8192 bits.
    pub fn from_json(file: &[u8]) -> Result<Self, ReadError> {
        let kind: Kind = from_json(file, MAX_KEY_FILE_BYTES)?;
        if kind.kind.is_some_and(|kind| kind != SERVICE_ACCOUNT) {
            return Err(ReadError::new(
                "type",
                "expected service_account: the credentials of a person do not do, create a key of the service account",
            ));
        }
        let members: KeyFile = from_json(file, MAX_KEY_FILE_BYTES)?;
        if members.client_email.is_empty() {
            return Err(ReadError::new("client_email", "is empty"));
        }
        let token_uri = members.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned());
        let is_web = token_uri
            .parse::<Uri>()
            .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        if !is_web {
            return Err(ReadError::new("token_uri", "is not a URL of http or https"));
        }
        let key = rsa_key(members.private_key.expose_secret()).ok_or_else(|| {
            ReadError::new(
                "private_key",
                "is not an RSA key of 2048 bits or more in PEM, PKCS#8 or PKCS#1",
            )
        })?;
        Ok(Self {
            client_email: members.client_email,
            key_id: members.private_key_id,
            token_uri,
            key,
        })
    }

    /// The account's name.
    #[must_use]
    pub fn client_email(&self) -> &str {
        &self.client_email
    }

    /// Where its assertions are exchanged.
    #[must_use]
    pub fn token_uri(&self) -> &str {
        &self.token_uri
    }

    /// The assertion: header, claims and signature in compact form, good for [`ASSERTION_LIFETIME`] from `now`. The host's
    /// clock must be right to about a minute.
    #[must_use]
    pub fn assertion(&self, now: Timestamp) -> SecretString {
        let iat = now.as_second();
        let header = Header {
            alg: "RS256",
            typ: "JWT",
            kid: self.key_id.as_deref(),
        };
        let claims = Claims {
            iss: &self.client_email,
            scope: SCOPE,
            aud: &self.token_uri,
            iat,
            exp: iat.saturating_add_unsigned(ASSERTION_LIFETIME.as_secs()),
        };
        let mut jwt = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        // This padding draws no random numbers: the same claims always get the same signature.
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), jwt.as_bytes(), &mut signature)
            .expect("the signature has the length of the modulus");
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut jwt);
        jwt.into()
    }

    /// The exchange, answered with [`AccessToken`].
    #[must_use]
    pub fn token_request(&self, now: Timestamp) -> Request<Bytes> {
        let body = Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", self.assertion(now).expose_secret())
            .finish();
        Request::post(&self.token_uri)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(CONTENT_LENGTH, body.len())
            .body(body.into())
            .expect("a URI that was checked and two constant headers make a request")
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("client_email", &self.client_email)
            .field("key_id", &self.key_id)
            .field("token_uri", &self.token_uri)
            .finish_non_exhaustive()
    }
}

impl AccessToken {
    /// Reads the answer to an exchange.
    ///
    /// # Errors
    /// Any status but 2xx, and a body without a bearer token that a header can hold.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, TokenError> {
        let http_status = answer.status();
        if !http_status.is_success() {
            let body: Refusal = from_json(answer.body(), MAX_ANSWER_BYTES).unwrap_or_default();
            return Err(TokenError {
                http_status,
                error: body.error.unwrap_or_default(),
                description: body.error_description.unwrap_or_default(),
                retry_after: retry_after(answer.headers()),
            });
        }
        let unreadable = |description: String| TokenError {
            http_status,
            error: String::new(),
            description,
            retry_after: None,
        };
        let grant: Grant = from_json(answer.body(), MAX_ANSWER_BYTES).map_err(|error| unreadable(error.to_string()))?;
        if !grant.token_type.eq_ignore_ascii_case("bearer") {
            return Err(unreadable("token_type: expected Bearer".into()));
        }
        let token = grant.access_token.expose_secret();
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .ok()
            .filter(|_| !token.is_empty())
            .ok_or_else(|| unreadable("access_token: expected a token that a header can hold".into()))?;
        header.set_sensitive(true);
        let lifetime = Duration::from_secs(grant.expires_in).min(MAX_LIFETIME);
        Ok(Self { header, lifetime })
    }

    /// How long it is good for from the moment it was answered; a minute less is wise.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Puts it into a request, in the place of any other.
    pub fn authorize(&self, request: &mut Request<Bytes>) {
        request.headers_mut().insert(AUTHORIZATION, self.header.clone());
    }
}

impl TokenError {
    /// What follows: [`Advice::Retry`] for trouble that passes, else [`Advice::Configuration`]: a wrong clock, a key that was
    /// deleted.
    #[must_use]
    pub fn advice(&self) -> Advice {
        if passes(self.http_status) {
            Advice::Retry {
                after: self.retry_after,
            }
        } else {
            Advice::Configuration
        }
    }
}

fn passes(status: StatusCode) -> bool {
    status.is_success() || status.is_server_error() || matches!(status.as_u16(), 408 | 429)
}

/// The name, if it looks like one: names of RFC 6749 hold no secret.
fn name(error: &str) -> String {
    let is_name = (1..=64).contains(&error.len()) && error.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    if is_name { format!(" {error}") } else { String::new() }
}

fn cure(status: StatusCode) -> &'static str {
    if passes(status) {
        "try again"
    } else {
        "look at the host's clock, and whether the key still exists in the console"
    }
}

fn rsa_key(pem: &str) -> Option<RsaKeyPair> {
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        _ => None,
    }
}

fn part(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("texts and numbers are JSON"))
}

/// What a file of credentials says that it is; other kinds have other members.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: SecretString,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: u64,
    token_type: String,
}

#[derive(Default, Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}
