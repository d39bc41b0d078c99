//! Brings the content of copies into live databases through `SQLite`'s backup API, so that open handles of a running service stay valid.
//! All of a group are locked, then staged to their last page, then finished: until the first is finished a drop changes nothing.
//! Databases that are not there, or that `SQLite` cannot read, are file changes instead.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use serde::{Deserialize, Serialize};

use super::change::{Direction, Meta, RawPath};
use super::connection::{open_live, read_once};
use super::error::RestoreError;
use super::page_size;
use super::pair::{Mode, Pair, mode_lost, open_pairs, set_mode};
use crate::model::{Cancel, Observer, Phase, Progress, Warning};
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

const PAGES_PER_STEP: i32 = 2000;

/// A live database that a restore fills, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveDatabase {
    /// Absolute, links resolved.
    pub target: RawPath,
    /// The checked copy that comes in; journal mode DELETE, opened by nobody.
    pub after: RawPath,
    /// What was there, in the same form.
    pub before: RawPath,
    /// `wal` or `delete`: what it was and stays.
    pub journal_mode: String,
    /// Owner and mode, for the case that it has to be made again. None in a journal of an earlier version.
    #[serde(default)]
    pub meta: Option<Meta>,
}

/// How long it is tried to get at databases that are in use. While a try waits new readers of a rollback-mode database are shut out, so
/// tries are short and pauses long.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub each_try: Duration,
    pub pause: Duration,
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            each_try: Duration::from_millis(500),
            pause: Duration::from_secs(1),
            total: Duration::from_secs(30),
        }
    }
}

/// What the user should know of a group that was brought in.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub warnings: Vec<Warning>,
    pub restart_required: bool,
}

pub(super) struct Bring<'a> {
    pub direction: Direction,
    pub patience: Patience,
    /// For copies that must be rebuilt with another page size.
    pub scratch: &'a Path,
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
}

/// Whether every lock can be had now. Nothing is changed.
pub(super) fn probe(group: &[LiveDatabase], how: &Bring<'_>) -> Result<()> {
    let mut pairs = open_pairs(group, how)?;
    // A page size that does not fit is dealt with when it matters; the lock is what is asked for.
    for pair in &mut pairs {
        pair.lock_only = true;
    }
    how.patiently(&mut pairs, &mut |_| Ok(()))
}

/// Fills the databases. `before_commit` runs when all are staged and nothing is changed yet.
pub(super) fn bring(
    group: &[LiveDatabase],
    how: &Bring<'_>,
    before_commit: &mut dyn FnMut() -> Result<()>,
) -> Result<Outcome> {
    if group.is_empty() {
        before_commit()?;
        return Ok(Outcome::default());
    }
    let mut outcome = Outcome::default();
    let mut pairs = open_pairs(group, how)?;
    for pair in &mut pairs {
        if pair.text_encodings_differ()? {
            pair.stale = true;
            outcome.restart_required = true;
            let what = format!(
                "`{}` has another text encoding than before: programs that have it open must be started again",
                pair.path.display()
            );
            outcome
                .warnings
                .push(Warning::new("encoding_differs", None, what));
        }
        page_size::fit(pair, how.scratch, how.cancel, before_commit)?;
    }
    // The ones that readers wait for are finished first.
    pairs.sort_by_key(|pair| pair.wal);
    let mut finished = false;
    how.patiently(&mut pairs, &mut |backups| {
        stage(backups, how)?;
        how.cancel.check()?;
        before_commit()?;
        for Staged { path, size, backup } in backups {
            match backup.step(-1).map_err(RestoreError::sqlite(path))? {
                StepResult::Done => how.tell(path, *size, *size),
                _ => return Err(in_use(path, Duration::ZERO)),
            }
        }
        finished = true;
        Ok(())
    })?;
    debug_assert!(finished, "a group is left only finished or with an error");
    // All of them are looked at: each that another file took the place of is somebody else's now.
    let mut replaced = Vec::new();
    for pair in &pairs {
        if pair.is_replaced()? {
            replaced.push(pair.path.clone());
        }
    }
    if !replaced.is_empty() {
        return Err(RestoreError::Replaced(replaced));
    }
    for pair in &mut pairs {
        if pair.stale {
            // A handle from before reads the new text no more; ours neither.
            pair.live = open_live(&pair.path)?;
        }
        if pair.settle()? == Mode::Lost {
            outcome.warnings.push(mode_lost(&pair.path));
        }
        if how.direction == Direction::Forward {
            pair.check(how)?;
        }
    }
    Ok(outcome)
}

/// Lets `SQLite` take back what a killed restore left half written, and sets the journal mode that was there.
pub(super) fn settle(database: &LiveDatabase) -> Result<()> {
    let path = &database.target.0;
    let _hold = guard::hold(path).map_err(RestoreError::io(path))?;
    let live = open_live(path)?;
    read_once(&live).map_err(RestoreError::sqlite(path))?;
    // Whoever opens it next sets its mode where that cannot be done now.
    let _ = set_mode(&live, &database.journal_mode);
    Ok(())
}

/// A locked database on its way.
struct Staged<'a> {
    path: &'a Path,
    /// Of the copy, in bytes.
    size: u64,
    backup: Backup<'a, 'a>,
}

impl Bring<'_> {
    fn tell(&self, path: &Path, done_bytes: u64, total_bytes: u64) {
        self.observer.progress(&Progress {
            phase: match self.direction {
                Direction::Forward => Phase::Applying,
                Direction::Back => Phase::RollingBack,
            },
            done_bytes,
            total_bytes,
            what: path.display().to_string(),
        });
    }

    /// Locks the group and works on it, again and again until it works or patience ends.
    fn patiently(
        &self,
        pairs: &mut [Pair],
        work: &mut dyn FnMut(&[Staged<'_>]) -> Result<()>,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            let path = match self.once(pairs, work) {
                Err(RestoreError::InUse { path, waited }) if waited.is_zero() => path,
                other => return other,
            };
            if started.elapsed() + self.patience.pause >= self.patience.total {
                let waited = started.elapsed().max(Duration::from_millis(1));
                return Err(in_use(&path, waited));
            }
            self.observer.progress(&Progress {
                phase: Phase::Waiting,
                done_bytes: 0,
                total_bytes: 0,
                what: path.display().to_string(),
            });
            pause(self.patience.pause, self.cancel)?;
        }
    }

    fn once(
        &self,
        pairs: &mut [Pair],
        work: &mut dyn FnMut(&[Staged<'_>]) -> Result<()>,
    ) -> Result<()> {
        let until = Instant::now() + self.patience.each_try;
        let mut staged = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let path = pair.path.as_path();
            let sqlite = |cause| RestoreError::sqlite(path)(cause);
            // Set anew each time: SQLite counts an exhausted wait against the next one otherwise.
            let wait = until.saturating_duration_since(Instant::now());
            pair.live.busy_timeout(wait).map_err(sqlite)?;
            if pair.lock_only {
                pair.lock()?;
                continue;
            }
            let backup = Backup::new(&pair.copy, &mut pair.live).map_err(sqlite)?;
            // No page yet, but the lock.
            match backup.step(0).map_err(sqlite)? {
                StepResult::Busy | StepResult::Locked => return Err(in_use(path, Duration::ZERO)),
                _ => staged.push(Staged {
                    path,
                    size: pair.size,
                    backup,
                }),
            }
        }
        work(&staged)
    }
}

/// Copies everything but the last page of each.
fn stage(backups: &[Staged<'_>], how: &Bring<'_>) -> Result<()> {
    for Staged { path, size, backup } in backups {
        loop {
            let pages = backup.progress();
            how.cancel.check()?;
            let done = share(*size, pages.pagecount - pages.remaining, pages.pagecount);
            how.tell(path, done, *size);
            let step = (pages.remaining - 1).min(PAGES_PER_STEP);
            if step <= 0 {
                break;
            }
            match backup.step(step).map_err(RestoreError::sqlite(path))? {
                StepResult::Busy | StepResult::Locked => return Err(in_use(path, Duration::ZERO)),
                _ => {}
            }
        }
    }
    Ok(())
}

fn share(size: u64, pages: i32, of: i32) -> u64 {
    let (pages, of) = (u64::try_from(pages), u64::try_from(of));
    size / of.unwrap_or(1).max(1) * pages.unwrap_or(0)
}

fn pause(length: Duration, cancel: &Cancel) -> Result<()> {
    let until = Instant::now() + length;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        cancel.check()?;
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    Ok(())
}

pub(super) fn in_use(path: &Path, waited: Duration) -> RestoreError {
    RestoreError::InUse {
        path: path.to_path_buf(),
        waited,
    }
}
