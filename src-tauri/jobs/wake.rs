//! The end of the machine's sleep, as logind tells it. Without a system bus nobody does: the clocks show it at the next beat.

use std::thread;

use zbus::blocking::{Connection, Proxy};

use super::pulse::Nudge;

/// Nudges after each wake-up, from a thread that sleeps in between.
pub fn watch(nudge: Nudge) {
    let listen = move || {
        // Whatever is missing of it, the beat goes on without.
        let _ = hear(&nudge);
    };
    let _ = thread::Builder::new()
        .name("wake-ups".to_owned())
        .spawn(listen);
}

fn hear(nudge: &Nudge) -> zbus::Result<()> {
    let bus = Connection::system()?;
    let logind = Proxy::new(
        &bus,
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
    )?;
    for signal in logind.receive_signal("PrepareForSleep")? {
        let goes_to_sleep: bool = signal.body().deserialize()?;
        if !goes_to_sleep {
            nudge.now();
        }
    }
    Ok(())
}
