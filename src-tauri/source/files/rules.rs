//! What a walk leaves out, and why. It looks at names and inodes; what is in a file is not its business.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::ArchiveName;

use super::WalkError;

/// Suffixes of the files beside a database.
pub(crate) const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

pub(crate) struct Rules {
    pub root: PathBuf,
    exclude: GlobSet,
    /// With the reason; none where it belongs to another component.
    skip: HashMap<PathBuf, Option<&'static str>>,
    /// Other names of what is skipped.
    inodes: HashSet<(u64, u64)>,
}

pub(crate) enum Verdict {
    Walk,
    /// Another component has it: not worth a word.
    Elsewhere,
    LeftOut(&'static str),
}

impl Rules {
    pub fn new(root: &Path, exclude: &[String]) -> Result<Self, WalkError> {
        Ok(Self {
            root: root.to_path_buf(),
            exclude: compile(exclude)?,
            skip: HashMap::new(),
            inodes: HashSet::new(),
        })
    }

    pub fn skip(&mut self, path: &Path, reason: Option<&'static str>) {
        if let Ok(found) = std::fs::metadata(path)
            && found.is_file()
            && found.nlink() > 1
        {
            self.inodes.insert((found.dev(), found.ino()));
        }
        self.skip.insert(path.to_path_buf(), reason);
    }

    pub fn skip_with_side_files(&mut self, path: &Path) {
        self.skip(path, None);
        for end in SIDE_FILES {
            self.skip.insert(with_suffix(path, end), None);
        }
    }

    pub fn verdict(&self, path: &Path) -> Verdict {
        match self.skip.get(path) {
            Some(Some(reason)) => Verdict::LeftOut(reason),
            Some(None) => Verdict::Elsewhere,
            None if self.excluded(path) => Verdict::LeftOut("excluded"),
            None => Verdict::Walk,
        }
    }

    pub fn excluded(&self, path: &Path) -> bool {
        !self.exclude.is_empty()
            && path
                .strip_prefix(&self.root)
                .is_ok_and(|relative| self.exclude.is_match(relative))
    }

    pub fn is_other_name(&self, device: u64, inode: u64) -> bool {
        self.inodes.contains(&(device, inode))
    }
}

/// Folders that programs make again by themselves. `node_modules` is not among them: a service without it does not start.
pub(crate) fn is_cache_name(name: &OsStr) -> bool {
    name == "__pycache__" || name == ".cache"
}

/// An archive that this program made: a backup of backups would double with every run.
pub(crate) fn is_archive_name(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("backup-") && name.parse::<ArchiveName>().is_ok())
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn compile(globs: &[String]) -> Result<GlobSet, WalkError> {
    let refuse = |glob: &str, reason: String| WalkError::Glob {
        glob: glob.to_owned(),
        reason,
    };
    let mut set = GlobSetBuilder::new();
    for text in globs {
        let glob = text.strip_prefix("./").unwrap_or(text);
        let glob = glob.trim_start_matches('/').trim_end_matches('/');
        if glob.is_empty() {
            return Err(refuse(text, "it names nothing below the root".to_owned()));
        }
        if glob.split('/').any(|part| part == "..") {
            return Err(refuse(text, "it leaves the root".to_owned()));
        }
        let mut builder = GlobBuilder::new(glob);
        builder.literal_separator(true).backslash_escape(true);
        set.add(
            builder
                .build()
                .map_err(|e| refuse(text, e.kind().to_string()))?,
        );
    }
    set.build()
        .map_err(|e| refuse(e.glob().unwrap_or_default(), e.kind().to_string()))
}
