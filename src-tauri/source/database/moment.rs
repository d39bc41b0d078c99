//! Pins a group of databases so that all of them show one moment, and says whether they provably do. Rollback-mode ones first: a pinned
//! one stands still. WAL ones last and close together: pins alone are atomic only up to the window, so either nobody committed within
//! it (sentinels) or everybody was kept out for it (freeze). It copies nothing, and never waits for long while it makes others wait.
//! A transaction over several WAL files is not atomic on disk (the files commit one after the other), so a moment may lie inside of one.

use std::time::{Duration, Instant};

use super::fault::Fault;
use super::header::Mode;
use super::live::{Live, Writer};
use super::pass::Member;
use super::wait::pause;
use super::{CaptureError, CaptureOptions};
use crate::model::Cancel;

/// What the pins show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exactness {
    Exact,
    /// Somebody may have committed between the first and the last pin.
    Window,
}

/// While one lock is held, another is waited for no longer than this: who holds it may be waiting for ours.
const WAIT_WHILE_HOLDING: Duration = Duration::from_millis(100);
/// How hard one moment is tried for.
const EFFORT: Effort = Effort {
    sentinel_rounds: 20,
    freeze_tries: 3,
};
/// So often the pins are let go because they took too long together; after that they are kept, and copying meets its bound.
const OVERDUE_ROUNDS: u32 = 3;

/// Pins every member that has a connection. A member that cannot be pinned loses its connection and keeps the reason.
pub(super) fn pin_all(
    members: &mut [Member<'_>],
    options: &CaptureOptions,
    cancel: &Cancel,
) -> Result<Exactness, CaptureError> {
    let mut group = Group {
        members,
        options,
        cancel,
        deadline: Instant::now() + options.deadline,
        effort: EFFORT,
    };
    group.pin_all()
}

#[derive(Clone, Copy, Debug)]
struct Effort {
    sentinel_rounds: u32,
    freeze_tries: u32,
}

enum WalPins {
    All(Exactness),
    /// This member is locked; all pins were let go.
    Waiting(usize),
}

struct Group<'g, 's> {
    members: &'g mut [Member<'s>],
    options: &'g CaptureOptions,
    cancel: &'g Cancel,
    deadline: Instant,
    effort: Effort,
}

impl Group<'_, '_> {
    fn pin_all(&mut self) -> Result<Exactness, CaptureError> {
        loop {
            self.pin_rollback()?;
            match self.pin_wal()? {
                WalPins::All(exactness) => return Ok(exactness),
                WalPins::Waiting(member) => self.wait_for(member)?,
            }
        }
    }

    fn of_mode(&self, mode: Mode) -> Vec<usize> {
        let has = |member: &Member<'_>| member.live.as_ref().is_some_and(|live| live.mode == mode);
        (0..self.members.len())
            .filter(|&at| has(&self.members[at]))
            .collect()
    }

    /// Returns with all of them pinned. One that is busy lets go of all others and goes first next time, when it can be waited for
    /// with nothing held.
    fn pin_rollback(&mut self) -> Result<(), CaptureError> {
        let mut order = self.of_mode(Mode::Rollback);
        // Those that went through in an earlier round of the caller are pinned anew with the others.
        self.release(&order);
        let mut overdue_rounds = 0;
        let mut at = 0;
        while at < order.len() {
            self.cancel.check()?;
            let member = order[at];
            let overdue = at > 0 && overdue_rounds < OVERDUE_ROUNDS && self.held_too_long(order[0]);
            let pinned = if overdue {
                Pinned::Busy
            } else {
                self.pin(member, at > 0)?
            };
            match pinned {
                Pinned::Yes => at += 1,
                Pinned::Failed => {
                    order.remove(at);
                }
                Pinned::Busy => {
                    self.release(&order);
                    order.remove(at);
                    if Instant::now() < self.deadline {
                        order.insert(0, member);
                        if overdue {
                            overdue_rounds += 1;
                            pause(self.options.max_block, self.cancel)?;
                        }
                    } else {
                        self.give_up(member);
                    }
                    at = 0;
                }
            }
        }
        Ok(())
    }

    fn pin_wal(&mut self) -> Result<WalPins, CaptureError> {
        let all = self.of_mode(Mode::Wal);
        if all.len() < 2 {
            return self.pin_each(&all, Exactness::Exact);
        }
        if all.iter().all(|&at| self.post_sentinel(at)) {
            for _ in 0..self.effort.sentinel_rounds {
                let before = self.versions(&all);
                let pins = self.pin_each(&all, Exactness::Exact)?;
                let still = before.is_some() && before == self.versions(&all);
                match pins {
                    // A member that failed is not in the way of the others.
                    WalPins::All(_) if still => return Ok(pins),
                    WalPins::All(_) => self.release(&all),
                    WalPins::Waiting(_) => return Ok(pins),
                }
                if self.rollback_writers_wait_too_long() {
                    break;
                }
            }
        }
        if self.freeze(&all)? == Frozen::Yes {
            return Ok(WalPins::All(Exactness::Exact));
        }
        self.pin_each(&all, Exactness::Window)
    }

    fn pin_each(&mut self, all: &[usize], exactness: Exactness) -> Result<WalPins, CaptureError> {
        for &member in all {
            if self.members[member].live.is_none() {
                continue;
            }
            // Short even where nothing is held yet: the window should be.
            if self.pin(member, true)? == Pinned::Busy {
                let everyone: Vec<usize> = (0..self.members.len()).collect();
                self.release(&everyone);
                return Ok(WalPins::Waiting(member));
            }
        }
        Ok(WalPins::All(exactness))
    }

    /// Keeps writers out of all of them for as long as the pins take. Waiting while holding blocks the application, so a lock that is
    /// not had soon lets go of all. The write locks are taken by connections that write nothing.
    fn freeze(&mut self, all: &[usize]) -> Result<Frozen, CaptureError> {
        let mut writers: Vec<Writer> = Vec::new();
        for live in all.iter().filter_map(|&at| self.members[at].live.as_ref()) {
            match live.writer() {
                Some(writer) => writers.push(writer),
                None => return Ok(Frozen::No),
            }
        }
        for _ in 0..self.effort.freeze_tries {
            self.cancel.check()?;
            if self.rollback_writers_wait_too_long() {
                break;
            }
            let began = Instant::now();
            let locked = writers.iter_mut().all(|writer| {
                let until = Instant::now() + WAIT_WHILE_HOLDING;
                writer.lock(until, self.cancel).is_ok()
            });
            let pins = if locked {
                Some(self.pin_each(all, Exactness::Exact)?)
            } else {
                None
            };
            writers.iter().for_each(Writer::unlock);
            if matches!(pins, Some(WalPins::All(_))) {
                return Ok(Frozen::Yes);
            }
            pause(2 * began.elapsed(), self.cancel)?;
        }
        Ok(Frozen::No)
    }

    fn pin(&mut self, member: usize, something_held: bool) -> Result<Pinned, CaptureError> {
        let until = if something_held {
            self.deadline.min(Instant::now() + WAIT_WHILE_HOLDING)
        } else {
            self.deadline
        };
        let Some(live) = self.members[member].live.as_mut() else {
            return Ok(Pinned::Failed);
        };
        let pinned = live.arm(until, self.cancel).and_then(|()| live.pin());
        self.cancel.check()?;
        Ok(match pinned {
            Ok(()) => Pinned::Yes,
            Err(cause) if Fault::of(&cause) == Fault::Busy => Pinned::Busy,
            Err(cause) => {
                self.members[member].fail(cause, Duration::ZERO);
                Pinned::Failed
            }
        })
    }

    /// With nothing held, up to the deadline.
    fn wait_for(&mut self, member: usize) -> Result<(), CaptureError> {
        let Some(live) = self.members[member].live.as_mut() else {
            return Ok(());
        };
        let read = live
            .arm(self.deadline, self.cancel)
            .and_then(|()| live.read());
        self.cancel.check()?;
        match read {
            Ok(()) if Instant::now() < self.deadline => {}
            Ok(()) => self.give_up(member),
            Err(cause) => {
                let waited = self.options.deadline;
                self.members[member].fail(cause, waited);
            }
        }
        Ok(())
    }

    fn give_up(&mut self, member: usize) {
        let path = self.members[member].subject.path.clone();
        let waited = self.options.deadline;
        self.members[member].end(CaptureError::Busy { path, waited });
    }

    fn release(&mut self, which: &[usize]) {
        for &at in which {
            self.members[at].release();
        }
    }

    fn post_sentinel(&mut self, member: usize) -> bool {
        let live = self.members[member].live.as_mut();
        live.is_some_and(|live| live.post_sentinel().is_ok())
    }

    /// None where one of them cannot tell.
    fn versions(&self, which: &[usize]) -> Option<Vec<i64>> {
        which
            .iter()
            .filter_map(|&at| self.members[at].live.as_ref())
            .map(Live::version)
            .collect()
    }

    /// Pinning may take half of the time that their writers can wait; the other half is for copying.
    fn rollback_writers_wait_too_long(&self) -> bool {
        self.of_mode(Mode::Rollback)
            .into_iter()
            .any(|at| self.held_too_long(at))
    }

    fn held_too_long(&self, member: usize) -> bool {
        let pin = self.members[member].live.as_ref().and_then(|live| live.pin);
        pin.is_some_and(|pin| pin.at.elapsed() > self.options.max_block / 2)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pinned {
    Yes,
    Busy,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frozen {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rusqlite::Connection;

    use super::super::pass::Context;
    use super::super::progress::Tally;
    use super::super::scratch::Scratch;
    use super::super::subject::Subject;
    use super::*;
    use crate::model::{NoObserver, WhenBusy};

    const FREEZE_ONLY: Effort = Effort {
        sentinel_rounds: 0,
        freeze_tries: 3,
    };

    fn databases(dir: &Path) -> Vec<PathBuf> {
        let make = |at: usize| {
            let path = dir.join(format!("{at}.db"));
            let db = Connection::open(&path).unwrap();
            db.execute_batch(
                "PRAGMA journal_mode=WAL; CREATE TABLE t(n); INSERT INTO t VALUES (0)",
            )
            .unwrap();
            path
        };
        (0..3).map(make).collect()
    }

    /// Pins with nothing but the freeze; then `look` sees what the pins left.
    fn freeze(paths: &[PathBuf], look: impl FnOnce(Exactness)) {
        let dir = tempfile::tempdir().unwrap();
        let options = CaptureOptions {
            max_block: Duration::from_secs(2),
            when_busy: WhenBusy::Fail,
            deadline: Duration::from_secs(10),
            copy_deadline: Duration::from_secs(10),
        };
        let cancel = Cancel::new();
        let context = Context {
            scratch: Scratch::with_room(dir.path(), 0).unwrap(),
            options: &options,
            cancel: &cancel,
            tally: Tally::new(&NoObserver, 0),
        };
        let look_at = |path| Subject::look("c", path, options.deadline, &cancel).unwrap();
        let subjects: Vec<Subject> = paths.iter().map(|path| look_at(path)).collect();
        let mut members: Vec<Member<'_>> = subjects.iter().map(Member::new).collect();
        for member in &mut members {
            member.open(&context).unwrap();
        }
        let exactness = Group {
            members: &mut members,
            options: &options,
            cancel: &cancel,
            deadline: Instant::now() + options.deadline,
            effort: FREEZE_ONLY,
        }
        .pin_all()
        .unwrap();
        assert!(
            members
                .iter()
                .all(|m| m.live.as_ref().unwrap().pin.is_some())
        );
        look(exactness);
        members.iter_mut().for_each(Member::close);
    }

    fn may_write(path: &Path) -> bool {
        let db = Connection::open(path).unwrap();
        db.busy_timeout(Duration::ZERO).unwrap();
        db.execute_batch("UPDATE t SET n = n + 1").is_ok()
    }

    #[test]
    fn a_freeze_gives_one_moment_and_lets_writers_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let paths = databases(dir.path());
        freeze(&paths, |exactness| {
            assert_eq!(exactness, Exactness::Exact);
            assert!(paths.iter().all(|path| may_write(path)));
        });
    }

    #[test]
    fn a_freeze_that_cannot_be_had_gives_all_locks_back_and_is_not_exact() {
        let dir = tempfile::tempdir().unwrap();
        let paths = databases(dir.path());
        let owner = Connection::open(&paths[2]).unwrap();
        owner.execute_batch("BEGIN IMMEDIATE").unwrap();
        freeze(&paths, |exactness| {
            assert_eq!(exactness, Exactness::Window);
            assert!(may_write(&paths[0]) && may_write(&paths[1]));
            assert!(!may_write(&paths[2]), "its owner still has it");
        });
    }
}
