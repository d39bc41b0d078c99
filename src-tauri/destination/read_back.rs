//! Everything that lies at a place is read again and compared with what was written: the proof where a place has no checksum of its own.
//! Where reading is cut it goes on from there, so that a line that breaks every hour still brings back what takes a day. It knows no place.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::retry::{Pauses, WORTH};
use super::{Body, Call, Destination, DestinationError, ErrorKind, Key, ahead};
use crate::model::{Phase, Progress};

type Result<T> = std::result::Result<T, DestinationError>;

const BLOCK: usize = 256 << 10;

/// Gives a reader of what is there, from an offset on.
pub(super) type Open<'o> = dyn FnMut(u64) -> Result<Box<dyn Read + Send>> + 'o;

/// What was read.
pub(super) struct Found {
    length: u64,
    /// Lower-case hex.
    sha256: String,
}

impl Found {
    pub fn is(&self, body: &Body) -> bool {
        self.length == body.length && self.sha256 == body.sha256
    }
}

/// What is there under the final name. `what`: the destination's name, for progress.
pub(super) fn verify(
    place: &dyn Destination,
    key: &Key,
    body: &Body,
    what: &str,
    call: &Call<'_>,
) -> Result<()> {
    let whole = body.length;
    compare(
        &mut |at| place.get(key, Some(at..whole), call),
        body,
        what,
        call,
    )
}

/// `Protocol` where what is there is not the body. `open`: of exactly its bytes, as far as anybody can say before they were read.
pub(super) fn compare(open: &mut Open<'_>, body: &Body, what: &str, call: &Call<'_>) -> Result<()> {
    let found = read(open, body.length, what, call)?;
    if found.is(body) {
        return Ok(());
    }
    let detail = format!(
        "what was read back is not what was written: {} bytes, SHA-256 {} for {} bytes, {}",
        found.length, found.sha256, body.length, body.sha256
    );
    Err(DestinationError::new(ErrorKind::Protocol, detail))
}

/// Reads to the end. After a failure that may pass it goes on where it was, as often as the call's patience allows; as with what is sent,
/// that begins to count anew whenever reading came on.
pub(super) fn read(open: &mut Open<'_>, length: u64, what: &str, call: &Call<'_>) -> Result<Found> {
    let mut digest = Sha256::new();
    let mut progress = Progress {
        phase: Phase::Verifying,
        done_bytes: 0,
        total_bytes: length,
        what: what.to_owned(),
    };
    let mut pauses = Pauses::of(call);
    let mut came_to = 0;
    loop {
        let passed = open(progress.done_bytes).and_then(|reader| {
            each_block(reader, |block| {
                call.check()?;
                digest.update(block);
                progress.done_bytes += block.len() as u64;
                call.observer.progress(&progress);
                match call.pace {
                    Some(pace) => pace.take(block.len(), call),
                    None => Ok(()),
                }
            })
        });
        let error = match passed {
            Ok(()) => break,
            // Of an end that went wrong after the last byte nothing is missing.
            Err(e) if e.kind.may_pass() && length > 0 && progress.done_bytes == length => break,
            Err(error) => error,
        };
        if progress.done_bytes >= came_to + WORTH {
            came_to = progress.done_bytes;
            pauses.renew();
        }
        pauses.after(error, call)?;
    }
    Ok(Found {
        length: progress.done_bytes,
        sha256: hex::encode(digest.finalize()),
    })
}

/// Receives one block while another is used.
fn each_block(
    mut reader: impl Read + Send,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let next = || {
        let mut block = vec![0; BLOCK];
        let read = reader
            .read(&mut block)
            .map_err(|e| DestinationError::from_read("the archive cannot be read back", e))?;
        block.truncate(read);
        Ok((read > 0).then_some(block))
    };
    ahead::copy(next, |block| take(&block))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::destination::retry::Patience;
    use crate::model::{Cancel, NoObserver};

    const TRIES: usize = 2;
    const LENGTH: usize = 5 << 20;

    /// Gives so many bytes and is cut.
    struct Cut(io::Cursor<Vec<u8>>);

    impl Read for Cut {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(DestinationError::new(ErrorKind::Unreachable, "cut").into()),
                read => Ok(read),
            }
        }
    }

    /// Reads back with cuts after so many bytes each. Where it was opened, and what it came to.
    fn read_with_cuts(cuts: &[usize]) -> (Vec<u64>, Result<Found>) {
        let bytes: Vec<u8> = (0..LENGTH).map(|n| n.to_le_bytes()[1]).collect();
        let cancel = Cancel::new();
        let call = Call {
            patience: Some(Patience {
                first_wait: Duration::from_millis(1),
                longest_wait: Duration::from_millis(1),
                tries: TRIES,
            }),
            ..Call::new(&cancel, &NoObserver)
        };
        let opened = RefCell::new(Vec::new());
        let mut open = |at: u64| {
            let mut opened = opened.borrow_mut();
            let rest = &bytes[usize::try_from(at).unwrap()..];
            let reader: Box<dyn Read + Send> = match cuts.get(opened.len()) {
                Some(cut) => Box::new(Cut(io::Cursor::new(rest[..*cut].to_vec()))),
                None => Box::new(io::Cursor::new(rest.to_vec())),
            };
            opened.push(at);
            Ok(reader)
        };
        let found = read(&mut open, LENGTH as u64, "nas", &call);
        assert!(found.as_ref().map_or(true, |found| {
            found.length == LENGTH as u64 && found.sha256 == hex::encode(Sha256::digest(&bytes))
        }));
        (opened.into_inner(), found)
    }

    #[test]
    fn what_is_cut_goes_on_where_it_was_for_as_long_as_it_comes_on() {
        let mib = 1 << 20;
        let (opened, found) = read_with_cuts(&[mib, mib, mib, mib]);
        found.unwrap();
        assert_eq!(opened, [0, 1, 2, 3, 4].map(|n: u64| n << 20));
        // Not where nothing comes any more.
        let (opened, found) = read_with_cuts(&[mib, 7, 7, 7, 7]);
        assert_eq!(found.err().unwrap().kind, ErrorKind::Unreachable);
        assert_eq!(opened.len(), 1 + 1 + TRIES - 1);
    }

    #[test]
    fn that_nothing_is_there_has_to_be_seen() {
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let mut open = |_| Err(DestinationError::new(ErrorKind::Unreachable, "away"));
        let unseen = read(&mut open, 0, "nas", &call);
        assert_eq!(unseen.err().unwrap().kind, ErrorKind::Unreachable);
    }
}
