//! `archives`, and what is done with one as a whole: download, delete, pin.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::ArchiveArgument;
use super::error::Result;
use super::output::named;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::service::ArchiveFilter;
use crate::service::report::ArchiveRow;

#[derive(Args)]
pub(super) struct ListArguments {
    /// Only those of this destination
    #[arg(long, value_name = "DESTINATION")]
    destination: Option<String>,
    /// Only those of this instance
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
}

#[derive(Args)]
pub(super) struct DownloadArguments {
    #[command(flatten)]
    archive: ArchiveArgument,
    /// A new file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Args)]
pub(super) struct DeleteArguments {
    #[command(flatten)]
    archive: ArchiveArgument,
    /// The archive's file name again
    // Missing is a refusal, not a wrong command line: the service says what it should be.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    confirm: String,
}

pub(super) fn list(arguments: ListArguments, session: &Session) -> Result<u8> {
    let archives = session.service()?.archives(&ArchiveFilter {
        destination: arguments.destination,
        instance: arguments.instance,
    })?;
    session.answer(&named("archives", &archives), |page| {
        list_page(page, &archives);
    })
}

pub(super) fn download(arguments: DownloadArguments, session: &Session) -> Result<u8> {
    let DownloadArguments { archive, to } = arguments;
    let archive = archive.archive;
    session
        .service()?
        .download(&archive, &to, &session.act()?)?;
    session.answer(
        &json!({ "archive": archive.0, "file": to.to_string_lossy() }),
        |page| {
            page.line(format!("{} is now also {}.", archive.0, to.display()));
        },
    )
}

pub(super) fn delete(arguments: DeleteArguments, session: &Session) -> Result<u8> {
    let DeleteArguments { archive, confirm } = arguments;
    let archive = archive.archive;
    let mut report = session
        .service()?
        .delete(&archive, &confirm, &session.act()?)?;
    report.archive.clone_from(&archive.0);
    session.answer(&report, |page| {
        page.line(format!("{} is deleted.", archive.0));
        page.warnings(&report.warnings);
    })
}

pub(super) fn pin(arguments: ArchiveArgument, session: &Session) -> Result<u8> {
    set_pin(arguments, session, true)
}

pub(super) fn unpin(arguments: ArchiveArgument, session: &Session) -> Result<u8> {
    set_pin(arguments, session, false)
}

fn set_pin(arguments: ArchiveArgument, session: &Session, pinned: bool) -> Result<u8> {
    let archive = arguments.archive;
    session.service()?.pin(&archive, pinned)?;
    session.answer(&json!({ "archive": archive.0, "pinned": pinned }), |page| {
        page.line(if pinned {
            format!(
                "{} stays until it is unpinned or deleted by hand.",
                archive.0
            )
        } else {
            format!("{} may go when the retention policy says so.", archive.0)
        });
    })
}

fn list_page(page: &mut Page, archives: &[ArchiveRow]) {
    if archives.is_empty() {
        page.line("No archive. Next: holdfast backup INSTANCE --to DESTINATION");
        return;
    }
    let columns = [
        Column::Left("made"),
        Column::Right("size"),
        Column::Left("verified"),
        Column::Left("drilled"),
        Column::Left("notes"),
        Column::Left("archive"),
    ];
    let rows: Vec<_> = archives
        .iter()
        .map(|a| {
            [
                page.time(a.created_at),
                words::size(a.compressed_size_bytes),
                page.time_or(a.verified_at, "never"),
                page.time_or(a.drilled_at, "never"),
                notes(a),
                format!("{}:{}", a.destination, a.name),
            ]
        })
        .collect();
    page.table(&columns, rows);
}

/// Only what is out of the ordinary.
fn notes(archive: &ArchiveRow) -> String {
    let mut notes = Vec::new();
    if archive.status != crate::model::ExecutionStatus::Completed {
        notes.push(words::status(archive.status));
    }
    if !archive.encrypted {
        notes.push("NOT ENCRYPTED");
    }
    if archive.pinned {
        notes.push("pinned");
    }
    if archive.foreign {
        notes.push("foreign");
    }
    notes.join(", ")
}
