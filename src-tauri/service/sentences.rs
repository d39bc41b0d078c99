//! The one place where failures become sentences for people: what failed and why, and what to do next. Codes are stable.

use std::io;

use crate::model::Problem;
use crate::service::error::{Error, Refusal};

mod parts;
mod restore;
pub(super) mod retention;
mod schedule;

pub(super) use parts::capture;
use parts::{destination, keys, open, pack, scan, store, walk};

fn words(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem {
        code: code.to_owned(),
        message: message.into(),
        hint: hint.into(),
    }
}

pub(super) fn problem(error: &Error) -> Problem {
    match error {
        Error::Scan(e) => scan(e),
        Error::Capture(e) => capture(e),
        Error::Walk(e) => walk(e),
        Error::Pack(e) => pack(e),
        Error::Open(e) => open(e),
        Error::Destination { name, cause } | Error::BadDestination { name, cause } => {
            destination(name, cause)
        }
        Error::Restore(e) => restore::restore(e),
        Error::Store(e) => store(e),
        Error::Jobs(e) => schedule::job_store(e),
        Error::Schedule(e) => schedule::schedule(e),
        Error::Policy(e) => retention::policy(e),
        Error::RetentionBusy { destination } => retention::busy(destination),
        Error::NotDeleted {
            destination,
            failures,
        } => retention::not_deleted(destination, failures),
        Error::Unscheduled { schedule, cause } => schedule::unscheduled(schedule, cause),
        Error::Incomplete { instance, warnings } => schedule::incomplete(instance, warnings),
        Error::Keys(e) => keys(e),
        Error::Kit(e) => words(
            "bad_kit",
            format!("The file is not a recovery kit: {e}"),
            "Pick the text file that `holdfast key export` wrote.",
        ),
        Error::Refused(refusal) => refused(refusal),
        Error::Io { path, cause } => io_failed(&path.display().to_string(), cause),
        error => of_service(error),
    }
}

fn of_service(error: &Error) -> Problem {
    match error {
        Error::Disabled { destination } => words(
            "destination_disabled",
            format!("Destination {destination} is disabled and takes no new archives"),
            format!(
                "Enable it with `holdfast destination enable {destination}`, or back up to another one."
            ),
        ),
        Error::Unknown { what, name } | Error::NoSuchSetting { what, name } => words(
            "unknown",
            format!("There is no {what} called {name}"),
            format!("Check the spelling; {} shows what there is.", listing(what)),
        ),
        Error::Taken { what, name } => words(
            "taken",
            format!("The {what} {name} is there already"),
            "Choose another name, or remove the one that is there first.",
        ),
        Error::BadValue {
            what,
            value,
            reason,
        } => words(
            "bad_value",
            format!("{} cannot be the {what}: {reason}", quoted(value)),
            "Correct the value and try again.",
        ),
        Error::NotInitialised => words(
            "not_initialised",
            "Holdfast has no keys yet",
            "Run `holdfast init` once, or `holdfast key import FILE` with a recovery kit.",
        ),
        Error::NotEmptyInstallation => words(
            "already_initialised",
            "This installation has keys already",
            "Import the recovery kit into an empty data folder: name one with --data-dir.",
        ),
        Error::LastRecipient => words(
            "last_recipient",
            "This is the last recipient: without one nobody could open the archives",
            "Add another recipient first.",
        ),
        Error::Busy { instance, holder } => words(
            "busy",
            format!("Instance {instance} is in use by {holder}"),
            "Wait until it has ended, or cancel it, and try again.",
        ),
        Error::BeforeHook { .. } | Error::NoHook { .. } | Error::HookTest { .. } => of_hooks(error),
        Error::NothingRead { instance, warnings } => {
            let why: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
            words(
                "nothing_read",
                format!(
                    "Nothing of instance {instance} could be read: {}",
                    why.join("; ")
                ),
                "Look whether its folder is mounted and readable; `holdfast instance show` lists every source.",
            )
        }
        Error::NoSpace { path, needed, free } => words(
            "no_space",
            format!(
                "{} has {} free, {} are needed",
                path.display(),
                size(*free),
                size(*needed)
            ),
            "Free some space there, or use another folder; `holdfast settings set work_dir=DIR` moves the workspace.",
        ),
        Error::NotEmpty { path } => words(
            "not_empty",
            format!("The folder {} is not empty", path.display()),
            "Name a folder that does not exist yet, or an empty one.",
        ),
        Error::Cancelled(_) => cancelled(),
        Error::Interrupted => words(
            "interrupted",
            "The program ended in the middle of this run",
            "Nothing half-done is left; a scheduled run is made again once, within its grace.",
        ),
        Error::State(fact) => words(
            "internal",
            format!("Something is not as it should be: {fact}"),
            "Please report this with the output of `holdfast history`.",
        ),
        error => of_archive(error),
    }
}

fn of_hooks(error: &Error) -> Problem {
    match error {
        Error::BeforeHook { cause } => words(
            "before_hook_failed",
            format!("The before hook failed, so nothing was captured: {cause}"),
            "Run the line by hand, mend it, or empty it with `holdfast instance set NAME before_hook=`.",
        ),
        Error::NoHook { instance, hook } => words(
            "no_hook",
            format!("Instance {instance} has no {hook} hook"),
            format!("Set one first: `holdfast instance set {instance} {hook}_hook='COMMAND'`."),
        ),
        Error::HookTest { hook, outcome } => words(
            "hook_test_failed",
            format!("The {hook} hook did not do well: {outcome}"),
            "Mend the line: as it is, the backup or restore around it would fail or warn.",
        ),
        error => of_archive(error),
    }
}

/// The command that names all of a kind.
fn listing(what: &str) -> &'static str {
    match what {
        "archive" => "`holdfast archives`",
        "execution" => "`holdfast history`",
        "component of this archive" => "`holdfast show ARCHIVE`",
        "setting" | "secret setting" => "`holdfast settings set --help`",
        "schedule" => "`holdfast schedule list`",
        "setting of a schedule" => "`holdfast schedule set --help`",
        "setting of an instance" => "`holdfast instance set --help`",
        _ => "the matching `list` command",
    }
}

fn of_archive(error: &Error) -> Problem {
    match error {
        Error::NoArchive { execution } => words(
            "no_archive",
            format!("Execution {execution} left no archive"),
            "Choose one of `holdfast archives`.",
        ),
        Error::NoArchiveName { path } => words(
            "no_archive_name",
            format!("{} does not have the name of an archive", path.display()),
            "Holdfast deletes nothing but archives: remove other files by hand.",
        ),
        Error::ArchiveGone { archive } => words(
            "archive_gone",
            format!("The archive {archive} is not at its destination any more"),
            "Run `holdfast catalogue rebuild DEST` to see what is there.",
        ),
        Error::NotInCatalogue { archive } => words(
            "not_in_catalogue",
            format!("The archive {archive} is not in the catalogue"),
            "Run `holdfast catalogue rebuild DEST` first.",
        ),
        Error::ArchiveInUse { archive } => retention::in_use(archive),
        Error::ArchiveChanged { archive } => retention::changed(archive),
        Error::Pinned { archive } => words(
            "pinned",
            format!("The archive {archive} is pinned"),
            format!("Run `holdfast unpin {archive}` first if it may go."),
        ),
        Error::DigestDiffers { archive } => words(
            "digest_differs",
            format!("The bytes of {archive} are not the ones that were written"),
            "Use a copy at another destination, and look after the disk of this one.",
        ),
        error => words(
            "internal",
            error.to_string(),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Confirm { given, expected } => words(
            "confirmation",
            if given.is_empty() {
                format!("This needs a confirmation: {expected}")
            } else {
                format!(
                    "The confirmation is {}, it must be {expected}",
                    quoted(given)
                )
            },
            format!("Confirm with --confirm {expected} once you are sure."),
        ),
        Refusal::ConfirmLast {
            given,
            expected,
            instance,
        } => words(
            "confirmation",
            if given.is_empty() {
                format!(
                    "This is the last good archive of {instance}, and needs a confirmation: {expected}"
                )
            } else {
                format!(
                    "This is the last good archive of {instance}: the confirmation is {}, it must be {expected}",
                    quoted(given)
                )
            },
            format!(
                "Back up again first; or confirm with --confirm {expected} if nothing of {instance} will have to be restored."
            ),
        ),
        Refusal::Unsigned => words(
            "unsigned",
            "Nobody signed this archive, so nobody vouches for what is in it",
            "If you know where it comes from, repeat with --accept-unsigned.",
        ),
        Refusal::UnknownSigner { key_id } => words(
            "unknown_signer",
            format!("The archive is signed by key {key_id}, which this installation does not know"),
            format!(
                "If you know whose key it is, repeat with --accept-signer {key_id}, or add it: `holdfast signers add`."
            ),
        ),
        Refusal::Claim(broken) => words(
            "claim",
            format!(
                "The archive is not what it claims to be: {}",
                broken.join("; ")
            ),
            "If this is what you want all the same, repeat with --accept-mismatch.",
        ),
    }
}

fn cancelled() -> Problem {
    words(
        "cancelled",
        "Cancelled",
        "Nothing was changed; start it again when you like.",
    )
}

/// The usual failures of files, told apart.
fn io_failed(what: &str, cause: &io::Error) -> Problem {
    let (code, why, hint) = match cause.kind() {
        io::ErrorKind::NotFound => ("missing", "is not there", "Check the path."),
        io::ErrorKind::PermissionDenied => (
            "forbidden",
            "may not be used by this user",
            "Check its owner and mode.",
        ),
        io::ErrorKind::StorageFull => (
            "no_space",
            "cannot be written: the disk is full",
            "Free some space, and try again.",
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "read_only",
            "cannot be written: its file system is read-only",
            "Mount it for writing, or use another folder.",
        ),
        io::ErrorKind::AlreadyExists => ("taken", "is there already", "Choose another name."),
        io::ErrorKind::WouldBlock => (
            "in_use",
            "is in use by this program",
            "Wait until the run has ended.",
        ),
        _ => {
            return words(
                "io",
                format!("{what} cannot be used: {cause}"),
                "Look after the disk and the path, and try again.",
            );
        }
    };
    words(code, format!("{what} {why}"), hint)
}

/// An error and what led to it, in one sentence.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

fn quoted(text: &str) -> String {
    // Names come from hostile places too: what would play with a terminal is shown as an escape.
    format!("{text:?}")
        .replace("\\\"", "\"")
        .trim_matches('"')
        .to_owned()
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = bytes;
    while rest >= 10_240 && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS.get(unit).copied().unwrap_or("bytes"))
}
