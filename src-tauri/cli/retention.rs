//! `retention`: which archives of a destination stay, what goes now, and letting it go.

use clap::{Args, Subcommand};

use super::arguments::pair;
use super::error::Result;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::service::Shrunk;
use crate::service::report::{RetentionReport, RetentionSettings, RetentionSubject};

#[derive(Subcommand)]
pub(super) enum Verb {
    #[command(
        about = "Change a destination's policy: what is not named stays, KEY= takes a setting away, strategy= the policy",
        long_about = "Change a destination's policy: what is not named stays, KEY= takes a setting away, strategy= the policy\n\n\
                      strategy=simple  keep_last=N, keep_days=N (either keeps)\n\
                      strategy=gfs     keep_daily=N, keep_weekly=N, keep_monthly=N, keep_yearly=N (days and weeks are UTC's)\n\
                      strategy=hanoi   levels=N (the ages that are kept double from level to level)\n\
                      each             floor=N: never fewer good archives of an instance and type [3]"
    )]
    Set {
        #[arg(value_name = "DESTINATION")]
        name: String,
        #[arg(value_name = "KEY=VALUE", required = true, value_parser = pair)]
        changes: Vec<(String, String)>,
    },
    /// Show a destination's policy
    Show {
        #[arg(value_name = "DESTINATION")]
        name: String,
    },
    /// Show what stays and why, and what would go now
    Preview {
        #[command(flatten)]
        on: Arguments,
        /// As if the policy were changed like this; nothing is
        #[arg(value_name = "KEY=VALUE", value_parser = pair)]
        changes: Vec<(String, String)>,
    },
    /// Delete what the policy lets go
    Apply(Arguments),
}

#[derive(Args)]
pub(super) struct Arguments {
    #[arg(value_name = "DESTINATION")]
    name: String,
    /// I looked at what shrank since the backup before, and it is as it should be
    #[arg(long)]
    despite_shrink: bool,
}

impl Arguments {
    fn shrunk(&self) -> Shrunk {
        if self.despite_shrink {
            Shrunk::Accepted
        } else {
            Shrunk::Stops
        }
    }
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    match verb {
        Verb::Set { name, changes } => {
            let settings = session.service()?.set_retention(&name, &changes)?;
            session.answer(&settings, |page| {
                settings_page(page, &settings);
                if settings.policy.is_some() {
                    page.gap();
                    page.line(format!("Next: holdfast retention preview {name}"));
                }
            })
        }
        Verb::Show { name } => {
            let settings = session.service()?.retention(&name)?;
            session.answer(&settings, |page| settings_page(page, &settings))
        }
        Verb::Preview { on, changes } => {
            let report = session.service()?.retention_preview(
                &on.name,
                &changes,
                on.shrunk(),
                &session.act()?,
            )?;
            session.answer(&report, |page| {
                report_page(page, &report, Tense::Would);
                if !report.delete.is_empty() && changes.is_empty() {
                    page.line(format!("Next: holdfast retention apply {}", on.name));
                }
            })
        }
        Verb::Apply(arguments) => {
            let report = session.service()?.retention_apply(
                &arguments.name,
                arguments.shrunk(),
                &session.act()?,
            )?;
            let status = if report.failed.is_empty() { 0 } else { 3 };
            session.answer_with(status, &report, |page| {
                report_page(page, &report, Tense::Did);
            })
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tense {
    Would,
    Did,
}

fn settings_page(page: &mut Page, settings: &RetentionSettings) {
    let Some(policy) = &settings.policy else {
        page.line(format!(
            "`{}` has no retention policy: everything there stays.",
            settings.destination
        ));
        return;
    };
    page.line(format!("Retention policy of `{}`:", settings.destination));
    for (key, value) in policy.settings() {
        page.line(format!("{key}={value}"));
    }
}

pub(super) fn report_page(page: &mut Page, report: &RetentionReport, tense: Tense) {
    let gone = match tense {
        Tense::Would => "would go",
        Tense::Did => "DELETED",
    };
    let kept = report.keep.iter().map(|a| (&a.subject, "stays", a.why()));
    let deleted = report
        .delete
        .iter()
        .map(|a| (&a.subject, gone, a.why().to_owned()));
    let foreign = report
        .foreign
        .iter()
        .map(|a| (&a.subject, "foreign", a.why().to_owned()));
    let mut rows: Vec<_> = deleted.chain(kept).chain(foreign).collect();
    rows.sort_by(|a, b| b.0.age_order().cmp(&a.0.age_order()));
    if !rows.is_empty() {
        let columns = [
            Column::Left("made"),
            Column::Right("size"),
            Column::Left("verdict"),
            Column::Left("why"),
            Column::Left("archive"),
        ];
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(subject, verdict, why)| row(page, subject, verdict, why))
            .collect();
        page.table(&columns, rows);
        page.gap();
    }
    for failure in &report.failed {
        page.line(format!(
            "NOT DELETED: {}: {}",
            failure.archive, failure.problem.message
        ));
        page.line(format!("  hint: {}", failure.problem.hint));
    }
    if !report.missing.is_empty() {
        page.line(format!(
            "{} in the catalogue but not there any more; they count for nothing, and `holdfast catalogue rebuild {}` takes them out.",
            words::count(report.missing.len() as u64, "archive is", "archives are"),
            report.destination
        ));
    }
    if report.policy.is_none() {
        page.line(format!(
            "`{}` has no retention policy: everything there stays.",
            report.destination
        ));
    }
    let freed: u64 = report
        .delete
        .iter()
        .map(|a| a.subject.compressed_size_bytes)
        .sum();
    page.line(format!(
        "{}: {} {}, {} {}, {} foreign.",
        report.destination,
        words::count(report.delete.len() as u64, "archive", "archives"),
        match tense {
            Tense::Would => format!("would go ({})", words::size(freed)),
            Tense::Did => format!("deleted ({})", words::size(freed)),
        },
        report.keep.len(),
        if report.keep.len() == 1 {
            "stays"
        } else {
            "stay"
        },
        report.foreign.len()
    ));
}

fn row(page: &Page, subject: &RetentionSubject, verdict: &str, why: String) -> [String; 5] {
    [
        page.time(subject.created_at),
        words::size(subject.compressed_size_bytes),
        verdict.to_owned(),
        why,
        subject.archive.clone(),
    ]
}
