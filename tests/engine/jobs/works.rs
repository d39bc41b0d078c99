//! A house with a scheduler, and how time passes there.

use std::sync::Arc;

use holdfast::jobs::report::ScheduleRow;
use holdfast::jobs::{BackupScheduler, CadenceText, NoWatcher, ScheduleChange, Watch, Watcher};
use holdfast::keys::Backend;
use holdfast::model::schedule::ScheduledAct;
use holdfast::service::{BackupService, Error};
use jiff::{SignedDuration, Timestamp};

use crate::service::fixture::{House, INSTANCE};

/// A house with a scheduler.
pub struct Works {
    pub house: House,
    pub scheduler: Arc<BackupScheduler>,
}

impl Works {
    pub fn new() -> Self {
        let house = House::new();
        let scheduler = open(&house, Box::new(NoWatcher)).unwrap();
        Self { house, scheduler }
    }

    /// Every minute from ten minutes ago on, to these places.
    pub fn add(&self, act: ScheduledAct, to: &[&str], settings: &[(&str, &str)]) {
        let change = ScheduleChange {
            act: Some(act),
            cadence: Some(CadenceText::Cron("* * * * *".to_owned())),
            ..change(to, settings)
        };
        let then = ago(10);
        self.scheduler.add("often", &change, then).unwrap();
    }

    /// As if it had watched all the time.
    pub fn tick(&self, now: Timestamp) {
        let since = ago(24 * 60);
        self.scheduler.tick(Watch { now, since }).unwrap();
        self.scheduler.wait_until_idle();
    }

    pub fn row(&self) -> ScheduleRow {
        self.scheduler
            .schedule("often", 100, Timestamp::now())
            .unwrap()
    }
}

pub fn open(house: &House, watcher: Box<dyn Watcher>) -> Result<Arc<BackupScheduler>, Error> {
    let service = BackupService::open(&house.path("data"), Backend::File).unwrap();
    BackupScheduler::open(Arc::new(service), watcher)
}

pub fn change(to: &[&str], settings: &[(&str, &str)]) -> ScheduleChange {
    let settings = settings.iter().copied();
    ScheduleChange {
        instance: Some(INSTANCE.to_owned()),
        to: to.iter().map(|t| (*t).to_owned()).collect(),
        timezone: Some("UTC".to_owned()),
        settings: settings
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        ..ScheduleChange::default()
    }
}

pub fn ago(minutes: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(minutes)
}

pub fn later(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}
