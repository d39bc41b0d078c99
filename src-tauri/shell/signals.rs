//! SIGTERM and Ctrl-C: the first cancels what runs and leaves when it has cleaned up, the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::close::CloseAnswer;
use super::desk::Desk;

pub fn watch(desk: &Arc<Desk>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let desk = Arc::clone(desk);
    let obey = move || {
        for (count, _) in signals.forever().enumerate() {
            if count > 0 {
                // What is left behind is cleaned up, and a half restore ended, by the next start.
                signal_hook::low_level::exit(130);
            }
            desk.leave(CloseAnswer::Cancel);
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(obey)
        .map(drop)
}
