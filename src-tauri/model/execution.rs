//! The record of one act at one destination. Executions of one act share a `run_id`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instance::InstanceId;

/// A row of `backup_executions`, without `manifest_json`, which is kept once a run and read on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Execution {
    pub id: String,
    /// None for acts without one: a restore from a path, a safety backup.
    pub destination_id: Option<String>,
    pub backup_filename: Option<String>,
    /// The key at the destination, or a path.
    pub backup_path: Option<String>,
    /// `cli`, `window`, `schedule:NAME`, `restore:EXECUTION`.
    pub triggered_by: String,
    #[cfg_attr(test, ts(type = "string"))]
    pub started_at: Timestamp,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub completed_at: Option<Timestamp>,
    pub status: ExecutionStatus,
    /// Bytes of content.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub size_bytes: Option<u64>,
    /// Bytes of the archive file.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub compressed_size_bytes: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub files_included: Option<u64>,
    pub error_message: Option<String>,
    pub kind: ExecutionKind,
    pub run_id: String,
    pub instance_id: Option<InstanceId>,
    pub archive_sha256: Option<String>,
    pub manifest_sha256: Option<String>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub sequence: Option<u64>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub verified_at: Option<Timestamp>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub drilled_at: Option<Timestamp>,
    pub pinned: bool,
    pub comment: Option<String>,
    pub warnings: Vec<Warning>,
}

impl Execution {
    /// Whether an archive's own manifest, signed by this installation or a known key, says that it is of `instance_id`: the archive was
    /// written here, or it was found somewhere and has been opened. One that was found only has no sequence yet; one of a stranger, or of
    /// version 1.0, has no instance. No policy may delete or count what nobody vouches for.
    #[must_use]
    pub fn is_vouched_for(&self) -> bool {
        self.instance_id.is_some() && self.sequence.is_some() && self.manifest_sha256.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ExecutionKind {
    Backup,
    Restore,
    Undo,
    Verify,
    Drill,
    /// An archive was deleted by a policy.
    Retention,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ExecutionStatus {
    Running,
    Completed,
    Partial,
    Failed,
    Interrupted,
    Cancelled,
}

/// Something a user should know that did not stop the act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Warning {
    /// Stable, `snake_case`.
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub component: Option<String>,
}

impl Warning {
    #[must_use]
    pub fn new(code: &str, component: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            component: component.map(str::to_owned),
        }
    }
}
