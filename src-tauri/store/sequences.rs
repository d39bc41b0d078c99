//! `sequences`: how many backups an instance has had. It outlives the instance's row, so that a number is never given twice.

use rusqlite::named_params;

use super::columns::{Columns, signed};
use super::error::unreadable;
use super::{Result, Store};
use crate::model::InstanceId;

const NAME: &str = "sequences";

/// What every reader of JSON keeps exactly. A number above it is nobody's count, and would make the next one overflow.
const HIGHEST: u64 = 1 << 53;

pub(super) const TABLE: &str = "
    CREATE TABLE sequences (
        instance_id TEXT PRIMARY KEY NOT NULL,
        last INTEGER NOT NULL
    )";

impl Store {
    /// The next number of an instance's backups, counted up in one step; survives `remove_instance`.
    pub fn next_sequence(&self, id: &InstanceId) -> Result<u64> {
        let sql = "INSERT INTO sequences (instance_id, last) VALUES (:id, 1)
            ON CONFLICT (instance_id) DO UPDATE SET last = last + 1
            RETURNING last";
        let next: i64 =
            self.connection()
                .query_row(sql, named_params! {":id": id.as_str()}, |row| row.get(0))?;
        u64::try_from(next).map_err(|_| unreadable(NAME, format!("{next} is no count")))
    }

    /// Of every instance that was counted here: those of this installation, and those whose archives were found and vouched for.
    pub fn counted_instances(&self) -> Result<Vec<InstanceId>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT instance_id FROM sequences")?;
        let mut rows = statement.query([])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            ids.push(Columns::of(NAME, row).parsed("instance_id")?);
        }
        Ok(ids)
    }

    /// Never counts down: for archives found at a destination.
    pub fn raise_sequence(&self, id: &InstanceId, at_least: u64) -> Result<()> {
        if at_least > HIGHEST {
            return Err(unreadable(
                NAME,
                format!("{at_least} is no count of backups"),
            ));
        }
        let sql = "INSERT INTO sequences (instance_id, last) VALUES (:id, :last)
            ON CONFLICT (instance_id) DO UPDATE SET last = max(last, excluded.last)";
        let last = signed(NAME, Some(at_least))?;
        self.connection()
            .execute(sql, named_params! {":id": id.as_str(), ":last": last})?;
        Ok(())
    }
}
