//! Sentences about restores: what stands in the way, and how to get it out of there.

use std::path::PathBuf;

use crate::model::Problem;
use crate::service::restore::error::RestoreError;

use super::parts::walk;
use super::{io_failed, words};

fn listed(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    names.join(", ")
}

pub(super) fn restore(error: &RestoreError) -> Problem {
    match error {
        RestoreError::Io { path, cause } => io_failed(&path.display().to_string(), cause),
        RestoreError::Walk(e) => walk(e),
        RestoreError::Sqlite { path, cause } => words(
            "database_failed",
            format!("The database {} cannot be used: {cause}", path.display()),
            "Everything is as it was before. Stop the service and try again.",
        ),
        RestoreError::InUse { path, waited } => words(
            "in_use",
            format!(
                "The database {} was in use for {} s and did not become free",
                path.display(),
                waited.as_secs()
            ),
            "Nothing was changed. Stop the service, or set a stop hook, and try again.",
        ),
        RestoreError::NotWritable(path) => words(
            "forbidden",
            format!("{} may not be written by this user", path.display()),
            "Check its owner and mode, or run Holdfast as the service's user.",
        ),
        RestoreError::NoSpace(path) => words(
            "no_space",
            format!("There is no space left for {}", path.display()),
            "Everything is as it was before. Free some space and try again.",
        ),
        RestoreError::PageSize {
            path,
            live,
            archive,
        } => words(
            "page_size",
            format!(
                "The database {} has pages of {live} bytes, the archive of {archive}, and it is open",
                path.display()
            ),
            "Nothing was changed. Stop the service and try again.",
        ),
        RestoreError::Replaced(paths) => words(
            "replaced_meanwhile",
            format!("Another program replaced {} meanwhile", listed(paths)),
            "Its new file was left as it is, everything else was taken back. Stop the service and try again.",
        ),
        RestoreError::SameFile { one, other } => words(
            "same_file",
            format!(
                "{} and {} are two names of one file (hard links)",
                one.display(),
                other.display()
            ),
            "Nothing was changed. Restore the component of one of them; a database should have one name only.",
        ),
        RestoreError::Unfinished { folder, cause } => words(
            "restore_unfinished",
            format!(
                "An earlier restore of this instance was interrupted, and it cannot be taken back ({})",
                restore(cause).message
            ),
            format!(
                "Mend what the reason says and try again. Where that cannot be done, move {} elsewhere and keep it: it holds what was there \
                 before, each database as a whole file, and nothing is taken back any more.",
                folder.display()
            ),
        ),
        error => of_content(error),
    }
}

fn of_content(error: &RestoreError) -> Problem {
    match error {
        RestoreError::Target {
            source_path,
            reason,
        } => words(
            "bad_target",
            format!(
                "{} cannot be restored to: {reason}",
                super::quoted(source_path)
            ),
            "Nothing was changed. Look at `holdfast plan`, and at the sources of the instance.",
        ),
        RestoreError::Content { path } => words(
            "content_differs",
            format!(
                "{} does not hold the bytes that were expected",
                path.display()
            ),
            "Everything is as it was before. Check the disk, and verify the archive.",
        ),
        RestoreError::Check { path, finding } => words(
            "check_failed",
            format!("{} does not pass its check: {finding}", path.display()),
            "Everything is as it was before. Choose another archive, or `holdfast drill` this one.",
        ),
        RestoreError::NoComponent(name) => words(
            "unknown",
            format!("The archive has no component {}", super::quoted(name)),
            "`holdfast show ARCHIVE` lists its components.",
        ),
        RestoreError::Unusable { component, status } => words(
            "component_unusable",
            format!("The component {component} is {status} in this archive"),
            "Choose an archive in which it is whole.",
        ),
        RestoreError::Hook { which, outcome } => words(
            "hook_failed",
            format!("The {which} hook failed: {outcome}"),
            "Nothing was changed. Correct the line with `holdfast instance set`, and try again.",
        ),
        RestoreError::NotStarted { first, outcome } => words(
            "not_started",
            format!(
                "{}; and the start hook failed, so the service may not be running: {outcome}",
                restore(first).message
            ),
            format!("Start the service by hand. {}", restore(first).hint),
        ),
        RestoreError::NotUndoable { execution, reason } => words(
            "not_undoable",
            format!("{execution} cannot be undone: {reason}"),
            "`holdfast history` shows the newest restore; the safety backups remain.",
        ),
        RestoreError::RollbackFailed { first, cause } => words(
            "rollback_failed",
            format!(
                "The restore failed ({}), and taking it back failed too ({})",
                restore(first).message,
                restore(cause).message
            ),
            "Stop the service and start Holdfast again: it goes on taking it back. The safety backup has everything.",
        ),
        RestoreError::Cancelled(_) => words(
            "cancelled",
            "Cancelled",
            "Nothing was changed; start it again when you like.",
        ),
        error => words(
            "internal",
            format!("Something is not as it should be: {error}"),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}
