//! The acts that run, and closing the window over them.

use super::Shared;
use crate::shell::acts::RunningAct;
use crate::shell::close::CloseAnswer;
use crate::shell::desk::Answer;

/// For a page that was loaded while acts run.
#[tauri::command]
pub async fn acts(desk: Shared<'_>) -> Answer<Vec<RunningAct>> {
    Ok(desk.acts.running())
}

#[tauri::command]
pub async fn cancel(desk: Shared<'_>, act: String) -> Answer<()> {
    desk.acts.cancel(&act);
    Ok(())
}

#[tauri::command]
pub async fn close(desk: Shared<'_>, answer: CloseAnswer) -> Answer<()> {
    desk.acts.close_answered(answer);
    Ok(())
}
