//! `BackupScheduler`: schedules over one data folder. Every process may read and change them and run one by hand; the one that holds the
//! scheduler's lock runs what comes due, each run on a thread of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::attempt::{Made, Outcome, Readiness, Target, attempt, readiness};
use super::book::{Book, Cancelled, Census};
use super::decide::Watch;
use super::new::{self, CadenceText, ScheduleChange};
use super::owner::{self, Owner};
use super::report::{RunReport, ScheduleRow};
use super::rows::LAST;
use super::sidecar;
use super::slot::{Reason, SlotRecord, SlotState};
use super::store::{Ending, JobRow, JobStore};
use super::telling::Telling;
use super::watcher::{RunInfo, Watcher};
use crate::model::Cancel;
use crate::model::schedule::{Schedule, Slots, between};
use crate::service::{Act, BackupService, Error, Result};
use crate::store::Access;

/// Runs that go on beside each other; the others wait. Each uses all cores.
const MOST_AT_ONCE: usize = 2;

/// How long a process that ends waits for a webhook.
const TELLING: Duration = Duration::from_secs(15);

/// How long a slot that could not begin is left alone.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(60);

pub struct BackupScheduler {
    service: Arc<BackupService>,
    book: Book,
    telling: Telling,
    watcher: Box<dyn Watcher>,
    /// Made when the first run begins.
    owner: OnceLock<Owner>,
    lock: Mutex<Option<File>>,
    runs: Mutex<Runs>,
    ended: Condvar,
    leaving: AtomicBool,
    /// What begins from now on is to stop again at once.
    cancelling: AtomicBool,
}

#[derive(Default)]
struct Runs {
    /// Slots that a thread of this process has taken on; how it is told to stop, once it runs.
    going: BTreeMap<i64, Option<Cancel>>,
    /// Slots that could not begin, and when they are looked at again.
    quiet: BTreeMap<i64, Timestamp>,
}

impl BackupScheduler {
    /// Opens or makes the job store. A newer, corrupt or locked one is an error: nothing runs then, and nothing is changed.
    pub fn open(service: Arc<BackupService>, watcher: Box<dyn Watcher>) -> Result<Arc<Self>> {
        let store = match service.access() {
            Access::Full => JobStore::open(service.data_dir())?,
            Access::Reading => JobStore::open_for_reading(service.data_dir())?,
        };
        let store = Arc::new(store);
        Ok(Arc::new(Self {
            telling: Telling::new(Arc::clone(&service), Arc::clone(&store)),
            service,
            book: Book::new(store),
            watcher,
            owner: OnceLock::new(),
            lock: Mutex::default(),
            runs: Mutex::default(),
            ended: Condvar::new(),
            leaving: AtomicBool::new(false),
            cancelling: AtomicBool::new(false),
        }))
    }

    #[must_use]
    pub fn service(&self) -> &BackupService {
        &self.service
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn job(&self, name: &str) -> Result<JobRow> {
        self.book.store.job(name)?.ok_or_else(|| Error::Unknown {
            what: "schedule",
            name: name.to_owned(),
        })
    }

    pub fn add(&self, name: &str, change: &ScheduleChange, now: Timestamp) -> Result<ScheduleRow> {
        self.insert(&new::schedule(&self.service, name, change, now)?, now)
    }

    /// A schedule with a cadence of one's own: `slots` says when it is due. The schedule outlives the process, its cadence does not: it
    /// is added again at each start, and the schedule is made only where there is none of this name.
    pub fn add_job(
        &self,
        name: &str,
        change: &ScheduleChange,
        cadence: &str,
        slots: Arc<dyn Slots>,
        now: Timestamp,
    ) -> Result<ScheduleRow> {
        self.book.add_cadence(cadence, slots);
        if self.book.store.job(name)?.is_some() {
            return self.schedule(name, LAST, now);
        }
        let change = ScheduleChange {
            cadence: Some(CadenceText::Custom(cadence.to_owned())),
            ..change.clone()
        };
        self.add(name, &change, now)
    }

    fn insert(&self, schedule: &Schedule, now: Timestamp) -> Result<ScheduleRow> {
        self.book.slots(schedule)?;
        self.book.store.insert_job(schedule, now)?;
        self.changed(now);
        self.schedule(&schedule.name, LAST, now)
    }

    /// What is not named stays.
    pub fn set(&self, name: &str, change: &ScheduleChange, now: Timestamp) -> Result<ScheduleRow> {
        let row = self.job(name)?;
        let mut altered = row.schedule.clone();
        new::alter(&self.service, &mut altered, change, now)?;
        self.book.slots(&altered)?;
        self.book.alter(&row, &altered, now)?;
        self.changed(now);
        self.schedule(name, LAST, now)
    }

    /// The next `count` times of a cadence that is not kept, for whoever is still typing.
    pub fn preview(
        &self,
        cadence: &CadenceText,
        timezone: &str,
        count: usize,
        now: Timestamp,
    ) -> Result<Vec<Timestamp>> {
        let cadence = new::parse_cadence(cadence, now)?;
        let slots = cadence.slots(timezone)?;
        Ok(between(&*slots, now, Timestamp::MAX).take(count).collect())
    }

    /// Pausing what is paused is success.
    pub fn pause(&self, name: &str, now: Timestamp) -> Result<ScheduleRow> {
        let row = self.job(name)?;
        if !row.schedule.paused {
            self.book.pause(&row, now)?;
            self.changed(now);
        }
        self.schedule(name, LAST, now)
    }

    pub fn resume(&self, name: &str, now: Timestamp) -> Result<ScheduleRow> {
        let row = self.job(name)?;
        if row.schedule.paused {
            self.book.resume(&row, now)?;
            self.changed(now);
        }
        self.schedule(name, LAST, now)
    }

    pub fn remove(&self, name: &str, now: Timestamp) -> Result<()> {
        let row = self.job(name)?;
        self.book.store.remove_job(&row.schedule.id)?;
        self.changed(now);
        Ok(())
    }

    /// One run now, of a slot of its own, in this thread; no regular slot is moved by it.
    pub fn run_now(&self, name: &str, act: &Act<'_>, now: Timestamp) -> Result<RunReport> {
        let schedule = self.job(name)?.schedule;
        Target::of(&self.service, &schedule)?;
        let run_id = new_run_id();
        let owner = self.owner()?.id.clone();
        let record = {
            // Known before it can be seen: whoever finds it in the store asks here whether it lives.
            let mut runs = self.runs();
            let record = (self.book.store).claim_by_hand(&schedule.id, &run_id, &owner, now)?;
            runs.going.insert(record.id, Some(act.cancel.clone()));
            record
        };
        let _going = Going {
            scheduler: self,
            id: record.id,
        };
        self.changed(now);
        let (record, made) = self.run(&schedule, record, act)?;
        self.changed(Timestamp::now());
        Ok(RunReport {
            run_id,
            schedule: schedule.name,
            act: schedule.act,
            state: record.state,
            problem: record.problem,
            executions: made.executions,
            checks: made.checks,
            retention: made.retention,
        })
    }

    /// Becomes the one that runs what comes due. False: another process is. It stays so for the life of this value.
    pub fn take_the_clock(&self) -> Result<bool> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            *lock = owner::lock_scheduler(self.service.data_dir())?;
        }
        Ok(lock.is_some())
    }

    /// Decides what has come due, and starts what can run. One schedule that fails keeps no other from it; the first failure is returned.
    pub fn tick(self: &Arc<Self>, watch: Watch) -> Result<()> {
        let mut failed = Ok(());
        let mut changed = false;
        for row in self.book.store.jobs()? {
            match self.book.look(&row, watch, &**self) {
                Ok(look) => {
                    changed |= look.changed;
                    for record in &look.ended {
                        self.ended(&row.schedule, record, watch.now);
                    }
                    for record in look.due {
                        self.start(&row.schedule, record, watch.now);
                    }
                }
                // It says so itself, where it is shown.
                Err(Error::Schedule(_)) => {}
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        if changed {
            self.changed(watch.now);
        }
        failed.and(self.telling.look_for_alarms(watch.now))
    }

    /// Begins nothing any more. What runs goes on.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// The same, if nothing goes on and nothing is on its way to those who are told; whether it is so.
    pub fn leave_idle(&self) -> bool {
        let runs = self.runs();
        let idle = runs.going.is_empty() && self.telling.is_done();
        if idle {
            self.leave();
        }
        idle
    }

    /// Tells what runs to stop, and what is just about to.
    pub fn cancel_all(&self) {
        let runs = self.runs();
        self.cancelling.store(true, Ordering::SeqCst);
        runs.going.values().flatten().for_each(Cancel::cancel);
    }

    /// Waits until what is to be told of it has arrived, or does not.
    pub fn finish_telling(&self) {
        self.telling.finish(TELLING);
    }

    pub(super) fn telling(&self) -> &Telling {
        &self.telling
    }

    /// Waits until nothing runs.
    pub fn wait_until_idle(&self) {
        let runs = self.runs();
        let waited = self.ended.wait_while(runs, |runs| !runs.going.is_empty());
        drop(waited);
    }

    /// Takes a slot on, on a thread of its own, unless it is taken on already or too much goes on.
    fn start(self: &Arc<Self>, schedule: &Schedule, record: SlotRecord, now: Timestamp) {
        let id = record.id;
        {
            let mut runs = self.runs();
            if self.is_leaving() {
                return;
            }
            // Further ahead than it was ever put: the clock was set back.
            let later = runs
                .quiet
                .get(&id)
                .is_some_and(|at| *at > now && at.duration_since(now) <= LOOK_AGAIN);
            if later || runs.going.len() >= MOST_AT_ONCE || runs.going.contains_key(&id) {
                return;
            }
            runs.going.insert(id, None);
        }
        let (scheduler, schedule) = (Arc::clone(self), schedule.clone());
        let run = move || {
            let _going = Going {
                scheduler: &scheduler,
                id,
            };
            // What could not be written down is found by the next look: the slot is open, and nobody runs it.
            let _ = scheduler.take_on(&schedule, record);
        };
        let spawned = thread::Builder::new()
            .name("schedule".to_owned())
            .spawn(run);
        if spawned.is_err() {
            self.runs().going.remove(&id);
        }
    }

    fn take_on(&self, schedule: &Schedule, record: SlotRecord) -> Result<()> {
        let now = Timestamp::now();
        match readiness(&self.service, schedule, &record) {
            Readiness::Ready => {}
            Readiness::NotYet(reason, problem) => {
                self.runs()
                    .quiet
                    .insert(record.id, now.saturating_add(LOOK_AGAIN).unwrap_or(now));
                if record.reason != Some(reason) {
                    let outcome = Outcome::Waits(reason, problem);
                    self.conclude(schedule, record, outcome)?;
                    self.changed(now);
                }
                return Ok(());
            }
            Readiness::Never(problem) => {
                let ending = Ending {
                    state: SlotState::Skipped,
                    reason: Some(Reason::Disabled),
                    problem: Some(problem),
                };
                let record = self.book.store.end(&record, &ending, now)?;
                self.ended(schedule, &record, now);
                self.changed(now);
                return Ok(());
            }
        }
        self.runs().quiet.remove(&record.id);
        if self.is_leaving() {
            return Ok(());
        }
        let run_id = new_run_id();
        let owner = &self.owner()?.id;
        let Some(record) = self.book.store.begin(&record, &run_id, owner, now)? else {
            return Ok(());
        };
        let instance = self.service.instance_by_id(&schedule.instance_id)?;
        let watching = self.watcher.begins(&RunInfo {
            run_id: run_id.clone(),
            schedule: schedule.name.clone(),
            instance: instance.map_or_else(String::new, |i| i.name),
            act: schedule.act,
        });
        {
            let mut runs = self.runs();
            if self.cancelling.load(Ordering::SeqCst) {
                watching.cancel.cancel();
            }
            let cancel = watching.cancel.clone();
            runs.going.insert(record.id, Some(cancel));
        }
        self.changed(now);
        let act = Act {
            cancel: &watching.cancel,
            observer: &*watching.observer,
            triggered_by: String::new(),
            run_id: None,
            passphrase: None,
        };
        let done = self.run(schedule, record, &act);
        drop(watching);
        self.changed(Timestamp::now());
        done.map(drop)
    }

    /// One attempt of a claim that is written down as running, and what follows from it.
    fn run(
        &self,
        schedule: &Schedule,
        mut record: SlotRecord,
        act: &Act<'_>,
    ) -> Result<(SlotRecord, Made)> {
        let act = Act {
            cancel: act.cancel,
            observer: act.observer,
            triggered_by: format!("schedule:{}", schedule.name),
            run_id: record.run_id.clone(),
            passphrase: None,
        };
        let mut made = Made::default();
        self.telling.began(schedule, &record, Timestamp::now());
        let outcome = attempt(&self.service, schedule, &mut record, &act, &mut made);
        let record = self.conclude(schedule, record, outcome)?;
        self.ended(schedule, &record, Timestamp::now());
        Ok((record, made))
    }

    /// Says it, where it is an end.
    fn ended(&self, schedule: &Schedule, record: &SlotRecord, now: Timestamp) {
        self.telling.ended(schedule, record, now);
        self.watcher.ended(schedule, record);
    }

    fn conclude(
        &self,
        schedule: &Schedule,
        record: SlotRecord,
        outcome: Outcome,
    ) -> Result<SlotRecord> {
        let cancelled = if self.is_leaving() {
            Cancelled::Leaving
        } else {
            Cancelled::Wished
        };
        self.book
            .conclude(schedule, record, outcome, cancelled, Timestamp::now())
    }

    fn owner(&self) -> Result<&Owner> {
        if let Some(owner) = self.owner.get() {
            return Ok(owner);
        }
        let owner = Owner::new(self.service.data_dir())?;
        Ok(self.owner.get_or_init(|| owner))
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Mirrors how schedules fare, and tells whoever watches. A mirror that cannot be written is a warning of the status.
    fn changed(&self, now: Timestamp) {
        let _ = self.mirror(now);
        self.watcher.changed();
    }

    /// Writes the sidecar, where it does not say so already.
    pub(super) fn mirror(&self, now: Timestamp) -> Result<()> {
        sidecar::write(self.service.data_dir(), || self.schedules(now))
    }

    /// Maps are whole after every step.
    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Census for BackupScheduler {
    fn is_alive(&self, record: &SlotRecord) -> Result<bool> {
        let Some(id) = &record.owner else {
            return Ok(false);
        };
        if self.owner.get().is_some_and(|own| own.id == *id) {
            return Ok(self.runs().going.contains_key(&record.id));
        }
        owner::is_alive(self.service.data_dir(), id)
    }

    fn completed(&self, record: &SlotRecord) -> Result<Vec<String>> {
        match &record.run_id {
            Some(run_id) => self.service.completed_by(run_id),
            None => Ok(Vec::new()),
        }
    }
}

/// A slot that this process has taken on, until it lets go of it, after a panic too.
struct Going<'a> {
    scheduler: &'a BackupScheduler,
    id: i64,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.scheduler.runs().going.remove(&self.id);
        self.scheduler.ended.notify_all();
        self.scheduler.watcher.changed();
    }
}

fn new_run_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
