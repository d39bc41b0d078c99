//! `signers`: whose signatures are trusted besides this installation's.

use clap::Subcommand;
use serde_json::json;

use super::error::Result;
use super::output::named;
use super::page::{Column, Page};
use super::session::Session;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// List them
    List,
    /// Trust archives that this key signed
    Add {
        #[arg(value_name = "MINISIGN-PUBLIC-KEY")]
        verification_key: String,
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
    },
    /// Trust it no more
    Remove {
        #[arg(value_name = "KEYID")]
        key_id: String,
    },
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let service = session.service()?;
    match verb {
        Verb::List => {
            let signers = service.signers()?;
            session.answer(&named("signers", &signers), |page| {
                let rows = signers
                    .iter()
                    .map(|s| [s.key_id.clone(), s.verification_key.clone(), s.name.clone()]);
                list_page(page, rows.collect());
            })
        }
        Verb::Add {
            verification_key,
            name,
        } => {
            let signer = service.add_signer(&verification_key, &name)?;
            session.answer(&signer, |page| {
                page.line(format!(
                    "Archives signed by {} are trusted from now on.",
                    signer.key_id
                ));
            })
        }
        Verb::Remove { key_id } => {
            service.remove_signer(&key_id)?;
            session.answer(&json!({ "key_id": key_id, "removed": true }), |page| {
                page.line(format!("Archives signed by {key_id} are trusted no more."));
            })
        }
    }
}

fn list_page(page: &mut Page, rows: Vec<[String; 3]>) {
    if rows.is_empty() {
        page.line("Only this installation's own signatures are trusted.");
        return;
    }
    let columns = [
        Column::Left("key id"),
        Column::Left("verification key"),
        Column::Left("name"),
    ];
    page.table(&columns, rows);
}
