//! The bytes of an archive on their way back: exactly those that were asked for, whatever the server ends with. One reader is one RETR on a
//! session of its own.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::time::Instant;

use super::pool::Pool;
use super::session::Session;
use super::transfer::{Transfer, cut};
use crate::destination::{Call, DestinationError, ErrorKind};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// Callers read in small pieces.
const BUFFER: usize = 256 << 10;

pub(super) struct Reading {
    pool: Arc<Pool>,
    /// None once all was read, or it failed.
    open: Option<(BufReader<Transfer>, Session)>,
    left: u64,
    /// Whether the server has no more than what was asked for.
    to_the_end: bool,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Reading {
    /// `size`: of the whole file. Not for nothing: there is no such transfer.
    pub fn begin(
        pool: &Arc<Pool>,
        mut session: Session,
        path: &str,
        range: std::ops::Range<u64>,
        size: u64,
        call: &Call<'_>,
    ) -> Result<Self> {
        let transfer = session.transfer(&format!("RETR {path}"), range.start)?;
        Ok(Self {
            pool: Arc::clone(pool),
            open: Some((BufReader::with_capacity(BUFFER, transfer), session)),
            left: range.end - range.start,
            to_the_end: range.end == size,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        })
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        call.check()?;
        let Some((transfer, _)) = &mut self.open else {
            let detail = "the archive was cut before";
            return Err(DestinationError::new(ErrorKind::Truncated, detail));
        };
        let read = match transfer.read(buffer) {
            Ok(0) => return Err(self.ended_early()),
            // Over TLS: the connection ended, and nobody said that it would.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(self.ended_early()),
            read => read.map_err(|e| cut("reading the archive", e))?,
        };
        self.left -= read as u64;
        if self.left == 0 {
            self.end();
        }
        Ok(read)
    }

    /// The server ended, and mostly says why.
    fn ended_early(&mut self) -> DestinationError {
        let left = self.left;
        let said = match self.open.take() {
            Some((transfer, session)) => {
                let said = transfer.into_inner().leave();
                drop(session);
                said.ok().flatten()
            }
            None => None,
        };
        let why = said.map(|reply| format!(": {}", reply.told()));
        let detail = format!("it ends {left} bytes early{}", why.unwrap_or_default());
        DestinationError::new(ErrorKind::Truncated, detail)
    }

    /// All is there. The session serves again, where it can be brought to an end that leaves no doubt.
    fn end(&mut self) {
        let Some((mut transfer, mut session)) = self.open.take() else {
            return;
        };
        session.hurry();
        if self.to_the_end && !matches!(transfer.read(&mut [0]), Ok(0)) {
            return;
        }
        // A server that is not let finish complains: in one answer, or in two.
        if !self.to_the_end {
            session.doubt();
        }
        if transfer.into_inner().leave().is_ok() {
            self.pool.give_back(session);
        }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        self.next(&mut buffer[..most]).map_err(|error| {
            // Its connections are free for the next try.
            self.open = None;
            error.into()
        })
    }
}
