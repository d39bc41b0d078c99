//! When an instance is acted on: a schedule as a value, and its slots as a pure function. Keeping schedules, noticing that a slot is due and
//! running it are others' business.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::instance::{InstanceId, is_instance_name};

mod cron;
mod duration;
mod error;
mod slots;

pub use duration::{LEAST_INTERVAL_SECONDS, parse_every, parse_grace, parse_settle};
pub use error::{CronFault, CronField, DurationFault, ScheduleError};
pub use slots::{Slots, between};

/// For how long a missed slot is caught up, unless told otherwise: 6 hours.
pub const DEFAULT_GRACE_SECONDS: u64 = 6 * 60 * 60;
pub const DEFAULT_RETRIES: u32 = 3;
pub const DEFAULT_SETTLE_SECONDS: u64 = 60;

/// When an instance is backed up to which destinations, what is kept there is verified or drilled, or its old archives are
/// deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Schedule {
    pub id: String,
    /// Like an instance's: `[A-Za-z0-9_-]{1,64}`.
    pub name: String,
    pub instance_id: InstanceId,
    pub destination_ids: Vec<String>,
    pub act: ScheduledAct,
    pub cadence: Cadence,
    /// A name of the IANA database, such as `Europe/Berlin`.
    pub timezone: String,
    pub paused: bool,
    pub catch_up: CatchUp,
    /// For how long after its time a missed slot is still caught up.
    #[cfg_attr(test, ts(type = "number"))]
    pub grace_seconds: u64,
    /// How often a failed run is tried again.
    pub retries: u32,
    /// How long a catch-up waits for the machine to come to rest.
    #[cfg_attr(test, ts(type = "number"))]
    pub settle_seconds: u64,
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// A login name.
    pub created_by: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ScheduledAct {
    Backup,
    Verify,
    Drill,
    /// The policies of the destinations are applied to the archives of the instance.
    Retention,
}

/// What becomes of slots that passed while nothing could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CatchUp {
    /// However many there are: one run, within the grace.
    Once,
    Skip,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Cadence {
    /// Five fields (minute, hour, day of month, month, day of week) on the wall clock of the schedule's zone; 0 and 7 are Sunday. Day of
    /// month and day of week, both given, mean either of them.
    Cron { expression: String },
    /// `anchor` and each whole number of intervals after it, in elapsed time: no zone moves them.
    Interval {
        #[cfg_attr(test, ts(type = "number"))]
        every_seconds: u64,
        #[cfg_attr(test, ts(type = "string"))]
        anchor: Timestamp,
    },
    /// It runs when someone says so.
    Manual,
    /// A cadence that was added to the program: `slots` does not know it.
    Custom { name: String },
}

impl Schedule {
    /// Whether it may be kept: name, destinations, zone and cadence. A cadence of one's own is for whoever added it to judge.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        if !is_instance_name(&self.name) {
            return Err(ScheduleError::BadName {
                name: self.name.clone(),
            });
        }
        if self.destination_ids.is_empty() {
            return Err(ScheduleError::NoDestination);
        }
        zone(&self.timezone)?;
        match self.cadence {
            Cadence::Custom { .. } => Ok(()),
            _ => self.slots().map(|_| ()),
        }
    }

    /// Its slots, paused or not. They follow the time zone database as it is now: make them anew rather than keep them for days.
    pub fn slots(&self) -> Result<Box<dyn Slots>, ScheduleError> {
        self.cadence.slots(&self.timezone)
    }
}

impl Cadence {
    /// Its slots on the clock of a zone.
    pub fn slots(&self, timezone: &str) -> Result<Box<dyn Slots>, ScheduleError> {
        match self {
            Self::Cron { expression } => Ok(Box::new(slots::CronSlots {
                pattern: cron::Pattern::parse(expression)?,
                zone: zone(timezone)?,
            })),
            &Self::Interval {
                every_seconds,
                anchor,
            } => {
                duration::check_interval(every_seconds)?;
                Ok(Box::new(slots::IntervalSlots {
                    every_seconds,
                    anchor,
                }))
            }
            Self::Manual => Ok(Box::new(slots::NoSlots)),
            Self::Custom { name } => Err(ScheduleError::UnknownCadence { name: name.clone() }),
        }
    }
}

fn zone(name: &str) -> Result<TimeZone, ScheduleError> {
    // Lower-case are `localtime` and `posixrules`, files of this machine beside the database's: they mean another zone on the next one.
    let of_the_database = |zone: &TimeZone| {
        zone.iana_name()
            .is_some_and(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    TimeZone::get(name)
        .ok()
        .filter(|zone| !zone.is_unknown() && of_the_database(zone))
        .ok_or_else(|| ScheduleError::UnknownZone {
            zone: name.to_owned(),
        })
}
