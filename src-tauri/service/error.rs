//! Every way in which a verb can fail, and the one place where failures become sentences for people.

use std::path::PathBuf;

use crate::archive::{OpenError, PackError};
use crate::destination::DestinationError;
use crate::keys::KeyError;
use crate::keys::kit::KitError;
use crate::model::{Cancelled, Problem};
use crate::source::database::CaptureError;
use crate::source::discover::ScanError;
use crate::store::StoreError;

/// Facts in the variants; `problem()` makes the words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("destination `{name}`")]
    Destination {
        name: String,
        #[source]
        cause: DestinationError,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
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
    #[error("not set up yet")]
    NotInitialised,
    /// Who holds the instance.
    #[error("instance `{instance}` is busy: {holder}")]
    Busy { instance: String, holder: String },
    #[error("needs {needed} bytes in `{path}`, {free} are free")]
    NoSpace {
        path: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error("`{path}`")]
    Io {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// Refused until confirmed: exit 4.
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("{0}")]
    State(String),
}

/// Why a verb would not act. Each has its own way to go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("confirmation is `{given}`, expected `{expected}`")]
    Confirm { given: String, expected: String },
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
        todo!()
    }

    /// The exit status of the command line's contract.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused(_) => 4,
            Self::Cancelled(_) | Self::Capture(CaptureError::Cancelled(_)) => 130,
            Self::BadValue { .. } => 2,
            _ => 1,
        }
    }
}
