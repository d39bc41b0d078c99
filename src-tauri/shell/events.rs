//! What the page is told unasked: one event, one shape.

use tauri::{AppHandle, Emitter};

use super::acts::{ActEvent, Tell};

const ACT: &str = "act";

/// Tells the page; `Leave` is not for the page but for the process.
pub fn teller(app: &AppHandle) -> Tell {
    let app = app.clone();
    Box::new(move |event| match event {
        ActEvent::Leave => app.exit(0),
        // A window that is gone needs no news; the next one asks for what runs.
        event => drop(app.emit(ACT, event)),
    })
}
