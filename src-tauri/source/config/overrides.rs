//! The active rows of the TACACS+ server's overrides database. A live one is only read under the library's own locks, or from a private
//! copy; nothing is ever written beside it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::source::files::rules::with_suffix;
use crate::source::guard;

/// A setting that somebody changed in the running server, as the server would write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    pub section: String,
    /// Lower case.
    pub key: String,
    pub value: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OverridesError {
    #[error("`{path}`: {cause}")]
    Sqlite {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
    #[error("`{path}`: {cause}")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{0}` changed each time while it was copied")]
    Moving(PathBuf),
}

/// Larger ones are not copied to look at three rows.
const MAX_COPY: u64 = 256 * 1024 * 1024;
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Of a private copy.
pub(crate) fn from_copy(path: &Path) -> Result<Vec<Override>, OverridesError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    read(path, flags).map_err(|cause| OverridesError::Sqlite {
        path: path.to_path_buf(),
        cause,
    })
}

/// Of a database that its server may be writing to. None where it is not there.
pub(crate) fn from_live(path: &Path) -> Result<Option<Vec<Override>>, OverridesError> {
    let failed = |cause| OverridesError::Io {
        path: path.to_path_buf(),
        cause,
    };
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    if leaves_no_trace(&path) {
        let _hold = guard::hold(&path).map_err(failed)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if let Ok(rows) = read(&path, flags) {
            return Ok(Some(rows));
        }
        // A journal that waits to be rolled back, or a folder that may not be written: the copy can be.
    }
    from_private_copy(&path).map(Some)
}

/// A read-only connection to a WAL database that nobody has open would make `-wal` and `-shm` and leave them there.
fn leaves_no_trace(path: &Path) -> bool {
    let mut header = [0; 20];
    match guard::open_plain(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => {
            let rollback = header[18] != 2;
            rollback
                || ["-wal", "-shm"]
                    .iter()
                    .all(|end| with_suffix(path, end).exists())
        }
        // A connection of this process has it open: one more changes nothing.
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

fn from_private_copy(path: &Path) -> Result<Vec<Override>, OverridesError> {
    let failed = |cause| OverridesError::Io {
        path: path.to_path_buf(),
        cause,
    };
    for _ in 0..5 {
        let scratch = tempfile::tempdir().map_err(failed)?;
        let before = state(path).map_err(failed)?;
        if before.iter().flatten().any(|found| found.size > MAX_COPY) {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let copy = scratch.path().join("overrides.db");
        for (end, found) in PARTS.iter().zip(&before) {
            if found.is_some() {
                let mut from = guard::open_plain(&with_suffix(path, end)).map_err(failed)?;
                let mut to = File::create(with_suffix(&copy, end)).map_err(failed)?;
                io::copy(&mut from, &mut to).map_err(failed)?;
            }
        }
        if state(path).map_err(failed)? == before {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            return read(&copy, flags).map_err(|cause| OverridesError::Sqlite {
                path: path.to_path_buf(),
                cause,
            });
        }
    }
    Err(OverridesError::Moving(path.to_path_buf()))
}

const PARTS: [&str; 3] = ["", "-wal", "-journal"];

/// What changes when somebody writes.
#[derive(PartialEq, Eq)]
struct State {
    size: u64,
    inode: u64,
    modified: (i64, i64),
}

fn state(path: &Path) -> io::Result<Vec<Option<State>>> {
    let of = |found: &Metadata| State {
        size: found.size(),
        inode: found.ino(),
        modified: (found.mtime(), found.mtime_nsec()),
    };
    let part = |end: &&str| match fs::symlink_metadata(with_suffix(path, end)) {
        Ok(found) => Ok(Some(of(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    PARTS.iter().map(part).collect()
}

fn read(path: &Path, flags: OpenFlags) -> rusqlite::Result<Vec<Override>> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'config_overrides'";
    if connection.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Vec::new());
    }
    // The limits are against rows that nobody meant as a setting.
    let sql = "SELECT CAST(section AS TEXT), CAST(key AS TEXT), CAST(value AS TEXT), CAST(value_type AS TEXT) FROM config_overrides
        WHERE active = 1 AND length(value) <= 65536 ORDER BY id LIMIT 10000";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let kind: Option<String> = row.get(3)?;
        Ok(Override {
            section: row.get::<_, String>(0)?.trim().to_owned(),
            key: row.get::<_, String>(1)?.trim().to_lowercase(),
            value: decoded(row.get(2)?, kind.as_deref()),
        })
    })?;
    rows.collect()
}

/// The server keeps switches as 0 and 1, and what is neither text nor number as JSON.
fn decoded(value: String, kind: Option<&str>) -> String {
    match kind {
        Some("string" | "str" | "integer" | "int") => value,
        Some("boolean" | "bool") => {
            let on = matches!(value.as_str(), "1" | "true" | "True" | "yes");
            on.to_string()
        }
        _ => match serde_json::from_str::<serde_json::Value>(&value) {
            Ok(serde_json::Value::String(text)) => text,
            _ => value,
        },
    }
}
