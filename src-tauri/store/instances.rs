//! `instances`: a row an installed service, its components and settings as JSON.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::columns::{Columns, json, path, time, word};
use super::error::or_taken;
use super::{Result, Store, StoreError};
use crate::model::{Instance, InstanceId};

const NAME: &str = "instances";

pub(super) const TABLE: &str = "
    CREATE TABLE instances (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE,
        path NOT NULL,
        template TEXT NOT NULL,
        components_json TEXT NOT NULL,
        settings_json TEXT NOT NULL,
        created_at TEXT NOT NULL
    )";

impl Store {
    /// By name.
    pub fn instances(&self) -> Result<Vec<Instance>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT * FROM instances ORDER BY name")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(from_row(row)?);
        }
        Ok(found)
    }

    pub fn instance(&self, name: &str) -> Result<Option<Instance>> {
        one(
            &self.connection(),
            "SELECT * FROM instances WHERE name = ?1",
            name,
        )
    }

    pub fn instance_by_id(&self, id: &InstanceId) -> Result<Option<Instance>> {
        one(
            &self.connection(),
            "SELECT * FROM instances WHERE id = ?1",
            id.as_str(),
        )
    }

    /// `Taken` where the name or the id is.
    pub fn insert_instance(&self, instance: &Instance) -> Result<()> {
        let sql = "INSERT INTO instances
            (id, name, path, template, components_json, settings_json, created_at)
            VALUES (:id, :name, :path, :template, :components, :settings, :created_at)";
        write(&self.connection(), sql, instance).map(drop)
    }

    /// Everything but the id. `Taken` where the new name is.
    pub fn update_instance(&self, instance: &Instance) -> Result<()> {
        let sql = "UPDATE instances SET name = :name, path = :path, template = :template,
            components_json = :components, settings_json = :settings, created_at = :created_at
            WHERE id = :id";
        match write(&self.connection(), sql, instance)? {
            0 => Err(StoreError::Unknown {
                table: NAME,
                key: instance.id.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Missing is success. Its executions and its sequence stay.
    pub fn remove_instance(&self, id: &InstanceId) -> Result<()> {
        self.connection()
            .execute("DELETE FROM instances WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }
}

fn one(connection: &Connection, sql: &str, key: &str) -> Result<Option<Instance>> {
    connection
        .prepare_cached(sql)?
        .query_row([key], |row| Ok(from_row(row)))
        .optional()?
        .transpose()
}

fn write(connection: &Connection, sql: &str, instance: &Instance) -> Result<usize> {
    let params = named_params! {
        ":id": instance.id.as_str(),
        ":name": instance.name,
        ":path": path(&instance.path),
        ":template": word(NAME, &instance.template)?,
        ":components": json(NAME, &instance.components)?,
        ":settings": json(NAME, &instance.settings)?,
        ":created_at": time(instance.created_at),
    };
    connection
        .prepare_cached(sql)?
        .execute(params)
        .map_err(|e| or_taken(e, &instance.name))
}

fn from_row(row: &Row<'_>) -> Result<Instance> {
    let columns = Columns::of(NAME, row);
    Ok(Instance {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        path: columns.path("path")?,
        template: columns.word("template")?,
        components: columns.json("components_json")?,
        settings: columns.json("settings_json")?,
        created_at: columns.time("created_at")?,
    })
}
