//! Reads a staged archive back while it is written: each stretch is written out, forgotten by the cache, and read from the disk. It never
//! changes the file; whether what it read is right is for the caller to say.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use rustix::fs::Advice;
use sha2::{Digest, Sha256};

/// Read back at once: so much is on its way to the disk while the next is written.
const STRETCH: u64 = 16 << 20;
const BUFFER: usize = 1 << 20;
/// Between two looks at how long the file is.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Follows the writer of a file that only grows. Dropped, it stops.
pub struct ReadBack {
    end: Option<Sender<u64>>,
    thread: Option<JoinHandle<io::Result<String>>>,
}

impl ReadBack {
    pub fn follow(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let (end, ended) = bounded::<u64>(1);
        let thread = thread::spawn(move || {
            let mut trail = Trail::new(file);
            loop {
                match ended.recv_timeout(LOOK_EVERY) {
                    Ok(length) => return trail.finish(length),
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        while trail.file.metadata()?.len() - trail.done >= STRETCH {
                            trail.read(STRETCH)?;
                        }
                    }
                }
            }
        });
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// The SHA-256 of what was read back, now that the file has its length.
    pub fn finish(mut self, length: u64) -> io::Result<String> {
        if let Some(end) = self.end.take() {
            // A thread that has failed takes nothing more, and its error is the answer.
            let _ = end.send(length);
        }
        self.join()
            .unwrap_or_else(|| Err(io::Error::other("the reading thread is gone")))
    }

    fn join(&mut self) -> Option<io::Result<String>> {
        self.thread.take()?.join().ok()
    }
}

impl Drop for ReadBack {
    fn drop(&mut self) {
        self.end = None;
        self.join();
    }
}

struct Trail {
    file: File,
    done: u64,
    digest: Sha256,
    buffer: Vec<u8>,
}

impl Trail {
    fn new(file: File) -> Self {
        Self {
            file,
            done: 0,
            digest: Sha256::new(),
            buffer: vec![0; BUFFER],
        }
    }

    fn read(&mut self, length: u64) -> io::Result<()> {
        self.file.sync_data()?;
        // Advice: where it is not taken (tmpfs, ZFS), the cache answers.
        let _ = rustix::fs::fadvise(
            &self.file,
            self.done,
            std::num::NonZeroU64::new(length),
            Advice::DontNeed,
        );
        let end = self.done + length;
        while self.done < end {
            let left = usize::try_from(end - self.done).unwrap_or(BUFFER);
            let block = &mut self.buffer[..left.min(BUFFER)];
            self.file.read_exact_at(block, self.done)?;
            self.digest.update(&*block);
            self.done += block.len() as u64;
        }
        Ok(())
    }

    fn finish(mut self, length: u64) -> io::Result<String> {
        let left = length
            .checked_sub(self.done)
            .ok_or(io::ErrorKind::InvalidData)?;
        self.read(left)?;
        Ok(hex::encode(self.digest.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    fn grown(change: impl FnOnce(&File)) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("staged");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        let read_back = ReadBack::follow(&path).unwrap();
        let mut digest = Sha256::new();
        for n in 0..40u8 {
            let piece = vec![n; 1_000_003];
            digest.update(&piece);
            file.write_all(&piece).unwrap();
        }
        change(&file);
        let found = read_back.finish(file.metadata().unwrap().len());
        (found.unwrap(), hex::encode(digest.finalize()))
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let (found, written) = grown(|_| {});
        assert_eq!(found, written);
    }

    #[test]
    fn a_byte_that_is_not_what_was_written_shows() {
        let last = 40 * 1_000_003 - 1;
        let (found, written) = grown(|file| file.write_all_at(&[0], last).unwrap());
        assert_ne!(found, written);
    }

    #[test]
    fn a_file_that_is_shorter_than_it_should_be_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("staged");
        std::fs::write(&path, [1; 10]).unwrap();
        assert!(ReadBack::follow(&path).unwrap().finish(11).is_err());
    }
}
