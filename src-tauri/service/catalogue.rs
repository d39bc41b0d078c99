//! What is kept where: lists of archives and acts, and pins. How the list is made again from a destination is `rebuild`'s.

mod rebuild;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::destination::Listed;
use crate::model::{Execution, ExecutionKind, InstanceId, Placed};
use crate::service::destinations::failed;
use crate::service::report::{ArchiveRow, BrowsedArchive};
use crate::service::{Act, ArchiveFilter, ArchiveRef, BackupService, Error, Result};
use crate::store::{ExecutionFilter, StoreError};

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
            ..every_archive()
        })?;
        let own = self.own_instances()?;
        Ok(rows
            .into_iter()
            .filter_map(|e| archive_row(e, &names, &own))
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
        let Some(record) = self.record_of(archive)? else {
            return Err(self.not_known(archive)?);
        };
        // Whoever deletes it now is waited for, and has then said that it is gone.
        let _held = self.hold(&record.id);
        match self.store.set_pinned(&record.id, pinned) {
            Err(StoreError::Unknown { .. }) => Err(Error::ArchiveGone {
                archive: archive.0.clone(),
            }),
            done => Ok(done?),
        }
    }

    /// What a destination shows now, straight from there. In no order.
    pub fn browse(&self, destination: &str, act: &Act<'_>) -> Result<Vec<BrowsedArchive>> {
        let config = self.destination(destination)?;
        let place = self.open_destination(&config)?;
        let mut found = Vec::new();
        let listed = place.list("", &act.call(), &mut |entry| {
            found.push(entry);
            Ok(())
        });
        listed.map_err(|e| failed(&config, e))?;
        let own = self.own_instances()?;
        let filter = ExecutionFilter {
            destination_id: Some(config.id),
            ..every_archive()
        };
        let records = self.store.executions(&filter)?;
        let records: HashMap<_, _> = records
            .into_iter()
            .filter_map(|e| Some((e.backup_path?, (e.id, e.instance_id))))
            .collect();
        let of_ours = |id: Option<&InstanceId>| id.is_some_and(|id| own.contains(id));
        let row = |entry: Listed| {
            let path = entry.key.as_str();
            let record = records.get(path);
            let foreign = match (Placed::of(path), record) {
                (Some(Placed::Holdfast { .. }), Some((_, id))) => !of_ours(id.as_ref()),
                (Some(Placed::Holdfast { id, .. }), None) => !of_ours(Some(&id)),
                (Some(Placed::Old(_)) | None, _) => true,
            };
            BrowsedArchive {
                key: path.to_owned(),
                name: entry.key.file_name().to_owned(),
                size: entry.size,
                modified: entry.modified,
                known: record.map(|(id, _)| id.clone()),
                foreign,
            }
        };
        Ok(found.into_iter().map(row).collect())
    }
}

fn every_archive() -> ExecutionFilter {
    ExecutionFilter {
        kind: Some(ExecutionKind::Backup),
        archives_only: true,
        ..ExecutionFilter::default()
    }
}

/// None of what lies at no destination (a safety backup), or at one that is forgotten.
fn archive_row(
    e: Execution,
    destinations: &BTreeMap<String, String>,
    own: &HashSet<InstanceId>,
) -> Option<ArchiveRow> {
    let placed = Placed::of(e.backup_path.as_deref()?)?;
    Some(ArchiveRow {
        destination: destinations.get(e.destination_id.as_deref()?)?.clone(),
        name: e.backup_filename?,
        instance: placed.instance().to_owned(),
        archive_type: placed.archive_type(),
        created_at: placed.created_at(),
        compressed_size_bytes: e.compressed_size_bytes.unwrap_or_default(),
        encrypted: placed.is_encrypted(),
        pinned: e.pinned,
        verified_at: e.verified_at,
        drilled_at: e.drilled_at,
        execution_id: e.id,
        status: e.status,
        foreign: !e.instance_id.is_some_and(|id| own.contains(&id)),
    })
}
