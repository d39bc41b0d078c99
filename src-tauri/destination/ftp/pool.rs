//! The sessions that are open and idle, for whoever needs one next: a server lets one session do one thing at a time.

use std::sync::{Mutex, PoisonError};

use super::session::{Session, Site};
use crate::destination::{Call, DestinationError};

type Result<T> = std::result::Result<T, DestinationError>;

/// More than these are closed when they have done their work.
const MOST_IDLE: usize = 4;

pub(super) struct Pool {
    pub site: Site,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub fn new(site: Site) -> Self {
        Self {
            site,
            idle: Mutex::default(),
        }
    }

    /// The one that was used last, while it is alive; else a new one.
    pub fn take(&self, call: &Call<'_>) -> Result<Session> {
        call.check()?;
        while let Some(mut session) = self.pop() {
            if session.serve(call) {
                return Ok(session);
            }
            call.check()?;
        }
        Session::open(&self.site, call)
    }

    fn pop(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    pub fn give_back(&self, mut session: Session) {
        if !session.rest() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(session);
        }
    }

    /// What fails takes its session with it: whoever comes next begins with one that is whole.
    pub fn with<T>(
        &self,
        call: &Call<'_>,
        act: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let mut session = self.take(call)?;
        let done = act(&mut session)?;
        self.give_back(session);
        Ok(done)
    }
}
