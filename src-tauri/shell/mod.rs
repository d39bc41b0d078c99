//! The window over the backup service: the only place that names tauri or rfd. It decides nothing about backups: a command asks the
//! service on a blocking thread and hands its answer to the page.

mod acts;
mod close;
mod commands;
mod desk;
mod dialogs;
mod error;
mod events;
mod sample;
mod window;

use std::process::ExitCode;
use std::sync::Arc;

use tauri::{Builder, RunEvent, WindowEvent};

use desk::Desk;

/// Opens the window and stays until it is closed and nothing runs any more.
#[must_use]
pub fn run() -> ExitCode {
    if !window::has_display() {
        eprintln!("error: there is no display to open a window on");
        eprintln!("hint: start it in a desktop session, or use a verb: `holdfast help`");
        return ExitCode::FAILURE;
    }
    let app = Builder::default()
        .invoke_handler(commands::all())
        .setup(|app| {
            let tell = events::teller(app.handle());
            tauri::Manager::manage(app, Arc::new(Desk::from_environment(tell)));
            window::open(app.handle()).map_err(Into::into)
        })
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                window::close_requested(window, api);
            }
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                if let RunEvent::ExitRequested {
                    api, code: None, ..
                } = event
                {
                    window::exit_requested(app, &api);
                }
            });
            u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(cause) => {
            eprintln!("error: the window cannot be opened: {cause}");
            eprintln!("hint: the command line works without it: `holdfast help`");
            ExitCode::FAILURE
        }
    }
}
