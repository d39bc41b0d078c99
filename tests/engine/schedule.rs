//! The slots of a schedule: what they are, whatever the clocks do. Running them is not tried here.

mod clocks;
mod cron;
mod every_minute;
mod values;

use holdfast::model::schedule::{
    Cadence, CatchUp, Schedule, ScheduleError, ScheduledAct, Slots, between,
};
use holdfast::model::schedule::{DEFAULT_GRACE_SECONDS, DEFAULT_RETRIES, DEFAULT_SETTLE_SECONDS};
use jiff::Timestamp;
use jiff::tz::TimeZone;

fn schedule(cadence: Cadence, zone: &str) -> Schedule {
    Schedule {
        id: "1".to_owned(),
        name: "nightly".to_owned(),
        instance_id: "0123abcd".parse().unwrap(),
        destination_ids: vec!["2".to_owned()],
        act: ScheduledAct::Backup,
        cadence,
        timezone: zone.to_owned(),
        paused: false,
        catch_up: CatchUp::Once,
        grace_seconds: DEFAULT_GRACE_SECONDS,
        retries: DEFAULT_RETRIES,
        settle_seconds: DEFAULT_SETTLE_SECONDS,
        created_at: at("2026-01-01T00:00:00Z"),
        created_by: "ada".to_owned(),
    }
}

fn by_cron(expression: &str, zone: &str) -> Schedule {
    let expression = expression.to_owned();
    schedule(Cadence::Cron { expression }, zone)
}

/// The next `count` slots after `now`.
fn upcoming(
    schedule: &Schedule,
    now: Timestamp,
    count: usize,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let slots = schedule.slots()?;
    Ok(between(slots.as_ref(), now, Timestamp::MAX)
        .take(count)
        .collect())
}

fn cron_slots(expression: &str, zone: &str) -> Box<dyn Slots> {
    match by_cron(expression, zone).slots() {
        Ok(slots) => slots,
        Err(error) => panic!("{expression} in {zone}: {error}"),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `2026-03-29 03:00+02:00`
fn shown(slot: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let offset = zone.to_offset(slot).seconds();
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.abs() / 60;
    let clock = zone.to_datetime(slot);
    format!(
        "{} {:02}:{:02}{sign}{:02}:{:02}",
        clock.date(),
        clock.hour(),
        clock.minute(),
        minutes / 60,
        minutes % 60
    )
}
