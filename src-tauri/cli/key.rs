//! `key`: the recovery kit, which is how secrets leave this machine.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::error::Result;
use super::page::Page;
use super::session::Session;
use crate::service::report::ImportReport;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Write the recovery kit to a new file
    Export {
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Set up an empty installation from a recovery kit
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let service = session.service()?;
    match verb {
        Verb::Export { out } => {
            service.export_kit(&out)?;
            session.answer(&json!({ "file": out.to_string_lossy() }), |page| {
                page.line(format!("The recovery kit is {}.", out.display()));
                page.line("Whoever has it can read your archives. Store it away from this machine, then delete it here.");
            })
        }
        Verb::Import { file } => {
            let report = service.import_kit(&file)?;
            session.answer(&report, |page| import_page(page, &report))
        }
    }
}

fn import_page(page: &mut Page, report: &ImportReport) {
    page.facts([
        ("recipient", report.recipient.as_str().into()),
        ("verification key", report.verification_key.as_str().into()),
        ("trusted signer", report.signer.as_str().into()),
    ]);
    for name in &report.destinations {
        page.line(format!(
            "Destination `{name}` is added; give it its secrets with: holdfast destination set {name} --secret KEY=-"
        ));
    }
    for name in &report.destinations_skipped {
        page.line(format!(
            "Destination `{name}` of the kit is left out: the name is taken here."
        ));
    }
    for instance in &report.instances {
        page.line(format!(
            "Instance `{}` ({}) was in {}; take it over with: holdfast instance add {} DIR --from ARCHIVE",
            instance.name, instance.id, instance.path, instance.name
        ));
    }
}
