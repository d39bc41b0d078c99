//! How things stand, in one sentence.

use std::os::unix::fs::PermissionsExt;

use jiff::{SignedDuration, Timestamp};

use crate::keys::KeyError;
use crate::model::{ExecutionKind, ExecutionStatus, Instance, Warning};
use crate::service::error::at;
use crate::service::report::{InstanceStatus, State, StatusReason, StatusReport};
use crate::service::{BackupService, Error, Result};
use crate::store::{Access, ExecutionFilter};

/// `TMPFS_MAGIC` of linux/magic.h.
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// A week and a day: an instance that is backed up once a week is never overdue by that.
const ALARM_DAYS: i64 = 8;

impl BackupService {
    pub fn status(&self, now: Timestamp) -> Result<StatusReport> {
        let mut report = self.standing(now)?;
        report.warnings = self.data_folder_warnings()?;
        if self.store.access() == Access::Reading {
            let what = "The data folder is on a read-only file system: nothing can be backed up.";
            report.sentence = format!("{what} {}", report.sentence);
            if report.state == State::Well {
                report.state = State::Attention;
            }
        }
        Ok(report)
    }

    /// A data folder that forgets at the next boot, or that others can look into.
    fn data_folder_warnings(&self) -> Result<Vec<Warning>> {
        let dir = &self.data_dir;
        let mut warnings = Vec::new();
        let file_system = rustix::fs::statfs(dir).map_err(|e| at(dir, e.into()))?;
        if file_system.f_type == TMPFS_MAGIC {
            let message = format!(
                "the data folder {} is in memory: it is gone after the next start",
                dir.display()
            );
            warnings.push(Warning::new("data_folder_in_memory", None, message));
        }
        let mode = dir.metadata().map_err(|e| at(dir, e))?.permissions().mode();
        if mode & 0o077 != 0 {
            let message = format!(
                "the data folder {} can be read by others: run `chmod 700` on it",
                dir.display()
            );
            warnings.push(Warning::new("data_folder_open", None, message));
        }
        Ok(warnings)
    }

    fn standing(&self, now: Timestamp) -> Result<StatusReport> {
        if self.public_keys()?.is_none() {
            return Ok(attention(
                StatusReason::NotSetUp,
                "Holdfast is not set up yet: run `holdfast init`, or open the window.",
            ));
        }
        if let Err(Error::Keys(
            lost @ (KeyError::Missing(_) | KeyError::Wrong(_) | KeyError::File(_)),
        )) = self.identities()
        {
            let problem = Error::Keys(lost).problem();
            let sentence = format!("{}.", problem.message);
            let mut report = attention(StatusReason::KeysLost, &sentence);
            report.state = State::Failing;
            report.problem = Some(problem);
            return Ok(report);
        }
        let instances = self.store.instances()?;
        if instances.is_empty() {
            return Ok(attention(
                StatusReason::NoInstance,
                "Nothing is backed up yet: add an instance.",
            ));
        }
        let mut report = attention(StatusReason::Well, "");
        let (mut failing, mut waiting, mut overdue) = (Vec::new(), Vec::new(), Vec::new());
        let patience = self.alarm_after()?;
        for instance in &instances {
            let (status, last) = self.instance_status(instance)?;
            if is_overdue(instance, status.last_verified_at, now, patience) {
                overdue.push(instance.name.clone());
            }
            match last {
                // Who cancels one has the backup of before all the same.
                Some(
                    ExecutionStatus::Completed
                    | ExecutionStatus::Running
                    | ExecutionStatus::Cancelled,
                ) if status.last_verified_at.is_some() => {}
                None
                | Some(
                    ExecutionStatus::Completed
                    | ExecutionStatus::Running
                    | ExecutionStatus::Cancelled,
                ) => {
                    waiting.push(instance.name.clone());
                }
                Some(_) => failing.push(instance.name.clone()),
            }
            report.instances.push(status);
        }
        let names = |of: &[String]| of.join(", ");
        (report.state, report.reason, report.sentence) = if !failing.is_empty() {
            let sentence = format!("The last backup of {} did not succeed.", names(&failing));
            (State::Failing, StatusReason::BackupFailed, sentence)
        } else if !overdue.is_empty() {
            let sentence = format!(
                "No verified backup of {} for {} days.",
                names(&overdue),
                patience.as_hours() / 24
            );
            (State::Failing, StatusReason::Overdue, sentence)
        } else if !waiting.is_empty() {
            let sentence = format!("No verified backup yet of {}.", names(&waiting));
            (State::Attention, StatusReason::NotVerified, sentence)
        } else {
            (State::Well, StatusReason::Well, well(&report.instances))
        };
        let worst = [failing, overdue, waiting]
            .into_iter()
            .find(|names| !names.is_empty());
        report.concerned = worst.unwrap_or_default();
        Ok(report)
    }

    /// Instances without a verified backup for longer than `alarm_days`, with the time of the last one.
    pub fn overdue(&self, now: Timestamp) -> Result<Vec<(String, Option<Timestamp>)>> {
        let patience = self.alarm_after()?;
        let mut found = Vec::new();
        for instance in self.store.instances()? {
            let last = self.last_verified(&instance)?;
            if is_overdue(&instance, last, now, patience) {
                found.push((instance.name, last));
            }
        }
        Ok(found)
    }

    /// When the last verified backup was verified.
    pub(crate) fn last_verified(&self, instance: &Instance) -> Result<Option<Timestamp>> {
        Ok(self.instance_status(instance)?.0.last_verified_at)
    }

    fn alarm_after(&self) -> Result<SignedDuration> {
        let days = self.user_setting("alarm_days")?;
        let days = days
            .and_then(|days| days.parse().ok())
            .unwrap_or(ALARM_DAYS);
        Ok(SignedDuration::from_hours(24 * days))
    }

    /// And how its last backup that came to an end went; several destinations of one run count as the worst of them.
    fn instance_status(
        &self,
        instance: &Instance,
    ) -> Result<(InstanceStatus, Option<ExecutionStatus>)> {
        let all = ExecutionFilter {
            instance_id: Some(instance.id.clone()),
            kind: Some(ExecutionKind::Backup),
            ..ExecutionFilter::default()
        };
        let newest = self.store.executions(&ExecutionFilter {
            limit: Some(20),
            ..all.clone()
        })?;
        let last_run = newest.first().map(|e| e.run_id.clone());
        let worst = newest
            .iter()
            .filter(|e| Some(&e.run_id) == last_run.as_ref())
            .map(|e| e.status)
            .max_by_key(|status| severity(*status));
        let archives = self.store.executions(&ExecutionFilter {
            archives_only: true,
            ..all
        })?;
        let good = || {
            archives
                .iter()
                .filter(|e| e.status == ExecutionStatus::Completed && e.verified_at.is_some())
        };
        let status = InstanceStatus {
            name: instance.name.clone(),
            last_verified_at: good().filter_map(|e| e.verified_at).max(),
            restorable_as_of: good().map(|e| e.started_at).max(),
            next_run: None,
        };
        Ok((status, worst))
    }
}

/// Since it is there, where there is no verified backup yet.
fn is_overdue(
    instance: &Instance,
    last_verified: Option<Timestamp>,
    now: Timestamp,
    patience: SignedDuration,
) -> bool {
    now.duration_since(last_verified.unwrap_or(instance.created_at)) > patience
}

fn attention(reason: StatusReason, sentence: &str) -> StatusReport {
    StatusReport {
        state: State::Attention,
        sentence: sentence.to_owned(),
        reason,
        concerned: Vec::new(),
        problem: None,
        instances: Vec::new(),
        warnings: Vec::new(),
    }
}

fn severity(status: ExecutionStatus) -> u8 {
    match status {
        ExecutionStatus::Completed => 0,
        ExecutionStatus::Running => 1,
        ExecutionStatus::Cancelled => 2,
        ExecutionStatus::Interrupted => 3,
        ExecutionStatus::Partial => 4,
        ExecutionStatus::Failed => 5,
    }
}

fn well(instances: &[InstanceStatus]) -> String {
    let oldest: Option<Timestamp> = instances.iter().filter_map(|i| i.restorable_as_of).min();
    let as_of = oldest.map_or(String::new(), |at| {
        format!(" as of {}", at.strftime("%Y-%m-%d %H:%M UTC"))
    });
    match instances {
        [one] => format!("{} is backed up and verified, restorable{as_of}.", one.name),
        many => format!(
            "All {} instances are backed up and verified, restorable{as_of} at least.",
            many.len()
        ),
    }
}
