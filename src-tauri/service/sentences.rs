//! The one place where failures become sentences for people: what failed and why, and what to do next. Codes are stable.

use std::io;

use crate::archive::{OpenError, PackError};
use crate::destination::{DestinationError, ErrorKind};
use crate::keys::KeyError;
use crate::model::Problem;
use crate::service::error::{Error, Refusal};
use crate::source::database::CaptureError;
use crate::source::discover::ScanError;
use crate::source::files::WalkError;
use crate::store::StoreError;

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
        Error::Destination { name, cause } => destination(name, cause),
        Error::Store(e) => store(e),
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
        Error::Unknown { what, name } => words(
            "unknown",
            format!("There is no {what} called {name}"),
            "Check the spelling; the matching `list` command shows what there is.",
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
            "Free some space, or move the workspace with `holdfast settings set work_dir=DIR`.",
        ),
        Error::NotEmpty { path } => words(
            "not_empty",
            format!("The folder {} is not empty", path.display()),
            "Name a folder that does not exist yet, or an empty one.",
        ),
        Error::Cancelled(_) => words(
            "cancelled",
            "Cancelled",
            "Nothing was changed; start it again when you like.",
        ),
        Error::State(fact) => words(
            "internal",
            format!("Something is not as it should be: {fact}"),
            "Please report this with the output of `holdfast history`.",
        ),
        error => of_archive(error),
    }
}

fn of_archive(error: &Error) -> Problem {
    match error {
        Error::NoArchive { execution } => words(
            "no_archive",
            format!("Execution {execution} left no archive"),
            "Choose one of `holdfast archives`.",
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
            format!(
                "The confirmation is {}, it must be {expected}",
                quoted(given)
            ),
            format!("Confirm with --confirm {expected} once you are sure."),
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

fn scan(error: &ScanError) -> Problem {
    match error {
        ScanError::Missing(path) => words(
            "folder_missing",
            format!("The folder {} is not there", path.display()),
            "Check the path; a network or USB drive may not be mounted.",
        ),
        ScanError::NotAFolder(path) => words(
            "not_a_folder",
            format!("{} is not a folder", path.display()),
            "Name the folder that the service lives in.",
        ),
        ScanError::Unreadable(path, cause) => io_failed(&path.display().to_string(), cause),
        ScanError::Nothing(path) => words(
            "nothing_to_back_up",
            format!("There is nothing to back up in {}", path.display()),
            "Check the path and the excludes; the folder may be a mount point whose drive is not there.",
        ),
        ScanError::Config { path, reason } => words(
            "bad_configuration",
            format!(
                "The configuration {} cannot be read: {reason}",
                path.display()
            ),
            "Mend the file, or add the folder with --template auto, which does not need it.",
        ),
        ScanError::Glob { glob, reason } => words(
            "bad_glob",
            format!("{} is not a pattern: {reason}", quoted(glob)),
            "Write it like `logs/**` or `*.tmp`, relative to the instance's folder.",
        ),
    }
}

pub(super) fn capture(error: &CaptureError) -> Problem {
    match error {
        CaptureError::Missing(path) => words(
            "database_missing",
            format!("The database {} is not there", path.display()),
            "Check whether the service moved it; `holdfast instance show` lists every source.",
        ),
        CaptureError::Forbidden(path) => words(
            "database_forbidden",
            format!(
                "The database {} may not be read by this user",
                path.display()
            ),
            "Give this user read access by group, or run Holdfast as the service's user.",
        ),
        CaptureError::NotAFile(path) => words(
            "database_not_a_file",
            format!("{} is not a regular file", path.display()),
            "Exclude it, or point the instance at the real database.",
        ),
        CaptureError::Busy { path, waited } => words(
            "database_busy",
            format!(
                "The database {} was in use and did not come free within {:.1} s",
                path.display(),
                waited.as_secs_f64()
            ),
            "Another program holds it exclusively, or writes without a pause: try again when it is quieter, or set when_busy=wait.",
        ),
        CaptureError::NoSpace(path) => words(
            "no_space",
            format!("{} is full", path.display()),
            "Free some space, or move the workspace with `holdfast settings set work_dir=DIR`.",
        ),
        CaptureError::Moving { path } => words(
            "database_moving",
            format!(
                "The database {} was replaced again and again while it was copied",
                path.display()
            ),
            "Wait until whatever replaces the file has finished, and try again.",
        ),
        CaptureError::Io { path, cause } => io_failed(&path.display().to_string(), cause),
        CaptureError::Cancelled(_) => words(
            "cancelled",
            "Cancelled",
            "Nothing was changed; start it again when you like.",
        ),
        error => words(
            "database_failed",
            with_causes(error),
            "Look at the file with `sqlite3 FILE 'pragma integrity_check'`; if it is in order, try again.",
        ),
    }
}

fn walk(error: &WalkError) -> Problem {
    match error {
        WalkError::Missing(path) => words(
            "folder_missing",
            format!("{} is not there", path.display()),
            "Check whether it was moved or its drive is not mounted.",
        ),
        WalkError::Io { path, cause } => io_failed(&path.display().to_string(), cause),
        error => words(
            "internal",
            with_causes(error),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}

fn pack(error: &PackError) -> Problem {
    match error {
        PackError::Write(cause) => io_failed("the archive being written", cause),
        PackError::Read { entry, cause } => io_failed(entry, cause),
        PackError::Name(name) => words(
            "bad_name",
            format!("{} cannot be a name in an archive", quoted(name)),
            "Rename the file, or exclude it.",
        ),
        #[allow(unreachable_patterns)] // variants that the archive adds
        error => words(
            "internal",
            with_causes(error),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}

fn open(error: &OpenError) -> Problem {
    match error {
        OpenError::Read(cause) => io_failed("the archive", cause),
        OpenError::NoKey => words(
            "no_key",
            "The archive is encrypted and no key that could open it is at hand",
            "Import the recovery kit with `holdfast key import FILE`, or set HOLDFAST_PASSPHRASE for a passphrase.",
        ),
        OpenError::WrongKey => words(
            "wrong_key",
            "None of the keys at hand opens this archive",
            "It was made for other recipients: import the recovery kit of the installation that made it.",
        ),
        OpenError::NotAnArchive(reason) => words(
            "not_an_archive",
            format!("This is not an archive that Holdfast can read: {reason}"),
            "Pick a file called backup-….tar.gz, .tar.zst or either with .age.",
        ),
        OpenError::Refused {
            entry,
            reason,
            intact_bytes,
        } => {
            let place = entry
                .as_ref()
                .map_or(String::new(), |e| format!(" at {}", quoted(e)));
            let intact = intact_bytes.map_or(String::new(), |n| {
                format!("; the file is intact up to byte {n}")
            });
            words(
                "archive_refused",
                format!("The archive is damaged or was tampered with{place}: {reason}{intact}"),
                "Use another archive, or a copy of this one at another destination; nothing was restored from it.",
            )
        }
        OpenError::UnknownVersion(version) => words(
            "unknown_version",
            format!("The archive has format version {version}, which this program does not know"),
            "Use a newer version of Holdfast, or the stock commands in the archive's README.txt.",
        ),
        #[allow(unreachable_patterns)] // variants that the archive adds
        error => words(
            "internal",
            with_causes(error),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}

fn destination(name: &str, error: &DestinationError) -> Problem {
    let detail = &error.detail;
    let (code, what, hint) = match error.kind {
        ErrorKind::Authentication => (
            "authentication",
            "did not accept the credentials",
            "Set the user name and secret again.",
        ),
        ErrorKind::Trust => (
            "trust",
            "is not the server that is trusted",
            "Find out why its key changed before you trust it.",
        ),
        ErrorKind::Unreachable => (
            "unreachable",
            "cannot be reached",
            "Check the address and the network, and try again.",
        ),
        ErrorKind::Timeout => (
            "timeout",
            "did not answer in time",
            "Try again later; look after the server if it stays silent.",
        ),
        ErrorKind::Space => (
            "no_space",
            "is full",
            "Free space there, or back up to another destination.",
        ),
        ErrorKind::Missing => (
            "missing",
            "does not have what was asked for",
            "Check its folder; a drive may not be mounted.",
        ),
        ErrorKind::Exists => (
            "exists",
            "has an archive of this name already",
            "Try again: the next one gets another name.",
        ),
        ErrorKind::Forbidden => (
            "forbidden",
            "does not allow it",
            "Give this user the right to write there.",
        ),
        ErrorKind::Throttled => ("throttled", "asks to slow down", "Try again later."),
        ErrorKind::Truncated => (
            "truncated",
            "delivered less than it should",
            "Try again; verify the archive if it happens twice.",
        ),
        ErrorKind::Protocol => (
            "protocol",
            "answered something unexpected",
            "Run `holdfast destination test` and look at each step.",
        ),
        ErrorKind::Config => (
            "bad_destination",
            "is not set up rightly",
            "Change it with `holdfast destination set`.",
        ),
        ErrorKind::Cancelled => (
            "cancelled",
            "was cancelled",
            "Start it again when you like.",
        ),
    };
    words(code, format!("Destination {name} {what}: {detail}"), hint)
}

fn store(error: &StoreError) -> Problem {
    match error {
        StoreError::Newer { found, known } => words(
            "store_newer",
            format!(
                "The data folder belongs to a newer version of Holdfast (its store is of version {found}, this program knows {known})"
            ),
            "Use the newer version; this one leaves the folder alone.",
        ),
        StoreError::Taken(name) => words(
            "taken",
            format!("The name {name} is taken"),
            "Choose another name.",
        ),
        error => words(
            "store_failed",
            with_causes(error),
            "Look at the data folder: its disk may be full or read-only. A lost store loses no backup: move backup_executions.db away and \
             run `holdfast catalogue rebuild DEST`.",
        ),
    }
}

fn keys(error: &KeyError) -> Problem {
    match error {
        KeyError::NoService(_) => words(
            "keyring_absent",
            "No keyring service answers in this session",
            "Log in to a desktop session with a keyring, or set HOLDFAST_KEYRING=file to keep keys in the data folder.",
        ),
        KeyError::Locked => words(
            "keyring_locked",
            "The keyring is locked",
            "Unlock it (log in, or open your password manager), and try again.",
        ),
        KeyError::Missing(name) => words(
            "keys_unavailable",
            format!(
                "The keyring does not have the key {name} that this installation was set up with"
            ),
            "Restore the keyring, or import the recovery kit into a new data folder; no new keys are made by accident.",
        ),
        KeyError::Wrong(name) => words(
            "keys_wrong",
            format!(
                "The key {name} in the keyring is not the one that this installation was set up with"
            ),
            "Restore the keyring, or import the recovery kit into a new data folder.",
        ),
        KeyError::File(cause) => io_failed("the key file", cause),
        error => words(
            "keyring_failed",
            with_causes(error),
            "Look after the keyring service, and try again.",
        ),
    }
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
