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

/// What a group got, by subject.
pub(super) struct Got {
    pub subjects: Vec<Subject>,
    pub taken: Vec<Taken>,
    /// The longest block over all tries.
    pub blocked: Vec<Duration>,
    /// Why it could not be looked at again.
    pub gone: Vec<Option<CaptureError>>,
}

/// One result a source. A file that was given twice gets a second name in the scratch folder, so that both copies can be deleted.
pub(super) fn share_out(
    got: Got,
    sources: &[DatabaseSource],
    found: Vec<Result<usize, CaptureError>>,
    context: &Context<'_>,
) -> Result<Vec<Ready>, CaptureError> {
    let mut firsts: Vec<Option<&DatabaseSource>> = vec![None; got.subjects.len()];
    let mut ready = Vec::with_capacity(sources.len());
    let mut taken: Vec<Option<Taken>> = got.taken.into_iter().map(Some).collect();
    let users = |at: usize| {
        found
            .iter()
            .filter(|f| matches!(f, Ok(a) if *a == at))
            .count()
    };
    let mut left: Vec<usize> = (0..taken.len()).map(users).collect();
    for (source, found) in sources.iter().zip(found) {
        let at = match found {
            Ok(at) => at,
            Err(error) => {
                ready.push(Ready::missing(source, error));
                continue;
            }
        };
        left[at] -= 1;
        let mine = if left[at] == 0 {
            taken[at].take()
        } else {
            taken[at].as_ref().map(|t| twin(t, context)).transpose()?
        };
        let Some(mine) = mine else { continue };
        let mut warnings = warnings_of(&got.subjects[at], &mine, got.gone[at].as_ref());
        if let Some(first) = firsts[at] {
            warnings.push((
                "same_file",
                format!(
                    "`{}` and `{}` are the same file",
                    source.path.display(),
                    first.path.display()
                ),
            ));
        }
        firsts[at].get_or_insert(source);
        ready.push(Ready {
            source: source.clone(),
            stat: got.subjects[at].stat.clone(),
            captured_at: mine.clock,
            blocked: got.blocked[at],
            content: mine.content,
            warnings,
        });
    }
    Ok(ready)
}

/// A result whose copies are still ours.
pub(super) struct Ready {
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

    pub(super) fn keep(self) -> Captured {
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

fn twin(taken: &Taken, context: &Context<'_>) -> Result<Taken, CaptureError> {
    let file = |copy: &ScratchFile| context.scratch.twin(copy.path());
    Ok(Taken {
        content: match &taken.content {
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
        },
        ..*taken
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
