//! Keeps POSIX locks alive. Closing any descriptor of a file drops all locks that the process holds on it, so a database that a SQLite
//! connection of this process has open must never be opened as an ordinary file (measured: writers then commit under the pin).
//! Every plain open of a live path goes through here, and so does every connection: the two exclude each other by device and inode.
//! The table is one a process because the locks are.

use std::fs::File;
use std::io;
use std::path::Path;

/// A live file opened as ordinary bytes. While it lives no connection to the same file is made.
pub struct PlainFile(File);

/// The right to have SQLite connections to a file. While it lives the file is not opened otherwise.
pub struct ConnectionHold(());

/// Waits for nobody: a file that a connection holds is `WouldBlock`. Regular files only; never follows a link at the last step unless
/// the path was resolved before.
pub fn open_plain(_path: &Path) -> io::Result<PlainFile> {
    todo!()
}

/// Waits until plain files of it are closed. Several holds of one file may live (pins and their sentinels).
pub fn hold(_path: &Path) -> io::Result<ConnectionHold> {
    todo!()
}

impl std::io::Read for PlainFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}
