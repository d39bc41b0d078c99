//! Lists of file changes on disk, one JSON line each, read from either end: a million changes cost no memory.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::change::{Change, Direction, RawPath, State};
use super::error::RestoreError;

type Result<T> = std::result::Result<T, RestoreError>;

/// The file changes of one component: what goes, and what is put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Parents before children; brought about from its end.
    pub removals: RawPath,
    /// Parents before children.
    pub puts: RawPath,
    count: u64,
    bytes_before: u64,
    bytes_after: u64,
}

impl Changes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of content that this direction writes.
    #[must_use]
    pub fn bytes(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Forward => self.bytes_after,
            Direction::Back => self.bytes_before,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    FirstFirst,
    LastFirst,
}

/// Writes a `Changes` into a folder.
pub(super) struct Writer {
    removals: BufWriter<File>,
    puts: BufWriter<File>,
    changes: Changes,
}

impl Writer {
    pub fn create(dir: &Path) -> Result<Self> {
        let (removals, puts) = (dir.join("removals.jsonl"), dir.join("puts.jsonl"));
        let make = |path: &PathBuf| {
            File::create_new(path)
                .map(BufWriter::new)
                .map_err(RestoreError::io(path))
        };
        Ok(Self {
            removals: make(&removals)?,
            puts: make(&puts)?,
            changes: Changes {
                removals: RawPath(removals),
                puts: RawPath(puts),
                count: 0,
                bytes_before: 0,
                bytes_after: 0,
            },
        })
    }

    pub fn removal(&mut self, change: &Change) -> Result<()> {
        self.count(change);
        line(&mut self.removals, &self.changes.removals.0, change)
    }

    pub fn put(&mut self, change: &Change) -> Result<()> {
        self.count(change);
        line(&mut self.puts, &self.changes.puts.0, change)
    }

    pub fn clear(&mut self) -> Result<()> {
        for (out, path) in [
            (&mut self.removals, &self.changes.removals.0),
            (&mut self.puts, &self.changes.puts.0),
        ] {
            out.flush().map_err(RestoreError::io(path))?;
            out.rewind()
                .and_then(|()| out.get_ref().set_len(0))
                .map_err(RestoreError::io(path))?;
        }
        let changes = &mut self.changes;
        (changes.count, changes.bytes_before, changes.bytes_after) = (0, 0, 0);
        Ok(())
    }

    pub fn finish(mut self) -> Result<Changes> {
        for (out, path) in [
            (&mut self.removals, &self.changes.removals.0),
            (&mut self.puts, &self.changes.puts.0),
        ] {
            out.flush().map_err(RestoreError::io(path))?;
            out.get_ref().sync_all().map_err(RestoreError::io(path))?;
        }
        Ok(self.changes)
    }

    fn count(&mut self, change: &Change) {
        let size = |state: &State| match state {
            State::File { size, .. } => *size,
            _ => 0,
        };
        self.changes.count += 1;
        self.changes.bytes_before += size(&change.before);
        self.changes.bytes_after += size(&change.after);
    }
}

fn line(out: &mut BufWriter<File>, path: &Path, change: &Change) -> Result<()> {
    let json = serde_json::to_vec(change).map_err(|e| record(path, &e))?;
    out.write_all(&json)
        .and_then(|()| out.write_all(b"\n"))
        .map_err(RestoreError::io(path))
}

fn record(path: &Path, cause: &serde_json::Error) -> RestoreError {
    RestoreError::Record {
        path: path.to_path_buf(),
        reason: cause.to_string(),
    }
}

/// Every change of a list.
pub(super) fn each(
    path: &Path,
    order: Order,
    take: &mut dyn FnMut(Change) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(RestoreError::io(path))?;
    let mut parse = |line: &[u8]| take(serde_json::from_slice(line).map_err(|e| record(path, &e))?);
    match order {
        Order::FirstFirst => {
            let mut lines = BufReader::new(file);
            let mut line = Vec::new();
            loop {
                line.clear();
                let n = lines
                    .read_until(b'\n', &mut line)
                    .map_err(RestoreError::io(path))?;
                if n == 0 {
                    return Ok(());
                }
                parse(&line)?;
            }
        }
        Order::LastFirst => lines_from_the_end(file, path, &mut parse),
    }
}

/// Reads blocks from the end; what precedes the first line break of a block is carried to the block before it.
fn lines_from_the_end(
    mut file: File,
    path: &Path,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = file
        .seek(SeekFrom::End(0))
        .map_err(RestoreError::io(path))?;
    let mut carried = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut block))
            .map_err(RestoreError::io(path))?;
        block.append(&mut carried);
        let mut stop = block.len();
        while let Some(at) = block[..stop].iter().rposition(|b| *b == b'\n') {
            if at + 1 < stop {
                take(&block[at + 1..stop])?;
            }
            stop = at;
        }
        block.truncate(stop);
        carried = block;
        end = start;
    }
    if carried.is_empty() {
        Ok(())
    } else {
        take(&carried)
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Spot;
    use super::*;

    #[test]
    fn a_list_is_read_alike_from_both_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path()).unwrap();
        // Long and short names, so that lines straddle the blocks.
        for n in 0..3000_usize {
            let change = Change {
                spot: Spot {
                    base: RawPath("/base".into()),
                    below: RawPath(format!("{n}{}", "x".repeat(n % 200)).into()),
                },
                before: State::Absent,
                after: State::Absent,
            };
            writer.put(&change).unwrap();
        }
        let changes = writer.finish().unwrap();
        let read = |order| {
            let mut seen = Vec::new();
            each(&changes.puts.0, order, &mut |c| {
                seen.push(c.spot.below);
                Ok(())
            })
            .unwrap();
            seen
        };
        let (forward, mut back) = (read(Order::FirstFirst), read(Order::LastFirst));
        back.reverse();
        assert_eq!(forward.len(), 3000);
        assert_eq!(forward, back);
    }
}
