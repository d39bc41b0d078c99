//! Where the scheduler plugs in: what tray and process ask of it. It names none: `NoSchedules` stands where there is none.

use crate::model::Problem;

#[allow(dead_code, reason = "a scheduler says the others")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is nothing to pause.
    None,
    Active,
    /// All of them.
    Paused,
}

pub trait Schedules: Send + Sync {
    fn standing(&self) -> Standing;
    fn pause_all(&self) -> Result<(), Problem>;
    fn resume_all(&self) -> Result<(), Problem>;
    /// Starts no run any more; those that run are the table of acts' business.
    fn stop(&self);
}

pub struct NoSchedules;

impl Schedules for NoSchedules {
    fn standing(&self) -> Standing {
        Standing::None
    }

    fn pause_all(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn resume_all(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn stop(&self) {}
}
