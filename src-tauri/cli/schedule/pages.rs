//! Schedules as people read them.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::cli::page::{Column, Page};
use crate::cli::retention::{self, Tense};
use crate::cli::{backup, check, words};
use crate::jobs::report::{JobStatus, RunReport, ScheduleRow, SlotRow};
use crate::jobs::slot::{How, Reason, SlotState};
use crate::model::schedule::{Cadence, CatchUp, ScheduledAct};

pub(super) fn list(page: &mut Page, rows: &[ScheduleRow]) {
    if rows.is_empty() {
        page.line("There are no schedules: `holdfast schedule add NAME --instance I --to DESTINATION --cron \"0 3 * * *\"` adds one.");
        return;
    }
    let columns = [
        Column::Left("name"),
        Column::Left("does"),
        Column::Left("when"),
        Column::Left("status"),
        Column::Left("last run"),
        Column::Left("next run"),
    ];
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                row.name.clone(),
                format!("{} {}", words::scheduled(row.act), row.instance),
                when(row),
                status(row.status).to_owned(),
                page.time_or(row.last_run, "never"),
                page.time_or(row.next_run, "-"),
            ]
        })
        .collect();
    page.table(&columns, lines);
    for row in rows.iter().filter(|row| row.problem.is_some()) {
        problem(page, row);
    }
}

pub(super) fn show(page: &mut Page, row: &ScheduleRow) {
    let facts: Vec<(&str, Cow<'_, str>)> = vec![
        ("name", row.name.as_str().into()),
        (
            "does",
            format!(
                "{} {} {} {}",
                words::scheduled(row.act),
                row.instance,
                match row.act {
                    ScheduledAct::Backup => "to",
                    _ => "at",
                },
                row.destinations.join(", ")
            )
            .into(),
        ),
        ("when", when(row).into()),
        ("time zone", row.timezone.as_str().into()),
        ("status", status(row.status).into()),
        ("last run", page.time_or(row.last_run, "never").into()),
        ("next run", page.time_or(row.next_run, "-").into()),
        (
            "missed slots",
            match row.catch_up {
                CatchUp::Once => format!(
                    "run once, up to {} late, {} after a start or wake-up",
                    length(row.grace_seconds),
                    length(row.settle_seconds)
                ),
                CatchUp::Skip => "are skipped".to_owned(),
            }
            .into(),
        ),
        ("retries", row.retries.to_string().into()),
    ];
    page.facts(facts);
    if row.problem.is_some() {
        problem(page, row);
    }
    if !row.next.is_empty() {
        page.gap();
        page.line(if row.paused {
            "Next times, once it is resumed:"
        } else {
            "Next times:"
        });
        for at in &row.next {
            page.line(format!("  {}", words::time(*at, &zone(row))));
        }
    }
    if !row.slots.is_empty() {
        page.gap();
        let columns = [Column::Left("slot"), Column::Left("what became of it")];
        let lines: Vec<_> = row
            .slots
            .iter()
            .map(|slot| [span(page, slot), fate(page, slot)])
            .collect();
        page.table(&columns, lines);
    }
}

fn problem(page: &mut Page, row: &ScheduleRow) {
    if let Some(problem) = &row.problem {
        page.line(format!("{}: {}", row.name, problem.message));
        page.line(format!("  hint: {}", problem.hint));
    }
}

pub(super) fn run(page: &mut Page, report: &RunReport) {
    backup::report_page(page, &report.executions);
    for found in &report.checks {
        let good = match report.act {
            ScheduledAct::Drill => check::DRILLED,
            _ => check::VERIFIED,
        };
        check::report_page(page, found, good);
    }
    for applied in &report.retention {
        retention::report_page(page, applied, Tense::Did);
    }
    let said = report.executions.iter().any(|e| e.problem.is_some());
    if let Some(problem) = report.problem.as_ref().filter(|_| !said) {
        page.line(format!("{}: {}", report.schedule, problem.message));
        page.line(format!("  hint: {}", problem.hint));
    }
    page.line(format!(
        "Schedule {}: {}.",
        report.schedule,
        state(report.state)
    ));
}

fn when(row: &ScheduleRow) -> String {
    match &row.cadence {
        Cadence::Cron { expression } => format!("{expression} ({})", row.timezone),
        Cadence::Interval { every_seconds, .. } => format!("every {}", length(*every_seconds)),
        Cadence::Manual => "by hand".to_owned(),
        Cadence::Custom { name } => name.clone(),
    }
}

/// Times ahead are on the clock that the schedule goes by.
fn zone(row: &ScheduleRow) -> TimeZone {
    TimeZone::get(&row.timezone).unwrap_or(TimeZone::UTC)
}

fn length(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

fn span(page: &Page, slot: &SlotRow) -> String {
    if slot.count > 1 {
        format!(
            "{} slots, {} to {}",
            slot.count,
            page.time(slot.slot),
            page.time(slot.last_slot)
        )
    } else {
        page.time(slot.slot)
    }
}

pub(in crate::cli) fn fate(page: &Page, slot: &SlotRow) -> String {
    let mut text = state(slot.state).to_owned();
    if slot.how == How::ByHand {
        text.push_str(", by hand");
    }
    if let Some(why) = slot.reason {
        text.push_str(": ");
        text.push_str(reason(why));
    }
    if let (true, Some(at)) = (slot.state.is_open(), slot.next_try_at) {
        text.push_str(", next try ");
        text.push_str(&page.time(at));
    }
    if slot.state == SlotState::CaughtUp
        && let Some(at) = slot.started_at
    {
        text.push_str(" at ");
        text.push_str(&page.time(at));
    }
    if slot.attempt > 1 {
        let attempt = slot.attempt.to_string();
        text.extend([", attempt ", &attempt]);
    }
    if let Some(problem) = &slot.problem {
        text.push_str(": ");
        text.push_str(&problem.message);
    }
    text
}

fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Idle => "idle",
        JobStatus::Waiting => "waiting",
        JobStatus::Running => "running",
        JobStatus::Retrying => "retrying",
        JobStatus::Paused => "paused",
        JobStatus::Failing => "FAILING",
        JobStatus::Disabled => "CANNOT RUN",
    }
}

fn state(state: SlotState) -> &'static str {
    match state {
        SlotState::Waiting => "waits",
        SlotState::Running => "runs",
        SlotState::Retrying => "is tried again",
        SlotState::Ran => "ran",
        SlotState::CaughtUp => "caught up",
        SlotState::Partial => "PARTIAL",
        SlotState::Failed => "FAILED",
        SlotState::Interrupted => "INTERRUPTED",
        SlotState::Cancelled => "cancelled",
        SlotState::Skipped => "did not run",
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Missed => "nothing was there to run it in time",
        Reason::Covered => "a later run stands for it",
        Reason::Paused => "the schedule was paused",
        Reason::StillRunning => "the run before it took that long",
        Reason::Changed => "the schedule was given other times",
        Reason::Destination => "no destination answered",
        Reason::Keyring => "the keyring was locked",
        Reason::Busy => "another backup or a restore had the instance",
        Reason::Disabled => "what it needs is gone or disabled",
        Reason::Settling => "the machine comes to rest first",
        Reason::Interrupted => "the program ended in the middle of it",
    }
}
