//! Ctrl-C and SIGTERM: the first asks the work to stop and clean up, the second ends the program at once.

use std::io::{self, IsTerminal, Write};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::output::Format;
use crate::model::Cancel;

pub(super) fn watch(cancel: &Cancel, format: Format) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let cancel = cancel.clone();
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                if cancel.is_cancelled() {
                    // What is left behind is cleaned up, and a half restore ended, by the next start.
                    signal_hook::low_level::exit(130);
                }
                cancel.cancel();
                if format == Format::Human && io::stderr().is_terminal() {
                    // Whoever asked to stop sees the program stop.
                    let _ = writeln!(
                        io::stderr().lock(),
                        "\ncancelling and cleaning up; once more to stop at once"
                    );
                }
            }
        })?;
    Ok(())
}
