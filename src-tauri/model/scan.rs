//! What would be backed up in a folder: the answer of `instance scan`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::execution::Warning;
use super::instance::{Component, ComponentKind, Template};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Scan {
    /// The root folder, absolute, links resolved.
    #[serde(with = "crate::model::path_text")]
    #[cfg_attr(test, ts(type = "string"))]
    pub path: PathBuf,
    pub template: Template,
    pub components: Vec<ScannedComponent>,
    /// What lies in the folder and is left out, each with its reason.
    pub left_out: Vec<LeftOut>,
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ScannedComponent {
    pub name: String,
    pub kind: ComponentKind,
    pub sources: Vec<ScannedSource>,
    /// Side files that hold committed rows included.
    #[cfg_attr(test, ts(type = "number"))]
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ScannedSource {
    /// Relative to the root, absolute where it lies outside.
    #[serde(with = "crate::model::path_text")]
    #[cfg_attr(test, ts(type = "string"))]
    pub path: PathBuf,
    pub readable: bool,
    pub writable: bool,
    /// A login name, or the number where it has none.
    pub owner: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct LeftOut {
    #[serde(with = "crate::model::path_text")]
    #[cfg_attr(test, ts(type = "string"))]
    pub path: PathBuf,
    /// `side_file`, `socket`, `device`, `cache`, `own_data`, `excluded`, `special`.
    pub reason: String,
}

impl Scan {
    /// The components as an instance keeps them.
    #[must_use]
    pub fn components(&self) -> Vec<Component> {
        let keep = |c: &ScannedComponent| Component {
            name: c.name.clone(),
            kind: c.kind,
            sources: c.sources.iter().map(|s| s.path.clone()).collect(),
        };
        self.components.iter().map(keep).collect()
    }
}
