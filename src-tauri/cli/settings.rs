//! `settings`: Holdfast's own.

use clap::Subcommand;

use super::arguments::pair;
use super::error::Result;
use super::output::named;
use super::secret;
use super::session::Session;
use crate::autostart;
use crate::service::BackupService;

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Show them all
    Show,
    #[command(
        about = "Change some: autostart, notify, alarm_days, language, theme, work_dir; webhook_url and ping_url by --secret"
    )]
    Set {
        #[arg(value_name = "KEY=VALUE", required_unless_present = "secrets", value_parser = pair)]
        changes: Vec<(String, String)>,
        // Understood later: the parser would repeat in its message what it cannot understand.
        #[arg(
            long = "secret",
            value_name = "KEY=SOURCE",
            help = "webhook_url or ping_url, as KEY=env:VARIABLE, or KEY=- to be asked for it; `webhook_url=` forgets it"
        )]
        secrets: Vec<String>,
    },
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    let secrets = match &verb {
        Verb::Set { secrets, .. } => secret::read_all(session, secrets)?,
        Verb::Show => Vec::new(),
    };
    let service = session.service()?;
    if let Verb::Set { changes, .. } = verb {
        service.set_settings(&changes, &secrets)?;
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
