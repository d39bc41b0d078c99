//! The job store, `backup_jobs.db` in the data folder: schedules, what became of their slots, what was told of them. Several processes may
//! have it open. It decides nothing.

mod schedules;
mod slots;
mod told;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;

use crate::service::Error;
use crate::store::{self, Schema, StoreError};

pub use schedules::JobRow;
pub use slots::Ending;

/// The job store's file in the data folder.
pub const FILE_NAME: &str = "backup_jobs.db";

const SCHEMA: Schema = Schema {
    file_name: FILE_NAME,
    steps: &[&[schedules::TABLE, slots::TABLE, slots::INDEX, told::TABLE]],
};

pub struct JobStore {
    connection: Mutex<Connection>,
    /// Of a store that is read by way of a copy. Removed after the connection is closed: fields are dropped in order.
    _copy: Option<TempDir>,
}

type Result<T> = std::result::Result<T, JobStoreError>;

/// What the store of executions can say, about another file.
#[derive(Debug)]
pub struct JobStoreError(StoreError);

impl From<StoreError> for JobStoreError {
    fn from(cause: StoreError) -> Self {
        Self(cause)
    }
}

impl From<rusqlite::Error> for JobStoreError {
    fn from(cause: rusqlite::Error) -> Self {
        Self(cause.into())
    }
}

impl From<JobStoreError> for Error {
    fn from(failure: JobStoreError) -> Self {
        let what = "schedule";
        match failure.0 {
            StoreError::Taken(name) => Self::Taken { what, name },
            cause => Self::Jobs(cause),
        }
    }
}

impl JobStore {
    pub fn open(data_dir: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(store::connect(data_dir, &SCHEMA)?),
            _copy: None,
        })
    }

    /// Only for a folder whose file system is mounted read-only. Where there is no job store, one without schedules is shown.
    pub fn open_for_reading(data_dir: &Path) -> Result<Self> {
        let (connection, copy) = if data_dir.join(FILE_NAME).exists() {
            store::connect_for_reading(data_dir, &SCHEMA)?
        } else {
            let empty = Connection::open_in_memory()?;
            SCHEMA
                .steps
                .iter()
                .flat_map(|step| step.iter())
                .try_for_each(|sql| empty.execute_batch(sql))?;
            empty.pragma_update(None, "query_only", true)?;
            (empty, None)
        };
        Ok(Self {
            connection: Mutex::new(connection),
            _copy: copy,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic leaves the connection whole: an open transaction rolls back when it is dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it or nothing, and nobody else in between.
    fn transaction<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}
