//! How schedules are shown: their rows put together from the job store, the service's names, and the clock.

use jiff::Timestamp;

use super::BackupScheduler;
use super::attempt::Target;
use super::report::{JobStatus, ScheduleRow, SlotRow};
use super::slot::SlotState;
use super::store::JobRow;
use crate::model::DestinationConfig;
use crate::model::schedule::between;
use crate::service::{Error, Result};

/// Due times that are shown ahead.
const AHEAD: usize = 5;

/// Slots that are shown of each schedule in a list.
pub(super) const LAST: u32 = 10;

impl BackupScheduler {
    /// All of them, by name.
    pub fn schedules(&self, now: Timestamp) -> Result<Vec<ScheduleRow>> {
        let places = self.service().destinations()?;
        let jobs = self.book().store.jobs()?;
        jobs.into_iter()
            .map(|row| self.row(row, &places, LAST, now))
            .collect()
    }

    /// `last`: how many of its slots.
    pub fn schedule(&self, name: &str, last: u32, now: Timestamp) -> Result<ScheduleRow> {
        let row = self.job(name)?;
        self.row(row, &self.service().destinations()?, last, now)
    }

    /// The next `count` slots, as if it were not paused.
    pub fn next(&self, name: &str, count: usize, now: Timestamp) -> Result<Vec<Timestamp>> {
        let row = self.job(name)?;
        let slots = self.book().slots(&row.schedule)?;
        Ok(between(&*slots, now, Timestamp::MAX).take(count).collect())
    }

    fn row(
        &self,
        row: JobRow,
        places: &[DestinationConfig],
        last: u32,
        now: Timestamp,
    ) -> Result<ScheduleRow> {
        let schedule = row.schedule;
        let target = Target::of(self.service(), &schedule);
        let instance = self.service().instance_by_id(&schedule.instance_id)?;
        let name_of = |id: &String| {
            let place = places.iter().find(|place| place.id == *id);
            place.map_or_else(|| id.clone(), |place| place.name.clone())
        };
        let slots = self.book().slots(&schedule);
        let next: Vec<_> = slots.as_ref().map_or_else(
            |_| Vec::new(),
            |slots| {
                let ahead = between(&**slots, now.max(row.cursor), Timestamp::MAX);
                ahead.take(AHEAD).collect()
            },
        );
        let records = self.book().store.slots(&schedule.id, last)?;
        let open = self.book().store.open_slots(Some(&schedule.id))?;
        let cannot = match (target, slots) {
            (Err(error @ Error::Unscheduled { .. }), _) => Some(error.problem()),
            (_, Err(error)) => Some(Error::from(error).problem()),
            _ => None,
        };
        let status = if open.iter().any(|o| o.state == SlotState::Running) {
            JobStatus::Running
        } else if cannot.is_some() {
            JobStatus::Disabled
        } else if schedule.paused {
            JobStatus::Paused
        } else if let Some(open) = open.first() {
            match open.state {
                SlotState::Retrying => JobStatus::Retrying,
                _ => JobStatus::Waiting,
            }
        } else if row.failure_count > 0 {
            JobStatus::Failing
        } else {
            JobStatus::Idle
        };
        let runs = !schedule.paused && cannot.is_none();
        let unwell = open.first().or(records.first());
        let problem = cannot.or_else(|| unwell.and_then(|r| r.problem.clone()));
        Ok(ScheduleRow {
            instance: instance.map_or_else(|| schedule.instance_id.to_string(), |i| i.name),
            destinations: schedule.destination_ids.iter().map(name_of).collect(),
            id: schedule.id,
            name: schedule.name,
            act: schedule.act,
            cadence: schedule.cadence,
            timezone: schedule.timezone,
            catch_up: schedule.catch_up,
            grace_seconds: schedule.grace_seconds,
            retries: schedule.retries,
            settle_seconds: schedule.settle_seconds,
            paused: schedule.paused,
            status,
            problem,
            failure_count: row.failure_count,
            last_run: row.last_run,
            last_status: row.last_status,
            last_error: row.last_error,
            next_run: next.first().copied().filter(|_| runs),
            next,
            slots: records.into_iter().map(SlotRow::from).collect(),
        })
    }
}
