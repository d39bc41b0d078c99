//! What passes on a data connection, and how it ends: by what the server says of it, never by the connection's end alone.

use std::io::{self, Read, Write};
use std::sync::Arc;

use suppaftp::{DataStream, FtpError, TransferStream};

use super::reply::Reply;
use super::session::{COURTESY, of_library};
use super::wire::{Watch, Wire};
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// A transfer on its data connection. Dropped before its end it takes the whole session with it: nobody knows what the server still says.
pub(super) struct Transfer {
    pub(super) stream: Option<TransferStream<Wire>>,
    pub(super) watch: Arc<Watch>,
    /// The command.
    pub(super) what: &'static str,
}

impl Transfer {
    fn wire(&mut self) -> io::Result<&mut Wire> {
        match self.stream.as_mut().map(TransferStream::get_mut) {
            Some(DataStream::Ssl(wire)) => Ok(wire),
            // Every stream is made by the connector.
            Some(DataStream::Tcp(_)) | None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Everything was written. What the server says to that.
    pub fn end_writing(mut self, what: &str) -> Result<()> {
        let _bounded = self.watch.bounded();
        let ended = self.wire().and_then(Wire::end_writing);
        match (self.completion(), ended) {
            (Ok(Some(reply)), _) => Err(reply.refusal_to_store(what)),
            (Ok(None), Ok(())) => Ok(()),
            (Ok(None) | Err(_), Err(e)) => Err(cut(what, e)),
            (Err(e), Ok(())) => Err(e),
        }
    }

    /// A write failed: the server mostly says why.
    pub fn failed_writing(mut self, what: &str, error: io::Error) -> DestinationError {
        if let Some(told) = DestinationError::of_read(&error) {
            // Our own: it took too long, or is not wanted any more.
            return DestinationError::new(told.kind, format!("{what}: {}", told.detail));
        }
        self.watch.hurry(COURTESY);
        match self.completion() {
            Ok(Some(reply)) => reply.refusal_to_store(what),
            _ => cut(what, error),
        }
    }

    /// No more will be read. What the server says to that; None: that it gave everything.
    pub fn end_reading(mut self) -> Result<Option<Reply>> {
        if let Ok(wire) = self.wire() {
            wire.end_reading();
        }
        self.completion()
    }

    /// As `end_reading`, of what need not be waited for long.
    pub fn leave(self) -> Result<Option<Reply>> {
        self.watch.hurry(COURTESY);
        let watch = Arc::clone(&self.watch);
        let ended = self.end_reading();
        watch.relax();
        ended
    }

    /// None: all is well.
    fn completion(&mut self) -> Result<Option<Reply>> {
        let Some(stream) = self.stream.take() else {
            return Ok(None);
        };
        let _bounded = self.watch.bounded();
        match stream.finish() {
            Ok(()) => Ok(None),
            Err(FtpError::UnexpectedResponse(response)) => Ok(Some(Reply::parse(&response.body))),
            Err(e) => {
                self.watch.give_up();
                Err(of_library(&self.watch, self.what, e))
            }
        }
    }
}

impl Read for Transfer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire()?.read(buffer)
    }
}

impl Write for Transfer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // By way of the library, which remembers that it was written to.
        match &mut self.stream {
            Some(stream) => stream.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire()?.flush()
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // Else the stream's own end would wait for an answer.
        if self.stream.is_some() {
            self.watch.give_up();
        }
    }
}

/// A connection that broke while data was on it.
pub(super) fn cut(what: &str, error: io::Error) -> DestinationError {
    let error = DestinationError::from_read(what, error);
    match error.kind {
        // Over TLS: it ended without saying so.
        ErrorKind::Protocol => DestinationError {
            kind: ErrorKind::Truncated,
            ..error
        },
        _ => error,
    }
}
