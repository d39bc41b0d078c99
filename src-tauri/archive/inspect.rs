//! Goes through entries as a reader must: each against the manifest or its index, names once, components in a row, digests as listed.
//! What is done with an entry is the sink's; `unpack` and `verify` differ in nothing else.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};
use std::ops::Range;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::model::instance::ComponentKind;
use crate::model::manifest::{ComponentEntry, ContentEntry, EntryType};

use super::index::Expected;
use super::index_check::{IndexCheck, LineCheck};
use super::layout::Selection;
use super::names::{self, NameSet};
use super::stream::{MemberStream, Shared};
use super::tar_read::{TarEntry, TarReader};
use super::{
    Archive, BIG_CONTENT, CONFIG_EXPORT, INDEX, MANIFEST, OpenError, README, SIGNATURE, as_usize,
    padding,
};

/// Takes entries one after the other. Names were checked; the content's digest is right only once `end` is called.
pub(super) trait Sink {
    /// A folder, a link, or a file whose content follows.
    fn begin(&mut self, entry: &TarEntry) -> Result<(), OpenError>;
    fn content(&mut self, bytes: Shared) -> Result<(), OpenError>;
    fn end(&mut self) -> Result<(), OpenError>;
    /// A file at once, its content in one piece.
    fn whole(&mut self, entry: &TarEntry, content: Shared) -> Result<(), OpenError>;
    /// Bytes of a tree's index, which is the archive's, not the tree's. Checked once all of it has passed.
    fn index(&mut self, component: &str, bytes: &[u8]) -> Result<(), OpenError>;
}

/// Goes through the runs. `scratch`: a folder for unnamed temporary files.
pub(super) fn inspect(
    archive: &Archive,
    runs: &[Range<usize>],
    selection: Selection<'_>,
    scratch: &Path,
    stream: &mut MemberStream<'_>,
    sink: &mut dyn Sink,
) -> Result<(), OpenError> {
    let mut inspector = Inspector {
        archive,
        selection,
        scratch,
        sink,
        component: None,
        done: HashSet::new(),
        metadata: HashSet::new(),
    };
    for run in runs {
        stream.begin(run);
        let mut tar = TarReader::new(&mut *stream, archive.table.uncompressed[run.start]);
        while let Some(entry) = tar.next_entry()? {
            inspector.entry(&mut tar, &entry)?;
        }
        if tar.ended {
            return Err(OpenError::refused(
                "the tar stream ends before its manifest",
            ));
        }
        inspector.finish_component()?;
    }
    inspector.finish()
}

type Tar<'a, 'b> = TarReader<&'a mut MemberStream<'b>>;

struct Inspector<'a> {
    archive: &'a Archive,
    selection: Selection<'a>,
    scratch: &'a Path,
    sink: &'a mut dyn Sink,
    component: Option<Component<'a>>,
    done: HashSet<&'a str>,
    /// The archive's own entries that came by.
    metadata: HashSet<Vec<u8>>,
}

struct Component<'a> {
    entry: &'a ComponentEntry,
    state: State<'a>,
    /// Its regular files, which hard links may name.
    files: NameSet,
}

enum State<'a> {
    /// Entries of the manifest that have not come yet.
    Listed(HashMap<Vec<u8>, &'a ContentEntry>),
    /// A tree before its index.
    Tree { seen: NameSet, index: IndexCheck },
    /// A tree after its index.
    Ended,
    /// Not wanted: passed over.
    Unwanted,
}

impl<'a> Inspector<'a> {
    fn entry(&mut self, tar: &mut Tar<'_, '_>, entry: &TarEntry) -> Result<(), OpenError> {
        let folder = entry.name.split(|byte| *byte == b'/').next();
        let folder = folder.and_then(|folder| std::str::from_utf8(folder).ok());
        let known = self
            .archive
            .manifest
            .components
            .iter()
            .find(|component| Some(component.name.as_str()) == folder);
        let Some(known) = known else {
            self.finish_component()?;
            return self.own_entry(tar, entry);
        };
        if self
            .component
            .as_ref()
            .is_none_or(|c| c.entry.name != known.name)
        {
            self.finish_component()?;
            self.begin_component(known, entry)?;
            tar.inner.working_on(&known.name);
        }
        let Some(mut component) = self.component.take() else {
            return Err(refused(entry, "it is in no component"));
        };
        self.component_entry(tar, entry, &mut component)?;
        self.component = Some(component);
        Ok(())
    }

    fn begin_component(
        &mut self,
        known: &'a ComponentEntry,
        first: &TarEntry,
    ) -> Result<(), OpenError> {
        if !self.done.insert(&known.name) {
            return Err(refused(
                first,
                "the entries of its component are not in a row",
            ));
        }
        let state = if !self.selection.wants(&known.name) {
            State::Unwanted
        } else if known.kind == ComponentKind::Files {
            State::Tree {
                seen: NameSet::default(),
                index: IndexCheck::create(self.scratch).map_err(|e| self.scratch_fault(e))?,
            }
        } else {
            let listed = self.archive.manifest.contents.iter();
            State::Listed(
                listed
                    .filter(|entry| entry.component == known.name)
                    .map(|entry| {
                        let name = names::from_text(&entry.file, entry.file_base64.as_deref());
                        (name.unwrap_or_default(), entry)
                    })
                    .collect(),
            )
        };
        self.component = Some(Component {
            entry: known,
            state,
            files: NameSet::default(),
        });
        Ok(())
    }

    fn component_entry(
        &mut self,
        tar: &mut Tar<'_, '_>,
        entry: &TarEntry,
        component: &mut Component<'a>,
    ) -> Result<(), OpenError> {
        if matches!(component.state, State::Unwanted) {
            tar.skip(entry.size)?;
            return tar.skip(padding(entry.size));
        }
        check_link(entry, component)?;
        match &mut component.state {
            State::Unwanted => {}
            State::Ended => return Err(refused(entry, "it comes after its tree's index")),
            State::Listed(listed) => {
                let expected = listed.remove(&entry.name).ok_or_else(|| {
                    refused(entry, "it is not in the manifest, or in the archive twice")
                })?;
                self.listed(tar, entry, expected)?;
            }
            State::Tree { seen, index } => {
                if is_index(&entry.name, &component.entry.name) {
                    let state = std::mem::replace(&mut component.state, State::Ended);
                    return self.index(tar, entry, component.entry, state);
                }
                if !seen.insert(&entry.name) {
                    return Err(refused(entry, "it is in the archive twice"));
                }
                let sha256 = self.pass(tar, entry)?;
                index
                    .entry(entry, &sha256)
                    .map_err(|e| self.scratch_fault(e))?;
            }
        }
        if entry.entry == EntryType::File {
            component.files.insert(&entry.name);
        }
        Ok(())
    }

    /// README, export, and what else the manifest lists in no component.
    fn own_entry(&mut self, tar: &mut Tar<'_, '_>, entry: &TarEntry) -> Result<(), OpenError> {
        let manifest = &self.archive.manifest;
        let listed = manifest
            .contents
            .iter()
            .find(|listed| listed.component.is_empty() && listed.file.as_bytes() == entry.name);
        if [MANIFEST.as_bytes(), SIGNATURE.as_bytes()].contains(&entry.name.as_slice()) {
            return Err(refused(entry, "it comes before its place at the end"));
        }
        let export = entry.name == CONFIG_EXPORT.as_bytes();
        if listed.is_none() && !export && entry.name != README.as_bytes() {
            return Err(refused(entry, "it is in neither manifest nor index"));
        }
        if entry.entry != EntryType::File {
            return Err(refused(entry, "it is no file"));
        }
        if !self.metadata.insert(entry.name.clone()) {
            return Err(refused(entry, "it is in the archive twice"));
        }
        let sha256 = if self.selection.metadata {
            self.pass(tar, entry)?
        } else {
            digest(tar, entry, |_, _| Ok(()))?
        };
        let digests = [
            listed.map(|listed| listed.checksum_sha256.as_str()),
            export.then_some(manifest.config_info.config_hash.as_str()),
        ];
        if digests.iter().flatten().any(|listed| **listed != sha256) {
            return Err(refused(entry, "its SHA-256 is not the one listed"));
        }
        Ok(())
    }

    fn listed(
        &mut self,
        tar: &mut Tar<'_, '_>,
        entry: &TarEntry,
        expected: &ContentEntry,
    ) -> Result<(), OpenError> {
        check_listed(entry, expected)?;
        let sha256 = self.pass(tar, entry)?;
        if sha256 != expected.checksum_sha256 {
            return Err(refused(entry, "its SHA-256 is not the one listed"));
        }
        Ok(())
    }

    fn index(
        &mut self,
        tar: &mut Tar<'_, '_>,
        entry: &TarEntry,
        component: &ComponentEntry,
        state: State<'_>,
    ) -> Result<(), OpenError> {
        let State::Tree { index, .. } = state else {
            return Err(refused(entry, "it is an index of no tree"));
        };
        let manifest = &self.archive.manifest;
        let expected = manifest
            .contents
            .iter()
            .find(|listed| listed.file.as_bytes() == entry.name)
            .ok_or_else(|| refused(entry, "it is not in the manifest"))?;
        check_listed(entry, expected)?;
        let mut lines: LineCheck = index.begin().map_err(|e| self.scratch_fault(e))?;
        let sink = &mut *self.sink;
        let sha256 = digest(tar, entry, |stream, length| {
            let bytes = stream.fill_buf().map_err(OpenError::from_io)?;
            lines.take(&bytes[..length])?;
            sink.index(&component.name, &bytes[..length])
        })?;
        if sha256 != expected.checksum_sha256 {
            return Err(refused(entry, "its SHA-256 is not the one listed"));
        }
        let counts = lines.end()?;
        if component.counts.is_some_and(|listed| listed != counts) {
            return Err(refused(entry, "it counts up to something else than listed"));
        }
        Ok(())
    }

    /// Hands an entry to the sink. Returns the digest of its content.
    fn pass(&mut self, tar: &mut Tar<'_, '_>, entry: &TarEntry) -> Result<String, OpenError> {
        if entry.entry != EntryType::File {
            self.sink.begin(entry)?;
            return Ok(hex::encode(Sha256::digest(b"")));
        }
        if entry.size < BIG_CONTENT {
            // Below 256 KiB.
            let length = as_usize(entry.size);
            // An empty file needs nothing of the stream, which may have ended.
            if length > 0 {
                tar.inner.fill_buf().map_err(OpenError::from_io)?;
            }
            if let Some(content) = tar.inner.shared(length) {
                let sha256 = hex::encode(Sha256::digest(content.bytes()));
                self.sink.whole(entry, content)?;
                tar.consume(length);
                tar.skip(padding(entry.size))?;
                return Ok(sha256);
            }
        }
        self.sink.begin(entry)?;
        let sink = &mut *self.sink;
        let sha256 = digest(tar, entry, |stream, length| {
            // As much as was just hashed is at hand.
            stream
                .shared(length)
                .map_or(Ok(()), |bytes| sink.content(bytes))
        })?;
        self.sink.end()?;
        Ok(sha256)
    }

    fn finish_component(&mut self) -> Result<(), OpenError> {
        let Some(component) = self.component.take() else {
            return Ok(());
        };
        match component.state {
            State::Unwanted | State::Ended => Ok(()),
            State::Listed(left) => left.into_keys().min().map_or(Ok(()), |name| {
                let reason = "it is in the manifest and not in the archive";
                Err(OpenError::refused_entry(&name, reason))
            }),
            State::Tree { .. } => {
                let name = format!("{}/{INDEX}", component.entry.name);
                let reason = "the tree ends without its index";
                Err(OpenError::refused_entry(name.as_bytes(), reason))
            }
        }
    }

    fn finish(self) -> Result<(), OpenError> {
        for component in &self.archive.manifest.components {
            let name = component.name.as_str();
            if self.selection.wants(name)
                && self.archive.layout.holds(name)
                && !self.done.contains(name)
            {
                let reason = "it is in the manifest and not in the archive";
                return Err(OpenError::refused_entry(name.as_bytes(), reason));
            }
        }
        Ok(())
    }

    fn scratch_fault(&self, cause: io::Error) -> OpenError {
        OpenError::Write {
            path: self.scratch.to_owned(),
            cause,
        }
    }
}

/// Reads content and padding; `each` is called with the bytes at hand, before they are consumed. Returns the digest.
fn digest(
    tar: &mut Tar<'_, '_>,
    entry: &TarEntry,
    mut each: impl FnMut(&mut MemberStream<'_>, usize) -> Result<(), OpenError>,
) -> Result<String, OpenError> {
    let mut hash = Sha256::new();
    let mut left = entry.size;
    while left > 0 {
        let bytes = tar.inner.fill_buf().map_err(OpenError::from_io)?;
        let length = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if length == 0 {
            return Err(refused(entry, "the archive ends inside it"));
        }
        hash.update(&bytes[..length]);
        each(&mut *tar.inner, length)?;
        tar.consume(length);
        left -= length as u64;
    }
    tar.skip(padding(entry.size))?;
    Ok(hex::encode(hash.finalize()))
}

fn check_listed(entry: &TarEntry, listed: &ContentEntry) -> Result<(), OpenError> {
    let expected =
        Expected::of(listed).ok_or_else(|| refused(entry, "its link in the manifest is broken"))?;
    expected
        .difference(entry)
        .map_or(Ok(()), |reason| Err(refused(entry, &reason)))
}

/// A hard link names an earlier file of its own component; a symbolic one has a target at all.
fn check_link(entry: &TarEntry, component: &Component<'_>) -> Result<(), OpenError> {
    match (entry.entry, &entry.link) {
        (EntryType::File | EntryType::Dir, _) => Ok(()),
        (EntryType::Symlink, Some(link)) if !link.is_empty() && !link.contains(&0) => Ok(()),
        (EntryType::Symlink, _) => Err(refused(entry, "a link to nothing")),
        (EntryType::Hardlink, link) => {
            let target = link.as_deref().unwrap_or_default();
            if component.files.contains(target) {
                Ok(())
            } else {
                let target = names::show(target);
                Err(refused(
                    entry,
                    &format!(
                        "a hard link to `{target}`, which is no earlier file of its component"
                    ),
                ))
            }
        }
    }
}

fn is_index(name: &[u8], component: &str) -> bool {
    name.strip_prefix(component.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"/"))
        == Some(INDEX.as_bytes())
}

fn refused(entry: &TarEntry, reason: &str) -> OpenError {
    OpenError::refused_entry(&entry.name, reason)
}
