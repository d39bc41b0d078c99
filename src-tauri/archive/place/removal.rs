//! Takes away a tree that was placed: its folders have the modes they are given, and one that its owner may not write keeps what is in it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const OWNER: u32 = 0o700;

/// A folder and all below it. Links are removed, not followed. A folder that its owner may not enter or change is opened to its owner
/// first; only where somebody else owns it does that fail.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}

/// As far as that goes: what could not be opened stops the removal, whose error says so.
fn open_up(folder: &Path) {
    let Ok(found) = fs::symlink_metadata(folder) else {
        return;
    };
    if !found.is_dir() {
        return;
    }
    let mode = found.permissions().mode();
    if mode & OWNER != OWNER {
        let _ = fs::set_permissions(folder, Permissions::from_mode(mode | OWNER));
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
