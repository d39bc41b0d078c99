//! One installed service and its named parts. What is in them today is `scan`'s business.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An installed service that is backed up as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Instance {
    pub id: InstanceId,
    /// `[A-Za-z0-9_-]{1,64}`: it is part of archive names.
    pub name: String,
    /// The root folder, absolute.
    #[serde(with = "crate::model::path_text")]
    #[cfg_attr(test, ts(type = "string"))]
    pub path: PathBuf,
    pub template: Template,
    /// What the last scan that was accepted found. A component named here and not found by a later scan is `missing`.
    pub components: Vec<Component>,
    pub settings: InstanceSettings,
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
}

/// Eight lower-case hex digits, made once; an instance keeps it for life, a replacement machine takes it over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct InstanceId(String);

/// A text that is not eight lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instance id of eight hex digits")]
pub struct BadInstanceId(pub String);

impl InstanceId {
    #[must_use]
    pub fn from_random(bits: u32) -> Self {
        Self(format!("{bits:08x}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InstanceId {
    type Err = BadInstanceId;

    fn from_str(text: &str) -> Result<Self, BadInstanceId> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 8 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadInstanceId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for InstanceId {
    type Error = BadInstanceId;

    fn try_from(text: String) -> Result<Self, BadInstanceId> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text may be an instance's name: `[A-Za-z0-9_-]{1,64}`.
#[must_use]
pub fn is_instance_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// How the parts of an instance are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Template {
    /// The TACACS+ server: paths come out of its own configuration.
    Tacacs,
    /// Any folder: databases by their header, configuration by its extension, the rest as file trees.
    Auto,
}

/// A named part of an instance that restores on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Component {
    /// `[a-z0-9][a-z0-9_-]{0,63}`: it is a folder in the archive.
    pub name: String,
    pub kind: ComponentKind,
    /// Where it lives: relative to the instance's root (`/`-separated), absolute where it lies outside.
    /// `database`: one or several database files; `config`: one or several files; `files`: folders and single files.
    #[serde(with = "crate::model::path_text::all")]
    #[cfg_attr(test, ts(type = "string[]"))]
    pub sources: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ComponentKind {
    Database,
    Config,
    Files,
}

/// What `instance set` changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct InstanceSettings {
    pub compression: Compression,
    pub encryption: Encryption,
    pub check: CheckLevel,
    /// The longest that a writer of a rollback-mode database may be made to wait, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub max_block_ms: u64,
    pub when_busy: WhenBusy,
    pub hooks: Hooks,
    /// Globs relative to the root.
    pub exclude: Vec<String>,
}

impl Default for InstanceSettings {
    fn default() -> Self {
        Self {
            compression: Compression::Gzip,
            encryption: Encryption::Recipients,
            check: CheckLevel::Quick,
            max_block_ms: 2000,
            when_busy: WhenBusy::Fail,
            hooks: Hooks::default(),
            exclude: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Compression {
    Gzip,
    Zstd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Encryption {
    /// To every age recipient of this installation.
    Recipients,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CheckLevel {
    /// `quick_check`.
    Quick,
    /// `integrity_check`.
    Full,
}

/// What becomes of a rollback-mode database whose writers cannot be held back for only `max_block_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum WhenBusy {
    /// Its component is missing and the run partial.
    Fail,
    /// One unbounded pass, its length recorded.
    Wait,
}

/// Lines for `sh -c`; empty means none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Hooks {
    pub before: String,
    pub after: String,
    pub stop: String,
    pub start: String,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum HookKind {
    Before,
    After,
    Stop,
    Start,
}

impl HookKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }
}

impl Hooks {
    /// Empty, also where only blanks stand there: there is none.
    #[must_use]
    pub fn line(&self, kind: HookKind) -> &str {
        let line = match kind {
            HookKind::Before => &self.before,
            HookKind::After => &self.after,
            HookKind::Stop => &self.stop,
            HookKind::Start => &self.start,
        };
        line.trim()
    }
}
