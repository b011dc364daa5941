//! HTTP/1.1 by hand, as lean as a load generator wants it: requests are octets made beforehand, of an answer the status
//! and the body count.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;

/// Requests up to this size fit the socket's buffer; a longer one is written while its answer is read, since the
/// daemon stops reading from who does not read its results.
const WRITE_FIRST: usize = 16 << 10;

/// A keep-alive connection with one request at a time.
pub(super) struct Connection {
    stream: TcpStream,
    answer: Answer,
}

/// What was read, and how much of it is looked at.
#[derive(Default)]
struct Answer {
    held: Vec<u8>,
    at: usize,
    body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Answer::default(),
        })
    }

    /// Sends a request and reads its answer: the status.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        let (mut reader, mut writer) = self.stream.split();
        if request.len() <= WRITE_FIRST {
            writer.write_all(request).await?;
            self.answer.read(&mut reader).await
        } else {
            let (written, status) = tokio::join!(writer.write_all(request), self.answer.read(&mut reader));
            written.and(status)
        }
    }

    /// The body of the last answer.
    pub(super) fn body(&self) -> &[u8] {
        &self.answer.body
    }
}

impl Answer {
    async fn read(&mut self, reader: &mut ReadHalf<'_>) -> io::Result<u16> {
        self.held.drain(..self.at);
        self.at = 0;
        self.body.clear();
        let end = self.find(reader, b"\r\n\r\n").await?;
        let (status, length) = head(&self.held[..end])?;
        self.at = end + 4;
        match length {
            Length::Known(length) => self.take(reader, length).await?,
            Length::Chunked => loop {
                let end = self.find(reader, b"\r\n").await?;
                let size = str::from_utf8(&self.held[self.at..end])
                    .ok()
                    .and_then(|line| line.split(';').next());
                let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
                let size = size.ok_or_else(|| broken("a chunk without size"))?;
                self.at = end + 2;
                self.take(reader, size).await?;
                // The line end behind the chunk, or behind the last one, which has no trailers.
                self.at = self.find(reader, b"\r\n").await? + 2;
                if size == 0 {
                    break;
                }
            },
        }
        Ok(status)
    }

    /// Where the octets are, from what is not looked at yet.
    async fn find(&mut self, reader: &mut ReadHalf<'_>, what: &[u8]) -> io::Result<usize> {
        let mut from = self.at;
        loop {
            if let Some(found) = self.held[from..].windows(what.len()).position(|octets| octets == what) {
                return Ok(from + found);
            }
            from = self.held.len().saturating_sub(what.len() - 1).max(self.at);
            self.more(reader).await?;
        }
    }

    async fn take(&mut self, reader: &mut ReadHalf<'_>, length: usize) -> io::Result<()> {
        while self.held.len() - self.at < length {
            self.more(reader).await?;
        }
        self.body.extend_from_slice(&self.held[self.at..self.at + length]);
        self.at += length;
        Ok(())
    }

    async fn more(&mut self, reader: &mut ReadHalf<'_>) -> io::Result<()> {
        match reader.read_buf(&mut self.held).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The status, and how long the body is.
fn head(head: &[u8]) -> io::Result<(u16, Length)> {
    let head = str::from_utf8(head).map_err(|_| broken("a head that is no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| broken("no status line"))?;
    let mut length = Length::Known(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.trim().parse().map_err(|_| broken("no content-length"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        }
    }
    Ok((status, length))
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn answers_are_read_by_length_and_by_chunks_however_they_arrive() {
        let answers = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nfirst\
            HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nsec\r\n4;x\r\nond!\r\n0\r\n\r\n\
            HTTP/1.1 204 No Content\r\n\r\n";
        for step in [1, 7, answers.len()] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut connection = Connection::open(listener.local_addr().unwrap()).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let served = tokio::spawn(async move {
                for piece in answers.chunks(step) {
                    server.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
                server
            });
            let mut seen = Vec::new();
            for _ in 0..3 {
                let status = connection.exchange(b"x").await.unwrap();
                seen.push((status, String::from_utf8(connection.body().to_vec()).unwrap()));
            }
            let want = [(202, "first"), (200, "second!"), (204, "")];
            assert_eq!(seen, want.map(|(status, body)| (status, body.to_owned())));
            drop(served.await.unwrap());
            assert!(
                connection.exchange(b"x").await.is_err(),
                "the end of the connection is an error"
            );
        }
    }
}
