//! What Holdfast knows, in `backup_executions.db`: instances, destinations, executions, settings. No secret is ever in it, and losing it
//! loses no backup. One file a table.

use std::path::Path;

use jiff::Timestamp;

use crate::model::{DestinationConfig, Execution, ExecutionKind, Instance, InstanceId};

/// The store of one data folder. Several processes may have it open.
pub struct Store(());

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be used")]
    Sqlite(#[source] rusqlite::Error),
    #[error("the store is of version {found}, this program knows {known}")]
    Newer { found: i32, known: i32 },
    #[error("`{0}` is taken")]
    Taken(String),
    #[error("a row of `{table}` cannot be read: {reason}")]
    Row { table: &'static str, reason: String },
}

type Result<T> = std::result::Result<T, StoreError>;

/// Which executions.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    pub instance_id: Option<InstanceId>,
    pub destination_id: Option<String>,
    pub run_id: Option<String>,
    pub kind: Option<ExecutionKind>,
    /// Only backups whose archive is believed to be there.
    pub archives_only: bool,
    pub status: Option<crate::model::ExecutionStatus>,
    pub limit: Option<u64>,
}

/// A verification key somebody trusts.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Signer {
    /// Minisign's 16 hex digits.
    pub key_id: String,
    pub verification_key: String,
    pub name: String,
}

impl Store {
    /// Opens or makes it (0600), migrates, refuses a newer one. WAL.
    pub fn open(_data_dir: &Path) -> Result<Self> {
        todo!()
    }

    pub fn instances(&self) -> Result<Vec<Instance>> {
        todo!()
    }
    pub fn instance(&self, _name: &str) -> Result<Option<Instance>> {
        todo!()
    }
    pub fn instance_by_id(&self, _id: &InstanceId) -> Result<Option<Instance>> {
        todo!()
    }
    /// `Taken` where the name or the id is.
    pub fn insert_instance(&self, _instance: &Instance) -> Result<()> {
        todo!()
    }
    pub fn update_instance(&self, _instance: &Instance) -> Result<()> {
        todo!()
    }
    pub fn remove_instance(&self, _id: &InstanceId) -> Result<()> {
        todo!()
    }
    /// The next number of an instance's backups, counted up in one step; survives `remove_instance`.
    pub fn next_sequence(&self, _id: &InstanceId) -> Result<u64> {
        todo!()
    }
    /// Never counts down: for archives found at a destination.
    pub fn raise_sequence(&self, _id: &InstanceId, _at_least: u64) -> Result<()> {
        todo!()
    }

    pub fn destinations(&self) -> Result<Vec<DestinationConfig>> {
        todo!()
    }
    pub fn destination(&self, _name: &str) -> Result<Option<DestinationConfig>> {
        todo!()
    }
    pub fn destination_by_id(&self, _id: &str) -> Result<Option<DestinationConfig>> {
        todo!()
    }
    pub fn insert_destination(&self, _destination: &DestinationConfig) -> Result<()> {
        todo!()
    }
    pub fn update_destination(&self, _destination: &DestinationConfig) -> Result<()> {
        todo!()
    }
    pub fn remove_destination(&self, _id: &str) -> Result<()> {
        todo!()
    }

    pub fn insert_execution(&self, _execution: &Execution) -> Result<()> {
        todo!()
    }
    pub fn update_execution(&self, _execution: &Execution) -> Result<()> {
        todo!()
    }
    pub fn execution(&self, _id: &str) -> Result<Option<Execution>> {
        todo!()
    }
    /// Newest first.
    pub fn executions(&self, _filter: &ExecutionFilter) -> Result<Vec<Execution>> {
        todo!()
    }
    /// The archive is gone from its destination; the record stays.
    pub fn mark_archive_gone(&self, _execution_id: &str, _at: Timestamp) -> Result<()> {
        todo!()
    }
    /// Kept once a run.
    pub fn set_manifest(&self, _run_id: &str, _manifest_json: &str) -> Result<()> {
        todo!()
    }
    pub fn manifest(&self, _run_id: &str) -> Result<Option<String>> {
        todo!()
    }

    pub fn setting(&self, _key: &str) -> Result<Option<String>> {
        todo!()
    }
    /// None removes it.
    pub fn set_setting(&self, _key: &str, _value: Option<&str>) -> Result<()> {
        todo!()
    }
    /// Sets it only where it is not set yet; returns what is set now. For ids that are made once.
    pub fn setting_or_insert(&self, _key: &str, _value: &str) -> Result<String> {
        todo!()
    }

    pub fn signers(&self) -> Result<Vec<Signer>> {
        todo!()
    }
    pub fn add_signer(&self, _signer: &Signer) -> Result<()> {
        todo!()
    }
    pub fn remove_signer(&self, _key_id: &str) -> Result<()> {
        todo!()
    }
}
