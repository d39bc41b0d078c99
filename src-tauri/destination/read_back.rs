//! Everything that lies at a place is read again and compared with what was written: the proof where a place has no checksum of its own.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::{Body, Call, Destination, DestinationError, ErrorKind, Key};
use crate::model::{Phase, Progress};

const BUFFER: usize = 256 << 10;

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
    mut reader: impl Read,
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
    let mut buffer = vec![0; BUFFER];
    loop {
        call.check()?;
        call.observer.progress(&progress);
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) => {
                return Err(DestinationError::from_read(
                    "the archive cannot be read back",
                    e,
                ));
            }
        };
        digest.update(&buffer[..read]);
        progress.done_bytes += read as u64;
    }
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
