//! The process replaces itself by a fresh one without a window: same id, and none of the web engine's memory or helper processes. Linux
//! only in how it finds its own program and children.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::process::{Pid, WaitOptions, waitpid};

use super::first::First;

/// What the main loop ends with when this is wanted.
pub const EXIT_CODE: i32 = 0x5ECC;

/// Returns only where it fails. Every descriptor but the standard ones closes by itself; the lock is handed on.
pub fn replace(first: Option<&First>, data_dir: Option<&Path>) -> io::Error {
    // The web engine leaves some open that would be inherited.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    if let Some(cause) = first.and_then(|first| first.hand_on().err()) {
        return cause;
    }
    let mut next = Command::new(program());
    next.arg("--background");
    if let Some(dir) = data_dir {
        next.arg("--data-dir").arg(dir);
    }
    next.exec()
}

/// The program's file: the new one where it was upgraded meanwhile, the running one where its file is gone.
fn program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    let Ok(named) = fs::read_link(&running) else {
        return running;
    };
    let text = named.to_string_lossy();
    let named = PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text));
    if named.is_file() { named } else { running }
}

/// Waits for what the process before this one had started, or it would stay as a zombie. To be called before anything is started.
pub fn bury_children() -> io::Result<()> {
    let own = std::process::id();
    let path = format!("/proc/self/task/{own}/children");
    let pids: Vec<_> = fs::read_to_string(path)
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect();
    if pids.is_empty() {
        return Ok(());
    }
    let wait = move || {
        for pid in pids {
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    };
    thread::Builder::new()
        .name("children".to_owned())
        .spawn(wait)
        .map(drop)
}
