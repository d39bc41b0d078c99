//! `recipients`: who can open the archives made from now on.

use clap::Subcommand;

use super::error::Result;
use super::output::named;
use super::page::{Column, Page};
use super::session::Session;
use super::words;
use crate::service::report::RecipientRow;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// List them
    List,
    /// Seal to this one too
    Add {
        #[arg(value_name = "AGE1…")]
        recipient: String,
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
    },
    /// Seal to this one no more; archives that are there stay readable for it
    Remove {
        #[arg(value_name = "AGE1…")]
        recipient: String,
    },
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let service = session.service()?;
    match verb {
        Verb::List => {}
        Verb::Add { recipient, name } => service.add_recipient(&recipient, &name)?,
        Verb::Remove { recipient } => service.remove_recipient(&recipient)?,
    }
    let recipients = service.recipients()?;
    session.answer(&named("recipients", &recipients), |page| {
        list_page(page, &recipients);
    })
}

fn list_page(page: &mut Page, recipients: &[RecipientRow]) {
    let columns = [
        Column::Left("recipient"),
        Column::Left("can be opened here"),
        Column::Left("name"),
    ];
    let row = |r: &RecipientRow| {
        [
            r.recipient.clone(),
            words::yes(r.own).to_owned(),
            r.name.clone(),
        ]
    };
    page.table(&columns, recipients.iter().map(row));
}
