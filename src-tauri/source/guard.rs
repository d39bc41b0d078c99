//! Keeps POSIX locks alive. Closing any descriptor of a file drops all locks that the process holds on it, so a database that a SQLite
//! connection of this process has open must never be opened as an ordinary file (measured: writers then commit under the pin).
//! Every plain open of a live path goes through here, and so does every connection: the two exclude each other by device and inode.
//! The table is one a process because the locks are. It knows nothing of other processes, and locks nothing itself.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// A live file opened as ordinary bytes. While it lives no connection to the same file is made.
#[derive(Debug)]
pub struct PlainFile {
    // The order of the fields matters: the descriptor is closed before the table forgets it.
    file: File,
    _reading: Vec<Reading>,
}

/// The right to have SQLite connections to a file. While it lives the file, and what SQLite keeps beside it, is not opened otherwise.
#[derive(Debug)]
pub struct ConnectionHold(FileKey);

/// What a file is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    pub dev: u64,
    pub inode: u64,
}

/// What SQLite appends to a database's name for the files beside it.
pub const SIDE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Waits for nobody: a file that a connection holds is `WouldBlock`, and so is a side file of one (WAL locks live on `-shm`). Regular
/// files only; never follows a link at the last step unless the path was resolved before.
pub fn open_plain(path: &Path) -> io::Result<PlainFile> {
    // A descriptor made with O_PATH touches neither the content nor the locks, so the file is known before it is opened, and what is
    // opened then is that very file, whatever its name means by now.
    let handle = rustix::fs::open(
        path,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    let handle = File::from(handle);
    let metadata = handle.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut keys = vec![FileKey::of(&metadata)];
    keys.extend(database_beside(path));
    let reading = read(&keys)?;
    let file = reopen(&handle)?;
    Ok(PlainFile {
        file,
        _reading: reading,
    })
}

/// Waits until plain files of it are closed. Several holds of one file may live (pins and their sentinels).
pub fn hold(path: &Path) -> io::Result<ConnectionHold> {
    hold_until(path, None)
}

/// `TimedOut` where plain files of it are still open at the deadline.
pub fn hold_for(path: &Path, longest: Duration) -> io::Result<ConnectionHold> {
    hold_until(path, Instant::now().checked_add(longest))
}

impl PlainFile {
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

impl Read for PlainFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for PlainFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl ConnectionHold {
    #[must_use]
    pub fn key(&self) -> FileKey {
        self.0
    }
}

impl Drop for ConnectionHold {
    fn drop(&mut self) {
        forget(self.0, |users| users.connections -= 1);
    }
}

impl FileKey {
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// One file being read plainly, as the table counts it.
#[derive(Debug)]
struct Reading(FileKey);

impl Drop for Reading {
    fn drop(&mut self) {
        forget(self.0, |users| users.readers -= 1);
    }
}

#[derive(Default)]
struct Users {
    readers: usize,
    connections: usize,
}

#[derive(Default)]
struct Table {
    users: Mutex<HashMap<FileKey, Users>>,
    freed: Condvar,
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::default);

fn users() -> MutexGuard<'static, HashMap<FileKey, Users>> {
    // Counts are changed by one step each, so a panic elsewhere leaves them whole.
    TABLE.users.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(keys: &[FileKey]) -> io::Result<Vec<Reading>> {
    let mut table = users();
    let held = |key| table.get(key).is_some_and(|users| users.connections > 0);
    if keys.iter().any(held) {
        return Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "a database connection holds this file",
        ));
    }
    Ok(keys
        .iter()
        .map(|key| {
            table.entry(*key).or_default().readers += 1;
            Reading(*key)
        })
        .collect())
}

fn hold_until(path: &Path, deadline: Option<Instant>) -> io::Result<ConnectionHold> {
    let key = FileKey::of(&std::fs::metadata(path)?);
    let mut table = users();
    while table.get(&key).is_some_and(|users| users.readers > 0) {
        table = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            None => TABLE
                .freed
                .wait(table)
                .unwrap_or_else(PoisonError::into_inner),
            Some(Duration::ZERO) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "it is being read as an ordinary file",
                ));
            }
            Some(rest) => {
                TABLE
                    .freed
                    .wait_timeout(table, rest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
    }
    table.entry(key).or_default().connections += 1;
    Ok(ConnectionHold(key))
}

fn forget(key: FileKey, less: impl FnOnce(&mut Users)) {
    let mut table = users();
    if let Some(users) = table.get_mut(&key) {
        less(users);
        if users.readers == 0 && users.connections == 0 {
            table.remove(&key);
        }
    }
    drop(table);
    TABLE.freed.notify_all();
}

/// The database that a side file belongs to by its name, where there is one.
fn database_beside(path: &Path) -> Option<FileKey> {
    let name = path.file_name()?.as_bytes();
    let stem = SIDE_SUFFIXES
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix.as_bytes()))?;
    let database: PathBuf = path.with_file_name(OsStr::from_bytes(stem));
    let metadata = std::fs::symlink_metadata(database).ok()?;
    metadata.is_file().then(|| FileKey::of(&metadata))
}

/// Linux only: the kernel's name for an open descriptor.
fn reopen(handle: &File) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(format!("/proc/self/fd/{}", handle.as_raw_fd()))
}
