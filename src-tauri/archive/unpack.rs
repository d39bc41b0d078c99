//! Bringing components back as files below a folder. What an entry must be is `inspect`'s business, how it gets to the disk `place`'s.

use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::instance::ComponentKind;
use crate::model::manifest::EntryType;
use crate::model::{Cancel, Observer, Phase};

use super::inspect::{Sink, inspect};
use super::layout::Selection;
use super::place::Place;
use super::sign::SignatureState;
use super::stream::{Shared, Watch, with_members};
use super::tar_read::TarEntry;
use super::{Archive, MANIFEST, OpenError, SIGNATURE};

/// What an unpacked tree may hold.
#[derive(Clone, Copy, Debug)]
pub struct UnpackPolicy {
    /// Links out of the component, set-user-id bits and attributes that carry rights: only from this installation or a known signer.
    pub trusted: bool,
    /// Set owner and group, by number (needs the right to; failures are warnings).
    pub owners: bool,
    /// Also `README.txt`, `config_export.json`, `manifest.json` and its signature.
    pub with_metadata: bool,
}

pub struct Unpacked {
    /// Absolute, below `dir`, in the order of the archive. Trees give their folder only.
    pub paths: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

impl Archive {
    /// Reads the members of these components (none named: all; one span a run of neighbours), checks every hash and every line of every
    /// index, and writes the entries below `dir` as `{component}/…`. Nothing is followed, nothing outside `dir` is touched, nothing that is
    /// there is written over; where it fails, what it made is gone. The indexes of trees are checked and not written.
    pub fn unpack(
        &self,
        components: &[String],
        dir: &Path,
        policy: &UnpackPolicy,
        cancel: &Cancel,
        observer: &dyn Observer,
    ) -> Result<Unpacked, OpenError> {
        self.unpack_and_keep(components, dir, *policy, None, cancel, observer)
    }

    /// As `unpack`; the index of each tree is kept too, as `{indexes}/{component}.jsonl`. The folder `indexes` must be there.
    pub fn unpack_with_indexes(
        &self,
        components: &[String],
        dir: &Path,
        policy: &UnpackPolicy,
        indexes: &Path,
        cancel: &Cancel,
        observer: &dyn Observer,
    ) -> Result<Unpacked, OpenError> {
        self.unpack_and_keep(components, dir, *policy, Some(indexes), cancel, observer)
    }

    fn unpack_and_keep(
        &self,
        components: &[String],
        dir: &Path,
        policy: UnpackPolicy,
        indexes: Option<&Path>,
        cancel: &Cancel,
        observer: &dyn Observer,
    ) -> Result<Unpacked, OpenError> {
        for name in components {
            if !self.manifest.components.iter().any(|one| one.name == *name) {
                return Err(OpenError::NoComponent(name.clone()));
            }
        }
        let selection = Selection {
            components,
            metadata: policy.with_metadata,
        };
        let watch = Watch {
            cancel,
            observer,
            phase: Phase::Fetching,
        };
        let runs = self.layout.runs(&self.table, selection);
        let mut unpacker = Unpacker {
            archive: self,
            place: Place::open(dir, policy)?,
            paths: Vec::new(),
            indexes,
            index: None,
        };
        let done = match &self.unpacked {
            Some(old) => old.pass(&self.manifest, selection, cancel, &mut unpacker),
            None => with_members(self, &runs, &watch, |stream| {
                inspect(self, &runs, selection, dir, stream, &mut unpacker)
            }),
        }
        .and_then(|()| {
            if policy.with_metadata {
                unpacker.manifest()?;
            }
            unpacker.place.finish()
        });
        match done {
            Ok(warnings) => Ok(Unpacked {
                paths: unpacker.paths,
                warnings,
            }),
            Err(error) => {
                unpacker.place.undo();
                Err(error)
            }
        }
    }
}

struct Unpacker<'a> {
    archive: &'a Archive,
    place: Place,
    paths: Vec<PathBuf>,
    /// Where indexes are kept.
    indexes: Option<&'a Path>,
    /// The one that is being kept, and its component.
    index: Option<(String, PathBuf, File)>,
}

impl Unpacker<'_> {
    fn note(&mut self, entry: &TarEntry) {
        let name = std::ffi::OsStr::from_bytes(&entry.name);
        let path = self.place.base().join(name);
        let tree = self.archive.manifest.components.iter().find(|component| {
            component.kind == ComponentKind::Files
                && entry.name.split(|byte| *byte == b'/').next() == Some(component.name.as_bytes())
        });
        match tree {
            Some(tree) => {
                let folder = self.place.base().join(&tree.name);
                if self.paths.last() != Some(&folder) {
                    self.paths.push(folder);
                }
            }
            None if entry.entry != EntryType::Dir => self.paths.push(path),
            None => {}
        }
    }

    /// The last two entries are at hand since the archive was opened.
    fn manifest(&mut self) -> Result<(), OpenError> {
        let json = self.archive.manifest_json.as_slice();
        let mut files = vec![(MANIFEST, json)];
        if let SignatureState::Present { text, .. } = &self.archive.signature {
            files.push((SIGNATURE, text.as_bytes()));
        }
        for (name, bytes) in files {
            let entry = TarEntry {
                name: name.as_bytes().to_vec(),
                entry: EntryType::File,
                link: None,
                size: bytes.len() as u64,
                mode: 0o600,
                uid: rustix::process::getuid().as_raw().into(),
                gid: rustix::process::getgid().as_raw().into(),
                user: String::new(),
                group: String::new(),
                mtime: self.archive.manifest.backup_metadata.timestamp_utc,
                xattrs: Vec::new(),
                offset: 0,
            };
            self.begin(&entry)?;
            self.content(Shared::copy_of(bytes))?;
            self.end()?;
        }
        Ok(())
    }
}

impl Sink for Unpacker<'_> {
    fn begin(&mut self, entry: &TarEntry) -> Result<(), OpenError> {
        self.note(entry);
        match entry.entry {
            EntryType::File => self.place.begin_file(entry),
            EntryType::Dir => self.place.folder(entry),
            EntryType::Symlink => self.place.symlink(entry),
            EntryType::Hardlink => self.place.hardlink(entry),
        }
    }

    fn content(&mut self, bytes: Shared) -> Result<(), OpenError> {
        self.place.content(bytes)
    }

    fn end(&mut self) -> Result<(), OpenError> {
        self.place.end_file()
    }

    fn whole(&mut self, entry: &TarEntry, content: Shared) -> Result<(), OpenError> {
        self.note(entry);
        self.place.small_file(entry, content)
    }

    fn index(&mut self, component: &str, bytes: &[u8]) -> Result<(), OpenError> {
        let Some(indexes) = self.indexes else {
            return Ok(());
        };
        if self
            .index
            .as_ref()
            .is_none_or(|(name, ..)| name != component)
        {
            let path = indexes.join(format!("{component}.jsonl"));
            let file = File::create_new(&path).map_err(|cause| OpenError::Write {
                path: path.clone(),
                cause,
            })?;
            self.index = Some((component.to_owned(), path, file));
        }
        let Some((_, path, file)) = &mut self.index else {
            return Ok(());
        };
        file.write_all(bytes).map_err(|cause| OpenError::Write {
            path: path.clone(),
            cause,
        })
    }
}
