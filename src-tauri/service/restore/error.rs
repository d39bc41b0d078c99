//! Why a restore did not happen, or could not be taken back. Sentences for people are made elsewhere.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{Cancel, Cancelled};
use crate::source::files::WalkError;

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("`{path}`")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the database `{path}` cannot be used")]
    Sqlite {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
    /// A reader or an exclusive owner did not let go.
    #[error("the database `{path}` was in use for {waited:?}")]
    InUse { path: PathBuf, waited: Duration },
    #[error("`{0}` may not be written")]
    NotWritable(PathBuf),
    #[error("no space for `{0}`")]
    NoSpace(PathBuf),
    /// Needs that nobody has it open: its rows have no stable numbers, so that it cannot be rebuilt with the other page size.
    #[error("the database `{path}` has pages of {live} bytes, the archive of {archive}")]
    PageSize {
        path: PathBuf,
        live: u32,
        archive: u32,
    },
    /// Another file took the place of each while it was restored.
    #[error("replaced meanwhile: {0:?}")]
    Replaced(Vec<PathBuf>),
    /// Two names of one file, both to be filled through `SQLite`: the second would wait for the first.
    #[error("`{one}` and `{other}` are one file")]
    SameFile { one: PathBuf, other: PathBuf },
    /// What a dead process left cannot be ended. Everything needed for it is in the folder.
    #[error("the restore in `{folder}` cannot be taken back")]
    Unfinished {
        folder: PathBuf,
        #[source]
        cause: Box<RestoreError>,
    },
    #[error("`{source_path}` cannot be restored to: {reason}")]
    Target {
        source_path: String,
        reason: &'static str,
    },
    #[error("`{path}` holds other bytes than expected")]
    Content { path: PathBuf },
    /// What was applied does not hold.
    #[error("the restored `{path}` fails its check: {finding}")]
    Check { path: PathBuf, finding: String },
    /// Neither an archive's index nor a pre-image's record.
    #[error("`{path}` cannot be read as a record: {reason}")]
    Record { path: PathBuf, reason: String },
    #[error("the archive has no component `{0}`")]
    NoComponent(String),
    #[error("the component `{component}` is {status} in the archive")]
    Unusable {
        component: String,
        status: &'static str,
    },
    #[error("the {which} hook failed: {outcome}")]
    Hook {
        which: &'static str,
        outcome: String,
    },
    /// It failed, and the service that was stopped for it does not start again.
    #[error("the start hook failed after the restore had failed: {outcome}")]
    NotStarted {
        #[source]
        first: Box<RestoreError>,
        outcome: String,
    },
    #[error("`{execution}` cannot be undone: {reason}")]
    NotUndoable {
        execution: String,
        reason: &'static str,
    },
    /// The journal stays, the next start tries again.
    #[error("taking back the restore failed; it failed first because of: {first}")]
    RollbackFailed {
        first: Box<RestoreError>,
        #[source]
        cause: Box<RestoreError>,
    },
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl RestoreError {
    /// The way back is not finished: what it needs must stay.
    pub(super) fn is_half_done(&self) -> bool {
        match self {
            Self::RollbackFailed { .. } => true,
            Self::NotStarted { first, .. } => first.is_half_done(),
            _ => false,
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_) | Self::Walk(WalkError::Cancelled(_)) => true,
            Self::NotStarted { first, .. } => first.is_cancelled(),
            _ => false,
        }
    }

    /// What was cancelled ends in whatever error it was in the middle of.
    pub(super) fn or_cancelled(self, cancel: &Cancel) -> Self {
        if cancel.is_cancelled() && !self.is_half_done() {
            Self::Cancelled(Cancelled)
        } else {
            self
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |cause| {
            if cause.kind() == io::ErrorKind::StorageFull {
                Self::NoSpace(path.to_path_buf())
            } else {
                Self::Io {
                    path: path.to_path_buf(),
                    cause,
                }
            }
        }
    }

    pub(super) fn errno(path: &Path) -> impl FnOnce(rustix::io::Errno) -> Self + '_ {
        move |cause| Self::io(path)(cause.into())
    }

    pub(super) fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self + '_ {
        move |cause| match cause.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::NoSpace(path.to_path_buf()),
            _ => Self::Sqlite {
                path: path.to_path_buf(),
                cause,
            },
        }
    }
}
