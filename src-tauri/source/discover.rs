//! Finds what an instance is made of. It opens no database: the header's bytes tell.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::scan::Scan;
use crate::model::{Instance, Template};

/// What would be backed up in a folder. `template` None: `tacacs` where `config/tacacs.conf` is found, else `auto`.
/// `own_data` (Holdfast's data folder) is left out.
pub fn scan(
    _root: &Path,
    _template: Option<Template>,
    _exclude: &[String],
    _own_data: &Path,
) -> Result<Scan, ScanError> {
    todo!()
}

/// The scan of an instance as it is now, with every component it is known to have: those not found any more are named in `missing`.
pub fn rescan(_instance: &Instance, _own_data: &Path) -> Result<(Scan, Vec<String>), ScanError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("`{0}` is not there")]
    Missing(PathBuf),
    #[error("`{0}` is not a folder")]
    NotAFolder(PathBuf),
    #[error("`{0}` cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Empty, or not mounted.
    #[error("`{0}` holds nothing to back up")]
    Nothing(PathBuf),
    #[error("the configuration `{path}` cannot be read: {reason}")]
    Config { path: PathBuf, reason: String },
    #[error("`{glob}` is not a glob: {reason}")]
    Glob { glob: String, reason: String },
}
