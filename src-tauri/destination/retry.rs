//! A destination that is asked again where that can help. The kind of the error decides, and nothing else; what has arrived is not sent again
//! where the place can go on from it. It also keeps promises that a network breaks: an acknowledgement that was lost, a listing that names
//! something twice.

use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use sha2::{Digest, Sha256};

use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification,
};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// Between two looks at whether the call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A place that wants to be left alone for longer is asked again by the schedule.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const BUFFER: usize = 256 << 10;

/// How often and after what waits a call is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Before the second try; it doubles from there, with jitter.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// After the first.
    pub tries: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(20),
            tries: 4,
        }
    }
}

impl Patience {
    fn waits(self) -> impl Iterator<Item = Duration> + Send {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.tries)
            .with_jitter()
            .build()
    }
}

/// The same place, asked again.
pub struct Retry {
    inner: Arc<dyn Destination>,
    patience: Patience,
}

impl Retry {
    #[must_use]
    pub fn new(inner: Arc<dyn Destination>, patience: Patience) -> Self {
        Self { inner, patience }
    }

    fn again<T>(&self, call: &Call<'_>, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let mut waits = self.patience.waits();
        loop {
            match ask() {
                Err(error) => pause(error, &mut waits, call)?,
                done => return done,
            }
        }
    }

    /// Whether what is there under the name is the body: an earlier try published it, and its acknowledgement was lost.
    fn is_there(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<bool> {
        let found = self.stat(key, call)?;
        if found.is_none_or(|found| found.size != body.length) {
            return Ok(false);
        }
        let mut reader = self.get(key, None, call)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            call.check()?;
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hex::encode(digest.finalize()) == body.sha256),
                Ok(read) => digest.update(&buffer[..read]),
                Err(e) => {
                    let detail = "the archive that is there already cannot be read";
                    return Err(DestinationError::because(ErrorKind::Exists, detail, e));
                }
            }
        }
    }
}

/// Waits before the next try, or gives the error back.
fn pause(
    error: DestinationError,
    waits: &mut impl Iterator<Item = Duration>,
    call: &Call<'_>,
) -> Result<()> {
    if !error.kind.may_pass() || call.check().is_err() {
        return Err(error);
    }
    let Some(wait) = waits.next() else {
        return Err(error);
    };
    let wait = error.retry_after.map_or(wait, |asked| asked.max(wait));
    let end = Instant::now() + wait;
    // Whoever waits longer than there is time for need not wait at all.
    if wait > LONGEST_WAIT || call.deadline.is_some_and(|deadline| deadline < end) {
        return Err(error);
    }
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK_EVERY));
        call.check()?;
    }
}

impl Destination for Retry {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn staging(&self, key: &Key) -> Result<Option<PathBuf>> {
        self.inner.staging(key)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let mut waits = self.patience.waits();
        let mut tried_before = false;
        loop {
            let error = match self.inner.attempt(key, body, left, call) {
                Ok(stored) => return Ok(stored),
                Err(error) => error,
            };
            if tried_before && error.kind == ErrorKind::Exists && self.is_there(key, body, call)? {
                return Ok(Stored {
                    verification: Verification::Verified,
                });
            }
            pause(error, &mut waits, call)?;
            tried_before = true;
        }
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.again(call, || self.inner.discard(key, left, call))
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let inner = self.again(call, || match self.inner.get(key, range.clone(), call) {
            // Past the end: it will be past it a little later, too.
            Err(error) if error.kind == ErrorKind::Truncated => Ok(Err(error)),
            opened => opened.map(Ok),
        })??;
        Ok(Box::new(Resuming {
            place: Arc::clone(&self.inner),
            key: key.clone(),
            range,
            read: 0,
            inner,
            waits: Box::new(self.patience.waits()),
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        }))
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        // By half a digest: a place may have more names than should be kept in memory.
        let mut given = HashSet::new();
        let mut refused = None;
        self.again(call, || {
            self.inner.list(prefix, call, &mut |listed| {
                let digest = Sha256::digest(listed.key.as_str().as_bytes());
                let half: [u8; 16] = std::array::from_fn(|n| digest[n]);
                if !given.insert(half) {
                    return Ok(());
                }
                each(listed).map_err(|error| {
                    // Of the one who asks: nothing that the place could do better.
                    refused = Some(error);
                    DestinationError::new(ErrorKind::Cancelled, "not wanted any more")
                })
            })
        })
        .map_err(|error| refused.take().unwrap_or(error))
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        self.again(call, || self.inner.stat(key, call))
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.again(call, || self.inner.delete(key, call))
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        self.again(call, || self.inner.sweep(age, call))
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        self.again(call, || self.inner.free_space(call))
    }
}

/// A reader that goes on where it was cut.
struct Resuming {
    place: Arc<dyn Destination>,
    key: Key,
    range: Option<Range<u64>>,
    read: u64,
    inner: Box<dyn Read + Send>,
    waits: Box<dyn Iterator<Item = Duration> + Send>,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Resuming {
    fn reopen(&mut self, mut error: DestinationError) -> Result<()> {
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        loop {
            pause(error, &mut self.waits, &call)?;
            match self.open_rest(&call) {
                Ok(inner) => {
                    self.inner = inner;
                    return Ok(());
                }
                Err(again) => error = again,
            }
        }
    }

    fn open_rest(&self, call: &Call<'_>) -> Result<Box<dyn Read + Send>> {
        let whole = match &self.range {
            Some(range) => range.clone(),
            None => match self.place.stat(&self.key, call)? {
                Some(found) => 0..found.size,
                None => {
                    let detail = format!("`{}` went away while it was read", self.key.as_str());
                    return Err(DestinationError::new(ErrorKind::Missing, detail));
                }
            },
        };
        let rest = whole.start.saturating_add(self.read)..whole.end;
        self.place.get(&self.key, Some(rest), call)
    }
}

impl Read for Resuming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(read) => {
                    self.read += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => match passing(&error) {
                    Some(passing) => self.reopen(passing)?,
                    None => return Err(error),
                },
            }
        }
    }
}

/// The error of a reader, where another try may help.
fn passing(error: &io::Error) -> Option<DestinationError> {
    let kind = match (DestinationError::of_read(error), error.kind()) {
        (Some(told), _) => told.kind,
        (None, io::ErrorKind::UnexpectedEof) => ErrorKind::Truncated,
        (None, io::ErrorKind::TimedOut) => ErrorKind::Timeout,
        (None, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            ErrorKind::Unreachable
        }
        (None, _) => return None,
    };
    let after = DestinationError::of_read(error).and_then(|told| told.retry_after);
    kind.may_pass().then(|| DestinationError {
        retry_after: after,
        ..DestinationError::new(kind, error.to_string())
    })
}
