//! Brings file changes about, or takes them back. It decides nothing: the lists say what shall be where.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use sha2::{Digest, Sha256};

use super::change::{Change, Direction, Meta, RawPath, Spot, State};
use super::error::RestoreError;
use super::list::{Changes, Order};
use super::place::{Folders, Unset, copy, set_meta, times};
use crate::model::{Cancel, Observer, Phase, Progress};
use crate::source::files::warnings::Warnings;

type Result<T> = std::result::Result<T, RestoreError>;

/// Removals go children first, puts parents first; back is the mirror image of it. May be repeated after a crash.
pub(super) fn replay(
    changes: &Changes,
    direction: Direction,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Warnings> {
    let mut replay = Replay {
        direction,
        folders: Folders::default(),
        warnings: Warnings::default(),
        total: changes.bytes(direction),
        done: 0,
        cancel,
        observer,
    };
    let (first, second) = match direction {
        Direction::Forward => (&changes.removals, &changes.puts),
        Direction::Back => (&changes.puts, &changes.removals),
    };
    super::list::each(&first.0, Order::LastFirst, &mut |c| replay.bring(&c))?;
    super::list::each(&second.0, Order::FirstFirst, &mut |c| replay.bring(&c))?;
    // Folders last: what was made in them has changed their times, and some may not be written by their own mode.
    for list in [first, second] {
        super::list::each(&list.0, Order::LastFirst, &mut |c| replay.finish_dir(&c))?;
    }
    sync(changes)?;
    Ok(replay.warnings)
}

struct Replay<'a> {
    direction: Direction,
    folders: Folders,
    warnings: Warnings,
    total: u64,
    done: u64,
    cancel: &'a Cancel,
    observer: &'a dyn Observer,
}

impl Replay<'_> {
    fn bring(&mut self, change: &Change) -> Result<()> {
        self.cancel.check()?;
        let spot = &change.spot;
        let path = spot.path();
        let goal = change.goal(self.direction);
        self.observer.progress(&Progress {
            phase: match self.direction {
                Direction::Forward => Phase::Applying,
                Direction::Back => Phase::RollingBack,
            },
            done_bytes: self.done,
            total_bytes: self.total,
            what: path.display().to_string(),
        });
        let there = self.folders.stat(spot)?;
        let there = there.map(|s| FileType::from_raw_mode(s.st_mode));
        let Some((folder, name)) = self.folders.parent(spot)? else {
            return match goal {
                State::Absent => Ok(()),
                _ => Err(RestoreError::io(&path)(std::io::ErrorKind::NotFound.into())),
            };
        };
        let temporary = temporary_name(spot);
        // A crash may have left it.
        match fs::unlinkat(folder, &temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(cause) => return Err(RestoreError::errno(&path)(cause)),
        }
        let clear = |what: Option<FileType>| match what {
            Some(FileType::Directory) => fs::unlinkat(folder, name, AtFlags::REMOVEDIR),
            Some(_) => fs::unlinkat(folder, name, AtFlags::empty()),
            None => Ok(()),
        };
        match goal {
            State::Absent => match clear(there) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST) => {
                    let what = format!("`{}` stays: something else is in it", path.display());
                    self.warnings.add("folder_not_empty", what);
                }
                Err(cause) => return Err(RestoreError::errno(&path)(cause)),
            },
            State::Dir { .. } => {
                if there == Some(FileType::Directory) {
                    open_up(folder, name);
                } else {
                    clear(there).map_err(RestoreError::errno(&path))?;
                    fs::mkdirat(folder, name, Mode::RWXU).map_err(RestoreError::errno(&path))?;
                }
            }
            State::File {
                copy,
                size,
                sha256,
                meta,
                same_as,
            } => {
                if there == Some(FileType::Directory) {
                    clear(there).map_err(RestoreError::errno(&path))?;
                }
                let linked = same_as
                    .as_ref()
                    .is_some_and(|other| link(other, folder, &temporary));
                let unset = if linked {
                    Vec::new()
                } else {
                    write_file(
                        folder,
                        &temporary,
                        &copy.0,
                        (*size, sha256),
                        meta,
                        self.cancel,
                    )?
                };
                fs::renameat(folder, &temporary, folder, name)
                    .map_err(RestoreError::errno(&path))?;
                // Two names of one file renamed onto each other: both stay.
                if linked {
                    let _ = fs::unlinkat(folder, &temporary, AtFlags::empty());
                }
                self.done += size;
                self.note(&path, &unset);
            }
            State::Symlink { to, meta } => {
                if there == Some(FileType::Directory) {
                    clear(there).map_err(RestoreError::errno(&path))?;
                }
                let unset = make_symlink(folder, &temporary, to, meta, &path)?;
                fs::renameat(folder, &temporary, folder, name)
                    .map_err(RestoreError::errno(&path))?;
                self.note(&path, &unset);
            }
        }
        Ok(())
    }

    fn finish_dir(&mut self, change: &Change) -> Result<()> {
        let State::Dir { meta } = change.goal(self.direction) else {
            return Ok(());
        };
        let path = change.spot.path();
        let dir = self.folders.open(&change.spot, OFlags::DIRECTORY)?;
        let unset = set_meta(&dir, meta, &path)?;
        self.note(&path, &unset);
        Ok(())
    }

    fn note(&mut self, path: &Path, unset: &[Unset]) {
        for what in unset {
            let path = path.display();
            match what {
                Unset::Owner => self.warnings.add(
                    "owner_not_set",
                    format!("owner or group of `{path}` could not be set"),
                ),
                Unset::Xattr => self.warnings.add(
                    "attribute_not_set",
                    format!("extended attributes of `{path}` could not be set"),
                ),
            }
        }
    }
}

/// One flush of each file system instead of one a name: until then the journal says that the change is under way, and a crash
/// takes it back.
fn sync(changes: &Changes) -> Result<()> {
    let mut last: Option<RawPath> = None;
    for list in [&changes.removals, &changes.puts] {
        super::list::each(&list.0, Order::FirstFirst, &mut |change| {
            if last.as_ref() != Some(&change.spot.base) {
                sync_file_system(&change.spot.base.0)?;
                last = Some(change.spot.base);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Flushes everything of the file system that holds this path.
pub(super) fn sync_file_system(path: &Path) -> Result<()> {
    let folder = File::open(path).map_err(RestoreError::io(path))?;
    fs::syncfs(&folder).map_err(RestoreError::errno(path))
}

/// The name under which a path's new content is written. The same each time, so that a leftover is found.
fn temporary_name(spot: &Spot) -> String {
    use std::os::unix::ffi::OsStrExt;
    let digest = Sha256::digest(spot.path().as_os_str().as_bytes());
    format!(".holdfast-{}", hex::encode(&digest[..12]))
}

/// A folder that its owner may not write would refuse its new content; its mode is set again at the end.
fn open_up(folder: &OwnedFd, name: &std::ffi::OsStr) {
    if let Ok(stat) = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        && stat.st_mode & 0o700 != 0o700
    {
        let mode = Mode::from_raw_mode((stat.st_mode & 0o7777) | 0o700);
        // Where it is not ours the write itself will say so.
        let _ = fs::chmodat(folder, name, mode, AtFlags::empty());
    }
}

fn link(other: &Spot, folder: &OwnedFd, temporary: &str) -> bool {
    let mut folders = Folders::default();
    match folders.parent(other) {
        Ok(Some((from, name))) => {
            fs::linkat(from, name, folder, temporary, AtFlags::empty()).is_ok()
        }
        _ => false,
    }
}

fn write_file(
    folder: &OwnedFd,
    temporary: &str,
    from: &Path,
    expected: (u64, &str),
    meta: &Meta,
    cancel: &Cancel,
) -> Result<Vec<Unset>> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let content = File::open(from).map_err(RestoreError::io(from))?;
    let out = fs::openat(folder, temporary, flags, Mode::RUSR | Mode::WUSR)
        .map_err(RestoreError::errno(from))?;
    let mut out = File::from(out);
    let written = copy(content, from, &mut out, from, cancel).and_then(|(size, sha256)| {
        if (size, sha256.as_str()) == expected {
            set_meta(&out, meta, from)
        } else {
            Err(RestoreError::Content { path: from.into() })
        }
    });
    if written.is_err() {
        let _ = fs::unlinkat(folder, temporary, AtFlags::empty());
    }
    written
}

fn make_symlink(
    folder: &OwnedFd,
    temporary: &str,
    to: &RawPath,
    meta: &Meta,
    path: &Path,
) -> Result<Vec<Unset>> {
    fs::symlinkat(&to.0, folder, temporary).map_err(RestoreError::errno(path))?;
    let no_follow = AtFlags::SYMLINK_NOFOLLOW;
    let (uid, gid) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
    let owned = fs::chownat(folder, temporary, Some(uid), Some(gid), no_follow);
    fs::utimensat(folder, temporary, &times(meta), no_follow).map_err(RestoreError::errno(path))?;
    Ok(owned.err().map(|_| Unset::Owner).into_iter().collect())
}
