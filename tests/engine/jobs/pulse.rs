//! The pulse: a look at once, by itself, and at the end of the machine's sleep.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use holdfast::jobs::{Pulse, Watch};
use zbus::blocking::connection;
use zbus::interface;
use zbus::object_server::SignalEmitter;

use crate::session::in_session;

/// Only so that a pulse without looks ends the test at all.
const PATIENCE: Duration = Duration::from_mins(2);

fn start() -> (Pulse, Receiver<Watch>) {
    let (looks, seen) = channel();
    let pulse = Pulse::start(move |watch| {
        // Nobody looks at the looks any more: the test has ended.
        let _ = looks.send(watch);
    });
    (pulse.unwrap(), seen)
}

#[test]
fn it_looks_at_once_and_by_itself_and_ends_when_it_is_dropped() {
    let (pulse, seen) = start();
    let first = seen.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first.since, first.now, "it has only just begun");
    for _ in 0..2 {
        let next = seen.recv_timeout(PATIENCE).unwrap();
        assert_eq!(next.since, first.now, "it has watched all the time");
        assert!(next.now > next.since);
    }
    drop(pulse);
    // The sender is gone with the thread.
    while seen.recv().is_ok() {}
}

struct Logind;

#[interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

/// On a bus of the test's own that stands for the system's.
#[test]
fn the_end_of_a_sleep_is_a_look() {
    in_session("jobs::pulse::the_end_of_a_sleep_is_a_look", || {
        let bus = connection::Builder::session()
            .and_then(|b| b.serve_at("/org/freedesktop/login1", Logind))
            .and_then(|b| b.name("org.freedesktop.login1"))
            .and_then(connection::Builder::build)
            .unwrap();
        let (_pulse, seen) = start();
        // As many as the beat alone would need ten minutes for.
        let wanted = 40;
        let (mut looks, begun) = (0, Instant::now());
        while looks < wanted {
            assert!(begun.elapsed() < PATIENCE, "{looks} looks");
            for asleep in [true, false] {
                let logind = bus.object_server();
                let logind = logind
                    .interface::<_, Logind>("/org/freedesktop/login1")
                    .unwrap();
                let said = Logind::prepare_for_sleep(logind.signal_emitter(), asleep);
                zbus::block_on(said).unwrap();
            }
            looks += seen.recv_timeout(Duration::from_millis(200)).iter().count();
        }
    });
}
