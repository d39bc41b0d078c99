//! What every verb is given: where the data is, how to answer, and how it is told to stop.

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::error::{Error, Result};
use super::output::{Format, Output};
use super::page::Page;
use super::progress::ProgressLine;
use super::{secret, signals};
use crate::environment;
use crate::jobs::{BackupScheduler, NoWatcher};
use crate::model::{Cancel, NoObserver, Observer};
use crate::service::{self, Act, BackupService};

pub(super) struct Session {
    data_dir: Option<PathBuf>,
    pub output: Output,
    progress: Option<ProgressLine>,
    cancel: Cancel,
    watching: Cell<bool>,
}

impl Session {
    pub fn new(data_dir: Option<PathBuf>, format: Format) -> Self {
        Self {
            data_dir,
            output: Output::new(format),
            progress: (format == Format::Human).then(ProgressLine::to_stderr),
            cancel: Cancel::new(),
            watching: Cell::new(false),
        }
    }

    pub fn scheduler(&self) -> Result<Arc<BackupScheduler>> {
        Ok(BackupScheduler::open(
            Arc::new(self.service()?),
            Box::new(NoWatcher),
        )?)
    }

    pub fn service(&self) -> Result<BackupService> {
        let folder = environment::data_dir(self.data_dir.as_deref())?;
        Ok(BackupService::open(&folder, environment::backend()?)?)
    }

    /// From here on Ctrl-C is a wish that the work obeys; verbs without work die of it at once, as programs do.
    pub fn act(&self) -> Result<Act<'_>> {
        self.watch_signals()?;
        Ok(Act {
            cancel: &self.cancel,
            observer: match &self.progress {
                Some(line) => line as &dyn Observer,
                None => &NoObserver,
            },
            triggered_by: "cli".to_owned(),
            run_id: None,
            passphrase: None,
        })
    }

    /// Does something with an archive, and once more where a passphrase is missing and somebody is there to be asked.
    pub fn with_archive<T>(
        &self,
        work: impl Fn(&Act<'_>) -> std::result::Result<T, service::Error>,
    ) -> Result<T> {
        let act = self.act()?;
        match work(&act) {
            Err(error) if error.needs_passphrase() && io::stdin().is_terminal() => {
                self.clear_progress();
                let act = act.with_passphrase(secret::ask("passphrase")?);
                Ok(work(&act)?)
            }
            done => Ok(done?),
        }
    }

    pub fn watch_signals(&self) -> Result<()> {
        // A second watcher would take the first Ctrl-C for the second.
        if !self.watching.replace(true) {
            signals::watch(&self.cancel, self.output.format()).map_err(Error::Signals)?;
        }
        Ok(())
    }

    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The one answer of a verb; its exit status is then 0.
    pub fn answer(&self, value: &impl Serialize, page: impl FnOnce(&mut Page)) -> Result<u8> {
        self.answer_with(0, value, page)
    }

    pub fn answer_with(
        &self,
        status: u8,
        value: &impl Serialize,
        page: impl FnOnce(&mut Page),
    ) -> Result<u8> {
        self.clear_progress();
        self.output.answer(value, page).map_err(Error::Output)?;
        Ok(status)
    }

    /// Says what failed; returns the exit status.
    pub fn fail(&self, error: &Error) -> u8 {
        self.clear_progress();
        // What fails because it was told to stop may report any of the ways in which stopping shows.
        let status = match error.exit_status() {
            1 if self.cancel.is_cancelled() => 130,
            status => status,
        };
        self.output.fail(&error.problem(), status)
    }

    pub fn clear_progress(&self) {
        if let Some(line) = &self.progress {
            line.clear();
        }
    }
}
