//! How databases are opened here: live ones to be written, copies without any lock.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::RestoreError;
use crate::source::files::rules::with_suffix;
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

/// Not created, not read-only by accident, never a URI.
pub(super) fn open_live(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let live = Connection::open_with_flags(path, flags).map_err(|cause| {
        match cause.sqlite_error_code() {
            Some(ErrorCode::CannotOpen) => RestoreError::NotWritable(path.to_path_buf()),
            _ => RestoreError::sqlite(path)(cause),
        }
    })?;
    // SQLite falls back to reading where it may not write.
    if live
        .is_readonly("main")
        .map_err(RestoreError::sqlite(path))?
    {
        return Err(RestoreError::NotWritable(path.to_path_buf()));
    }
    Ok(live)
}

/// Reads a live database. A reader of a cleanly closed WAL database makes side files and leaves them: who may write takes them away
/// again, by being the last to close it. They are never unlinked.
pub(super) fn without_traces<T>(live: &Path, read: impl FnOnce() -> T) -> T {
    let log = with_suffix(live, "-wal");
    let was_there = log.symlink_metadata().is_ok();
    let answer = read();
    if !was_there && log.symlink_metadata().is_ok() {
        // Where that fails they are harmless.
        if let Ok(_hold) = guard::hold(live)
            && let Ok(db) = open_live(live)
        {
            let _ = read_once(&db);
        }
    }
    answer
}

/// A private copy: no lock, no side files.
pub(super) fn open_copy(path: &Path) -> Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            other => {
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).map_err(RestoreError::sqlite(path))
}

pub(super) fn journal_mode(db: &Connection) -> rusqlite::Result<String> {
    // The pragma alone answers before the file was looked at.
    read_once(db)?;
    db.query_row("PRAGMA journal_mode", [], |r| r.get(0))
}

pub(super) fn read_once(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
}

pub(super) fn is_busy(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
