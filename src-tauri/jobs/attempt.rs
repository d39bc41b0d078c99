//! One attempt of a slot: a backup, a check of what was backed up, or what its retention policy says, by the service's verbs. When it is made, and whether another one
//! follows, is decided elsewhere.

use super::slot::{How, Reason, SlotRecord};
use crate::model::schedule::{Schedule, ScheduledAct};
use crate::model::{ArchiveType, DestinationConfig, ExecutionStatus, Instance, Problem};
use crate::service::error::Unscheduled;
use crate::service::report::{BackupExecution, CheckReport, RetentionReport};
use crate::service::{Act, BackupRequest, BackupService, Error, Result};

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for.
    Done,
    /// There is an archive, and trying again would not make it whole.
    Partial(Problem),
    /// Something failed that may go better the next time.
    Failed(Problem),
    /// It could not begin; it is looked at again soon.
    Waits(Reason, Problem),
    Cancelled,
}

/// Whether an attempt can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotYet(Reason, Problem),
    /// Not before somebody changes something.
    Never(Problem),
}

/// What the service's verbs answered.
#[derive(Debug, Default)]
pub struct Made {
    pub executions: Vec<BackupExecution>,
    pub checks: Vec<CheckReport>,
    pub retention: Vec<RetentionReport>,
}

/// What a schedule acts on, as it is today.
pub struct Target {
    pub instance: Instance,
    /// Those that take archives.
    pub places: Vec<DestinationConfig>,
    /// Gone or disabled: their names, or ids.
    pub lacking: Vec<String>,
}

impl Target {
    pub fn of(service: &BackupService, schedule: &Schedule) -> Result<Self> {
        let instance = service.instance_by_id(&schedule.instance_id)?;
        let instance = instance.ok_or_else(|| lacks(schedule, Unscheduled::NoInstance))?;
        let all = service.destinations()?;
        let (mut places, mut lacking) = (Vec::new(), Vec::new());
        for id in &schedule.destination_ids {
            match all.iter().find(|d| d.id == *id) {
                // What is there can be checked also where nothing new may be put.
                Some(place) if place.enabled || schedule.act != ScheduledAct::Backup => {
                    places.push(place.clone());
                }
                Some(place) => lacking.push(place.name.clone()),
                None => lacking.push(id.clone()),
            }
        }
        if places.is_empty() {
            return Err(lacks(schedule, Unscheduled::NoDestination(lacking)));
        }
        Ok(Self {
            instance,
            places,
            lacking,
        })
    }
}

/// Looks before anything is recorded, so that waiting leaves no trace in the history.
pub fn readiness(service: &BackupService, schedule: &Schedule, record: &SlotRecord) -> Readiness {
    let target = match Target::of(service, schedule) {
        Ok(target) => target,
        Err(error @ Error::Unscheduled { .. }) => return Readiness::Never(error.problem()),
        // The attempt itself says what is wrong.
        Err(_) => return Readiness::Ready,
    };
    if let Err(error) = service.keys_at_hand()
        && error.is_locked_keyring()
    {
        return Readiness::NotYet(Reason::Keyring, error.problem());
    }
    if schedule.act == ScheduledAct::Backup
        && let Err(error @ Error::Busy { .. }) = service.is_free(&target.instance)
    {
        return Readiness::NotYet(Reason::Busy, error.problem());
    }
    if record.how == How::CaughtUp || record.interruptions > 0 {
        let asked = target.places.iter().map(|place| service.answers(place));
        let answers: Vec<Result<()>> = asked.collect();
        if answers.iter().all(Result::is_err)
            && let Some(Err(error)) = answers.into_iter().next()
        {
            return Readiness::NotYet(Reason::Destination, error.problem());
        }
    }
    Readiness::Ready
}

/// Makes the attempt; destinations that need no further one are added to `record.done`.
pub fn attempt(
    service: &BackupService,
    schedule: &Schedule,
    record: &mut SlotRecord,
    act: &Act<'_>,
    made: &mut Made,
) -> Outcome {
    let target = match Target::of(service, schedule) {
        Ok(target) => target,
        Err(error) => return Outcome::Failed(error.problem()),
    };
    let left: Vec<&DestinationConfig> = target
        .places
        .iter()
        .filter(|place| !record.done.contains(&place.id))
        .collect();
    let outcome = if left.is_empty() {
        Outcome::Done
    } else {
        match schedule.act {
            ScheduledAct::Backup => back_up(service, &target, &left, record, act, made),
            ScheduledAct::Verify | ScheduledAct::Drill => {
                check_all(service, schedule, &target, &left, record, act, made)
            }
            ScheduledAct::Retention => retain(service, &target, &left, record, act, made),
        }
    };
    if outcome == Outcome::Done && !target.lacking.is_empty() {
        let error = lacks(schedule, Unscheduled::SomeDestinations(target.lacking));
        return Outcome::Partial(error.problem());
    }
    outcome
}

fn back_up(
    service: &BackupService,
    target: &Target,
    left: &[&DestinationConfig],
    record: &mut SlotRecord,
    act: &Act<'_>,
    made: &mut Made,
) -> Outcome {
    let request = BackupRequest {
        instance: target.instance.name.clone(),
        to: left.iter().map(|place| place.name.clone()).collect(),
        comment: String::new(),
        encrypt: true,
        archive_type: ArchiveType::Scheduled,
    };
    match service.backup(&request, act) {
        Ok(report) => {
            made.executions = report.executions;
            backed_up(&made.executions, &target.instance, left, record)
        }
        Err(error) => not_done(&error),
    }
}

fn backed_up(
    executions: &[BackupExecution],
    instance: &Instance,
    left: &[&DestinationConfig],
    record: &mut SlotRecord,
) -> Outcome {
    let mut failed = None;
    let mut incomplete = None;
    for execution in executions {
        match execution.status {
            ExecutionStatus::Completed | ExecutionStatus::Partial => {
                let place = left.iter().find(|p| p.name == execution.destination);
                record.done.extend(place.map(|p| p.id.clone()));
                if execution.status == ExecutionStatus::Partial {
                    incomplete = Some(&execution.warnings);
                }
            }
            ExecutionStatus::Cancelled => return Outcome::Cancelled,
            _ => failed = failed.or(execution.problem.as_ref()),
        }
    }
    match (failed, incomplete) {
        (Some(problem), _) => Outcome::Failed(problem.clone()),
        (None, Some(warnings)) => {
            let error = Error::Incomplete {
                instance: instance.name.clone(),
                warnings: warnings.clone(),
            };
            Outcome::Partial(error.problem())
        }
        (None, None) => Outcome::Done,
    }
}

fn check_all(
    service: &BackupService,
    schedule: &Schedule,
    target: &Target,
    left: &[&DestinationConfig],
    record: &mut SlotRecord,
    act: &Act<'_>,
    made: &mut Made,
) -> Outcome {
    let mut failed = None;
    for place in left {
        match check(service, schedule, &target.instance, place, act) {
            Ok(report) => match report.problems.first() {
                None => {
                    record.done.push(place.id.clone());
                    made.checks.push(report);
                }
                Some(problem) => {
                    let found = format!("{}: {}", report.archive, problem.message);
                    failed = failed.or(Some(lacks(schedule, Unscheduled::BadArchive(found))));
                    made.checks.push(report);
                }
            },
            Err(error) if error.is_cancelled() => return Outcome::Cancelled,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Outcome::Done, |error| not_done(&error))
}

/// A destination without a policy keeps everything: that is done, and nothing to be told.
fn retain(
    service: &BackupService,
    target: &Target,
    left: &[&DestinationConfig],
    record: &mut SlotRecord,
    act: &Act<'_>,
    made: &mut Made,
) -> Outcome {
    let mut failed = None;
    for place in left {
        match service.retention_of_instance(place, &target.instance.id, act) {
            Ok(report) => {
                if report.failed.is_empty() {
                    record.done.push(place.id.clone());
                } else {
                    failed = failed.or(Some(Error::NotDeleted {
                        destination: place.name.clone(),
                        failures: report.failed.clone(),
                    }));
                }
                made.retention.push(report);
            }
            Err(error) if error.is_cancelled() => return Outcome::Cancelled,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Outcome::Done, |error| not_done(&error))
}

/// The newest archive at a destination.
fn check(
    service: &BackupService,
    schedule: &Schedule,
    instance: &Instance,
    place: &DestinationConfig,
    act: &Act<'_>,
) -> Result<CheckReport> {
    let newest = service.newest_archive(instance, place)?;
    let none = || lacks(schedule, Unscheduled::NoArchive(place.name.clone()));
    let newest = newest.ok_or_else(none)?;
    match schedule.act {
        ScheduledAct::Drill => service.drill(&newest, act),
        _ => service.verify(&newest, act),
    }
}

fn lacks(schedule: &Schedule, cause: Unscheduled) -> Error {
    Error::Unscheduled {
        schedule: schedule.name.clone(),
        cause,
    }
}

fn not_done(error: &Error) -> Outcome {
    if error.is_cancelled() {
        return Outcome::Cancelled;
    }
    let problem = error.problem();
    match error {
        Error::Busy { .. } => Outcome::Waits(Reason::Busy, problem),
        error if error.is_locked_keyring() => Outcome::Waits(Reason::Keyring, problem),
        _ => Outcome::Failed(problem),
    }
}
