//! The scheduler in the background process: opened when its store can be used, looked after by the pulse, its runs on the table of acts.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::acts::{ActEvent, ActKind, Acts};
use super::desk::Desk;
use super::error::ShellError;
use crate::jobs::slot::SlotRecord;
use crate::jobs::{BackupScheduler, NoWatcher, RunInfo, Watch, Watcher, Watching};
use crate::model::schedule::Schedule;
use crate::service::{self, BackupService};

/// What the tray's menu says of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is nothing to pause.
    None,
    Active,
    /// All of them.
    Paused,
}

/// The scheduler, once its store can be used.
#[derive(Default)]
pub struct Schedules {
    opened: Mutex<Option<Arc<BackupScheduler>>>,
}

impl Schedules {
    pub fn open(
        &self,
        service: Arc<BackupService>,
        acts: &Arc<Acts>,
    ) -> Result<Arc<BackupScheduler>, service::Error> {
        // What a panic left is either nothing or an opened scheduler: both can be used.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scheduler) = &*opened {
            return Ok(Arc::clone(scheduler));
        }
        let scheduler = BackupScheduler::open(service, Box::new(Table(Arc::clone(acts))))?;
        *opened = Some(Arc::clone(&scheduler));
        Ok(scheduler)
    }

    /// Begins nothing any more.
    pub fn leave(&self) {
        if let Some(scheduler) = self.opened_before() {
            scheduler.leave();
        }
    }

    /// Only if nothing goes on. Whether it is so.
    pub fn leave_idle(&self) -> bool {
        self.opened_before()
            .is_none_or(|scheduler| scheduler.leave_idle())
    }

    /// Waits until those who are told have heard, or do not answer.
    pub fn finish_telling(&self) {
        if let Some(scheduler) = self.opened_before() {
            scheduler.finish_telling();
        }
    }

    fn opened_before(&self) -> Option<Arc<BackupScheduler>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }
}

impl Desk {
    pub fn scheduler(&self) -> Result<Arc<BackupScheduler>, ShellError> {
        Ok(self.schedules.open(self.service()?, &self.acts)?)
    }

    /// With each beat. What does not work is in the status, for window and tray.
    pub fn beat(&self, watch: Watch) {
        let looked = self.scheduler().and_then(|scheduler| {
            if scheduler.take_the_clock()? {
                scheduler.tick(watch)?;
            }
            Ok(())
        });
        let broken = looked.is_err();
        if self.note_schedules_broken(broken) != broken {
            self.acts.tell(ActEvent::SchedulesChanged);
        }
    }

    pub fn standing(&self) -> Result<Standing, ShellError> {
        let rows = self.scheduler()?.schedules(Timestamp::now())?;
        Ok(if rows.is_empty() {
            Standing::None
        } else if rows.iter().all(|row| row.paused) {
            Standing::Paused
        } else {
            Standing::Active
        })
    }

    pub fn pause_all(&self) -> Result<(), ShellError> {
        let scheduler = self.scheduler()?;
        for row in scheduler.schedules(Timestamp::now())? {
            scheduler.pause(&row.name, Timestamp::now())?;
        }
        Ok(())
    }

    pub fn resume_all(&self) -> Result<(), ShellError> {
        let scheduler = self.scheduler()?;
        for row in scheduler.schedules(Timestamp::now())? {
            scheduler.resume(&row.name, Timestamp::now())?;
        }
        Ok(())
    }
}

/// Runs are acts like those of the page.
struct Table(Arc<Acts>);

impl Watcher for Table {
    fn begins(&self, run: &RunInfo) -> Watching {
        let kind = ActKind::of(run.act);
        let (id, subject) = (run.run_id.clone(), run.instance.clone());
        match self.0.begin(id, kind, subject, Timestamp::now()) {
            Ok(guard) => Watching {
                cancel: guard.cancel.clone(),
                observer: Box::new(guard),
            },
            // An id of a run is never there twice; were it, the run would go on unseen.
            Err(_) => NoWatcher.begins(run),
        }
    }

    /// It is in the rows that the page and the tray ask for.
    fn ended(&self, _: &Schedule, _: &SlotRecord) {}

    fn changed(&self) {
        self.0.tell(ActEvent::SchedulesChanged);
    }
}
