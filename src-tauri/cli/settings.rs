//! `settings`: Holdfast's own.

use clap::Subcommand;

use super::arguments::pair;
use super::error::Result;
use super::output::named;
use super::session::Session;
use crate::autostart;
use crate::service::BackupService;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Show them all
    Show,
    #[command(about = "Change some: autostart, notify, alarm_days, language, theme, work_dir")]
    Set {
        #[arg(value_name = "KEY=VALUE", required = true, value_parser = pair)]
        changes: Vec<(String, String)>,
    },
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let service = session.service()?;
    if let Verb::Set { changes } = verb {
        service.set_settings(&changes)?;
        autostart::follow(&changes, service.data_dir())?;
    }
    show(&service, session)
}

fn show(service: &BackupService, session: &Session) -> Result<u8> {
    let settings = service.settings()?;
    session.answer(&named("settings", &settings), |page| {
        for (key, value) in &settings {
            page.line(format!("{key}={value}"));
        }
    })
}
