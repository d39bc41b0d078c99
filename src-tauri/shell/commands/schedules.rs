//! The room of schedules.

use std::sync::Arc;

use jiff::Timestamp;

use super::Shared;
use crate::jobs::report::{RunReport, ScheduleRow};
use crate::jobs::{CadenceText, ScheduleChange, default_zone};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};

/// Slots that are shown of one schedule.
const SHOWN: u32 = 100;

#[tauri::command]
pub async fn schedules(desk: Shared<'_>) -> Answer<Vec<ScheduleRow>> {
    desk.plan(|scheduler| scheduler.schedules(Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn schedule(desk: Shared<'_>, name: String) -> Answer<ScheduleRow> {
    desk.plan(move |scheduler| scheduler.schedule(&name, SHOWN, Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn add_schedule(
    desk: Shared<'_>,
    name: String,
    change: ScheduleChange,
) -> Answer<ScheduleRow> {
    desk.plan(move |scheduler| scheduler.add(&name, &change, Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn set_schedule(
    desk: Shared<'_>,
    name: String,
    change: ScheduleChange,
) -> Answer<ScheduleRow> {
    desk.plan(move |scheduler| scheduler.set(&name, &change, Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn pause_schedule(desk: Shared<'_>, name: String) -> Answer<ScheduleRow> {
    desk.plan(move |scheduler| scheduler.pause(&name, Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn resume_schedule(desk: Shared<'_>, name: String) -> Answer<ScheduleRow> {
    desk.plan(move |scheduler| scheduler.resume(&name, Timestamp::now()))
        .await
}

#[tauri::command]
pub async fn remove_schedule(desk: Shared<'_>, name: String) -> Answer<()> {
    desk.plan(move |scheduler| scheduler.remove(&name, Timestamp::now()))
        .await
}

/// The next times of what is being typed.
#[tauri::command]
pub async fn preview_schedule(
    desk: Shared<'_>,
    cadence: CadenceText,
    timezone: String,
) -> Answer<Vec<Timestamp>> {
    desk.plan(move |scheduler| scheduler.preview(&cadence, &timezone, 5, Timestamp::now()))
        .await
}

/// This machine's zone.
#[tauri::command]
pub fn time_zone() -> String {
    default_zone()
}

/// `id` is the act's; its kind and subject are the schedule's.
#[tauri::command]
pub async fn run_schedule(desk: Shared<'_>, id: String, name: String) -> Answer<RunReport> {
    let named = name.clone();
    let row = desk
        .plan(move |scheduler| scheduler.schedule(&named, 0, Timestamp::now()))
        .await?;
    let new = NewAct {
        id,
        kind: ActKind::of(row.act),
        subject: row.instance,
    };
    let asked = Arc::clone(&desk);
    let scheduler = desk.run(move || asked.scheduler()).await?;
    desk.act(new, move |_, act| {
        scheduler.run_now(&name, act, Timestamp::now())
    })
    .await
}
