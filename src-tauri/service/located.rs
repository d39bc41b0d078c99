//! An archive that was found: in the hands of the user, at a destination, or by our record of it. What is in it is not looked at, but for
//! the first bytes, which tell how it is to be opened.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::archive::{self, FileSource, OLD_HEAD, OldForm, OpenError, RangeRead};
use crate::destination::{Destination, DestinationError, Key, Listed};
use crate::model::{DestinationConfig, DestinationType, Execution, ExecutionKind, Placed};
use crate::service::destinations::failed;
use crate::service::error::{at, was_cancelled};
use crate::service::held::Held;
use crate::service::ranges::{Counting, Remote};
use crate::service::{Act, ArchiveRef, BackupService, Error, Result};
use crate::store::ExecutionFilter;

/// An archive that was found, not opened yet.
#[derive(Clone)]
pub(crate) struct Located {
    /// `DEST:NAME`, or a path.
    pub label: String,
    pub name: String,
    /// Our record of it, where there is one.
    pub execution: Option<Execution>,
    pub size: u64,
    pub place: Place,
    /// It stays while this lives, where we have a record of it.
    pub held: Option<Arc<Held>>,
}

#[derive(Clone)]
pub(crate) enum Place {
    File(std::path::PathBuf),
    Destination {
        config: DestinationConfig,
        destination: Arc<dyn Destination>,
        key: Key,
    },
}

impl BackupService {
    /// An existing path, an execution id, or `DEST:NAME`.
    pub(crate) fn locate(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<Located> {
        let text = archive.0.as_str();
        let path = Path::new(text);
        if path.is_file() {
            let size = path.metadata().map_err(|e| at(path, e))?.len();
            let path = path.canonicalize().map_err(|e| at(path, e))?;
            return Ok(Located {
                label: path.display().to_string(),
                name: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                execution: None,
                size,
                place: Place::File(path),
                held: None,
            });
        }
        if let Some(execution) = self.record_of(archive)? {
            return self.locate_execution(execution, act);
        }
        if let Some(act_about_it) = self.store.execution(text)? {
            return match (act_about_it.destination_id, act_about_it.backup_path) {
                (None, Some(path)) => self.locate(&ArchiveRef(path), act),
                _ => Err(Error::NoArchive {
                    execution: act_about_it.id,
                }),
            };
        }
        let (destination, name) = text.split_once(':').ok_or_else(|| unknown(text))?;
        let config = self.destination(destination)?;
        // The place may hold what the store does not know.
        let place = self.open_destination(&config)?;
        let found = find(&*place, name, act).map_err(|e| failed(&config, e))?;
        let found = found.ok_or_else(|| unknown(text))?;
        Ok(Located {
            label: format!("{destination}:{name}"),
            name: found.key.file_name().to_owned(),
            execution: None,
            size: found.size,
            place: Place::Destination {
                destination: place,
                key: found.key,
                config,
            },
            held: None,
        })
    }

    /// Our record of an archive, wherever its place is now. None of a file, which is nobody's but the user's.
    pub(crate) fn record_of(&self, archive: &ArchiveRef) -> Result<Option<Execution>> {
        let text = archive.0.as_str();
        if Path::new(text).is_file() {
            return Ok(None);
        }
        if let Some(execution) = self.store.execution(text)? {
            return match (&execution.destination_id, &execution.backup_path) {
                _ if execution.kind == ExecutionKind::Backup => Ok(Some(execution)),
                // Of another act: what that was about.
                (Some(destination), Some(path)) => self.record_at(destination, path),
                (None, Some(path)) => self.record_of(&ArchiveRef(path.clone())),
                (_, None) => Ok(None),
            };
        }
        let Some((destination, name)) = text.split_once(':') else {
            return Ok(None);
        };
        match self.store.destination(destination)? {
            Some(config) => self.record_at(&config.id, name),
            None => Ok(None),
        }
    }

    /// What is wrong with a name that no record answers to, without asking any place.
    pub(super) fn not_known(&self, archive: &ArchiveRef) -> Result<Error> {
        let text = archive.0.as_str();
        if !Path::new(text).is_file() && self.store.execution(text)?.is_none() {
            let Some((destination, _)) = text.split_once(':') else {
                return Ok(unknown(text));
            };
            self.destination(destination)?;
        }
        Ok(Error::NotInCatalogue {
            archive: text.to_owned(),
        })
    }

    /// Of a file: the record of what lies at a destination on this machine.
    pub(super) fn record_of_file(&self, path: &Path) -> Result<Option<Execution>> {
        for config in self.store.destinations()? {
            let base = config.config.get("base_path");
            let base = base.filter(|_| config.destination_type == DestinationType::Local);
            let Some(base) = base.and_then(|base| Path::new(base).canonicalize().ok()) else {
                continue;
            };
            if let Some(key) = path.strip_prefix(&base).ok().and_then(Path::to_str)
                && let Some(record) = self.record_at(&config.id, key)?
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// By its file name, or by its path below the base.
    fn record_at(&self, destination_id: &str, name: &str) -> Result<Option<Execution>> {
        let (path, file_name) = match name.rsplit_once('/') {
            Some((_, file_name)) => (Some(name), file_name),
            None => (None, name),
        };
        let filter = ExecutionFilter {
            destination_id: Some(destination_id.to_owned()),
            backup_filename: Some(file_name.to_owned()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        };
        let known = self.store.executions(&filter)?.into_iter();
        let known = known.filter(|e| path.is_none() || e.backup_path.as_deref() == path);
        Ok(known.min_by_key(|e| e.instance_id.is_none()))
    }

    pub(super) fn locate_execution(&self, execution: Execution, act: &Act<'_>) -> Result<Located> {
        let no_archive = || Error::NoArchive {
            execution: execution.id.clone(),
        };
        let Some(path) = &execution.backup_path else {
            return Err(no_archive());
        };
        let Some(id) = &execution.destination_id else {
            return self.locate(&ArchiveRef(path.clone()), act);
        };
        let config = self.store.destination_by_id(id)?.ok_or_else(no_archive)?;
        let destination = self.open_destination(&config)?;
        self.locate_there(execution, config, destination, act)
    }

    /// What a record is of, at a destination that is open.
    pub(super) fn locate_there(
        &self,
        execution: Execution,
        config: DestinationConfig,
        destination: Arc<dyn Destination>,
        act: &Act<'_>,
    ) -> Result<Located> {
        let (Some(path), Some(name)) = (&execution.backup_path, &execution.backup_filename) else {
            return Err(Error::NoArchive {
                execution: execution.id,
            });
        };
        let key = Key::new(path).map_err(|e| failed(&config, e))?;
        // Before it is looked for: what is found then is not deleted under the reader.
        let held = self.hold(&execution.id).map(Arc::new);
        let there = destination
            .stat(&key, &act.call())
            .map_err(|e| failed(&config, e))?;
        let label = format!("{}:{name}", config.name);
        let there = there.ok_or_else(|| Error::ArchiveGone {
            archive: label.clone(),
        })?;
        Ok(Located {
            label,
            name: name.clone(),
            size: there.size,
            execution: Some(execution),
            place: Place::Destination {
                config,
                destination,
                key,
            },
            held,
        })
    }
}

impl Located {
    /// The SHA-256 that was computed while it was written, where we have a record of that.
    pub fn recorded_digest(&self) -> Option<String> {
        self.execution.as_ref()?.archive_sha256.clone()
    }

    /// The archive's bytes by ranges, and a count of what was read.
    pub fn source(&self, act: &Act<'_>) -> Result<(Arc<dyn RangeRead>, Arc<AtomicU64>)> {
        let fetched = Arc::new(AtomicU64::new(0));
        let inner: Box<dyn RangeRead> = match &self.place {
            Place::File(path) => Box::new(FileSource::open(path).map_err(|e| at(path, e))?),
            Place::Destination {
                config,
                destination,
                key,
            } => Box::new(Remote {
                name: config.name.clone(),
                destination: Arc::clone(destination),
                key: key.clone(),
                size: self.size,
                cancel: act.cancel.clone(),
            }),
        };
        Ok((
            Arc::new(Counting {
                inner,
                fetched: Arc::clone(&fetched),
            }),
            fetched,
        ))
    }

    /// Whether it is of version 1.0. A file is looked into; at a destination such archives have a place of their own.
    pub(super) fn old_form(
        &self,
        source: &dyn RangeRead,
    ) -> std::result::Result<Option<OldForm>, OpenError> {
        let mut head = Vec::new();
        let read = match &self.place {
            Place::File(path) => {
                std::fs::File::open(path).and_then(|f| f.take(OLD_HEAD).read_to_end(&mut head))
            }
            Place::Destination { key, .. } => match Placed::of(key.as_str()) {
                Some(Placed::Old(_)) => source
                    .read_range(0, self.size.min(OLD_HEAD))
                    .and_then(|mut reader| reader.read_to_end(&mut head)),
                _ => return Ok(None),
            },
        };
        read.map_err(OpenError::Read)?;
        Ok(OldForm::of(&head))
    }

    /// By its name at a destination; a file, which may have any name, is looked into.
    pub fn is_sealed(&self) -> Result<bool> {
        match &self.place {
            Place::Destination { .. } => Ok(Path::new(&self.name)
                .extension()
                .is_some_and(|e| e == "age")),
            Place::File(path) => {
                let mut head = [0; archive::AGE_MAGIC.len()];
                let mut file = std::fs::File::open(path).map_err(|e| at(path, e))?;
                Ok(file.read_exact(&mut head).is_ok() && head == *archive::AGE_MAGIC)
            }
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::Unknown {
        what: "archive",
        name: name.to_owned(),
    }
}

/// What is cancelled ends in whatever error it was in the middle of.
pub(super) fn open_error(error: OpenError, act: &Act<'_>) -> Error {
    was_cancelled(Error::from(error), act.cancel)
}

/// By its file name, or by its path below the base. A file of version 1.0 may be called as one of ours is: then ours is meant.
fn find(
    place: &dyn Destination,
    name: &str,
    act: &Act<'_>,
) -> std::result::Result<Option<Listed>, DestinationError> {
    if name.contains('/') {
        let key = Key::new(name)?;
        return match Placed::of(name) {
            Some(_) => place.stat(&key, &act.call()),
            None => Ok(None),
        };
    }
    let mut found: Option<Listed> = None;
    let old = |entry: &Listed| matches!(Placed::of(entry.key.as_str()), Some(Placed::Old(_)));
    place.list("", &act.call(), &mut |entry| {
        if entry.key.file_name() == name && found.as_ref().is_none_or(old) {
            found = Some(entry);
        }
        Ok(())
    })?;
    Ok(found)
}
