//! `destination` and `catalogue`: the places that keep archives.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::arguments::pair;
use super::error::Result;
use super::output::named;
use super::page::{Column, Page};
use super::secret;
use super::session::Session;
use super::words;
use crate::model::{DestinationConfig, DestinationType, harmless};
use crate::service::NewDestination;
use crate::service::report::{BrowsedArchive, TestReport};

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Add a place
    Add(AddArguments),
    /// Change settings or secrets of one; those not named stay
    Set(SetArguments),
    /// List them
    List,
    /// Show the settings of one; secrets are never shown
    Show { name: String },
    /// Try everything that a backup and a restore need of it
    Test { name: String },
    /// Show the archives that are there now, whether they are in the catalogue or not
    Browse { name: String },
    /// Take new archives again
    Enable { name: String },
    /// Take no new archives
    Disable { name: String },
    /// Forget one; its archives stay where they are
    Remove { name: String },
}

#[derive(Subcommand)]
pub(super) enum CatalogueVerb {
    /// Make the list of archives again from what the destination holds
    Rebuild {
        #[arg(value_name = "DESTINATION")]
        name: String,
    },
}

#[derive(Args)]
pub(super) struct AddArguments {
    name: String,
    #[arg(long = "type", value_name = "TYPE", value_parser = type_parser())]
    destination_type: DestinationType,
    #[command(flatten)]
    values: ValueArguments,
}

#[derive(Args)]
pub(super) struct SetArguments {
    name: String,
    /// Only to say what it is already
    #[arg(long = "type", value_name = "TYPE", value_parser = type_parser())]
    destination_type: Option<DestinationType>,
    #[command(flatten)]
    values: ValueArguments,
}

#[derive(Args)]
struct ValueArguments {
    #[arg(long = "set", help = "A setting of its type, such as base_path=/srv/backups; may be repeated", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A secret, as KEY=env:VARIABLE, or KEY=- to be asked for it, or KEY= to forget it; may be repeated
    // Understood later: the parser would repeat in its message what it cannot understand.
    #[arg(long = "secret", value_name = "KEY=SOURCE")]
    secrets: Vec<String>,
}

const IN_CLEAR: &str = "What is sent there, the password too, can be read on the way. Use TLS where the server has it.";

/// A destination whose settings are new, and what should be known of them.
#[derive(Serialize)]
struct Kept {
    #[serde(flatten)]
    destination: DestinationConfig,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

impl Kept {
    fn of(destination: DestinationConfig, session: &Session) -> Result<Self> {
        let in_clear = session.service()?.is_in_clear(&destination)?;
        let warnings = in_clear.then_some(IN_CLEAR).into_iter().collect();
        Ok(Self {
            destination,
            warnings,
        })
    }
}

pub(super) fn run(verb: Verb, session: &Session) -> Result<u8> {
    match verb {
        Verb::Add(arguments) => {
            let secrets = secret::read_all(session, &arguments.values.secrets)?;
            let destination = session.service()?.add_destination(&NewDestination {
                name: arguments.name,
                destination_type: arguments.destination_type,
                settings: arguments.values.settings,
                secrets,
            })?;
            let kept = Kept::of(destination, session)?;
            session.answer(&kept, |page| {
                kept_page(page, &kept);
                page.gap();
                page.line(format!(
                    "Next: holdfast destination test {}",
                    kept.destination.name
                ));
            })
        }
        Verb::Set(arguments) => {
            let service = session.service()?;
            let known = service.destination(&arguments.name)?.destination_type;
            let secrets = secret::read_all(session, &arguments.values.secrets)?;
            let destination = service.set_destination(&NewDestination {
                name: arguments.name,
                destination_type: arguments.destination_type.unwrap_or(known),
                settings: arguments.values.settings,
                secrets,
            })?;
            let kept = Kept::of(destination, session)?;
            session.answer(&kept, |page| kept_page(page, &kept))
        }
        Verb::List => {
            let destinations = session.service()?.destinations()?;
            session.answer(&named("destinations", &destinations), |page| {
                list_page(page, &destinations);
            })
        }
        Verb::Show { name } => {
            let destination = session.service()?.destination(&name)?;
            session.answer(&destination, |page| destination_page(page, &destination))
        }
        Verb::Test { name } => {
            let report = session
                .service()?
                .test_destination(&name, &session.act()?)?;
            let status = u8::from(!report.ok);
            session.answer_with(status, &report, |page| test_page(page, &name, &report))
        }
        Verb::Browse { name } => {
            let found = session.service()?.browse(&name, &session.act()?)?;
            session.answer(&named("archives", &found), |page| {
                browse_page(page, &name, &found);
            })
        }
        Verb::Enable { name } => enable(session, &name, true),
        Verb::Disable { name } => enable(session, &name, false),
        Verb::Remove { name } => {
            session.service()?.remove_destination(&name)?;
            session.answer(&json!({ "destination": name, "removed": true }), |page| {
                page.line(format!(
                    "Destination `{name}` is forgotten; its archives stay where they are."
                ));
            })
        }
    }
}

pub(super) fn catalogue(verb: CatalogueVerb, session: &Session) -> Result<u8> {
    let CatalogueVerb::Rebuild { name } = verb;
    let report = session
        .service()?
        .rebuild_catalogue(&name, &session.act()?)?;
    session.answer(&report, |page| {
        page.line(format!(
            "{} at `{}`: {} added to the list, {} gone from it, {} of other installations or instances.",
            words::count(report.found, "archive", "archives"),
            report.destination,
            report.added,
            report.removed,
            report.foreign
        ));
    })
}

fn enable(session: &Session, name: &str, enabled: bool) -> Result<u8> {
    session.service()?.enable_destination(name, enabled)?;
    session.answer(
        &json!({ "destination": name, "enabled": enabled }),
        |page| {
            page.line(if enabled {
                format!("Destination `{name}` takes new archives.")
            } else {
                format!("Destination `{name}` takes no new archives; what it holds stays readable.")
            });
        },
    )
}

fn kept_page(page: &mut Page, kept: &Kept) {
    destination_page(page, &kept.destination);
    for warning in &kept.warnings {
        page.line(format!("warning: {warning}"));
    }
}

fn destination_page(page: &mut Page, destination: &DestinationConfig) {
    let last = match (&destination.last_backup_status, destination.last_backup_at) {
        (Some(status), Some(at)) => format!("{status}, {}", page.time(at)),
        _ => "none yet".to_owned(),
    };
    page.facts([
        ("destination", destination.name.as_str().into()),
        ("type", destination.destination_type.as_str().into()),
        ("enabled", words::yes(destination.enabled).into()),
        ("last backup", last.into()),
    ]);
    for (key, value) in &destination.config {
        page.line(format!("{key}={value}"));
    }
}

fn list_page(page: &mut Page, destinations: &[DestinationConfig]) {
    if destinations.is_empty() {
        page.line("No destination yet. Next: holdfast destination add NAME --type local --set base_path=DIR");
        return;
    }
    let columns = [
        Column::Left("destination"),
        Column::Left("type"),
        Column::Left("enabled"),
        Column::Left("last backup"),
        Column::Left("it was"),
    ];
    let rows: Vec<_> = destinations
        .iter()
        .map(|d| {
            [
                d.name.clone(),
                d.destination_type.as_str().to_owned(),
                words::yes(d.enabled).to_owned(),
                page.time_or(d.last_backup_at, "never"),
                d.last_backup_status.clone().unwrap_or_default(),
            ]
        })
        .collect();
    page.table(&columns, rows);
}

fn browse_page(page: &mut Page, name: &str, found: &[BrowsedArchive]) {
    let columns = [
        Column::Left("changed"),
        Column::Right("size"),
        Column::Left("notes"),
        Column::Left("archive"),
    ];
    let notes = |archive: &BrowsedArchive| {
        let notes = [
            archive.known.is_none().then_some("not in the catalogue"),
            archive.foreign.then_some("foreign"),
        ];
        notes.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let rows: Vec<_> = found
        .iter()
        .map(|archive| {
            [
                page.time_or(archive.modified, "-"),
                words::size(archive.size),
                notes(archive),
                format!("{name}:{}", archive.key),
            ]
        })
        .collect();
    page.table(&columns, rows);
    page.line(format!(
        "{} at `{name}`.",
        words::count(found.len() as u64, "archive", "archives")
    ));
}

fn test_page(page: &mut Page, name: &str, report: &TestReport) {
    let rows = report.checks.iter().map(|check| {
        let result = if check.ok { "ok" } else { "FAILED" };
        [result.to_owned(), check.name.clone(), check.message.clone()]
    });
    page.table(
        &[
            Column::Left("result"),
            Column::Left("check"),
            Column::Left("what was seen"),
        ],
        rows,
    );
    page.gap();
    page.line(if report.ok {
        format!("Destination `{name}` can keep archives and give them back.")
    } else {
        format!("Destination `{name}` cannot be relied on as it is.")
    });
    if let Some(fingerprint) = &report.fingerprint {
        let fingerprint = harmless(fingerprint);
        page.line(format!(
            "It presented {fingerprint}. If this is the fingerprint you expect:"
        ));
        page.line(format!(
            "  holdfast destination set {name} --set fingerprint={fingerprint}"
        ));
    }
}

fn type_parser() -> impl TypedValueParser<Value = DestinationType> {
    use DestinationType as T;
    const ALL: [T; 6] = [T::Local, T::Sftp, T::Ftp, T::S3, T::Azure, T::Webdav];
    PossibleValuesParser::new(ALL.map(T::as_str)).try_map(|text| {
        ALL.into_iter()
            .find(|t| t.as_str() == text)
            .ok_or("no such type")
    })
}
