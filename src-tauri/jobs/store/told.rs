//! `told`: what people were told and still see, by subject, so that a later process replaces and clears it.

use rusqlite::{OptionalExtension, named_params};

use super::{JobStore, Result};

pub(super) const TABLE: &str = "
    CREATE TABLE told (
        subject TEXT PRIMARY KEY NOT NULL,
        value_json TEXT NOT NULL
    )";

impl JobStore {
    pub fn told(&self, subject: &str) -> Result<Option<String>> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT value_json FROM told WHERE subject = ?1")?;
        Ok(statement
            .query_row([subject], |row| row.get(0))
            .optional()?)
    }

    /// None forgets it.
    pub fn set_told(&self, subject: &str, value: Option<&str>) -> Result<()> {
        let connection = self.connection();
        match value {
            Some(value) => connection.execute(
                "INSERT INTO told (subject, value_json) VALUES (:subject, :value)
                 ON CONFLICT (subject) DO UPDATE SET value_json = excluded.value_json",
                named_params! {":subject": subject, ":value": value},
            )?,
            None => connection.execute("DELETE FROM told WHERE subject = ?1", [subject])?,
        };
        Ok(())
    }
}
