//! `schedule`: when something runs, and what became of it.

pub(super) mod pages;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::arguments::pair;
use super::error::Result;
use super::output::named;
use super::session::Session;
use crate::jobs::report::{RunReport, ScheduleRow};
use crate::jobs::slot::SlotState;
use crate::jobs::{CadenceText, ScheduleChange};
use crate::model::schedule::ScheduledAct;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Add one
    Add(AddArguments),
    /// Change one; what is not named stays
    Set(SetArguments),
    /// List them
    List,
    /// Show one: its next times, and what became of its last slots
    Show { name: String },
    /// Run nothing of it until it is resumed
    Pause { name: String },
    /// Go on with the next slot
    Resume { name: String },
    /// Forget one; what it backed up stays
    Remove { name: String },
    /// Run it now and wait for the end; its regular times stay as they are
    Run { name: String },
    /// Print its next times
    Next {
        name: String,
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: u16,
    },
}

#[derive(Args)]
pub(super) struct AddArguments {
    name: String,
    #[arg(long)]
    instance: String,
    /// A destination; may be repeated
    #[arg(long, value_name = "DESTINATION", required = true)]
    to: Vec<String>,
    #[command(flatten)]
    cadence: CadenceArguments,
    #[command(flatten)]
    rest: RestArguments,
}

#[derive(Args)]
pub(super) struct SetArguments {
    name: String,
    #[arg(long)]
    instance: Option<String>,
    /// A destination; may be repeated; replaces the ones it has
    #[arg(long, value_name = "DESTINATION")]
    to: Vec<String>,
    #[command(flatten)]
    cadence: OptionalCadenceArguments,
    #[command(flatten)]
    rest: RestArguments,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct CadenceArguments {
    /// Minute, hour, day of month, month, day of week on the clock of its time zone: "0 3 * * *"
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// An interval, such as 6h or 90m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    every: Option<String>,
    /// Only by hand
    #[arg(long)]
    manual: bool,
}

#[derive(Args)]
#[group(required = false, multiple = false)]
struct OptionalCadenceArguments {
    /// Minute, hour, day of month, month, day of week on the clock of its time zone: "0 3 * * *"
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// An interval, such as 6h or 90m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    every: Option<String>,
    /// Only by hand
    #[arg(long)]
    manual: bool,
}

#[derive(Args)]
struct RestArguments {
    /// Such as Europe/Berlin [default of a new one: this machine's]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// backup; verify or drill the newest archive at each destination; retention: delete the instance's archives that each
    /// destination's policy lets go [default of a new one: backup]
    #[arg(long, value_name = "ACT", value_parser = act)]
    act: Option<ScheduledAct>,
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        value_parser = pair,
        help = "catch_up=once|skip, grace=6h (how late a missed slot still runs), retries=3, settle=60s (rest after a start or wake-up)"
    )]
    settings: Vec<(String, String)>,
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let scheduler = session.scheduler()?;
    let now = Timestamp::now();
    match verb {
        Verb::Add(arguments) => {
            let CadenceArguments {
                cron,
                every,
                manual,
            } = arguments.cadence;
            let change = ScheduleChange {
                instance: Some(arguments.instance),
                to: arguments.to,
                cadence: cadence(cron, every, manual),
                ..arguments.rest.into()
            };
            show(&scheduler.add(&arguments.name, &change, now)?, session)
        }
        Verb::Set(arguments) => {
            let OptionalCadenceArguments {
                cron,
                every,
                manual,
            } = arguments.cadence;
            let change = ScheduleChange {
                instance: arguments.instance,
                to: arguments.to,
                cadence: cadence(cron, every, manual),
                ..arguments.rest.into()
            };
            show(&scheduler.set(&arguments.name, &change, now)?, session)
        }
        Verb::List => {
            let rows = scheduler.schedules(now)?;
            session.answer(&named("schedules", &rows), |page| pages::list(page, &rows))
        }
        Verb::Show { name } => show(&scheduler.schedule(&name, SHOWN, now)?, session),
        Verb::Pause { name } => show(&scheduler.pause(&name, now)?, session),
        Verb::Resume { name } => show(&scheduler.resume(&name, now)?, session),
        Verb::Remove { name } => {
            scheduler.remove(&name, now)?;
            session.answer(&named("removed", &name), |page| {
                page.line(format!("Schedule {name} is removed; its archives stay."));
            })
        }
        Verb::Run { name } => {
            let report = scheduler.run_now(&name, &session.act()?, now)?;
            scheduler.finish_telling();
            let status = exit_status(&report);
            session.answer_with(status, &report, |page| pages::run(page, &report))
        }
        Verb::Next { name, count } => {
            let next = scheduler.next(&name, usize::from(count), now)?;
            session.answer(&named("next", &next), |page| {
                if next.is_empty() {
                    page.line("It has no times of its own: it runs by hand.");
                }
                for at in &next {
                    let line = page.time(*at);
                    page.line(line);
                }
            })
        }
    }
}

/// Slots that `show` lists.
const SHOWN: u32 = 30;

impl From<RestArguments> for ScheduleChange {
    fn from(arguments: RestArguments) -> Self {
        Self {
            timezone: arguments.timezone,
            act: arguments.act,
            settings: arguments.settings,
            ..Self::default()
        }
    }
}

fn cadence(cron: Option<String>, every: Option<String>, manual: bool) -> Option<CadenceText> {
    cron.map(CadenceText::Cron)
        .or(every.map(CadenceText::Every))
        .or(manual.then_some(CadenceText::Manual))
}

fn act(text: &str) -> std::result::Result<ScheduledAct, String> {
    match text {
        "backup" => Ok(ScheduledAct::Backup),
        "verify" => Ok(ScheduledAct::Verify),
        "drill" => Ok(ScheduledAct::Drill),
        "retention" => Ok(ScheduledAct::Retention),
        _ => Err("it is backup, verify, drill or retention".to_owned()),
    }
}

/// Like `backup`'s and `verify`'s.
fn exit_status(report: &RunReport) -> u8 {
    match report.state {
        SlotState::Ran | SlotState::CaughtUp => 0,
        SlotState::Partial => 3,
        SlotState::Cancelled | SlotState::Interrupted => 130,
        _ => 1,
    }
}

fn show(row: &ScheduleRow, session: &Session) -> Result<u8> {
    session.answer(row, |page| pages::show(page, row))
}
