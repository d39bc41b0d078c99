//! Walks trees, one entry at a time, in byte order of their names within each folder, never through a link, never into what is left out.
//! It crosses mounts, because a volume mounted into a service's folder belongs to the service, but not into kernel file systems.
//! It opens no file's content and keeps no list of what it saw: a folder's names and open hard links are all that is in memory.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{self, Access, AtFlags, Stat};

use crate::model::Warning;
use crate::model::manifest::EntryType;

pub(crate) mod owners;
pub(crate) mod rules;
pub(crate) mod tree;
pub(crate) mod warnings;

use owners::Owners;
use rules::Rules;
use tree::{Event, Found, Seen};
use warnings::Warnings;

/// What a walk is told to leave out, besides what it always leaves out: caches (`__pycache__`, `.cache`, folders with a valid
/// `CACHEDIR.TAG`), sockets, devices, FIFOs, kernel file systems, and archives made by this program.
pub struct WalkRules {
    /// Globs relative to the root. `*` and `?` stop at `/`, `**` does not; a folder that matches is left out with all that is in it.
    pub exclude: Vec<String>,
    /// Absolute: databases of the instance, configuration files, Holdfast's own data. `-wal`, `-shm` and `-journal` of each are implied,
    /// and so are other hard links to it.
    pub skip: Vec<PathBuf>,
}

/// One entry of a tree, with what its archive entry needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkEntry {
    /// Absolute.
    pub path: PathBuf,
    /// Relative to the component's folder in the archive, raw bytes, `/`-separated: the path below the root, or `.outside/` and the
    /// absolute path for a source outside it. A source that is the root itself has no entry of its own.
    pub name: Vec<u8>,
    pub entry: EntryType,
    /// Symbolic: as stored. Hard: the `name` of the first entry of this inode.
    pub link: Option<Vec<u8>>,
    /// Of a file's content; 0 for all else.
    pub size: u64,
    /// The low 12 bits.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Empty where the number has no name.
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
    /// ACLs among them. In byte order of their names.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// Walks the sources of a `files` component. What cannot be read is a warning, a source that is gone an error.
pub fn walk(
    root: &Path,
    sources: &[PathBuf],
    rules: &WalkRules,
    each: &mut dyn FnMut(WalkEntry) -> Result<(), WalkError>,
) -> Result<Vec<Warning>, WalkError> {
    let mut compiled = Rules::new(root, &rules.exclude)?;
    for path in &rules.skip {
        compiled.skip_with_side_files(path);
    }
    let mut walk = Walk {
        root,
        owners: Owners::new(),
        hard_links: HashMap::new(),
        no_xattrs_on: None,
        warnings: Warnings::default(),
        each,
    };
    for source in sources {
        let base: PathBuf = root.join(source).components().collect();
        tree::traverse(&base, &compiled, &mut |event| walk.take(event))?;
    }
    Ok(walk.warnings.into_vec())
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
    #[error("`{glob}` is not a glob: {reason}")]
    Glob { glob: String, reason: String },
    /// The receiver's own error, passed through.
    #[error("stopped by the receiver")]
    Stopped(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}

/// Inodes with open hard links that are remembered at once. Beyond it links become copies, with a warning: memory stays bounded.
const HARD_LINKS: usize = 500_000;

struct Walk<'a> {
    root: &'a Path,
    owners: Owners,
    /// The first name of an inode, and how many of its names were not seen yet.
    hard_links: HashMap<(u64, u64), (Vec<u8>, u64)>,
    /// The last device that said it has no extended attributes: a million calls saved.
    no_xattrs_on: Option<u64>,
    warnings: Warnings,
    each: &'a mut dyn FnMut(WalkEntry) -> Result<(), WalkError>,
}

impl Walk<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), WalkError> {
        match event {
            Event::Seen(seen) => self.entry(&seen),
            Event::LeftOut { path, reason } => {
                let path = path.display();
                match reason {
                    "socket" | "device" | "special" => {
                        let what = format!("`{path}` is left out: {reason}");
                        self.warnings.add("special_file", what);
                    }
                    "other_name" => {
                        let what = format!(
                            "`{path}` is another name of a file that is backed up on its own"
                        );
                        self.warnings.add("other_name", what);
                    }
                    _ => {}
                }
                Ok(())
            }
            Event::Unreadable { path, cause } => {
                self.unreadable(path, &cause);
                Ok(())
            }
        }
    }

    fn entry(&mut self, seen: &Seen<'_>) -> Result<(), WalkError> {
        if seen.path == self.root {
            return Ok(());
        }
        let name = entry_name(self.root, seen.path);
        let stat = seen.stat;
        let (entry, link, size) = match seen.found {
            Found::Dir { .. } => (EntryType::Dir, None, 0),
            Found::Symlink => match fs::readlinkat(seen.dir, seen.name, Vec::new()) {
                Ok(target) => (EntryType::Symlink, Some(target.into_bytes()), 0),
                Err(cause) => {
                    self.skipped(seen.path, &cause.into());
                    return Ok(());
                }
            },
            Found::File => match self.file(seen, &name) {
                Ok(kind) => kind,
                Err(cause) => {
                    self.skipped(seen.path, &cause);
                    return Ok(());
                }
            },
        };
        let mtime = self.mtime(seen);
        let xattrs = match entry {
            EntryType::File | EntryType::Dir => self.xattrs(seen),
            EntryType::Symlink | EntryType::Hardlink => Vec::new(),
        };
        (self.each)(WalkEntry {
            path: seen.path.to_path_buf(),
            name,
            entry,
            link,
            size,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid.into(),
            gid: stat.st_gid.into(),
            user: self.owners.user(stat.st_uid),
            group: self.owners.group(stat.st_gid),
            mtime,
            xattrs,
        })
    }

    /// A file, or one more name of a file that was given already.
    fn file(
        &mut self,
        seen: &Seen<'_>,
        name: &[u8],
    ) -> io::Result<(EntryType, Option<Vec<u8>>, u64)> {
        let stat = seen.stat;
        // Everybody may read it: no need to ask.
        if stat.st_mode & 0o444 != 0o444 {
            fs::accessat(seen.dir, seen.name, Access::READ_OK, AtFlags::EACCESS)?;
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let links = link_count(stat);
        if links < 2 {
            return Ok((EntryType::File, None, size));
        }
        let inode = (stat.st_dev, stat.st_ino);
        if let Some((first, left)) = self.hard_links.get_mut(&inode) {
            let first = if *left > 1 {
                *left -= 1;
                first.clone()
            } else {
                // Its last name: nobody will ask again.
                self.hard_links
                    .remove(&inode)
                    .map_or_else(Vec::new, |e| e.0)
            };
            return Ok((EntryType::Hardlink, Some(first), 0));
        }
        if self.hard_links.len() < HARD_LINKS {
            self.hard_links.insert(inode, (name.to_vec(), links - 1));
        } else {
            let what = format!("`{}` is stored as a copy", seen.path.display());
            self.warnings.add("too_many_hard_links", what);
        }
        Ok((EntryType::File, None, size))
    }

    fn mtime(&mut self, seen: &Seen<'_>) -> Timestamp {
        let (seconds, nanos) = (seen.stat.st_mtime, seen.stat.st_mtime_nsec);
        let nanos = i32::try_from(nanos).unwrap_or(0);
        Timestamp::new(seconds, nanos).unwrap_or_else(|_| {
            let what = format!("`{}` has a time beyond year 9999", seen.path.display());
            self.warnings.add("mtime_out_of_range", what);
            if seconds < 0 {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            }
        })
    }

    fn xattrs(&mut self, seen: &Seen<'_>) -> Vec<(String, Vec<u8>)> {
        if self.no_xattrs_on == Some(seen.stat.st_dev) {
            return Vec::new();
        }
        let names = match xattr::list(seen.path) {
            Ok(names) => names,
            Err(cause) => {
                if cause.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) {
                    self.no_xattrs_on = Some(seen.stat.st_dev);
                } else {
                    self.no_attribute(seen.path, "all", &cause);
                }
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for name in names {
            let Some(text) = name.to_str() else {
                let cause = io::Error::other("its name is not UTF-8");
                self.no_attribute(seen.path, &name.to_string_lossy(), &cause);
                continue;
            };
            match xattr::get(seen.path, &name) {
                Ok(Some(value)) => found.push((text.to_owned(), value)),
                // Gone meanwhile.
                Ok(None) => {}
                Err(cause) => self.no_attribute(seen.path, text, &cause),
            }
        }
        found.sort_unstable();
        found
    }

    fn no_attribute(&mut self, path: &Path, name: &str, cause: &io::Error) {
        let what = format!("`{}`: attribute {name}: {cause}", path.display());
        self.warnings.add("attribute_unread", what);
    }

    fn unreadable(&mut self, path: &Path, cause: &io::Error) {
        let what = format!("`{}` cannot be read: {cause}", path.display());
        self.warnings.add("unreadable", what);
    }

    fn skipped(&mut self, path: &Path, cause: &io::Error) {
        // Removed since the folder was listed: as if it had been removed a moment earlier.
        if cause.kind() != io::ErrorKind::NotFound {
            self.unreadable(path, cause);
        }
    }
}

// `nlink_t` is 32 bits wide on some targets.
#[allow(clippy::useless_conversion)]
fn link_count(stat: &Stat) -> u64 {
    u64::from(stat.st_nlink)
}

fn entry_name(root: &Path, path: &Path) -> Vec<u8> {
    if let Ok(relative) = path.strip_prefix(root) {
        return relative.as_os_str().as_bytes().to_vec();
    }
    let below = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let mut name = b".outside".to_vec();
    for part in below.map(OsStr::as_bytes) {
        name.push(b'/');
        name.extend_from_slice(part);
    }
    name
}
