//! What a restore would change, as a value: shown to the user before, carried out after.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::execution::Warning;
use super::instance::ComponentKind;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RestorePlan {
    pub components: Vec<ComponentPlan>,
    /// Bytes to read from the place of the archive.
    #[cfg_attr(test, ts(type = "number"))]
    pub fetch_bytes: u64,
    /// Free bytes needed in the workspace and beside the live files together.
    #[cfg_attr(test, ts(type = "number"))]
    pub space_needed_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ComponentPlan {
    pub name: String,
    pub kind: ComponentKind,
    pub action: PlanAction,
    /// Where it goes, absolute.
    #[serde(with = "crate::model::path_text::all")]
    #[cfg_attr(test, ts(type = "string[]"))]
    pub targets: Vec<PathBuf>,
    /// `database`: rows now and then, by table. Names of tables of a second database of the component are `FILE: TABLE`.
    pub tables: BTreeMap<String, RowCounts>,
    /// `config`: settings that differ.
    pub settings: Vec<SettingChange>,
    /// `files`: what would appear, change and go.
    pub files: Option<FileChanges>,
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum PlanAction {
    /// Nothing is there: it is made.
    Create,
    /// What is there is replaced (a tree is mirrored).
    Replace,
    /// Equal already.
    Unchanged,
    /// It cannot be restored as things are; the warnings say why.
    Blocked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RowCounts {
    #[cfg_attr(test, ts(type = "number | null"))]
    pub live: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub archive: Option<u64>,
}

/// Values of settings that look secret are redacted on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SettingChange {
    /// `section.key`.
    pub setting: String,
    pub live: Option<String>,
    pub archive: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FileChanges {
    #[cfg_attr(test, ts(type = "number"))]
    pub appear: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub change: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub go: u64,
    /// The first hundred of each, relative to the component.
    pub appearing: Vec<String>,
    pub changing: Vec<String>,
    pub going: Vec<String>,
}
