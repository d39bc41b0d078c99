//! Schemas, as steps. A database's `user_version` is the number of steps it has seen; one that has seen more than this program knows is
//! left alone.

use rusqlite::{Connection, TransactionBehavior};

use super::{
    FILE_NAME, Result, StoreError, destinations, executions, instances, sequences, settings,
    signers,
};

/// What a database of Holdfast's own consists of.
pub(crate) struct Schema {
    /// In the data folder.
    pub file_name: &'static str,
    /// Step n brings it from version n to n + 1. A released step is never changed.
    pub steps: &'static [&'static [&'static str]],
}

/// The store's.
pub(super) const STORE: Schema = Schema {
    file_name: FILE_NAME,
    steps: &[
        &[
            instances::TABLE,
            destinations::TABLE,
            executions::TABLE,
            settings::TABLE,
            signers::TABLE,
            sequences::TABLE,
        ],
        &[executions::BY_NAME],
    ],
};

pub(super) fn refuse_newer(connection: &Connection, schema: &Schema) -> Result<()> {
    version(connection, schema).map(drop)
}

/// For a store that cannot be migrated, because it cannot be written.
pub(super) fn require_current(connection: &Connection, schema: &Schema) -> Result<()> {
    match version(connection, schema)? {
        seen if seen == schema.steps.len() => Ok(()),
        seen => Err(StoreError::Older {
            found: i32::try_from(seen).unwrap_or(i32::MAX),
            known: known(schema),
        }),
    }
}

/// The steps a store has not seen yet, in one transaction.
pub(super) fn migrate(connection: &mut Connection, schema: &Schema) -> Result<()> {
    if version(connection, schema)? == schema.steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for the lock.
    let seen = version(&transaction, schema)?;
    for statements in &schema.steps[seen..] {
        for sql in *statements {
            transaction.execute_batch(sql)?;
        }
    }
    transaction.pragma_update(None, "user_version", known(schema))?;
    transaction.commit()?;
    Ok(())
}

fn known(schema: &Schema) -> i32 {
    i32::try_from(schema.steps.len()).unwrap_or(i32::MAX)
}

fn version(connection: &Connection, schema: &Schema) -> Result<usize> {
    let found: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match usize::try_from(found) {
        Ok(seen) if seen <= schema.steps.len() => Ok(seen),
        _ => Err(StoreError::Newer {
            found,
            known: known(schema),
        }),
    }
}
