//! Why a database, or a whole group, could not be captured or examined.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error("`{0}` is not there")]
    Missing(PathBuf),
    #[error("`{0}` cannot be read")]
    Forbidden(PathBuf),
    #[error("`{0}` is not a regular file")]
    NotAFile(PathBuf),
    #[error("`{path}` was locked for {waited:?}")]
    Busy { path: PathBuf, waited: Duration },
    /// Rollback mode, `WhenBusy::Fail`.
    #[error("copying `{path}` would hold its writers back for longer than {bound:?}")]
    Blocking { path: PathBuf, bound: Duration },
    #[error("copying `{path}` did not end within {waited:?}")]
    Unfinished { path: PathBuf, waited: Duration },
    /// While it is read a `-wal` cannot start anew; it was about to fill the disk.
    #[error("the -wal of `{path}` grew by {grown} bytes while it was copied, {free} are left")]
    WalGrew {
        path: PathBuf,
        grown: u64,
        free: u64,
    },
    /// The scratch folder.
    #[error("no space in `{0}`")]
    NoSpace(PathBuf),
    #[error("`{path}` changed too often while it was copied")]
    Moving { path: PathBuf },
    #[error("`{path}` cannot be used")]
    Sqlite {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
    #[error("`{path}` cannot be used")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}

impl CaptureError {
    pub(super) fn sqlite(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        Self::Sqlite { path, cause }
    }

    /// Of reading a source.
    pub(super) fn reading(path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::PermissionDenied => Self::Forbidden(path),
            io::ErrorKind::InvalidInput => Self::NotAFile(path),
            _ => Self::Io { path, cause },
        }
    }

    /// Of writing into the scratch folder.
    pub(super) fn writing(dir: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace(dir.to_owned())
            }
            _ => Self::Io {
                path: dir.to_owned(),
                cause,
            },
        }
    }

    /// The same facts again: for a second name of the same file.
    pub(super) fn same(&self) -> Self {
        match self {
            Self::Missing(path) => Self::Missing(path.clone()),
            Self::Forbidden(path) => Self::Forbidden(path.clone()),
            Self::NotAFile(path) => Self::NotAFile(path.clone()),
            Self::NoSpace(path) => Self::NoSpace(path.clone()),
            Self::Cancelled(cancelled) => Self::Cancelled(*cancelled),
            Self::Busy { path, waited } => Self::Busy {
                path: path.clone(),
                waited: *waited,
            },
            Self::Blocking { path, bound } => Self::Blocking {
                path: path.clone(),
                bound: *bound,
            },
            Self::Unfinished { path, waited } => Self::Unfinished {
                path: path.clone(),
                waited: *waited,
            },
            Self::WalGrew { path, grown, free } => Self::WalGrew {
                path: path.clone(),
                grown: *grown,
                free: *free,
            },
            Self::Moving { path } => Self::Moving { path: path.clone() },
            Self::Sqlite { path, cause } => match cause.sqlite_error() {
                Some(error) => Self::Sqlite {
                    path: path.clone(),
                    cause: rusqlite::Error::SqliteFailure(*error, Some(cause.to_string())),
                },
                None => Self::Io {
                    path: path.clone(),
                    cause: io::Error::other(cause.to_string()),
                },
            },
            Self::Io { path, cause } => Self::Io {
                path: path.clone(),
                cause: io::Error::new(cause.kind(), cause.to_string()),
            },
        }
    }

    /// Whether it is the group's and not one database's: nothing that follows could succeed.
    pub(super) fn ends_the_group(&self) -> bool {
        matches!(self, Self::NoSpace(_) | Self::Cancelled(_))
    }
}
