//! Time as retries and paces see it: an argument, so that what waits can be tried without waiting.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// A clock, and how one waits by it.
pub trait Time: Debug + Send + Sync {
    /// Since a moment that stays the same. It never goes back.
    fn now(&self) -> Duration;
    fn wait(&self, time: Duration);
}

/// The machine's.
#[derive(Clone, Copy, Debug)]
pub struct RealTime {
    start: Instant,
}

impl Default for RealTime {
    fn default() -> Self {
        let start = Instant::now();
        Self { start }
    }
}

impl Time for RealTime {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, time: Duration) {
        thread::sleep(time);
    }
}
