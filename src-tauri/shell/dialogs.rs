//! The desktop's own dialogs for files and folders. They name paths, and touch nothing.

use std::env;
use std::path::PathBuf;

use rfd::AsyncFileDialog;

pub async fn pick_folder(title: &str) -> Option<PathBuf> {
    dialog(title).pick_folder().await.map(Into::into)
}

/// Any file can be chosen: the name is no proof of what is in it.
pub async fn pick_file(title: &str) -> Option<PathBuf> {
    dialog(title).pick_file().await.map(Into::into)
}

pub async fn save_file(title: &str, name: &str) -> Option<PathBuf> {
    let dialog = dialog(title).set_file_name(name);
    dialog.save_file().await.map(Into::into)
}

/// Starts at home: where GTK would start, among what was used lately, a folder that is typed in cannot be opened.
fn dialog(title: &str) -> AsyncFileDialog {
    let dialog = AsyncFileDialog::new().set_title(title);
    match env::home_dir().filter(|home| home.is_dir()) {
        Some(home) => dialog.set_directory(home),
        None => dialog,
    }
}
