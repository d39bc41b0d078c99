//! What can go wrong at a place, by kind: a person and a retry decide by the kind, the detail holds the fact. It makes no sentences.

use std::io;

use rustix::io::Errno;

#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct DestinationError {
    pub kind: ErrorKind,
    /// The fact: what was asked and what came back. No secret.
    pub detail: String,
    #[source]
    pub cause: Option<io::Error>,
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
        }
    }

    /// A failure of the file system, with the kind that its number means.
    pub fn io(detail: impl Into<String>, cause: impl Into<io::Error>) -> Self {
        let cause = cause.into();
        Self {
            kind: kind_of(&cause),
            detail: detail.into(),
            cause: Some(cause),
        }
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
            | Errno::NXIO,
        ) => ErrorKind::Unreachable,
        Some(Errno::NAMETOOLONG) => ErrorKind::Config,
        _ if cause.kind() == io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
        _ => ErrorKind::Protocol,
    }
}
