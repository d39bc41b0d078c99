//! Writes down what a component is about to become, and keeps what it is now: one list and one folder of pre-images a component.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::change::{Change, Meta, RawPath, Spot, State};
use super::database::LiveDatabase;
use super::error::RestoreError;
use super::journal::{DatabaseFile, Part, PartProgress};
use super::list::Writer;
use super::place::{Folders, copy, meta_of};
use super::pre_image::{PreImage, content_of, copy_database, look};
use crate::model::{Cancel, ComponentKind, Observer, Phase, Progress};
use crate::source::files::rules::{SIDE_FILES, with_suffix};

type Result<T> = std::result::Result<T, RestoreError>;

/// Pre-images a folder: a million in one would be slow to make.
const KEPT_IN_ONE_FOLDER: u64 = 4096;

/// Records one component.
pub(super) struct Recorder<'a> {
    pub folders: Folders,
    dir: PathBuf,
    writer: Writer,
    kept: u64,
    part: PartDraft,
    cancel: &'a Cancel,
    observer: &'a dyn Observer,
}

struct PartDraft {
    component: String,
    kind: ComponentKind,
    databases: Vec<LiveDatabase>,
    as_files: Vec<DatabaseFile>,
    leaves_nothing: bool,
    restart_required: bool,
}

impl<'a> Recorder<'a> {
    /// Below the restore's folder.
    pub fn begin(
        folder: &Path,
        component: &str,
        kind: ComponentKind,
        cancel: &'a Cancel,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let dir = folder.join(component);
        private_dir(&dir)?;
        Ok(Self {
            writer: Writer::create(&dir)?,
            dir,
            folders: Folders::default(),
            kept: 0,
            part: PartDraft {
                component: component.to_owned(),
                kind,
                databases: Vec::new(),
                as_files: Vec::new(),
                leaves_nothing: true,
                restart_required: kind == ComponentKind::Config,
            },
            cancel,
            observer,
        })
    }

    pub fn finish(self) -> Result<Part> {
        let changes = self.writer.finish()?;
        let nothing = changes.is_empty() && self.part.databases.is_empty();
        Ok(Part {
            component: self.part.component,
            kind: self.part.kind,
            progress: PartProgress::Untouched,
            databases: self.part.databases,
            as_files: self.part.as_files,
            removes: self.part.leaves_nothing && !nothing,
            restart_required: self.part.restart_required && !nothing,
            changes,
        })
    }

    /// A database, from a checked copy. It is filled in place where `SQLite` can read it, else made or replaced as a file.
    pub fn database(
        &mut self,
        spot: &Spot,
        incoming: &Path,
        mode: &str,
        meta: &Meta,
    ) -> Result<()> {
        let path = spot.path();
        let there = self.folders.stat(spot)?;
        let found = match &there {
            None => None,
            Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Some(look(&path)?)
            }
            Some(_) => {
                return Err(RestoreError::Target {
                    source_path: path.display().to_string(),
                    reason: "it is no regular file",
                });
            }
        };
        if let Some(PreImage::Copied { .. }) = found {
            let keep = self.next_kept()?;
            if let PreImage::Copied { journal_mode } =
                copy_database(&path, &keep, self.cancel, self.observer)?
            {
                self.part.leaves_nothing = false;
                self.part.databases.push(LiveDatabase {
                    target: RawPath(path),
                    after: incoming.into(),
                    before: RawPath(keep),
                    journal_mode,
                    meta: there.as_ref().map(|stat| meta_of(stat, BTreeMap::new())),
                });
                return Ok(());
            }
        }
        // What is there keeps its owner and mode, readable or not.
        let meta = match &there {
            Some(stat) => meta_of(stat, BTreeMap::new()),
            None => meta.clone(),
        };
        let after = self.file_state(incoming, meta)?;
        self.replace_database(spot, after, Some(mode))
    }

    /// Makes, replaces or removes a database as a file, its side files with it. `mode`: the journal mode to set on what comes in.
    pub fn replace_database(
        &mut self,
        spot: &Spot,
        after: State,
        mode: Option<&str>,
    ) -> Result<()> {
        let path = spot.path();
        self.parents(spot)?;
        let there = self.folders.stat(spot)?;
        // Nobody can go on with a handle of what is replaced as a file.
        self.part.restart_required |= there.is_some();
        self.part.leaves_nothing &= after == State::Absent;
        let keep = self.next_kept()?;
        let copied = if there.is_some() {
            copy_database(&path, &keep, self.cancel, self.observer)?
        } else {
            PreImage::Unusable
        };
        let (before, mode_before) =
            if let (PreImage::Copied { journal_mode }, Some(stat)) = (copied, there) {
                let before = self.file_state(&keep, meta_of(&stat, BTreeMap::new()))?;
                // The copy holds what its side files held.
                for end in SIDE_FILES {
                    self.writer.removal(&Change {
                        spot: side_file(spot, end),
                        before: State::Absent,
                        after: State::Absent,
                    })?;
                }
                (before, Some(journal_mode))
            } else {
                for end in SIDE_FILES {
                    self.removal(&side_file(spot, end), State::Absent)?;
                }
                (self.folders.state(spot, &keep, self.cancel)?, None)
            };
        let content_after = match &after {
            State::File { copy, .. } => Some(content_of(&copy.0)?),
            _ => None,
        };
        let change = Change {
            spot: spot.clone(),
            before,
            after,
        };
        // What goes must be gone before the folder that held it.
        if change.after == State::Absent {
            self.writer.removal(&change)?;
        } else {
            self.writer.put(&change)?;
        }
        self.part.as_files.push(DatabaseFile {
            target: spot.clone(),
            mode_before,
            mode_after: mode.map(str::to_owned),
            content_after,
        });
        Ok(())
    }

    /// Nothing of what was recorded matters.
    pub fn forget(&mut self) -> Result<()> {
        self.writer.clear()
    }

    /// Something that shall be there.
    pub fn put(&mut self, spot: &Spot, after: State) -> Result<()> {
        let before = self.keep(spot)?;
        self.leaves(&after);
        self.writer.put(&Change {
            spot: spot.clone(),
            before,
            after,
        })
    }

    /// Something that shall go.
    pub fn removal(&mut self, spot: &Spot, after: State) -> Result<()> {
        let before = self.keep(spot)?;
        self.leaves(&after);
        self.writer.removal(&Change {
            spot: spot.clone(),
            before,
            after,
        })
    }

    /// Folders on the way to a spot that are not there yet, owned like the one that is.
    pub fn parents(&mut self, spot: &Spot) -> Result<()> {
        let Some(above) = spot.below.0.parent() else {
            return Ok(());
        };
        let stat = rustix::fs::stat(&spot.base.0).map_err(RestoreError::errno(&spot.base.0))?;
        let meta = Meta {
            mode: stat.st_mode & 0o777,
            ..meta_of(&stat, BTreeMap::new())
        };
        let mut below = PathBuf::new();
        for name in above.components() {
            below.push(name);
            let folder = Spot {
                base: spot.base.clone(),
                below: RawPath(below.clone()),
            };
            if self.folders.stat(&folder)?.is_none() {
                self.put(&folder, State::Dir { meta: meta.clone() })?;
            }
        }
        Ok(())
    }

    /// A file's state from a copy that is kept elsewhere.
    pub fn file_state(&self, kept: &Path, meta: Meta) -> Result<State> {
        let file = File::open(kept).map_err(RestoreError::io(kept))?;
        let (size, sha256) = copy(file, kept, std::io::sink(), kept, self.cancel)?;
        Ok(State::File {
            copy: kept.into(),
            size,
            sha256,
            meta,
            same_as: None,
        })
    }

    fn leaves(&mut self, after: &State) {
        self.part.leaves_nothing &= *after == State::Absent;
    }

    fn keep(&mut self, spot: &Spot) -> Result<State> {
        let keep = self.next_kept()?;
        let state = self.folders.state(spot, &keep, self.cancel)?;
        self.observer.progress(&Progress {
            phase: Phase::SavingBefore,
            done_bytes: 0,
            total_bytes: 0,
            what: spot.path().display().to_string(),
        });
        Ok(state)
    }

    fn next_kept(&mut self) -> Result<PathBuf> {
        let folder = self
            .dir
            .join(format!("kept-{}", self.kept / KEPT_IN_ONE_FOLDER));
        if self.kept.is_multiple_of(KEPT_IN_ONE_FOLDER) {
            private_dir(&folder)?;
        }
        let path = folder.join(self.kept.to_string());
        self.kept += 1;
        Ok(path)
    }
}

fn side_file(spot: &Spot, end: &str) -> Spot {
    Spot {
        base: spot.base.clone(),
        below: RawPath(with_suffix(&spot.below.0, end)),
    }
}

pub(super) fn private_dir(path: &Path) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(RestoreError::io(path))
}
