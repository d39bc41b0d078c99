//! Live paths by folder descriptors: no name below a spot's base is ever reached through a link, even if one is put there meanwhile.
//! What a state means and which order is right is decided elsewhere.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use sha2::{Digest, Sha256};
use xattr::FileExt as _;

use super::change::{Meta, RawPath, Spot, State};
use super::error::RestoreError;
use crate::model::Cancel;

type Result<T> = std::result::Result<T, RestoreError>;

const COPY_BUFFER: usize = 256 * 1024;

/// Opened folders. The last one is kept, because neighbours in a tree come in a row.
#[derive(Default)]
pub(super) struct Folders {
    last: Option<(PathBuf, OwnedFd)>,
}

impl Folders {
    /// The folder that holds the spot, and its name there. None where there is no such folder: then nothing is at the spot either.
    pub fn parent<'a>(&mut self, spot: &'a Spot) -> Result<Option<(&OwnedFd, &'a OsStr)>> {
        let path = spot.path();
        let name = spot
            .below
            .0
            .file_name()
            .ok_or_else(|| bad_name(&path, "it has no name"))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        if self.last.as_ref().is_none_or(|(open, _)| *open != folder) {
            let above = spot.below.0.parent().unwrap_or(Path::new(""));
            let Some(fd) = open_below(&spot.base.0, above)? else {
                return Ok(None);
            };
            self.last = Some((folder, fd));
        }
        Ok(self.last.as_ref().map(|(_, fd)| (fd, name)))
    }

    /// What is there now, links not followed. None where nothing is.
    pub fn stat(&mut self, spot: &Spot) -> Result<Option<Stat>> {
        let Some((folder, name)) = self.parent(spot)? else {
            return Ok(None);
        };
        match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(RestoreError::errno(&spot.path())(cause)),
        }
    }

    /// Opened for reading, with `extra` flags; never through a link, never a FIFO.
    pub fn open(&mut self, spot: &Spot, extra: OFlags) -> Result<File> {
        let path = spot.path();
        let Some((folder, name)) = self.parent(spot)? else {
            return Err(RestoreError::io(&path)(io::ErrorKind::NotFound.into()));
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | extra;
        fs::openat(folder, name, flags, Mode::empty())
            .map(File::from)
            .map_err(RestoreError::errno(&path))
    }

    /// What is there, as a state. A file's bytes are copied to `keep`.
    pub fn state(&mut self, spot: &Spot, keep: &Path, cancel: &Cancel) -> Result<State> {
        let path = spot.path();
        let Some(stat) = self.stat(spot)? else {
            return Ok(State::Absent);
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Ok(State::Dir {
                meta: meta_of(&stat, xattrs(&self.open(spot, OFlags::DIRECTORY)?)),
            }),
            FileType::RegularFile => {
                let file = self.open(spot, OFlags::empty())?;
                let out = File::create_new(keep).map_err(RestoreError::io(keep))?;
                let (size, sha256) = copy(&file, &path, out, keep, cancel)?;
                Ok(State::File {
                    copy: keep.into(),
                    size,
                    sha256,
                    meta: meta_of(&stat, xattrs(&file)),
                    same_as: None,
                })
            }
            FileType::Symlink => Ok(State::Symlink {
                to: self.link_target(spot)?,
                meta: meta_of(&stat, BTreeMap::new()),
            }),
            _ => Err(bad_name(&path, "it is a socket, a device or a FIFO")),
        }
    }

    pub fn link_target(&mut self, spot: &Spot) -> Result<RawPath> {
        let path = spot.path();
        let Some((folder, name)) = self.parent(spot)? else {
            return Err(RestoreError::io(&path)(io::ErrorKind::NotFound.into()));
        };
        let to = fs::readlinkat(folder, name, Vec::new()).map_err(RestoreError::errno(&path))?;
        Ok(RawPath(OsString::from_vec(to.into_bytes()).into()))
    }
}

/// A folder below a resolved one, each step without following a link. None where a step is missing or is no folder.
fn open_below(base: &Path, below: &Path) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = match fs::open(base, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(cause) => return Err(RestoreError::errno(base)(cause)),
    };
    for step in below.components() {
        let Component::Normal(name) = step else {
            return Err(bad_name(&base.join(below), "its name has `.` or `..`"));
        };
        folder = match fs::openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(cause) => return Err(RestoreError::errno(&base.join(below))(cause)),
        };
    }
    Ok(Some(folder))
}

fn bad_name(path: &Path, reason: &'static str) -> RestoreError {
    RestoreError::Target {
        source_path: path.display().to_string(),
        reason,
    }
}

/// Copies all bytes; returns how many and their SHA-256.
pub(super) fn copy(
    mut from: impl Read,
    from_path: &Path,
    mut to: impl Write,
    to_path: &Path,
    cancel: &Cancel,
) -> Result<(u64, String)> {
    let mut buffer = vec![0; COPY_BUFFER];
    let (mut size, mut digest) = (0_u64, Sha256::new());
    loop {
        cancel.check()?;
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(RestoreError::io(from_path)(cause)),
        };
        digest.update(&buffer[..n]);
        to.write_all(&buffer[..n])
            .map_err(RestoreError::io(to_path))?;
        size += n as u64;
    }
    Ok((size, hex::encode(digest.finalize())))
}

pub(super) fn meta_of(stat: &Stat, xattrs: BTreeMap<String, String>) -> Meta {
    Meta {
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (
            stat.st_mtime,
            u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        ),
        xattrs,
    }
}

/// Those that can be read and have a UTF-8 name; a file system without them has none.
pub(super) fn xattrs(file: &File) -> BTreeMap<String, String> {
    let Ok(names) = file.list_xattr() else {
        return BTreeMap::new();
    };
    let one = |name: OsString| {
        let value = file.get_xattr(&name).ok()??;
        Some((name.to_str()?.to_owned(), STANDARD.encode(value)))
    };
    names.filter_map(one).collect()
}

/// What of a `Meta` could not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    Owner,
    Xattr,
}

/// Owner first, because changing it clears set-user-id bits; the time last, because the others change it.
pub(super) fn set_meta(file: &File, meta: &Meta, path: &Path) -> Result<Vec<Unset>> {
    let mut unset = Vec::new();
    let (uid, gid) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
    if fs::fchown(file, Some(uid), Some(gid)).is_err() {
        // A group of one's own may still be given.
        let _ = fs::fchown(file, None, Some(gid));
        unset.push(Unset::Owner);
    }
    // A set-user-id bit must not end up at an owner for whom it was not meant.
    let mode = if unset.is_empty() {
        meta.mode
    } else {
        meta.mode & 0o1777
    };
    fs::fchmod(file, Mode::from_raw_mode(mode)).map_err(RestoreError::errno(path))?;
    if xattrs(file) != meta.xattrs && !set_xattrs(file, &meta.xattrs) {
        unset.push(Unset::Xattr);
    }
    fs::futimens(file, &times(meta)).map_err(RestoreError::errno(path))?;
    Ok(unset)
}

fn set_xattrs(file: &File, wanted: &BTreeMap<String, String>) -> bool {
    let mut all = true;
    for name in xattrs(file).keys().filter(|n| !wanted.contains_key(*n)) {
        all &= file.remove_xattr(name).is_ok();
    }
    for (name, value) in wanted {
        let set = STANDARD
            .decode(value)
            .is_ok_and(|value| file.set_xattr(name, &value).is_ok());
        all &= set;
    }
    all
}

pub(super) fn times(meta: &Meta) -> Timestamps {
    let at = Timespec {
        tv_sec: meta.mtime.0,
        tv_nsec: meta.mtime.1.into(),
    };
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}
