//! The window itself: whether there can be one, how it opens, what closing it means.

use std::env;
use std::sync::Arc;

use tauri::{AppHandle, CloseRequestApi, ExitRequestApi, Manager, WebviewWindowBuilder, Window};

use super::acts::ActEvent;
use super::close::CloseState;
use super::desk::Desk;

/// Without a display the toolkit ends the process with a panic: better said beforehand.
pub fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

pub fn open(app: &AppHandle) -> tauri::Result<()> {
    for config in &app.config().app.windows {
        WebviewWindowBuilder::from_config(app, config)?.build()?;
    }
    Ok(())
}

pub fn close_requested(window: &Window, api: &CloseRequestApi) {
    let desk = window.state::<Arc<Desk>>();
    match desk.acts.close_requested() {
        CloseState::Close | CloseState::Stay => {}
        CloseState::Ask => {
            api.prevent_close();
            desk.acts.tell(ActEvent::CloseAsked);
        }
        CloseState::Hide => {
            api.prevent_close();
            // A window that cannot be hidden stays in sight: the process waits all the same.
            drop(window.hide());
        }
    }
}

/// The last window is gone: a run that is still going on keeps the process.
pub fn exit_requested(app: &AppHandle, api: &ExitRequestApi) {
    let desk = app.state::<Arc<Desk>>();
    if !desk.acts.running().is_empty() {
        api.prevent_exit();
        desk.acts.close_answered(super::close::CloseAnswer::Finish);
    }
}
