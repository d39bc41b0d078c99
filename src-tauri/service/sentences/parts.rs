//! Sentences for what the parts that the verbs bring together report: source, archive, destination, store, keys.

use std::io;

use super::{cancelled, io_failed, quoted, with_causes, words};
use crate::archive::{OpenError, PackError};
use crate::destination::{DestinationError, ErrorKind};
use crate::keys::KeyError;
use crate::model::Problem;
use crate::source::database::CaptureError;
use crate::source::discover::ScanError;
use crate::source::files::WalkError;
use crate::store::StoreError;

pub(super) fn scan(error: &ScanError) -> Problem {
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

pub(in crate::service) fn capture(error: &CaptureError) -> Problem {
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
        CaptureError::Cancelled(_) => cancelled(),
        error => words(
            "database_failed",
            with_causes(error),
            "Look at the file with `sqlite3 FILE 'pragma integrity_check'`; if it is in order, try again.",
        ),
    }
}

pub(super) fn walk(error: &WalkError) -> Problem {
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

pub(super) fn pack(error: &PackError) -> Problem {
    match error {
        PackError::Write(cause) => io_failed("the archive being written", cause),
        PackError::Read { entry, cause } => io_failed(entry, cause),
        PackError::Name(name) => words(
            "bad_name",
            format!("{} cannot be a name in an archive", quoted(name)),
            "Rename the file, or exclude it.",
        ),
        PackError::Attributes { entry, size, limit } => words(
            "attributes_too_large",
            format!(
                "{} has {size} bytes of extended attributes, {limit} at most can be kept",
                quoted(entry)
            ),
            "Remove some of them, or exclude the file.",
        ),
        PackError::NoRecipient => words(
            "no_recipient",
            "There is no recipient to encrypt to",
            "Add one with `holdfast recipients add AGE1…`.",
        ),
        PackError::Cancelled(_) => cancelled(),
        error => words(
            "internal",
            with_causes(error),
            "Please report this with the output of `holdfast history`.",
        ),
    }
}

pub(super) fn open(error: &OpenError) -> Problem {
    match error {
        OpenError::Read(cause) => io_failed("the archive", cause),
        OpenError::NoKey => words(
            "no_key",
            "The archive is encrypted and no key that could open it is at hand",
            "Import the recovery kit with `holdfast key import FILE`.",
        ),
        OpenError::WrongKey => words(
            "wrong_key",
            "None of the keys at hand opens this archive",
            "It was made for other recipients: import the recovery kit of the installation that made it.",
        ),
        OpenError::NoPassphrase => words(
            "no_passphrase",
            "The archive is encrypted with a passphrase, and none was given",
            "Set it as HOLDFAST_PASSPHRASE in the environment, or type it when you are asked.",
        ),
        OpenError::WrongPassphrase => words(
            "wrong_passphrase",
            "The authentication of the file fails: the passphrase is wrong, or the file is damaged",
            "Try the passphrase again (HOLDFAST_PASSPHRASE, or the prompt); if it is surely right, use another copy of the archive.",
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
        OpenError::NoComponent(name) => words(
            "unknown",
            format!("The archive has no component {}", quoted(name)),
            "`holdfast show ARCHIVE` lists what it has.",
        ),
        OpenError::Write { path, cause } => io_failed(&path.display().to_string(), cause),
        OpenError::Cancelled(_) => cancelled(),
        OpenError::UnknownVersion(version) => words(
            "unknown_version",
            format!("The archive has format version {version}, which this program does not know"),
            "Use a newer version of Holdfast, or the stock commands in the archive's README.txt.",
        ),
    }
}

pub(super) fn destination(name: &str, error: &DestinationError) -> Problem {
    let detail = &error.detail;
    let (code, what, hint) = match error.kind {
        ErrorKind::Authentication => (
            "authentication",
            "did not accept the credentials",
            "Set the user name and the secret again with `holdfast destination set`, and look whether the account is locked or has \
             expired.",
        ),
        ErrorKind::Trust => {
            let message = format!("Destination {name} cannot be trusted: {detail}");
            return words(
                "trust",
                message,
                trust_hint(name, error.presented.as_deref()),
            );
        }
        ErrorKind::Unreachable => (
            "unreachable",
            "cannot be reached",
            "Check its address or folder, and the network or the disk, and try again.",
        ),
        ErrorKind::Timeout => (
            "timeout",
            "did not answer in time",
            "Try again later; look after the server if it stays silent, or give it longer with the setting `timeout`.",
        ),
        ErrorKind::Space => (
            "no_space",
            "is full",
            "Free space there or have its quota raised, or back up to another destination.",
        ),
        ErrorKind::Missing => (
            "missing",
            "does not have what was asked for",
            "Check its folder, bucket or container: Holdfast makes none at the top; a drive may not be mounted.",
        ),
        ErrorKind::Exists => (
            "exists",
            "has an archive of this name already",
            "Try again: the next one gets another name.",
        ),
        ErrorKind::Forbidden => (
            "forbidden",
            "does not allow it",
            forbidden_hint(error.cause.as_ref()),
        ),
        ErrorKind::Throttled => (
            "throttled",
            "asks to slow down",
            "Try again later; a `bandwidth_limit` or fewer backups at the same time keep it from asking.",
        ),
        ErrorKind::Truncated => (
            "truncated",
            "delivered less than it should",
            "Try again; verify the archive if it happens twice.",
        ),
        ErrorKind::Protocol => (
            "protocol",
            "answered something unexpected",
            "Run `holdfast destination test` and look at each step; check that the address is that of such a server.",
        ),
        ErrorKind::Config => (
            "bad_destination",
            "is not set up rightly",
            "Correct the settings; `holdfast destination set` changes those of one that is there.",
        ),
        ErrorKind::Cancelled => (
            "cancelled",
            "was cancelled",
            "Start it again when you like.",
        ),
    };
    words(code, format!("Destination {name} {what}: {detail}"), hint)
}

/// A person compares; the setting is what trusts.
fn trust_hint(name: &str, presented: Option<&str>) -> String {
    match presented {
        Some(fingerprint) => format!(
            "Ask whoever runs the server for its fingerprint. If this is the one you expect: `holdfast destination set {name} --set \
             fingerprint={}`. If it was another one before, find out first why it changed.",
            quoted(fingerprint)
        ),
        None => "Find out why before you trust it: look at the server's certificate or key, and at the settings `ca_file`, `known_hosts` \
                 and `fingerprint`."
            .to_owned(),
    }
}

fn forbidden_hint(cause: Option<&io::Error>) -> &'static str {
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::ReadOnlyFilesystem) => {
            "Its file system is read-only: mount it for writing."
        }
        Some(io::ErrorKind::NotADirectory) => {
            "A link or a file stands where a folder has to be, and links are not followed: move it away."
        }
        _ => {
            "Give this user, or the account of these credentials, the right to read, list, write and delete there."
        }
    }
}

pub(super) fn store(error: &StoreError) -> Problem {
    match error {
        StoreError::Newer { found, known } => words(
            "store_newer",
            format!(
                "The data folder belongs to a newer version of Holdfast (its store is of version {found}, this program knows {known})"
            ),
            "Use the newer version; this one leaves the folder alone.",
        ),
        StoreError::Older { found, known } => words(
            "store_read_only",
            format!(
                "The data folder is on a read-only file system, and its store is of version {found}, which has to be brought to version \
                 {known} first"
            ),
            "Mount it for writing once, or use the version of Holdfast that wrote it.",
        ),
        StoreError::ReadOnly(_) => words(
            "store_read_only",
            "The data folder cannot be written, so nothing can be recorded there: its file system is read-only, or this user may not write",
            "Mount it for writing, or check owner and mode of the folder and of backup_executions.db in it. Until then a read-only file \
             system still lets you look: `holdfast archives`, `show`, `verify` and `extract` work.",
        ),
        StoreError::NoSpace(_) => words(
            "store_full",
            "The disk of the data folder is full: Holdfast needs some room there to record things, and even to look them up",
            "Free some space on it, and try again; archives at their destinations are whole.",
        ),
        StoreError::Busy(_) => words(
            "store_busy",
            "Another process of Holdfast has been writing its records for longer than was waited",
            "Try again; if it happens twice, look for a process that hangs.",
        ),
        StoreError::Io { path, cause } => io_failed(&path.display().to_string(), cause),
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

pub(super) fn keys(error: &KeyError) -> Problem {
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
        KeyError::Service(_) => words(
            "keyring_failed",
            with_causes(error),
            "Look after the keyring service, and try again.",
        ),
    }
}
