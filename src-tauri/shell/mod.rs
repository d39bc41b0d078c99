//! The background process of the desktop and its window: tray, window, dialogs, and the commands of the page. The only place that names
//! tauri or rfd. It decides nothing about backups: a command asks the service on a blocking thread and hands its answer to the page.

mod acts;
mod close;
mod commands;
mod desk;
mod dialogs;
mod error;
mod events;
mod first;
mod life;
mod sample;
mod schedules;
mod signals;
mod successor;
mod tray;
mod window;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tauri::{App, Builder, Manager, RunEvent, WindowEvent};

use crate::environment;
use desk::Desk;
use first::{Claim, First, Other};
pub use window::has_display;

/// What a start begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Window,
    Tray,
}

/// Becomes the background process, or has the one that is there already show its window. Stays until it is told to quit.
#[must_use]
pub fn run(opening: Opening, data_dir: Option<&Path>) -> ExitCode {
    // Without one `--background` is the scheduler alone, and not this one's business.
    if !has_display() {
        eprintln!("error: there is no display to open a window on");
        eprintln!("hint: start it in a desktop session, or use a verb: `holdfast help`");
        return ExitCode::FAILURE;
    }
    if let Err(cause) = successor::bury_children() {
        eprintln!("warning: helper processes may stay as zombies: {cause}");
    }
    // A data folder that cannot be used is an answer in window and tray, and not an end before them.
    let claim = environment::data_dir(data_dir)
        .ok()
        .and_then(|dir| First::claim(&dir).ok());
    let first = match claim {
        Some(Claim::Taken(other)) => return hand_over(&other, opening),
        Some(Claim::First(first)) => Some(first),
        None => None,
    };
    let code = serve(opening, data_dir.map(Path::to_owned), first.as_ref());
    if code == successor::EXIT_CODE {
        let cause = successor::replace(first.as_ref(), data_dir);
        eprintln!("error: the background process cannot be started anew: {cause}");
        eprintln!("hint: start Holdfast again");
        return ExitCode::FAILURE;
    }
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Asks the process that came first for what this start was for.
fn hand_over(other: &Other, opening: Opening) -> ExitCode {
    let process = other.process().unwrap_or_default();
    if opening == Opening::Tray {
        println!("Holdfast runs in the background already (process {process}).");
        return ExitCode::SUCCESS;
    }
    match other.show_window() {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!(
                "error: Holdfast runs already (process {process}) but shows no window: {cause}"
            );
            eprintln!("hint: end that process (`kill {process}`) and start Holdfast again");
            ExitCode::FAILURE
        }
    }
}

/// The main loop; returns its exit code.
fn serve(opening: Opening, data_dir: Option<PathBuf>, first: Option<&First>) -> i32 {
    let app = Builder::default()
        .invoke_handler(commands::all())
        .setup(move |app| set_up(app, opening, data_dir.as_deref()).map_err(Into::into))
        .on_menu_event(|app, event| life::menu_chosen(app, event.id().as_ref()))
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { .. } = event {
                window.state::<Arc<Desk>>().acts.question_closed();
            }
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            if let Some(first) = first {
                life::hear_later_starts(app.handle(), first);
            }
            let code = app.run_return(|app, event| match event {
                RunEvent::ExitRequested {
                    api, code: None, ..
                } => {
                    // The last window is gone; the process goes on without.
                    api.prevent_exit();
                    life::settle(app);
                }
                RunEvent::Exit => app.state::<Arc<Desk>>().schedules.finish_telling(),
                _ => {}
            });
            tray::clean_up();
            code
        }
        Err(cause) => {
            eprintln!("error: the window cannot be opened: {cause}");
            eprintln!("hint: the command line works without it: `holdfast help`");
            1
        }
    }
}

fn set_up(app: &mut App, opening: Opening, data_dir: Option<&Path>) -> tauri::Result<()> {
    let handle = app.handle();
    let (nudge, nudged) = tray::Watch::channel();
    let tell = events::teller(handle, nudge.clone());
    let desk = Arc::new(Desk::new(data_dir, tell));
    app.manage(Arc::clone(&desk));
    signals::watch(&desk)?;
    life::begin(handle, desk, nudge, nudged)?;
    if opening == Opening::Window {
        window::open(handle)?;
    }
    Ok(())
}
