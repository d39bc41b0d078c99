//! One pass over a group: open, pin, copy, release, close. What it could not copy keeps its reason; whether to try again is decided by
//! the caller.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::copy::{self, Bound, Copied, CopyError, Length};
use super::fault::Fault;
use super::header::Mode;
use super::live::{Closed, Live, OpenError};
use super::moment::{self, Exactness};
use super::progress::Tally;
use super::raw;
use super::scratch::{Scratch, ScratchFile};
use super::subject::{Class, Subject};
use super::{CaptureError, CaptureOptions};
use crate::model::Cancel;

/// What every step is given.
pub(super) struct Context<'a> {
    pub scratch: Scratch,
    pub options: &'a CaptureOptions,
    pub cancel: &'a Cancel,
    pub tally: Tally<'a>,
}

/// May writers of rollback-mode databases be made to wait for as long as it takes?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Bounded,
    Unbounded,
}

/// What a pass got, in the order of its subjects.
pub(super) struct Pass {
    /// None where it was handed over.
    pub taken: Vec<Option<Taken>>,
    pub exactness: Exactness,
    /// First and last snapshot point.
    pub window: Option<(Instant, Instant)>,
}

/// What became of one subject.
pub(super) struct Taken {
    pub content: Content,
    pub clock: Timestamp,
    /// The longest time that its writers waited in one piece.
    pub blocked: Duration,
    pub closed: Closed,
    pub place: Place,
}

pub(super) enum Content {
    Database {
        copy: ScratchFile,
        mode: Mode,
        length: Length,
    },
    Plain {
        copy: ScratchFile,
        change: Change,
    },
    Damaged {
        copies: Vec<ScratchFile>,
    },
    Failed(CaptureError),
}

/// Whether bytes that nobody locks stood still while they were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Still,
    Moving,
}

/// Whether the name still means the file that was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Same,
    Replaced,
}

/// A subject on its way through a pass.
pub(super) struct Member<'a> {
    pub subject: &'a Subject,
    pub live: Option<Live>,
    route: Route,
    clock: Timestamp,
    blocked: Duration,
    closed: Closed,
    place: Place,
}

/// How its content is had.
enum Route {
    /// Through the connection.
    Live,
    /// By copying its files, which SQLite then recovers in the scratch folder.
    Files,
    /// As bytes: it is no database.
    Bytes,
    /// As bytes, side files too: SQLite cannot read it.
    Rescue,
    Ended(Content),
    /// Its copy is the receiver's.
    HandedOver,
}

/// What becomes of the others where writers of one waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// The pass ends there: the caller takes all of them again.
    EndsThePass,
    IsLeftOut,
}

/// Gets a copy of a subject as soon as nothing can take it back. Others may still be pinned then: it must not wait for anything.
pub(super) type HandOver<'h> = dyn FnMut(usize, Taken) -> Result<(), CaptureError> + 'h;

/// An error is the group's own: nothing that follows could succeed.
pub(super) fn take(
    subjects: &[&Subject],
    patience: Patience,
    blocked: Blocked,
    context: &Context<'_>,
    hand_over: &mut HandOver<'_>,
) -> Result<Pass, CaptureError> {
    let mut members: Vec<Member<'_>> = subjects.iter().map(|s| Member::new(s)).collect();
    let moment = run(&mut members, patience, blocked, context, hand_over);
    // However it ended, what SQLite made for us beside a database goes.
    members.iter_mut().for_each(Member::close);
    let (exactness, window) = moment?;
    Ok(Pass {
        taken: members.into_iter().map(Member::finish).collect(),
        exactness,
        window,
    })
}

fn run(
    members: &mut [Member<'_>],
    patience: Patience,
    blocked: Blocked,
    context: &Context<'_>,
    hand_over: &mut HandOver<'_>,
) -> Result<(Exactness, Option<(Instant, Instant)>), CaptureError> {
    for member in &mut *members {
        member.open(context)?;
    }
    let mut exactness = moment::pin_all(members, context.options, context.cancel)?;
    let window = window(members);
    // The small ones first: the receiver has something to do while the large ones are copied.
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|&at| members[at].subject.stamps.main.size);
    let waits = |at: &usize| members[*at].subject.class == Class::Database(Mode::Rollback);
    // Rollback mode first, each released at once: their writers are waiting.
    let (waiting, others): (Vec<usize>, Vec<usize>) = order.into_iter().partition(waits);
    for &at in &waiting {
        members[at].copy_live(patience, &mut exactness, context)?;
    }
    let again = waiting.iter().any(|&at| members[at].is_blocking());
    if again && blocked == Blocked::EndsThePass {
        return Ok((exactness, window));
    }
    for at in waiting {
        members[at].hand_over(at, hand_over)?;
    }
    for at in others {
        members[at].copy_live(patience, &mut exactness, context)?;
        members[at].hand_over(at, hand_over)?;
    }
    for member in members {
        member.copy_unpinned(&mut exactness, context)?;
    }
    Ok((exactness, window))
}

fn window(members: &[Member<'_>]) -> Option<(Instant, Instant)> {
    let pins = || {
        members
            .iter()
            .filter_map(|member| member.live.as_ref()?.pin)
    };
    Some((
        pins().map(|pin| pin.began).min()?,
        pins().map(|pin| pin.at).max()?,
    ))
}

impl<'a> Member<'a> {
    pub(super) fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            live: None,
            route: match subject.class {
                Class::Empty | Class::NotADatabase => Route::Bytes,
                Class::Database(_) if subject.would_lock_its_owner_out() => Route::Files,
                Class::Database(_) => Route::Live,
            },
            clock: Timestamp::now(),
            blocked: Duration::ZERO,
            closed: Closed::Clean,
            place: Place::Same,
        }
    }

    pub(super) fn open(&mut self, context: &Context<'_>) -> Result<(), CaptureError> {
        let (Route::Live, Class::Database(mode)) = (&self.route, self.subject.class) else {
            return Ok(());
        };
        let patience = context.options.deadline;
        let opened = Live::open(self.subject, mode, patience, context.cancel);
        context.cancel.check()?;
        match opened {
            Ok(live) => self.live = Some(live),
            Err(OpenError::Capture(error)) => self.end(error),
            Err(OpenError::Sqlite(cause)) => self.fail(cause, patience),
            Err(OpenError::Replaced) => self.replaced(),
        }
        Ok(())
    }

    /// Takes the way that an error of SQLite's points to.
    pub(super) fn fail(&mut self, cause: rusqlite::Error, waited: Duration) {
        let path = &self.subject.path;
        let wal = self.subject.class == Class::Database(Mode::Wal);
        let route = match Fault::of(&cause) {
            Fault::Busy => Route::Ended(Content::Failed(CaptureError::Busy {
                path: path.clone(),
                waited,
            })),
            Fault::HotJournal => Route::Files,
            Fault::NoSharedMemory | Fault::CannotOpen if wal => Route::Files,
            // It has the header of one.
            Fault::NotADatabase | Fault::Damaged => Route::Rescue,
            _ => Route::Ended(Content::Failed(CaptureError::sqlite(path, cause))),
        };
        self.close();
        self.route = route;
    }

    pub(super) fn end(&mut self, error: CaptureError) {
        self.close();
        self.route = Route::Ended(Content::Failed(error));
    }

    pub(super) fn release(&mut self) {
        if let Some(live) = self.live.as_mut() {
            let lasted = live.release();
            if live.mode == Mode::Rollback {
                self.blocked = self.blocked.max(lasted);
            }
        }
    }

    fn replaced(&mut self) {
        let path = self.subject.path.clone();
        self.end(CaptureError::Moving { path });
        self.place = Place::Replaced;
    }

    pub(super) fn close(&mut self) {
        self.release();
        if let Some(live) = self.live.take() {
            self.closed = live.close();
        }
    }

    fn is_blocking(&self) -> bool {
        matches!(&self.route, Route::Ended(content) if content.is_blocking())
    }

    /// What was replaced meanwhile is copied again, and is the caller's.
    fn hand_over(&mut self, at: usize, to: &mut HandOver<'_>) -> Result<(), CaptureError> {
        if self.place == Place::Replaced {
            return Ok(());
        }
        match std::mem::replace(&mut self.route, Route::HandedOver) {
            Route::Ended(content @ Content::Database { .. }) => to(at, self.taken(content)),
            other => {
                self.route = other;
                Ok(())
            }
        }
    }

    fn copy_live(
        &mut self,
        patience: Patience,
        exactness: &mut Exactness,
        context: &Context<'_>,
    ) -> Result<(), CaptureError> {
        let Some(live) = self.live.as_mut() else {
            return Ok(());
        };
        if let Some(pin) = live.pin {
            self.clock = pin.clock;
        }
        let file = context.scratch.create()?;
        let bound = match (live.mode, patience) {
            (Mode::Wal, _) => Bound::Wal,
            (Mode::Rollback, Patience::Bounded) => Bound::Writers(context.options.max_block),
            (Mode::Rollback, Patience::Unbounded) => Bound::Unbounded,
        };
        // The copy itself waits for no lock; what SQLite may still wait for gets a budget of its own.
        let copied = live
            .arm(Instant::now() + context.options.deadline, context.cancel)
            .map_err(CopyError::Sqlite)
            .and_then(|()| copy::copy(live, &self.subject.component, &file, bound, context));
        let still = live.is_still_there();
        match copied {
            Ok(Copied { mode, length }) => {
                if live.mode != mode {
                    // It changed its mode between the look and the pin, so it was not pinned where its kind is.
                    live.mode = mode;
                    *exactness = Exactness::Window;
                }
                self.close();
                self.route = Route::Ended(Content::Database {
                    copy: file,
                    mode,
                    length,
                });
                if !still {
                    self.place = Place::Replaced;
                }
            }
            Err(CopyError::Blocking) => {
                let path = self.subject.path.clone();
                let bound = context.options.max_block;
                self.end(CaptureError::Blocking { path, bound });
            }
            Err(CopyError::Capture(error)) if error.ends_the_group() => return Err(error),
            Err(CopyError::Capture(error)) => self.end(error),
            Err(CopyError::Sqlite(cause)) if Fault::of(&cause) == Fault::NoSpace => {
                return Err(CaptureError::NoSpace(context.scratch.dir().to_owned()));
            }
            Err(CopyError::Sqlite(cause)) => {
                let waited = context.options.deadline;
                self.fail(cause, waited);
            }
        }
        Ok(())
    }

    /// With no connection of this pass to the file left: what is opened as bytes must not be held.
    fn copy_unpinned(
        &mut self,
        exactness: &mut Exactness,
        context: &Context<'_>,
    ) -> Result<(), CaptureError> {
        if matches!(self.route, Route::Bytes | Route::Rescue | Route::Files) {
            self.clock = Timestamp::now();
        }
        let subject = self.subject;
        let copied = match self.route {
            Route::Live | Route::Ended(_) | Route::HandedOver => return Ok(()),
            Route::Bytes => raw::plain(subject, context),
            Route::Rescue => raw::rescue(subject, context),
            Route::Files => raw::recover(subject, context).map(|(content, since_the_look)| {
                if since_the_look == Change::Moving {
                    *exactness = Exactness::Window;
                }
                content
            }),
        };
        self.route = Route::Ended(match copied {
            Ok(copied) => copied,
            Err(error) if error.ends_the_group() => return Err(error),
            Err(error) => Content::Failed(error),
        });
        Ok(())
    }

    fn finish(mut self) -> Option<Taken> {
        let content = match std::mem::replace(&mut self.route, Route::HandedOver) {
            Route::HandedOver => return None,
            Route::Ended(content) => content,
            // Every other route was walked to its end, unless the pass ended before.
            _ => Content::Failed(CaptureError::Moving {
                path: self.subject.path.clone(),
            }),
        };
        Some(self.taken(content))
    }

    fn taken(&self, content: Content) -> Taken {
        Taken {
            content,
            clock: self.clock,
            blocked: self.blocked,
            closed: self.closed,
            place: self.place,
        }
    }
}

impl Content {
    pub(super) fn is_blocking(&self) -> bool {
        matches!(self, Self::Failed(CaptureError::Blocking { .. }))
    }
}
