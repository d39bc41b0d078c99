//! Carries out a prepared restore: files, then databases, then checks; and takes everything back where anything fails. What it needs is
//! in the journal's folder, so that the next start can go on from there after a crash.

use std::path::{Path, PathBuf};

use super::change::Direction;
use super::database::{Bring, LiveDatabase, Outcome, Patience, bring, probe, settle};
use super::error::RestoreError;
pub use super::found::{Recovered, recover};
use super::journal::{Folder, Journal, Part, PartProgress, Stage};
use super::missing::make_again;
use super::pair::{Mode, mode_lost, set_mode};
use super::replay::replay;
use crate::model::{Cancel, Observer, Phase, Progress, Warning};
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

/// A restore that was done.
#[derive(Debug, Default)]
pub struct Applied {
    pub warnings: Vec<Warning>,
    pub restart_required: bool,
}

/// Brings all parts about, or none of them. The journal is `Applied` afterwards, or gone with its folder's use where it was taken back:
/// then the stage is `Prepared` again.
pub fn apply(
    folder: &Folder,
    journal: &mut Journal,
    patience: Patience,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Applied> {
    match forward(folder, journal, patience, cancel, observer) {
        Ok(applied) => Ok(applied),
        Err(first) => {
            if let RestoreError::Replaced(paths) = &first {
                leave_alone(folder, journal, paths);
            }
            match take_back(folder, journal, patience, observer) {
                Ok(()) => Err(first),
                Err(cause) => Err(RestoreError::RollbackFailed {
                    first: Box::new(first),
                    cause: Box::new(cause),
                }),
            }
        }
    }
}

fn forward(
    folder: &Folder,
    journal: &mut Journal,
    patience: Patience,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Applied> {
    let how = Bring {
        direction: Direction::Forward,
        patience,
        scratch: &folder.path,
        cancel,
        observer,
    };
    let databases = live_databases(journal, |_| true);
    // Somebody who does not let go is found out before any file has changed.
    probe(&databases, &how)?;
    tell(observer, Phase::Applying, "journal");
    journal.stage = Stage::Applying;
    folder.write(journal)?;

    let mut applied = Applied::default();
    for n in 0..journal.parts.len() {
        cancel.check()?;
        if journal.parts[n].changes.is_empty() {
            continue;
        }
        touch(folder, journal, |part| part == n)?;
        let part = &journal.parts[n];
        tell(observer, Phase::Applying, &part.component);
        let warnings = change_files(part, Direction::Forward, cancel, observer)?;
        applied.take(part, warnings);
    }
    let mut touched = false;
    let outcome = {
        let journal = &mut *journal;
        bring(&databases, &how, &mut || {
            if touched {
                return Ok(());
            }
            touched = true;
            let with_databases: Vec<bool> = journal
                .parts
                .iter()
                .map(|p| !p.databases.is_empty())
                .collect();
            touch(folder, journal, |part| with_databases[part])
        })?
    };
    applied.add(outcome);
    applied.restart_required |= journal.parts.iter().any(|p| p.restart_required);
    tell(observer, Phase::Checking, "journal");
    journal.stage = Stage::Applied;
    folder.write(journal)?;
    tell(observer, Phase::Applying, "done");
    Ok(applied)
}

/// Everything that may have changed goes back to its pre-image. May be repeated.
pub(super) fn take_back(
    folder: &Folder,
    journal: &mut Journal,
    patience: Patience,
    observer: &dyn Observer,
) -> Result<()> {
    // What has to go back goes back, whoever cancelled the way forward.
    let cancel = Cancel::new();
    let how = Bring {
        direction: Direction::Back,
        patience,
        scratch: &folder.path,
        cancel: &cancel,
        observer,
    };
    for part in &journal.parts {
        tell(observer, Phase::RollingBack, &part.component);
        if part.progress == PartProgress::Touched && !part.changes.is_empty() {
            change_files(part, Direction::Back, &cancel, observer)?;
        }
    }
    let touched = live_databases(journal, |p| p.progress == PartProgress::Touched);
    make_again(&touched, &folder.path)?;
    bring(&touched, &how, &mut || Ok(()))?;
    for database in live_databases(journal, |p| p.progress == PartProgress::Untouched) {
        // Not staged to its end: nothing of it counts. Whoever opens it next settles that; better that it is us.
        let _ = settle(&database);
    }
    journal.stage = Stage::Prepared;
    for part in &mut journal.parts {
        part.progress = PartProgress::Untouched;
    }
    // Everything is back. A journal that went on saying otherwise would take later changes back with the next start: on a full disk it
    // goes instead, which needs no space.
    folder.write(journal).or_else(|_| folder.forget())
}

/// What another program put in the place of a database since is not what this restore changed: it stays as it is.
fn leave_alone(folder: &Folder, journal: &mut Journal, replaced: &[PathBuf]) {
    for part in &mut journal.parts {
        part.databases.retain(|d| !replaced.contains(&d.target.0));
    }
    // Where this cannot be written, and the process dies now, the next start keeps what it finds before it takes back.
    let _ = folder.write(journal);
}

fn touch(folder: &Folder, journal: &mut Journal, which: impl Fn(usize) -> bool) -> Result<()> {
    for (n, part) in journal.parts.iter_mut().enumerate() {
        if which(n) {
            part.progress = PartProgress::Touched;
        }
    }
    folder.write(journal)
}

pub(super) fn live_databases(
    journal: &Journal,
    which: impl Fn(&Part) -> bool,
) -> Vec<LiveDatabase> {
    let parts = journal.parts.iter().filter(|p| which(p));
    parts.flat_map(|p| p.databases.iter().cloned()).collect()
}

fn change_files(
    part: &Part,
    direction: Direction,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Vec<Warning>> {
    let mut warnings = replay(&part.changes, direction, cancel, observer)?.into_vec();
    for database in &part.as_files {
        let mode = match direction {
            Direction::Forward => &database.mode_after,
            Direction::Back => &database.mode_before,
        };
        let path = database.target.path();
        if mode.as_deref() == Some("wal") && set_wal(&path)? == Mode::Lost {
            warnings.push(mode_lost(&path));
        }
    }
    Ok(warnings)
}

/// A database that came as a file is in journal mode DELETE; the one that was backed up may have been in WAL.
fn set_wal(path: &Path) -> Result<Mode> {
    let _hold = guard::hold(path).map_err(RestoreError::io(path))?;
    let db = super::connection::open_live(path)?;
    let mode = set_mode(&db, "wal");
    db.close()
        .map_err(|(_, cause)| RestoreError::sqlite(path)(cause))?;
    Ok(mode)
}

impl Applied {
    fn take(&mut self, part: &Part, warnings: Vec<Warning>) {
        self.warnings.extend(warnings.into_iter().map(|w| Warning {
            component: Some(part.component.clone()),
            ..w
        }));
    }

    fn add(&mut self, outcome: Outcome) {
        self.warnings.extend(outcome.warnings);
        self.restart_required |= outcome.restart_required;
    }
}

fn tell(observer: &dyn Observer, phase: Phase, what: &str) {
    observer.progress(&Progress {
        phase,
        done_bytes: 0,
        total_bytes: 0,
        what: what.to_owned(),
    });
}
