//! A connection whose peer must go on: a write that makes no progress, a head that does not end, a silence that lasts
//! too long ends it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::clock::monotonic;

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Over the head of a request, from its first octet on; before the first request from the start.
    pub(super) head: Duration,
    /// Between an answer and the next request.
    pub(super) idle: Duration,
    /// Over a write, without progress.
    pub(super) write: Duration,
}

/// Counts the requests of a connection, so that its stream knows whether the next word is the peer's.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Who read last: a read that began in our turn looks again after it.
    reader: AtomicWaker,
}

/// A request whose head has come and whose answer has not ended.
#[derive(Debug)]
pub(super) struct Turn(Turns);

impl Turns {
    /// The head has come.
    pub(super) fn begin(&self) -> Turn {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Turn(self.clone())
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn is_ours(&self) -> bool {
        self.begun() != self.0.ended.load(Ordering::Acquire)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Release);
        self.0.0.reader.wake();
    }
}

/// A stream with bounds on its pauses.
pub(super) struct Stall<S> {
    stream: S,
    patience: Patience,
    turns: Turns,
    /// Requests begun when a read was last looked at.
    seen: u64,
    /// Until when the peer may be silent, or its head incomplete. `None`: it is not awaited.
    read_by: Option<Instant>,
    /// Whether an octet of the next request has come.
    head_begun: bool,
    /// Runs while a read waits.
    read_sleep: Option<Pin<Box<Sleep>>>,
    /// Runs while a write waits.
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<S> Stall<S> {
    pub(super) fn new(stream: S, patience: Patience, turns: Turns) -> Self {
        Self {
            stream,
            patience,
            turns,
            seen: 0,
            read_by: None,
            head_begun: false,
            read_sleep: None,
            sleep: None,
            waiting: false,
        }
    }

    /// Bounds a read that brought so many octets. A body's pauses are bounded by whoever reads it.
    fn check_read(&mut self, cx: &mut Context<'_>, read: Poll<io::Result<()>>, octets: usize) -> Poll<io::Result<()>> {
        self.turns.0.reader.register(cx.waker());
        let begun = self.turns.begun();
        if std::mem::replace(&mut self.seen, begun) != begun {
            (self.read_by, self.head_begun) = (None, false);
        }
        if self.turns.is_ours() {
            return read;
        }
        if octets > 0 && !std::mem::replace(&mut self.head_begun, true) {
            self.read_by = Some(monotonic() + self.patience.head);
        }
        // Who has asked for something may think before he asks again; who has said nothing yet holds a place for nothing.
        let silence = if begun == 0 {
            self.patience.head
        } else {
            self.patience.idle
        };
        let read_by = *self.read_by.get_or_insert_with(|| monotonic() + silence);
        if read.is_ready() {
            return read;
        }
        let sleep = self
            .read_sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(read_by.into())));
        if sleep.deadline() != read_by.into() {
            sleep.as_mut().reset(read_by.into());
        }
        ready!(sleep.as_mut().poll(cx));
        // Who has said nothing is left as if it had gone.
        Poll::Ready(if self.head_begun {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(())
        })
    }

    fn check<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.waiting = false;
            return done;
        }
        let deadline = monotonic() + self.patience.write;
        let fresh = !std::mem::replace(&mut self.waiting, true);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        if fresh {
            sleep.as_mut().reset(deadline.into());
        }
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.check_read(cx, read, buf.filled().len() - before)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, data);
        self.check(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.check(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.check(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_cut() {
        let (near, _far) = tokio::io::duplex(16);
        let patience = Patience {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
        };
        let mut stream = Stall::new(near, patience, Turns::default());
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
