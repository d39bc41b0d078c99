//! Looks into the sample's databases by plain SQL, as an outsider.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::stuck;
use crate::cli::error::Result;

/// Of a component: how many rows its own table has, and a digest of all that it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub rows: u64,
    digest: String,
}

/// A table that the writer appends to, as far as it went at one time.
pub(super) struct Growing {
    database: &'static str,
    table: &'static str,
    last: i64,
    digest: String,
}

const STEP: &str = "looking into a database";
const DEVICES: &str = "data/devices.db";
const BUSY: Duration = Duration::from_secs(10);

pub(super) fn devices(live: &Path) -> Result<Content> {
    let path = live.join(DEVICES);
    let tables = ["realms", "proxies", "device_groups", "devices"];
    Ok(Content {
        rows: count(&path, "devices")?,
        digest: digest(&path, &tables, i64::MAX)?,
    })
}

pub(super) fn delete_half_of_the_devices(live: &Path) -> Result<()> {
    const STEP: &str = "damaging the sample";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = Connection::open_with_flags(live.join(DEVICES), flags).map_err(stuck(STEP))?;
    connection.busy_timeout(BUSY).map_err(stuck(STEP))?;
    connection
        .execute("DELETE FROM devices WHERE id % 2 = 0", [])
        .map_err(stuck(STEP))?;
    Ok(())
}

/// Those that nobody writes to while the demonstration runs.
pub(super) fn other_components(live: &Path) -> Result<Vec<(&'static str, String)>> {
    let config = fs::read(live.join("config/tacacs.conf")).map_err(stuck(STEP))?;
    let users = digest(
        &live.join("data/local_auth.db"),
        &["local_users", "local_user_groups"],
        i64::MAX,
    )?;
    let overrides = digest(
        &live.join("data/config_overrides.db"),
        &["config_overrides", "config_history", "config_versions"],
        i64::MAX,
    )?;
    Ok(vec![
        ("config", hex::encode(Sha256::digest(&config))),
        ("users", users),
        ("overrides", overrides),
    ])
}

pub(super) fn growing_tables(live: &Path) -> Result<Vec<Growing>> {
    let tables = [
        ("data/tacacs_accounting.db", "accounting_logs"),
        ("data/audit_trail.db", "audit_log"),
        ("data/metrics_history.db", "metrics_snapshots"),
    ];
    let look = |(database, table): (&'static str, &'static str)| {
        let path = live.join(database);
        let last = open(&path)?
            .query_row(&format!("SELECT max(rowid) FROM \"{table}\""), [], |r| {
                r.get(0)
            })
            .map_err(stuck(STEP))?;
        Ok(Growing {
            database,
            table,
            last,
            digest: digest(&path, &[table], last)?,
        })
    };
    tables.into_iter().map(look).collect()
}

impl Growing {
    pub fn name(&self) -> &'static str {
        self.table
    }

    pub fn is_still_there(&self, live: &Path) -> Result<bool> {
        let now = digest(&live.join(self.database), &[self.table], self.last)?;
        Ok(now == self.digest)
    }
}

pub(super) fn count(database: &Path, table: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {}", quoted(table));
    let rows: i64 = open(database)?
        .query_row(&sql, [], |row| row.get(0))
        .map_err(stuck(STEP))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// `integrity_check` and `foreign_key_check` have nothing to say.
pub(super) fn is_sound(database: &Path) -> Result<bool> {
    let connection = open(database)?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(stuck(STEP))?;
    let mut orphans = connection
        .prepare("PRAGMA foreign_key_check")
        .map_err(stuck(STEP))?;
    let any = orphans.exists([]).map_err(stuck(STEP))?;
    Ok(verdict == "ok" && !any)
}

fn open(database: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(database, flags).map_err(stuck(STEP))?;
    connection.busy_timeout(BUSY).map_err(stuck(STEP))?;
    Ok(connection)
}

/// Of all rows up to a row id. Without `updated_at`, which the writer changes where it likes.
fn digest(database: &Path, tables: &[&str], last: i64) -> Result<String> {
    let connection = open(database)?;
    let mut hasher = Sha256::new();
    for table in tables {
        hash_table(&connection, table, last, &mut hasher).map_err(stuck(STEP))?;
    }
    Ok(hex::encode(hasher.finalize()))
}

fn hash_table(
    connection: &Connection,
    table: &str,
    last: i64,
    hasher: &mut Sha256,
) -> rusqlite::Result<()> {
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?) WHERE name <> 'updated_at'")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let quoted_columns: Vec<_> = columns.iter().map(|c| quoted(c)).collect();
    let sql = format!(
        "SELECT rowid, {} FROM {} WHERE rowid <= ? ORDER BY rowid",
        quoted_columns.join(", "),
        quoted(table)
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([last])?;
    while let Some(row) = rows.next()? {
        for i in 0..=columns.len() {
            hash_value(row.get_ref(i)?, hasher);
        }
    }
    Ok(())
}

/// Kind, length and bytes, so that no two rows look alike.
fn hash_value(value: ValueRef<'_>, hasher: &mut Sha256) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(n) => {
            number = n.to_le_bytes();
            (1, &number)
        }
        ValueRef::Real(n) => {
            number = n.to_le_bytes();
            (2, &number)
        }
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    hasher.update([kind]);
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::sample::{self, SampleSize};

    fn change(live: &Path, database: &str, sql: &str) {
        let connection = Connection::open(live.join(database)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    #[test]
    fn any_change_of_a_component_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path();
        sample::create(live, SampleSize::SMALL).unwrap();
        let (before, others) = (devices(live).unwrap(), other_components(live).unwrap());
        assert_eq!(devices(live).unwrap(), before);

        change(live, DEVICES, "UPDATE devices SET updated_at = 'now'");
        assert_eq!(devices(live).unwrap(), before, "what the writer may do");
        change(
            live,
            DEVICES,
            "UPDATE devices SET name = 'x' WHERE id = (SELECT max(id) FROM devices)",
        );
        assert_ne!(devices(live).unwrap(), before);
        assert_eq!(other_components(live).unwrap(), others);
        change(
            live,
            "data/local_auth.db",
            "UPDATE local_users SET password_hash = NULL WHERE id = 1",
        );
        assert_ne!(other_components(live).unwrap(), others);
    }

    #[test]
    fn a_table_may_grow_but_not_lose_or_change_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path();
        sample::create(live, SampleSize::SMALL).unwrap();
        let audit = |live: &Path| growing_tables(live).unwrap().remove(1);
        let before = audit(live);
        let insert = "INSERT INTO audit_log (timestamp, user_id, action) VALUES ('t', 'u', 'a')";
        change(live, "data/audit_trail.db", insert);
        assert!(before.is_still_there(live).unwrap());
        let grown = audit(live);
        change(
            live,
            "data/audit_trail.db",
            "DELETE FROM audit_log WHERE action = 'a'",
        );
        assert!(before.is_still_there(live).unwrap());
        assert!(!grown.is_still_there(live).unwrap());
    }
}
