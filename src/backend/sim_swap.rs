//! Asks whether the SIM of a number was changed of late, as CAMARA's SIM Swap has it: `POST .../check` with the number
//! and how many hours count. What is not said is not known.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::target::Target;
use super::webhook::{Failure, Webhooks};

/// Who is asked.
pub struct SimSwap {
    /// What speaks HTTP: connections are made and judged as those of webhooks are.
    pub webhooks: Webhooks,
    /// Where: https, or http to an allowed network.
    pub url: Box<str>,
    /// What is shown as `Authorization: Bearer`.
    pub token: Token,
    /// How long ago a change still counts.
    pub max_age_hours: u64,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// A token that is shown.
pub enum Token {
    /// None.
    Nothing,
    /// The same always.
    Fixed(SecretString),
    /// That in a file, which whoever renews it writes anew: it is read before each question.
    File {
        /// The file.
        path: PathBuf,
        /// What it held when it was last read, which stands while it cannot be.
        last: Mutex<SecretString>,
    },
}

impl Token {
    /// As it stands now.
    async fn now(&self) -> Option<SecretString> {
        let (path, last) = match self {
            Self::Nothing => return None,
            Self::Fixed(token) => return Some(token.clone()),
            Self::File { path, last } => (path, last),
        };
        let read = tokio::fs::read_to_string(path).await;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(text) if !text.trim().is_empty() => *last = text.trim().to_owned().into(),
            Ok(_) => tracing::warn!(event = "sim_swap_token_kept", file = %path.display(), "the file is empty"),
            Err(error) => tracing::warn!(event = "sim_swap_token_kept", file = %path.display(), %error),
        }
        Some(last.clone())
    }
}

/// What is known of a SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// It was not changed.
    No,
    /// It was changed.
    Yes,
    /// Nobody says.
    Unknown(Failure),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    phone_number: &'a str,
    max_age: u64,
}

#[derive(Deserialize)]
struct Answer {
    swapped: bool,
}

impl SimSwap {
    /// Asks about a number in E.164, once.
    pub async fn ask(&self, number: &str) -> Swapped {
        let token = self.token.now().await;
        let Some(request) = self.request(number, token.as_ref()) else {
            return Swapped::Unknown(Failure::Forbidden);
        };
        let exchange = self.webhooks.exchange(request, self.timeout).await;
        match exchange {
            Ok(answer) if answer.status == StatusCode::OK => {
                let read = |body: Bytes| serde_json::from_slice::<Answer>(&body).ok();
                match answer.body.and_then(read) {
                    Some(Answer { swapped: true }) => Swapped::Yes,
                    Some(Answer { swapped: false }) => Swapped::No,
                    None => Swapped::Unknown(Failure::Broken),
                }
            }
            Ok(answer) => Swapped::Unknown(Failure::Status(answer.status.as_u16())),
            Err(failure) => Swapped::Unknown(failure),
        }
    }

    fn request(&self, number: &str, token: Option<&SecretString>) -> Option<Request<Full<Bytes>>> {
        let question = Question {
            phone_number: number,
            max_age: self.max_age_hours,
        };
        let body = serde_json::to_vec(&question).ok()?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Target::parse(&self.url).ok()?.into_uri();
        let headers = request.headers_mut();
        if let Some(token) = token {
            let mut token = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).ok()?;
            token.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, token);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let agent = concat!("araldo/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        Some(request)
    }
}

impl Swapped {
    /// The word for books and counters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "not_swapped",
            Self::Yes => "swapped",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Display for Swapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(failure) => write!(f, "unknown ({failure})"),
            Self::No | Self::Yes => f.write_str(self.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::AddressGuard;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A service that gives one answer, and what it was asked.
    async fn service(answer: &'static str) -> (String, Arc<Mutex<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sim-swap/v0/check", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(String::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut octets = vec![0; 4096];
            let mut read = 0;
            while !String::from_utf8_lossy(&octets[..read]).contains('}') {
                read += stream.read(&mut octets[read..]).await.unwrap();
            }
            *heard.lock().unwrap() = String::from_utf8_lossy(&octets[..read]).into_owned();
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Says nothing more, and does not hang up.
            std::future::pending::<()>().await;
        });
        (url, asked)
    }

    fn asking(url: &str, networks: &[&str]) -> SimSwap {
        drop(rustls::crypto::ring::default_provider().install_default());
        let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
        SimSwap {
            webhooks: Webhooks::new(AddressGuard::new(&networks), None).unwrap(),
            url: url.into(),
            token: Token::Fixed("t0ken".to_owned().into()),
            max_age_hours: 72,
            timeout: Duration::from_millis(300),
        }
    }

    macro_rules! answer {
        ($status:literal, $body:literal) => {
            concat!(
                "HTTP/1.1 ",
                $status,
                "\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ",
                $body
            )
        };
    }

    #[tokio::test]
    async fn only_a_clear_no_is_one() {
        for (given, known) in [
            (answer!("200 OK", "17\r\n\r\n{\"swapped\":false}"), Swapped::No),
            (answer!("200 OK", "16\r\n\r\n{\"swapped\":true}"), Swapped::Yes),
            (answer!("200 OK", "2\r\n\r\n{}"), Swapped::Unknown(Failure::Broken)),
            (
                answer!("200 OK", "19\r\n\r\n{\"swapped\":\"false\"}"),
                Swapped::Unknown(Failure::Broken),
            ),
            (
                answer!("404 Not Found", "2\r\n\r\n{}"),
                Swapped::Unknown(Failure::Status(404)),
            ),
            (
                answer!("500 Oops", "17\r\n\r\n{\"swapped\":false}"),
                Swapped::Unknown(Failure::Status(500)),
            ),
            ("HTTP/1.1 200 OK\r\n", Swapped::Unknown(Failure::Timeout)),
        ] {
            let (url, asked) = service(given).await;
            assert_eq!(
                asking(&url, &["127.0.0.0/8"]).ask("+393331234567").await,
                known,
                "{given}"
            );
            let asked = asked.lock().unwrap().to_lowercase();
            assert!(asked.starts_with("post /sim-swap/v0/check http/1.1"), "{asked}");
            assert!(asked.contains("authorization: bearer t0ken"), "{asked}");
            assert!(
                asked.ends_with("{\"phonenumber\":\"+393331234567\",\"maxage\":72}"),
                "{asked}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_in_a_file_is_shown_as_it_stands_and_the_last_one_while_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim.token");
        let token = Token::File {
            path: path.clone(),
            last: Mutex::new("first".to_owned().into()),
        };
        let shown = async || token.now().await.unwrap().expose_secret().to_owned();
        assert_eq!(shown().await, "first");
        for (written, expected) in [("second\n", "second"), ("", "second"), ("third", "third")] {
            std::fs::write(&path, written).unwrap();
            assert_eq!(shown().await, expected);
        }
    }

    #[tokio::test]
    async fn addresses_of_the_inside_are_not_asked() {
        let (url, asked) = service("").await;
        let known = asking(&url, &[]).ask("+393331234567").await;
        assert!(matches!(known, Swapped::Unknown(_)), "{known}");
        assert_eq!(*asked.lock().unwrap(), "");
    }
}
