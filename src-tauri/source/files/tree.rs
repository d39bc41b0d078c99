//! Goes through a tree by folder descriptors, so that no link is followed and no folder can be swapped for a link on the way. It tells
//! what it sees and what it leaves out; what becomes of that is the caller's.

use std::ffi::{CStr, CString, OsStr};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::source::guard;

use super::WalkError;
use super::rules::{Rules, Verdict, is_archive_name, is_cache_name};

pub(crate) enum Event<'a> {
    /// A folder comes before what is in it.
    Seen(Seen<'a>),
    /// Reasons as in `model::scan::LeftOut`, and `other_name`: a hard link to what is skipped.
    LeftOut {
        path: &'a Path,
        reason: &'static str,
    },
    Unreadable {
        path: &'a Path,
        cause: io::Error,
    },
}

pub(crate) struct Seen<'a> {
    /// Absolute.
    pub path: &'a Path,
    pub stat: &'a Stat,
    pub found: Found,
    /// The folder it is in and its name there.
    pub dir: BorrowedFd<'a>,
    pub name: &'a CStr,
}

pub(crate) enum Found {
    File,
    Symlink,
    /// `empty`: nothing at all is in it.
    Dir {
        empty: bool,
    },
}

/// Deeper folders are not entered: each open one costs a descriptor.
const DEPTH: usize = 400;

/// File systems that are views into the kernel: /proc, /sys, control groups, and their like (numbers of `statfs(2)`).
const KERNEL_FILE_SYSTEMS: [u64; 10] = [
    0x9fa0,
    0x6265_6572,
    0x0027_e0eb,
    0x6367_7270,
    0x1cd1,
    0x6462_6720,
    0x7472_6163,
    0xcafe_4a11,
    0x7363_6673,
    0x6165_676c,
];

/// `base`: a folder, a file or a link; its own last step is not followed.
pub(crate) fn traverse<E: From<WalkError>>(
    base: &Path,
    rules: &Rules,
    each: &mut dyn FnMut(Event<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |cause: Errno| match cause {
        Errno::NOENT | Errno::NOTDIR => WalkError::Missing(base.to_path_buf()),
        cause => WalkError::Io {
            path: base.to_path_buf(),
            cause: cause.into(),
        },
    };
    let bytes = base.as_os_str().as_bytes();
    let name = CString::new(bytes).map_err(|_| failed(Errno::INVAL))?;
    let stat = fs::statat(CWD, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    let mut walk = Traverse {
        rules,
        path: base.to_path_buf(),
        levels: Vec::new(),
        each,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return walk.leaf(&stat, CWD, &name);
    }
    let (fd, children) = open_dir(CWD, &name).map_err(failed)?;
    let empty = children.is_empty();
    walk.seen(&stat, Found::Dir { empty }, CWD, &name)?;
    walk.levels.push(Level::new(fd, children, stat.st_dev));
    walk.run()
}

struct Traverse<'a, E> {
    rules: &'a Rules,
    /// Of the entry at hand.
    path: PathBuf,
    levels: Vec<Level>,
    each: &'a mut dyn FnMut(Event<'_>) -> Result<(), E>,
}

struct Level {
    fd: OwnedFd,
    names: Names,
    next: usize,
    device: u64,
}

impl Level {
    fn new(fd: OwnedFd, names: Names, device: u64) -> Self {
        Self {
            fd,
            names,
            next: 0,
            device,
        }
    }
}

impl<E: From<WalkError>> Traverse<'_, E> {
    fn run(&mut self) -> Result<(), E> {
        while let Some(mut level) = self.levels.pop() {
            if level.next == level.names.len() {
                if !self.levels.is_empty() {
                    self.path.pop();
                }
                continue;
            }
            let at = level.next;
            level.next += 1;
            self.path
                .push(OsStr::from_bytes(level.names.get(at).to_bytes()));
            let inner = self.step(&level, at)?;
            self.levels.push(level);
            match inner {
                Some(inner) => self.levels.push(inner),
                None => {
                    self.path.pop();
                }
            }
        }
        Ok(())
    }

    /// One entry of a folder; a folder that is to be entered is returned.
    fn step(&mut self, level: &Level, at: usize) -> Result<Option<Level>, E> {
        let name = level.names.get(at);
        match self.rules.verdict(&self.path) {
            Verdict::LeftOut(reason) => return self.leave_out(reason).map(|()| None),
            Verdict::Elsewhere => return Ok(None),
            Verdict::Walk => {}
        }
        let dir = level.fd.as_fd();
        let stat = match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Removed since the folder was listed.
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return self.unreadable(cause.into()).map(|()| None),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return self.folder(level, &stat, name);
        }
        self.leaf(&stat, dir, name).map(|()| None)
    }

    fn folder(&mut self, level: &Level, stat: &Stat, name: &CStr) -> Result<Option<Level>, E> {
        if is_cache_name(OsStr::from_bytes(name.to_bytes())) {
            return self.leave_out("cache").map(|()| None);
        }
        let opened = if self.levels.len() < DEPTH {
            open_dir(level.fd.as_fd(), name)
        } else {
            Err(Errno::MFILE)
        };
        let (fd, names) = match opened {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => {
                // The folder itself is still worth its entry.
                self.seen(stat, Found::Dir { empty: false }, level.fd.as_fd(), name)?;
                return self.unreadable(cause.into()).map(|()| None);
            }
        };
        if stat.st_dev != level.device && is_kernel_file_system(&fd) {
            return self.leave_out("special").map(|()| None);
        }
        if names.contains(b"CACHEDIR.TAG") && self.has_cache_tag() {
            return self.leave_out("cache").map(|()| None);
        }
        let empty = names.is_empty();
        self.seen(stat, Found::Dir { empty }, level.fd.as_fd(), name)?;
        Ok(Some(Level::new(fd, names, stat.st_dev)))
    }

    fn leaf(&mut self, stat: &Stat, dir: BorrowedFd<'_>, name: &CStr) -> Result<(), E> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                if stat.st_nlink > 1 && self.rules.is_other_name(stat.st_dev, stat.st_ino) {
                    return self.leave_out("other_name");
                }
                let last = self.path.file_name().unwrap_or_default();
                if is_archive_name(last) {
                    return self.leave_out("own_data");
                }
                self.seen(stat, Found::File, dir, name)
            }
            FileType::Symlink => self.seen(stat, Found::Symlink, dir, name),
            FileType::Socket => self.leave_out("socket"),
            FileType::BlockDevice | FileType::CharacterDevice => self.leave_out("device"),
            _ => self.leave_out("special"),
        }
    }

    /// Whether the folder says by the convention of bford.info/cachedir that it is a cache: the signature, not just the file's name.
    fn has_cache_tag(&self) -> bool {
        const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";
        let mut start = [0; SIGNATURE.len()];
        guard::open_plain(&self.path.join("CACHEDIR.TAG"))
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok_and(|()| start == SIGNATURE)
    }

    fn seen(
        &mut self,
        stat: &Stat,
        found: Found,
        dir: BorrowedFd<'_>,
        name: &CStr,
    ) -> Result<(), E> {
        (self.each)(Event::Seen(Seen {
            path: &self.path,
            stat,
            found,
            dir,
            name,
        }))
    }

    fn leave_out(&mut self, reason: &'static str) -> Result<(), E> {
        let path = &self.path;
        (self.each)(Event::LeftOut { path, reason })
    }

    fn unreadable(&mut self, cause: io::Error) -> Result<(), E> {
        let path = &self.path;
        (self.each)(Event::Unreadable { path, cause })
    }
}

fn open_dir(dir: BorrowedFd<'_>, name: &CStr) -> Result<(OwnedFd, Names), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(dir, name, flags, Mode::empty())?;
    let mut names = Names::default();
    let mut stream = Dir::read_from(&fd)?;
    while let Some(entry) = stream.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.add(name);
        }
    }
    names.sort();
    Ok((fd, names))
}

fn is_kernel_file_system(fd: &OwnedFd) -> bool {
    // The field's type differs between targets; the numbers fit all of them.
    #[allow(clippy::cast_sign_loss)]
    fs::fstatfs(fd).is_ok_and(|found| KERNEL_FILE_SYSTEMS.contains(&(found.f_type as u64)))
}

/// A folder's names in one block of memory: a folder of a million files costs little more than their letters.
#[derive(Default)]
struct Names {
    /// Each ends with a zero byte.
    letters: Vec<u8>,
    starts: Vec<usize>,
}

impl Names {
    fn add(&mut self, name: &[u8]) {
        self.starts.push(self.letters.len());
        self.letters.extend_from_slice(name);
        self.letters.push(0);
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    fn get(&self, at: usize) -> &CStr {
        // `add` put the zero byte there; names of the system hold none.
        CStr::from_bytes_until_nul(&self.letters[self.starts[at]..]).unwrap_or_default()
    }

    fn sort(&mut self) {
        let letters = &self.letters;
        let name = |start: usize| CStr::from_bytes_until_nul(&letters[start..]).unwrap_or_default();
        self.starts.sort_unstable_by(|a, b| name(*a).cmp(name(*b)));
    }

    fn contains(&self, wanted: &[u8]) -> bool {
        let compare = |start: &usize| {
            let name = CStr::from_bytes_until_nul(&self.letters[*start..]).unwrap_or_default();
            name.to_bytes().cmp(wanted)
        };
        self.starts.binary_search_by(compare).is_ok()
    }
}
