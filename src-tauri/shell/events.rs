//! What the page and the tray are told unasked: one event, one shape.

use tauri::{AppHandle, Emitter};

use super::acts::{ActEvent, Tell};
use super::life;
use super::tray::Nudge;

const ACT: &str = "act";

/// `Leave` is not for the page but for the process.
pub fn teller(app: &AppHandle, nudge: Nudge) -> Tell {
    let app = app.clone();
    Box::new(move |event| {
        nudge.now();
        match event {
            ActEvent::Leave => app.exit(0),
            event => {
                let ended = matches!(event, ActEvent::Ended { .. });
                // A window that is gone needs no news; the next one asks for what runs.
                let _ = app.emit(ACT, event);
                if ended {
                    life::settle(&app);
                }
            }
        }
    })
}
