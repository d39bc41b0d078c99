//! What can be said of a source without opening it: size, owner, whether this process may read and write it.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::model::ComponentKind;
use crate::model::scan::{ScannedComponent, ScannedSource};
use crate::source::files::owners::Owners;
use crate::source::files::rules::with_suffix;
use crate::source::guard;

pub(super) struct Probe {
    root: PathBuf,
    owners: Owners,
}

impl Probe {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            owners: Owners::new(),
        }
    }

    pub fn exists(&self, source: &Path) -> bool {
        fs::symlink_metadata(self.root.join(source)).is_ok()
    }

    /// Of databases and configuration: sizes are those of the files, what a WAL holds included. Folders count as nothing.
    pub fn component(
        &mut self,
        name: String,
        kind: ComponentKind,
        sources: &[PathBuf],
    ) -> ScannedComponent {
        let size = |source: &PathBuf| {
            let path = self.root.join(source);
            let wal = match kind {
                ComponentKind::Database => file_size(&with_suffix(&path, "-wal")),
                ComponentKind::Config | ComponentKind::Files => 0,
            };
            file_size(&path) + wal
        };
        ScannedComponent {
            name,
            kind,
            size_bytes: sources.iter().map(size).sum(),
            sources: sources.iter().map(|source| self.source(source)).collect(),
        }
    }

    pub fn source(&self, source: &Path) -> ScannedSource {
        let path = self.root.join(source);
        let may = |what| access(&path, what).is_ok();
        let owner = fs::metadata(&path).or_else(|_| fs::symlink_metadata(&path));
        ScannedSource {
            path: source.to_path_buf(),
            readable: may(Access::READ_OK),
            writable: may(Access::WRITE_OK),
            owner: owner.map_or_else(
                |_| String::new(),
                |found| self.owners.user_or_number(found.uid()),
            ),
        }
    }
}

fn file_size(path: &Path) -> u64 {
    fs::metadata(path)
        .ok()
        .filter(Metadata::is_file)
        .map_or(0, |found| found.len())
}

pub(super) enum Header {
    Sqlite,
    Other,
    /// It cannot be opened.
    Unknown,
}

/// Regular files only, so that a FIFO hangs nobody.
pub(super) fn header(path: &Path) -> Header {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let mut start = [0; 16];
    match guard::open_plain(path).and_then(|mut file| file.read_exact(&mut start)) {
        Ok(()) if &start == MAGIC => Header::Sqlite,
        Ok(()) => Header::Other,
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => Header::Other,
            // A connection of this process holds it.
            io::ErrorKind::WouldBlock => Header::Sqlite,
            _ => Header::Unknown,
        },
    }
}
