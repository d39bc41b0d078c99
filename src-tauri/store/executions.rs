//! `backup_executions`: a row an act at a destination, with the manifest on the first row of its run. Rows are kept when their archive,
//! their destination or their instance goes.

use std::fmt::Write as _;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params_from_iter};

use super::columns::{Columns, json, signed, time, word};
use super::error::or_taken;
use super::{ExecutionFilter, Result, Store, StoreError};
use crate::model::{Execution, InstanceId};

const NAME: &str = "backup_executions";

/// `manifest_json` is last, so that reading the other columns never walks through it.
pub(super) const TABLE: &str = "
    CREATE TABLE backup_executions (
        id TEXT PRIMARY KEY NOT NULL,
        destination_id TEXT,
        backup_filename TEXT,
        backup_path TEXT,
        triggered_by TEXT NOT NULL,
        started_at TEXT NOT NULL,
        completed_at TEXT,
        status TEXT NOT NULL,
        size_bytes INTEGER,
        compressed_size_bytes INTEGER,
        files_included INTEGER,
        error_message TEXT,
        kind TEXT NOT NULL,
        run_id TEXT NOT NULL,
        instance_id TEXT,
        archive_sha256 TEXT,
        manifest_sha256 TEXT,
        sequence INTEGER,
        verified_at TEXT,
        drilled_at TEXT,
        pinned INTEGER NOT NULL,
        comment TEXT,
        warnings_json TEXT NOT NULL,
        archive_gone_at TEXT,
        manifest_json TEXT
    );
    CREATE INDEX executions_by_time ON backup_executions (started_at, id);
    CREATE INDEX executions_by_run ON backup_executions (run_id, started_at, id);
    CREATE INDEX executions_by_kind ON backup_executions (kind, started_at, id);
    CREATE INDEX executions_by_instance ON backup_executions (instance_id, started_at, id);
    CREATE INDEX executions_by_destination ON backup_executions (destination_id, started_at, id);
    CREATE INDEX executions_running ON backup_executions (status) WHERE status = 'running';
    CREATE INDEX archives_by_time ON backup_executions (started_at, id)
        WHERE kind = 'backup' AND status IN ('completed', 'partial')
            AND backup_filename IS NOT NULL AND archive_gone_at IS NULL;
    CREATE INDEX archives_by_instance ON backup_executions (instance_id, started_at, id)
        WHERE kind = 'backup' AND status IN ('completed', 'partial')
            AND backup_filename IS NOT NULL AND archive_gone_at IS NULL;
    CREATE INDEX archives_by_destination ON backup_executions (destination_id, started_at, id)
        WHERE kind = 'backup' AND status IN ('completed', 'partial')
            AND backup_filename IS NOT NULL AND archive_gone_at IS NULL;";

/// Since version 2: an archive by its name.
pub(super) const BY_NAME: &str = "
    CREATE INDEX archives_by_name ON backup_executions (destination_id, backup_filename, started_at, id)
        WHERE kind = 'backup' AND status IN ('completed', 'partial')
            AND backup_filename IS NOT NULL AND archive_gone_at IS NULL;";

/// Must read as the indexes' conditions do, or SQLite does not use them.
pub(super) const ARCHIVE_IS_THERE: &str = "kind = 'backup' AND status IN ('completed', 'partial') \
    AND backup_filename IS NOT NULL AND archive_gone_at IS NULL";

const COLUMNS: &str = "id, destination_id, backup_filename, backup_path, triggered_by, started_at, \
    completed_at, status, size_bytes, compressed_size_bytes, files_included, error_message, kind, \
    run_id, instance_id, archive_sha256, manifest_sha256, sequence, verified_at, drilled_at, pinned, \
    comment, warnings_json";

impl Store {
    /// `Taken` where the id is.
    pub fn insert_execution(&self, execution: &Execution) -> Result<()> {
        let values = ":id, :destination_id, :backup_filename, :backup_path, :triggered_by, \
            :started_at, :completed_at, :status, :size_bytes, :compressed_size_bytes, \
            :files_included, :error_message, :kind, :run_id, :instance_id, :archive_sha256, \
            :manifest_sha256, :sequence, :verified_at, :drilled_at, :pinned, :comment, :warnings";
        let sql = format!("INSERT INTO backup_executions ({COLUMNS}) VALUES ({values})");
        write(&self.connection(), &sql, execution).map(drop)
    }

    /// Everything but the id, the manifest, and whether the archive is pinned or gone: whoever has read a row may keep it for long before he
    /// writes it.
    pub fn update_execution(&self, execution: &Execution) -> Result<()> {
        let sql = "UPDATE backup_executions SET destination_id = :destination_id,
            backup_filename = :backup_filename, backup_path = :backup_path,
            triggered_by = :triggered_by, started_at = :started_at, completed_at = :completed_at,
            status = :status, size_bytes = :size_bytes,
            compressed_size_bytes = :compressed_size_bytes, files_included = :files_included,
            error_message = :error_message, kind = :kind, run_id = :run_id,
            instance_id = :instance_id, archive_sha256 = :archive_sha256,
            manifest_sha256 = :manifest_sha256, sequence = :sequence, verified_at = :verified_at,
            drilled_at = :drilled_at, comment = :comment,
            warnings_json = :warnings
            WHERE id = :id";
        known(write(&self.connection(), sql, execution)?, &execution.id)
    }

    pub fn execution(&self, id: &str) -> Result<Option<Execution>> {
        let sql = format!("SELECT {COLUMNS} FROM backup_executions WHERE id = ?1");
        self.connection()
            .prepare_cached(&sql)?
            .query_row([id], |row| Ok(from_row(row)))
            .optional()?
            .transpose()
    }

    /// Newest first.
    pub fn executions(&self, filter: &ExecutionFilter) -> Result<Vec<Execution>> {
        let (sql, values) = select(filter)?;
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(from_row(row)?);
        }
        Ok(found)
    }

    /// Backups of an instance that left a warning of this code, wherever their archives are or were.
    pub fn warned(&self, instance: &InstanceId, code: &str) -> Result<Vec<Execution>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM backup_executions
            WHERE instance_id = ?1 AND kind = 'backup' AND EXISTS (
                SELECT 1 FROM json_each(warnings_json) WHERE value ->> 'code' = ?2)
            ORDER BY started_at DESC, id DESC"
        );
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([instance.as_str(), code])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(from_row(row)?);
        }
        Ok(found)
    }

    /// `Unknown` where its archive is gone.
    pub fn set_pinned(&self, execution_id: &str, pinned: bool) -> Result<()> {
        let sql = "UPDATE backup_executions SET pinned = :pinned
            WHERE id = :id AND archive_gone_at IS NULL";
        let params = named_params! {":id": execution_id, ":pinned": pinned};
        known(self.connection().execute(sql, params)?, execution_id)
    }

    /// The archive is gone from its destination; the record stays. The first time counts.
    pub fn mark_archive_gone(&self, execution_id: &str, at: Timestamp) -> Result<()> {
        let sql = "UPDATE backup_executions
            SET archive_gone_at = coalesce(archive_gone_at, :at) WHERE id = :id";
        let params = named_params! {":id": execution_id, ":at": time(at)};
        known(self.connection().execute(sql, params)?, execution_id)
    }

    /// Kept once a run: on its first execution, which has to be there.
    pub fn set_manifest(&self, run_id: &str, manifest_json: &str) -> Result<()> {
        let sql = "UPDATE backup_executions SET manifest_json = :manifest WHERE rowid = (
            SELECT rowid FROM backup_executions WHERE run_id = :run
            ORDER BY manifest_json IS NULL, started_at, id LIMIT 1)";
        let params = named_params! {":run": run_id, ":manifest": manifest_json};
        known(self.connection().execute(sql, params)?, run_id)
    }

    pub fn manifest(&self, run_id: &str) -> Result<Option<String>> {
        let sql = "SELECT manifest_json FROM backup_executions
            WHERE run_id = ?1 AND manifest_json IS NOT NULL";
        Ok(self
            .connection()
            .prepare_cached(sql)?
            .query_row([run_id], |row| row.get(0))
            .optional()?)
    }
}

fn known(changed: usize, key: &str) -> Result<()> {
    if changed == 0 {
        return Err(StoreError::Unknown {
            table: NAME,
            key: key.to_owned(),
        });
    }
    Ok(())
}

/// The statement of a filter: only the conditions it has, so that an index serves each of them.
fn select(filter: &ExecutionFilter) -> Result<(String, Vec<Value>)> {
    let index = archive_index(filter);
    let mut sql = format!("SELECT {COLUMNS} FROM backup_executions {index} WHERE true");
    let mut values = Vec::new();
    let mut equal = |column: &str, value: Option<String>| {
        if let Some(value) = value {
            values.push(Value::Text(value));
            // Writing to a String cannot fail.
            let _ = write!(sql, " AND {column} = ?{}", values.len());
        }
    };
    equal(
        "instance_id",
        filter.instance_id.as_ref().map(ToString::to_string),
    );
    equal("destination_id", filter.destination_id.clone());
    equal("run_id", filter.run_id.clone());
    equal("backup_filename", filter.backup_filename.clone());
    let kind = filter.kind.map(|kind| word(NAME, &kind)).transpose()?;
    equal("kind", kind);
    let status = filter
        .status
        .map(|status| word(NAME, &status))
        .transpose()?;
    equal("status", status);
    if filter.archives_only {
        sql.push_str(" AND ");
        sql.push_str(ARCHIVE_IS_THERE);
    }
    sql.push_str(" ORDER BY started_at DESC, id DESC");
    if let Some(limit) = filter.limit {
        let _ = write!(sql, " LIMIT {}", limit.min(i64::MAX.unsigned_abs()));
    }
    Ok((sql, values))
}

/// Without statistics SQLite would take the index by kind and step over every archive that is gone.
fn archive_index(filter: &ExecutionFilter) -> &'static str {
    if !filter.archives_only || filter.run_id.is_some() {
        ""
    } else if filter.backup_filename.is_some() && filter.destination_id.is_some() {
        "INDEXED BY archives_by_name"
    } else if filter.instance_id.is_some() {
        "INDEXED BY archives_by_instance"
    } else if filter.destination_id.is_some() {
        "INDEXED BY archives_by_destination"
    } else {
        "INDEXED BY archives_by_time"
    }
}

fn write(connection: &Connection, sql: &str, execution: &Execution) -> Result<usize> {
    let params = named_params! {
        ":id": execution.id,
        ":destination_id": execution.destination_id,
        ":backup_filename": execution.backup_filename,
        ":backup_path": execution.backup_path,
        ":triggered_by": execution.triggered_by,
        ":started_at": time(execution.started_at),
        ":completed_at": execution.completed_at.map(time),
        ":status": word(NAME, &execution.status)?,
        ":size_bytes": signed(NAME, execution.size_bytes)?,
        ":compressed_size_bytes": signed(NAME, execution.compressed_size_bytes)?,
        ":files_included": signed(NAME, execution.files_included)?,
        ":error_message": execution.error_message,
        ":kind": word(NAME, &execution.kind)?,
        ":run_id": execution.run_id,
        ":instance_id": execution.instance_id.as_ref().map(ToString::to_string),
        ":archive_sha256": execution.archive_sha256,
        ":manifest_sha256": execution.manifest_sha256,
        ":sequence": signed(NAME, execution.sequence)?,
        ":verified_at": execution.verified_at.map(time),
        ":drilled_at": execution.drilled_at.map(time),
        ":pinned": execution.pinned,
        ":comment": execution.comment,
        ":warnings": json(NAME, &execution.warnings)?,
    };
    let mut statement = connection.prepare_cached(sql)?;
    for (name, value) in params {
        // An update leaves some alone.
        if let Some(at) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(at, value)?;
        }
    }
    statement
        .raw_execute()
        .map_err(|e| or_taken(e, &execution.id))
}

fn from_row(row: &Row<'_>) -> Result<Execution> {
    let columns = Columns::of(NAME, row);
    let instance_id: Option<String> = columns.get("instance_id")?;
    Ok(Execution {
        id: columns.get("id")?,
        destination_id: columns.get("destination_id")?,
        backup_filename: columns.get("backup_filename")?,
        backup_path: columns.get("backup_path")?,
        triggered_by: columns.get("triggered_by")?,
        started_at: columns.time("started_at")?,
        completed_at: columns.optional_time("completed_at")?,
        status: columns.word("status")?,
        size_bytes: columns.number("size_bytes")?,
        compressed_size_bytes: columns.number("compressed_size_bytes")?,
        files_included: columns.number("files_included")?,
        error_message: columns.get("error_message")?,
        kind: columns.word("kind")?,
        run_id: columns.get("run_id")?,
        instance_id: match instance_id {
            Some(_) => Some(columns.parsed("instance_id")?),
            None => None,
        },
        archive_sha256: columns.get("archive_sha256")?,
        manifest_sha256: columns.get("manifest_sha256")?,
        sequence: columns.number("sequence")?,
        verified_at: columns.optional_time("verified_at")?,
        drilled_at: columns.optional_time("drilled_at")?,
        pinned: columns.get("pinned")?,
        comment: columns.get("comment")?,
        warnings: columns.json("warnings_json")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionKind, ExecutionStatus};

    fn plan(filter: &ExecutionFilter) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLE).unwrap();
        connection.execute_batch(BY_NAME).unwrap();
        let (sql, values) = select(filter).unwrap();
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let lines = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        let lines: rusqlite::Result<Vec<String>> = lines.unwrap().collect();
        lines.unwrap().join("; ")
    }

    /// History and listings read as many rows as they show: an index gives both the condition and the order.
    #[test]
    fn every_filter_is_served_by_an_index_in_its_order() {
        let instance = || Some("0a1b2c3d".parse().unwrap());
        let destination = || Some("d".to_owned());
        let all = ExecutionFilter::default;
        let filters = [
            ("executions_by_time", all()),
            (
                "executions_by_instance",
                ExecutionFilter {
                    instance_id: instance(),
                    ..all()
                },
            ),
            (
                "executions_by_destination",
                ExecutionFilter {
                    destination_id: destination(),
                    ..all()
                },
            ),
            (
                "executions_by_run",
                ExecutionFilter {
                    run_id: Some("r".into()),
                    ..all()
                },
            ),
            (
                "executions_by_kind",
                ExecutionFilter {
                    kind: Some(ExecutionKind::Drill),
                    ..all()
                },
            ),
            (
                "archives_by_time",
                ExecutionFilter {
                    archives_only: true,
                    ..all()
                },
            ),
            (
                "archives_by_instance",
                ExecutionFilter {
                    archives_only: true,
                    instance_id: instance(),
                    ..all()
                },
            ),
            (
                "archives_by_destination",
                ExecutionFilter {
                    archives_only: true,
                    destination_id: destination(),
                    ..all()
                },
            ),
            (
                "archives_by_name",
                ExecutionFilter {
                    archives_only: true,
                    destination_id: destination(),
                    backup_filename: Some("n".into()),
                    ..all()
                },
            ),
        ];
        // A forced index that cannot serve a combination would be an error.
        for bits in 0..128_u8 {
            let chosen = |bit: u8| bits & (1 << bit) != 0;
            plan(&ExecutionFilter {
                instance_id: instance().filter(|_| chosen(0)),
                destination_id: destination().filter(|_| chosen(1)),
                run_id: destination().filter(|_| chosen(2)),
                kind: Some(ExecutionKind::Drill).filter(|_| chosen(3)),
                archives_only: chosen(4),
                status: Some(ExecutionStatus::Running).filter(|_| chosen(5)),
                backup_filename: destination().filter(|_| chosen(6)),
                limit: None,
            });
        }
        for (index, mut filter) in filters {
            filter.limit = Some(50);
            let plan = plan(&filter);
            assert!(
                plan.contains(&format!("INDEX {index} "))
                    || plan.ends_with(&format!("INDEX {index}")),
                "{index}: {plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{index}: {plan}");
        }
    }
}
