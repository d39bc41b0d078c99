//! The bytes of archives in files: copied, read back from the disk, read by ranges. It knows no names.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::thread;
use std::time::Instant;

use crossbeam_channel::bounded;
use rustix::fs::{Advice, FallocateFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::destination::body::{changed, unreadable};
use crate::destination::{Body, Call, DestinationError, ErrorKind};
use crate::model::{Cancel, NoObserver, Phase, Progress};

type Result<T> = std::result::Result<T, DestinationError>;

const BUFFER: usize = 1 << 20;

/// Copies a body into an empty file. A body that is not what it says is an error.
pub(super) fn copy(body: &Body, to: &mut File, what: &str, call: &Call<'_>) -> Result<()> {
    let unreadable = |e| unreadable(body, e);
    reserve(to, body.length)?;
    let mut from = File::open(&body.path).map_err(unreadable)?;
    let mut unwritten = None;
    let copied = each_block(
        &mut from,
        body.length,
        Phase::Uploading,
        what,
        call,
        |block| {
            to.write_all(block)
                .inspect_err(|e| unwritten = e.raw_os_error())
        },
    );
    let digest = match copied {
        Err(Failed::Call(e)) => return Err(e),
        Err(Failed::Io(e)) if unwritten.is_some() => {
            return Err(DestinationError::io("writing failed", e));
        }
        Err(Failed::Io(e)) => return Err(unreadable(e)),
        Ok(digest) => digest,
    };
    let more = from.read(&mut [0]).map_err(unreadable)?;
    if more != 0 || digest != body.sha256 {
        return Err(changed(body));
    }
    Ok(())
}

/// Writes out what is cached, forgets it, and reads every byte back: so it is the disk that answers, where it can be made to. `known`: the
/// digest of what was read back already.
pub(super) fn verify(
    file: &mut File,
    body: &Body,
    known: Option<&str>,
    what: &str,
    call: &Call<'_>,
) -> Result<()> {
    file.sync_all()
        .map_err(|e| DestinationError::io("the archive cannot be synced", e))?;
    let unreadable = |e| DestinationError::io("the archive cannot be read back", e);
    let found = file.metadata().map_err(unreadable)?.len();
    if found != body.length {
        let detail = format!("{found} bytes are there of {}", body.length);
        return Err(DestinationError::new(ErrorKind::Protocol, detail));
    }
    let digest = if let Some(known) = known {
        known.to_owned()
    } else {
        // Advice: where it is not taken (tmpfs, ZFS), the cache answers.
        let _ = rustix::fs::fadvise(&*file, 0, None, Advice::DontNeed);
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let read = each_block(file, body.length, Phase::Verifying, what, call, |_| Ok(()));
        read.map_err(|e| match e {
            Failed::Call(e) => e,
            Failed::Io(e) => unreadable(e),
        })?
    };
    if digest != body.sha256 {
        let detail = format!(
            "what was read back is not what was written: SHA-256 {digest} for {}",
            body.sha256
        );
        return Err(DestinationError::new(ErrorKind::Protocol, detail));
    }
    Ok(())
}

/// Tells at once that a disk is too small, rather than at the last gigabyte.
fn reserve(file: &File, length: u64) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, length) {
        Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(DestinationError::io(
            format!("no room for {length} bytes"),
            e,
        )),
        // Others cannot reserve; the write will tell.
        _ => Ok(()),
    }
}

enum Failed {
    Call(DestinationError),
    Io(io::Error),
}

/// Blocks that are read while others are hashed.
const AHEAD: usize = 2;

/// Reads exactly `length` bytes, gives them away block by block, and returns their SHA-256. The disk is read by a thread of its own, so
/// that it and the hash do not wait for each other.
fn each_block(
    from: &mut File,
    length: u64,
    phase: Phase,
    what: &str,
    call: &Call<'_>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> std::result::Result<String, Failed> {
    let mut digest = Sha256::new();
    let mut progress = Progress {
        phase,
        done_bytes: 0,
        total_bytes: length,
        what: what.to_owned(),
    };
    let pace = call.pace.filter(|_| phase == Phase::Uploading);
    let most = pace.map_or(BUFFER, |pace| BUFFER.min(pace.most() as usize));
    let (full, blocks) = bounded::<io::Result<Vec<u8>>>(AHEAD);
    let (back, spare) = bounded::<Vec<u8>>(AHEAD + 1);
    thread::scope(|scope| {
        // Ends when all is read, or nobody listens any more.
        scope.spawn(move || {
            let mut left = length;
            while left > 0 {
                let mut block = spare.try_recv().unwrap_or_default();
                block.resize(usize::try_from(left).unwrap_or(most).min(most), 0);
                let read = from.read_exact(&mut block);
                left -= block.len() as u64;
                let failed = read.is_err();
                if full.send(read.map(|()| block)).is_err() || failed {
                    return;
                }
            }
        });
        for block in blocks {
            call.check().map_err(Failed::Call)?;
            let block = block.map_err(Failed::Io)?;
            digest.update(&block);
            if let Some(pace) = pace {
                pace.take(block.len(), call).map_err(Failed::Call)?;
            }
            take(&block).map_err(Failed::Io)?;
            progress.done_bytes += block.len() as u64;
            call.observer.progress(&progress);
            let _ = back.try_send(block);
        }
        Ok(())
    })?;
    Ok(hex::encode(digest.finalize()))
}

/// Exactly `left` bytes, or an error.
pub(super) struct Exactly {
    pub file: File,
    pub left: u64,
    pub cancel: Cancel,
    pub deadline: Option<Instant>,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        call.check()?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.file.read(&mut buffer[..most])?;
        if read == 0 {
            let detail = format!("the archive ends {} bytes early", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, detail));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
