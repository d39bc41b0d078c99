//! `settings`: texts by name. What they mean is their readers' business.

use rusqlite::{OptionalExtension, named_params};

use super::{Result, Store};

pub(super) const TABLE: &str = "
    CREATE TABLE settings (
        key TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    )";

impl Store {
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT value FROM settings WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?)
    }

    /// None removes it.
    pub fn set_setting(&self, key: &str, value: Option<&str>) -> Result<()> {
        let connection = self.connection();
        match value {
            Some(value) => connection.execute(
                "INSERT INTO settings (key, value) VALUES (:key, :value)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                named_params! {":key": key, ":value": value},
            )?,
            None => connection.execute("DELETE FROM settings WHERE key = ?1", [key])?,
        };
        Ok(())
    }

    /// Sets it only where it is not set yet; returns what is set now. For ids that are made once.
    pub fn setting_or_insert(&self, key: &str, value: &str) -> Result<String> {
        // One statement, so that two processes that start at once agree; the update changes nothing and only makes RETURNING speak.
        let sql = "INSERT INTO settings (key, value) VALUES (:key, :value)
            ON CONFLICT (key) DO UPDATE SET value = value
            RETURNING value";
        let params = named_params! {":key": key, ":value": value};
        Ok(self.connection().query_row(sql, params, |row| row.get(0))?)
    }
}
