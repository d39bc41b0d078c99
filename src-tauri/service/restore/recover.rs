//! What the next start does about restores whose process died, and which pre-images are kept. No key is needed for any of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::database::Patience;
use super::error::RestoreError;
use super::found::{FOUND, Recovered, recover as end};
use super::journal::{Folder, Journal, Stage, read};
use super::missing::ASIDE;
use crate::model::{Cancel, ExecutionStatus, HookKind, InstanceId};
use crate::service::Result;
use crate::service::hooks::{self, HookError};
use crate::store::Store;

/// Ends the restores that a dead process left: finished or undone from the journal and the pre-images, no key needed. Those of a living
/// process are its own. One that cannot be ended now (its database is in use) is tried again at the next start, and before the next
/// restore of its instance; its execution says why.
pub(crate) fn recover(data_dir: &Path, store: &Store) -> Result<()> {
    for path in folders(data_dir)? {
        // One that cannot be locked (its disk is read-only now) is left as it is; a start that failed would help nobody.
        let Ok(Some(folder)) = Folder::lock(&path) else {
            continue;
        };
        match folder.journal() {
            Ok(Some(journal)) if journal.stage == Stage::TakenBack => {}
            Ok(Some(journal)) => {
                if let Err(cause) = recover_one(folder, &journal, store) {
                    let problem = cause.problem();
                    note(
                        store,
                        &journal,
                        &format!("{}. {}", problem.message, problem.hint),
                    )?;
                }
            }
            // The pre-images were not complete: nothing was changed.
            Ok(None) => {
                let _ = folder.remove();
            }
            // Somebody has to look at it; other instances go on.
            Err(_) => {}
        }
    }
    Ok(())
}

/// Before an instance is restored: what was left of an earlier restore must be ended first.
pub(super) fn recover_instance(data_dir: &Path, store: &Store, id: &InstanceId) -> Result<()> {
    for path in folders(data_dir)? {
        // Whose it is a journal that cannot be read does not say; it must not keep every instance from being restored.
        let Ok(Some(journal)) = read(&path) else {
            continue;
        };
        if journal.instance_id == *id
            && !journal.stage.is_ended()
            && let Some(folder) = Folder::lock(&path)?
        {
            recover_one(folder, &journal, store)?;
        }
    }
    Ok(())
}

fn recover_one(folder: Folder, journal: &Journal, store: &Store) -> Result<()> {
    let recovered =
        end(&folder, Patience::default()).map_err(|cause| RestoreError::Unfinished {
            folder: folder.path.clone(),
            cause: Box::new(cause),
        })?;
    let kept = [FOUND, ASIDE].map(|name| folder.path.join(name));
    let found = kept.into_iter().find(|kept| kept.is_dir());
    let execution = store.execution(&journal.execution_id)?;
    if let Some(mut execution) = execution.filter(|e| {
        matches!(
            e.status,
            ExecutionStatus::Running | ExecutionStatus::Interrupted
        )
    }) {
        execution.completed_at = Some(Timestamp::now());
        (execution.status, execution.error_message) = match recovered {
            Recovered::Done => (ExecutionStatus::Completed, None),
            Recovered::TakenBack => (
                ExecutionStatus::Interrupted,
                Some(taken_back(found.as_deref())),
            ),
        };
        store.update_execution(&execution)?;
    }
    // The service may have been stopped for it.
    if let Some(line) = &journal.start_hook {
        let started = start_again(store, journal, line);
        if let Err(cause) = started {
            note(store, journal, &format!("the start hook failed: {cause}"))?;
        }
    }
    match recovered {
        Recovered::TakenBack if found.is_some() => {
            folder.write(&Journal {
                stage: Stage::TakenBack,
                start_hook: None,
                ..journal.clone()
            })?;
        }
        Recovered::TakenBack => folder.remove()?,
        Recovered::Done if journal.start_hook.is_some() => {
            folder.write(&Journal {
                start_hook: None,
                ..journal.clone()
            })?;
        }
        Recovered::Done => {}
    }
    Ok(())
}

fn taken_back(found: Option<&Path>) -> String {
    let what = "the program ended in the middle of it; everything was taken back";
    match found {
        None => what.to_owned(),
        Some(found) => format!(
            "{what}; the databases as they were found then are kept in {} until the next restore",
            found.display()
        ),
    }
}

/// Removes the pre-images of an instance, but for the newest restore's.
pub(super) fn sweep(data_dir: &Path, id: &InstanceId, newest: &str) -> Result<()> {
    for path in folders(data_dir)? {
        let done = read(&path)
            .ok()
            .flatten()
            .filter(|j| j.instance_id == *id && j.stage.is_ended());
        if done.is_some_and(|j| j.execution_id != newest)
            && let Some(folder) = Folder::lock(&path)?
        {
            folder.remove()?;
        }
    }
    Ok(())
}

fn note(store: &Store, journal: &Journal, message: &str) -> Result<()> {
    if let Some(mut execution) = store.execution(&journal.execution_id)? {
        execution.error_message = Some(message.to_owned());
        store.update_execution(&execution)?;
    }
    Ok(())
}

fn folders(data_dir: &Path) -> Result<Vec<PathBuf>> {
    let all = data_dir.join("preimages");
    let entries = match std::fs::read_dir(&all) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(RestoreError::io(&all)(cause).into()),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RestoreError::io(&all))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The line as it was when the service was stopped, in the instance's folder where there still is one.
fn start_again(
    store: &Store,
    journal: &Journal,
    line: &str,
) -> std::result::Result<String, HookError> {
    let cancel = Cancel::new();
    match store.instance_by_id(&journal.instance_id) {
        Ok(Some(mut instance)) if instance.path.is_dir() => {
            line.clone_into(&mut instance.settings.hooks.start);
            hooks::run(&instance, HookKind::Start, None, &cancel)
        }
        _ => {
            let known: [(&str, &OsStr); 1] = [("HOLDFAST_HOOK", HookKind::Start.as_str().as_ref())];
            hooks::run_line(line, Path::new("/"), &known, hooks::HOOK_TIMEOUT, &cancel)
        }
    }
}
