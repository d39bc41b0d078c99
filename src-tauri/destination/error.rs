//! What can go wrong at a place, by kind: a person and a retry decide by the kind, the detail holds the fact. It makes no sentences.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use super::Key;

#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct DestinationError {
    pub kind: ErrorKind,
    /// The fact: what was asked and what came back. No secret.
    pub detail: String,
    #[source]
    pub cause: Option<io::Error>,
    /// Of `Trust`: the fingerprint that was presented, as a setting takes it, for a person to compare and trust.
    pub presented: Option<String>,
    /// Of any kind: when the place wants to be asked again, if it says so.
    pub retry_after: Option<Duration>,
    pub ends: Ends,
}

/// How a failure ends whose kind may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    #[default]
    ByItself,
    /// Somebody has to do something first: asking again a little later is in vain.
    ByAHand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ErrorKind {
    #[error("authentication")]
    Authentication,
    #[error("trust")]
    Trust,
    #[error("unreachable")]
    Unreachable,
    #[error("timeout")]
    Timeout,
    #[error("space")]
    Space,
    #[error("missing")]
    Missing,
    #[error("exists")]
    Exists,
    #[error("forbidden")]
    Forbidden,
    #[error("throttled")]
    Throttled,
    #[error("truncated")]
    Truncated,
    #[error("protocol")]
    Protocol,
    #[error("config")]
    Config,
    #[error("cancelled")]
    Cancelled,
}

impl DestinationError {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            cause: None,
            presented: None,
            retry_after: None,
            ends: Ends::ByItself,
        }
    }

    pub(super) fn no_archive(key: &Key) -> Self {
        Self::new(ErrorKind::Missing, format!("no archive `{}`", key.as_str()))
    }

    /// `name`: as the place shows it.
    pub(super) fn taken(name: &str) -> Self {
        Self::new(ErrorKind::Exists, format!("`{name}` is there already"))
    }

    /// The same where bytes were cut before anybody could read them: `Truncated` says there that the archive has no such part.
    #[must_use]
    pub(super) fn before_a_read(self) -> Self {
        match self.kind {
            ErrorKind::Truncated => Self {
                kind: ErrorKind::Unreachable,
                ..self
            },
            _ => self,
        }
    }

    /// The place is reached, or its disk could be, and the folder that archives are kept in is not there.
    pub(super) fn without_base(detail: impl Into<String>) -> Self {
        Self {
            ends: Ends::ByAHand,
            ..Self::new(ErrorKind::Unreachable, detail)
        }
    }

    /// Whether the same call may succeed a little later, with nothing changed by anybody.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.kind.may_pass() && self.ends == Ends::ByItself
    }

    /// With what led to it.
    pub fn because(kind: ErrorKind, detail: impl Into<String>, cause: io::Error) -> Self {
        Self {
            cause: Some(cause),
            ..Self::new(kind, detail)
        }
    }

    /// What a failed read of an archive carries.
    #[must_use]
    pub fn of_read(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// A reader that failed: what it carries, or what its number means.
    pub fn from_read(detail: impl Into<String>, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(told) => told,
            Err(error) => Self::io(detail, error),
        }
    }

    /// A failure of the file system, with the kind that its number means.
    pub fn io(detail: impl Into<String>, cause: impl Into<io::Error>) -> Self {
        let cause = cause.into();
        Self::because(kind_of(&cause), detail, cause)
    }
}

impl ErrorKind {
    /// Whether an error of this kind may be gone a little later. What has arrived by then may stay.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Timeout | Self::Throttled | Self::Truncated
        )
    }
}

/// A failure in the middle of a reader.
impl From<DestinationError> for io::Error {
    fn from(error: DestinationError) -> Self {
        let kind = match error.kind {
            ErrorKind::Missing => io::ErrorKind::NotFound,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::Forbidden => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

fn kind_of(cause: &io::Error) -> ErrorKind {
    match Errno::from_io_error(cause) {
        Some(Errno::NOENT) => ErrorKind::Missing,
        Some(Errno::EXIST | Errno::NOTEMPTY) => ErrorKind::Exists,
        // FBIG: the file system keeps no file of this size.
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => ErrorKind::Space,
        // LOOP and NOTDIR: a link or a file stands where a folder has to be.
        Some(
            Errno::ACCESS
            | Errno::PERM
            | Errno::ROFS
            | Errno::LOOP
            | Errno::NOTDIR
            | Errno::ISDIR
            | Errno::TXTBSY,
        ) => ErrorKind::Forbidden,
        Some(Errno::TIMEDOUT) => ErrorKind::Timeout,
        // A share or a disk that went away.
        Some(
            Errno::STALE
            | Errno::NOTCONN
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::CONNREFUSED
            | Errno::NODEV
            | Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::PIPE
            | Errno::NETDOWN
            | Errno::ADDRNOTAVAIL
            | Errno::NXIO,
        ) => ErrorKind::Unreachable,
        Some(Errno::NAMETOOLONG) => ErrorKind::Config,
        _ if cause.kind() == io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
        _ => ErrorKind::Protocol,
    }
}
