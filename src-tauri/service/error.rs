//! Every way in which a verb can fail. The words for people are made in `sentences`.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::{OpenError, PackError};
use crate::destination::{DestinationError, ErrorKind};
use crate::keys::KeyError;
use crate::keys::kit::KitError;
use crate::model::retention::PolicyError;
use crate::model::schedule::ScheduleError;
use crate::model::{Cancel, Cancelled, Problem, Warning};
use crate::service::hooks::HookError;
use crate::service::ranges::AtPlace;
use crate::service::report::RetentionFailure;
use crate::service::restore::error::RestoreError;
use crate::service::sentences;
use crate::source::database::CaptureError;
use crate::source::discover::ScanError;
use crate::source::files::WalkError;
use crate::store::StoreError;

/// Facts in the variants; `problem()` makes the words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Open(OpenError),
    #[error("destination `{name}`")]
    Destination {
        name: String,
        #[source]
        cause: DestinationError,
    },
    #[error("destination `{destination}` is disabled")]
    Disabled { destination: String },
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job store's.
    #[error("the job store")]
    Jobs(#[source] StoreError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Another process applies the policy there.
    #[error("a retention policy is being applied to `{destination}`")]
    RetentionBusy { destination: String },
    /// Some that should have gone are still there.
    #[error("not every old archive at `{destination}` could be deleted")]
    NotDeleted {
        destination: String,
        failures: Vec<RetentionFailure>,
    },
    /// Of a schedule: what it needs is not there any more.
    #[error("schedule `{schedule}` cannot run")]
    Unscheduled {
        schedule: String,
        #[source]
        cause: Unscheduled,
    },
    /// An archive is there, and not all of it.
    #[error("not everything of `{instance}` is in the archive")]
    Incomplete {
        instance: String,
        warnings: Vec<Warning>,
    },
    #[error("the program ended in the middle of the run")]
    Interrupted,
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("no {what} `{name}`")]
    Unknown { what: &'static str, name: String },
    #[error("{what} `{name}` is there already")]
    Taken { what: &'static str, name: String },
    /// A value that a setting, an option or a name cannot take.
    #[error("`{value}` is no {what}: {reason}")]
    BadValue {
        what: &'static str,
        value: String,
        reason: String,
    },
    /// The program has none of this name, whatever there is in the store.
    #[error("no {what} `{name}`")]
    NoSuchSetting { what: &'static str, name: String },
    /// What was given for a destination cannot be one.
    #[error("settings of destination `{name}`")]
    BadDestination {
        name: String,
        #[source]
        cause: DestinationError,
    },
    #[error("not set up yet")]
    NotInitialised,
    /// A kit is imported into an empty data folder only.
    #[error("set up already")]
    NotEmptyInstallation,
    #[error("the last recipient stays")]
    LastRecipient,
    /// Who holds the instance.
    #[error("instance `{instance}` is busy: {holder}")]
    Busy { instance: String, holder: String },
    /// Nothing was captured.
    #[error("the before hook failed")]
    BeforeHook {
        #[source]
        cause: HookError,
    },
    #[error("instance `{instance}` has no {hook} hook")]
    NoHook {
        instance: String,
        hook: &'static str,
    },
    /// Of a hook that was run to see what it does.
    #[error("the {hook} hook: {outcome}")]
    HookTest { hook: &'static str, outcome: String },
    /// Every component is missing: each warning says why.
    #[error("nothing of `{instance}` could be read")]
    NothingRead {
        instance: String,
        warnings: Vec<Warning>,
    },
    /// `path`: a folder, or a destination's name.
    #[error("needs {needed} bytes in `{path}`, {free} are free")]
    NoSpace {
        path: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error("`{path}` is not empty")]
    NotEmpty { path: PathBuf },
    #[error("execution `{execution}` has no archive")]
    NoArchive { execution: String },
    #[error("`{}` has no archive's name", path.display())]
    NoArchiveName { path: PathBuf },
    #[error("`{archive}` is gone from its destination")]
    ArchiveGone { archive: String },
    #[error("`{archive}` is not in the catalogue")]
    NotInCatalogue { archive: String },
    #[error("something reads `{archive}`")]
    ArchiveInUse { archive: String },
    #[error("`{archive}` is not the file that was recorded")]
    ArchiveChanged { archive: String },
    #[error("`{archive}` is pinned")]
    Pinned { archive: String },
    #[error("the bytes of `{archive}` are not the ones that were written")]
    DigestDiffers { archive: String },
    #[error("`{path}`")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// Refused until confirmed: exit 4.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// What should not be: a broken promise between parts of the program, or a record of its own that cannot be read.
    #[error("{0}")]
    State(String),
}

/// What a schedule misses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unscheduled {
    #[error("its instance is gone")]
    NoInstance,
    /// By their names, where they have one still.
    #[error("its destinations are gone or disabled: {0:?}")]
    NoDestination(Vec<String>),
    #[error("some of its destinations are gone or disabled: {0:?}")]
    SomeDestinations(Vec<String>),
    /// To be verified or drilled.
    #[error("there is no archive at {0}")]
    NoArchive(String),
    /// What was found in the archives.
    #[error("{0}")]
    BadArchive(String),
}

/// Why a verb would not act. Each has its own way to go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("confirmation is `{given}`, expected `{expected}`")]
    Confirm { given: String, expected: String },
    /// Of the last good archive of an instance.
    #[error(
        "confirmation is `{given}`, expected `{expected}`; `{instance}` has no other good archive"
    )]
    ConfirmLast {
        given: String,
        expected: String,
        instance: String,
    },
    #[error("nobody signed the archive")]
    Unsigned,
    #[error("signed by the unknown key {key_id}")]
    UnknownSigner { key_id: String },
    #[error("it is not what it claims: {0:?}")]
    Claim(Vec<String>),
}

impl Error {
    /// Message and hint, snapshot-tested in one table.
    #[must_use]
    pub fn problem(&self) -> Problem {
        sentences::problem(self)
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_)
            | Self::Capture(CaptureError::Cancelled(_))
            | Self::Walk(WalkError::Cancelled(_))
            | Self::Pack(PackError::Cancelled(_))
            | Self::Open(OpenError::Cancelled(_))
            | Self::BeforeHook {
                cause: HookError::Cancelled(_),
            } => true,
            Self::Restore(cause) => cause.is_cancelled(),
            Self::Destination { cause, .. } => cause.kind == ErrorKind::Cancelled,
            _ => false,
        }
    }

    /// Whether whatever else is asked of that destination now would fail in the same way.
    pub(super) fn is_of_the_whole_place(&self) -> bool {
        matches!(self, Self::Destination { cause, .. } if matches!(
            cause.kind,
            ErrorKind::Authentication
                | ErrorKind::Trust
                | ErrorKind::Unreachable
                | ErrorKind::Timeout
                | ErrorKind::Throttled
                | ErrorKind::Config
        ))
    }

    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Destination { cause, .. } if cause.kind == ErrorKind::Forbidden)
    }

    /// Whether the same act could go on with a passphrase (`Act`).
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        matches!(self, Self::Open(OpenError::NoPassphrase))
    }

    /// The exit status of the command line's contract. 2: what was typed is wrong in itself, whatever the machine and the store hold.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused(_) => 4,
            Self::BadValue { .. }
            | Self::NoSuchSetting { .. }
            | Self::BadDestination { .. }
            | Self::Schedule(_)
            | Self::Policy(_)
            | Self::Scan(ScanError::Glob { .. }) => 2,
            error if error.is_cancelled() => 130,
            _ => 1,
        }
    }
}

impl From<OpenError> for Error {
    /// Where the place failed that the archive lies at, that is what failed.
    fn from(error: OpenError) -> Self {
        let cause = match error {
            OpenError::Read(cause) => cause,
            error => return Self::Open(error),
        };
        match AtPlace::of_read(cause) {
            Ok(AtPlace { cause, .. }) if cause.kind == ErrorKind::Cancelled => {
                Self::Cancelled(Cancelled)
            }
            Ok(AtPlace { name, cause }) => Self::Destination { name, cause },
            Err(cause) => Self::Open(OpenError::Read(cause)),
        }
    }
}

/// For `map_err`: an I/O error and the path it happened at.
pub(crate) fn at(path: &Path, cause: io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        cause,
    }
}

/// Work that was cancelled ends in whatever error it was in the middle of; the cancellation is the truth.
pub(crate) fn was_cancelled(error: Error, cancel: &Cancel) -> Error {
    if cancel.is_cancelled() {
        Error::Cancelled(Cancelled)
    } else {
        error
    }
}
