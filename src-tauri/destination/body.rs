//! The bytes of an archive on their way to a place: read, hashed, counted, paced. It knows no protocol.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Body, Call, DestinationError, ErrorKind};
use crate::model::{Phase, Progress};

type Result<T> = std::result::Result<T, DestinationError>;

const BLOCK: usize = 256 << 10;

/// Where the bytes of a request come from.
pub(super) trait Outgoing {
    /// Not more than `most` bytes; None once all were given away. It waits where the pace asks for it.
    fn next_up_to(&mut self, most: u64) -> Result<Option<Bytes>>;
}

/// A body, block by block. The last block is given away only when all of them together are what the body says: whoever sends every block
/// has sent the archive, and nobody completes one that changed under his hands.
pub(super) struct Sending<'a> {
    file: File,
    body: &'a Body,
    call: &'a Call<'a>,
    digest: Sha256,
    progress: Progress,
}

impl<'a> Sending<'a> {
    /// From its first byte. `what`: the destination's name, for progress.
    pub fn open(body: &'a Body, what: &str, call: &'a Call<'a>) -> Result<Self> {
        call.check()?;
        let file = File::open(&body.path).map_err(|e| unreadable(body, e))?;
        let mut sending = Self {
            file,
            body,
            call,
            digest: Sha256::new(),
            progress: Progress {
                phase: Phase::Uploading,
                done_bytes: 0,
                total_bytes: body.length,
                what: what.to_owned(),
            },
        };
        if body.length == 0 {
            sending.require_whole()?;
        }
        Ok(sending)
    }

    /// Passes over what the place has already: it is read and hashed, not sent.
    pub fn skip(&mut self, length: u64) -> Result<()> {
        let end = self.sent().saturating_add(length);
        while self.sent() < end {
            let left = end - self.sent();
            self.block(left)?;
        }
        Ok(())
    }

    /// How many bytes were given away or passed over.
    pub fn sent(&self) -> u64 {
        self.progress.done_bytes
    }

    pub fn left(&self) -> u64 {
        self.body.length - self.sent()
    }

    /// None once all were given away. It waits where the pace asks for it.
    pub fn next(&mut self) -> Result<Option<Bytes>> {
        self.next_up_to(u64::MAX)
    }

    fn block(&mut self, most: u64) -> Result<Bytes> {
        self.call.check()?;
        let length = self.left().min(most).min(BLOCK as u64);
        let mut block = vec![0; usize::try_from(length).unwrap_or(BLOCK)];
        self.file
            .read_exact(&mut block)
            .map_err(|e| unreadable(self.body, e))?;
        self.digest.update(&block);
        self.progress.done_bytes += length;
        if self.left() == 0 {
            self.require_whole()?;
        }
        Ok(block.into())
    }

    fn require_whole(&mut self) -> Result<()> {
        let more = self
            .file
            .read(&mut [0])
            .map_err(|e| unreadable(self.body, e))?;
        if more != 0 || hex::encode(self.digest.clone().finalize()) != self.body.sha256 {
            return Err(changed(self.body));
        }
        Ok(())
    }
}

impl Outgoing for Sending<'_> {
    fn next_up_to(&mut self, most: u64) -> Result<Option<Bytes>> {
        if self.left() == 0 || most == 0 {
            return Ok(None);
        }
        // Larger ones would come in bursts, however long they wait.
        let smooth = self.call.pace.map_or(u64::MAX, |pace| pace.most().into());
        let block = self.block(most.min(smooth))?;
        if let Some(pace) = self.call.pace {
            pace.take(block.len(), self.call)?;
        }
        self.call.observer.progress(&self.progress);
        Ok(Some(block))
    }
}

/// It is not what was hashed while it was written.
pub(super) fn changed(body: &Body) -> DestinationError {
    let path = body.path.display();
    let detail = format!("the finished archive `{path}` is not what was written: it changed");
    DestinationError::new(ErrorKind::Protocol, detail)
}

/// Our own file, not the place's: nothing there is missing or forbidden.
pub(super) fn unreadable(body: &Body, cause: std::io::Error) -> DestinationError {
    let path = body.path.display();
    let detail = format!("the finished archive `{path}` cannot be read");
    DestinationError::because(ErrorKind::Protocol, detail, cause)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::num::NonZeroU32;

    use super::*;
    use crate::destination::throttle::Pace;
    use crate::model::{Cancel, NoObserver};

    fn staged(bytes: &[u8]) -> (tempfile::NamedTempFile, Body) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let body = Body {
            path: file.path().to_owned(),
            length: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
            read_back: None,
        };
        (file, body)
    }

    fn all(sending: &mut Sending<'_>, most: u64) -> Result<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(block) = sending.next_up_to(most)? {
            assert!(block.len() as u64 <= most);
            sent.extend_from_slice(&block);
        }
        Ok(sent)
    }

    #[test]
    fn every_byte_is_given_away_once_wherever_it_begins() {
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
        let (_file, body) = staged(&bytes);
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        for start in [0, 1, 300_000, 699_999, 700_000] {
            let mut sending = Sending::open(&body, "nas", &call).unwrap();
            sending.skip(start as u64).unwrap();
            assert!(all(&mut sending, 100_000).unwrap() == bytes[start..]);
            assert_eq!(sending.left(), 0);
        }
    }

    #[test]
    fn the_last_byte_of_what_changed_is_never_given_away() {
        for length in [0, 1, 300_000] {
            let (mut file, body) = staged(&vec![7; length]);
            file.write_all(b"more").unwrap();
            let cancel = Cancel::new();
            let call = Call::new(&cancel, &NoObserver);
            let sent = Sending::open(&body, "nas", &call)
                .and_then(|mut sending| all(&mut sending, u64::MAX));
            assert_eq!(sent.unwrap_err().kind, ErrorKind::Protocol);
        }
        let (file, mut body) = staged(&vec![7; 300_000]);
        body.sha256 = "0".repeat(64);
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let mut sending = Sending::open(&body, "nas", &call).unwrap();
        let mut given = 0;
        let failed = loop {
            match sending.next() {
                Ok(block) => given += block.unwrap().len(),
                Err(error) => break error,
            }
        };
        assert_eq!(failed.kind, ErrorKind::Protocol);
        assert!(given < 300_000, "{given}");
        drop(file);
    }

    #[test]
    fn blocks_at_a_pace_are_no_larger_than_what_may_go_at_once() {
        let (_file, body) = staged(&vec![7; 20_000]);
        let pace = Pace::new(NonZeroU32::new(60_000).unwrap());
        let cancel = Cancel::new();
        let call = Call {
            pace: Some(&pace),
            ..Call::new(&cancel, &NoObserver)
        };
        let mut sending = Sending::open(&body, "nas", &call).unwrap();
        while let Some(block) = sending.next().unwrap() {
            assert!(block.len() <= pace.most() as usize);
        }
    }
}
