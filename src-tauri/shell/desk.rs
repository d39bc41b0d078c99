//! Where commands find the service: opened at the first question, so that a data folder that cannot be used is an answer in the window
//! and not an end before it. Every question runs on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use secrecy::SecretString;

use super::acts::{ActKind, Acts, Tell};
use super::close::CloseAnswer;
use super::error::ShellError;
use super::schedules::Schedules;
use crate::environment::{self, EnvironmentError};
use crate::jobs::{BackupScheduler, status_without_schedules};
use crate::keys::Backend;
use crate::model::{Cancel, NoObserver, Problem};
use crate::service::report::StatusReport;
use crate::service::{self, Act, BackupService};

/// What a command answers to the page.
pub type Answer<T> = Result<T, Problem>;

const TRIGGERED_BY: &str = "window";

pub struct Desk {
    data_dir: Result<PathBuf, EnvironmentError>,
    pub backend: Backend,
    service: Mutex<Option<Arc<BackupService>>>,
    pub acts: Arc<Acts>,
    pub schedules: Schedules,
    /// The last look of the scheduler failed.
    schedules_broken: AtomicBool,
    /// Questions that are being answered.
    asked: AtomicUsize,
    /// The last one that was given for an archive that is sealed to one. Here, and gone with the process.
    passphrase: Mutex<Option<SecretString>>,
}

/// A long act as the page names it.
pub struct NewAct {
    pub id: String,
    pub kind: ActKind,
    pub subject: String,
}

impl Desk {
    /// `data_dir`: the one that was named, if one was.
    pub fn new(data_dir: Option<&Path>, tell: Tell) -> Self {
        let backend = environment::backend();
        Self {
            // Whatever of the two is wrong is the answer to every question; the backend is asked of nobody then.
            data_dir: environment::data_dir(data_dir).and_then(|dir| backend.clone().map(|_| dir)),
            backend: backend.unwrap_or(Backend::Keyring),
            service: Mutex::default(),
            acts: Arc::new(Acts::new(tell)),
            schedules: Schedules::default(),
            schedules_broken: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            passphrase: Mutex::default(),
        }
    }

    /// For whatever reads an archive from now on.
    pub fn give_passphrase(&self, passphrase: SecretString) {
        *self.given_passphrase() = Some(passphrase);
    }

    fn given_passphrase(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.passphrase
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// None where none can be found.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref().ok()
    }

    /// Whether a question is still being answered, perhaps to a page that is gone.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) > 0
    }

    /// What the user wants of the acts that run, to be able to leave.
    pub fn leave(&self, answer: CloseAnswer) {
        if answer != CloseAnswer::Stay {
            self.schedules.leave();
        }
        self.acts.close_answered(answer);
    }

    /// A short question.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&BackupService) -> Result<T, service::Error> + Send + 'static,
    ) -> Answer<T> {
        let desk = Arc::clone(self);
        self.run(move || Ok(question(&*desk.service()?)?)).await
    }

    /// Short work beside the service.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> Result<T, ShellError> + Send + 'static,
    ) -> Answer<T> {
        // Moved along: the page may be gone, and the future with it, while the question is still being answered.
        let answering = Answering::of(self);
        blocking(move || {
            let _until_answered = answering;
            work()
        })
        .await
    }

    /// A question about schedules.
    pub async fn plan<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&BackupScheduler) -> Result<T, service::Error> + Send + 'static,
    ) -> Answer<T> {
        let desk = Arc::clone(self);
        self.run(move || Ok(question(&*desk.scheduler()?)?)).await
    }

    /// How things stand, schedules included.
    pub fn status(&self) -> Result<StatusReport, ShellError> {
        let (service, now) = (self.service()?, Timestamp::now());
        Ok(match self.scheduler() {
            Ok(scheduler) => scheduler.status(now)?,
            Err(ShellError::Service(error)) => status_without_schedules(&service, &error, now)?,
            Err(error) => return Err(error),
        })
    }

    /// Returns what was noted before.
    pub fn note_schedules_broken(&self, broken: bool) -> bool {
        self.schedules_broken.swap(broken, Ordering::SeqCst)
    }

    /// A question that reads an archive or a destination: shown by the page itself, not on the table of acts.
    pub async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&BackupService, &Act<'_>) -> Result<T, service::Error> + Send + 'static,
    ) -> Answer<T> {
        let passphrase = self.given_passphrase().clone();
        self.ask(move |service| {
            let act = Act {
                cancel: &Cancel::new(),
                observer: &NoObserver,
                triggered_by: TRIGGERED_BY.to_owned(),
                run_id: None,
                passphrase,
            };
            question(service, &act)
        })
        .await
    }

    /// A long act: on the table while it runs, with its progress, until it ends or is cancelled.
    pub async fn act<T: Send + 'static>(
        self: &Arc<Self>,
        new: NewAct,
        verb: impl FnOnce(&BackupService, &Act<'_>) -> Result<T, service::Error> + Send + 'static,
    ) -> Answer<T> {
        let desk = Arc::clone(self);
        let (id, kind, subject) = (new.id, new.kind, new.subject);
        let guard = desk.acts.begin(id, kind, subject, Timestamp::now())?;
        blocking(move || {
            let act = Act {
                cancel: &guard.cancel,
                observer: &guard,
                triggered_by: TRIGGERED_BY.to_owned(),
                run_id: None,
                passphrase: desk.given_passphrase().clone(),
            };
            Ok(verb(&*desk.service()?, &act)?)
        })
        .await
    }

    pub fn service(&self) -> Result<Arc<BackupService>, ShellError> {
        let data_dir = self.data_dir.as_ref().map_err(Clone::clone)?;
        // What a panic left is either nothing or an opened service: both can be used.
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = &*service {
            return Ok(Arc::clone(service));
        }
        let opened = Arc::new(BackupService::open(data_dir, self.backend)?);
        *service = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

/// One question, until it is answered.
struct Answering(Arc<Desk>);

impl Answering {
    fn of(desk: &Arc<Desk>) -> Self {
        desk.asked.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(desk))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.asked.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShellError> + Send + 'static,
) -> Answer<T> {
    let done = tauri::async_runtime::spawn_blocking(work).await;
    Ok(done.map_err(|_| ShellError::Panicked)??)
}
