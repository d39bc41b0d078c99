//! The book of slots: what is due, what was claimed, and how it ended, written to the job store as it happens. Time is an argument; what a
//! run comes to is told from outside. It starts nothing and waits for nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::attempt::Outcome;
use super::decide::{self, Next, Standing, Watch, advance, decide, retry_after};
use super::slot::{How, Reason, SlotRecord, SlotState};
use super::store::{Ending, JobRow, JobStore};
use crate::model::schedule::{Cadence, Schedule, ScheduleError, Slots, between};
use crate::service::{Error, Result};

pub struct Book {
    pub store: Arc<JobStore>,
    /// Cadences that were added to the program, by name.
    custom: Mutex<BTreeMap<String, Arc<dyn Slots>>>,
}

/// What a look at one schedule found.
#[derive(Debug, Default)]
pub struct Look {
    /// Can be started now.
    pub due: Vec<SlotRecord>,
    /// Came to their end without a run.
    pub ended: Vec<SlotRecord>,
    /// Whether anything was written.
    pub changed: bool,
}

/// Who ran a slot that nobody runs any more.
pub trait Census {
    /// Whether the process that runs it lives.
    fn is_alive(&self, record: &SlotRecord) -> Result<bool>;
    /// The destinations that its run has completed.
    fn completed(&self, record: &SlotRecord) -> Result<Vec<String>>;
}

/// Why a run was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Somebody did not want it.
    Wished,
    /// The process ends; the slot is to be run again.
    Leaving,
}

impl Book {
    pub fn new(store: Arc<JobStore>) -> Self {
        Self {
            store,
            custom: Mutex::default(),
        }
    }

    pub fn add_cadence(&self, name: &str, slots: Arc<dyn Slots>) {
        // A map is whole whoever panicked.
        let mut custom = self.custom.lock().unwrap_or_else(PoisonError::into_inner);
        custom.insert(name.to_owned(), slots);
    }

    pub fn slots(&self, schedule: &Schedule) -> std::result::Result<Arc<dyn Slots>, ScheduleError> {
        if let Cadence::Custom { name } = &schedule.cadence {
            let custom = self.custom.lock().unwrap_or_else(PoisonError::into_inner);
            let unknown = || ScheduleError::UnknownCadence { name: name.clone() };
            return custom.get(name).cloned().ok_or_else(unknown);
        }
        Ok(Arc::from(schedule.slots()?))
    }

    /// Decides the slots that have come due, and says which claims can start. Where nothing happened, nothing is written.
    pub fn look(&self, row: &JobRow, watch: Watch, census: &dyn Census) -> Result<Look> {
        let mut look = Look::default();
        let schedule = &row.schedule;
        self.bury(schedule, watch, census, &mut look)?;
        if schedule.paused {
            return Ok(look);
        }
        let slots = self.slots(schedule)?;
        let open = self.store.open_slots(Some(&schedule.id))?;
        let standing = Standing {
            cursor: row.cursor,
            open: open.iter().rfind(|o| o.how != How::ByHand),
            taken: &self.store.taken(&schedule.id, row.cursor)?,
        };
        let decided = decide(schedule, &*slots, &standing, watch);
        if decided.cursor != row.cursor {
            let count = |first: Timestamp, until: Timestamp| {
                let rest = between(&*slots, first, until);
                1 + u64::try_from(rest.count()).unwrap_or(u64::MAX - 1)
            };
            let written = self.store.apply(row, &decided, watch.now, &count)?;
            look.changed |= written.is_some();
            let ended = written.into_iter().flatten();
            look.ended.extend(ended.filter(|r| !r.state.is_open()));
        }
        for record in self.store.open_slots(Some(&schedule.id))? {
            if record.state == SlotState::Running {
                continue;
            }
            match advance(schedule, &record, watch) {
                Next::Start => look.due.push(record),
                Next::Wait => {}
                Next::End => {
                    look.ended.push(self.store.give_up(&record, watch.now)?);
                    look.changed = true;
                }
            }
        }
        Ok(look)
    }

    /// What became of slots whose process died.
    fn bury(
        &self,
        schedule: &Schedule,
        watch: Watch,
        census: &dyn Census,
        look: &mut Look,
    ) -> Result<()> {
        for mut record in self.store.open_slots(Some(&schedule.id))? {
            if record.state != SlotState::Running || census.is_alive(&record)? {
                continue;
            }
            for id in census.completed(&record)? {
                if !record.done.contains(&id) {
                    record.done.push(id);
                }
            }
            let all = schedule.destination_ids.iter();
            let record = if all.clone().all(|id| record.done.contains(id)) {
                self.store.end(&record, &ran(&record), watch.now)?
            } else {
                self.interrupted(schedule, record, watch.now)?
            };
            look.changed = true;
            if !record.state.is_open() {
                look.ended.push(record);
            }
        }
        Ok(())
    }

    /// How an attempt ended, and what follows: the slot's end, or another attempt.
    pub fn conclude(
        &self,
        schedule: &Schedule,
        record: SlotRecord,
        outcome: Outcome,
        cancelled: Cancelled,
        now: Timestamp,
    ) -> Result<SlotRecord> {
        let by_hand = record.how == How::ByHand;
        let end = |state, problem| {
            let ending = Ending {
                state,
                reason: None,
                problem: Some(problem),
            };
            Ok(self.store.end(&record, &ending, now)?)
        };
        match outcome {
            Outcome::Done => Ok(self.store.end(&record, &ran(&record), now)?),
            Outcome::Partial(problem) => end(SlotState::Partial, problem),
            Outcome::Failed(problem) => {
                let failures = record.attempt.saturating_sub(record.interruptions);
                if by_hand || failures > schedule.retries {
                    let some = !record.done.is_empty();
                    let state = if some {
                        SlotState::Partial
                    } else {
                        SlotState::Failed
                    };
                    return end(state, problem);
                }
                let ending = Ending {
                    state: SlotState::Retrying,
                    reason: None,
                    problem: Some(problem),
                };
                let at = now.saturating_add(retry_after(failures)).ok();
                Ok(self.store.put_off(&record, &ending, at)?)
            }
            Outcome::Waits(_, problem) if by_hand => end(SlotState::Failed, problem),
            Outcome::Waits(reason, problem) => {
                let ending = Ending {
                    state: SlotState::Waiting,
                    reason: Some(reason),
                    problem: Some(problem),
                };
                Ok(self.store.put_off(&record, &ending, None)?)
            }
            Outcome::Cancelled if cancelled == Cancelled::Leaving => {
                self.interrupted(schedule, record, now)
            }
            Outcome::Cancelled => {
                let ending = Ending {
                    state: SlotState::Cancelled,
                    reason: None,
                    problem: None,
                };
                Ok(self.store.end(&record, &ending, now)?)
            }
        }
    }

    /// Run again once, if it is not too late for it.
    fn interrupted(
        &self,
        schedule: &Schedule,
        mut record: SlotRecord,
        now: Timestamp,
    ) -> Result<SlotRecord> {
        record.interruptions += 1;
        let again = record.how != How::ByHand
            && record.interruptions == 1
            && decide::is_in_time(schedule, &record, now);
        let problem = Some(Error::Interrupted.problem());
        if again {
            let ending = Ending {
                state: SlotState::Retrying,
                reason: Some(Reason::Interrupted),
                problem,
            };
            return Ok(self.store.put_off(&record, &ending, None)?);
        }
        let ending = Ending {
            state: SlotState::Interrupted,
            reason: None,
            problem,
        };
        Ok(self.store.end(&record, &ending, now)?)
    }

    /// From now on nothing runs. A slot that has not begun is skipped; what came due and nobody decided was missed.
    pub fn pause(&self, row: &JobRow, now: Timestamp) -> Result<()> {
        for record in self.store.open_slots(Some(&row.schedule.id))? {
            if record.state == SlotState::Waiting {
                let ending = Ending {
                    state: SlotState::Skipped,
                    reason: Some(Reason::Paused),
                    problem: None,
                };
                self.store.end(&record, &ending, now)?;
            } else if record.state == SlotState::Retrying {
                self.store.give_up(&record, now)?;
            }
        }
        self.pass_over(row, Reason::Missed, now)?;
        let schedule = Schedule {
            paused: true,
            ..row.schedule.clone()
        };
        Ok(self.store.update_job(&schedule, Some(now))?)
    }

    pub fn resume(&self, row: &JobRow, now: Timestamp) -> Result<()> {
        self.pass_over(row, Reason::Paused, now)?;
        let schedule = Schedule {
            paused: false,
            ..row.schedule.clone()
        };
        Ok(self.store.update_job(&schedule, Some(now))?)
    }

    /// Gives a schedule what `altered` has. Other times begin now: they have no past.
    pub fn alter(&self, row: &JobRow, altered: &Schedule, now: Timestamp) -> Result<()> {
        let before = &row.schedule;
        let mut cursor = None;
        if (&before.cadence, &before.timezone) != (&altered.cadence, &altered.timezone) {
            let reason = if before.paused {
                Reason::Paused
            } else {
                Reason::Changed
            };
            self.pass_over(row, reason, now)?;
            cursor = Some(now);
        }
        Ok(self.store.update_job(altered, cursor)?)
    }

    /// Writes down the slots since the cursor as skipped.
    fn pass_over(&self, row: &JobRow, reason: Reason, now: Timestamp) -> Result<()> {
        // Without its cadence there are none that anybody knows of.
        let Ok(slots) = self.slots(&row.schedule) else {
            return Ok(());
        };
        let taken = self.store.taken(&row.schedule.id, row.cursor)?;
        let spans = decide::skipped(&*slots, row.cursor, now, &taken);
        if !spans.is_empty() {
            self.store.skip(row, &spans, reason, now)?;
        }
        Ok(())
    }
}

fn ran(record: &SlotRecord) -> Ending {
    let state = if record.how == How::CaughtUp {
        SlotState::CaughtUp
    } else {
        SlotState::Ran
    };
    Ending {
        state,
        reason: None,
        problem: None,
    }
}
