//! The acts that run, and quitting over them.

use tauri::AppHandle;

use super::Shared;
use crate::shell::acts::{ActEvent, RunningAct};
use crate::shell::close::CloseAnswer;
use crate::shell::desk::Answer;
use crate::shell::life;

/// For a page that was loaded while acts run.
#[tauri::command]
pub async fn acts(desk: Shared<'_>) -> Answer<Vec<RunningAct>> {
    if desk.acts.is_asking() {
        // The window was opened to ask.
        desk.acts.tell(ActEvent::CloseAsked);
    }
    Ok(desk.acts.running())
}

#[tauri::command]
pub async fn cancel(desk: Shared<'_>, act: String) -> Answer<()> {
    desk.acts.cancel(&act);
    Ok(())
}

/// Where no tray is shown, the window is the only place to quit from.
#[tauri::command]
pub async fn quit(app: AppHandle) -> Answer<()> {
    let handle = app.clone();
    // A loop that has ended has quit.
    let _ = app.run_on_main_thread(move || life::quit(&handle));
    Ok(())
}

#[tauri::command]
pub async fn close(desk: Shared<'_>, answer: CloseAnswer) -> Answer<()> {
    desk.leave(answer);
    Ok(())
}
