//! The desktop's own dialogs for files and folders. They name paths, and touch nothing.

use std::path::PathBuf;

use rfd::AsyncFileDialog;

pub async fn pick_folder(title: &str) -> Option<PathBuf> {
    let picked = AsyncFileDialog::new().set_title(title).pick_folder().await;
    picked.map(Into::into)
}

/// Any file can be chosen: the name is no proof of what is in it.
pub async fn pick_file(title: &str) -> Option<PathBuf> {
    let picked = AsyncFileDialog::new().set_title(title).pick_file().await;
    picked.map(Into::into)
}

pub async fn save_file(title: &str, name: &str) -> Option<PathBuf> {
    let picked = AsyncFileDialog::new()
        .set_title(title)
        .set_file_name(name)
        .save_file()
        .await;
    picked.map(Into::into)
}
