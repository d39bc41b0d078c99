//! The page's way to the desktop's dialogs. The titles come translated; None is a dialog that was dismissed.

use std::path::PathBuf;

use crate::shell::desk::Answer;
use crate::shell::dialogs;

#[tauri::command]
pub async fn pick_folder(title: String) -> Answer<Option<PathBuf>> {
    Ok(dialogs::pick_folder(&title).await)
}

#[tauri::command]
pub async fn pick_file(title: String) -> Answer<Option<PathBuf>> {
    Ok(dialogs::pick_file(&title).await)
}

#[tauri::command]
pub async fn save_file(title: String, name: String) -> Answer<Option<PathBuf>> {
    Ok(dialogs::save_file(&title, &name).await)
}
