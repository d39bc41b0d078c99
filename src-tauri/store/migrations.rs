//! The schema, as steps. A store's `user_version` is the number of steps it has seen; a store that has seen more than this program knows
//! is left alone.

use rusqlite::{Connection, TransactionBehavior};

use super::{
    Result, StoreError, destinations, executions, instances, sequences, settings, signers,
};

/// Step n brings a store from version n to n + 1. A released step is never changed.
const STEPS: &[&[&str]] = &[&[
    instances::TABLE,
    destinations::TABLE,
    executions::TABLE,
    settings::TABLE,
    signers::TABLE,
    sequences::TABLE,
]];

pub(super) fn refuse_newer(connection: &Connection) -> Result<()> {
    version(connection).map(drop)
}

/// For a store that cannot be migrated, because it cannot be written.
pub(super) fn require_current(connection: &Connection) -> Result<()> {
    match version(connection)? {
        seen if seen == STEPS.len() => Ok(()),
        seen => Err(StoreError::Older {
            found: i32::try_from(seen).unwrap_or(i32::MAX),
            known: known(),
        }),
    }
}

/// The steps a store has not seen yet, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    if version(connection)? == STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for the lock.
    let seen = version(&transaction)?;
    for statements in &STEPS[seen..] {
        for sql in *statements {
            transaction.execute_batch(sql)?;
        }
    }
    transaction.pragma_update(None, "user_version", known())?;
    transaction.commit()?;
    Ok(())
}

fn known() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

fn version(connection: &Connection) -> Result<usize> {
    let found: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match usize::try_from(found) {
        Ok(seen) if seen <= STEPS.len() => Ok(seen),
        _ => Err(StoreError::Newer {
            found,
            known: known(),
        }),
    }
}
