//! An archive that was found, opened and judged: where it came from, who signed it, and whether it is what it claims.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;

use crate::archive::{
    self, Archive, FileSource, OLD_HEAD, OldForm, OpenError, OpenKeys, RangeRead, SignatureState,
};
use crate::destination::{Destination, DestinationError, Key, Listed};
use crate::model::{ArchiveName, DestinationConfig, Execution, ExecutionKind, Instance, Placed};
use crate::service::destinations::failed;
use crate::service::error::{Refusal, at};
use crate::service::ranges::{Counting, Remote};
use crate::service::report::SignatureVerdict;
use crate::service::run::Run;
use crate::service::{Accept, Act, ArchiveRef, BackupService, Error, Result};
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

pub(crate) struct Opened {
    pub archive: Archive,
    pub verdict: SignatureVerdict,
    pub key_id: Option<String>,
    /// What does not hold of name, instance, sequence, manifest digest; sentences without a full stop.
    pub broken: Vec<String>,
    pub located: Located,
    pub(super) fetched: Arc<AtomicU64>,
    /// Where an archive of version 1.0 is at hand, for as long as it is open.
    pub(super) _workspace: Option<Run>,
}

impl Opened {
    /// Bytes read from its place so far.
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    /// This installation's or a known signer's.
    pub fn trusted(&self) -> bool {
        matches!(
            self.verdict,
            SignatureVerdict::ThisInstallation | SignatureVerdict::Known
        )
    }

    /// Before an act that changes an instance: `Refused` unless trusted and as claimed, or accepted.
    pub(crate) fn require_trust(&self, target: Option<&Instance>, accept: &Accept) -> Result<()> {
        let accepted = |key_id: &str| {
            let signer = accept.signer.as_ref();
            signer.is_some_and(|a| a.eq_ignore_ascii_case(key_id))
        };
        match (self.verdict, &self.key_id) {
            (SignatureVerdict::Unknown, Some(key_id)) if !accepted(key_id) => {
                let key_id = key_id.clone();
                return Err(Error::Refused(Refusal::UnknownSigner { key_id }));
            }
            (SignatureVerdict::None, _) if !accept.unsigned => {
                return Err(Error::Refused(Refusal::Unsigned));
            }
            _ => {}
        }
        let mut broken = self.broken.clone();
        let claimed = &self.archive.manifest.backup_metadata;
        // Ids of version 1.0 are the server's own.
        let bound = target.filter(|_| !self.archive.is_old());
        if let Some(target) = bound.filter(|t| t.id != claimed.instance_id) {
            broken.push(format!(
                "it is of instance {} ({}), not of {} ({})",
                claimed.instance_name, claimed.instance_id, target.name, target.id
            ));
        }
        if broken.is_empty() || accept.mismatch {
            Ok(())
        } else {
            Err(Error::Refused(Refusal::Claim(broken)))
        }
    }
}

impl BackupService {
    /// Finds it, reads its tail with every identity at hand, judges it.
    pub(crate) fn open_archive(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<Opened> {
        let located = self.locate(archive, act)?;
        let (source, fetched) = located.source(act)?;
        self.open_located(located, source, fetched, act)
    }

    /// `source`: of `Located::source`, whatever is around it.
    pub(crate) fn open_located(
        &self,
        located: Located,
        source: Arc<dyn RangeRead>,
        fetched: Arc<AtomicU64>,
        act: &Act<'_>,
    ) -> Result<Opened> {
        let form = located.old_form(&*source);
        let opened = match form.map_err(|e| located.open_error(e, act))? {
            Some(form) => self.open_old(located, form, &*source, fetched, act)?,
            None => self.open_ours(located, source, fetched, act)?,
        };
        // What cannot be written down now is read again the next time.
        let _ = self.remember(&opened);
        Ok(opened)
    }

    fn open_ours(
        &self,
        located: Located,
        source: Arc<dyn RangeRead>,
        fetched: Arc<AtomicU64>,
        act: &Act<'_>,
    ) -> Result<Opened> {
        let mut keys = OpenKeys::default();
        if located.is_sealed()? {
            keys.identities = self.identities()?;
            keys.passphrase = act.passphrase();
        }
        let archive = archive::open(source, &keys).map_err(|e| located.open_error(e, act))?;
        let (verdict, key_id) = self.judge(&archive)?;
        let broken = claims_broken(&archive, &located);
        Ok(Opened {
            archive,
            verdict,
            key_id,
            broken,
            located,
            fetched,
            _workspace: None,
        })
    }

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
            });
        }
        if let Some(execution) = self.record_of(archive)? {
            return self.locate_execution(execution, act);
        }
        let unknown = || Error::Unknown {
            what: "archive",
            name: text.to_owned(),
        };
        let (destination, name) = text.split_once(':').ok_or_else(unknown)?;
        let config = self.destination(destination)?;
        // The place may hold what the store does not know.
        let place = self.open_destination(&config)?;
        let found = find(&*place, name, act).map_err(|e| failed(&config, e))?;
        let found = found.ok_or_else(unknown)?;
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
        })
    }

    /// Our record of an archive, wherever its place is now. None of a file, which is nobody's but the user's.
    pub(crate) fn record_of(&self, archive: &ArchiveRef) -> Result<Option<Execution>> {
        let text = archive.0.as_str();
        if Path::new(text).is_file() {
            return Ok(None);
        }
        if let Some(execution) = self.store.execution(text)? {
            return Ok(Some(execution));
        }
        let Some((destination, name)) = text.split_once(':') else {
            return Ok(None);
        };
        let Some(config) = self.store.destination(destination)? else {
            return Ok(None);
        };
        let (path, file_name) = match name.rsplit_once('/') {
            Some((_, file_name)) => (Some(name), file_name),
            None => (None, name),
        };
        let filter = ExecutionFilter {
            destination_id: Some(config.id),
            backup_filename: Some(file_name.to_owned()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        };
        let known = self.store.executions(&filter)?.into_iter();
        let known = known.filter(|e| path.is_none() || e.backup_path.as_deref() == path);
        Ok(known.min_by_key(|e| e.instance_id.is_none()))
    }

    fn locate_execution(&self, execution: Execution, act: &Act<'_>) -> Result<Located> {
        let no_archive = || Error::NoArchive {
            execution: execution.id.clone(),
        };
        let (Some(path), Some(name)) = (&execution.backup_path, &execution.backup_filename) else {
            return Err(no_archive());
        };
        let Some(id) = &execution.destination_id else {
            return self.locate(&ArchiveRef(path.clone()), act);
        };
        let config = self.store.destination_by_id(id)?.ok_or_else(no_archive)?;
        let destination = self.open_destination(&config)?;
        let key = Key::new(path).map_err(|e| failed(&config, e))?;
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
        })
    }

    fn judge(&self, archive: &Archive) -> Result<(SignatureVerdict, Option<String>)> {
        let SignatureState::Present { key_id, .. } = &archive.signature else {
            return Ok((SignatureVerdict::None, None));
        };
        let own = self.public_keys()?.map(|k| k.verification_key);
        let signers = self
            .store
            .signers()?
            .into_iter()
            .map(|s| s.verification_key);
        let own_count = own.iter().count();
        // A key that does not parse can have signed nothing; it is kept as a place so that the numbers stay right.
        let texts: Vec<String> = own.into_iter().chain(signers).collect();
        let known: Vec<(usize, minisign::PublicKey)> = texts
            .iter()
            .enumerate()
            .filter_map(|(i, text)| Some((i, minisign::PublicKey::from_base64(text).ok()?)))
            .collect();
        let keys: Vec<minisign::PublicKey> = known.iter().map(|(_, key)| key.clone()).collect();
        let verdict = match archive.signed_by(&keys).and_then(|at| known.get(at)) {
            Some((place, _)) if *place < own_count => SignatureVerdict::ThisInstallation,
            Some(_) => SignatureVerdict::Known,
            None => SignatureVerdict::Unknown,
        };
        // Who claims a key that we know and did not sign with it is a forger, not a stranger.
        if verdict == SignatureVerdict::Unknown
            && keys.iter().any(|k| archive::key_id(k) == *key_id)
        {
            return Err(Error::Open(OpenError::Refused {
                entry: Some("manifest.json.minisig".to_owned()),
                reason: format!("the signature claims key {key_id} and was not made with it"),
                intact_bytes: None,
            }));
        }
        Ok((verdict, Some(key_id.clone())))
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
                destination, key, ..
            } => Box::new(Remote {
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
    fn old_form(&self, source: &dyn RangeRead) -> std::result::Result<Option<OldForm>, OpenError> {
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

    /// A destination's own error says more than "reading failed".
    pub(super) fn open_error(&self, error: OpenError, act: &Act<'_>) -> Error {
        if act.cancel.is_cancelled() {
            return Error::Cancelled(crate::model::Cancelled);
        }
        match (error, &self.place) {
            (OpenError::Read(cause), Place::Destination { config, .. }) => {
                match cause.downcast::<DestinationError>() {
                    Ok(cause) => failed(config, cause),
                    Err(cause) => Error::Open(OpenError::Read(cause)),
                }
            }
            (error, _) => Error::Open(error),
        }
    }
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

/// The file name is part of the claim at a destination only; a file in the user's hands may be called anything.
pub(super) fn claims_broken(archive: &Archive, located: &Located) -> Vec<String> {
    let claimed = &archive.manifest.backup_metadata;
    let mut broken = Vec::new();
    // Version 1.0 claims nothing of the kind.
    if let Place::Destination { key, .. } = &located.place
        && !archive.is_old()
    {
        let here = located.name.parse::<ArchiveName>();
        let there = claimed.archive_name.parse::<ArchiveName>();
        if !matches!((&here, &there), (Ok(here), Ok(there)) if here.same_claim(there)) {
            broken.push(format!(
                "it is called {}, and was made as {}",
                located.name, claimed.archive_name
            ));
        }
        let folder = key.as_str().split('/').next().unwrap_or_default();
        if folder != format!("{}-{}", claimed.instance_name, claimed.instance_id) {
            broken.push(format!(
                "it lies in {folder}, and was made of {}-{}",
                claimed.instance_name, claimed.instance_id
            ));
        }
    }
    if let Some(record) = &located.execution {
        if record.sequence.is_some_and(|s| s != claimed.sequence) && !archive.is_old() {
            broken.push(format!(
                "it is backup number {}, our record says another",
                claimed.sequence
            ));
        }
        if record
            .manifest_sha256
            .as_ref()
            .is_some_and(|s| *s != archive.manifest_sha256)
        {
            broken.push("its manifest is not the one in our records".to_owned());
        }
    }
    broken
}

impl Act<'_> {
    /// For archives that were sealed to one.
    pub(super) fn passphrase(&self) -> Option<SecretString> {
        let of_environment = || std::env::var("HOLDFAST_PASSPHRASE").ok().map(Into::into);
        self.passphrase.clone().or_else(of_environment)
    }
}
