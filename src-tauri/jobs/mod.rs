//! Schedules: what is due, what runs, what became of it. The job store is the truth, the sidecar its mirror for monitoring tools; a pulse
//! has the scheduler look at the clock. Backups and checks themselves are the service's verbs.

pub mod decide;
pub mod report;
pub mod slot;
pub mod store;

mod attempt;
mod book;
mod clock;
mod new;
mod owner;
mod pulse;
mod rows;
mod scheduler;
mod sidecar;
mod status;
mod telling;
mod wake;
mod watcher;

pub use attempt::Outcome;
pub use book::{Book, Cancelled, Census, Look};
pub use decide::Watch;
pub use new::{CadenceText, ScheduleChange, default_zone};
pub use owner::scheduler_process;
pub use pulse::Pulse;
pub use scheduler::BackupScheduler;
pub use status::status_without_schedules;
pub use watcher::{NoWatcher, RunInfo, Watcher, Watching};
