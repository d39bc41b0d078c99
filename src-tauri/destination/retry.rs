//! A destination that is asked again where that can help. The kind of the error decides, and nothing else; what has arrived is not sent again
//! where the place can go on from it. It also keeps promises that a network breaks: an acknowledgement that was lost, a listing that names
//! something twice.

mod resuming;

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use sha2::{Digest, Sha256};

use super::read_back;
use super::time::{RealTime, Time};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification,
};
use crate::model::{NoObserver, Observer, Phase, Progress};

use resuming::Resuming;

type Result<T> = std::result::Result<T, DestinationError>;

/// Between two looks at whether the call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A place that wants to be left alone for longer is asked again by the schedule.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// So many new bytes make a try one that was worth it. Less would have a place that gives a byte a time asked for ever.
pub(super) const WORTH: u64 = 1 << 20;

/// How often and after what waits a call is tried again. A transfer that can go on where it was cut begins to count anew whenever a try
/// brought it on: a line that breaks every hour still carries an archive that takes a day.
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
    /// For those who want to know at once.
    pub const NONE: Self = Self {
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
        tries: 0,
    };

    fn waits(self) -> ExponentialBackoff {
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
    time: Arc<dyn Time>,
}

impl Retry {
    #[must_use]
    pub fn new(inner: Arc<dyn Destination>, patience: Patience) -> Self {
        Self::timed(inner, patience, Arc::new(RealTime::default()))
    }

    /// By another clock than the machine's.
    #[must_use]
    pub fn timed(inner: Arc<dyn Destination>, patience: Patience, time: Arc<dyn Time>) -> Self {
        Self {
            inner,
            patience,
            time,
        }
    }

    fn pauses(&self, call: &Call<'_>) -> Pauses {
        let patience = call.patience.unwrap_or(self.patience);
        Pauses::new(patience, Arc::clone(&self.time))
    }

    fn again<T>(&self, call: &Call<'_>, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pauses = self.pauses(call);
        loop {
            match ask() {
                Err(error) => pauses.after(error, call)?,
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
        // Not told as progress: nobody waits for a file that is there. The reader goes on by itself where it is cut.
        let quiet = Call {
            observer: &NoObserver,
            patience: Some(Patience::NONE),
            ..*call
        };
        let mut open = |at| self.get(key, Some(at..body.length), call);
        Ok(read_back::read(&mut open, body.length, "", &quiet)?.is(body))
    }
}

/// The waits between the tries of one call.
pub(super) struct Pauses {
    patience: Patience,
    waits: ExponentialBackoff,
    time: Arc<dyn Time>,
}

impl Pauses {
    fn new(patience: Patience, time: Arc<dyn Time>) -> Self {
        Self {
            patience,
            waits: patience.waits(),
            time,
        }
    }

    /// For what goes on by itself inside a call.
    pub fn of(call: &Call<'_>) -> Self {
        let patience = call.patience.unwrap_or(Patience::NONE);
        Self::new(patience, Arc::new(RealTime::default()))
    }

    /// As if nothing had failed yet.
    pub fn renew(&mut self) {
        self.waits = self.patience.waits();
    }

    /// Waits before the next try, or gives the error back.
    pub fn after(&mut self, error: DestinationError, call: &Call<'_>) -> Result<()> {
        if !error.may_pass() {
            return Err(error);
        }
        // Whatever it was in the middle of: that is why it ended.
        if call.cancel.is_cancelled() {
            return call.check();
        }
        let Some(wait) = self.waits.next() else {
            return Err(error);
        };
        let wait = error.retry_after.map_or(wait, |asked| asked.max(wait));
        // Whoever waits longer than there is time for need not wait at all.
        if wait > LONGEST_WAIT
            || call
                .deadline
                .is_some_and(|deadline| deadline < Instant::now() + wait)
        {
            return Err(error);
        }
        let end = self.time.now() + wait;
        loop {
            let left = end.saturating_sub(self.time.now());
            if left.is_zero() {
                return Ok(());
            }
            self.time.wait(left.min(LOOK_EVERY));
            call.check()?;
        }
    }
}

/// Passes progress on, and remembers how far a transfer has come.
struct Farthest<'a> {
    observer: &'a dyn Observer,
    sent: AtomicU64,
}

impl Observer for Farthest<'_> {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Uploading {
            self.sent.fetch_max(progress.done_bytes, Ordering::Relaxed);
        }
        self.observer.progress(progress);
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
        let mut pauses = self.pauses(call);
        let farthest = Farthest {
            observer: call.observer,
            sent: AtomicU64::new(0),
        };
        let watched = Call {
            observer: &farthest,
            patience: Some(call.patience.unwrap_or(self.patience)),
            ..*call
        };
        let mut tried_before = false;
        let mut came_to = 0;
        loop {
            let error = match self.inner.attempt(key, body, left, &watched) {
                Ok(stored) => return Ok(stored),
                Err(error) => error,
            };
            if tried_before && error.kind == ErrorKind::Exists && self.is_there(key, body, call)? {
                return Ok(Stored {
                    verification: Verification::Verified,
                });
            }
            let sent = farthest.sent.load(Ordering::Relaxed);
            // Where all is sent anew, a longer try is no progress.
            let goes_on = left.is_some() && self.capabilities().resume;
            if goes_on && sent >= came_to + WORTH {
                came_to = sent;
                pauses.renew();
            }
            pauses.after(error, call)?;
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
            // Past the end (nothing was read that could have been cut): it will be past it a little later, too.
            Err(error) if error.kind == ErrorKind::Truncated => Ok(Err(error)),
            opened => opened.map(Ok),
        })??;
        Ok(Box::new(Resuming::new(
            Arc::clone(&self.inner),
            key.clone(),
            range,
            inner,
            self.pauses(call),
            call,
        )))
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
        let listed = self.again(call, || {
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
        });
        refused.map_or(listed, Err)
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
