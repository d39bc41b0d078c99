//! `history`: what was done, newest first.

use clap::Args;

use super::error::Result;
use super::output::{Format, named};
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::model::Execution;

/// As many as a person reads; scripts get all.
const PAGE_LENGTH: u64 = 50;

#[derive(Args)]
pub(super) struct Arguments {
    /// At most so many [default: 50, with --json all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<u8> {
    let limit = match session.output.format() {
        Format::Json => arguments.limit,
        Format::Human => arguments.limit.or(Some(PAGE_LENGTH)),
    };
    let executions = session.service()?.history(limit)?;
    session.answer(&named("executions", &executions), |page| {
        history_page(page, &executions);
        if arguments.limit.is_none() && executions.len() as u64 == PAGE_LENGTH {
            page.line(format!("The newest {PAGE_LENGTH}; more with --limit N."));
        }
    })
}

fn history_page(page: &mut Page, executions: &[Execution]) {
    if executions.is_empty() {
        page.line("Nothing was done yet.");
        return;
    }
    let columns = [
        Column::Left("started"),
        Column::Left("what"),
        Column::Left("ended"),
        Column::Right("size"),
        Column::Left("by"),
        Column::Left("execution"),
        Column::Left("archive or error"),
    ];
    let rows: Vec<_> = executions
        .iter()
        .map(|e| {
            let last = e.error_message.as_ref().or(e.backup_filename.as_ref());
            [
                page.time(e.started_at),
                words::act(e.kind).to_owned(),
                words::status(e.status).to_owned(),
                words::size_or_dash(e.compressed_size_bytes),
                e.triggered_by.clone(),
                e.id.clone(),
                last.cloned().unwrap_or_default(),
            ]
        })
        .collect();
    page.table(&columns, rows);
}
