//! Who is shown what the scheduler does. The null object shows nobody anything.

use super::slot::SlotRecord;
use crate::model::schedule::{Schedule, ScheduledAct};
use crate::model::{Cancel, NoObserver, Observer};

/// A run that is about to begin.
#[derive(Clone, Debug)]
pub struct RunInfo {
    pub run_id: String,
    pub schedule: String,
    pub instance: String,
    pub act: ScheduledAct,
}

/// Who follows one run, for as long as it goes.
pub struct Watching {
    pub cancel: Cancel,
    pub observer: Box<dyn Observer>,
}

pub trait Watcher: Send + Sync {
    fn begins(&self, run: &RunInfo) -> Watching;
    /// A slot came to its end, or goes on differently.
    fn ended(&self, schedule: &Schedule, record: &SlotRecord);
    /// Schedules, or how they fare, are not what they were.
    fn changed(&self);
}

pub struct NoWatcher;

impl Watcher for NoWatcher {
    fn begins(&self, _: &RunInfo) -> Watching {
        Watching {
            cancel: Cancel::new(),
            observer: Box::new(NoObserver),
        }
    }

    fn ended(&self, _: &Schedule, _: &SlotRecord) {}

    fn changed(&self) {}
}
