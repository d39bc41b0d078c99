//! Owner, mode, times and extended attributes of what was placed. Failures are warnings: the content is there.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;
use rustix::fs::{AtFlags, FileType, Gid, Mode, RawMode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::archive::names;
use crate::archive::tar_read::TarEntry;
use crate::archive::unpack::UnpackPolicy;
use crate::model::manifest::EntryType;

/// What an entry gets once its content is there.
pub(super) struct Attributes {
    mode: Mode,
    owner: Option<(Uid, Gid)>,
    times: Timestamps,
    xattrs: Vec<(String, Vec<u8>)>,
}

const SET_ID: u32 = 0o6000;

impl Attributes {
    /// What the policy lets it have.
    pub(super) fn of(entry: &TarEntry, policy: UnpackPolicy, faults: &Faults) -> Self {
        let mut mode = entry.mode;
        if !policy.trusted && mode & SET_ID != 0 && entry.entry == EntryType::File {
            mode &= !SET_ID;
            faults.warn(format!(
                "`{}` is not made set-user-id or set-group-id",
                names::show(&entry.name)
            ));
        }
        let (allowed, kept_back): (Vec<_>, Vec<_>) = entry
            .xattrs
            .iter()
            .cloned()
            .partition(|(name, _)| policy.trusted || is_harmless(name));
        for (name, _) in kept_back {
            let entry = names::show(&entry.name);
            faults.warn(format!("`{entry}` does not get the attribute `{name}`"));
        }
        let owner = match (u32::try_from(entry.uid), u32::try_from(entry.gid)) {
            // The highest number means nobody at all.
            (Ok(uid), Ok(gid)) if policy.owners && uid != u32::MAX && gid != u32::MAX => {
                Some((Uid::from_raw(uid), Gid::from_raw(gid)))
            }
            _ => None,
        };
        Self {
            mode: Mode::from_raw_mode(mode as RawMode),
            owner,
            times: times(entry.mtime),
            xattrs: allowed,
        }
    }

    /// The present attributes of a folder that is entered again, which is opened for writing meanwhile. None where it need not be touched.
    pub(super) fn reopen(parent: &OwnedFd, name: &[u8]) -> Result<Option<Self>, Errno> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(None);
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        if !mode.contains(Mode::RWXU) {
            // It is a folder, and nobody else is at work here.
            rustix::fs::chmodat(parent, name, mode | Mode::RWXU, AtFlags::empty())?;
        }
        Ok(Some(Self {
            mode,
            owner: None,
            times: Timestamps {
                last_access: KEEP,
                last_modification: Timespec {
                    tv_sec: stat.st_mtime,
                    tv_nsec: stat.st_mtime_nsec.cast_signed() as _,
                },
            },
            xattrs: Vec::new(),
        }))
    }

    /// Owner first: changing it takes set-user-id bits away. Access lists after the mode, which they refine.
    pub(super) fn set(&self, fd: &OwnedFd, path: &Path, faults: &Faults) {
        let tell = |what: &str, result: Result<(), Errno>| faults.tell(path, what, result);
        if let Some((uid, gid)) = self.owner {
            tell(
                "owner",
                rustix::fs::fchown(fd.as_fd(), Some(uid), Some(gid)),
            );
        }
        tell("mode", rustix::fs::fchmod(fd.as_fd(), self.mode));
        for (name, value) in &self.xattrs {
            let set = rustix::fs::fsetxattr(fd.as_fd(), name.as_str(), value, XattrFlags::empty());
            tell(name, set);
        }
        tell("time", rustix::fs::futimens(fd.as_fd(), &self.times));
    }

    /// A symbolic link has no mode, and on Linux no attributes of a user's.
    pub(super) fn set_link(&self, folder: &OwnedFd, name: &[u8], path: &Path, faults: &Faults) {
        if let Some((uid, gid)) = self.owner {
            let owner = rustix::fs::chownat(
                folder,
                name,
                Some(uid),
                Some(gid),
                AtFlags::SYMLINK_NOFOLLOW,
            );
            faults.tell(path, "owner", owner);
        }
        let times = rustix::fs::utimensat(folder, name, &self.times, AtFlags::SYMLINK_NOFOLLOW);
        faults.tell(path, "time", times);
    }
}

/// Attributes that give no rights beyond what a mode gives. Capabilities and security labels do.
fn is_harmless(name: &str) -> bool {
    name.starts_with("user.") || name.starts_with("system.posix_acl_")
}

const KEEP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: rustix::fs::UTIME_OMIT,
};

fn times(mtime: Timestamp) -> Timestamps {
    const SECOND: i128 = 1_000_000_000;
    // Before 1970 the fraction counts forward from the earlier second.
    let nanos = mtime.as_nanosecond();
    Timestamps {
        last_access: KEEP,
        last_modification: Timespec {
            // A `Timestamp` spans twenty thousand years: neither number is cut.
            tv_sec: i64::try_from(nanos.div_euclid(SECOND)).unwrap_or(0),
            tv_nsec: i64::try_from(nanos.rem_euclid(SECOND)).unwrap_or(0) as _,
        },
    }
}

/// What could not be done as it should, in words, up to a number.
#[derive(Default)]
pub(super) struct Faults(Mutex<(Vec<String>, u64)>);

const MAX_WARNINGS: usize = 100;

impl Faults {
    pub(super) fn warn(&self, text: String) {
        if let Ok(mut faults) = self.0.lock() {
            if faults.0.len() < MAX_WARNINGS {
                faults.0.push(text);
            } else {
                faults.1 += 1;
            }
        }
    }

    fn tell(&self, path: &Path, what: &str, result: Result<(), Errno>) {
        if let Err(errno) = result {
            let path = path.display();
            self.warn(format!("the {what} of `{path}` cannot be set: {errno}"));
        }
    }

    pub(super) fn take(&self) -> Vec<String> {
        let Ok(mut faults) = self.0.lock() else {
            return Vec::new();
        };
        let (mut texts, more) = std::mem::take(&mut *faults);
        if more > 0 {
            texts.push(format!("{more} more warnings"));
        }
        texts
    }
}
