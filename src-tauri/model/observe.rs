//! How long work tells what it is doing and learns that it should stop. No channel, no clock: who listens brings those.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

/// A stop signal that copy loops look at. Clones share it; it never un-cancels.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    parent: Option<Box<Cancel>>,
}

/// The work ended because its `Cancel` was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Cancel {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal for a part of the work: cancelling it leaves the whole alone, cancelling the whole cancels it.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            own: Arc::default(),
            parent: Some(Box::new(self.clone())),
        }
    }

    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Relaxed) || self.parent.as_ref().is_some_and(|p| p.is_cancelled())
    }

    /// # Errors
    /// `Cancelled` once `cancel` was called.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// What a run is doing now, in the order in which it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Phase {
    Waiting,
    Preparing,
    /// A command of the instance's own.
    RunningHook,
    Capturing,
    Packing,
    Uploading,
    Verifying,
    Fetching,
    Checking,
    SavingBefore,
    Applying,
    RollingBack,
    /// Old archives.
    Deleting,
    Done,
}

/// How far a phase is. `total` is 0 where it cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Progress {
    pub phase: Phase,
    #[cfg_attr(test, ts(type = "number"))]
    pub done_bytes: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub total_bytes: u64,
    /// What it is working on: a component, an entry, a destination's name.
    pub what: String,
}

/// Who wants to know. Called often and from several threads: an observer thins out what it shows.
pub trait Observer: Send + Sync {
    fn progress(&self, progress: &Progress);
}

/// The null object.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn progress(&self, _: &Progress) {}
}
