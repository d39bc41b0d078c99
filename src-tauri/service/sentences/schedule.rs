//! Sentences for what goes wrong with schedules and their store.

use super::{io_failed, quoted, with_causes, words};
use crate::model::schedule::ScheduleError;
use crate::model::{Problem, Warning};
use crate::service::error::Unscheduled;
use crate::store::StoreError;

pub(super) fn schedule(error: &ScheduleError) -> Problem {
    let message = error.to_string();
    let (code, hint) = match error {
        ScheduleError::BadName { .. } => ("bad_value", "Correct the name and try again."),
        ScheduleError::NoDestination => (
            "schedule_without_destination",
            "Name at least one: --to DESTINATION.",
        ),
        ScheduleError::UnknownZone { .. } => (
            "unknown_zone",
            "Use a name such as Europe/Berlin, America/New_York or UTC; `timedatectl list-timezones` lists them.",
        ),
        ScheduleError::CronFieldCount { .. }
        | ScheduleError::CronNickname { .. }
        | ScheduleError::BadCron { .. } => (
            "bad_cron",
            "Cron takes five fields: minute, hour, day of month, month, day of week. `0 3 * * *` is every day at three, \
             `*/30 8-18 * * mon-fri` every half hour of a working day.",
        ),
        ScheduleError::ImpossibleCron { .. } => (
            "impossible_cron",
            "Correct day and month: as it is, the schedule would never run.",
        ),
        ScheduleError::IntervalTooShort { .. } => (
            "interval_too_short",
            "Give a longer one, such as --every 15m or --every 6h.",
        ),
        ScheduleError::BadDuration { .. } => (
            "bad_duration",
            "Give a length of time such as 90s, 15m, 6h, 1h30m or 2d.",
        ),
        ScheduleError::UnknownCadence { .. } => (
            "unknown_cadence",
            "Its cadence comes from an extension that this program was started without; give the schedule another cadence, or remove it.",
        ),
    };
    words(code, capital(&message), hint)
}

pub(super) fn unscheduled(schedule: &str, cause: &Unscheduled) -> Problem {
    let list = |names: &[String]| names.join(", ");
    match cause {
        Unscheduled::NoInstance => words(
            "schedule_without_instance",
            format!("The instance of schedule {schedule} is gone"),
            format!(
                "Give it another one with `holdfast schedule set {schedule} --instance NAME`, or remove it."
            ),
        ),
        Unscheduled::NoDestination(names) => words(
            "schedule_without_destination",
            format!(
                "All destinations of schedule {schedule} are gone or disabled: {}",
                list(names)
            ),
            format!(
                "Enable one, or give it another one with `holdfast schedule set {schedule} --to NAME`."
            ),
        ),
        Unscheduled::SomeDestinations(names) => words(
            "schedule_lacks_destination",
            format!(
                "Some destinations of schedule {schedule} are gone or disabled: {}",
                list(names)
            ),
            format!(
                "Enable them, or name those it should have with `holdfast schedule set {schedule} --to NAME`."
            ),
        ),
        Unscheduled::NoArchive(destination) => words(
            "nothing_to_check",
            format!("There is no archive at {destination} that schedule {schedule} could check"),
            "Back up to it first; a schedule that backs up should come before one that checks.",
        ),
        Unscheduled::BadArchive(found) => words(
            "archive_bad",
            format!("The archive that schedule {schedule} checked is not good: {found}"),
            "Back up again now, keep the copy at another destination, and look after the disk of this one.",
        ),
    }
}

pub(super) fn incomplete(instance: &str, warnings: &[Warning]) -> Problem {
    let why: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
    words(
        "incomplete",
        format!(
            "Not everything of instance {instance} is in the archive: {}",
            why.join("; ")
        ),
        "Mend what it says and back up again; the archive of this run is kept, and no other counts as replaced by it.",
    )
}

/// The job store's: what is lost with it are schedules, not backups.
pub(super) fn job_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Newer { found, known } => words(
            "job_store_newer",
            format!(
                "The schedules belong to a newer version of Holdfast (their store is of version {found}, this program knows {known})"
            ),
            "Use the newer version; this one runs no schedule and leaves them alone.",
        ),
        StoreError::Busy(_) => words(
            "job_store_busy",
            "Another process has kept the store of schedules locked for longer than was waited",
            "Try again; if it happens twice, look for a process that has backup_jobs.db open.",
        ),
        StoreError::Corrupt(_) | StoreError::Row { .. } => words(
            "job_store_corrupt",
            format!(
                "The store of schedules is damaged, so no schedule runs: {}",
                with_causes(error)
            ),
            "Move backup_jobs.db away from the data folder and add the schedules again; backups and their history are not in it.",
        ),
        StoreError::ReadOnly(_) | StoreError::Older { .. } => words(
            "job_store_read_only",
            "The store of schedules cannot be written, so no schedule can run",
            "Check owner and mode of backup_jobs.db in the data folder, and whether its file system is mounted for writing.",
        ),
        StoreError::NoSpace(_) => words(
            "store_full",
            "The disk of the data folder is full: schedules cannot be run or changed",
            "Free some space on it, and try again; archives at their destinations are whole.",
        ),
        StoreError::Io { path, cause } => io_failed(&path.display().to_string(), cause),
        StoreError::Unknown { key, .. } => words(
            "unknown",
            format!("There is no schedule called {}", quoted(key)),
            "Check the spelling; `holdfast schedule list` shows what there is.",
        ),
        error => words(
            "job_store_failed",
            capital(&with_causes(error)),
            "Look at the data folder: its disk may be full or read-only. Schedules are in backup_jobs.db and nowhere else.",
        ),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
