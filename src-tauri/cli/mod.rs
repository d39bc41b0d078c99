//! The command line: one file a noun, over the service. Its answers, JSON shapes and exit statuses are a contract that scripts rely on.
//! It decides nothing about backups, and draws no window.

mod archives;
mod arguments;
mod background;
mod backup;
mod check;
mod demo;
mod destination;
mod error;
mod history;
mod instance;
mod key;
mod output;
mod page;
mod progress;
mod recipients;
mod restore;
mod retention;
mod schedule;
mod secret;
mod session;
mod settings;
mod setup;
mod show;
mod signals;
mod signers;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use background::run_scheduler;
use error::Result;
use output::{Format, Output};
use session::Session;

/// How a start of the program went on.
pub enum Start {
    /// The command line did it all.
    Ended(ExitCode),
    /// There was no verb: the window is wanted.
    #[cfg(feature = "desktop")]
    Window,
    /// Whatever stays in the background here is wanted: the tray, or the scheduler alone.
    Background { data_dir: Option<PathBuf> },
}

#[derive(Parser)]
#[command(
    name = "holdfast",
    about,
    version,
    after_help = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 partly done, 4 refused, 130 cancelled.\n\
                  ARCHIVE is DESTINATION:NAME, an execution id, or the path of a file."
)]
struct CommandLine {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Where Holdfast keeps its own data [default: $HOLDFAST_DATA_DIR, else ~/.local/share/holdfast]"
    )]
    data_dir: Option<PathBuf>,
    /// Answer with one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// Stay in the background and run what is scheduled: in the desktop's tray, or alone where there is none
    #[arg(long)]
    background: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Make keys and store; print the recipient and the verification key
    Init,
    /// Say in one sentence how things stand
    Status,
    /// Show or change Holdfast's own settings
    #[command(subcommand)]
    Settings(settings::Verb),
    /// The services that are backed up
    #[command(subcommand)]
    Instance(instance::Verb),
    /// The places that keep archives
    #[command(subcommand)]
    Destination(destination::Verb),
    /// Back up an instance now
    Backup(backup::Arguments),
    /// List the archives
    Archives(archives::ListArguments),
    /// What is known of a destination's archives
    #[command(subcommand)]
    Catalogue(destination::CatalogueVerb),
    /// Show an archive's table of contents and who signed it
    Show(arguments::ArchiveArgument),
    /// Read every byte of an archive and check it
    Verify(arguments::ArchiveArgument),
    /// Restore an archive into a scratch folder and check everything in it
    Drill(arguments::ArchiveArgument),
    /// Show what a restore would change
    Plan(restore::PlanArguments),
    /// Bring components of an instance back to what an archive holds
    Restore(restore::RestoreArguments),
    /// Unpack an archive, or components of it, into a folder
    Extract(restore::ExtractArguments),
    /// Undo the newest restore of an instance
    Undo(restore::UndoArguments),
    /// Copy an archive from its destination to a file
    Download(archives::DownloadArguments),
    /// Delete an archive from its destination
    Delete(archives::DeleteArguments),
    /// Keep an archive whatever the retention policy says
    Pin(arguments::ArchiveArgument),
    /// Leave an archive to the retention policy again
    Unpin(arguments::ArchiveArgument),
    /// When an instance is backed up to which destinations, and what is there is checked or thinned out
    #[command(subcommand)]
    Schedule(schedule::Verb),
    /// Which archives of a destination stay, and deleting the others
    #[command(subcommand)]
    Retention(retention::Verb),
    /// List what was done, newest first
    History(history::Arguments),
    /// Who can open the archives made from now on
    #[command(subcommand)]
    Recipients(recipients::Verb),
    /// Whose signatures are trusted besides this installation's
    #[command(subcommand)]
    Signers(signers::Verb),
    /// The recovery kit: what restores without this machine
    #[command(subcommand)]
    Key(key::Verb),
    /// Back up and restore a sample instance in a scratch folder, and prove it
    Demo(demo::Arguments),
    /// What `demo` starts beside itself: writes like a running server until standard input ends
    #[command(name = demo::WRITER_VERB, hide = true)]
    DemoWriter(demo::WriterArguments),
}

/// Parses and runs one command line. `arguments` starts with the program's name.
#[must_use]
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Start {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let line = match CommandLine::try_parse_from(&arguments) {
        Ok(line) => line,
        Err(error) => return Start::Ended(usage(&error, asks_for_json(&arguments))),
    };
    if line.background {
        return background(line);
    }
    let Some(verb) = line.verb else {
        return without_verb(&line);
    };
    let session = Session::new(line.data_dir, Format::from_flag(line.json));
    let status = match run(verb, &session) {
        Ok(status) => status,
        Err(error) => session.fail(&error),
    };
    Start::Ended(ExitCode::from(status))
}

fn run(verb: Verb, session: &Session) -> Result<u8> {
    match verb {
        Verb::Init => setup::init(session),
        Verb::Status => setup::status(session),
        Verb::Settings(verb) => settings::run(verb, session),
        Verb::Instance(verb) => instance::run(verb, session),
        Verb::Destination(verb) => destination::run(verb, session),
        Verb::Backup(arguments) => backup::run(arguments, session),
        Verb::Archives(arguments) => archives::list(arguments, session),
        Verb::Catalogue(verb) => destination::catalogue(verb, session),
        Verb::Show(arguments) => show::run(&arguments, session),
        Verb::Verify(arguments) => check::verify(&arguments, session),
        Verb::Drill(arguments) => check::drill(&arguments, session),
        Verb::Plan(arguments) => restore::plan(arguments, session),
        Verb::Restore(arguments) => restore::restore(arguments, session),
        Verb::Extract(arguments) => restore::extract(arguments, session),
        Verb::Undo(arguments) => restore::undo(arguments, session),
        Verb::Download(arguments) => archives::download(arguments, session),
        Verb::Delete(arguments) => archives::delete(arguments, session),
        Verb::Pin(arguments) => archives::pin(arguments, session),
        Verb::Unpin(arguments) => archives::unpin(arguments, session),
        Verb::Schedule(verb) => schedule::run(verb, session),
        Verb::Retention(verb) => retention::run(verb, session),
        Verb::History(arguments) => history::run(&arguments, session),
        Verb::Recipients(verb) => recipients::run(verb, session),
        Verb::Signers(verb) => signers::run(verb, session),
        Verb::Key(verb) => key::run(verb, session),
        Verb::Demo(arguments) => demo::run(&arguments, session),
        Verb::DemoWriter(arguments) => demo::write(&arguments, session),
    }
}

/// Help and version are answers; all else is a wrong command line.
fn usage(error: &clap::Error, json: bool) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if json && !asked {
        let status = Output::new(Format::Json).fail(&error::usage(error), 2);
        return ExitCode::from(status);
    }
    // A reader that has gone away needs no help.
    let _ = error.print();
    ExitCode::from(if asked { 0 } else { 2 })
}

/// For a line that the parser gave up on, so that the flag has to be looked for by hand.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let mut options = arguments.iter().skip(1).take_while(|a| *a != "--");
    options.any(|a| a == "--json")
}

/// The window where there is one, else the help. Whoever gave options has forgotten the verb: the window takes none.
fn without_verb(line: &CommandLine) -> Start {
    if line.json || line.data_dir.is_some() {
        let missing = CommandLine::command().error(
            ErrorKind::MissingSubcommand,
            "options are for a verb, and there is none",
        );
        return Start::Ended(usage(&missing, line.json));
    }
    #[cfg(feature = "desktop")]
    return Start::Window;
    #[cfg(not(feature = "desktop"))]
    {
        let help = CommandLine::command().render_help().to_string();
        let printed = output::to_stdout(|out| out.write_all(help.as_bytes()));
        Start::Ended(ExitCode::from(u8::from(printed.is_err())))
    }
}

/// It answers nothing, so there is no JSON of it.
fn background(line: CommandLine) -> Start {
    if line.verb.is_some() || line.json {
        let conflict = CommandLine::command().error(
            ErrorKind::ArgumentConflict,
            "`--background` goes with no verb, and with no option but `--data-dir`",
        );
        return Start::Ended(usage(&conflict, line.json));
    }
    Start::Background {
        data_dir: line.data_dir,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_holds_together() {
        CommandLine::command().debug_assert();
    }
}
