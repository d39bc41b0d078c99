//! How long the process lives, and as what: tray and window of one process, quitting in order, and a fresh process in its place once a
//! closed window has left nothing to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tauri::{AppHandle, Manager};

use super::acts::{ActEvent, ActKind};
use super::close::{CloseAnswer, CloseState};
use super::desk::{Desk, NewAct};
use super::first::First;
use super::tray::{Nudge, Tray, Watch, Wish};
use super::{successor, window};
use crate::jobs::Pulse;
use crate::model::{ArchiveType, Problem};
use crate::service::BackupRequest;

/// What belongs to the process as a whole.
struct Life {
    tray: Mutex<Option<Tray>>,
    notice: Arc<Mutex<Option<String>>>,
    nudge: Nudge,
    /// The main loop is told to end: nothing opens any more.
    ending: AtomicBool,
    _pulse: Pulse,
}

/// A page that asked something and went away: how soon it is looked for again.
const AGAIN: Duration = Duration::from_millis(300);
const OPENING: Duration = Duration::from_secs(10);

/// Puts up the tray and keeps it true.
pub fn begin(
    app: &AppHandle,
    desk: Arc<Desk>,
    nudge: Nudge,
    nudged: Receiver<()>,
) -> tauri::Result<()> {
    let looking = Arc::clone(&desk);
    let pulse = Pulse::start(move |watch| looking.beat(watch))?;
    let watch = Watch::new(desk);
    let tray = Tray::new(app, watch.view());
    app.manage(Life {
        tray: Mutex::new(tray),
        notice: watch.notice(),
        nudge,
        ending: AtomicBool::new(false),
        _pulse: pulse,
    });
    let shown = app.clone();
    watch.start(nudged, move |view| {
        let app = shown.clone();
        // A loop that has ended shows nothing more.
        let _ = shown.run_on_main_thread(move || {
            let life = app.state::<Life>();
            if let Some(tray) = &mut *lock(&life.tray)
                && let Err(cause) = tray.show(&app, view)
            {
                eprintln!("error: the tray cannot be changed: {cause}");
            }
        });
    })?;
    Ok(())
}

/// Lets later starts have the window shown.
pub fn hear_later_starts(app: &AppHandle, first: &First) {
    let app = app.clone();
    let heard = first.listen(move || {
        let (done, opened) = channel();
        let handle = app.clone();
        let open = move || {
            // Still beginning, or ending already: whoever asked asks again.
            let life = handle.try_state::<Life>();
            let living = life.is_some_and(|life| !life.ending.load(Ordering::SeqCst));
            let _ = done.send(living && window::open(&handle).is_ok());
        };
        app.run_on_main_thread(open).is_ok() && opened.recv_timeout(OPENING).unwrap_or(false)
    });
    if let Err(cause) = heard {
        eprintln!("warning: a later start cannot raise the window of this one: {cause}");
    }
}

pub fn menu_chosen(app: &AppHandle, id: &str) {
    let desk = app.state::<Arc<Desk>>();
    match Wish::from_id(id) {
        Some(Wish::Open) => {
            let opened = window::open(app);
            note(app, opened.err().map(|cause| cause.to_string()));
        }
        Some(Wish::Quit) => quit(app),
        Some(Wish::BackUp(instance)) => back_up(app, instance),
        Some(Wish::Pause) => told(app, desk.pause_all().map_err(Problem::from)),
        Some(Wish::Resume) => told(app, desk.resume_all().map_err(Problem::from)),
        None => {}
    }
}

/// Ends the program: at once where nothing runs, else as the user answers.
pub fn quit(app: &AppHandle) {
    let desk = app.state::<Arc<Desk>>();
    match desk.acts.close_requested() {
        CloseState::Close => app.exit(0),
        CloseState::Ask => {
            if window::open(app).is_ok() {
                desk.acts.tell(ActEvent::CloseAsked);
            } else {
                // Nobody can be asked: never half a run.
                desk.leave(CloseAnswer::Finish);
            }
        }
        CloseState::Hide => {
            for window in app.webview_windows().values() {
                // One that cannot be hidden stays in sight: the process waits all the same.
                let _ = window.hide();
            }
        }
        CloseState::Stay => {}
    }
}

/// Something ended: where there is neither window nor work any more, a fresh process costs less than one that had a web view.
pub fn settle(app: &AppHandle) {
    let handle = app.clone();
    let look = move || {
        let (desk, life) = (handle.state::<Arc<Desk>>(), handle.state::<Life>());
        let seen = !window::was_opened() || !handle.webview_windows().is_empty();
        if seen || !desk.acts.running().is_empty() || desk.acts.is_leaving() {
            return;
        }
        if desk.is_asked() || !desk.schedules.leave_idle() {
            let later = handle.clone();
            thread::spawn(move || {
                thread::sleep(AGAIN);
                settle(&later);
            });
        } else if !life.ending.swap(true, Ordering::SeqCst) {
            handle.exit(successor::EXIT_CODE);
        }
    };
    // Not within the event that told it: the window is still being taken down then.
    let _ = app.run_on_main_thread(look);
}

/// To every destination that takes archives.
fn back_up(app: &AppHandle, instance: String) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let desk = Arc::clone(&app.state::<Arc<Desk>>());
        let new = NewAct {
            id: uuid::Uuid::new_v4().to_string(),
            kind: ActKind::Backup,
            subject: instance.clone(),
        };
        let done = desk
            .act(new, move |service, act| {
                let enabled = service.destinations()?.into_iter().filter(|d| d.enabled);
                let request = BackupRequest {
                    instance,
                    to: enabled.map(|d| d.name).collect(),
                    comment: String::new(),
                    encrypt: true,
                    archive_type: ArchiveType::Manual,
                };
                service.backup(&request, act)
            })
            .await;
        told(&app, done.map(drop));
    });
}

/// What a wish from the menu came to.
fn told(app: &AppHandle, done: Result<(), Problem>) {
    let text = done.err().map(|problem| {
        let mut message = problem.message;
        message.truncate(message.floor_char_boundary(160));
        message
    });
    note(app, text);
}

fn note(app: &AppHandle, text: Option<String>) {
    let life = app.state::<Life>();
    *lock(&life.notice) = text;
    life.nudge.now();
}

/// What is behind these locks is whole after every step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
