//! `plan`, `restore`, `undo`, `extract`: what comes out of an archive again.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{AcceptArguments, ArchiveArgument};
use super::error::Result;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::model::plan::{ComponentPlan, FileChanges, PlanAction, RestorePlan, RowCounts};
use crate::service::RestoreRequest;
use crate::service::report::RestoreReport;

#[derive(Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    archive: ArchiveArgument,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Args)]
pub(super) struct RestoreArguments {
    #[command(flatten)]
    archive: ArchiveArgument,
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    confirm: ConfirmArgument,
    #[command(flatten)]
    accept: AcceptArguments,
}

#[derive(Args)]
pub(super) struct UndoArguments {
    /// The execution that the restore printed
    #[arg(value_name = "EXECUTION")]
    execution: String,
    #[command(flatten)]
    confirm: ConfirmArgument,
}

#[derive(Args)]
pub(super) struct ExtractArguments {
    #[command(flatten)]
    archive: ArchiveArgument,
    /// A new or empty folder
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    components: ComponentArguments,
}

#[derive(Args)]
struct TargetArguments {
    /// The instance to restore into
    #[arg(long, value_name = "INSTANCE")]
    instance: String,
    #[command(flatten)]
    components: ComponentArguments,
}

#[derive(Args)]
struct ComponentArguments {
    /// Only this component; may be repeated [default: all of them]
    #[arg(long = "component", value_name = "COMPONENT")]
    names: Vec<String>,
}

#[derive(Args)]
struct ConfirmArgument {
    /// The instance's name again
    // Missing is a refusal, not a wrong command line: the service says what it should be.
    #[arg(
        long = "confirm",
        value_name = "INSTANCE",
        default_value = "",
        hide_default_value = true
    )]
    name: String,
}

pub(super) fn plan(arguments: PlanArguments, session: &Session) -> Result<u8> {
    let PlanArguments { archive, target } = arguments;
    let service = session.service()?;
    let components = &target.components.names;
    let plan = session
        .with_archive(|act| service.plan(&archive.archive, &target.instance, components, act))?;
    session.answer(&plan, |page| plan_page(page, &plan))
}

pub(super) fn restore(arguments: RestoreArguments, session: &Session) -> Result<u8> {
    let request = RestoreRequest {
        archive: arguments.archive.archive,
        instance: arguments.target.instance,
        components: arguments.target.components.names,
        confirm: arguments.confirm.name,
        accept: arguments.accept.into(),
    };
    let service = session.service()?;
    let report = session.with_archive(|act| service.restore(&request, act))?;
    let instance = &request.instance;
    session.answer(&report, |page| {
        report_page(page, &report);
        page.line(format!(
            "To undo: holdfast undo {} --confirm {instance}",
            report.execution_id
        ));
    })
}

pub(super) fn undo(arguments: UndoArguments, session: &Session) -> Result<u8> {
    let UndoArguments { execution, confirm } = arguments;
    let report = session
        .service()?
        .undo(&execution, &confirm.name, &session.act()?)?;
    session.answer(&report, |page| report_page(page, &report))
}

pub(super) fn extract(arguments: ExtractArguments, session: &Session) -> Result<u8> {
    let ExtractArguments {
        archive,
        to,
        components,
    } = arguments;
    let service = session.service()?;
    let report = session
        .with_archive(|act| service.extract(&archive.archive, &to, &components.names, act))?;
    session.answer(&report, |page| {
        for file in &report.files {
            page.line(file.display().to_string());
        }
        for warning in &report.warnings {
            page.line(format!("warning: {warning}"));
        }
        page.gap();
        page.line(format!(
            "Extracted into {}; signed by {}. Read {}.",
            to.display(),
            words::signer(report.signature),
            words::size(report.fetched_bytes)
        ));
    })
}

fn plan_page(page: &mut Page, plan: &RestorePlan) {
    for component in &plan.components {
        component_page(page, component);
        page.gap();
    }
    page.line(format!(
        "To fetch: {}. Space needed: {}. Nothing was changed.",
        words::size(plan.fetch_bytes),
        words::size(plan.space_needed_bytes)
    ));
}

fn component_page(page: &mut Page, component: &ComponentPlan) {
    let action = match component.action {
        PlanAction::Create => "is made; nothing is there",
        PlanAction::Replace => "is replaced",
        PlanAction::Unchanged => "stays as it is: equal already",
        PlanAction::Blocked => "CANNOT be restored as things are",
    };
    page.line(format!(
        "{} ({}) {action}",
        component.name,
        words::kind(component.kind)
    ));
    for target in &component.targets {
        page.line(format!("  {}", target.display()));
    }
    let tables = component
        .tables
        .iter()
        .filter(|(_, rows)| rows.live != rows.archive);
    page.table(
        &[
            Column::Left("  table"),
            Column::Right("rows now"),
            Column::Right("then"),
            Column::Right("change"),
        ],
        tables.map(|(name, rows)| {
            [
                format!("  {name}"),
                words::count_or_dash(rows.live),
                words::count_or_dash(rows.archive),
                difference(*rows),
            ]
        }),
    );
    page.table(
        &[
            Column::Left("  setting"),
            Column::Left("now"),
            Column::Left("then"),
        ],
        component.settings.iter().map(|change| {
            let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            [
                format!("  {}", change.setting),
                or_none(&change.live),
                or_none(&change.archive),
            ]
        }),
    );
    if let Some(files) = &component.files {
        files_page(page, files);
    }
    page.warnings(&component.warnings);
}

fn files_page(page: &mut Page, files: &FileChanges) {
    let groups = [
        ("appear", '+', files.appear, &files.appearing),
        ("change", '~', files.change, &files.changing),
        ("GO", '-', files.go, &files.going),
    ];
    for (verb, sign, count, names) in groups {
        if count == 0 {
            continue;
        }
        page.line(format!("  {} {verb}", words::count(count, "file", "files")));
        for name in names {
            page.line(format!("    {sign} {name}"));
        }
        let more = count.saturating_sub(names.len() as u64);
        if more > 0 {
            page.line(format!("    … and {more} more"));
        }
    }
}

/// `+12`, `-3`; empty where one side cannot be counted.
fn difference(rows: RowCounts) -> String {
    match (rows.live, rows.archive) {
        (Some(live), Some(archive)) if archive >= live => format!("+{}", archive - live),
        (Some(live), Some(archive)) => format!("-{}", live - archive),
        _ => String::new(),
    }
}

fn report_page(page: &mut Page, report: &RestoreReport) {
    page.table(
        &[Column::Left("component"), Column::Left("what was done")],
        report
            .components
            .iter()
            .map(|c| [c.name.clone(), c.status.clone()]),
    );
    page.warnings(&report.warnings);
    page.gap();
    if report.restart_required {
        page.line("RESTART the service: it does not see all of this by itself.");
    }
    match &report.safety_backup {
        Some(path) => page.line(format!(
            "What was there before is kept in {}",
            path.display()
        )),
        None => page.line("Nothing was there before, so nothing had to be kept."),
    }
    page.line(format!("Execution: {}", report.execution_id));
}
