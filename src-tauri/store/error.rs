//! Why the store could not be used. SQLite's codes that a person can do something about have variants of their own.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be used")]
    Sqlite(#[source] rusqlite::Error),
    /// It is damaged, or another file lies in its place.
    #[error("the store is damaged or is no database")]
    Corrupt(#[source] rusqlite::Error),
    #[error("the store cannot be written")]
    ReadOnly(#[source] rusqlite::Error),
    #[error("no space for the store")]
    NoSpace(#[source] rusqlite::Error),
    /// Another process wrote for longer than was waited.
    #[error("the store is busy")]
    Busy(#[source] rusqlite::Error),
    #[error("`{path}` cannot be used")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The file system cannot carry a store that several processes use (a network share, mostly).
    #[error("the store cannot use a write-ahead log here: it got `{journal_mode}`")]
    NoWal { journal_mode: String },
    #[error("the store is of version {found}, this program knows {known}")]
    Newer { found: i32, known: i32 },
    /// Only where it cannot be migrated, because it is opened for reading alone.
    #[error(
        "the store is of version {found}, and cannot be brought to version {known} without being written"
    )]
    Older { found: i32, known: i32 },
    #[error("`{0}` is taken")]
    Taken(String),
    /// What was to be changed is not there.
    #[error("`{table}` has no `{key}`")]
    Unknown { table: &'static str, key: String },
    #[error("`{0}` is a secret and does not belong into the store")]
    Secret(String),
    #[error("a row of `{table}` cannot be read: {reason}")]
    Row { table: &'static str, reason: String },
}

impl From<rusqlite::Error> for StoreError {
    fn from(cause: rusqlite::Error) -> Self {
        // The index of a log is made at its full size, so that this is the first to be refused on a full disk.
        if let rusqlite::Error::SqliteFailure(code, _) = &cause
            && code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
        {
            return Self::NoSpace(cause);
        }
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(cause),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly(cause)
            }
            Some(ErrorCode::DiskFull) => Self::NoSpace(cause),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(cause),
            _ => Self::Sqlite(cause),
        }
    }
}

/// A violated uniqueness becomes `Taken(what)`; everything else stays what it is.
pub(crate) fn or_taken(cause: rusqlite::Error, what: &str) -> StoreError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Taken(what.to_owned()),
        _ => cause.into(),
    }
}

pub(crate) fn unreadable(table: &'static str, reason: impl Into<String>) -> StoreError {
    StoreError::Row {
        table,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// SQLite's own refusals, made without a disk that is really full.
    #[test]
    fn a_full_and_a_read_only_disk_are_told_apart() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let fill = "INSERT INTO t VALUES (zeroblob(100000))";
        connection
            .execute_batch("PRAGMA max_page_count = 3")
            .unwrap();
        let no_space = connection.execute(fill, []).unwrap_err();
        assert!(matches!(StoreError::from(no_space), StoreError::NoSpace(_)));
        connection.execute_batch("PRAGMA query_only = 1").unwrap();
        let read_only = connection.execute(fill, []).unwrap_err();
        assert!(matches!(
            StoreError::from(read_only),
            StoreError::ReadOnly(_)
        ));
    }
}
