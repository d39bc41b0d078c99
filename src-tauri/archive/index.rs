//! The index of a tree, written to a temporary file while the tree is packed, and what a line of it says. Holding entries against it is
//! `index_check`'s business.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::manifest::{ContentEntry, EntryType, TreeCounts};

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
    pub(super) fn finish(self) -> io::Result<(impl Read, u64, TreeCounts)> {
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

pub(super) const BUFFER: usize = 256 * 1024;

pub(super) fn count(counts: &mut TreeCounts, entry: EntryType, size: u64) {
    match entry {
        EntryType::File => counts.files += 1,
        EntryType::Dir => counts.dirs += 1,
        EntryType::Symlink | EntryType::Hardlink => counts.links += 1,
    }
    counts.size_bytes = counts.size_bytes.saturating_add(size);
}

/// What a line and an entry must agree on. Unknown fields, and those only a restore needs, are passed over.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub file: Cow<'a, str>,
    #[serde(borrow, default)]
    pub file_base64: Option<Cow<'a, str>>,
    pub entry: EntryType,
    #[serde(borrow, default)]
    pub link: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub link_base64: Option<Cow<'a, str>>,
    pub size_bytes: u64,
    #[serde(borrow)]
    pub checksum_sha256: Cow<'a, str>,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    #[serde(borrow)]
    pub user: Cow<'a, str>,
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    pub mtime: Timestamp,
    pub tar_offset: u64,
}

impl Line<'_> {
    pub(super) fn name(&self) -> Option<Vec<u8>> {
        names::from_text(&self.file, self.file_base64.as_deref())
    }

    /// An error where its two forms do not belong together.
    pub(super) fn link(&self) -> Result<Option<Vec<u8>>, &'static str> {
        match &self.link {
            None => Ok(None),
            Some(link) => names::from_text(link, self.link_base64.as_deref())
                .map(Some)
                .ok_or("its link in the index is broken"),
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
