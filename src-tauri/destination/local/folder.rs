//! A folder as an open descriptor: everything below it is reached one name at a time and never through a link, so that nothing leads
//! out of the base path, not even while somebody moves things about.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

const FOLDER_MODE: u32 = 0o700;
pub(super) const FILE_MODE: u32 = 0o600;

pub(super) struct Folder {
    fd: OwnedFd,
    /// For messages.
    path: String,
}

impl Folder {
    /// `Unreachable` where it is not there: below a mount point that is the usual reason, and it may come back.
    pub fn open_base(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let fd = rustix::fs::open(path, folder_flags(), Mode::empty()).map_err(|e| match e {
            Errno::NOENT => {
                let detail =
                    format!("the folder `{shown}` is not there; its disk may not be mounted");
                DestinationError::without_base(detail)
            }
            e => DestinationError::io(format!("the folder `{shown}` cannot be opened"), e),
        })?;
        Ok(Self { fd, path: shown })
    }

    /// None where it is not there.
    pub fn enter(&self, name: &str) -> Result<Option<Self>> {
        match rustix::fs::openat(&self.fd, name, folder_flags(), Mode::empty()) {
            Ok(fd) => Ok(Some(Self {
                fd,
                path: self.shown(name),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.failed("open the folder", name, e)),
        }
    }

    pub fn enter_or_make(&self, name: &str) -> Result<Self> {
        if let Some(folder) = self.enter(name)? {
            return Ok(folder);
        }
        match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(FOLDER_MODE)) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(e) => return Err(self.failed("make the folder", name, e)),
        }
        self.enter(name)?
            .ok_or_else(|| self.failed("open the folder", name, Errno::NOENT))
    }

    /// None where it is not there. A link is not followed, a pipe not waited for; only a regular file is opened.
    pub fn open_file(&self, name: &str) -> Result<Option<(File, Stat)>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(self.failed("open", name, e)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|e| self.failed("look at", name, e))?;
        self.regular(name, &stat)?;
        Ok(Some((File::from(fd), stat)))
    }

    /// A new file that only its owner can read, open for reading and writing.
    pub fn create_file(&self, name: &str) -> Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(FILE_MODE))
            .map(File::from)
            .map_err(|e| self.failed("make", name, e))
    }

    /// None where nothing of this name is there; an error where it is no regular file.
    pub fn stat(&self, name: &str) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => self.regular(name, &stat).map(|()| Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.failed("look at", name, e)),
        }
    }

    pub fn exists(&self, name: &str) -> Result<bool> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(self.failed("look at", name, e)),
        }
    }

    /// Missing is success.
    pub fn unlink(&self, name: &str) -> Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(self.failed("delete", name, e)),
        }
    }

    /// Whether it went; one that is not empty stays.
    pub fn remove_if_empty(&self, name: &str) -> bool {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR).is_ok()
    }

    /// Create-only. File systems that cannot rename so (NFS, some of FUSE's) can link.
    pub fn publish(&self, temporary: &str, name: &str) -> Result<()> {
        let renamed =
            rustix::fs::renameat_with(&self.fd, temporary, &self.fd, name, RenameFlags::NOREPLACE);
        match renamed {
            Ok(()) => Ok(()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.publish_by_link(temporary, name)
            }
            Err(e) => Err(self.failed("publish", name, e)),
        }
    }

    fn publish_by_link(&self, temporary: &str, name: &str) -> Result<()> {
        rustix::fs::linkat(&self.fd, temporary, &self.fd, name, AtFlags::empty())
            .map_err(|e| self.failed("publish", name, e))?;
        self.unlink(temporary)
    }

    /// What was made, renamed or deleted in it outlives a power cut.
    pub fn sync(&self) -> Result<()> {
        match rustix::fs::fsync(&self.fd) {
            // Some network file systems keep no folders to be written.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(e) => Err(DestinationError::io(
                format!("`{}` cannot be synced", self.path),
                e,
            )),
        }
    }

    pub fn entries(&self) -> Result<Dir> {
        Dir::read_from(&self.fd).map_err(|e| self.unlistable(e))
    }

    pub fn unlistable(&self, cause: Errno) -> DestinationError {
        DestinationError::io(format!("`{}` cannot be listed", self.path), cause)
    }

    /// Bytes that this user may still write.
    pub fn free_space(&self) -> Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.fd).map_err(|e| {
            DestinationError::io(format!("the free space of `{}` is unknown", self.path), e)
        })?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    pub fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    pub fn failed(&self, act: &str, name: &str, cause: Errno) -> DestinationError {
        DestinationError::io(format!("cannot {act} `{}`", self.shown(name)), cause)
    }

    fn regular(&self, name: &str, stat: &Stat) -> Result<()> {
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            return Ok(());
        }
        let detail = format!("`{}` is no regular file", self.shown(name));
        Err(DestinationError::new(ErrorKind::Forbidden, detail))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn publishing_by_link_is_create_only_too() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("t1"), "one").unwrap();
        fs::write(dir.path().join("t2"), "two").unwrap();
        let folder = Folder::open_base(dir.path()).unwrap();
        folder.publish_by_link("t1", "a").unwrap();
        let refused = folder.publish_by_link("t2", "a").unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Exists);
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "one");
        assert!(!dir.path().join("t1").exists());
        assert!(dir.path().join("t2").exists());
    }
}
