//! Schedules at work: what is decided of each slot, on a clock of the test's own, and what is run, by the real service.

mod decisions;
mod pulse;
mod store;
mod trouble;
mod work;
mod works;
mod years;

use holdfast::model::schedule::{Cadence, CatchUp, Schedule, ScheduledAct};
use jiff::Timestamp;

fn by_cron(expression: &str, zone: &str) -> Schedule {
    let expression = expression.to_owned();
    schedule(Cadence::Cron { expression }, zone)
}

fn schedule(cadence: Cadence, zone: &str) -> Schedule {
    Schedule {
        id: "job".to_owned(),
        name: "nightly".to_owned(),
        instance_id: "0123abcd".parse().unwrap(),
        destination_ids: vec!["vault".to_owned()],
        act: ScheduledAct::Backup,
        cadence,
        timezone: zone.to_owned(),
        paused: false,
        catch_up: CatchUp::Once,
        grace_seconds: 6 * 3600,
        retries: 3,
        settle_seconds: 60,
        created_at: at("2026-01-01T00:00:00Z"),
        created_by: "ada".to_owned(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
