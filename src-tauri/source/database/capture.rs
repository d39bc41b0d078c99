//! The capture of a group: look, pass, try again what deserves it, deliver. The steps of a pass are elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::deliver::{Delivery, Done};
use super::moment::Exactness;
use super::pass::{self, Blocked, Content, Context, Patience, Place, Taken};
use super::progress::Tally;
use super::scratch::Scratch;
use super::subject::Subject;
use super::wait::pause;
use super::{CaptureError, CaptureOptions, CaptureSummary, Captured, DatabaseSource};
use crate::model::{Cancel, Observer, Warning, WhenBusy};

pub(super) fn capture(
    sources: &[DatabaseSource],
    scratch: &Path,
    options: &CaptureOptions,
    cancel: &Cancel,
    observer: &dyn Observer,
    each: &mut dyn FnMut(Captured),
) -> Result<CaptureSummary, CaptureError> {
    let started_at = Timestamp::now();
    let Looked { found, subjects } = look(sources, options, cancel)?;
    let bytes = subjects.iter().map(Subject::bytes).sum();
    let context = Context {
        scratch: Scratch::with_room(scratch, bytes)?,
        options,
        cancel,
        tally: Tally::new(observer, bytes),
    };
    let mut delivery = Delivery::new(sources, found, each);
    let group = Group::take(subjects, &mut delivery, &context)?;
    let summary = group.summary(started_at);
    group.deliver()?;
    delivery.finish();
    Ok(summary)
}

/// What the sources turned out to be.
struct Looked {
    /// For each source its subject, or why there is none.
    found: Vec<Result<usize, CaptureError>>,
    /// Each file once, however often and by whatever names it was given.
    subjects: Vec<Subject>,
}

fn look(
    sources: &[DatabaseSource],
    options: &CaptureOptions,
    cancel: &Cancel,
) -> Result<Looked, CaptureError> {
    let mut subjects: Vec<Subject> = Vec::new();
    let mut found = Vec::with_capacity(sources.len());
    for source in sources {
        cancel.check()?;
        found.push(
            match Subject::look(&source.component, &source.path, options.deadline, cancel) {
                Err(error) if error.ends_the_group() => return Err(error),
                Err(error) => Err(error),
                Ok(subject) => Ok(match subjects.iter().position(|s| s.key == subject.key) {
                    None => {
                        subjects.push(subject);
                        subjects.len() - 1
                    }
                    Some(at) => {
                        // A hard link: SQLite looks for the side files by name, so the name that has them is the one to open.
                        if subject.has_side_content() && !subjects[at].has_side_content() {
                            subjects[at] = subject;
                        }
                        at
                    }
                }),
            },
        );
    }
    Ok(Looked { found, subjects })
}

/// A group on its way: one pass for all, more for what the first could not get.
struct Group<'c, 'a, 'd> {
    context: &'c Context<'a>,
    delivery: &'c mut Delivery<'d>,
    subjects: Vec<Subject>,
    /// None where its receiver has it.
    got: Vec<Option<Done>>,
    exactness: Exactness,
    window: Option<(Instant, Instant)>,
}

impl<'c, 'a, 'd> Group<'c, 'a, 'd> {
    fn take(
        subjects: Vec<Subject>,
        delivery: &'c mut Delivery<'d>,
        context: &'c Context<'a>,
    ) -> Result<Self, CaptureError> {
        let all: Vec<&Subject> = subjects.iter().collect();
        let mut blocked = vec![Duration::ZERO; all.len()];
        let mut take = |on_blocked, blocked: &[Duration]| {
            let mut hand_over = |at: usize, taken: Taken| {
                let done = Done::new(taken, blocked[at]);
                delivery.hand_over(at, all[at], done, context)
            };
            pass::take(&all, Patience::Bounded, on_blocked, context, &mut hand_over)
        };
        let mut pass = take(Blocked::EndsThePass, &blocked)?;
        let lasted = |taken: &Option<Taken>| taken.as_ref().map_or(Duration::ZERO, |t| t.blocked);
        if pass.taken.iter().flatten().any(|t| t.content.is_blocking()) {
            // All of them again, so that they still show one moment.
            blocked = pass.taken.iter().map(lasted).collect();
            drop(pass);
            pause(2 * context.options.max_block, context.cancel)?;
            pass = take(Blocked::IsLeftOut, &blocked)?;
        }
        let got = pass.taken.into_iter().zip(blocked);
        let mut group = Self {
            context,
            delivery,
            got: got
                .map(|(taken, before)| Some(Done::new(taken?, before)))
                .collect(),
            subjects,
            exactness: pass.exactness,
            window: pass.window,
        };
        for at in 0..group.got.len() {
            group.finish(at)?;
        }
        Ok(group)
    }

    fn deliver(self) -> Result<(), CaptureError> {
        for (at, (subject, done)) in self.subjects.iter().zip(self.got).enumerate() {
            if let Some(done) = done {
                self.delivery.hand_over(at, subject, done, self.context)?;
            }
        }
        Ok(())
    }

    /// What one database still needs, for itself: a later moment is better than no copy.
    fn finish(&mut self, at: usize) -> Result<(), CaptureError> {
        if self.is_blocking(at) {
            pause(2 * self.context.options.max_block, self.context.cancel)?;
            self.alone(at, Patience::Bounded)?;
            if self.is_blocking(at) && self.context.options.when_busy == WhenBusy::Wait {
                self.alone(at, Patience::Unbounded)?;
            }
        }
        let moved = self.got[at].as_ref().is_some_and(|done| {
            done.taken.place == Place::Replaced
                || matches!(
                    done.taken.content,
                    Content::Failed(CaptureError::Moving { .. })
                )
        });
        if moved {
            self.alone(at, Patience::Bounded)?;
        }
        Ok(())
    }

    fn is_blocking(&self, at: usize) -> bool {
        let done = self.got[at].as_ref();
        done.is_some_and(|done| done.taken.content.is_blocking())
    }

    fn alone(&mut self, at: usize, patience: Patience) -> Result<(), CaptureError> {
        let Some(done) = &mut self.got[at] else {
            return Ok(());
        };
        let (old, cancel) = (&self.subjects[at], self.context.cancel);
        let deadline = self.context.options.deadline;
        let subject = match Subject::look(&old.component, &old.path, deadline, cancel) {
            Ok(subject) => subject,
            Err(error) if error.ends_the_group() => return Err(error),
            Err(error) => {
                // What there is of it stays: the content of a file that is gone now.
                match &mut done.taken.content {
                    Content::Failed(failed) => *failed = error,
                    _ => done.gone = Some(error),
                }
                return Ok(());
            }
        };
        // Kept until it is known whether it is better than what there was.
        let mut late = None;
        let mut keep = |_: usize, taken: Taken| {
            late = Some(taken);
            Ok(())
        };
        let mut pass = pass::take(
            &[&subject],
            patience,
            Blocked::IsLeftOut,
            self.context,
            &mut keep,
        )?;
        let Some(taken) = late.or_else(|| pass.taken.pop().flatten()) else {
            return Ok(());
        };
        self.subjects[at] = subject;
        done.blocked = done.blocked.max(taken.blocked);
        let got_something = !matches!(taken.content, Content::Failed(_));
        let had_something = !matches!(done.taken.content, Content::Failed(_));
        if got_something || !had_something {
            done.taken = taken;
        }
        if got_something {
            self.exactness = Exactness::Window;
            self.window = match (self.window, pass.window) {
                (Some(first), Some(late)) if self.subjects.len() > 1 => {
                    Some((first.0.min(late.0), first.1.max(late.1)))
                }
                (old, None) => old,
                (_, new) => new,
            };
        }
        Ok(())
    }

    fn summary(&self, started_at: Timestamp) -> CaptureSummary {
        // What was handed over before the end is a database.
        let is_database = |done: &&Option<Done>| {
            done.as_ref()
                .is_none_or(|done| matches!(done.taken.content, Content::Database { .. }))
        };
        let databases = self.got.iter().filter(is_database).count();
        let exact = databases < 2 || self.exactness == Exactness::Exact;
        let window = self
            .window
            .map_or(Duration::ZERO, |(first, last)| last - first);
        let warnings = if exact {
            Vec::new()
        } else {
            vec![Warning::new(
                "not_exact",
                None,
                format!(
                    "the databases were written to while they were captured: they are {:.3} ms apart",
                    window.as_secs_f64() * 1000.0
                ),
            )]
        };
        CaptureSummary {
            started_at,
            window,
            exact,
            warnings,
        }
    }
}
