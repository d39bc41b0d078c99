//! Keeps the tray true: on a thread of its own, at each nudge and every quarter of a minute, it looks whether anything changed. Other
//! processes work on the same store: what they did is seen by the times of its files, so that an idle look costs a few `stat`s.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::view::{Facts, View};
use crate::environment;
use crate::model::{Language, Problem};
use crate::service::report::StatusReport;
use crate::shell::desk::Desk;
use crate::shell::schedules::Standing;

const EVERY: Duration = Duration::from_secs(15);
/// What is true only by the clock (a backup that is overdue) is looked up again after this.
const GROWS_OLD: Duration = Duration::from_mins(5);
const STORE_FILES: [&str; 4] = [
    "backup_executions.db",
    "backup_executions.db-wal",
    "backup_jobs.db",
    "backup_jobs.db-wal",
];

/// Says that something changed.
#[derive(Clone)]
pub struct Nudge(Sender<()>);

impl Nudge {
    pub fn now(&self) {
        // Nobody listens any more: the program ends.
        let _ = self.0.send(());
    }
}

pub struct Watch {
    desk: Arc<Desk>,
    notice: Arc<Mutex<Option<String>>>,
    status: Option<Result<StatusReport, Problem>>,
    language: Language,
    standing: Standing,
    stamp: Option<Stamp>,
    looked: Option<Instant>,
}

type Stamp = [Option<(SystemTime, u64)>; STORE_FILES.len()];

impl Watch {
    pub fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            notice: Arc::default(),
            status: None,
            language: Language::choose(None, environment::language().as_deref()),
            standing: Standing::None,
            stamp: None,
            looked: None,
        }
    }

    /// Where what the menu's wishes came to is put.
    pub fn notice(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.notice)
    }

    pub fn channel() -> (Nudge, Receiver<()>) {
        let (sender, receiver) = channel();
        (Nudge(sender), receiver)
    }

    pub fn view(&self) -> View {
        let notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
        View::of(&Facts {
            status: self.status.as_ref(),
            running: &self.desk.acts.running(),
            notice: notice.as_deref(),
            schedules: self.standing,
            language: self.language,
            now: Timestamp::now(),
        })
    }

    /// `show` is given each view that is not the one before.
    pub fn start(
        mut self,
        nudged: Receiver<()>,
        show: impl Fn(View) + Send + 'static,
    ) -> io::Result<()> {
        let look = move || {
            let mut shown = None;
            loop {
                self.refresh();
                let view = self.view();
                if shown.as_ref() != Some(&view) {
                    show(view.clone());
                    shown = Some(view);
                }
                match nudged.recv_timeout(EVERY) {
                    Ok(()) => while nudged.try_recv().is_ok() {},
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        thread::Builder::new()
            .name("tray".to_owned())
            .spawn(look)
            .map(drop)
    }

    /// Asks the service only where the store changed.
    fn refresh(&mut self) {
        let now = self.desk.data_dir().map(stamp);
        let fresh = self.looked.is_some_and(|at| at.elapsed() < GROWS_OLD);
        if self.status.is_some() && now == self.stamp && fresh {
            return;
        }
        let service = self.desk.service();
        // After opening, which may have made the files; before reading: what changes while it is read is read again.
        self.stamp = self.desk.data_dir().map(stamp);
        let asked = service.and_then(|service| {
            let setting = service.settings()?.remove("language");
            self.language =
                Language::choose(setting.as_deref(), environment::language().as_deref());
            // Before the sentence, which says it where schedules cannot be read.
            self.standing = self.desk.standing().unwrap_or(Standing::None);
            self.desk.status()
        });
        self.looked = Some(Instant::now());
        self.status = Some(asked.map_err(Problem::from));
    }
}

fn stamp(data_dir: &Path) -> Stamp {
    STORE_FILES.map(|file| {
        let found = fs::metadata(data_dir.join(file)).ok()?;
        Some((found.modified().ok()?, found.len()))
    })
}
