//! One destination of a run: its place, its record, and the archive's way there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::destination::{Body, Call, Destination, ErrorKind, Key, Verification};
use crate::model::{
    ArchiveName, DestinationConfig, Execution, ExecutionStatus, Instance, Phase, Progress, Warning,
};
use crate::service::assemble::Assembled;
use crate::service::destinations::failed;
use crate::service::error::was_cancelled;
use crate::service::report::BackupExecution;
use crate::service::{Act, Error, Result};

/// Suffixes that are tried where a name is taken.
const SUFFIXES: std::ops::RangeInclusive<u32> = 2..=99;

/// What was begun so long ago and is not finished never will be.
const DEAD: Duration = Duration::from_hours(24);
/// How long a place may take to answer before the run begins: the others wait meanwhile.
const ASKED: Duration = Duration::from_mins(1);

/// A destination of this run and what became of it.
pub(super) struct Target {
    pub config: DestinationConfig,
    pub execution: Execution,
    /// An error here is this destination's outcome, not the run's.
    pub place: Result<Arc<dyn Destination>>,
    /// It did not answer when it was asked before the run: it is not asked again before it is written to.
    pub silent: bool,
    /// Its outcome is in the store.
    pub recorded: bool,
}

impl Target {
    pub fn fail(&mut self, error: &Error) {
        let problem = error.problem();
        self.execution.status = if error.is_cancelled() {
            ExecutionStatus::Cancelled
        } else {
            ExecutionStatus::Failed
        };
        self.execution.error_message = Some(format!("{}. {}", problem.message, problem.hint));
    }

    pub fn fail_with_place(&mut self) {
        let place = std::mem::replace(&mut self.place, Err(Error::State("closed".to_owned())));
        if let Err(error) = place {
            self.fail(&error);
            self.place = Err(error);
        }
    }

    /// Sweeps away what writes of ours that were interrupted left there, and looks whether the archive will fit. A place that cannot say,
    /// or cannot be reached, answers for itself when it is written to.
    pub fn prepare(&mut self, needed: u64, act: &Act<'_>) {
        let Ok(place) = &self.place else { return };
        let call = soon(act);
        let asked = place
            .sweep(DEAD, &call)
            .map(drop)
            .or_else(|error| {
                if error.kind.may_pass() {
                    Err(error)
                } else {
                    Ok(())
                }
            })
            .and_then(|()| place.free_space(&call));
        match asked {
            Ok(Some(free)) if free < needed => {
                let path = PathBuf::from(&self.config.name);
                self.place = Err(Error::NoSpace { path, needed, free });
            }
            Ok(_) => {}
            Err(error) => self.silent = error.kind.may_pass(),
        }
    }

    /// Returns whether the archive is there.
    pub fn deliver(
        &mut self,
        instance: &Instance,
        name: &ArchiveName,
        body: &Body,
        assembled: &Assembled,
        call: &Call<'_>,
    ) -> bool {
        let Ok(place) = &self.place else {
            self.fail_with_place();
            return false;
        };
        let place = Arc::clone(place);
        match publish(&*place, &self.config, instance, name, body, call) {
            Ok((name, key, verification)) => {
                let packed = &assembled.packed;
                let e = &mut self.execution;
                e.status = if assembled.partial {
                    ExecutionStatus::Partial
                } else {
                    ExecutionStatus::Completed
                };
                e.backup_filename = Some(name.to_string());
                e.backup_path = Some(key.as_str().to_owned());
                e.size_bytes = Some(packed.manifest.total_size_bytes);
                e.compressed_size_bytes = Some(packed.size);
                e.files_included = Some(assembled.files);
                e.archive_sha256 = Some(packed.sha256.clone());
                e.manifest_sha256 = Some(packed.manifest_sha256.clone());
                e.sequence = Some(packed.manifest.backup_metadata.sequence);
                e.completed_at = Some(Timestamp::now());
                e.verified_at = (verification == Verification::Verified).then(Timestamp::now);
                e.warnings.clone_from(&assembled.warnings);
                if verification == Verification::Checked {
                    let message = "only the size of the archive could be checked there";
                    e.warnings.push(Warning::new("not_verified", None, message));
                }
                true
            }
            Err(error) => {
                let error = was_cancelled(error, call.cancel);
                self.fail(&error);
                self.place = Err(error);
                false
            }
        }
    }

    pub fn report(&self) -> BackupExecution {
        let e = &self.execution;
        BackupExecution {
            id: e.id.clone(),
            destination: self.config.name.clone(),
            archive: e.backup_filename.clone(),
            status: e.status,
            size_bytes: e.size_bytes,
            compressed_size_bytes: e.compressed_size_bytes,
            sha256: e.archive_sha256.clone(),
            warnings: e.warnings.clone(),
            problem: self.place.as_ref().err().map(Error::problem),
        }
    }
}

/// Tries the name, then its suffixes.
fn publish(
    place: &dyn Destination,
    config: &DestinationConfig,
    instance: &Instance,
    name: &ArchiveName,
    body: &Body,
    call: &Call<'_>,
) -> Result<(ArchiveName, Key, Verification)> {
    call.observer.progress(&Progress {
        phase: Phase::Uploading,
        done_bytes: 0,
        total_bytes: body.length,
        what: config.name.clone(),
    });
    let mut last = None;
    for suffix in
        std::iter::once(name.suffix).chain(SUFFIXES.map(Some).filter(|s| *s > name.suffix))
    {
        let name = name.with_suffix(suffix);
        let key = key_of(instance, &name)?;
        match place.put(&key, body, call) {
            Ok(stored) => return Ok((name, key, stored.verification)),
            Err(error) if error.kind == ErrorKind::Exists => last = Some(error),
            Err(error) => return Err(failed(config, error)),
        }
    }
    Err(
        last.map_or(Error::State("no name was tried".to_owned()), |error| {
            failed(config, error)
        }),
    )
}

fn soon<'a>(act: &'a Act<'_>) -> Call<'a> {
    Call {
        deadline: Instant::now().checked_add(ASKED),
        ..act.call()
    }
}

/// A name that is free at every place that can be asked; a place that cannot fails later, with its own reason.
pub(super) fn free_name(
    targets: &[Target],
    instance: &Instance,
    wanted: ArchiveName,
    act: &Act<'_>,
) -> ArchiveName {
    let call = soon(act);
    let taken = |name: &ArchiveName| {
        let Ok(key) = key_of(instance, name) else {
            return false;
        };
        let places = targets.iter().filter(|t| !t.silent);
        let places = places.filter_map(|t| t.place.as_ref().ok());
        places
            .map(|place| place.stat(&key, &call))
            .any(|there| matches!(there, Ok(Some(_))))
    };
    let mut names = std::iter::once(None)
        .chain(SUFFIXES.map(Some))
        .map(|s| wanted.with_suffix(s));
    names.find(|name| !taken(name)).unwrap_or(wanted)
}

pub(crate) fn key_of(instance: &Instance, name: &ArchiveName) -> Result<Key> {
    let path = format!(
        "{}-{}/{}/{name}",
        instance.name,
        instance.id,
        name.archive_type.as_str()
    );
    Key::new(&path).map_err(|cause| Error::Destination {
        name: instance.name.clone(),
        cause,
    })
}
