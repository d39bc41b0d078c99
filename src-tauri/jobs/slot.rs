//! What became of a slot, as values. Every slot of a schedule comes to one end, or to a reason why it did not run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::Problem;

/// A claimed slot, or a stretch of skipped ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    pub id: i64,
    pub schedule_id: String,
    /// When it was due; by hand: when it was asked for.
    pub slot: Timestamp,
    /// The last of skipped ones; else the slot itself.
    pub last_slot: Timestamp,
    /// How many were skipped, counted up to `decide::MOST_COUNTED`; else 1.
    pub count: u64,
    pub how: How,
    pub state: SlotState,
    pub reason: Option<Reason>,
    /// Why the last attempt failed, or what it waits for.
    pub problem: Option<Problem>,
    /// Of the newest attempt: the `run_id` of its executions.
    pub run_id: Option<String>,
    pub attempt: u32,
    /// How many of its attempts died with their process.
    pub interruptions: u32,
    /// Not tried again before.
    pub not_before: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Ids of destinations that need no further attempt.
    pub done: Vec<String>,
    /// The process that runs it: `owner::Owner`.
    pub owner: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum How {
    OnTime,
    CaughtUp,
    ByHand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum SlotState {
    /// `reason` says for what.
    Waiting,
    Running,
    /// An attempt failed or died; the next one comes.
    Retrying,
    Ran,
    /// It ran, later than it was due.
    CaughtUp,
    /// Not everything is in the archive, or not every destination has it.
    Partial,
    Failed,
    Interrupted,
    Cancelled,
    /// It did not run: `reason` says why.
    Skipped,
}

/// Why a slot waits, or did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Reason {
    /// Nothing was there to run it, and it was not to be caught up, or too late for it.
    Missed,
    /// A later run stands for it.
    Covered,
    Paused,
    /// The run before it took that long.
    StillRunning,
    /// The schedule was given other times before anybody could run it.
    Changed,
    /// No destination answered.
    Destination,
    /// The keys could not be had.
    Keyring,
    /// Another backup or a restore had the instance.
    Busy,
    /// Instance or destinations are gone or disabled.
    Disabled,
    /// The machine has only just begun to watch again.
    Settling,
    /// The process died in the middle.
    Interrupted,
}

impl SlotState {
    /// Whether more is to come.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Retrying)
    }

    /// Whether it ended as something that somebody should look at.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Partial | Self::Failed | Self::Interrupted)
    }

    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Ran | Self::CaughtUp)
    }
}

impl Reason {
    /// Whether somebody should know that a slot did not run.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(
            self,
            Self::Missed | Self::Destination | Self::Keyring | Self::Busy | Self::Disabled
        )
    }
}
