//! The acts that run, and quitting over them.

use super::Shared;
use crate::shell::acts::{ActEvent, RunningAct};
use crate::shell::close::CloseAnswer;
use crate::shell::desk::Answer;

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

#[tauri::command]
pub async fn close(desk: Shared<'_>, answer: CloseAnswer) -> Answer<()> {
    desk.leave(answer);
    Ok(())
}
