//! Holds a tree's entries against its index, which comes after them: entries wait in a temporary file, the index streams by.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom};
use std::path::Path;

use crate::model::manifest::TreeCounts;

use super::index::{BUFFER, Expected, Line, count};
use super::tar_read::TarEntry;
use super::{OpenError, names};

/// The entries of a tree before its index.
pub(super) struct IndexCheck {
    /// Entries that came by, one record each.
    seen: BufWriter<File>,
    counts: TreeCounts,
}

impl IndexCheck {
    pub(super) fn create(scratch: &Path) -> io::Result<Self> {
        Ok(Self {
            seen: BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(scratch)?),
            counts: TreeCounts::default(),
        })
    }

    pub(super) fn entry(&mut self, entry: &TarEntry, sha256: &str) -> io::Result<()> {
        count(&mut self.counts, entry.entry, entry.size);
        record::write(&mut self.seen, entry, sha256)
    }

    /// The index begins.
    pub(super) fn begin(self) -> io::Result<LineCheck> {
        let mut file = self.seen.into_inner()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(LineCheck {
            seen: BufReader::with_capacity(BUFFER, file),
            left: self.counts.files + self.counts.dirs + self.counts.links,
            counts: self.counts,
            line: Vec::new(),
        })
    }
}

/// A line is a few hundred bytes; three names of 4096 bytes, escaped, fit.
const MAX_LINE: usize = 256 * 1024;

/// Takes the index as it streams by.
pub(super) struct LineCheck {
    seen: BufReader<File>,
    left: u64,
    pub counts: TreeCounts,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

impl LineCheck {
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), OpenError> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            if self.line.is_empty() {
                self.check(&bytes[..end])?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.check(&line)?;
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + 1..];
        }
        if self.line.len() + bytes.len() > MAX_LINE {
            return Err(OpenError::refused(format!(
                "a line of the index is longer than {MAX_LINE} bytes"
            )));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The index has ended: it must have named every entry.
    pub(super) fn end(mut self) -> Result<TreeCounts, OpenError> {
        if !self.line.is_empty() {
            return Err(OpenError::refused("the index ends inside a line"));
        }
        if self.left > 0 {
            let (entry, _) = self.next_seen()?;
            return Err(OpenError::refused_entry(
                &entry.name,
                "it is not in the index",
            ));
        }
        Ok(self.counts)
    }

    fn check(&mut self, text: &[u8]) -> Result<(), OpenError> {
        let line: Line<'_> = serde_json::from_slice(text)
            .map_err(|e| OpenError::refused(format!("a line of the index is broken: {e}")))?;
        let broken = |reason| OpenError::refused_entry(line.file.as_bytes(), reason);
        let name = line
            .name()
            .ok_or_else(|| broken("its name in the index is broken"))?;
        let target = line.link().map_err(broken)?;
        if self.left == 0 {
            let reason = "it is in the index and not in the archive";
            return Err(OpenError::refused_entry(&name, reason));
        }
        let (entry, sha256) = self.next_seen()?;
        if entry.name != name {
            let listed = names::show(&name);
            let reason = format!("the index has `{listed}` in its place");
            return Err(OpenError::refused_entry(&entry.name, reason));
        }
        let expected = Expected {
            entry: line.entry,
            link: target,
            size: line.size_bytes,
            sha256: &line.checksum_sha256,
            mode: line.mode,
            uid: line.uid,
            gid: line.gid,
            user: &line.user,
            group: &line.group,
            mtime: line.mtime,
            tar_offset: line.tar_offset,
        };
        let difference = expected.difference(&entry).or_else(|| {
            (expected.sha256 != sha256).then(|| "its SHA-256 is not the one listed".to_owned())
        });
        difference.map_or(Ok(()), |reason| {
            Err(OpenError::refused_entry(&name, reason))
        })
    }

    fn next_seen(&mut self) -> Result<(TarEntry, String), OpenError> {
        self.left -= 1;
        record::read(&mut self.seen).map_err(OpenError::Read)
    }
}

/// What is kept of an entry until its index comes. The file is this process's own and has no name: its form is nobody else's business.
mod record {
    use std::io::{self, Read, Write};

    use jiff::Timestamp;

    use crate::model::manifest::EntryType;

    use super::TarEntry;

    pub(super) fn write(out: &mut impl Write, entry: &TarEntry, sha256: &str) -> io::Result<()> {
        out.write_all(&[match entry.entry {
            EntryType::File => 0,
            EntryType::Dir => 1,
            EntryType::Symlink => 2,
            EntryType::Hardlink => 3,
        }])?;
        for number in [
            entry.size,
            entry.mode.into(),
            entry.uid,
            entry.gid,
            entry.offset,
            entry.mtime.as_second().cast_unsigned(),
            i64::from(entry.mtime.subsec_nanosecond()).cast_unsigned(),
        ] {
            out.write_all(&number.to_le_bytes())?;
        }
        let none: &[u8] = b"";
        for bytes in [
            entry.name.as_slice(),
            entry.link.as_deref().unwrap_or(none),
            entry.user.as_bytes(),
            entry.group.as_bytes(),
            sha256.as_bytes(),
        ] {
            out.write_all(&(bytes.len() as u64).to_le_bytes())?;
            out.write_all(bytes)?;
        }
        Ok(())
    }

    pub(super) fn read(input: &mut impl Read) -> io::Result<(TarEntry, String)> {
        let mut kind = [0];
        input.read_exact(&mut kind)?;
        let entry = match kind[0] {
            0 => EntryType::File,
            1 => EntryType::Dir,
            2 => EntryType::Symlink,
            _ => EntryType::Hardlink,
        };
        let [size, mode, uid, gid, offset, second, nanos] = {
            let mut numbers = [0; 7];
            for number in &mut numbers {
                *number = number_from(input)?;
            }
            numbers
        };
        let [name, link, user, group, sha256] = {
            let mut texts: [Vec<u8>; 5] = Default::default();
            for text in &mut texts {
                let length = number_from(input)?;
                input.take(length).read_to_end(text)?;
            }
            texts
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(io::Error::other);
        let found = TarEntry {
            name,
            entry,
            link: matches!(entry, EntryType::Symlink | EntryType::Hardlink).then_some(link),
            size,
            mode: u32::try_from(mode).map_err(io::Error::other)?,
            uid,
            gid,
            user: text(user)?,
            group: text(group)?,
            mtime: Timestamp::new(
                second.cast_signed(),
                i32::try_from(nanos.cast_signed()).map_err(io::Error::other)?,
            )
            .map_err(io::Error::other)?,
            xattrs: Vec::new(),
            offset,
        };
        Ok((found, text(sha256)?))
    }

    fn number_from(input: &mut impl Read) -> io::Result<u64> {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
