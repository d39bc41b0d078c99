//! `backup_destinations`: a row a place. Its retention policy has columns here; its secrets are in the keyring.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::columns::{Columns, json, time, word};
use super::error::or_taken;
use super::{Result, Store, StoreError};
use crate::model::{DestinationConfig, RetentionPolicy};

const NAME: &str = "backup_destinations";

pub(super) const TABLE: &str = "
    CREATE TABLE backup_destinations (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        config_json TEXT NOT NULL,
        retention_days INTEGER,
        created_at TEXT NOT NULL,
        created_by TEXT NOT NULL,
        last_backup_at TEXT,
        last_backup_status TEXT,
        retention_json TEXT
    )";

/// The settings of every type that are kept in the keyring.
const SECRETS: &[&str] = &[
    "password",
    "private_key_passphrase",
    "access_key_id",
    "secret_access_key",
    "account_key",
    "sas_token",
    "connection_string",
];

impl Store {
    /// By name.
    pub fn destinations(&self) -> Result<Vec<DestinationConfig>> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT * FROM backup_destinations ORDER BY name")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(from_row(row)?);
        }
        Ok(found)
    }

    pub fn destination(&self, name: &str) -> Result<Option<DestinationConfig>> {
        let sql = "SELECT * FROM backup_destinations WHERE name = ?1";
        one(&self.connection(), sql, name)
    }

    pub fn destination_by_id(&self, id: &str) -> Result<Option<DestinationConfig>> {
        let sql = "SELECT * FROM backup_destinations WHERE id = ?1";
        one(&self.connection(), sql, id)
    }

    /// `Taken` where the name or the id is, `Secret` where its settings hold one.
    pub fn insert_destination(&self, destination: &DestinationConfig) -> Result<()> {
        let sql = "INSERT INTO backup_destinations (id, name, type, enabled, config_json,
                created_at, created_by, last_backup_at, last_backup_status)
            VALUES (:id, :name, :type, :enabled, :config,
                :created_at, :created_by, :last_backup_at, :last_backup_status)";
        write(&self.connection(), sql, destination).map(drop)
    }

    /// Everything but the id and the retention policy.
    pub fn update_destination(&self, destination: &DestinationConfig) -> Result<()> {
        let sql = "UPDATE backup_destinations SET name = :name, type = :type, enabled = :enabled,
            config_json = :config, created_at = :created_at, created_by = :created_by,
            last_backup_at = :last_backup_at, last_backup_status = :last_backup_status
            WHERE id = :id";
        match write(&self.connection(), sql, destination)? {
            0 => Err(unknown(&destination.id)),
            _ => Ok(()),
        }
    }

    /// None: everything stays.
    pub fn retention(&self, id: &str) -> Result<Option<RetentionPolicy>> {
        let sql = "SELECT retention_json FROM backup_destinations WHERE id = ?1";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or_else(|| unknown(id))?;
        let columns = Columns::of(NAME, row);
        let kept: Option<String> = columns.get("retention_json")?;
        match kept {
            Some(_) => columns.json("retention_json").map(Some),
            None => Ok(None),
        }
    }

    /// `retention_days` mirrors its days, for whoever reads the table.
    pub fn set_retention(&self, id: &str, policy: Option<&RetentionPolicy>) -> Result<()> {
        let sql = "UPDATE backup_destinations SET retention_json = :policy,
            retention_days = :days WHERE id = :id";
        let params = named_params! {
            ":id": id,
            ":policy": policy.map(|policy| json(NAME, policy)).transpose()?,
            ":days": policy.and_then(RetentionPolicy::days),
        };
        match self.connection().execute(sql, params)? {
            0 => Err(unknown(id)),
            _ => Ok(()),
        }
    }

    /// Missing is success. Its executions stay.
    pub fn remove_destination(&self, id: &str) -> Result<()> {
        self.connection()
            .execute("DELETE FROM backup_destinations WHERE id = ?1", [id])?;
        Ok(())
    }
}

fn unknown(id: &str) -> StoreError {
    StoreError::Unknown {
        table: NAME,
        key: id.to_owned(),
    }
}

fn one(connection: &Connection, sql: &str, key: &str) -> Result<Option<DestinationConfig>> {
    connection
        .prepare_cached(sql)?
        .query_row([key], |row| Ok(from_row(row)))
        .optional()?
        .transpose()
}

fn write(connection: &Connection, sql: &str, destination: &DestinationConfig) -> Result<usize> {
    if let Some(secret) = SECRETS
        .iter()
        .find(|name| destination.config.contains_key(**name))
    {
        return Err(StoreError::Secret((*secret).to_owned()));
    }
    let params = named_params! {
        ":id": destination.id,
        ":name": destination.name,
        ":type": word(NAME, &destination.destination_type)?,
        ":enabled": destination.enabled,
        ":config": json(NAME, &destination.config)?,
        ":created_at": time(destination.created_at),
        ":created_by": destination.created_by,
        ":last_backup_at": destination.last_backup_at.map(time),
        ":last_backup_status": destination.last_backup_status,
    };
    connection
        .prepare_cached(sql)?
        .execute(params)
        .map_err(|e| or_taken(e, &destination.name))
}

fn from_row(row: &Row<'_>) -> Result<DestinationConfig> {
    let columns = Columns::of(NAME, row);
    Ok(DestinationConfig {
        id: columns.get("id")?,
        name: columns.get("name")?,
        destination_type: columns.word("type")?,
        enabled: columns.get("enabled")?,
        config: columns.json("config_json")?,
        created_at: columns.time("created_at")?,
        created_by: columns.get("created_by")?,
        last_backup_at: columns.optional_time("last_backup_at")?,
        last_backup_status: columns.get("last_backup_status")?,
    })
}
