//! One thing to tell, as a value: the webhook's document.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::Problem;
use crate::model::schedule::ScheduledAct;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct News {
    pub event: Event,
    pub at: Timestamp,
    /// Its name. None: an alarm about an instance.
    pub schedule: Option<String>,
    /// Its name.
    pub instance: String,
    pub act: Option<ScheduledAct>,
    /// When it was due.
    pub slot: Option<Timestamp>,
    pub run_id: Option<String>,
    /// Whether it ran later than it was due.
    pub caught_up: bool,
    /// Why it did not go well.
    pub problem: Option<Problem>,
    pub last_verified_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Started,
    Succeeded,
    Partial,
    Failed,
    Interrupted,
    Cancelled,
    /// A slot did not run.
    Skipped,
    /// No verified backup for too long.
    Alarm,
    /// There is one again.
    AlarmCleared,
}

impl News {
    /// What one notification at a time is shown of.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.schedule {
            Some(name) => format!("schedule:{name}"),
            None => format!("instance:{}", self.instance),
        }
    }
}

impl Event {
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(
            self,
            Self::Partial | Self::Failed | Self::Interrupted | Self::Skipped | Self::Alarm
        )
    }
}
