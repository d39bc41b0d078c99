//! A destination that is sent to and read from no faster than it may be, smoothly.

use std::io::{self, Read};
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::time::{RealTime, Time};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, Key, Listed, Stored, Unfinished,
};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// What may go at once, in parts of a second.
const BURST: u32 = 10;
const SMALLEST_BURST: u32 = 4096;
/// The limiter counts whole nanoseconds between two cells: were a cell a byte, 600 MB/s would be let go as 1 GB/s.
const MOST_CELLS: u32 = 100_000;
/// Between two looks at whether the call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Bytes a second, shared by all who take from it.
pub struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>,
    time: Arc<dyn Time>,
    /// Bytes.
    cell: u32,
    /// In cells.
    burst: NonZeroU32,
    /// Bytes that were paid for with the last cell and did not go yet. Who waits holds it and the others come after, so that one who takes
    /// much is not starved by many who take little.
    spare: Mutex<u32>,
}

impl Pace {
    #[must_use]
    pub fn new(bytes_per_second: NonZeroU32) -> Self {
        Self::timed(bytes_per_second, Arc::new(RealTime::default()))
    }

    /// By another clock than the machine's.
    #[must_use]
    pub fn timed(bytes_per_second: NonZeroU32, time: Arc<dyn Time>) -> Self {
        let bytes = bytes_per_second.get();
        let cell = bytes.div_ceil(MOST_CELLS);
        let cells = NonZeroU32::new(bytes / cell).unwrap_or(NonZeroU32::MIN);
        let burst = (bytes / BURST).max(SMALLEST_BURST) / cell;
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(cells).allow_burst(burst);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, Ticks(Arc::clone(&time))),
            time,
            cell,
            burst,
            spare: Mutex::new(0),
        }
    }

    /// How many bytes may go at once: whoever sends larger blocks is not smooth.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.burst.get() * self.cell
    }

    /// Waits until so many bytes may go.
    pub fn take(&self, bytes: usize, call: &Call<'_>) -> Result<()> {
        let mut left = bytes;
        while left > 0 {
            let part = u32::try_from(left).map_or(self.most(), |left| left.min(self.most()));
            self.take_part(part, call)?;
            left -= part as usize;
        }
        Ok(())
    }

    /// Not more than may go at once.
    fn take_part(&self, bytes: u32, call: &Call<'_>) -> Result<()> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let unpaid = bytes.saturating_sub(*spare);
        let Some(cells) = NonZeroU32::new(unpaid.div_ceil(self.cell)) else {
            *spare -= bytes;
            return Ok(());
        };
        loop {
            // An error is more than may ever go at once: it is not, by `most`.
            let Ok(Err(early)) = self.limiter.check_n(cells) else {
                *spare = cells.get() * self.cell - unpaid;
                return Ok(());
            };
            call.check()?;
            let wait = early.wait_time_from(self.time.now().into());
            self.time.wait(wait.min(LOOK_EVERY));
        }
    }
}

/// Our time as the limiter's.
struct Ticks(Arc<dyn Time>);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.now().into()
    }
}

/// The same place, at a pace.
pub struct Throttle {
    inner: Arc<dyn Destination>,
    pace: Arc<Pace>,
}

impl Throttle {
    #[must_use]
    pub fn new(inner: Arc<dyn Destination>, pace: Pace) -> Self {
        let pace = Arc::new(pace);
        Self { inner, pace }
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
            deadline: call.deadline,
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
    deadline: Option<Instant>,
}

impl Read for Paced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.pace.most() as usize);
        let read = self.inner.read(&mut buffer[..most])?;
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        self.pace.take(read, &call)?;
        Ok(read)
    }
}
