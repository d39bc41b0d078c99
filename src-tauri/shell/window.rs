//! The window itself: whether there can be one, and how it opens. What closing it means is `life`'s business.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{AppHandle, Manager, WebviewWindowBuilder};

/// Whether this process has ever had a web view, whose memory never quite goes.
static OPENED: AtomicBool = AtomicBool::new(false);

/// Without a display the toolkit ends the process with a panic: better said beforehand.
#[must_use]
pub fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

pub fn was_opened() -> bool {
    OPENED.load(Ordering::SeqCst)
}

/// Opens the window, or brings the one that is open to the front. On the main thread.
pub fn open(app: &AppHandle) -> tauri::Result<()> {
    let windows = app.webview_windows();
    for window in windows.values() {
        window.unminimize()?;
        window.show()?;
        window.set_focus()?;
    }
    if windows.is_empty() {
        OPENED.store(true, Ordering::SeqCst);
        for config in &app.config().app.windows {
            WebviewWindowBuilder::from_config(app, config)?.build()?;
        }
    }
    Ok(())
}
