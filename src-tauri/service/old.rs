//! Archives of version 1.0 as the verbs use them: fetched whole into a workspace, decrypted there, checked, and described as version 2
//! describes its own. What such an archive must be is `archive`'s business.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::archive::{self, Archive, OldForm, OpenError, RangeRead};
use crate::model::manifest::{CheckResult, ComponentStatus, ContentType, ManifestWarning};
use crate::model::{CheckLevel, ComponentKind, Instance, Phase};
use crate::service::error::{at, was_cancelled};
use crate::service::located::{Located, open_error};
use crate::service::opened::{Opened, claims_broken};
use crate::service::report::SignatureVerdict;
use crate::service::watched::Meter;
use crate::service::{Act, BackupService, Result, space};
use crate::source::{config, database};

/// The server goes by its configuration for these; what writes the others takes the default, whatever is configured.
const CONFIGURED: [(&str, &str); 3] = [
    ("devices", "devices.database"),
    ("users", "auth.local_auth_db"),
    ("accounting", "database.accounting_db"),
];

impl BackupService {
    /// No part of it can be read alone, so all of it is fetched, once.
    pub(super) fn open_old(
        &self,
        located: Located,
        form: OldForm,
        source: &dyn RangeRead,
        fetched: Arc<AtomicU64>,
        act: &Act<'_>,
    ) -> Result<Opened> {
        let passphrase = match form {
            OldForm::Plain => None,
            // Asked for before anything is fetched.
            OldForm::Sealed => Some(act.passphrase().ok_or(OpenError::NoPassphrase)?),
        };
        // A run of its own: the act may be in the middle of one.
        let run = self.begin_run(&Act::quiet())?;
        let copies = 1 + u64::from(passphrase.is_some());
        space::require(run.workspace(), located.size.saturating_mul(copies))?;
        let mut plain = run.workspace().join("fetched");
        fetch(&located, source, &plain, act)?;
        let cancelled = |error: OpenError| was_cancelled(error.into(), act.cancel);
        if let Some(passphrase) = &passphrase {
            let sealed = std::mem::replace(&mut plain, run.workspace().join("plain"));
            archive::unseal(&sealed, passphrase, &plain, act.cancel, act.observer)
                .map_err(cancelled)?;
            run.discard(&sealed);
        }
        let survey = archive::survey(&plain, form, act.cancel).map_err(cancelled)?;
        space::require(run.workspace(), survey.manifest.total_size_bytes)?;
        let mut archive = survey
            .unpack(&run.folder("old")?, act.cancel, act.observer)
            .map_err(cancelled)?;
        located
            .name
            .clone_into(&mut archive.manifest.backup_metadata.archive_name);
        describe(&mut archive, act)?;
        follow_configuration(&mut archive)?;
        Ok(Opened {
            broken: claims_broken(&archive, &located),
            archive,
            // Nobody signed any of them.
            verdict: SignatureVerdict::None,
            key_id: None,
            located,
            fetched,
            _workspace: Some(run),
        })
    }
}

impl Opened {
    /// Where things go back to is not in version 1.0: what the instance itself says comes before where the server has them by default.
    pub(crate) fn aim_at(&mut self, instance: &Instance) {
        if !self.archive.is_old() {
            return;
        }
        // A tree of one of these names is no place for what version 1.0 has.
        let single = instance.components.iter();
        for component in single.filter(|c| c.kind != ComponentKind::Files) {
            let [source] = component.sources.as_slice() else {
                continue;
            };
            // Its path may be one that is no text; then the default stands.
            if let Some(source) = source.to_str() {
                set_source(&mut self.archive, &component.name, source);
            }
        }
    }

    /// Copies of version 1.0 are in the journal mode of their source, and a restore takes copies in rollback mode. `dir`: where
    /// components were unpacked; their digests were compared by then.
    pub(crate) fn settle_copies(&self, dir: &Path, components: &[String]) -> Result<()> {
        if !self.archive.is_old() {
            return Ok(());
        }
        let contents = self.archive.manifest.contents.iter();
        let databases = contents.filter(|c| c.content_type == ContentType::Database);
        for entry in databases.filter(|c| components.contains(&c.component)) {
            let copy = dir.join(entry.file_path());
            database::to_rollback_mode(&copy).map_err(|e| at(&copy, e))?;
        }
        Ok(())
    }
}

fn fetch(located: &Located, source: &dyn RangeRead, to: &Path, act: &Act<'_>) -> Result<()> {
    let failed = |cause| open_error(OpenError::Read(cause), act);
    let meter = Meter::new(act, Phase::Fetching, located.size);
    let inner = source.read_range(0, located.size).map_err(failed)?;
    let mut reader = meter.reader(inner, &located.label);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|e| at(to, e))?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = io::Read::read(&mut reader, &mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..n).filter(|b| !b.is_empty()) else {
            return Ok(());
        };
        io::Write::write_all(&mut file, bytes).map_err(|e| at(to, e))?;
    }
}

/// Fills in what version 1.0 does not say of its databases, from the databases themselves. A damaged one stays, and is said to be so.
fn describe(archive: &mut Archive, act: &Act<'_>) -> Result<()> {
    for n in 0..archive.manifest.contents.len() {
        let entry = &archive.manifest.contents[n];
        let Some(copy) = archive
            .at_hand(entry)
            .filter(|_| entry.content_type == ContentType::Database)
        else {
            continue;
        };
        act.tell(Phase::Checking, &entry.component);
        let (mut facts, warnings) = database::examine(&copy, CheckLevel::Quick, act.cancel)?;
        let mode = database::journal_mode_of(&copy).map_err(|e| at(&copy, e))?;
        mode.clone_into(&mut facts.journal_mode);
        let component = entry.component.clone();
        let damaged = facts.check == CheckResult::Damaged;
        let manifest = &mut archive.manifest;
        let warnings = warnings.into_iter().map(|w| ManifestWarning {
            code: w.code,
            message: w.message,
            component: Some(component.clone()),
        });
        manifest.warnings.extend(warnings);
        manifest.contents[n].database = Some(facts);
        let status = manifest.components.iter_mut();
        for one in status.filter(|c| damaged && c.name == component) {
            one.status = ComponentStatus::Damaged;
        }
    }
    Ok(())
}

/// The archive's own configuration says where some of the databases were. Nobody signed it, so it is followed inside the instance's
/// folder alone.
fn follow_configuration(archive: &mut Archive) -> Result<()> {
    let contents = archive.manifest.contents.iter();
    let Some(entry) = contents
        .clone()
        .find(|c| c.content_type == ContentType::Config)
    else {
        return Ok(());
    };
    let Some(path) = archive
        .at_hand(entry)
        .filter(|_| entry.size_bytes <= config::MAX_BYTES)
    else {
        return Ok(());
    };
    let content = std::fs::read(&path).map_err(|e| at(&path, e))?;
    let settings = config::settings(&entry.file, &content).unwrap_or_default();
    for (component, setting) in CONFIGURED {
        let inside = |text: &&String| {
            let mut parts = Path::new(text).components();
            !text.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        if let Some(source) = settings.get(setting).filter(inside) {
            set_source(archive, component, source);
        }
    }
    Ok(())
}

fn set_source(archive: &mut Archive, component: &str, source: &str) {
    let manifest = &mut archive.manifest;
    let known = manifest.components.iter_mut();
    for one in known.filter(|c| c.name == component) {
        source.clone_into(&mut one.source);
    }
    let contents = manifest.contents.iter_mut();
    for one in contents.filter(|c| c.component == component) {
        source.clone_into(&mut one.source);
    }
}
