//! The first bytes that a server sends where SFTP should begin, remembered: a login script that prints something, or a login that only says
//! that it is not available, is the usual reason why nothing works. It changes no byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::trouble;

const REMEMBERED: usize = 200;
/// Where a packet's type is, and the type of a server's first packet.
const TYPE_AT: usize = 4;
const VERSION: u8 = 2;

pub(super) struct Greeting<S> {
    stream: S,
    heard: Heard,
}

#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl<S> Greeting<S> {
    pub fn new(stream: S) -> (Self, Heard) {
        let heard = Heard::default();
        let greeting = Self {
            stream,
            heard: heard.clone(),
        };
        (greeting, heard)
    }
}

impl Heard {
    /// What was said instead of SFTP.
    pub fn noise(&self) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_empty() || bytes.get(TYPE_AT) == Some(&VERSION) {
            return None;
        }
        Some(trouble::printable(&String::from_utf8_lossy(&bytes)))
    }

    fn remember(&self, new: &[u8]) {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = REMEMBERED.saturating_sub(bytes.len());
        bytes.extend_from_slice(&new[..new.len().min(room)]);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.heard.remember(&buffer.filled()[before..]);
        polled
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
