//! Where an archive is written before it is published.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::target::{Target, key_of};
use crate::archive::PackError;
use crate::destination::local::ReadBack;
use crate::destination::{DestinationError, Key, local};
use crate::model::Instance;
use crate::service::assemble::Label;
use crate::service::destinations::failed;
use crate::service::error::at;
use crate::service::run::Run;
use crate::service::{Error, Result, space};

/// A workspace with this much room left did not fail for want of it.
const ROOM: u64 = 1 << 20;

/// The file that the archive is written to, and the target whose place it is at. Goes with the run: published it is gone already, else it
/// must not stay. What cannot be removed is swept with its run.
pub(super) struct Staged {
    pub path: PathBuf,
    pub at: Option<usize>,
    read_back: Option<ReadBack>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The same file under another name, which its publishing leaves alone. Goes with the run.
pub(super) struct SecondName {
    pub path: PathBuf,
}

impl Drop for SecondName {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Staged {
    /// For the other targets: the place that it is staged at then need not wait for them. None where nobody else reads it, or where files
    /// have one name.
    pub fn second_name(
        &self,
        targets: &[Target],
        key: &Key,
        run: &mut Run,
    ) -> Result<Option<SecondName>> {
        let place = self
            .at
            .and_then(|index| targets.get(index)?.place.as_ref().ok());
        let readers = targets.iter().filter(|target| target.place.is_ok());
        let Some(place) = place.filter(|_| readers.count() > 1) else {
            return Ok(None);
        };
        let Ok(Some(path)) = place.staging(key) else {
            return Ok(None);
        };
        run.remember_staged(&path)?;
        let linked = std::fs::hard_link(&self.path, &path);
        Ok(linked.ok().map(|()| SecondName { path }))
    }

    /// The digest of what was read back where it lies, now that it has its length. None: it has to be read, and an error met there.
    pub fn read_back(&mut self, length: u64) -> Option<String> {
        self.read_back.take()?.finish(length).ok()
    }

    /// An archive that could not be written at the place where it is staged is that place's outcome, not the run's. Any other error
    /// comes back.
    pub fn blame(&self, error: Error, targets: &mut [Target], workspace: &Path) -> Result<()> {
        match (error, self.at.and_then(|index| targets.get_mut(index))) {
            (Error::Pack(PackError::Write(cause)), Some(target))
                if space::require(workspace, ROOM).is_ok()
                    || on_one_disk(&self.path, workspace) =>
            {
                let cause = DestinationError::io("the archive cannot be written there", cause);
                target.place = Err(failed(&target.config, cause));
                Ok(())
            }
            (error, _) => Err(error),
        }
    }
}

/// Then what filled the one filled the other.
fn on_one_disk(one: &Path, other: &Path) -> bool {
    let disk = |path: &Path| path.metadata().map(|found| found.dev()).ok();
    disk(one).is_some_and(|one| Some(one) == disk(other))
}

/// At the first local destination under its temporary name, else in the workspace.
pub(super) fn stage(
    targets: &mut [Target],
    instance: &Instance,
    label: &Label,
    run: &mut Run,
) -> Result<(File, Staged)> {
    let key = key_of(instance, &label.name)?;
    for (index, target) in targets.iter_mut().enumerate() {
        let Ok(place) = &target.place else { continue };
        match place.staging(&key) {
            Ok(Some(path)) => {
                // First remembered, then made: a death in between leaves nothing that nobody knows of. Its name is nobody else's.
                run.remember_staged(&path)?;
                match local::create_staged(&path).map_err(|e| at(&path, e)) {
                    Ok(file) => {
                        let staged = Staged {
                            // Where it cannot be followed it is read back at the end.
                            read_back: ReadBack::follow(&path).ok(),
                            path,
                            at: Some(index),
                        };
                        return Ok((file, staged));
                    }
                    Err(error) => target.place = Err(error),
                }
            }
            Ok(None) => {}
            Err(cause) => target.place = Err(failed(&target.config, cause)),
        }
    }
    let path = run.workspace().join("archive");
    let file = new_file(&path)?;
    let staged = Staged {
        path,
        at: None,
        read_back: None,
    };
    Ok((file, staged))
}

fn new_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| at(path, e))
}
