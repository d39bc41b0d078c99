//! The catalogue made again from what a destination holds: names and sizes at once, manifests when an archive is opened.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::destination::{Destination, DestinationError, ErrorKind, Key, Listed};
use crate::model::manifest::ComponentStatus;
use crate::model::{DestinationConfig, Execution, ExecutionKind, ExecutionStatus, Placed};
use crate::service::destinations::failed;
use crate::service::opened::Opened;
use crate::service::report::CatalogueReport;
use crate::service::{Act, BackupService, Result};
use crate::store::{Access, FoundArchive};

/// There are places that list what they were given only after a while. What is younger than this is asked for by its name before it counts
/// as gone.
const LISTED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Of so many instances at most the newest manifest is read at once. A listing may name any number of them, and each costs a few requests.
const LOOKED_INTO: usize = 100;

impl BackupService {
    /// Makes the catalogue of a destination agree with what is there, by names and sizes. Of each instance the newest manifest is read
    /// too, where a key is at hand: it says how far its backups have been counted. A listing that breaks off changes nothing.
    pub fn rebuild_catalogue(&self, destination: &str, act: &Act<'_>) -> Result<CatalogueReport> {
        let config = self.destination(destination)?;
        let place = self.open_destination(&config)?;
        let mut listing = self.store.begin_listing(&config.id)?;
        let mut unwritten = None;
        let listed = place.list("", &act.call(), &mut |entry: Listed| {
            let Some(found) = found(&entry) else {
                return Ok(());
            };
            listing.add(&found).map_err(|error| {
                unwritten = Some(error);
                DestinationError::new(ErrorKind::Cancelled, "it could not be written down")
            })
        });
        if let Some(error) = unwritten {
            return Err(error.into());
        }
        listed.map_err(|e| failed(&config, e))?;
        let now = Timestamp::now();
        for path in listing.unlisted(now - LISTED_WITHIN)? {
            let there = Key::new(&path).and_then(|key| place.stat(&key, &act.call()));
            let there = there.map_err(|e| failed(&config, e))?;
            if let Some(found) = there.as_ref().and_then(found) {
                listing.add(&found)?;
            }
        }
        let merged = listing.merge(&act.triggered_by, now)?;
        let mut own = self.own_instances()?;
        let mut newest = listing.newest_unread()?;
        newest.sort_by_key(|unread| !own.contains(&unread.instance_id));
        for unread in newest.into_iter().take(LOOKED_INTO) {
            act.cancel.check()?;
            // One that cannot be opened now stays listed by its name.
            match self.look_into(&unread.execution_id, &config, &place, act) {
                Err(error) if error.is_cancelled() => return Err(error),
                Err(error) if error.is_of_the_whole_place() => break,
                Ok(()) | Err(_) => {}
            }
        }
        own.extend(self.own_instances()?);
        let counts = listing.counts()?;
        let foreign = counts
            .iter()
            .filter(|(id, _)| id.as_ref().is_none_or(|id| !own.contains(id)));
        Ok(CatalogueReport {
            destination: config.name,
            found: counts.iter().map(|(_, count)| count).sum(),
            added: merged.added,
            removed: merged.removed,
            foreign: foreign.map(|(_, count)| count).sum(),
        })
    }

    /// Opening an archive fills in its record.
    fn look_into(
        &self,
        execution_id: &str,
        config: &DestinationConfig,
        place: &Arc<dyn Destination>,
        act: &Act<'_>,
    ) -> Result<()> {
        let Some(record) = self.store.execution(execution_id)? else {
            return Ok(());
        };
        let located = self.locate_there(record, config.clone(), Arc::clone(place), act)?;
        let (source, fetched) = located.source(act)?;
        self.open_located(located, source, fetched, act).map(drop)
    }

    /// Instances of this installation, those that were removed too, and those whose archives were vouched for when they were found.
    pub(crate) fn own_instances(&self) -> Result<HashSet<crate::model::InstanceId>> {
        let mut own: HashSet<_> = self.store.counted_instances()?.into_iter().collect();
        own.extend(self.store.instances()?.into_iter().map(|i| i.id));
        Ok(own)
    }

    /// Fills the record of an archive that was found, from its manifest. What was written here is known better already.
    pub(crate) fn remember(&self, opened: &Opened) -> Result<()> {
        let Some(record) = &opened.located.execution else {
            return Ok(());
        };
        let known = record.archive_sha256.is_some() || record.kind != ExecutionKind::Backup;
        if known || self.store.access() == Access::Reading {
            return Ok(());
        }
        let mut filled = record.clone();
        fill(&mut filled, opened);
        if filled == *record {
            return Ok(());
        }
        self.store.update_execution(&filled)?;
        let text = String::from_utf8_lossy(&opened.archive.manifest_json);
        self.store.set_manifest(&filled.run_id, &text)?;
        match (&filled.instance_id, filled.sequence) {
            (Some(id), Some(sequence)) => Ok(self.store.raise_sequence(id, sequence)?),
            _ => Ok(()),
        }
    }
}

fn found(entry: &Listed) -> Option<FoundArchive> {
    let placed = Placed::of(entry.key.as_str())?;
    Some(FoundArchive {
        path: entry.key.as_str().to_owned(),
        file_name: entry.key.file_name().to_owned(),
        created_at: placed.created_at(),
        instance_id: match placed {
            Placed::Holdfast { id, .. } => Some(id),
            Placed::Old(_) => None,
        },
        size: entry.size,
    })
}

/// What nobody who is known vouches for is of no instance of ours, wherever it lies: so no policy touches it.
fn fill(record: &mut Execution, opened: &Opened) {
    let manifest = &opened.archive.manifest;
    let claimed = &manifest.backup_metadata;
    let mut components = manifest.components.iter();
    let whole = components.all(|c| c.status == ComponentStatus::Ok);
    record.status = if whole {
        ExecutionStatus::Completed
    } else {
        ExecutionStatus::Partial
    };
    if opened.trusted() && opened.broken.is_empty() {
        // Only then: a manifest is kept once a run, and nobody else's may take the place of ours.
        record.run_id.clone_from(&claimed.run_id);
        record.instance_id = Some(claimed.instance_id.clone());
    } else {
        record.instance_id = None;
    }
    if !opened.archive.is_old() {
        record.sequence = Some(claimed.sequence);
    }
    record.size_bytes = Some(manifest.total_size_bytes);
    record.manifest_sha256 = Some(opened.archive.manifest_sha256.clone());
    record.comment = (!claimed.comment.is_empty()).then(|| claimed.comment.clone());
    record.triggered_by.clone_from(&claimed.triggered_by);
}
