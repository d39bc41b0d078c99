//! `manifest.json`, the archive's table of contents, as the format defines it. Reading and checking one is `archive`'s business.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instance::{ComponentKind, InstanceId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Manifest {
    pub backup_metadata: BackupMetadata,
    pub system_info: SystemInfo,
    pub config_info: ConfigInfo,
    pub components: Vec<ComponentEntry>,
    pub contents: Vec<ContentEntry>,
    pub capture: CaptureInfo,
    /// Bytes of content.
    #[cfg_attr(test, ts(type = "number"))]
    pub total_size_bytes: u64,
    pub encrypted: bool,
    /// `age-x25519`, `age-scrypt` or null.
    pub encryption_algorithm: Option<String>,
    pub members: Members,
    pub warnings: Vec<ManifestWarning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct BackupMetadata {
    pub instance_id: InstanceId,
    pub instance_name: String,
    pub hostname: String,
    /// `manual`, `scheduled` or `safety`.
    pub backup_type: super::ArchiveType,
    #[cfg_attr(test, ts(type = "string"))]
    pub timestamp_utc: Timestamp,
    pub triggered_by: String,
    pub comment: String,
    /// `2.0`.
    pub backup_version: String,
    pub archive_name: String,
    pub run_id: String,
    /// Counts the backups of an instance, from 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SystemInfo {
    pub app_version: String,
    pub platform: String,
    pub sqlite_version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ConfigInfo {
    pub config_source: ConfigSource,
    /// SHA-256 of `config_export.json`, lower-case hex.
    pub config_hash: String,
    pub has_overrides: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ConfigSource {
    File,
    Url,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ComponentEntry {
    pub name: String,
    pub kind: ComponentKind,
    pub status: ComponentStatus,
    /// Relative to the instance's root, absolute where it lies outside. The first where there are several.
    pub source: String,
    /// `files` only: SHA-256 of `{name}/.index.jsonl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_sha256: Option<String>,
    /// `files` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<TreeCounts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ComponentStatus {
    Ok,
    Damaged,
    Missing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TreeCounts {
    #[cfg_attr(test, ts(type = "number"))]
    pub files: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub dirs: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub links: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub size_bytes: u64,
}

/// One entry of the tar stream. The same fields make one line of a tree's index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ContentEntry {
    /// The entry's name in the tar stream; where it is not UTF-8, see `file_base64`.
    pub file: String,
    /// The raw bytes of a name that is not UTF-8, base64; `file` is then its lossy form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_base64: Option<String>,
    /// Where it goes back to: relative to the instance's root, absolute where it lies outside; empty for metadata.
    pub source: String,
    /// The raw bytes of a source that is not UTF-8, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_base64: Option<String>,
    pub component: String,
    #[serde(rename = "type")]
    pub content_type: ContentType,
    pub entry: EntryType,
    /// The target of a link: as stored for a symbolic one, an entry name of this archive for a hard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_base64: Option<String>,
    #[cfg_attr(test, ts(type = "number"))]
    pub size_bytes: u64,
    /// Lower-case hex; of the content, so of nothing for entries without one.
    pub checksum_sha256: String,
    /// The low 12 bits.
    pub mode: u32,
    #[cfg_attr(test, ts(type = "number"))]
    pub uid: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub gid: u64,
    pub user: String,
    pub group: String,
    #[cfg_attr(test, ts(type = "string"))]
    pub mtime: Timestamp,
    /// Of the content, in the uncompressed stream.
    #[cfg_attr(test, ts(type = "number"))]
    pub tar_offset: u64,
    #[cfg_attr(test, ts(type = "string"))]
    pub captured_at: Timestamp,
    /// The content was cut or filled because the file changed while it was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    // The page does not read it, and ts-rs cannot flatten what may be missing.
    #[cfg_attr(test, ts(skip))]
    pub database: Option<DatabaseFacts>,
}

impl ContentEntry {
    /// The entry's name, byte for byte.
    #[must_use]
    pub fn file_path(&self) -> PathBuf {
        raw(&self.file, self.file_base64.as_deref())
    }

    /// Where it goes back to, byte for byte.
    #[must_use]
    pub fn source_path(&self) -> PathBuf {
        raw(&self.source, self.source_base64.as_deref())
    }
}

/// Raw bytes that are not those of the text name nothing: the text, which people are shown, stands for itself then.
fn raw(text: &str, base64: Option<&str>) -> PathBuf {
    base64
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .filter(|bytes| String::from_utf8_lossy(bytes) == text)
        .map_or_else(|| text.into(), |bytes| OsString::from_vec(bytes).into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ContentType {
    Database,
    Config,
    Metadata,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EntryType {
    File,
    Dir,
    Symlink,
    Hardlink,
}

/// What is known of a captured database, read from its copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DatabaseFacts {
    /// Rows of all tables that can be counted.
    #[cfg_attr(test, ts(type = "number"))]
    pub records: u64,
    /// Null where a table cannot be counted without the application.
    #[cfg_attr(test, ts(type = "Record<string, number | null>"))]
    pub tables: BTreeMap<String, Option<u64>>,
    pub check: CheckResult,
    /// Of the text of `sqlite_schema`, so that two captures of one schema agree.
    pub schema_sha256: String,
    pub user_version: i32,
    pub application_id: i32,
    pub page_size: u32,
    /// `UTF-8`, `UTF-16le` or `UTF-16be`.
    pub encoding: String,
    /// Of the source: `wal` or `delete`.
    pub journal_mode: String,
    /// How long its writers could not commit.
    #[cfg_attr(test, ts(type = "number"))]
    pub writer_blocked_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CheckResult {
    Ok,
    Damaged,
    /// The check needs something of the application's: a collation, a function, a module.
    NotCheckable,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CaptureInfo {
    #[cfg_attr(test, ts(type = "string"))]
    pub started_at: Timestamp,
    /// First to last snapshot point of the databases, in milliseconds (fractions count).
    pub window_ms: f64,
    pub exact: bool,
}

/// Every compressed member before the manifest, in order: sizes in bytes, and the SHA-256 of the uncompressed bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Members {
    #[cfg_attr(test, ts(type = "number[]"))]
    pub compressed: Vec<u64>,
    #[cfg_attr(test, ts(type = "number[]"))]
    pub uncompressed: Vec<u64>,
    pub sha256: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ManifestWarning {
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub component: Option<String>,
}
