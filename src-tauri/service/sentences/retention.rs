//! Sentences for retention policies: what cannot be one, what could not be done, and why an archive stays or goes.

use super::{quoted, words};
use crate::model::Problem;
use crate::model::retention::{
    ClockDoubt, DeleteReason, ForeignReason, KeepReason, PolicyError, PolicyFault,
};
use crate::service::report::RetentionFailure;

pub(super) fn policy(error: &PolicyError) -> Problem {
    let hint = match &error.fault {
        PolicyFault::UnknownKey => {
            "It has strategy=simple with keep_last and keep_days, strategy=gfs with keep_daily, keep_weekly, keep_monthly and \
             keep_yearly, strategy=hanoi with levels, and floor for each of them."
        }
        PolicyFault::OtherStrategy { .. } => {
            "Give the settings of one strategy, and its name where it is to change: `strategy=gfs keep_daily=7`."
        }
        PolicyFault::NoStrategy | PolicyFault::KeepsNothing { .. } => {
            "Give them together, such as `strategy=simple keep_last=7 keep_days=30`, `strategy=gfs keep_daily=7 keep_weekly=4` or \
             `strategy=hanoi levels=6`."
        }
        PolicyFault::Removed => {
            "Give `strategy=` alone to remove the policy; then everything stays."
        }
        PolicyFault::UnknownStrategy | PolicyFault::Number { .. } | PolicyFault::Twice => {
            "Correct the value and try again."
        }
    };
    words(
        "bad_policy",
        format!("{}: {}", quoted(&error.setting), error.fault),
        hint,
    )
}

pub(super) fn busy(destination: &str) -> Problem {
    words(
        "retention_busy",
        format!("Old archives at {destination} are being deleted by another process"),
        "Wait until it has ended, and try again if something is left.",
    )
}

pub(super) fn not_deleted(destination: &str, failures: &[RetentionFailure]) -> Problem {
    let why: Vec<String> = failures
        .iter()
        .take(3)
        .map(|f| format!("{}: {}", f.archive, f.problem.message))
        .collect();
    words(
        "not_deleted",
        format!(
            "{} of the old archives at {destination} could not be deleted: {}",
            failures.len(),
            why.join("; ")
        ),
        "Mend what it says; they are tried again whenever the policy is applied.",
    )
}

pub(super) fn in_use(archive: &str) -> Problem {
    words(
        "archive_in_use",
        format!("The archive {archive} is being read, by a restore or a check"),
        "Wait until that has ended, and try again.",
    )
}

pub(super) fn changed(archive: &str) -> Problem {
    words(
        "archive_changed",
        format!("The archive {archive} has another size than the one that was recorded"),
        "It was left alone: look at it with `holdfast show` and `holdfast verify`, and delete it by hand if it may go.",
    )
}

/// Completes "it stays: …".
pub(in crate::service) fn kept(reason: &KeepReason) -> String {
    let text = match reason {
        KeepReason::NoPolicy => "there is no policy",
        KeepReason::Pinned => "it is pinned",
        KeepReason::InUse => "it is being read",
        KeepReason::Safety => "it is a safety backup",
        KeepReason::NewestVerified => "the newest that is verified",
        KeepReason::Last { n } => return format!("number {n} of the last ones"),
        KeepReason::Younger { days: 0 } => "made less than a day ago",
        KeepReason::Younger { days: 1 } => "1 day old",
        KeepReason::Younger { days } => return format!("{days} days old"),
        KeepReason::Daily { bucket } => return format!("the newest of the day {bucket}"),
        KeepReason::Weekly { bucket } => return format!("the newest of the week {bucket}"),
        KeepReason::Monthly { bucket } => return format!("the newest of the month {bucket}"),
        KeepReason::Yearly { bucket } => return format!("the newest of the year {bucket}"),
        KeepReason::Hanoi { level } => {
            return format!("stands for level {level} of the rotation");
        }
        KeepReason::Floor => "never fewer than the floor",
        KeepReason::Clock { doubt } => match doubt {
            ClockDoubt::AfterNow => "its age is not sure: it, or another one, is dated after now",
            ClockDoubt::LongSilence => {
                "its age is not sure: there is no newer backup that shows that the clock is right"
            }
            ClockDoubt::LongPause => {
                "its age is not sure: a long pause after it counts only in part"
            }
        },
        KeepReason::Shrunk => "something shrank since, and nobody has looked at that yet",
        KeepReason::Partial => "not complete, and no newer ones in its place yet",
        KeepReason::NotVerified => "not verified, and no newer ones in its place yet",
    };
    text.to_owned()
}

/// Completes "it goes: …".
pub(in crate::service) fn deleted(reason: DeleteReason) -> &'static str {
    match reason {
        DeleteReason::Superseded => "no rule keeps it",
        DeleteReason::Partial => "not complete, and newer ones are",
        DeleteReason::NotVerified => "never verified, and newer ones are",
    }
}

/// Completes "it is none of the policy's business: …".
pub(in crate::service) fn foreign(reason: ForeignReason) -> &'static str {
    match reason {
        ForeignReason::OtherInstance => "of an instance that is not known here",
        ForeignReason::UnknownSigner => "signed by nobody who is known here",
        ForeignReason::Unread => "its manifest was not read yet: verify it",
        ForeignReason::NotInCatalogue => "not in the catalogue: rebuild that",
        ForeignReason::Changed => "not the file that was recorded",
    }
}
