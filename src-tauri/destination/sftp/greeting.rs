//! The first bytes that a server sends where SSH or SFTP should begin, remembered: another service at that port, a login script that prints
//! something, a login that only says that it is not available. They are the usual reasons why nothing works. It changes no byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::trouble;

const REMEMBERED: usize = 256;

pub(super) struct Greeting<S> {
    stream: S,
    heard: Heard,
    /// Read, and not given on yet; None before anything was read.
    ahead: Option<Vec<u8>>,
}

#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

/// What should be heard first.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    Ssh,
    Sftp,
}

impl<S> Greeting<S> {
    pub fn new(stream: S) -> (Self, Heard) {
        let heard = Heard::default();
        let greeting = Self {
            stream,
            heard: heard.clone(),
            ahead: None,
        };
        (greeting, heard)
    }
}

impl Heard {
    /// What was said instead.
    pub fn noise(&self, expected: Expected) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = match expected {
            // Some words may come before, a line each.
            Expected::Ssh => bytes
                .split(|byte| *byte == b'\n')
                .any(|line| line.starts_with(b"SSH-2.") || line.starts_with(b"SSH-1.99-")),
            // The version, a packet of the type 2, after its length.
            Expected::Sftp => bytes.starts_with(&[0, 0]) && bytes.get(4) == Some(&2),
        };
        if bytes.is_empty() || is_right {
            return None;
        }
        Some(trouble::printable(&String::from_utf8_lossy(&bytes)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ahead.is_none() {
            let mut first = [0; REMEMBERED];
            let mut first = ReadBuf::new(&mut first);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut first))?;
            let read = first.filled().to_vec();
            let mut heard = this.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.clone_from(&read);
            this.ahead = Some(read);
        } else if this.ahead.as_ref().is_some_and(Vec::is_empty) {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        if let Some(ahead) = &mut this.ahead {
            let given = ahead.len().min(buffer.remaining());
            buffer.put_slice(&ahead[..given]);
            ahead.drain(..given);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
