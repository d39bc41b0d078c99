//! Entries on the disk, below one folder, never through a link: every step is relative to a folder that was opened without following.
//! Content is written by threads of its own. Names and links were checked before.

mod attributes;
mod pool;
mod removal;

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::stream::Shared;
use super::tar_read::TarEntry;
use super::unpack::UnpackPolicy;
use super::{OpenError, names};
use attributes::{Attributes, Faults};
use pool::{Job, NewFile, Pool};
pub use removal::remove_tree;

/// Below which entries are placed.
pub(super) struct Place {
    root: Arc<Folder>,
    policy: UnpackPolicy,
    /// The folder of the entry before, and those above it.
    stack: Vec<Arc<Folder>>,
    file: Option<Arc<OpenFile>>,
    pool: Pool,
    faults: Arc<Faults>,
    /// First parts of names that were made here.
    made: Vec<Vec<u8>>,
}

/// An open folder. Its attributes are set when the last entry in it is done, so that a folder without write permission can be filled.
struct Folder {
    fd: OwnedFd,
    name: Vec<u8>,
    path: PathBuf,
    at_last: std::sync::Mutex<Option<Attributes>>,
    faults: Arc<Faults>,
    /// Which writing thread fills it: two in one folder would wait for each other.
    lane: usize,
    /// Outlives this one: setting attributes of a child takes no right to its parent, making it did.
    _parent: Option<Arc<Folder>>,
}

impl Drop for Folder {
    fn drop(&mut self) {
        let at_last = self.at_last.get_mut().ok().and_then(Option::take);
        if let Some(attributes) = at_last {
            attributes.set(&self.fd, &self.path, &self.faults);
        }
    }
}

struct OpenFile {
    fd: OwnedFd,
    path: PathBuf,
    attributes: Attributes,
    folder: Arc<Folder>,
}

/// Folders that wait for their last file, each a descriptor: far fewer than the 1024 that a process may have by default.
const MAX_OPEN: usize = 256;

const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::RDONLY);
const NEW_FILE: OFlags = OFlags::CREATE
    .union(OFlags::EXCL)
    .union(OFlags::WRONLY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Place {
    pub(super) fn open(dir: &Path, policy: UnpackPolicy) -> Result<Self, OpenError> {
        let fault = |cause| OpenError::Write {
            path: dir.to_owned(),
            cause,
        };
        let path = std::path::absolute(dir).map_err(fault)?;
        // The caller's own folder may be reached by links of theirs.
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let fd = rustix::fs::open(&path, flags, Mode::empty()).map_err(|e| fault(e.into()))?;
        let faults = Arc::new(Faults::default());
        Ok(Self {
            root: Arc::new(Folder {
                fd,
                name: Vec::new(),
                path,
                at_last: std::sync::Mutex::new(None),
                faults: Arc::clone(&faults),
                lane: 0,
                _parent: None,
            }),
            policy,
            stack: Vec::new(),
            file: None,
            pool: Pool::start(&faults),
            faults,
            made: Vec::new(),
        })
    }

    /// Absolute.
    pub(super) fn base(&self) -> &Path {
        &self.root.path
    }

    pub(super) fn folder(&mut self, entry: &TarEntry) -> Result<(), OpenError> {
        let parts: Vec<&[u8]> = parts(&entry.name);
        let folder = self.enter(&parts, entry)?;
        let attributes = Attributes::of(entry, self.policy, &self.faults);
        if let Ok(mut at_last) = folder.at_last.lock() {
            *at_last = Some(attributes);
        }
        Ok(())
    }

    pub(super) fn begin_file(&mut self, entry: &TarEntry) -> Result<(), OpenError> {
        let (folder, name) = self.parent(entry)?;
        let path = folder.path.join(OsStr::from_bytes(name));
        let fd = rustix::fs::openat(&folder.fd, name, NEW_FILE, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| create_error(entry, &path, errno))?;
        self.file = Some(Arc::new(OpenFile {
            fd,
            path,
            attributes: Attributes::of(entry, self.policy, &self.faults),
            folder,
        }));
        Ok(())
    }

    pub(super) fn content(&mut self, content: Shared) -> Result<(), OpenError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let file = Arc::clone(file);
        self.pool.add(file.folder.lane, Job::More { file, content })
    }

    pub(super) fn end_file(&mut self) -> Result<(), OpenError> {
        match self.file.take() {
            Some(file) => self.pool.add(file.folder.lane, Job::End(file)),
            None => Ok(()),
        }
    }

    pub(super) fn small_file(
        &mut self,
        entry: &TarEntry,
        content: Shared,
    ) -> Result<(), OpenError> {
        let (folder, name) = self.parent(entry)?;
        let lane = folder.lane;
        let file = NewFile {
            folder,
            name: name.to_vec(),
            entry: names::show(&entry.name),
            attributes: Attributes::of(entry, self.policy, &self.faults),
            content,
        };
        self.pool.add(lane, Job::Whole(file))
    }

    /// A link out of its component is left out where the archive is not trusted.
    pub(super) fn symlink(&mut self, entry: &TarEntry) -> Result<(), OpenError> {
        let target = entry.link.as_deref().unwrap_or_default();
        // The component's folder and the link's own name do not count.
        let depth = parts(&entry.name).len().saturating_sub(2);
        if !self.policy.trusted && !stays_inside(target, depth) {
            self.faults.warn(format!(
                "`{}` links to `{}`, out of its component: left out",
                names::show(&entry.name),
                names::show(target)
            ));
            return Ok(());
        }
        let (folder, name) = self.parent(entry)?;
        let path = folder.path.join(OsStr::from_bytes(name));
        rustix::fs::symlinkat(target, &folder.fd, name)
            .map_err(|errno| create_error(entry, &path, errno))?;
        let attributes = Attributes::of(entry, self.policy, &self.faults);
        attributes.set_link(&folder.fd, name, &path, &self.faults);
        Ok(())
    }

    pub(super) fn hardlink(&mut self, entry: &TarEntry) -> Result<(), OpenError> {
        // The file may still be in the pool's hands.
        self.pool.wait()?;
        let target = entry.link.as_deref().unwrap_or_default();
        let (target_folder, target_name) = self.walk_to(target, entry)?;
        let (folder, name) = self.parent(entry)?;
        let path = folder.path.join(OsStr::from_bytes(name));
        // Without SYMLINK_FOLLOW the target itself is linked, whatever it is.
        rustix::fs::linkat(
            &target_folder,
            target_name,
            &folder.fd,
            name,
            AtFlags::empty(),
        )
        .map_err(|errno| create_error(entry, &path, errno))
    }

    /// Everything is on the disk with its attributes. Returns what could not be done as it should.
    pub(super) fn finish(&mut self) -> Result<Vec<String>, OpenError> {
        self.pool.wait()?;
        self.stack.clear();
        Ok(self.faults.take())
    }

    /// Removes what was made, as far as that goes: the error that led here is the one to tell.
    pub(super) fn undo(&mut self) {
        self.pool.give_up();
        self.file = None;
        self.stack.clear();
        for name in &self.made {
            let path = self.root.path.join(OsStr::from_bytes(name));
            let _ = std::fs::remove_file(&path).or_else(|_| remove_tree(&path));
        }
    }

    /// The folder of an entry, and the last part of its name.
    fn parent<'e>(&mut self, entry: &'e TarEntry) -> Result<(Arc<Folder>, &'e [u8]), OpenError> {
        let all = parts(&entry.name);
        let (name, above) = all
            .split_last()
            .ok_or_else(|| OpenError::refused_entry(&entry.name, "the name is empty"))?;
        let folder = self.enter(above, entry)?;
        if above.is_empty() {
            // Looked for first: what was there before is not ours to undo.
            let there = rustix::fs::statat(&self.root.fd, *name, AtFlags::SYMLINK_NOFOLLOW);
            match there {
                Err(Errno::NOENT) => self.made.push(name.to_vec()),
                Ok(_) => return Err(create_error(entry, &self.root.path, Errno::EXIST)),
                Err(errno) => return Err(write_error(&self.root.path, errno)),
            }
        }
        Ok((folder, name))
    }

    /// Opens, and makes, the folders of a path. Those of the entry before that still fit are open already.
    fn enter(&mut self, path: &[&[u8]], entry: &TarEntry) -> Result<Arc<Folder>, OpenError> {
        let common = self
            .stack
            .iter()
            .zip(path)
            .take_while(|(folder, part)| folder.name == **part)
            .count();
        self.stack.truncate(common);
        for (depth, part) in path.iter().enumerate().skip(common) {
            let parent = Arc::clone(self.stack.last().unwrap_or(&self.root));
            let folder = self.make(&parent, part, depth, entry)?;
            self.stack.push(Arc::new(folder));
        }
        Ok(Arc::clone(self.stack.last().unwrap_or(&self.root)))
    }

    fn make(
        &mut self,
        parent: &Arc<Folder>,
        name: &[u8],
        depth: usize,
        entry: &TarEntry,
    ) -> Result<Folder, OpenError> {
        // Every open folder shares the faults, so that their owners count the open folders.
        if Arc::strong_count(&self.faults) > MAX_OPEN {
            self.pool.wait()?;
        }
        let path = parent.path.join(OsStr::from_bytes(name));
        let mut at_last = None;
        match rustix::fs::mkdirat(&parent.fd, name, Mode::RWXU) {
            Ok(()) => {
                if depth == 0 {
                    self.made.push(name.to_vec());
                }
            }
            // Left before and come back to: it keeps the attributes that it has by now.
            Err(Errno::EXIST) if depth > 0 || self.made.iter().any(|made| made == name) => {
                self.pool.wait()?;
                at_last = Attributes::reopen(&parent.fd, name)
                    .map_err(|errno| write_error(&path, errno))?;
            }
            Err(errno) => return Err(create_error(entry, &path, errno)),
        }
        let fd = rustix::fs::openat(&parent.fd, name, DIRECTORY, Mode::empty())
            .map_err(|errno| create_error(entry, &path, errno))?;
        Ok(Folder {
            fd,
            name: name.to_vec(),
            path,
            at_last: std::sync::Mutex::new(at_last),
            faults: Arc::clone(&self.faults),
            lane: self.pool.next_lane(),
            _parent: Some(Arc::clone(parent)),
        })
    }

    /// The folder of an entry that is there, opened anew from the root, without following.
    fn walk_to<'t>(
        &self,
        target: &'t [u8],
        entry: &TarEntry,
    ) -> Result<(OwnedFd, &'t [u8]), OpenError> {
        let all = parts(target);
        let (name, above) = all
            .split_last()
            .ok_or_else(|| OpenError::refused_entry(&entry.name, "a hard link to nothing"))?;
        let mut path = self.root.path.clone();
        let mut fd = self.root.fd.try_clone().map_err(|cause| OpenError::Write {
            path: path.clone(),
            cause,
        })?;
        for part in above {
            path.push(OsStr::from_bytes(part));
            fd = rustix::fs::openat(&fd, *part, DIRECTORY, Mode::empty())
                .map_err(|errno| create_error(entry, &path, errno))?;
        }
        Ok((fd, name))
    }
}

fn parts(name: &[u8]) -> Vec<&[u8]> {
    name.split(|byte| *byte == b'/').collect()
}

/// Whether a link that lies `depth` folders below its component's stays in it, whatever other links are there: `..` leads up real folders
/// only at the beginning, after a name it may lead up from where another link goes.
fn stays_inside(target: &[u8], depth: usize) -> bool {
    if target.starts_with(b"/") {
        return false;
    }
    let mut up = 0;
    let mut down = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if down => return false,
            b".." => up += 1,
            _ => down = true,
        }
    }
    up <= depth
}

/// What stands in an entry's way in a fresh folder came from the archive; the rest is this machine's doing.
fn create_error(entry: &TarEntry, path: &Path, errno: Errno) -> OpenError {
    match errno {
        Errno::EXIST => {
            OpenError::refused_entry(&entry.name, "something of this name is there already")
        }
        Errno::LOOP | Errno::NOTDIR => {
            OpenError::refused_entry(&entry.name, "it leads through what is no folder")
        }
        other => write_error(path, other),
    }
}

fn write_error(path: &Path, errno: Errno) -> OpenError {
    OpenError::Write {
        path: path.to_owned(),
        cause: errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::stays_inside;

    #[test]
    fn a_link_stays_inside_only_where_no_other_link_can_lead_it_out() {
        for (target, depth, inside) in [
            ("a", 0, true),
            ("./a/b", 0, true),
            ("../a", 1, true),
            ("../../a", 2, true),
            ("..", 0, false),
            ("../a", 0, false),
            ("a/../b", 5, false),
            ("/etc", 3, false),
            (".//../x", 0, false),
        ] {
            assert_eq!(stays_inside(target.as_bytes(), depth), inside, "{target}");
        }
    }
}
