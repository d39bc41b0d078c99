//! A reader behind the retries: what it fails with may pass, and it goes on where it was. When that is, and how often, is `retry`'s.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::{Pauses, WORTH};
use crate::destination::{Call, Destination, DestinationError, ErrorKind, Key};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// A reader that goes on where it was cut. It gives exactly the bytes of its range, whatever the place does.
pub(super) struct Resuming {
    place: Arc<dyn Destination>,
    key: Key,
    range: Option<Range<u64>>,
    read: u64,
    /// What of it was read when it was cut last.
    came_to: u64,
    inner: Box<dyn Read + Send>,
    pauses: Pauses,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Resuming {
    pub fn new(
        place: Arc<dyn Destination>,
        key: Key,
        range: Option<Range<u64>>,
        inner: Box<dyn Read + Send>,
        pauses: Pauses,
        call: &Call<'_>,
    ) -> Self {
        Self {
            place,
            key,
            range,
            read: 0,
            came_to: 0,
            inner,
            pauses,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        }
    }

    fn reopen(&mut self, mut error: DestinationError) -> Result<()> {
        let cancel = self.cancel.clone();
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&cancel, &NoObserver)
        };
        if self.read >= self.came_to + WORTH {
            self.came_to = self.read;
            self.pauses.renew();
        }
        loop {
            self.pauses.after(error, &call)?;
            match self.open_rest(&call) {
                Ok(inner) => {
                    self.inner = inner;
                    return Ok(());
                }
                Err(again) => error = again,
            }
        }
    }

    fn open_rest(&mut self, call: &Call<'_>) -> Result<Box<dyn Read + Send>> {
        let whole = if let Some(range) = &self.range {
            range.clone()
        } else {
            let found = self.place.stat(&self.key, call)?.ok_or_else(|| {
                let detail = format!("`{}` went away while it was read", self.key.as_str());
                DestinationError::new(ErrorKind::Missing, detail)
            })?;
            self.range.insert(0..found.size).clone()
        };
        let rest = whole.start.saturating_add(self.read)..whole.end;
        self.place.get(&self.key, Some(rest), call)
    }

    /// What is still to come, where that is known.
    fn left(&self) -> Option<u64> {
        let range = self.range.as_ref()?;
        Some((range.end.saturating_sub(range.start)).saturating_sub(self.read))
    }
}

impl Read for Resuming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left();
            let most = left.map_or(buffer.len(), |left| {
                usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(buffer.len())
            });
            if most == 0 {
                return Ok(0);
            }
            match self.inner.read(&mut buffer[..most]) {
                Ok(0) if left.is_some() => {
                    let detail = format!("the archive ends {} bytes early", left.unwrap_or(0));
                    self.reopen(DestinationError::new(ErrorKind::Truncated, detail))?;
                }
                Ok(read) => {
                    self.read += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let passing = passing(error)?;
                    self.reopen(passing)?;
                }
            }
        }
    }
}

/// What a reader failed with where another try may help, else the error as it was.
fn passing(error: io::Error) -> io::Result<DestinationError> {
    let error = match error.downcast::<DestinationError>() {
        Ok(told) if told.kind.may_pass() => return Ok(told),
        Ok(told) => return Err(told.into()),
        Err(error) => error,
    };
    let kind = match error.kind() {
        io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ErrorKind::Unreachable,
        _ => return Err(error),
    };
    let detail = "reading was cut";
    Ok(DestinationError::because(kind, detail, error))
}
