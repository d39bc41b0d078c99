//! What a destination holds, taken down name by name while it is listed, then brought into `backup_executions` at once. On a connection of
//! its own with tables of its own, which lie in a file: neither the number of archives nor a slow place is felt by anybody else. A
//! listing that is not merged changes nothing.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, named_params};

use super::columns::time;
use super::error::unreadable;
use super::executions::ARCHIVE_IS_THERE;
use super::{Access, Result, Store, StoreError, migrations, open};
use crate::model::InstanceId;

/// An archive at a destination, as its path and the listing tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundArchive {
    /// The key.
    pub path: String,
    pub file_name: String,
    /// None: of an installation that has no such ids.
    pub instance_id: Option<InstanceId>,
    /// As its name says.
    pub created_at: Timestamp,
    pub size: u64,
}

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    pub added: u64,
    /// Records whose archive is gone.
    pub removed: u64,
}

/// An archive whose manifest was not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub execution_id: String,
    /// As its folder says.
    pub instance_id: InstanceId,
}

/// One listing of one destination.
pub struct Listing {
    connection: Connection,
    destination_id: String,
}

const NAME: &str = "listing";

/// `listed` in the order of its key, so that a name that comes twice is there once.
const TABLES: &str = "
    CREATE TEMP TABLE known (id TEXT NOT NULL, path TEXT, completed_at TEXT);
    CREATE INDEX temp.known_by_path ON known (path);
    CREATE TEMP TABLE gone (id TEXT NOT NULL, path TEXT, size INTEGER, started_at TEXT NOT NULL);
    CREATE INDEX temp.gone_by_path ON gone (path, size, id, started_at);
    CREATE TEMP TABLE listed (
        path TEXT PRIMARY KEY NOT NULL,
        file_name TEXT NOT NULL,
        instance_id TEXT,
        created_at TEXT NOT NULL,
        size INTEGER NOT NULL
    ) WITHOUT ROWID;";

impl Store {
    /// To be begun before the place is asked: only what is known by now can be found to be gone.
    pub fn begin_listing(&self, destination_id: &str) -> Result<Listing> {
        if self.access == Access::Reading {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            return Err(StoreError::ReadOnly(rusqlite::Error::SqliteFailure(
                code, None,
            )));
        }
        let connection = open::connect(&self.data_dir, &migrations::STORE)?;
        connection.execute_batch(TABLES)?;
        let sql = format!(
            "INSERT INTO temp.known SELECT id, backup_path, completed_at FROM backup_executions
             INDEXED BY archives_by_destination WHERE destination_id = ?1 AND {ARCHIVE_IS_THERE}"
        );
        connection.execute(&sql, [destination_id])?;
        let sql = "INSERT INTO temp.gone SELECT id, backup_path, compressed_size_bytes, started_at
            FROM backup_executions INDEXED BY executions_by_destination
            WHERE destination_id = ?1 AND kind = 'backup' AND status IN ('completed', 'partial')
                AND backup_path IS NOT NULL AND archive_gone_at IS NOT NULL";
        connection.execute(sql, [destination_id])?;
        // Of these tables alone: the store itself is not touched, so nobody waits for the listing's end.
        connection.execute_batch("BEGIN")?;
        Ok(Listing {
            connection,
            destination_id: destination_id.to_owned(),
        })
    }
}

impl Listing {
    /// What was added already stays as it is.
    pub fn add(&mut self, found: &FoundArchive) -> Result<()> {
        let sql =
            "INSERT OR IGNORE INTO temp.listed (path, file_name, instance_id, created_at, size)
            VALUES (:path, :file_name, :instance_id, :created_at, :size)";
        self.connection
            .prepare_cached(sql)?
            .execute(named_params! {
                ":path": found.path,
                ":file_name": found.file_name,
                ":instance_id": found.instance_id.as_ref().map(InstanceId::as_str),
                ":created_at": time(found.created_at),
                // No place holds more; one that says so is not believed, and harms nothing.
                ":size": i64::try_from(found.size).unwrap_or(i64::MAX),
            })?;
        Ok(())
    }

    /// The paths of what is known to have been written since then and was not listed.
    pub fn unlisted(&self, since: Timestamp) -> Result<Vec<String>> {
        let sql = "SELECT path FROM temp.known WHERE completed_at >= ?1 AND path IS NOT NULL
            AND path NOT IN (SELECT path FROM temp.listed)";
        let mut statement = self.connection.prepare(sql)?;
        let paths = statement.query_map([time(since)], |row| row.get(0))?;
        Ok(paths.collect::<rusqlite::Result<_>>()?)
    }

    /// After the last name, and only then. All of it or nothing.
    pub fn merge(&mut self, triggered_by: &str, now: Timestamp) -> Result<Merged> {
        self.connection.execute_batch("COMMIT")?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let gone = "UPDATE backup_executions SET archive_gone_at = :now
            WHERE archive_gone_at IS NULL AND id IN (SELECT id FROM temp.known
                WHERE path IS NULL OR path NOT IN (SELECT path FROM temp.listed))";
        let removed = transaction.execute(gone, named_params! {":now": time(now)})?;
        // What was away for a while is what it was, its pin included.
        let back = format!(
            "UPDATE backup_executions SET archive_gone_at = NULL WHERE id IN (
                SELECT gone.id FROM (SELECT id, path, size, max(started_at) FROM temp.gone
                    GROUP BY path) AS gone
                JOIN temp.listed ON listed.path = gone.path AND listed.size = gone.size
                WHERE NOT EXISTS (SELECT 1 FROM backup_executions AS done INDEXED BY archives_by_name
                    WHERE done.destination_id = :destination
                        AND done.backup_filename = listed.file_name
                        AND done.backup_path = listed.path AND {ARCHIVE_IS_THERE}))"
        );
        let returned =
            transaction.execute(&back, named_params! {":destination": self.destination_id})?;
        // A run that is being recorded just now has its archive there before its record says so; what it will say is worth more.
        let new = format!(
            "INSERT INTO backup_executions (id, destination_id, backup_filename, backup_path,
                triggered_by, started_at, completed_at, status, compressed_size_bytes, kind, run_id,
                instance_id, pinned, warnings_json)
            SELECT lower(hex(randomblob(16))), :destination, file_name, path,
                :triggered_by, created_at, created_at, 'completed', size, 'backup',
                lower(hex(randomblob(16))), instance_id, 0, '[]'
            FROM temp.listed
            WHERE path NOT IN (SELECT path FROM temp.known WHERE path IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM backup_executions AS done INDEXED BY archives_by_name
                    WHERE done.destination_id = :destination AND done.backup_filename = file_name
                        AND done.backup_path = path AND {ARCHIVE_IS_THERE})
                AND NOT EXISTS (SELECT 1 FROM backup_executions AS going
                    INDEXED BY executions_running
                    WHERE going.status = 'running' AND going.kind = 'backup'
                        AND going.destination_id = :destination
                        AND going.instance_id = listed.instance_id
                        AND substr(going.started_at, 1, 19) <= substr(listed.created_at, 1, 19))"
        );
        let added = transaction.execute(
            &new,
            named_params! {":destination": self.destination_id, ":triggered_by": triggered_by},
        )?;
        transaction.commit()?;
        Ok(Merged {
            added: (returned + added) as u64,
            removed: removed as u64,
        })
    }

    /// How many archives of each instance id are there; None: of none.
    pub fn counts(&self) -> Result<Vec<(Option<InstanceId>, u64)>> {
        let sql = "SELECT instance_id, count(*) FROM temp.listed GROUP BY instance_id";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            let id: Option<String> = row.get(0)?;
            let id = id.map(|id| id.parse()).transpose();
            let id = id.map_err(|e| unreadable(NAME, format!("{e}")))?;
            counts.push((id, row.get::<_, i64>(1)?.unsigned_abs()));
        }
        Ok(counts)
    }

    /// After a merge: the record of the newest archive of each instance id, where its manifest was not read yet. Of one second it is the one
    /// with the highest suffix.
    pub fn newest_unread(&self) -> Result<Vec<Unread>> {
        let sql = format!(
            "SELECT e.id, newest.instance_id FROM (SELECT path, file_name, instance_id,
                    max(created_at || printf('%04d', length(file_name)) || file_name)
                FROM temp.listed WHERE instance_id IS NOT NULL GROUP BY instance_id) AS newest
            JOIN backup_executions AS e INDEXED BY archives_by_name
                ON e.destination_id = ?1 AND e.backup_filename = newest.file_name
                    AND e.backup_path = newest.path
            WHERE e.manifest_sha256 IS NULL AND {ARCHIVE_IS_THERE}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([&self.destination_id])?;
        let mut unread = Vec::new();
        while let Some(row) = rows.next()? {
            let instance_id: String = row.get(1)?;
            unread.push(Unread {
                execution_id: row.get(0)?,
                instance_id: instance_id
                    .parse()
                    .map_err(|e| unreadable(NAME, format!("{e}")))?,
            });
        }
        Ok(unread)
    }
}
