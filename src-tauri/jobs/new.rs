//! Schedules as people give them: names, texts, settings. They become a `Schedule` here, or a reason why not.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::model::InstanceId;
use crate::model::schedule::{
    Cadence, CatchUp, DEFAULT_GRACE_SECONDS, DEFAULT_RETRIES, DEFAULT_SETTLE_SECONDS, Schedule,
    ScheduledAct, parse_every, parse_grace, parse_settle,
};
use crate::service::{BackupService, Error, Result, login_name};

/// What a schedule is to be. None: as it is, or the default of a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ScheduleChange {
    pub instance: Option<String>,
    /// Names; empty: as they are.
    pub to: Vec<String>,
    pub cadence: Option<CadenceText>,
    pub timezone: Option<String>,
    pub act: Option<ScheduledAct>,
    /// `catch_up`, `grace`, `retries`, `settle`; an empty value is the default.
    pub settings: Vec<(String, String)>,
}

/// A cadence as it is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CadenceText {
    /// Five fields.
    Cron(String),
    /// `6h`, `90m`.
    Every(String),
    Manual,
    /// The name of one that was added to the program.
    Custom(String),
}

const MOST_RETRIES: u32 = 20;

/// The longest that is good for anything: a year.
const MOST_SECONDS: u64 = 366 * 24 * 60 * 60;

pub fn schedule(
    service: &BackupService,
    name: &str,
    change: &ScheduleChange,
    now: Timestamp,
) -> Result<Schedule> {
    let given = |value: &Option<String>, what: &'static str| {
        value.clone().ok_or_else(|| Error::BadValue {
            what,
            value: String::new(),
            reason: "a schedule needs one".to_owned(),
        })
    };
    let cadence = change.cadence.clone().ok_or_else(|| Error::BadValue {
        what: "cadence",
        value: String::new(),
        reason: "a schedule needs a cron expression, an interval, or to be manual".to_owned(),
    })?;
    let mut schedule = Schedule {
        id: uuid::Uuid::new_v4().simple().to_string(),
        name: name.to_owned(),
        instance_id: instance_id(service, &given(&change.instance, "instance")?)?,
        destination_ids: Vec::new(),
        act: ScheduledAct::Backup,
        cadence: parse_cadence(&cadence, now)?,
        timezone: default_zone(),
        paused: false,
        catch_up: CatchUp::Once,
        grace_seconds: DEFAULT_GRACE_SECONDS,
        retries: DEFAULT_RETRIES,
        settle_seconds: DEFAULT_SETTLE_SECONDS,
        created_at: now,
        created_by: login_name(),
    };
    let rest = ScheduleChange {
        cadence: None,
        ..change.clone()
    };
    alter(service, &mut schedule, &rest, now)?;
    Ok(schedule)
}

/// Changes what is named, and judges the whole.
pub fn alter(
    service: &BackupService,
    schedule: &mut Schedule,
    change: &ScheduleChange,
    now: Timestamp,
) -> Result<()> {
    if let Some(name) = &change.instance {
        schedule.instance_id = instance_id(service, name)?;
    }
    if !change.to.is_empty() {
        let mut ids = Vec::new();
        for name in &change.to {
            let id = service.destination(name)?.id;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        schedule.destination_ids = ids;
    }
    if let Some(cadence) = &change.cadence {
        schedule.cadence = parse_cadence(cadence, now)?;
    }
    if let Some(zone) = &change.timezone {
        schedule.timezone.clone_from(zone);
    }
    if let Some(act) = change.act {
        schedule.act = act;
    }
    for (key, value) in &change.settings {
        set(schedule, key, value)?;
    }
    Ok(schedule.validate()?)
}

fn set(schedule: &mut Schedule, key: &str, value: &str) -> Result<()> {
    let bad = |reason: &str| Error::BadValue {
        what: "value of this setting",
        value: format!("{key}={value}"),
        reason: reason.to_owned(),
    };
    let at_most = |seconds: u64| {
        if seconds > MOST_SECONDS {
            Err(bad("a year is the longest"))
        } else {
            Ok(seconds)
        }
    };
    let unset = value.is_empty();
    match key {
        "catch_up" => {
            schedule.catch_up = match value {
                "" | "once" => CatchUp::Once,
                "skip" => CatchUp::Skip,
                _ => return Err(bad("it takes once or skip")),
            };
        }
        "grace" if unset => schedule.grace_seconds = DEFAULT_GRACE_SECONDS,
        "grace" => schedule.grace_seconds = at_most(parse_grace(value)?)?,
        "settle" if unset => schedule.settle_seconds = DEFAULT_SETTLE_SECONDS,
        "settle" if matches!(value, "0" | "0s") => schedule.settle_seconds = 0,
        "settle" => schedule.settle_seconds = at_most(parse_settle(value)?)?,
        "retries" if unset => schedule.retries = DEFAULT_RETRIES,
        "retries" => {
            let number = value.parse().ok().filter(|n| *n <= MOST_RETRIES);
            schedule.retries = number.ok_or_else(|| bad("it takes a number from 0 to 20"))?;
        }
        _ => {
            return Err(Error::NoSuchSetting {
                what: "setting of a schedule",
                name: key.to_owned(),
            });
        }
    }
    Ok(())
}

pub(super) fn parse_cadence(text: &CadenceText, now: Timestamp) -> Result<Cadence> {
    Ok(match text {
        CadenceText::Cron(expression) => Cadence::Cron {
            expression: expression.trim().to_owned(),
        },
        CadenceText::Every(every) => Cadence::Interval {
            every_seconds: parse_every(every)?,
            // To the minute: times that people can read.
            anchor: Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(60))
                .unwrap_or(now),
        },
        CadenceText::Manual => Cadence::Manual,
        CadenceText::Custom(name) => Cadence::Custom { name: name.clone() },
    })
}

fn instance_id(service: &BackupService, name: &str) -> Result<InstanceId> {
    Ok(service.instance(name)?.id)
}

/// This machine's; UTC where it has no name.
#[must_use]
pub fn default_zone() -> String {
    let zone = TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
}
