//! Somebody who answers small requests: the daemon's operators' listener, the control of a simulator, the sink.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;

use super::BenchError;
use super::http::Connection;

/// Where, and the token it wants.
pub(super) struct Remote {
    pub(super) addr: SocketAddr,
    token: String,
}

impl Remote {
    pub(super) fn new(addr: SocketAddr, token: &str) -> Self {
        Self {
            addr,
            token: token.to_owned(),
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Value, BenchError> {
        self.ask("GET", path, "").await
    }

    pub(super) async fn post(&mut self, path: &str) -> Result<Value, BenchError> {
        self.ask("POST", path, "").await
    }

    pub(super) async fn put(&mut self, path: &str, body: &Value) -> Result<Value, BenchError> {
        self.ask("PUT", path, &body.to_string()).await
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value, BenchError> {
        let (addr, token, length) = (self.addr, &self.token, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\nContent-Type: \
             application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        // A connection of its own each time: a trial is longer than an idle one is kept.
        let asked = async {
            let mut connection = Connection::open(addr).await?;
            let status = connection.exchange(request.as_bytes()).await?;
            Ok((status, connection))
        };
        let (status, connection) = asked.await.map_err(|error| lost(addr, &error))?;
        let body = connection.body();
        if !(200..300).contains(&status) {
            let text = String::from_utf8_lossy(body);
            return Err(BenchError::Stuck(format!("{method} {path}: {status} {text}")));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|error| BenchError::Stuck(format!("{method} {path}: {error}")))
    }
}

fn lost(addr: SocketAddr, error: &io::Error) -> BenchError {
    BenchError::Stuck(format!("no answer from {addr}: {error}"))
}
