//! A service at work: it writes to a sample instance until it is told to stop, so that a backup has something to be consistent about.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use serde::{Deserialize, Serialize};

use crate::model::Cancel;

use super::SampleError;

/// What was written, and what it was like to write beside a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteCounts {
    /// A row of `accounting_logs`, committed, then one of `audit_log` of the same number, committed.
    pub pairs: u64,
    /// All rows written, those of pairs among them.
    pub rows: u64,
    /// Writes that gave up after the busy timeout.
    pub busy: u64,
    /// Writes that failed otherwise, and the last reason.
    pub failed: u64,
    pub last_error: Option<String>,
    pub longest_write_ms: u64,
}

/// As long as the real server's libraries wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two pairs: a busy server, not a benchmark.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes pairs, and every so often a metrics row and a device, until `stop`. Numbers go on where an earlier writer ended.
pub fn write_forever(dir: &Path, stop: &Cancel) -> Result<WriteCounts, SampleError> {
    let data = dir.join("data");
    let mut accounting = Target::open(data.join("tacacs_accounting.db"))?;
    let mut audit = Target::open(data.join("audit_trail.db"))?;
    let mut metrics = Target::open(data.join("metrics_history.db"))?;
    let mut devices = Target::open(data.join("devices.db"))?;
    let mut next = pairs_in(&accounting.connection, ACCOUNTING_PAIRS)
        .map_err(SampleError::sqlite(&accounting.path))?;
    let mut counts = WriteCounts::default();
    // One half may be left over from a writer that was killed.
    let second =
        pairs_in(&audit.connection, AUDIT_PAIRS).map_err(SampleError::sqlite(&audit.path))?;
    for n in second..next {
        audit_row(&mut audit, n, stop, &mut counts);
    }
    while !stop.is_cancelled() {
        let session = format!("pair-{next:012}");
        let written = accounting.write(stop, &mut counts, |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO accounting_logs (timestamp, username, session_id, status, service, command, task_id)
                     VALUES (strftime('%Y-%m-%dT%H:%M:%S+00:00'), 'writer', ?, 'start', 'shell', 'show clock', ?)",
                )?
                .execute(params![session, next])
        });
        if !written {
            break;
        }
        if audit_row(&mut audit, next, stop, &mut counts) {
            counts.pairs += 1;
        }
        next += 1;
        if next % 16 == 0 {
            let insert = "INSERT INTO metrics_snapshots (timestamp, auth_requests) VALUES (strftime('%Y-%m-%dT%H:%M:%S+00:00'), ?)";
            metrics.write(stop, &mut counts, |c| {
                c.prepare_cached(insert)?.execute([next])
            });
            let update = "UPDATE devices SET updated_at = strftime('%Y-%m-%dT%H:%M:%S+00:00')
                WHERE id = 1 + ? % (SELECT max(id) FROM devices)";
            devices.write(stop, &mut counts, |c| {
                c.prepare_cached(update)?.execute([next])
            });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(counts)
}

/// Pairs in the first database minus pairs in the second. Of one moment it is 0, or 1 while a pair is being written: anything else is
/// a copy that no moment ever looked like. For copies: they are opened read-only.
pub fn pair_gap(accounting: &Path, audit: &Path) -> Result<i64, SampleError> {
    let count = |path: &Path, sql: &str| {
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|connection| pairs_in(&connection, sql))
            .map_err(SampleError::sqlite(path))
    };
    Ok(count(accounting, ACCOUNTING_PAIRS)? - count(audit, AUDIT_PAIRS)?)
}

const ACCOUNTING_PAIRS: &str =
    "SELECT count(*) FROM accounting_logs WHERE session_id >= 'pair-' AND session_id < 'pair.'";
const AUDIT_PAIRS: &str = "SELECT count(*) FROM audit_log WHERE action = 'pair'";

fn pairs_in(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, [], |row| row.get(0))
}

fn audit_row(audit: &mut Target, n: i64, stop: &Cancel, counts: &mut WriteCounts) -> bool {
    audit.write(stop, counts, |connection| {
        connection
            .prepare_cached(
                "INSERT INTO audit_log (timestamp, user_id, action, resource_type, resource_id, details, success)
                 VALUES (strftime('%Y-%m-%dT%H:%M:%S+00:00'), 'writer', 'pair', 'accounting', ?, '', 1)",
            )?
            .execute([n])
    })
}

struct Target {
    path: PathBuf,
    connection: Connection,
}

impl Target {
    fn open(path: PathBuf) -> Result<Self, SampleError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => Ok(Self { path, connection }),
            Err(cause) => Err(SampleError::Sqlite { path, cause }),
        }
    }

    /// Tries until it is written or `stop` is set; tells whether it was written.
    fn write(
        &mut self,
        stop: &Cancel,
        counts: &mut WriteCounts,
        act: impl Fn(&Connection) -> rusqlite::Result<usize>,
    ) -> bool {
        loop {
            let started = Instant::now();
            let result = act(&self.connection);
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            counts.longest_write_ms = counts.longest_write_ms.max(took);
            match result {
                Ok(rows) => {
                    counts.rows += rows as u64;
                    return true;
                }
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    counts.busy += 1;
                }
                Err(error) => {
                    counts.failed += 1;
                    counts.last_error = Some(format!("{}: {error}", self.path.display()));
                    // A full disk or a lost file does not pass by itself: no busy loop.
                    std::thread::sleep(PAUSE * 50);
                }
            }
            if stop.is_cancelled() {
                return false;
            }
        }
    }
}
