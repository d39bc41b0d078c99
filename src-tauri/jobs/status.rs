//! How things stand, schedules included: the service's sentence, with what schedules add to it.

use jiff::Timestamp;

use super::BackupScheduler;
use super::report::{JobStatus, ScheduleRow};
use crate::model::schedule::ScheduledAct;
use crate::model::{Problem, Warning};
use crate::service::report::{State, StatusReason, StatusReport};
use crate::service::{BackupService, Error, Result};
use crate::store::Access;

impl BackupScheduler {
    pub fn status(&self, now: Timestamp) -> Result<StatusReport> {
        let mut report = self.service().status(now)?;
        let rows = self.schedules(now)?;
        for instance in &mut report.instances {
            let runs = rows
                .iter()
                .filter(|row| row.act == ScheduledAct::Backup && row.instance == instance.name);
            instance.next_run = runs.filter_map(|row| row.next_run).min();
        }
        worse(&mut report, &rows);
        // What cannot be written at all is said already.
        if self.service().access() == Access::Full
            && let Err(error) = self.mirror(now)
        {
            let problem = error.problem();
            report.warnings.push(Warning::new(
                "sidecar",
                None,
                format!(
                    "the status of schedules cannot be mirrored for monitoring tools: {}",
                    problem.message
                ),
            ));
        }
        for (channel, undelivered) in self.telling().undelivered()? {
            report.warnings.push(Warning::new(
                &format!("{channel}_undelivered"),
                None,
                format!(
                    "the last {channel} did not arrive ({} UTC): {}",
                    undelivered.at.strftime("%Y-%m-%d %H:%M"),
                    undelivered.message
                ),
            ));
        }
        Ok(report)
    }
}

/// Where the job store itself cannot be used: no schedule runs.
pub fn status_without_schedules(
    service: &BackupService,
    error: &Error,
    now: Timestamp,
) -> Result<StatusReport> {
    let mut report = service.status(now)?;
    let problem = error.problem();
    say(
        &mut report,
        State::Failing,
        StatusReason::SchedulesUnusable,
        format!("{}.", problem.message),
        Vec::new(),
    );
    if report.reason == StatusReason::SchedulesUnusable {
        report.problem = Some(problem);
    }
    Ok(report)
}

/// The worst that schedules have to say, where it is worse than what is said already.
fn worse(report: &mut StatusReport, rows: &[ScheduleRow]) {
    let named = |wanted: &dyn Fn(&ScheduleRow) -> bool| -> Vec<String> {
        let all = rows.iter().filter(|row| wanted(row));
        all.map(|row| row.name.clone()).collect()
    };
    let first_problem = |names: &[String]| -> Option<Problem> {
        let row = rows.iter().find(|row| names.contains(&row.name))?;
        row.problem.clone()
    };
    let failing = named(&|row| row.status == JobStatus::Failing);
    let disabled = named(&|row| row.status == JobStatus::Disabled);
    let waiting = named(&|row| {
        matches!(row.status, JobStatus::Waiting | JobStatus::Retrying) && row.problem.is_some()
    });
    for (names, state, reason, fact) in [
        (
            failing,
            State::Failing,
            StatusReason::ScheduleFailed,
            ["The last run of schedule ", " did not succeed"],
        ),
        (
            disabled,
            State::Attention,
            StatusReason::ScheduleCannotRun,
            ["Schedule ", " cannot run"],
        ),
        (
            waiting,
            State::Attention,
            StatusReason::ScheduleWaits,
            ["Schedule ", " waits"],
        ),
    ] {
        if names.is_empty() {
            continue;
        }
        let problem = first_problem(&names);
        let fact = fact.join(&names.join(", "));
        let sentence = match &problem {
            Some(problem) => format!("{fact}: {}.", problem.message),
            None => format!("{fact}."),
        };
        if say(report, state, reason, sentence, names) {
            report.problem = problem;
        }
    }
}

/// Only where it is worse than what is said already.
fn say(
    report: &mut StatusReport,
    state: State,
    reason: StatusReason,
    sentence: String,
    concerned: Vec<String>,
) -> bool {
    let rank = |state| match state {
        State::Well => 0,
        State::Attention => 1,
        State::Failing => 2,
    };
    if rank(state) <= rank(report.state) {
        return false;
    }
    report.state = state;
    report.reason = reason;
    report.sentence = sentence;
    report.concerned = concerned;
    true
}
