//! Everything that lies at a place is read again and compared with what was written: the proof where a place has no checksum of its own.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::{Body, Call, Destination, DestinationError, ErrorKind, Key, ahead};
use crate::model::{Phase, Progress};

const BLOCK: usize = 256 << 10;

/// What is there under the final name. `what`: the destination's name, for progress.
pub(super) fn verify(
    place: &dyn Destination,
    key: &Key,
    body: &Body,
    what: &str,
    call: &Call<'_>,
) -> Result<(), DestinationError> {
    let reader = place.get(key, Some(0..body.length), call)?;
    compare(reader, body, what, call)
}

/// `reader`: of exactly the body's length.
pub(super) fn compare(
    mut reader: impl Read + Send,
    body: &Body,
    what: &str,
    call: &Call<'_>,
) -> Result<(), DestinationError> {
    let mut progress = Progress {
        phase: Phase::Verifying,
        done_bytes: 0,
        total_bytes: body.length,
        what: what.to_owned(),
    };
    let mut digest = Sha256::new();
    let next = || {
        let mut block = vec![0; BLOCK];
        let read = reader
            .read(&mut block)
            .map_err(|e| DestinationError::from_read("the archive cannot be read back", e))?;
        block.truncate(read);
        Ok((read > 0).then_some(block))
    };
    ahead::copy(next, |block| {
        call.check()?;
        digest.update(&block);
        progress.done_bytes += block.len() as u64;
        call.observer.progress(&progress);
        match call.pace {
            Some(pace) => pace.take(block.len(), call),
            None => Ok(()),
        }
    })?;
    let digest = hex::encode(digest.finalize());
    if progress.done_bytes == body.length && digest == body.sha256 {
        return Ok(());
    }
    let detail = format!(
        "what was read back is not what was written: SHA-256 {digest} for {}",
        body.sha256
    );
    Err(DestinationError::new(ErrorKind::Protocol, detail))
}
