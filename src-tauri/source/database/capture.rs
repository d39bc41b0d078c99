//! The capture of a group: look, pass, try again what deserves it, deliver. The steps of a pass are elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::deliver::{self, Got};
use super::moment::Exactness;
use super::pass::{self, Content, Context, Pass, Patience, Place, Taken};
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
    let group = Group::take(subjects, &context)?;
    let summary = group.summary(started_at);
    // Everything that can fail comes before the first delivery.
    let ready = deliver::share_out(group.got, sources, found, &context)?;
    for captured in ready {
        each(captured.keep());
    }
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
struct Group<'c, 'a> {
    context: &'c Context<'a>,
    got: Got,
    exactness: Exactness,
    window: Option<(Instant, Instant)>,
}

impl<'c, 'a> Group<'c, 'a> {
    fn take(subjects: Vec<Subject>, context: &'c Context<'a>) -> Result<Self, CaptureError> {
        let all: Vec<&Subject> = subjects.iter().collect();
        let mut pass = pass::take(&all, Patience::Bounded, context)?;
        let mut blocked: Vec<Duration> = pass.taken.iter().map(|taken| taken.blocked).collect();
        if pass.taken.iter().any(|taken| is_blocking(&taken.content)) {
            // All of them again, so that they still show one moment.
            drop(pass);
            pause(2 * context.options.max_block, context.cancel)?;
            pass = pass::take(&all, Patience::Bounded, context)?;
            for (longest, taken) in blocked.iter_mut().zip(&pass.taken) {
                *longest = taken.blocked.max(*longest);
            }
        }
        let Pass {
            taken,
            exactness,
            window,
        } = pass;
        let mut group = Self {
            context,
            got: Got {
                gone: subjects.iter().map(|_| None).collect(),
                subjects,
                taken,
                blocked,
            },
            exactness,
            window,
        };
        for at in 0..group.got.subjects.len() {
            group.finish(at)?;
        }
        Ok(group)
    }

    /// What one database still needs, for itself: a later moment is better than no copy.
    fn finish(&mut self, at: usize) -> Result<(), CaptureError> {
        if is_blocking(&self.got.taken[at].content) {
            pause(2 * self.context.options.max_block, self.context.cancel)?;
            self.alone(at, Patience::Bounded)?;
            if is_blocking(&self.got.taken[at].content)
                && self.context.options.when_busy == WhenBusy::Wait
            {
                self.alone(at, Patience::Unbounded)?;
            }
        }
        let moved = self.got.taken[at].place == Place::Replaced
            || matches!(
                self.got.taken[at].content,
                Content::Failed(CaptureError::Moving { .. })
            );
        if moved {
            self.alone(at, Patience::Bounded)?;
        }
        Ok(())
    }

    fn alone(&mut self, at: usize, patience: Patience) -> Result<(), CaptureError> {
        let old = &self.got.subjects[at];
        let deadline = self.context.options.deadline;
        let subject = match Subject::look(&old.component, &old.path, deadline, self.context.cancel)
        {
            Ok(subject) => subject,
            Err(error) if error.ends_the_group() => return Err(error),
            Err(error) => {
                // What there is of it stays: the content of a file that is gone now.
                match &mut self.got.taken[at].content {
                    Content::Failed(failed) => *failed = error,
                    _ => self.got.gone[at] = Some(error),
                }
                return Ok(());
            }
        };
        let mut pass = pass::take(&[&subject], patience, self.context)?;
        let Some(taken) = pass.taken.pop() else {
            return Ok(());
        };
        self.got.subjects[at] = subject;
        self.got.blocked[at] = self.got.blocked[at].max(taken.blocked);
        let got_something = !matches!(taken.content, Content::Failed(_));
        let had_something = !matches!(self.got.taken[at].content, Content::Failed(_));
        if got_something || !had_something {
            self.got.taken[at] = taken;
        }
        if got_something {
            self.exactness = Exactness::Window;
            self.window = match (self.window, pass.window) {
                (Some(first), Some(late)) if self.got.subjects.len() > 1 => {
                    Some((first.0.min(late.0), first.1.max(late.1)))
                }
                (old, None) => old,
                (_, new) => new,
            };
        }
        Ok(())
    }

    fn summary(&self, started_at: Timestamp) -> CaptureSummary {
        let is_database = |taken: &&Taken| matches!(taken.content, Content::Database { .. });
        let databases = self.got.taken.iter().filter(is_database).count();
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

fn is_blocking(content: &Content) -> bool {
    matches!(content, Content::Failed(CaptureError::Blocking { .. }))
}
