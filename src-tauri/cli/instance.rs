//! `instance`: the services that are backed up.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::arguments::{AcceptArguments, archive, pair};
use super::error::Result;
use super::output::named;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::model::instance::InstanceSettings;
use crate::model::scan::{LeftOut, Scan, ScannedComponent, ScannedSource};
use crate::model::{CheckLevel, Encryption, HookKind, Instance, InstanceId, Template, WhenBusy};
use crate::service::report::HookReport;
use crate::service::{ArchiveRef, NewInstance};

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Show what would be backed up in a folder
    Scan(ScanArguments),
    /// Add a service by its folder
    Add(AddArguments),
    /// List them
    List,
    /// Show one as it is on disk now
    Show { name: String },
    #[command(
        about = "Change settings: compression, encryption, check, max_block_ms, when_busy, exclude, \
                 and the hooks before_hook, after_hook, stop_hook, start_hook (lines for `sh -c`; see `test-hook`)"
    )]
    Set {
        name: String,
        #[arg(value_name = "KEY=VALUE", required = true, value_parser = pair)]
        changes: Vec<(String, String)>,
    },
    #[command(
        about = "Run one of its hooks now, as a backup or restore would, and show what it says: the line is really executed",
        long_about = "Run one of its hooks now, as a backup or restore would, and show what it says: the line is really executed\n\n\
                      It runs by `sh -c` in the instance's folder, with your rights, for two minutes at most, and finds HOLDFAST_HOOK, \
                      HOLDFAST_INSTANCE and HOLDFAST_INSTANCE_DIR in its environment; `after` finds HOLDFAST_RESULT=ok too, and \
                      HOLDFAST_RESULT=failed where the reading of a real backup failed as a whole. A stop hook that is tried stops the service: \
                      try the start hook after it."
    )]
    TestHook {
        name: String,
        #[arg(value_enum)]
        hook: HookName,
    },
    /// Forget one; its archives stay where they are
    Remove { name: String },
}

#[derive(Args)]
pub(super) struct ScanArguments {
    #[arg(value_name = "DIR")]
    path: PathBuf,
    #[command(flatten)]
    rules: RuleArguments,
}

#[derive(Args)]
pub(super) struct AddArguments {
    /// Letters, digits, `_` and `-`; it becomes part of archive names
    name: String,
    #[arg(value_name = "DIR")]
    path: PathBuf,
    #[command(flatten)]
    rules: RuleArguments,
    /// Take over the instance of this archive, for a replacement machine
    #[arg(long, value_name = "ARCHIVE", value_parser = archive)]
    from: Option<ArchiveRef>,
    #[command(flatten)]
    accept: AcceptArguments,
}

/// What belongs to an instance.
#[derive(Args)]
struct RuleArguments {
    /// How its parts are found [default: tacacs where config/tacacs.conf is found, else auto]
    #[arg(long)]
    template: Option<TemplateName>,
    /// Leave these out: a glob relative to the folder; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TemplateName {
    Tacacs,
    Auto,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum HookName {
    Before,
    After,
    Stop,
    Start,
}

impl From<HookName> for HookKind {
    fn from(name: HookName) -> Self {
        match name {
            HookName::Before => Self::Before,
            HookName::After => Self::After,
            HookName::Stop => Self::Stop,
            HookName::Start => Self::Start,
        }
    }
}

impl From<TemplateName> for Template {
    fn from(name: TemplateName) -> Self {
        match name {
            TemplateName::Tacacs => Self::Tacacs,
            TemplateName::Auto => Self::Auto,
        }
    }
}

/// The answer of `scan` (without name, id and settings) and of `show`.
#[derive(Serialize)]
struct ScanAnswer<'a> {
    name: Option<&'a str>,
    id: Option<&'a InstanceId>,
    #[serde(flatten)]
    scan: &'a Scan,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a InstanceSettings>,
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let service = session.service()?;
    match verb {
        Verb::Scan(ScanArguments { path, rules }) => {
            let template = rules.template.map(Template::from);
            let scan = service.scan(&path, template, &rules.exclude)?;
            let answer = ScanAnswer {
                name: None,
                id: None,
                scan: &scan,
                settings: None,
            };
            session.answer(&answer, |page| scan_page(page, &scan))
        }
        Verb::Add(arguments) => {
            let new = NewInstance {
                name: arguments.name,
                path: arguments.path,
                template: arguments.rules.template.map(Template::from),
                from: arguments.from,
                exclude: arguments.rules.exclude,
            };
            let accept = arguments.accept.into();
            let instance = session.with_archive(|act| service.add_instance(&new, &accept, act))?;
            session.answer(&instance, |page| {
                added_page(page, &instance, new.from.as_ref());
            })
        }
        Verb::List => {
            let instances = service.instances()?;
            session.answer(&named("instances", &instances), |page| {
                list_page(page, &instances);
            })
        }
        Verb::Show { name } => {
            let instance = service.instance(&name)?;
            let scan = service.instance_scan(&name)?;
            let answer = ScanAnswer {
                name: Some(&instance.name),
                id: Some(&instance.id),
                scan: &scan,
                settings: Some(&instance.settings),
            };
            session.answer(&answer, |page| {
                instance_page(page, &instance);
                page.gap();
                scan_page(page, &scan);
            })
        }
        Verb::Set { name, changes } => {
            let instance = service.set_instance(&name, &changes)?;
            session.answer(&instance, |page| instance_page(page, &instance))
        }
        Verb::TestHook { name, hook } => {
            let report = service.test_hook(&name, hook.into(), &session.act()?)?;
            let status = u8::from(!report.ok);
            session.answer_with(status, &report, |page| hook_page(page, &report))
        }
        Verb::Remove { name } => {
            service.remove_instance(&name)?;
            session.answer(&json!({ "instance": name, "removed": true }), |page| {
                page.line(format!(
                    "Instance `{name}` is forgotten; its archives stay where they are."
                ));
            })
        }
    }
}

fn list_page(page: &mut Page, instances: &[Instance]) {
    if instances.is_empty() {
        page.line("No instance yet. Next: holdfast instance add NAME DIR");
        return;
    }
    let columns = [
        Column::Left("instance"),
        Column::Left("id"),
        Column::Left("template"),
        Column::Right("components"),
        Column::Left("folder"),
    ];
    let row = |i: &Instance| {
        [
            i.name.clone(),
            i.id.to_string(),
            words::template(i.template).to_owned(),
            i.components.len().to_string(),
            i.path.display().to_string(),
        ]
    };
    page.table(&columns, instances.iter().map(row));
}

fn added_page(page: &mut Page, instance: &Instance, from: Option<&ArchiveRef>) {
    page.line(format!(
        "Instance `{}` ({}) has {}:",
        instance.name,
        instance.id,
        words::count(instance.components.len() as u64, "component", "components")
    ));
    for component in &instance.components {
        let kind = words::kind(component.kind);
        page.line(format!("  {} ({kind})", component.name));
    }
    page.gap();
    if from.is_some() {
        page.line(
            "Archives bring no commands: hooks that the instance had are to be set anew with `holdfast instance set`.",
        );
    }
    page.line(match from {
        Some(ArchiveRef(archive)) => {
            format!("Next: holdfast plan {archive} --instance {}", instance.name)
        }
        None => format!("Next: holdfast backup {} --to DESTINATION", instance.name),
    });
}

fn instance_page(page: &mut Page, instance: &Instance) {
    let settings = &instance.settings;
    let encryption = match settings.encryption {
        Encryption::Recipients => "to every recipient",
        Encryption::None => "none",
    };
    let check = match settings.check {
        CheckLevel::Quick => "quick",
        CheckLevel::Full => "full",
    };
    let when_busy = match settings.when_busy {
        WhenBusy::Fail => "fail",
        WhenBusy::Wait => "wait",
    };
    page.facts([
        ("instance", instance.name.as_str().into()),
        ("id", instance.id.as_str().into()),
        ("folder", instance.path.to_string_lossy()),
        ("template", words::template(instance.template).into()),
        ("encryption", encryption.into()),
        (
            "compression",
            words::compression(settings.compression).into(),
        ),
        ("check", check.into()),
        ("max_block_ms", settings.max_block_ms.to_string().into()),
        ("when_busy", when_busy.into()),
        ("excluded", settings.exclude.join(", ").into()),
    ]);
    let hooks = &settings.hooks;
    let hooks = [
        ("before_hook", &hooks.before),
        ("after_hook", &hooks.after),
        ("stop_hook", &hooks.stop),
        ("start_hook", &hooks.start),
    ];
    page.facts(
        hooks
            .iter()
            .filter(|(_, line)| !line.is_empty())
            .map(|(name, line)| (*name, line.as_str().into())),
    );
}

fn scan_page(page: &mut Page, scan: &Scan) {
    page.line(format!(
        "{} ({})",
        scan.path.display(),
        words::template(scan.template)
    ));
    page.gap();
    let columns = [
        Column::Left("component"),
        Column::Left("kind"),
        Column::Right("size"),
        Column::Left("access"),
        Column::Left("owner"),
        Column::Left("source"),
    ];
    page.table(&columns, scan.components.iter().flat_map(component_rows));
    left_out_page(page, &scan.left_out);
    page.warnings(&scan.warnings);
}

/// One row a source; what belongs to the component stands in the first.
fn component_rows(component: &ScannedComponent) -> impl Iterator<Item = [String; 6]> + '_ {
    component.sources.iter().enumerate().map(|(i, source)| {
        let first = |text: String| if i == 0 { text } else { String::new() };
        [
            first(component.name.clone()),
            first(words::kind(component.kind).to_owned()),
            first(words::size(component.size_bytes)),
            access(source).to_owned(),
            source.owner.clone(),
            source.path.display().to_string(),
        ]
    })
}

fn access(source: &ScannedSource) -> &'static str {
    match (source.readable, source.writable) {
        (true, true) => "read, write",
        (true, false) => "read only",
        (false, true) => "WRITE ONLY",
        (false, false) => "NONE",
    }
}

fn left_out_page(page: &mut Page, left_out: &[LeftOut]) {
    const SHOWN: usize = 20;
    if left_out.is_empty() {
        return;
    }
    page.gap();
    page.line("Left out:");
    let row = |l: &LeftOut| {
        [
            format!("  {}", l.path.display()),
            l.reason.replace('_', " "),
        ]
    };
    page.table(
        &[Column::Left("  path"), Column::Left("why")],
        left_out.iter().take(SHOWN).map(row),
    );
    if let Some(more @ 1..) = left_out.len().checked_sub(SHOWN) {
        page.line(format!("  … and {more} more; --json lists all"));
    }
}

fn hook_page(page: &mut Page, report: &HookReport) {
    for line in report.output.lines() {
        page.line(format!("  {line}"));
    }
    let took = format!("{:.1} s", report.seconds);
    match &report.problem {
        None => page.line(format!("It went well, in {took}.")),
        Some(problem) => {
            page.line(format!("{} (after {took}).", problem.message));
            page.line(format!("  hint: {}", problem.hint));
        }
    }
}
