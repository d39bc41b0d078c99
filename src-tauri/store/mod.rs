//! What Holdfast knows, in `backup_executions.db`: instances, destinations, executions, settings. No secret is ever in it, and losing it
//! loses no backup. One file a table. The job store, which lies beside it, is opened and migrated by the same code.

mod columns;
mod destinations;
mod error;
mod executions;
mod instances;
mod listing;
mod migrations;
mod open;
mod sequences;
mod settings;
mod signers;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::model::{ExecutionKind, InstanceId};

pub(crate) use columns::{Columns, json, time, word};
pub use error::StoreError;
pub(crate) use error::or_taken;
pub use listing::{FoundArchive, Listing, Merged, Unread};
pub(crate) use migrations::Schema;
pub(crate) use open::{connect, connect_for_reading};
pub use signers::Signer;

/// The store's file in the data folder.
pub const FILE_NAME: &str = "backup_executions.db";

type Result<T> = std::result::Result<T, StoreError>;

/// The store of one data folder. Several processes may have it open, and several threads may share it.
pub struct Store {
    connection: Mutex<Connection>,
    access: Access,
    data_dir: PathBuf,
    /// Of a store that is read by way of a copy. Removed after the connection is closed: fields are dropped in order.
    _copy: Option<TempDir>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Full,
    /// What would write answers with `StoreError::ReadOnly`.
    Reading,
}

/// Which executions.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    pub instance_id: Option<InstanceId>,
    pub destination_id: Option<String>,
    pub run_id: Option<String>,
    /// Of one destination, and of `archives_only`: the file name.
    pub backup_filename: Option<String>,
    pub kind: Option<ExecutionKind>,
    /// Only backups whose archive is believed to be there.
    pub archives_only: bool,
    pub status: Option<crate::model::ExecutionStatus>,
    pub limit: Option<u64>,
}

impl Store {
    /// Opens or makes it (0600, its folder 0700), migrates, refuses a newer one. WAL.
    pub fn open(data_dir: &Path) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(open::connect(data_dir, &migrations::STORE)?),
            access: Access::Full,
            data_dir: data_dir.to_owned(),
            _copy: None,
        })
    }

    /// Only for a folder whose file system is mounted read-only: it relies on nobody writing.
    pub fn open_for_reading(data_dir: &Path) -> Result<Self> {
        let (connection, copy) = open::connect_for_reading(data_dir, &migrations::STORE)?;
        Ok(Self {
            connection: Mutex::new(connection),
            access: Access::Reading,
            data_dir: data_dir.to_owned(),
            _copy: copy,
        })
    }

    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic leaves the connection whole: an open transaction rolls back when it is dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
