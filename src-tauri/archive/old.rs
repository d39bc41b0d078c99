//! Archives of version 1.0, which the TACACS+ server's own backup made: one gzip member around a flat tar stream, sealed as a whole or
//! not at all, so no part of it can be read alone. It is read from a private copy: a survey first, which knows the manifest before
//! anything is written, then everything into a folder. They are never written.

mod manifest;
mod unseal;

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use crate::model::manifest::{ContentEntry, EntryType, Manifest};
use crate::model::{Cancel, Compression, Observer, Phase, Progress};

use super::layout::{Layout, Selection};
use super::manifest::Table;
use super::open::{end_of_tar, read_content};
use super::sign::SignatureState;
use super::stream::Shared;
use super::tar_read::{Dialect, TarEntry, TarReader};
use super::unseal::Content;
use super::{
    Archive, FileSource, KIB, MANIFEST, MIB, OpenError, OpenKeys, Sink, as_usize, padding,
};
use manifest::known;
pub use unseal::unseal;

/// What version 2 calls the seal of version 1.0.
pub const OLD_SEAL: &str = "fernet-pbkdf2";
/// Enough of a file to know by which form it is.
pub const OLD_HEAD: u64 = 16 * KIB;

/// A manifest lists eight files at most.
const MAX_OLD_MANIFEST: u64 = MIB;
/// Of the tar stream, before the manifest has said what is in it. It costs time alone: nothing is written until then.
const MAX_OLD_TAR: u64 = 1 << 40;
const PIECE: usize = 256 << 10;

/// How an archive of version 1.0 lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldForm {
    Plain,
    Sealed,
}

impl OldForm {
    /// By the first bytes of a file, `OLD_HEAD` of them where it has as many. None: it is of another version, or no archive.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(unseal::MAGIC) {
            return Some(Self::Sealed);
        }
        let mut tar = GzDecoder::new(head);
        let mut header = tar::Header::new_old();
        tar.read_exact(header.as_mut_bytes()).ok()?;
        if header.entry_type() == tar::EntryType::XHeader {
            let size = header.entry_size().ok().filter(|size| *size <= OLD_HEAD)?;
            io::copy(&mut (&mut tar).take(size + padding(size)), &mut io::sink()).ok()?;
            tar.read_exact(header.as_mut_bytes()).ok()?;
        }
        // No name of version 2 begins so, and tar cannot tell `.` from `./`.
        let name = header.path_bytes();
        (&*name == b"." || name.starts_with(b"./")).then_some(Self::Plain)
    }
}

/// An archive of which the manifest is known and holds. Nothing was written yet, and no content was looked at.
pub struct OldSurvey {
    pub manifest: Manifest,
    manifest_json: Vec<u8>,
    plain: PathBuf,
}

/// Where everything of it lies, checked.
pub(super) struct Unpacked {
    dir: PathBuf,
}

/// Reads the headers and the manifest. `plain` must be nobody else's to change until the archive is closed.
pub fn survey(plain: &Path, form: OldForm, cancel: &Cancel) -> Result<OldSurvey, OpenError> {
    let mut json = None;
    let mut entries = HashMap::new();
    walk(plain, cancel, &mut |tar, entry| {
        if entry.name == MANIFEST.as_bytes() {
            if entry.size > MAX_OLD_MANIFEST {
                return Err(refused(entry, "it is too large for one"));
            }
            if json.replace(read_content(tar, entry.size)?).is_some() {
                return Err(refused(entry, "it is in the archive twice"));
            }
            return Ok(());
        }
        if known(&entry.name).is_none() {
            return Err(refused(entry, "it is no file of an archive of version 1.0"));
        }
        skip(tar, entry.size + padding(entry.size), cancel)?;
        if entries.insert(entry.name.clone(), entry.clone()).is_some() {
            return Err(refused(entry, "it is in the archive twice"));
        }
        Ok(())
    })?;
    let json = json.ok_or_else(|| OpenError::refused("there is no manifest in it"))?;
    let algorithm = (form == OldForm::Sealed).then_some(OLD_SEAL);
    Ok(OldSurvey {
        manifest: manifest::read(&json, &entries, algorithm)?,
        manifest_json: json,
        plain: plain.to_owned(),
    })
}

impl OldSurvey {
    /// Writes everything into the folder `dir`, which must be private and empty, and stay until the archive is closed. Every digest is
    /// right then.
    pub fn unpack(
        self,
        dir: &Path,
        cancel: &Cancel,
        observer: &dyn Observer,
    ) -> Result<Archive, OpenError> {
        let total = self.manifest.total_size_bytes;
        let mut done = 0;
        walk(&self.plain, cancel, &mut |tar, entry| {
            let listed = self.manifest.contents.iter();
            let mut listed = listed.filter(|c| c.tar_offset == entry.offset);
            match listed.next() {
                // Only the manifest is not listed: the survey saw to that.
                None => skip(tar, entry.size + padding(entry.size), cancel),
                Some(listed) => {
                    let mut tell = |bytes: u64| {
                        done += bytes;
                        observer.progress(&Progress {
                            phase: Phase::Checking,
                            done_bytes: done,
                            total_bytes: total,
                            what: listed.component.clone(),
                        });
                    };
                    write(tar, entry, listed, dir, cancel, &mut tell)
                }
            }
        })?;
        let source = FileSource::open(&self.plain).map_err(OpenError::Read)?;
        let (content, _) = Content::open(Arc::new(source), &OpenKeys::default())?;
        Ok(Archive {
            manifest_sha256: hex::encode(Sha256::digest(&self.manifest_json)),
            manifest: self.manifest,
            manifest_json: self.manifest_json,
            signature: SignatureState::None,
            read_from_front: false,
            content,
            compression: Compression::Gzip,
            table: Table::empty(),
            layout: Layout::empty(),
            tail_fault: None,
            unpacked: Some(Unpacked {
                dir: dir.to_owned(),
            }),
        })
    }
}

impl Unpacked {
    /// Where an entry of the manifest lies.
    pub(super) fn path(&self, entry: &ContentEntry) -> PathBuf {
        self.dir.join(entry.file_path())
    }

    /// Hands on what is wanted, as the members of version 2 are handed on.
    pub(super) fn pass(
        &self,
        manifest: &Manifest,
        selection: Selection<'_>,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), OpenError> {
        for listed in &manifest.contents {
            let wanted = if listed.component.is_empty() {
                selection.metadata
            } else {
                selection.wants(&listed.component)
            };
            if wanted {
                self.pass_one(listed, cancel, sink)?;
            }
        }
        Ok(())
    }

    fn pass_one(
        &self,
        listed: &ContentEntry,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), OpenError> {
        let entry = TarEntry {
            name: listed.file.clone().into_bytes(),
            entry: EntryType::File,
            link: None,
            size: listed.size_bytes,
            mode: listed.mode,
            uid: listed.uid,
            gid: listed.gid,
            user: listed.user.clone(),
            group: listed.group.clone(),
            mtime: listed.mtime,
            xattrs: Vec::new(),
            offset: listed.tar_offset,
        };
        let mut file = File::open(self.path(listed)).map_err(OpenError::Read)?;
        sink.begin(&entry)?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; PIECE]);
        loop {
            cancel.check()?;
            let length = file.read(&mut buffer).map_err(OpenError::Read)?;
            if length == 0 {
                break;
            }
            hash.update(&buffer[..length]);
            sink.content(Shared::copy_of(&buffer[..length]))?;
        }
        if hex::encode(hash.finalize()) != listed.checksum_sha256 {
            return Err(refused(&entry, "its SHA-256 is not the one listed"));
        }
        sink.end()
    }
}

type Tar = TarReader<BufReader<Box<dyn Read>>>;

/// Calls `each` with every entry but the root folder. It must read the content and its padding.
fn walk(
    plain: &Path,
    cancel: &Cancel,
    each: &mut dyn FnMut(&mut Tar, &TarEntry) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let file = BufReader::with_capacity(PIECE, File::open(plain).map_err(OpenError::Read)?);
    // Beyond the limit the stream just ends, in the middle of whatever it is.
    let member = Member(GzDecoder::new(file)).take(MAX_OLD_TAR);
    let reader: Box<dyn Read> = Box::new(member);
    let mut tar = TarReader::of(BufReader::with_capacity(PIECE, reader), Dialect::Old);
    while let Some(entry) = tar.next_entry()? {
        cancel.check()?;
        match (entry.entry, entry.name.is_empty()) {
            (EntryType::Dir, true) => {}
            (EntryType::File, false) => each(&mut tar, &entry)?,
            (EntryType::Dir, false) => return Err(refused(&entry, "a folder below its root")),
            (EntryType::Symlink | EntryType::Hardlink, _) | (EntryType::File, true) => {
                return Err(refused(&entry, "it is no plain file"));
            }
        }
    }
    end_of_tar(&mut tar)
}

/// One gzip member, after which nothing comes.
struct Member<R>(GzDecoder<R>);

impl<R: BufRead> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        if length == 0 && !buffer.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(
                OpenError::refused("something follows the end of its gzip member").into_io(),
            );
        }
        Ok(length)
    }
}

/// As `TarReader::skip`, for content that may be long.
fn skip(tar: &mut Tar, length: u64, cancel: &Cancel) -> Result<(), OpenError> {
    let mut left = length;
    while left > 0 {
        cancel.check()?;
        let step = left.min(64 * MIB);
        tar.skip(step)?;
        left -= step;
    }
    Ok(())
}

/// One file of the archive, to its place below `dir`.
fn write(
    tar: &mut Tar,
    entry: &TarEntry,
    listed: &ContentEntry,
    dir: &Path,
    cancel: &Cancel,
    tell: &mut dyn FnMut(u64),
) -> Result<(), OpenError> {
    let path = dir.join(listed.file_path());
    let fault = |cause| OpenError::Write {
        path: path.clone(),
        cause,
    };
    if !listed.component.is_empty() {
        // One file a component, so nobody has made it.
        let folder = dir.join(&listed.component);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(fault)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(fault)?;
    let (mut hash, mut left) = (Sha256::new(), listed.size_bytes);
    while left > 0 {
        cancel.check()?;
        let bytes = tar.inner.fill_buf().map_err(OpenError::from_io)?;
        let length = bytes.len().min(as_usize(left));
        if length == 0 {
            return Err(refused(entry, "the archive ends inside it"));
        }
        hash.update(&bytes[..length]);
        file.write_all(&bytes[..length]).map_err(fault)?;
        tar.consume(length);
        left -= length as u64;
        tell(length as u64);
    }
    tar.skip(padding(entry.size))?;
    if hex::encode(hash.finalize()) != listed.checksum_sha256 {
        return Err(refused(entry, "its SHA-256 is not the one listed"));
    }
    Ok(())
}

fn refused(entry: &TarEntry, reason: &str) -> OpenError {
    OpenError::refused_entry(&entry.name, reason)
}
