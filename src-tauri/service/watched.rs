//! Counts bytes as they pass, tells the observer, and stops when the run is cancelled.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::model::{Cancel, Observer, Phase, Progress};
use crate::service::Act;

/// An observer is told this often at most.
const PACE: Duration = Duration::from_millis(50);

/// The bytes of one phase.
pub(crate) struct Meter<'a> {
    cancel: Cancel,
    observer: &'a dyn Observer,
    phase: Phase,
    done: AtomicU64,
    total: u64,
    told: Mutex<Option<Instant>>,
    speaks: AtomicBool,
}

impl<'a> Meter<'a> {
    pub fn new(act: &Act<'a>, phase: Phase, total: u64) -> Self {
        Self {
            cancel: act.cancel.clone(),
            observer: act.observer,
            phase,
            done: AtomicU64::new(0),
            total,
            told: Mutex::new(None),
            speaks: AtomicBool::new(true),
        }
    }

    /// Counts on, but tells nothing until `speak`: an earlier phase is still being told by another thread.
    pub fn hush(&self) {
        self.speaks.store(false, Ordering::Relaxed);
    }

    pub fn speak(&self) {
        self.speaks.store(true, Ordering::Relaxed);
    }

    /// A reader whose bytes count, under the name of what it reads.
    pub fn reader<R: Read>(&self, inner: R, what: &str) -> Metered<'_, 'a, R> {
        Metered {
            inner,
            meter: self,
            what: what.to_owned(),
        }
    }

    fn pass(&self, bytes: u64, what: &str) {
        let done_bytes = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if !self.speaks.load(Ordering::Relaxed) {
            return;
        }
        // A poisoned pace is a pace all the same.
        let mut told = self
            .told
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= PACE) {
            *told = Some(Instant::now());
            let (phase, total_bytes) = (self.phase, self.total.max(done_bytes));
            self.observer.progress(&Progress {
                phase,
                done_bytes,
                total_bytes,
                what: what.to_owned(),
            });
        }
    }
}

pub(crate) struct Metered<'m, 'a, R> {
    inner: R,
    meter: &'m Meter<'a>,
    what: String,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // `Interrupted` would be retried by std's loops.
        self.meter.cancel.check().map_err(io::Error::other)?;
        let n = self.inner.read(buffer)?;
        self.meter.pass(n as u64, &self.what);
        Ok(n)
    }
}
