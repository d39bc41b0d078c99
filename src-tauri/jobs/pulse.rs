//! The pulse: every quarter of a minute, and at once when the machine has slept, a look at the clock. `tokio-cron-scheduler` carries it; what a
//! look is for is not known here. The only place of schedules with async code in it.
//!
//! The library polls twice a second while its runtime turns. So the runtime is turned only when the beat is due, which the library says
//! itself: an idle process sleeps in between.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::clock::{Clock, Reading};
use super::decide::Watch;
use super::wake;

const EVERY: Duration = Duration::from_secs(15);

/// For how long the runtime is turned at most: two of the library's polls.
const TURN: Duration = Duration::from_millis(1200);

pub struct Pulse {
    nudge: Nudge,
    thread: Option<JoinHandle<()>>,
}

/// Asks for a look now.
#[derive(Clone)]
pub struct Nudge(Sender<Wish>);

enum Wish {
    Look,
    Stop,
}

impl Nudge {
    pub fn now(&self) {
        // Nobody looks any more: the process ends.
        let _ = self.0.send(Wish::Look);
    }
}

impl Pulse {
    /// Looks at once, and then with each beat, on a thread of its own.
    pub fn start(mut look: impl FnMut(Watch) + Send + 'static) -> io::Result<Self> {
        let (sender, wishes) = channel();
        let nudge = Nudge(sender);
        let woken = nudge.clone();
        let beat = move || {
            wake::watch(woken);
            let mut clock = Clock::default();
            let mut beats = Beats::new();
            loop {
                look(clock.look(read()));
                match wait(&wishes, beats.due_in()) {
                    Waited::Beat => beats.turn(),
                    Waited::Nudged => {}
                    Waited::Stopped => return,
                }
            }
        };
        let thread = thread::Builder::new()
            .name("pulse".to_owned())
            .spawn(beat)?;
        Ok(Self {
            nudge,
            thread: Some(thread),
        })
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let _ = self.nudge.0.send(Wish::Stop);
        if let Some(thread) = self.thread.take() {
            // A look that panicked has said so; there is nothing to be saved here.
            let _ = thread.join();
        }
    }
}

enum Waited {
    Beat,
    Nudged,
    Stopped,
}

fn wait(wishes: &Receiver<Wish>, time: Duration) -> Waited {
    match wishes.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => Waited::Beat,
        Ok(Wish::Look) if !wishes.try_iter().any(|wish| matches!(wish, Wish::Stop)) => {
            // Several wishes were one.
            Waited::Nudged
        }
        Ok(_) | Err(RecvTimeoutError::Disconnected) => Waited::Stopped,
    }
}

/// The library's beat.
struct Beats {
    carried: Option<Carried>,
}

struct Carried {
    runtime: Runtime,
    scheduler: JobScheduler,
    heard: mpsc::UnboundedReceiver<()>,
}

impl Beats {
    fn new() -> Self {
        Self {
            carried: Carried::new(),
        }
    }

    /// Never further away than a beat: the library counts by the wall clock, which may be set back.
    fn due_in(&mut self) -> Duration {
        let said = self.carried.as_mut().and_then(Carried::due_in);
        said.map_or(EVERY, |due| due.min(EVERY))
    }

    /// Lets the library beat. One that misses its beat, because the clock was set back under it, is made anew.
    fn turn(&mut self) {
        if !self.carried.as_mut().is_some_and(Carried::turn) {
            self.carried = Carried::new();
        }
    }
}

impl Carried {
    /// None where there can be none: then the thread's own waiting is the beat.
    fn new() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_time().build().ok()?;
        let (beat, heard) = mpsc::unbounded_channel();
        let started = runtime.block_on(async {
            let scheduler = JobScheduler::new().await?;
            let job = Job::new_repeated(EVERY, move |_, _| {
                let _ = beat.send(());
            })?;
            scheduler.add(job).await?;
            scheduler.start().await?;
            Ok::<_, JobSchedulerError>(scheduler)
        });
        Some(Self {
            scheduler: started.ok()?,
            runtime,
            heard,
        })
    }

    fn due_in(&mut self) -> Option<Duration> {
        let said = self.scheduler.time_till_next_job();
        self.runtime.block_on(said).ok()?
    }

    /// False: it is due and does not come.
    fn turn(&mut self) -> bool {
        if self.due_in().is_none_or(|due| due > EVERY) {
            return false;
        }
        let heard = &mut self.heard;
        // Heard or not: the look is due now.
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(TURN, heard.recv()).await });
        while heard.try_recv().is_ok() {}
        true
    }
}

fn read() -> Reading {
    let since_boot = |id| {
        let at = clock_gettime(id);
        let seconds = u64::try_from(at.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(at.tv_nsec).unwrap_or(0))
    };
    Reading {
        wall: Timestamp::now(),
        boot: since_boot(ClockId::Boottime),
        awake: since_boot(ClockId::Monotonic),
    }
}
