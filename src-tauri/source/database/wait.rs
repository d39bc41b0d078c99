//! Waiting that can be told to stop.

use std::thread;
use std::time::{Duration, Instant};

use crate::model::{Cancel, Cancelled};

/// Returns within a few hundredths of a second of being cancelled.
pub(super) fn pause(long: Duration, cancel: &Cancel) -> Result<(), Cancelled> {
    let began = Instant::now();
    loop {
        cancel.check()?;
        let left = long.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(Duration::from_millis(20)));
    }
}
