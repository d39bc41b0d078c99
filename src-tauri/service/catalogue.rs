//! What is kept where: lists of archives and acts, pins, deletion, and the catalogue made again from a destination.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::destination::{Key, Listed};
use crate::model::manifest::ComponentStatus;
use crate::model::{
    ArchiveName, DestinationConfig, Execution, ExecutionKind, ExecutionStatus, InstanceId,
};
use crate::service::destinations::failed;
use crate::service::error::Refusal;
use crate::service::opened::Place;
use crate::service::report::{ArchiveRow, CatalogueReport, SignatureVerdict};
use crate::service::{Act, ArchiveFilter, ArchiveRef, BackupService, Error, Result};
use crate::store::ExecutionFilter;

impl BackupService {
    /// Newest first, from the catalogue.
    pub fn archives(&self, filter: &ArchiveFilter) -> Result<Vec<ArchiveRow>> {
        let destination = filter
            .destination
            .as_deref()
            .map(|name| self.destination(name))
            .transpose()?;
        let instance = filter
            .instance
            .as_deref()
            .map(|name| self.instance(name))
            .transpose()?;
        let names: BTreeMap<String, String> = self
            .store
            .destinations()?
            .into_iter()
            .map(|d| (d.id, d.name))
            .collect();
        let rows = self.store.executions(&ExecutionFilter {
            instance_id: instance.map(|i| i.id),
            destination_id: destination.map(|d| d.id),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        })?;
        Ok(rows
            .into_iter()
            .filter_map(|e| archive_row(e, &names))
            .collect())
    }

    /// Newest first.
    pub fn history(&self, limit: Option<u64>) -> Result<Vec<Execution>> {
        Ok(self.store.executions(&ExecutionFilter {
            limit,
            ..ExecutionFilter::default()
        })?)
    }

    pub fn pin(&self, archive: &ArchiveRef, pinned: bool) -> Result<()> {
        let located = self.locate(archive, &Act::quiet())?;
        let mut record = located.execution.ok_or(Error::NotInCatalogue {
            archive: located.label,
        })?;
        record.pinned = pinned;
        Ok(self.store.update_execution(&record)?)
    }

    /// `confirm` must be the archive's file name. A pinned archive stays.
    pub fn delete(&self, archive: &ArchiveRef, confirm: &str, act: &Act<'_>) -> Result<()> {
        let located = self.locate(archive, act)?;
        if confirm != located.name {
            return Err(Error::Refused(Refusal::Confirm {
                given: confirm.to_owned(),
                expected: located.name,
            }));
        }
        if located.execution.as_ref().is_some_and(|e| e.pinned) {
            return Err(Error::Pinned {
                archive: located.label,
            });
        }
        if let Some(record) = &located.execution {
            // Written as it is: what could not be recorded afterwards is not deleted.
            self.store.update_execution(record)?;
        }
        match &located.place {
            Place::Destination {
                config,
                destination,
                key,
            } => {
                destination
                    .delete(key, &act.call())
                    .map_err(|e| failed(config, e))?;
            }
            Place::File(path) => {
                std::fs::remove_file(path).map_err(|e| crate::service::error::at(path, e))?;
            }
        }
        if let Some(record) = &located.execution {
            self.store.mark_archive_gone(&record.id, Timestamp::now())?;
        }
        Ok(())
    }

    /// Makes the catalogue of a destination agree with what is there. Names and sizes are taken at once; manifests are read where a key
    /// is at hand, and tell sequence, state and signer.
    pub fn rebuild_catalogue(&self, destination: &str, act: &Act<'_>) -> Result<CatalogueReport> {
        let config = self.destination(destination)?;
        let place = self.open_destination(&config)?;
        let known = self.store.executions(&ExecutionFilter {
            destination_id: Some(config.id.clone()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        })?;
        let paths: HashSet<&str> = known
            .iter()
            .filter_map(|e| e.backup_path.as_deref())
            .collect();
        let mut report = CatalogueReport {
            destination: config.name.clone(),
            found: 0,
            added: 0,
            removed: 0,
            foreign: 0,
        };
        let (mut seen, mut new) = (HashSet::new(), Vec::new());
        let listed = place.list("", &act.call(), &mut |entry: Listed| {
            match Found::parse(&entry) {
                Some(found) => {
                    report.found += 1;
                    seen.insert(found.key.as_str().to_owned());
                    if !paths.contains(found.key.as_str()) {
                        new.push(found);
                    }
                }
                None => report.foreign += 1,
            }
            Ok(())
        });
        listed.map_err(|e| failed(&config, e))?;
        for gone in known
            .iter()
            .filter(|e| e.backup_path.as_ref().is_none_or(|p| !seen.contains(p)))
        {
            self.store.mark_archive_gone(&gone.id, Timestamp::now())?;
            report.removed += 1;
        }
        for found in new {
            act.cancel.check()?;
            let execution = found.execution(&config, &act.triggered_by);
            self.store.insert_execution(&execution)?;
            report.added += 1;
            report.foreign += u64::from(self.read_manifest(execution, act)? == Origin::Foreign);
        }
        Ok(report)
    }

    /// Fills a new record from the archive's manifest. An archive that cannot be opened now stays listed by its name.
    fn read_manifest(&self, mut execution: Execution, act: &Act<'_>) -> Result<Origin> {
        let opened = match self.open_archive(&ArchiveRef(execution.id.clone()), act) {
            Ok(opened) => opened,
            Err(error @ (Error::Cancelled(_) | Error::Store(_))) => return Err(error),
            Err(_) => return Ok(Origin::Foreign),
        };
        let manifest = &opened.archive.manifest;
        let claimed = &manifest.backup_metadata;
        if manifest
            .components
            .iter()
            .any(|c| c.status != ComponentStatus::Ok)
        {
            execution.status = ExecutionStatus::Partial;
        }
        let ours = matches!(
            opened.verdict,
            SignatureVerdict::ThisInstallation | SignatureVerdict::Known
        ) && opened.broken.is_empty();
        if ours {
            // Only then: a manifest is kept once a run, and nobody else's may take the place of ours.
            execution.run_id.clone_from(&claimed.run_id);
        }
        execution.sequence = Some(claimed.sequence);
        execution.size_bytes = Some(manifest.total_size_bytes);
        execution.manifest_sha256 = Some(opened.archive.manifest_sha256.clone());
        execution.comment = (!claimed.comment.is_empty()).then(|| claimed.comment.clone());
        execution.triggered_by.clone_from(&claimed.triggered_by);
        self.store.update_execution(&execution)?;
        let text = String::from_utf8_lossy(&opened.archive.manifest_json);
        self.store.set_manifest(&execution.run_id, &text)?;
        if ours {
            self.store
                .raise_sequence(&claimed.instance_id, claimed.sequence)?;
            return Ok(Origin::Ours);
        }
        Ok(Origin::Foreign)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Ours,
    Foreign,
}

/// An archive at its proper place: `{instance}-{id}/{type}/{file name}`.
struct Found {
    key: Key,
    size: u64,
    name: ArchiveName,
    instance_id: InstanceId,
}

impl Found {
    fn parse(entry: &Listed) -> Option<Self> {
        let path = entry.key.as_str();
        let mut parts = path.split('/');
        let (folder, kind, file) = (parts.next()?, parts.next()?, parts.next()?);
        let name: ArchiveName = file.parse().ok()?;
        let (instance, id) = folder.rsplit_once('-')?;
        let instance_id = id.parse().ok()?;
        let fits = parts.next().is_none()
            && instance == name.instance
            && kind == name.archive_type.as_str();
        fits.then(|| Self {
            size: entry.size,
            name,
            instance_id,
            key: entry.key.clone(),
        })
    }

    fn execution(&self, config: &DestinationConfig, triggered_by: &str) -> Execution {
        Execution {
            id: uuid::Uuid::new_v4().simple().to_string(),
            destination_id: Some(config.id.clone()),
            backup_filename: Some(self.name.to_string()),
            backup_path: Some(self.key.as_str().to_owned()),
            triggered_by: triggered_by.to_owned(),
            started_at: self.name.created_at,
            completed_at: Some(self.name.created_at),
            status: ExecutionStatus::Completed,
            size_bytes: None,
            compressed_size_bytes: Some(self.size),
            files_included: None,
            error_message: None,
            kind: ExecutionKind::Backup,
            run_id: uuid::Uuid::new_v4().simple().to_string(),
            instance_id: Some(self.instance_id.clone()),
            archive_sha256: None,
            manifest_sha256: None,
            sequence: None,
            verified_at: None,
            drilled_at: None,
            pinned: false,
            comment: None,
            warnings: Vec::new(),
        }
    }
}

fn archive_row(e: Execution, destinations: &BTreeMap<String, String>) -> Option<ArchiveRow> {
    let name: ArchiveName = e.backup_filename.as_deref()?.parse().ok()?;
    Some(ArchiveRow {
        destination: destinations.get(e.destination_id.as_deref()?)?.clone(),
        name: name.to_string(),
        instance: name.instance,
        archive_type: name.archive_type,
        created_at: name.created_at,
        compressed_size_bytes: e.compressed_size_bytes.unwrap_or_default(),
        encrypted: name.encrypted,
        pinned: e.pinned,
        verified_at: e.verified_at,
        drilled_at: e.drilled_at,
        execution_id: e.id,
        status: e.status,
    })
}
