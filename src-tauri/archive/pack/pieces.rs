//! Entries into pieces by the format's rule: where big content is cut, where small entries are gathered. Names were checked before.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use crate::archive::pipeline::Pipeline;
use crate::archive::seal::Written;
use crate::archive::{BIG_CONTENT, MAX_PAX, PIECE, PackError, as_usize, names, padding, tar_write};
use crate::model::Cancelled;
use crate::model::manifest::{ContentEntry, EntryType, Members};

use super::{NewEntry, PackedEntry};

/// The uncompressed stream, handed on piece by piece.
pub(super) struct Pieces<W: Write + Send + 'static> {
    pipeline: Pipeline<W>,
    piece: Vec<u8>,
    /// Of the end of `piece`, in the uncompressed stream.
    position: u64,
}

impl<W: Write + Send + 'static> Pieces<W> {
    pub(super) fn new(pipeline: Pipeline<W>) -> Self {
        Self {
            piece: pipeline.buffer(),
            pipeline,
            position: 0,
        }
    }

    pub(super) fn entry(
        &mut self,
        component: &str,
        name: &[u8],
        new: &NewEntry,
        content: &mut dyn Read,
    ) -> Result<PackedEntry, PackError> {
        let size = if new.entry == EntryType::File {
            new.size
        } else {
            0
        };
        let link = full_link(component, new)?;
        if size >= BIG_CONTENT {
            self.cut()?;
        }
        let before = self.piece.len();
        tar_write::append(
            &mut self.piece,
            &tar_write::Facts {
                name,
                entry: new.entry,
                link: link.as_deref(),
                size,
                mode: new.mode,
                uid: new.uid,
                gid: new.gid,
                user: &new.user,
                group: &new.group,
                mtime: new.mtime,
                xattrs: &new.xattrs,
            },
        );
        let head = (self.piece.len() - before) as u64;
        if head > MAX_PAX {
            self.piece.truncate(before);
            return Err(PackError::Attributes {
                entry: names::show(name),
                size: head,
                limit: MAX_PAX,
            });
        }
        let start = self.position;
        self.position += head;
        let tar_offset = self.position;
        let copied = match self.copy(size, content) {
            Ok(copied) => copied,
            Err(CopyError::First(cause)) => {
                self.piece.truncate(before);
                self.position = start;
                let entry = names::show(name);
                return Err(PackError::Read { entry, cause });
            }
            Err(CopyError::Pack(error)) => return Err(error),
        };
        tar_write::pad(&mut self.piece, size);
        self.position += padding(size);
        if size >= BIG_CONTENT || self.piece.len() as u64 >= PIECE {
            self.cut()?;
        }
        let (file, file_base64) = names::to_text(name);
        let (source, source_base64) = names::to_text(&new.source);
        let (link, link_base64) = link.map(|link| names::to_text(&link)).unzip();
        Ok(PackedEntry {
            entry: ContentEntry {
                file,
                file_base64,
                source,
                source_base64,
                component: component.to_owned(),
                content_type: new.content_type,
                entry: new.entry,
                link,
                link_base64: link_base64.flatten(),
                size_bytes: size,
                checksum_sha256: copied.sha256,
                mode: new.mode & 0o7777,
                uid: new.uid,
                gid: new.gid,
                user: new.user.clone(),
                group: new.group.clone(),
                mtime: new.mtime,
                tar_offset,
                captured_at: new.captured_at,
                damaged: copied.short,
                database: None,
            },
            fault: copied.fault,
        })
    }

    /// Ends the piece, if there is anything in it.
    pub(super) fn cut(&mut self) -> Result<(), PackError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let next = self.pipeline.buffer();
        let piece = std::mem::replace(&mut self.piece, next);
        self.pipeline.piece(piece).map_err(PackError::Write)
    }

    /// Waits until every piece is written.
    pub(super) fn members(&mut self) -> Result<Members, PackError> {
        self.pipeline.members().map_err(PackError::Write)
    }

    pub(super) fn finish(self, last: Vec<u8>) -> Result<Written<W>, PackError> {
        self.pipeline.finish(last).map_err(PackError::Write)
    }

    /// Content into pieces, cut at each multiple of `PIECE` where it is big.
    fn copy(&mut self, size: u64, content: &mut dyn Read) -> Result<Copied, CopyError> {
        let mut hash = Sha256::new();
        let mut done = 0;
        let mut source = Some(content);
        let mut copied = Copied::default();
        while done < size {
            let step = (PIECE - done % PIECE).min(size - done);
            let before = self.piece.len();
            if let Some(content) = &mut source {
                let read = content.take(step).read_to_end(&mut self.piece);
                if let Err(cause) = read {
                    let inner = cause.get_ref();
                    if inner
                        .and_then(|inner| inner.downcast_ref::<Cancelled>())
                        .is_some()
                    {
                        return Err(CopyError::Pack(PackError::Cancelled(Cancelled)));
                    }
                    if done < PIECE {
                        return Err(CopyError::First(cause));
                    }
                    copied.fault = Some(cause);
                }
            }
            if ((self.piece.len() - before) as u64) < step {
                // It became shorter. What was announced has to come all the same.
                copied.short = true;
                source = None;
                self.piece.resize(before + as_usize(step), 0);
            }
            hash.update(&self.piece[before..]);
            done += step;
            self.position += step;
            if size >= BIG_CONTENT && done % PIECE == 0 {
                self.cut().map_err(CopyError::Pack)?;
            }
        }
        copied.sha256 = hex::encode(hash.finalize());
        Ok(copied)
    }
}

#[derive(Default)]
struct Copied {
    sha256: String,
    short: bool,
    fault: Option<io::Error>,
}

enum CopyError {
    /// In the first piece: nothing of the entry is on its way yet.
    First(io::Error),
    Pack(PackError),
}

/// Symbolic links as they are, hard ones as the entry's name in the archive.
fn full_link(component: &str, new: &NewEntry) -> Result<Option<Vec<u8>>, PackError> {
    let bad = |link: &[u8]| PackError::Name(names::show(link));
    match (new.entry, &new.link) {
        (EntryType::File | EntryType::Dir, _) => Ok(None),
        (EntryType::Symlink, Some(link)) => {
            if link.is_empty() || link.contains(&0) {
                return Err(bad(link));
            }
            Ok(Some(link.clone()))
        }
        (EntryType::Hardlink, Some(link)) => {
            if names::check(link).is_err() {
                return Err(bad(link));
            }
            let mut full = component.as_bytes().to_vec();
            full.push(b'/');
            full.extend_from_slice(link);
            Ok(Some(full))
        }
        (EntryType::Symlink | EntryType::Hardlink, None) => Err(bad(b"")),
    }
}
