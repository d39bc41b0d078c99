//! `--background` where there is no desktop: the scheduler alone, until it is told to stop. What it does is in the history; what it prints
//! is for a service manager's journal.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use jiff::tz::TimeZone;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::error::{Error, Result};
use super::output::Format;
use super::page::Page;
use super::session::Session;
use super::{schedule, words};
use crate::jobs::slot::SlotRecord;
use crate::jobs::{
    BackupScheduler, NoWatcher, Pulse, RunInfo, Watch, Watcher, Watching, scheduler_process,
};
use crate::model::schedule::Schedule;
use crate::model::{Problem, harmless};
use crate::service::{self, BackupService};

/// Runs what is scheduled. Ends at SIGTERM or Ctrl-C: what runs is cancelled, and its slot is run again by the next start.
#[must_use]
pub fn run_scheduler(data_dir: Option<PathBuf>) -> ExitCode {
    let session = Session::new(data_dir, Format::Human);
    let status = match stay(&session) {
        Ok(()) => 0,
        Err(error) => session.fail(&error),
    };
    ExitCode::from(status)
}

fn stay(session: &Session) -> Result<()> {
    // Before anything runs: a signal that comes early is a wish too.
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Error::Signals)?;
    let scheduler = Arc::new(Alone {
        service: Arc::new(session.service()?),
        opened: Mutex::default(),
        said: Mutex::default(),
    });
    if let Ok(opened) = scheduler.opened()
        && !opened.take_the_clock()?
    {
        let process = scheduler_process(scheduler.service.data_dir()).unwrap_or_default();
        return say(&format!(
            "Holdfast runs in the background already (process {process})."
        ));
    }
    say(&format!(
        "Holdfast runs in the background (process {}).",
        std::process::id()
    ))?;
    let looking = Arc::clone(&scheduler);
    let pulse = Pulse::start(move |watch| looking.look(watch)).map_err(Error::Clock)?;
    signals.forever().next();
    // The second one ends it at once; what is left behind is cleaned up by the next start.
    thread::spawn(move || {
        signals.forever().next();
        signal_hook::low_level::exit(130);
    });
    // No look from here on: what is opened now is all there will be.
    drop(pulse);
    if let Some(opened) = scheduler.opened_before() {
        opened.leave();
        opened.cancel_all();
        opened.wait_until_idle();
        opened.finish_telling();
    }
    say("Holdfast has ended.")
}

/// The scheduler, once its store can be used.
struct Alone {
    service: Arc<BackupService>,
    opened: Mutex<Option<Arc<BackupScheduler>>>,
    /// What was said last of what does not work, so that it is said once.
    said: Mutex<Option<Problem>>,
}

impl Alone {
    fn look(&self, watch: Watch) {
        let looked = self.opened().and_then(|scheduler| {
            if scheduler.take_the_clock()? {
                scheduler.tick(watch)?;
            }
            Ok(())
        });
        let problem = looked.err().map(|error| error.problem());
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != problem {
            if let Some(problem) = &problem {
                let (message, hint) = (harmless(&problem.message), harmless(&problem.hint));
                // There is nobody left to tell where it cannot be written.
                let _ = writeln!(io::stderr().lock(), "error: {message}\nhint: {hint}");
            }
            *said = problem;
        }
    }

    fn opened(&self) -> std::result::Result<Arc<BackupScheduler>, service::Error> {
        // What a panic left is either nothing or an opened scheduler: both can be used.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scheduler) = &*opened {
            return Ok(Arc::clone(scheduler));
        }
        let scheduler = BackupScheduler::open(Arc::clone(&self.service), Box::new(Journal))?;
        *opened = Some(Arc::clone(&scheduler));
        Ok(scheduler)
    }

    fn opened_before(&self) -> Option<Arc<BackupScheduler>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }
}

/// Each run is a line when it begins, and one when it ends.
struct Journal;

impl Watcher for Journal {
    fn begins(&self, run: &RunInfo) -> Watching {
        // There is nobody left to tell where it cannot be written.
        let _ = say(&format!(
            "{}: begins ({} {})",
            run.schedule,
            words::scheduled(run.act),
            run.instance
        ));
        NoWatcher.begins(run)
    }

    fn ended(&self, schedule: &Schedule, record: &SlotRecord) {
        let page = Page::new(TimeZone::system());
        let fate = schedule::pages::fate(&page, &record.clone().into());
        let _ = say(&format!(
            "{}: {}: {fate}",
            schedule.name,
            page.time(record.slot)
        ));
    }

    fn changed(&self) {}
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", harmless(line))
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}
