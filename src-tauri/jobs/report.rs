//! What is said of schedules: the shapes of the command line's JSON and of the window's data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::slot::{How, Reason, SlotRecord, SlotState};
use crate::model::Problem;
use crate::model::schedule::{Cadence, CatchUp, ScheduledAct};
use crate::service::report::{BackupExecution, CheckReport, RetentionReport};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ScheduleRow {
    pub id: String,
    pub name: String,
    /// Its name; its id where it is gone.
    pub instance: String,
    /// Their names; an id where one is gone.
    pub destinations: Vec<String>,
    pub act: ScheduledAct,
    pub cadence: Cadence,
    pub timezone: String,
    pub catch_up: CatchUp,
    #[cfg_attr(test, ts(type = "number"))]
    pub grace_seconds: u64,
    pub retries: u32,
    #[cfg_attr(test, ts(type = "number"))]
    pub settle_seconds: u64,
    pub paused: bool,
    pub status: JobStatus,
    /// Why it cannot run, or why its last run did not end well.
    pub problem: Option<Problem>,
    pub failure_count: u32,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub last_run: Option<Timestamp>,
    pub last_status: Option<SlotState>,
    pub last_error: Option<String>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub next_run: Option<Timestamp>,
    /// The next five, as if it were not paused.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub next: Vec<Timestamp>,
    /// Newest first; in a list the last ten.
    pub slots: Vec<SlotRow>,
}

/// How a schedule fares, for those who look from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum JobStatus {
    Idle,
    Waiting,
    Running,
    Retrying,
    Paused,
    /// Its last slot ended badly.
    Failing,
    /// It cannot run: `problem` says why.
    Disabled,
}

/// Of a run by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RunReport {
    pub run_id: String,
    pub schedule: String,
    pub act: ScheduledAct,
    pub state: SlotState,
    pub problem: Option<Problem>,
    /// Of a backup: what happened at each destination.
    pub executions: Vec<BackupExecution>,
    /// Of a check: what was found in each archive.
    pub checks: Vec<CheckReport>,
    /// Of a retention policy: what became of the archives at each destination.
    pub retention: Vec<RetentionReport>,
}

/// One slot, or a stretch of skipped ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SlotRow {
    #[cfg_attr(test, ts(type = "string"))]
    pub slot: Timestamp,
    #[cfg_attr(test, ts(type = "string"))]
    pub last_slot: Timestamp,
    #[cfg_attr(test, ts(type = "number"))]
    pub count: u64,
    pub how: How,
    pub state: SlotState,
    pub reason: Option<Reason>,
    pub problem: Option<Problem>,
    pub run_id: Option<String>,
    pub attempt: u32,
    /// When it is tried again.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub next_try_at: Option<Timestamp>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub started_at: Option<Timestamp>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub ended_at: Option<Timestamp>,
}

impl From<SlotRecord> for SlotRow {
    fn from(record: SlotRecord) -> Self {
        Self {
            slot: record.slot,
            last_slot: record.last_slot,
            count: record.count,
            how: record.how,
            state: record.state,
            reason: record.reason,
            problem: record.problem,
            run_id: record.run_id,
            attempt: record.attempt,
            next_try_at: record.not_before,
            started_at: record.started_at,
            ended_at: record.ended_at,
        }
    }
}
