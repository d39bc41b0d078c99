//! What is known of a place that keeps archives. Its secrets are in the keyring, never here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A row of `backup_destinations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DestinationConfig {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub destination_type: DestinationType,
    /// A disabled destination takes no new archives.
    pub enabled: bool,
    /// The settings of its type, as `--set K=V` gives them.
    pub config: BTreeMap<String, String>,
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// A login name.
    pub created_by: String,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub last_backup_at: Option<Timestamp>,
    pub last_backup_status: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum DestinationType {
    Local,
    Sftp,
    Ftp,
    S3,
    Azure,
    Webdav,
}

impl DestinationType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sftp => "sftp",
            Self::Ftp => "ftp",
            Self::S3 => "s3",
            Self::Azure => "azure",
            Self::Webdav => "webdav",
        }
    }
}
