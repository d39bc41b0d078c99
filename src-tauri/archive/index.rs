//! The index of a tree: written to a temporary file while the tree is packed, and held against the tree's entries, line by line, when an
//! archive is read. It never holds a tree in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::manifest::{ContentEntry, EntryType, TreeCounts};

use super::OpenError;
use super::names::{self, NameSet};
use super::tar_read::TarEntry;

/// Collects the lines of one tree.
pub(super) struct IndexWriter {
    lines: BufWriter<File>,
    size: u64,
    line: Vec<u8>,
    counts: TreeCounts,
}

impl IndexWriter {
    pub(super) fn create(scratch: &Path) -> io::Result<Self> {
        Ok(Self {
            lines: BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(scratch)?),
            size: 0,
            line: Vec::new(),
            counts: TreeCounts::default(),
        })
    }

    pub(super) fn add(&mut self, entry: &ContentEntry) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry)?;
        self.line.push(b'\n');
        self.lines.write_all(&self.line)?;
        self.size += self.line.len() as u64;
        count(&mut self.counts, entry.entry, entry.size_bytes);
        Ok(())
    }

    /// The lines, their length in bytes, and what they count up to.
    pub(super) fn finish(mut self) -> io::Result<(impl Read, u64, TreeCounts)> {
        self.lines.flush()?;
        let mut file = self.lines.into_inner()?;
        file.seek(SeekFrom::Start(0))?;
        Ok((file, self.size, self.counts))
    }

    /// Every name so far, for a tree whose order alone does not rule out a second.
    pub(super) fn names(&mut self) -> io::Result<NameSet> {
        self.lines.flush()?;
        let file = self.lines.get_mut();
        file.seek(SeekFrom::Start(0))?;
        let mut names = NameSet::default();
        let mut reader = BufReader::new(&*file);
        let mut text = Vec::new();
        loop {
            text.clear();
            if reader.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            let line: Line<'_> = serde_json::from_slice(&text)?;
            names.insert(&line.name().unwrap_or_default());
        }
        self.lines.get_mut().seek(SeekFrom::End(0))?;
        Ok(names)
    }
}

const BUFFER: usize = 256 * 1024;

fn count(counts: &mut TreeCounts, entry: EntryType, size: u64) {
    match entry {
        EntryType::File => counts.files += 1,
        EntryType::Dir => counts.dirs += 1,
        EntryType::Symlink | EntryType::Hardlink => counts.links += 1,
    }
    counts.size_bytes = counts.size_bytes.saturating_add(size);
}

/// What a line and an entry must agree on. Unknown fields, and those only a restore needs, are passed over.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
    #[serde(borrow, default)]
    file_base64: Option<Cow<'a, str>>,
    entry: EntryType,
    #[serde(borrow, default)]
    link: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    link_base64: Option<Cow<'a, str>>,
    size_bytes: u64,
    #[serde(borrow)]
    checksum_sha256: Cow<'a, str>,
    mode: u32,
    uid: u64,
    gid: u64,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow)]
    group: Cow<'a, str>,
    mtime: Timestamp,
    tar_offset: u64,
}

impl Line<'_> {
    fn name(&self) -> Option<Vec<u8>> {
        names::from_text(&self.file, self.file_base64.as_deref())
    }

    fn link(&self) -> Option<Option<Vec<u8>>> {
        match &self.link {
            None => Some(None),
            Some(link) => names::from_text(link, self.link_base64.as_deref()).map(Some),
        }
    }
}

/// The facts of an entry of the manifest or an index on which the tar stream must agree.
pub(super) struct Expected<'a> {
    pub entry: EntryType,
    pub link: Option<Vec<u8>>,
    pub size: u64,
    pub sha256: &'a str,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: &'a str,
    pub group: &'a str,
    pub mtime: Timestamp,
    pub tar_offset: u64,
}

impl<'a> Expected<'a> {
    /// None where the link's two forms do not belong together.
    pub(super) fn of(entry: &'a ContentEntry) -> Option<Self> {
        let link = match &entry.link {
            None => None,
            Some(link) => Some(names::from_text(link, entry.link_base64.as_deref())?),
        };
        Some(Self {
            entry: entry.entry,
            link,
            size: entry.size_bytes,
            sha256: &entry.checksum_sha256,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            user: &entry.user,
            group: &entry.group,
            mtime: entry.mtime,
            tar_offset: entry.tar_offset,
        })
    }

    /// What differs first; the digest aside.
    pub(super) fn difference(&self, found: &TarEntry) -> Option<String> {
        let differ = |what: &str, listed: &dyn std::fmt::Display, is: &dyn std::fmt::Display| {
            Some(format!("its {what} is {is}, listed is {listed}"))
        };
        if self.entry != found.entry {
            Some(format!(
                "it is of type {:?}, listed is {:?}",
                found.entry, self.entry
            ))
        } else if self.size != found.size {
            differ("size", &self.size, &found.size)
        } else if self.link != found.link {
            Some("it links to something else than listed".to_owned())
        } else if self.tar_offset != found.offset {
            differ("place in the stream", &self.tar_offset, &found.offset)
        } else if self.mode != found.mode {
            Some(format!(
                "its mode is {:o}, listed is {:o}",
                found.mode, self.mode
            ))
        } else if (self.uid, self.gid) != (found.uid, found.gid) {
            differ(
                "owner",
                &format_args!("{}:{}", self.uid, self.gid),
                &format_args!("{}:{}", found.uid, found.gid),
            )
        } else if (self.user, self.group) != (found.user.as_str(), found.group.as_str()) {
            Some("its owner's or group's name is not the one listed".to_owned())
        } else if self.mtime != found.mtime {
            differ("time", &self.mtime, &found.mtime)
        } else {
            None
        }
    }
}

/// Holds a tree's entries against its index, which comes after them.
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
    pub(super) fn begin(mut self) -> io::Result<LineCheck> {
        self.seen.flush()?;
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
        let (Some(name), Some(link)) = (line.name(), line.link()) else {
            return Err(OpenError::refused_entry(
                line.file.as_bytes(),
                "its name in the index is broken",
            ));
        };
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
            link,
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
            u64::from(entry.mtime.subsec_nanosecond().cast_unsigned()),
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
