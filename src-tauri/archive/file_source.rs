//! A local file as a place of bytes. It opens by path and reads by position.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::RangeRead;

/// A file, open for as long as this lives. Its size is that of the moment of opening.
pub struct FileSource {
    file: Arc<File>,
    size: u64,
}

impl FileSource {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        Ok(Self {
            file: Arc::new(file),
            size: metadata.len(),
        })
    }
}

impl RangeRead for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        let end = start
            .checked_add(length)
            .filter(|end| *end <= self.size)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "beyond the file's end"))?;
        Ok(Box::new(FileRange {
            file: Arc::clone(&self.file),
            position: start,
            end,
        }))
    }
}

struct FileRange {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Read for FileRange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        if length == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..length], self.position)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter",
            ));
        }
        self.position += read as u64;
        Ok(read)
    }
}
