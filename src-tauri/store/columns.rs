//! How values become columns and back. Columns that a script reads are text in the words of the model's JSON.

use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Result, error::unreadable};

/// RFC 3339 UTC with nine digits always: so the order of the texts is the order of the times.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// The word that the model's JSON has for a value of a plain enum.
pub(crate) fn word<T: Serialize>(table: &'static str, value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(unreadable(table, format!("{other} is no word"))),
        Err(e) => Err(unreadable(table, e.to_string())),
    }
}

pub(crate) fn json<T: Serialize>(table: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| unreadable(table, e.to_string()))
}

/// Text where the path is UTF-8, its bytes where it is not.
pub(super) fn path(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => Value::Text(text.to_owned()),
        None => Value::Blob(path.as_os_str().as_bytes().to_vec()),
    }
}

pub(super) fn signed(table: &'static str, number: Option<u64>) -> Result<Option<i64>> {
    number
        .map(|n| i64::try_from(n).map_err(|_| unreadable(table, format!("{n} is too large"))))
        .transpose()
}

/// A row whose columns are read by name, with errors that name the table.
pub(crate) struct Columns<'r> {
    table: &'static str,
    row: &'r Row<'r>,
    /// Where the next one is, if it is asked for in the order of the statement: looking each of them up takes longer than all else in a long list.
    next: Cell<usize>,
}

impl<'r> Columns<'r> {
    pub fn of(table: &'static str, row: &'r Row<'r>) -> Self {
        let next = Cell::new(0);
        Self { table, row, next }
    }

    fn place(&self, column: &str) -> rusqlite::Result<usize> {
        let (statement, next) = (self.row.as_ref(), self.next.get());
        let place = match statement.column_name(next) {
            Ok(name) if name == column => next,
            _ => statement.column_index(column)?,
        };
        self.next.set(place + 1);
        Ok(place)
    }

    pub fn get<T: rusqlite::types::FromSql>(&self, column: &str) -> Result<T> {
        self.place(column)
            .and_then(|place| self.row.get(place))
            .map_err(|e| unreadable(self.table, e.to_string()))
    }

    pub fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let word: String = self.get(column)?;
        serde_json::from_value(serde_json::Value::String(word))
            .map_err(|e| unreadable(self.table, format!("{column}: {e}")))
    }

    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|e| unreadable(self.table, format!("{column}: {e}")))
    }

    pub fn time(&self, column: &str) -> Result<Timestamp> {
        self.optional_time(column)?
            .ok_or_else(|| unreadable(self.table, format!("{column}: it is null")))
    }

    pub fn optional_time(&self, column: &str) -> Result<Option<Timestamp>> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| {
            text.parse()
                .map_err(|e| unreadable(self.table, format!("{column}: {e}")))
        })
        .transpose()
    }

    pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T> {
        let text: String = self.get(column)?;
        text.parse()
            .map_err(|e| unreadable(self.table, format!("{column}: {e}")))
    }

    pub fn number(&self, column: &str) -> Result<Option<u64>> {
        let number: Option<i64> = self.get(column)?;
        number
            .map(|n| {
                u64::try_from(n).map_err(|_| unreadable(self.table, format!("{column}: {n} < 0")))
            })
            .transpose()
    }

    pub fn path(&self, column: &str) -> Result<PathBuf> {
        let value = self
            .place(column)
            .and_then(|place| self.row.get_ref(place))
            .map_err(|e| unreadable(self.table, e.to_string()))?;
        match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Ok(OsString::from_vec(bytes.to_vec()).into())
            }
            _ => Err(unreadable(self.table, format!("{column}: it is no path"))),
        }
    }
}
