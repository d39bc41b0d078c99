//! What a private copy holds: whether it is whole, how many rows, what schema. It reads the copy alone and changes nothing; what damage
//! means for a run is decided elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::CaptureError;
use super::fault::Fault;
use super::header::{HEADER_BYTES, Header, Mode};
use crate::model::manifest::{CheckResult, DatabaseFacts};
use crate::model::{Cancel, Cancelled, CheckLevel, Warning};

/// Mapped pages count as memory, so a whole database must not be mapped. Measured with 1.1 GB: all of it mapped 1.5 s of CPU for a quick
/// check, 32 MiB of it 1.7 s, nothing 2.0 s.
const MAP: &str = "PRAGMA mmap_size=33554432";

/// So many lines of a check are told.
const TOLD: usize = 3;
/// How long a cancelled check may go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) fn examine(
    copy: &Path,
    level: CheckLevel,
    cancel: &Cancel,
) -> Result<(DatabaseFacts, Vec<Warning>), CaptureError> {
    cancel.check()?;
    let header = header(copy).map_err(|cause| CaptureError::reading(copy, cause))?;
    let connection = open(copy).map_err(|cause| CaptureError::sqlite(copy, cause))?;
    interruptible(&connection, cancel, || {
        Examination {
            connection: &connection,
            warnings: Vec::new(),
        }
        .run(header, level)
    })
    .map_err(|cause| match Fault::of(&cause) {
        Fault::Interrupted => CaptureError::Cancelled(Cancelled),
        _ => CaptureError::sqlite(copy, cause),
    })
}

struct Examination<'a> {
    connection: &'a Connection,
    warnings: Vec<Warning>,
}

/// What SQLite answered where the answer may be that it cannot tell.
enum Answer<T> {
    Told(T),
    /// It needs something of the application's.
    NotTold(rusqlite::Error),
    Damaged(rusqlite::Error),
}

impl Examination<'_> {
    fn run(
        mut self,
        header: Option<Header>,
        level: CheckLevel,
    ) -> rusqlite::Result<(DatabaseFacts, Vec<Warning>)> {
        let tables = self.tables()?;
        let check = self.check(level, tables.keys())?;
        if check != CheckResult::Damaged {
            self.check_foreign_keys()?;
        }
        let facts = DatabaseFacts {
            records: tables.values().flatten().sum(),
            tables,
            check,
            schema_sha256: self.schema_sha256()?,
            user_version: header.as_ref().map_or(0, |h| h.user_version),
            application_id: header.as_ref().map_or(0, |h| h.application_id),
            page_size: header.as_ref().map_or(0, |h| h.page_size),
            encoding: header.map_or("", |h| h.encoding).to_owned(),
            journal_mode: String::new(),
            writer_blocked_ms: 0,
        };
        Ok((facts, self.warnings))
    }

    fn check<'n>(
        &mut self,
        level: CheckLevel,
        tables: impl Iterator<Item = &'n String>,
    ) -> rusqlite::Result<CheckResult> {
        let pragma = match level {
            CheckLevel::Quick => "quick_check",
            CheckLevel::Full => "integrity_check",
        };
        let reason = match self.lines(&format!("PRAGMA {pragma}"))? {
            Answer::Told(lines) => return Ok(self.judge(&lines)),
            Answer::Damaged(cause) => return Ok(self.judge(&[cause.to_string()])),
            Answer::NotTold(cause) => cause,
        };
        // One table that cannot be checked must not hide the damage of the others.
        for table in tables {
            let lines = match self.lines(&format!("PRAGMA quick_check({})", quoted(table)))? {
                Answer::Told(lines) => lines,
                Answer::Damaged(cause) => vec![cause.to_string()],
                Answer::NotTold(_) => continue,
            };
            if self.judge(&lines) == CheckResult::Damaged {
                return Ok(CheckResult::Damaged);
            }
        }
        self.warn(
            "not_checkable",
            format!("{pragma} needs something of the application's: {reason}"),
        );
        Ok(CheckResult::NotCheckable)
    }

    fn judge(&mut self, lines: &[String]) -> CheckResult {
        if lines == ["ok"] {
            return CheckResult::Ok;
        }
        let told = lines.iter().take(TOLD).cloned().collect::<Vec<_>>();
        self.warn("damaged", format!("damaged: {}", told.join("; ")));
        CheckResult::Damaged
    }

    /// A violation is the application's business: the database is whole.
    fn check_foreign_keys(&mut self) -> rusqlite::Result<()> {
        let mut violations = 0_u64;
        let mut first = String::new();
        let found = self.rows("PRAGMA foreign_key_check", |row| {
            if violations == 0 {
                first = text(row.get_ref(0)?);
            }
            violations += 1;
            Ok(())
        })?;
        match found {
            Answer::Told(()) if violations == 0 => {}
            Answer::Told(()) => self.warn(
                "foreign_keys",
                format!(
                    "{violations} rows point to rows that are not there, the first in `{first}`"
                ),
            ),
            Answer::NotTold(cause) | Answer::Damaged(cause) => self.warn(
                "foreign_keys_not_checkable",
                format!("foreign keys cannot be checked: {cause}"),
            ),
        }
        Ok(())
    }

    /// Rows by table. None where a table cannot be counted: its module is the application's, or its pages are damaged.
    fn tables(&self) -> rusqlite::Result<BTreeMap<String, Option<u64>>> {
        let mut tables = BTreeMap::new();
        // Where the schema cannot be read the check says so.
        self.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table'",
            |row| {
                tables.insert(text(row.get_ref(0)?), None);
                Ok(())
            },
        )?;
        for (table, rows) in &mut tables {
            let mut count = None;
            let sql = format!("SELECT count(*) FROM main.{}", quoted(table));
            if let Answer::Told(()) = self.rows(&sql, |row| {
                count = u64::try_from(row.get::<_, i64>(0)?).ok();
                Ok(())
            })? {
                *rows = count;
            }
        }
        Ok(tables)
    }

    /// Of type, name, table and text of every object, in the order of type and name.
    fn schema_sha256(&self) -> rusqlite::Result<String> {
        let mut digest = Sha256::new();
        let sql =
            "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name";
        self.rows(sql, |row| {
            for column in 0..4 {
                match row.get_ref(column)? {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                        digest.update((bytes.len() as u64).to_le_bytes());
                        digest.update(bytes);
                    }
                    _ => digest.update(u64::MAX.to_le_bytes()),
                }
            }
            Ok(())
        })?;
        Ok(hex::encode(digest.finalize()))
    }

    fn lines(&self, sql: &str) -> rusqlite::Result<Answer<Vec<String>>> {
        let mut lines = Vec::new();
        let answer = self.rows(sql, |row| {
            lines.push(text(row.get_ref(0)?));
            Ok(())
        })?;
        Ok(match answer {
            Answer::Told(()) => Answer::Told(lines),
            Answer::NotTold(cause) => Answer::NotTold(cause),
            Answer::Damaged(cause) => Answer::Damaged(cause),
        })
    }

    /// Errors that say nothing of the copy (interrupted, no memory, the disk's own) are errors.
    fn rows(
        &self,
        sql: &str,
        mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Answer<()>> {
        let mut read = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        let cause: rusqlite::Error = match read() {
            Ok(()) => return Ok(Answer::Told(())),
            Err(cause) => cause,
        };
        match Fault::of(&cause) {
            Fault::Damaged | Fault::NotADatabase => Ok(Answer::Damaged(cause)),
            Fault::Interrupted | Fault::NoSpace | Fault::Busy => Err(cause),
            _ if is_of_the_disk(&cause) => Err(cause),
            _ => Ok(Answer::NotTold(cause)),
        }
    }

    fn warn(&mut self, code: &str, message: String) {
        self.warnings.push(Warning::new(code, None, message));
    }
}

fn is_of_the_disk(cause: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{OutOfMemory, SystemIoFailure};
    matches!(
        cause.sqlite_error_code(),
        Some(SystemIoFailure | OutOfMemory)
    )
}

/// `immutable`: no locks, no side files. Nobody else writes to a private copy, so reading it as mapped memory is safe.
fn open(copy: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(immutable_uri(copy), flags)?;
    // The schema is the service's: nothing in it may run more than reading needs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.query_row(MAP, [], |_| Ok(()))?;
    Ok(connection)
}

fn immutable_uri(copy: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in copy.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?immutable=1"
}

fn header(copy: &Path) -> std::io::Result<Option<Header>> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    File::open(copy)?
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)?;
    Ok(Header::parse(&bytes))
}

/// What is no database has none, and takes none.
pub(super) fn mode(copy: &Path) -> std::io::Result<Mode> {
    Ok(header(copy)?.map_or(Mode::Rollback, |header| header.mode))
}

/// Counting looks at no progress handler, only at the interrupt flag, so somebody beside the work sets it; again and again, because a
/// flag that is set between two statements is forgotten.
fn interruptible<T>(
    connection: &Connection,
    cancel: &Cancel,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let handle = connection.get_interrupt_handle();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                if cancel.is_cancelled() {
                    handle.interrupt();
                }
                thread::park_timeout(LOOK_EVERY);
            }
        });
        let worked = work();
        done.store(true, Ordering::Release);
        watch.thread().unpark();
        worked
    })
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => String::new(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_path_survives_the_uri() {
        assert_eq!(
            immutable_uri(Path::new("/a b/%25?#\n.db")),
            "file:/a%20b/%2525%3F%23%0A.db?immutable=1"
        );
    }
}
