//! Finding the manifest from the front, member by member, where the tail cannot be relied on. Slow and single, for the day it is needed.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

use crate::model::Compression;

use super::footer::Footer;
use super::manifest::Table;
use super::open::{Found, read_content};
use super::tar_read::TarReader;
use super::unseal::Content;
use super::{MANIFEST, MAX_MANIFEST, OpenError, SIGNATURE, codec, padding};

/// A manifest lists each member by 64 hex digits in quotes, two sizes and three commas: one that is allowed lists no more. Without a
/// bound a file of nothing but empty members would fill the memory.
const MAX_MEMBERS: u64 = MAX_MANIFEST / 71;

/// The members before the manifest, as they were read.
#[derive(Default)]
pub(super) struct Observed {
    compressed: Vec<u64>,
    uncompressed: Vec<u64>,
    sha256: Vec<[u8; 32]>,
}

/// Reads from the first byte to the manifest. `tail_fault`: why, for the message where there is none.
pub(super) fn find(content: &Content, tail_fault: &str) -> Result<Found, OpenError> {
    let input = BufReader::with_capacity(64 * 1024, content.span(0, content.size)?);
    let mut members = MemberReader::new(Position { input, at: 0 })
        .map_err(|error| lost(content, 0, tail_fault, OpenError::from_io(error)))?;
    let compression = members.compression;
    let mut tar = TarReader::new(BufReader::with_capacity(64 * 1024, &mut members), 0);
    let found = look(&mut tar);
    let intact = members.intact;
    let met = found.map_err(|error| lost(content, intact, tail_fault, error))?;
    let count = members
        .observed
        .uncompressed
        .iter()
        .scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        })
        .take_while(|end| *end <= met.offset)
        .count();
    let mut observed = members.observed;
    observed.compressed.truncate(count);
    observed.uncompressed.truncate(count);
    observed.sha256.truncate(count);
    Ok(Found {
        json: met.json,
        signature: met.signature,
        compression,
        offset: observed.compressed.iter().sum(),
        observed: Some(observed),
    })
}

/// The table must tell what was read.
pub(super) fn check(table: &Table, observed: &Observed) -> Result<(), OpenError> {
    let sizes =
        |starts: &[u64]| -> Vec<u64> { starts.windows(2).map(|two| two[1] - two[0]).collect() };
    if sizes(&table.compressed) == observed.compressed
        && sizes(&table.uncompressed) == observed.uncompressed
        && table.sha256 == observed.sha256
    {
        return Ok(());
    }
    Err(OpenError::refused_entry(
        MANIFEST.as_bytes(),
        "the members before it are not those it lists",
    ))
}

fn lost(content: &Content, intact: u64, tail_fault: &str, error: OpenError) -> OpenError {
    let reason = match error {
        OpenError::Refused { reason, .. } => reason,
        // Of the place, not of the archive.
        OpenError::Read(cause) => return OpenError::Read(cause),
        other => other.to_string(),
    };
    let intact_bytes = content.file_position(intact);
    OpenError::Refused {
        entry: None,
        reason: format!(
            "{tail_fault}; read from the front, intact are {intact_bytes} bytes, and there is no manifest: {reason}"
        ),
        intact_bytes: Some(intact_bytes),
    }
}

/// A manifest on the way.
struct Met {
    json: Vec<u8>,
    signature: Option<Vec<u8>>,
    /// Of its header, in the uncompressed stream.
    offset: u64,
}

/// Passes over entries to the manifest.
fn look<R: BufRead>(tar: &mut TarReader<R>) -> Result<Met, OpenError> {
    loop {
        let offset = tar.position;
        let Some(entry) = tar.next_entry()? else {
            return Err(OpenError::refused("the tar stream ends before"));
        };
        if entry.name != MANIFEST.as_bytes() {
            tar.skip(entry.size)?;
            tar.skip(padding(entry.size))?;
            continue;
        }
        let json = read_content(tar, entry.size)?;
        // Damage right behind the manifest costs the signature, which is then said to be missing.
        let signature = match tar.next_entry() {
            Ok(Some(entry)) if entry.name == SIGNATURE.as_bytes() => {
                read_content(tar, entry.size).ok()
            }
            _ => None,
        };
        return Ok(Met {
            json,
            signature,
            offset,
        });
    }
}

/// Counts what is taken out of it.
struct Position {
    input: BufReader<Box<dyn Read + Send>>,
    at: u64,
}

impl Read for Position {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl BufRead for Position {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.at += count as u64;
        self.input.consume(count);
    }
}

enum Decoder {
    Gzip(Box<flate2::bufread::GzDecoder<Position>>),
    Zstd(zstd::stream::read::Decoder<'static, Position>),
}

impl Decoder {
    fn into_inner(self) -> Position {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
        }
    }
}

/// The uncompressed stream of members in a row, whose sizes and digests it notes.
struct MemberReader {
    compression: Compression,
    /// Between two members the decoder is none and the input waits here.
    between: Option<Position>,
    decoder: Option<Decoder>,
    observed: Observed,
    hash: Sha256,
    start: u64,
    length: u64,
    /// The end of the last whole member.
    intact: u64,
    /// How many more there may be.
    left: u64,
}

impl MemberReader {
    fn new(mut input: Position) -> io::Result<Self> {
        let compression = if input.fill_buf()?.starts_with(&codec::ZSTD_MAGIC) {
            Compression::Zstd
        } else {
            Compression::Gzip
        };
        Ok(Self {
            compression,
            between: Some(input),
            decoder: None,
            observed: Observed::default(),
            hash: Sha256::new(),
            start: 0,
            length: 0,
            intact: 0,
            left: MAX_MEMBERS,
        })
    }

    /// False at the end or at a footer.
    fn begin(&mut self) -> io::Result<bool> {
        let Some(mut input) = self.between.take() else {
            return Ok(false);
        };
        let next = input.fill_buf()?;
        if next.is_empty() || Footer::begins(next) {
            return Ok(false);
        }
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it has more members than a manifest can list",
            )
        })?;
        self.start = input.at;
        self.decoder = Some(match self.compression {
            Compression::Gzip => Decoder::Gzip(Box::new(flate2::bufread::GzDecoder::new(input))),
            Compression::Zstd => {
                Decoder::Zstd(zstd::stream::read::Decoder::with_buffer(input)?.single_frame())
            }
        });
        Ok(true)
    }

    fn end(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            let input = decoder.into_inner();
            self.intact = input.at;
            self.observed.compressed.push(input.at - self.start);
            self.observed.uncompressed.push(self.length);
            let digest = std::mem::take(&mut self.hash).finalize();
            self.observed.sha256.push(digest.into());
            self.length = 0;
            self.between = Some(input);
        }
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.decoder {
                None => {
                    if !self.begin()? {
                        return Ok(0);
                    }
                    continue;
                }
                Some(Decoder::Gzip(decoder)) => decoder.read(buffer)?,
                Some(Decoder::Zstd(decoder)) => decoder.read(buffer)?,
            };
            if read == 0 {
                self.end();
                continue;
            }
            self.hash.update(&buffer[..read]);
            self.length += read as u64;
            return Ok(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn members(count: usize) -> MemberReader {
        let mut one = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        one.write_all(b"x").unwrap();
        let bytes: Box<dyn Read + Send> =
            Box::new(Cursor::new(one.finish().unwrap().repeat(count)));
        let input = BufReader::new(bytes);
        MemberReader::new(Position { input, at: 0 }).unwrap()
    }

    #[test]
    fn no_more_members_are_noted_than_a_manifest_can_list() {
        for (count, most, whole) in [(3, 3, true), (4, 3, false), (4000, 3, false)] {
            let mut reader = members(count);
            assert!(reader.left < 4_000_000, "some 200 MB of notes at most");
            reader.left = most;
            let read = io::copy(&mut reader, &mut io::sink());
            assert_eq!(read.is_ok(), whole, "{count} of {most}: {read:?}");
            assert_eq!(reader.observed.sha256.len(), 3);
        }
    }
}
