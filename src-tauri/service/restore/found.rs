//! Ends a restore whose process died. What the service wrote into databases since then is kept before they are taken back.

use std::path::{Path, PathBuf};

use super::apply::take_back;
use super::change::State;
use super::database::Patience;
use super::error::RestoreError;
use super::journal::{Folder, Journal, PartProgress, Stage};
use super::list::{Order, each};
use super::pre_image::{Content, PreImage, content_of, copy_database};
use super::record::private_dir;
use super::replay::sync_file_system;
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, RestoreError>;

/// What the next start found of a restore whose process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It had changed nothing, or what it had changed was taken back.
    TakenBack,
    /// It was done; only its record was missing.
    Done,
}

/// Ends what a dead process left in this folder. The caller owns it.
pub fn recover(folder: &Folder, patience: Patience) -> Result<Recovered> {
    match folder.journal()? {
        None => Ok(Recovered::TakenBack),
        Some(journal) if journal.stage == Stage::Applied => Ok(Recovered::Done),
        Some(journal) if journal.stage == Stage::TakenBack => Ok(Recovered::TakenBack),
        Some(mut journal) => {
            keep_found(folder, &journal)?;
            let taken_back = take_back(folder, &mut journal, patience, &NoObserver);
            if matches!(taken_back, Err(RestoreError::InUse { .. })) {
                // No database has changed: the next try shall keep what is there by then.
                remove_dir(&folder.path.join(FOUND))?;
            }
            taken_back.map(|()| Recovered::TakenBack)
        }
    }
}

/// Below the folder: databases as they were found after a crash, where they were not as before it.
pub(super) const FOUND: &str = "found";

/// A service may have gone on for long with databases that are about to be taken back: no row of that may be lost. A copy that is there
/// already is of a try that died, maybe after it had taken back: it stays.
fn keep_found(folder: &Folder, journal: &Journal) -> Result<()> {
    let (found, part) = (folder.path.join(FOUND), folder.path.join("found.part"));
    if found.exists() {
        return Ok(());
    }
    remove_dir(&part)?;
    private_dir(&part)?;
    let mut kept = 0;
    for (n, (target, known)) in touched(journal)?.into_iter().enumerate() {
        // Not put there yet, or gone since.
        if !target.is_file() {
            continue;
        }
        let name = target.file_name().unwrap_or_default();
        let copy = part.join(format!("{n}-{}", name.to_string_lossy()));
        let copied = copy_database(&target, &copy, &Cancel::new(), &NoObserver)?;
        if copied == PreImage::Unusable {
            continue;
        }
        if known.contains(&content_of(&copy)?) {
            std::fs::remove_file(&copy).map_err(RestoreError::io(&copy))?;
        } else {
            kept += 1;
        }
    }
    if kept == 0 {
        return remove_dir(&part);
    }
    std::fs::rename(&part, &found).map_err(RestoreError::io(&found))?;
    sync_file_system(&folder.path)
}

/// The databases that may have changed, each with the contents that are known: with another one something would be lost.
fn touched(journal: &Journal) -> Result<Vec<(PathBuf, Vec<Content>)>> {
    let mut all = Vec::new();
    let parts = journal.parts.iter();
    for part in parts.filter(|p| p.progress == PartProgress::Touched) {
        for database in &part.databases {
            all.push((
                database.target.0.clone(),
                vec![content_of(&database.before.0)?],
            ));
        }
        for database in &part.as_files {
            let mut known: Vec<Content> = database.content_after.iter().cloned().collect();
            for list in [&part.changes.removals, &part.changes.puts] {
                each(&list.0, Order::FirstFirst, &mut |change| {
                    if let State::File { copy, .. } = change.before
                        && change.spot == database.target
                    {
                        known.push(content_of(&copy.0)?);
                    }
                    Ok(())
                })?;
            }
            all.push((database.target.path(), known));
        }
    }
    Ok(all)
}

fn remove_dir(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(RestoreError::io(path)(cause))
        }
        _ => Ok(()),
    }
}
