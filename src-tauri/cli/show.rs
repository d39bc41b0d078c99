//! `show`: an archive's table of contents, and whether it is what it claims.

use std::collections::BTreeMap;

use super::arguments::ArchiveArgument;
use super::error::Result;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::model::manifest::{ComponentStatus, Manifest};
use crate::service::report::ShowReport;

pub(super) fn run(arguments: &ArchiveArgument, session: &Session) -> Result<u8> {
    let service = session.service()?;
    let report = session.with_archive(|act| service.show(&arguments.archive, act))?;
    session.answer(&report, |page| report_page(page, &report))
}

fn report_page(page: &mut Page, report: &ShowReport) {
    let manifest = &report.manifest;
    let metadata = &manifest.backup_metadata;
    let signer = words::signer(report.signature);
    let signer = match &report.key_id {
        Some(key_id) => format!("{signer} ({key_id})"),
        None => signer.to_owned(),
    };
    let size = format!(
        "{} (of {})",
        words::size(report.compressed_size_bytes),
        words::size(manifest.total_size_bytes)
    );
    let encrypted = manifest.encryption_algorithm.as_deref().unwrap_or("no");
    let made = page.time(metadata.timestamp_utc);
    page.facts([
        ("archive", report.archive.as_str().into()),
        (
            "instance",
            format!("{} ({})", metadata.instance_name, metadata.instance_id).into(),
        ),
        ("made", format!("{made} on {}", metadata.hostname).into()),
        ("number", number(metadata.sequence).into()),
        ("comment", metadata.comment.as_str().into()),
        ("size", size.into()),
        ("encrypted", encrypted.into()),
        ("signed by", signer.into()),
        ("one moment", moment(manifest).into()),
    ]);
    for claim in &report.claims_broken {
        page.line(format!("NOT WHAT IT CLAIMS: {claim}"));
    }
    page.gap();
    component_table(page, manifest);
    for warning in &manifest.warnings {
        match &warning.component {
            Some(component) => page.line(format!("warning: {component}: {}", warning.message)),
            None => page.line(format!("warning: {}", warning.message)),
        }
    }
}

/// Version 1.0 did not count.
fn number(sequence: u64) -> String {
    match sequence {
        0 => "-".to_owned(),
        counted => counted.to_string(),
    }
}

fn moment(manifest: &Manifest) -> String {
    if manifest.backup_metadata.backup_version == "1.0" {
        return "not known: version 1.0 copied one after the other".to_owned();
    }
    let width = manifest.capture.window_ms;
    if manifest.capture.exact {
        format!("yes, all databases as of one moment (within {width:.1} ms)")
    } else {
        format!("no, the databases lie {width:.1} ms apart")
    }
}

fn component_table(page: &mut Page, manifest: &Manifest) {
    /// Of the entries of one component.
    #[derive(Default)]
    struct Sum {
        bytes: u64,
        rows: Option<u64>,
    }
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for entry in &manifest.contents {
        let sum = sums.entry(&entry.component).or_default();
        sum.bytes = sum.bytes.saturating_add(entry.size_bytes);
        if let Some(database) = &entry.database {
            sum.rows = Some(sum.rows.unwrap_or(0).saturating_add(database.records));
        }
    }
    let columns = [
        Column::Left("component"),
        Column::Left("kind"),
        Column::Left("state"),
        Column::Right("size"),
        Column::Right("rows"),
        Column::Right("files"),
        Column::Left("source"),
    ];
    let rows = manifest.components.iter().map(|c| {
        let sum = sums.get(c.name.as_str());
        let bytes = c.counts.map(|n| n.size_bytes).or(sum.map(|s| s.bytes));
        let state = match c.status {
            ComponentStatus::Ok => "ok",
            ComponentStatus::Damaged => "DAMAGED",
            ComponentStatus::Missing => "MISSING",
        };
        [
            c.name.clone(),
            words::kind(c.kind).to_owned(),
            state.to_owned(),
            words::size_or_dash(bytes),
            words::count_or_dash(sum.and_then(|s| s.rows)),
            words::count_or_dash(c.counts.map(|n| n.files)),
            c.source.clone(),
        ]
    });
    page.table(&columns, rows);
}
