//! The safety backup: a sealed archive of what a restore is about to replace, kept on this machine.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::archive::Seal;
use crate::keys;
use crate::model::{ArchiveName, ArchiveType, Encryption, Instance};
use crate::service::assemble::{Assembly, Label, Survey, assemble};
use crate::service::error::at;
use crate::service::run::{Run, make_private};
use crate::service::{Act, BackupService, Error, Result};
use crate::source::discover::ScanError;

/// Kept at least: the last three of an instance, and those of the last week.
const KEPT: usize = 3;
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

impl BackupService {
    /// Captures these components as they are now into `{data}/safety/{instance}-{id}/`, type `safety`. None where nothing of them exists.
    /// The caller holds the instance's lock.
    pub(crate) fn safety_backup(
        &self,
        instance: &Instance,
        components: &[String],
        run: &Run,
        act: &Act<'_>,
    ) -> Result<Option<PathBuf>> {
        let exists = |name: &String| {
            let known = instance.components.iter().filter(|c| c.name == *name);
            known
                .flat_map(|c| &c.sources)
                .any(|source| instance.path.join(source).symlink_metadata().is_ok())
        };
        if !components.iter().any(exists) {
            return Ok(None);
        }
        let survey = match Survey::take(self, instance, Some(components)) {
            // The instance's own folder is a source too, where it has files: it is there, with nothing in it.
            Err(Error::Scan(ScanError::Nothing(_))) => return Ok(None),
            survey => survey?,
        };
        let folder = self
            .data_dir
            .join("safety")
            .join(format!("{}-{}", instance.name, instance.id));
        make_private(&folder)?;
        let seal = match instance.settings.encryption {
            Encryption::Recipients => Seal::Recipients(self.age_recipients()?),
            Encryption::None => Seal::None,
        };
        let wanted = ArchiveName {
            instance: instance.name.clone(),
            created_at: Timestamp::now(),
            archive_type: ArchiveType::Safety,
            suffix: None,
            compression: instance.settings.compression,
            encrypted: !matches!(seal, Seal::None),
        };
        let name = free_name(&folder, &wanted);
        let path = folder.join(name.to_string());
        let part = run.workspace().join("safety");
        let mut options = OpenOptions::new();
        let out = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(|e| at(&part, e))?;
        let label = Label {
            name,
            sequence: self.store.next_sequence(&instance.id)?,
            comment: String::new(),
            triggered_by: act.triggered_by.clone(),
        };
        let signing_key = keys::signing_key(&*self.secrets, &self.require_keys()?)?;
        let assembly = Assembly {
            instance,
            survey,
            own_folders: &self.own_folders()?,
            label: &label,
            seal,
            signing_key: &signing_key,
        };
        let assembled = assemble(assembly, out, run, act)?;
        assembled.packed.out.sync_all().map_err(|e| at(&part, e))?;
        publish(&part, &path)?;
        tidy(&folder, Timestamp::now())?;
        Ok(Some(path))
    }
}

fn free_name(folder: &Path, wanted: &ArchiveName) -> ArchiveName {
    let mut names = std::iter::once(None)
        .chain((2..).map(Some))
        .map(|s| wanted.with_suffix(s));
    names
        .find(|n| !folder.join(n.to_string()).exists())
        .unwrap_or_else(|| wanted.clone())
}

/// The workspace may be on another file system than the data folder.
fn publish(part: &Path, path: &Path) -> Result<()> {
    if fs::rename(part, path).is_err() {
        let beside = path.with_extension("part");
        fs::copy(part, &beside).map_err(|e| at(&beside, e))?;
        let copied = fs::File::open(&beside)
            .and_then(|f| f.sync_all())
            .and_then(|()| fs::rename(&beside, path));
        copied.map_err(|e| at(path, e))?;
    }
    let folder = path.parent().unwrap_or(path);
    fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| at(folder, e))
}

fn tidy(folder: &Path, now: Timestamp) -> Result<()> {
    let mut archives = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| at(folder, e))? {
        let path = entry.map_err(|e| at(folder, e))?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.parse::<ArchiveName>().ok());
        if let Some(name) = name {
            archives.push((name.created_at, name.suffix, path));
        }
    }
    archives.sort();
    archives.reverse();
    for (at_time, _, path) in archives.into_iter().skip(KEPT) {
        let age = Duration::try_from(now.duration_since(at_time)).unwrap_or_default();
        if age > KEPT_FOR {
            fs::remove_file(&path).map_err(|e| at(&path, e))?;
        }
    }
    Ok(())
}
