//! A destination that is sent to and read from no faster than it may be, smoothly.

use std::io::{self, Read};
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};

use super::{
    Body, Call, Capabilities, Destination, DestinationError, Key, Listed, Stored, Unfinished,
};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// What may go at once, in parts of a second.
const BURST: u32 = 10;
const SMALLEST_BURST: u32 = 4096;
/// Between two looks at whether the call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Bytes a second, shared by all who take from it.
pub struct Pace {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    burst: u32,
}

impl Pace {
    #[must_use]
    pub fn new(bytes_per_second: NonZeroU32) -> Self {
        let burst = (bytes_per_second.get() / BURST).max(SMALLEST_BURST);
        let most = NonZeroU32::new(burst).unwrap_or(bytes_per_second);
        Self {
            limiter: DefaultDirectRateLimiter::direct(
                Quota::per_second(bytes_per_second).allow_burst(most),
            ),
            clock: DefaultClock::default(),
            burst,
        }
    }

    /// Waits until so many bytes may go.
    pub fn take(&self, bytes: usize, call: &Call<'_>) -> Result<()> {
        let mut left = u32::try_from(bytes).unwrap_or(u32::MAX);
        while let Some(part) = NonZeroU32::new(left.min(self.burst)) {
            match self.limiter.check_n(part) {
                Ok(Ok(())) => left -= part.get(),
                Ok(Err(early)) => {
                    call.check()?;
                    thread::sleep(early.wait_time_from(self.clock.now()).min(LOOK_EVERY));
                }
                // More than may ever go at once: it is not, by `burst`.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The same place, at a pace.
pub struct Throttle {
    inner: Arc<dyn Destination>,
    pace: Arc<Pace>,
}

impl Throttle {
    #[must_use]
    pub fn new(inner: Arc<dyn Destination>, bytes_per_second: NonZeroU32) -> Self {
        Self {
            inner,
            pace: Arc::new(Pace::new(bytes_per_second)),
        }
    }
}

impl Destination for Throttle {
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
        let paced = Call {
            pace: Some(&self.pace),
            ..*call
        };
        self.inner.attempt(key, body, left, &paced)
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.inner.discard(key, left, call)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Paced {
            inner: self.inner.get(key, range, call)?,
            pace: Arc::clone(&self.pace),
            cancel: call.cancel.clone(),
        }))
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        self.inner.list(prefix, call, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        self.inner.stat(key, call)
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.inner.delete(key, call)
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        self.inner.sweep(age, call)
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        self.inner.free_space(call)
    }
}

struct Paced {
    inner: Box<dyn Read + Send>,
    pace: Arc<Pace>,
    cancel: Cancel,
}

impl Read for Paced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.pace.burst as usize);
        let read = self.inner.read(&mut buffer[..most])?;
        self.pace
            .take(read, &Call::new(&self.cancel, &NoObserver))?;
        Ok(read)
    }
}
