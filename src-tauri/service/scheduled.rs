//! What a scheduler has to know before it starts a run, and after one whose process died. When something runs is not decided here.

use std::time::{Duration, Instant};

use crate::destination::{Call, Key};
use crate::model::{
    DestinationConfig, Execution, ExecutionKind, ExecutionStatus, Instance, InstanceId,
};
use crate::service::{Act, ArchiveRef, BackupService, Result, destinations};
use crate::store::{Access, ExecutionFilter};
use crate::{keys, service::Error};

/// An archive that nobody makes.
const NOBODYS: &str = "holdfast-00000000/manual/backup-holdfast-20000101-000000-manual.tar.gz.age";
/// How long a place may take to say anything.
const ANSWERING: Duration = Duration::from_secs(30);

impl BackupService {
    /// None where it is gone.
    pub(crate) fn instance_by_id(&self, id: &InstanceId) -> Result<Option<Instance>> {
        Ok(self.store.instance_by_id(id)?)
    }

    /// Whether the keys that a run needs can be had now: a keyring may be locked.
    pub(crate) fn keys_at_hand(&self) -> Result<()> {
        let known = self.require_keys()?;
        keys::signing_key(&*self.secrets, &known)?;
        keys::identity(&*self.secrets, &known)?;
        Ok(())
    }

    /// `Busy` where a backup or a restore has it.
    pub(crate) fn is_free(&self, instance: &Instance) -> Result<()> {
        self.lock_instance(instance, "look").map(drop)
    }

    /// Whether a place is there at all: an unmounted disk, a network that is not up yet.
    pub(crate) fn answers(&self, place: &DestinationConfig) -> Result<()> {
        let opened = self.open_destination(place)?;
        let act = Act::quiet();
        let call = Call {
            deadline: Instant::now().checked_add(ANSWERING),
            ..act.call()
        };
        // Whatever is there of this name: it has to be asked for, while free space is what many places cannot tell.
        Key::new(NOBODYS)
            .and_then(|key| opened.stat(&key, &call))
            .map(drop)
            .map_err(|cause| destinations::failed(place, cause))
    }

    /// The newest archive of an instance at a destination.
    pub(crate) fn newest_archive(
        &self,
        instance: &Instance,
        place: &DestinationConfig,
    ) -> Result<Option<ArchiveRef>> {
        let newest = self.store.executions(&ExecutionFilter {
            instance_id: Some(instance.id.clone()),
            destination_id: Some(place.id.clone()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            limit: Some(1),
            ..ExecutionFilter::default()
        })?;
        Ok(newest.into_iter().next().map(|found| ArchiveRef(found.id)))
    }

    /// Ids of destinations that a run whose process may be dead has completed.
    pub(crate) fn completed_by(&self, run_id: &str) -> Result<Vec<String>> {
        self.sweep_dead_runs()?;
        let all = self.store.executions(&ExecutionFilter {
            run_id: Some(run_id.to_owned()),
            ..ExecutionFilter::default()
        })?;
        // One of many deletions says nothing of the others: what is left is found by looking again.
        let completed = |e: &Execution| {
            e.status == ExecutionStatus::Completed && e.kind != ExecutionKind::Retention
        };
        let completed = all.into_iter().filter(completed);
        Ok(completed.filter_map(|e| e.destination_id).collect())
    }

    /// Whether what is done can be recorded.
    pub(crate) fn access(&self) -> Access {
        self.store.access()
    }
}

impl Error {
    /// Whether it goes away by itself when somebody unlocks the keyring or logs in.
    pub(crate) fn is_locked_keyring(&self) -> bool {
        use keys::KeyError::{Locked, NoService};
        matches!(self, Self::Keys(Locked | NoService(_)))
    }
}
