//! Hands the copies out: one result a source, with the warnings that belong to it.

use std::time::Duration;

use jiff::Timestamp;

use super::copy::Length;
use super::header::Mode;
use super::live::Closed;
use super::pass::{Change, Content, Context, Place, Taken};
use super::scratch::ScratchFile;
use super::subject::{Class, Subject, no_stat};
use super::{CaptureError, Captured, DatabaseSource, Outcome, SourceStat};
use crate::model::Warning;

/// What is known of a subject when its copy is handed over.
pub(super) struct Done {
    pub taken: Taken,
    /// The longest block over all tries.
    pub blocked: Duration,
    /// Why it could not be looked at again.
    pub gone: Option<CaptureError>,
}

impl Done {
    /// `before`: the longest block of earlier tries.
    pub(super) fn new(taken: Taken, before: Duration) -> Self {
        Self {
            blocked: before.max(taken.blocked),
            taken,
            gone: None,
        }
    }
}

/// The way to the receiver: every source gets one result.
pub(super) struct Delivery<'d> {
    sources: &'d [DatabaseSource],
    /// For each source its subject, or why there is none.
    found: Vec<Result<usize, CaptureError>>,
    each: &'d mut dyn FnMut(Captured),
}

impl<'d> Delivery<'d> {
    pub(super) fn new(
        sources: &'d [DatabaseSource],
        found: Vec<Result<usize, CaptureError>>,
        each: &'d mut dyn FnMut(Captured),
    ) -> Self {
        Self {
            sources,
            found,
            each,
        }
    }

    /// To every source that means this subject. A file that was given twice gets a second name in the scratch folder, so that both copies
    /// can be deleted.
    pub(super) fn hand_over(
        &mut self,
        at: usize,
        subject: &Subject,
        done: Done,
        context: &Context<'_>,
    ) -> Result<(), CaptureError> {
        let users = || {
            let sources = self.sources.iter().zip(&self.found);
            sources
                .filter(|(_, found)| matches!(found, Ok(a) if *a == at))
                .map(|(source, _)| source)
        };
        let Some(first) = users().next() else {
            return Ok(());
        };
        let warnings = warnings_of(subject, &done.taken, done.gone.as_ref());
        let mut ready = Vec::new();
        // Twins before anything is given away: what the receiver has may be gone at once.
        for other in users().skip(1) {
            let mut warnings = warnings.clone();
            let (one, two) = (other.path.display(), first.path.display());
            warnings.push((
                "same_file",
                format!("`{one}` and `{two}` are the same file"),
            ));
            ready.push(Ready {
                source: other.clone(),
                stat: subject.stat.clone(),
                captured_at: done.taken.clock,
                blocked: done.blocked,
                content: twin(&done.taken.content, context)?,
                warnings,
            });
        }
        ready.push(Ready {
            source: first.clone(),
            stat: subject.stat.clone(),
            captured_at: done.taken.clock,
            blocked: done.blocked,
            content: done.taken.content,
            warnings,
        });
        for one in ready {
            (self.each)(one.keep());
        }
        Ok(())
    }

    /// Those that could not be looked at.
    pub(super) fn finish(self) {
        for (source, found) in self.sources.iter().zip(self.found) {
            if let Err(error) = found {
                (self.each)(Ready::missing(source, error).keep());
            }
        }
    }
}

/// A result whose copies are still ours.
struct Ready {
    source: DatabaseSource,
    stat: SourceStat,
    captured_at: Timestamp,
    blocked: Duration,
    content: Content,
    warnings: Vec<(&'static str, String)>,
}

impl Ready {
    fn missing(source: &DatabaseSource, error: CaptureError) -> Self {
        Self {
            source: source.clone(),
            stat: no_stat(),
            captured_at: Timestamp::now(),
            blocked: Duration::ZERO,
            content: Content::Failed(error),
            warnings: Vec::new(),
        }
    }

    fn keep(self) -> Captured {
        let component = self.source.component.clone();
        Captured {
            outcome: match self.content {
                Content::Database { copy, mode, .. } => Outcome::Database {
                    copy: copy.keep(),
                    journal_mode: mode.name().to_owned(),
                    writer_blocked: self.blocked,
                },
                Content::Plain { copy, .. } => Outcome::Plain { copy: copy.keep() },
                Content::Damaged { copies } => Outcome::Damaged {
                    copies: copies.into_iter().map(ScratchFile::keep).collect(),
                },
                Content::Failed(error) => Outcome::Missing { error },
            },
            source: self.source,
            stat: self.stat,
            captured_at: self.captured_at,
            warnings: self
                .warnings
                .into_iter()
                .map(|(code, message)| Warning::new(code, Some(&component), message))
                .collect(),
        }
    }
}

fn twin(content: &Content, context: &Context<'_>) -> Result<Content, CaptureError> {
    let file = |copy: &ScratchFile| context.scratch.twin(copy.path());
    Ok(match content {
        Content::Database { copy, mode, length } => Content::Database {
            copy: file(copy)?,
            mode: *mode,
            length: *length,
        },
        Content::Plain { copy, change } => Content::Plain {
            copy: file(copy)?,
            change: *change,
        },
        Content::Damaged { copies } => Content::Damaged {
            copies: copies.iter().map(file).collect::<Result<_, _>>()?,
        },
        Content::Failed(error) => Content::Failed(error.same()),
    })
}

fn warnings_of(
    subject: &Subject,
    taken: &Taken,
    gone: Option<&CaptureError>,
) -> Vec<(&'static str, String)> {
    let path = subject.path.display();
    let mut warnings = Vec::new();
    match &taken.content {
        Content::Plain { change, .. } => {
            if subject.class == Class::Empty {
                warnings.push(("empty_database", format!("`{path}` is empty")));
            } else {
                warnings.push((
                    "not_a_database",
                    format!("`{path}` is encrypted or no SQLite database: its bytes are kept"),
                ));
                if subject.has_side_content() {
                    warnings.push((
                        "side_files_left_out",
                        format!("what lies in the -wal or -journal of `{path}` is not kept"),
                    ));
                }
            }
            if *change == Change::Moving {
                warnings.push((
                    "changed_while_copied",
                    format!("`{path}` was written to while its bytes were copied"),
                ));
            }
        }
        Content::Damaged { .. } => warnings.push((
            "damaged",
            format!("`{path}` is damaged: its bytes are kept for a rescue"),
        )),
        Content::Database { mode, length, .. } => {
            if *length == Length::CutShort {
                warnings.push((
                    "cut_short",
                    format!("`{path}` ends before its last page does: zeros were put in the place of what is missing"),
                ));
            }
            let header_said_wal = subject.class == Class::Database(Mode::Wal);
            if header_said_wal != (*mode == Mode::Wal) {
                warnings.push((
                    "journal_mode_changed",
                    format!("`{path}` changed its journal mode while it was captured"),
                ));
            }
        }
        Content::Failed(_) => {}
    }
    if let Some(error) = gone {
        warnings.push((
            "source_gone",
            format!("`{path}` went away after it was captured: {error}"),
        ));
    } else if taken.place == Place::Replaced {
        warnings.push((
            "source_replaced",
            format!("`{path}` was replaced again while it was captured"),
        ));
    }
    if taken.closed == Closed::SideFilesLeft {
        warnings.push((
            "side_files_left",
            format!("an empty -wal and a -shm had to be left beside `{path}`"),
        ));
    }
    warnings
}
