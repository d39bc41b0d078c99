//! Makes a database of Holdfast's own with the right mode, opens the connection and sets it up. It knows no table.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::migrations::{self, Schema};
use super::{Result, StoreError};

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens or makes it (0600, its folder 0700), migrates, refuses a newer one. WAL.
pub(crate) fn connect(data_dir: &Path, schema: &Schema) -> Result<Connection> {
    let path = data_dir.join(schema.file_name);
    make(data_dir, &path).map_err(|cause| StoreError::Io {
        path: path.clone(),
        cause,
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // SQLite refuses a link in any part of a path under NOFOLLOW; only the file itself must be none.
    let real = fs::canonicalize(data_dir).map_err(|cause| StoreError::Io {
        path: data_dir.to_owned(),
        cause,
    })?;
    let mut connection = Connection::open_with_flags(real.join(schema.file_name), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Looked at before anything is written, so that a newer store stays as it is.
    migrations::refuse_newer(&connection, schema)?;
    let journal_mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if journal_mode != "wal" {
        return Err(StoreError::NoWal { journal_mode });
    }
    // What was recorded must outlive a power cut; the store writes rarely.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    migrations::migrate(&mut connection, schema)?;
    Ok(connection)
}

/// For a store whose file system is mounted read-only, where nobody can change it: SQLite cannot make the side files there that a WAL
/// store needs. What sits in a `-wal` is had by way of a private copy, which lives as long as the connection's other half.
pub(crate) fn connect_for_reading(
    data_dir: &Path,
    schema: &Schema,
) -> Result<(Connection, Option<TempDir>)> {
    let file_name = schema.file_name;
    let path = data_dir.join(file_name);
    let wal = data_dir.join(format!("{file_name}-wal"));
    let io = |path: &Path| {
        let path = path.to_owned();
        move |cause| StoreError::Io { path, cause }
    };
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let (connection, copy) = if fs::symlink_metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        let dir = tempfile::Builder::new()
            .prefix("holdfast-store-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(io(&std::env::temp_dir()))?;
        // SQLite refuses a link in any part of a path under NOFOLLOW.
        let real = fs::canonicalize(dir.path()).map_err(io(dir.path()))?;
        for file in [&path, &wal] {
            fs::copy(file, real.join(file.file_name().unwrap_or_default())).map_err(io(file))?;
        }
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(real.join(file_name), flags)?;
        (connection, Some(dir))
    } else {
        let real = fs::canonicalize(data_dir).map_err(io(data_dir))?;
        let uri = immutable(&real.join(file_name));
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        (Connection::open_with_flags(uri, flags)?, None)
    };
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    migrations::require_current(&connection, schema)?;
    Ok((connection, copy))
}

fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// SQLite gives `-wal` and `-shm` the mode of the database, so only this one file has to be right.
///
/// An existing file is never opened here: closing a plain descriptor would drop the locks that a connection of this process holds on it.
/// A new one is finished under another name first, for the same reason.
fn make(data_dir: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)?;
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a regular file")),
        Ok(found) if found.mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => create(data_dir, path),
        Err(e) => Err(e),
    }
}

fn create(data_dir: &Path, path: &Path) -> io::Result<()> {
    let empty = tempfile::Builder::new()
        .prefix(".store-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(data_dir)?
        .into_temp_path();
    match empty.persist_noclobber(path) {
        // Another process made it in between.
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|e| e.error),
    }
}
