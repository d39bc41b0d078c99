//! Walks trees, one entry at a time, in byte order of their names, never through a link, never into what is left out.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::Warning;
use crate::model::manifest::EntryType;

/// What a walk is told to leave out.
pub struct WalkRules {
    /// Globs relative to the root.
    pub exclude: Vec<String>,
    /// Absolute: databases of the instance and their side files, configuration files, Holdfast's own data.
    pub skip: Vec<PathBuf>,
}

/// One entry of a tree, with what its archive entry needs.
pub struct WalkEntry {
    /// Absolute.
    pub path: PathBuf,
    /// Relative to the component's folder in the archive, raw bytes, `/`-separated.
    pub name: Vec<u8>,
    pub entry: EntryType,
    /// Symbolic: as stored. Hard: the `name` of the first entry of this inode.
    pub link: Option<Vec<u8>>,
    pub size: u64,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// Walks the sources of a `files` component. What cannot be read is a warning, a source that is gone an error.
pub fn walk(
    _root: &Path,
    _sources: &[PathBuf],
    _rules: &WalkRules,
    _each: &mut dyn FnMut(WalkEntry) -> Result<(), WalkError>,
) -> Result<Vec<Warning>, WalkError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("`{0}` is not there")]
    Missing(PathBuf),
    #[error("reading `{path}` failed")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The receiver's own error, passed through.
    #[error("stopped by the receiver")]
    Stopped(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}
