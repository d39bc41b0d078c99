//! Reads every byte and says what is wrong. Nothing is written but unnamed temporary files, and nothing panics whatever the bytes are.

use std::io::Read;

use crate::model::problem::ArchiveProblem;
use crate::model::{Cancel, Observer, Phase};

use super::codec::Expand;
use super::inspect::{Sink, inspect};
use super::layout::Selection;
use super::stream::{Shared, Watch, expand_member, read_member, with_members};
use super::tar_read::TarEntry;
use super::{Archive, OpenError};

/// More damaged members than this are counted, not listed.
const MAX_LISTED: usize = 100;

impl Archive {
    /// Reads every byte: hashes, tar headers, manifest and index against each other, the end. Problems are returned, not errors.
    pub fn verify(
        &self,
        cancel: &Cancel,
        observer: &dyn Observer,
    ) -> Result<Vec<ArchiveProblem>, OpenError> {
        let mut problems = Vec::new();
        if self.is_old() {
            // Every byte was read and every digest compared when it was opened.
            return Ok(problems);
        }
        if let Some(reason) = &self.tail_fault {
            problems.push(ArchiveProblem {
                code: "tail_damaged".to_owned(),
                entry: None,
                message: format!("{reason}; the manifest was found from the front"),
            });
        }
        let selection = Selection {
            components: &[],
            metadata: true,
        };
        let watch = Watch {
            cancel,
            observer,
            phase: Phase::Verifying,
        };
        let count = self.table.len();
        // Every member, whether the manifest has something in it or not.
        let runs: Vec<_> = std::iter::once(0..count)
            .filter(|run| !run.is_empty())
            .collect();
        let scratch = std::env::temp_dir();
        let inspected = with_members(self, &runs, &watch, |stream| {
            inspect(self, &runs, selection, &scratch, stream, &mut Nowhere)
        });
        match inspected {
            Ok(()) => {}
            Err(OpenError::Refused { entry, reason, .. }) => {
                problems.push(ArchiveProblem {
                    code: "refused".to_owned(),
                    entry,
                    message: reason,
                });
                self.damaged_members(cancel, &mut problems)?;
            }
            Err(other) => return Err(other),
        }
        Ok(problems)
    }

    /// Which members are damaged, each on its own, after the stream as a whole was found wanting.
    fn damaged_members(
        &self,
        cancel: &Cancel,
        problems: &mut Vec<ArchiveProblem>,
    ) -> Result<(), OpenError> {
        let mut expand = Expand::new(self.compression).map_err(OpenError::Read)?;
        let at = &self.table.compressed;
        let end = at[self.table.len()];
        let mut span: Option<Box<dyn Read + Send>> = None;
        let mut unlisted = 0u64;
        for (member, start) in at[..self.table.len()].iter().enumerate() {
            cancel.check()?;
            let checked = match span.take() {
                Some(span) => Ok(span),
                None => self.content.span(*start, end),
            }
            .and_then(|mut reader| {
                let bytes = read_member(self, member, &mut reader)?;
                // Beyond a member that could not be read a new span begins.
                span = Some(reader);
                expand_member(self, member, &bytes, &mut expand, Vec::new())
            });
            match checked {
                Ok(_) => {}
                Err(OpenError::Refused { entry, reason, .. }) => {
                    let problem = ArchiveProblem {
                        code: "member_damaged".to_owned(),
                        entry,
                        message: reason,
                    };
                    if problems.len() >= MAX_LISTED {
                        unlisted += 1;
                    } else if !problems.iter().any(|known| known.entry == problem.entry) {
                        problems.push(problem);
                    }
                }
                Err(other) => return Err(other),
            }
        }
        if unlisted > 0 {
            problems.push(ArchiveProblem {
                code: "member_damaged".to_owned(),
                entry: None,
                message: format!("{unlisted} more members are damaged"),
            });
        }
        Ok(())
    }
}

/// Keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn begin(&mut self, _: &TarEntry) -> Result<(), OpenError> {
        Ok(())
    }

    fn content(&mut self, _: Shared) -> Result<(), OpenError> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), OpenError> {
        Ok(())
    }

    fn whole(&mut self, _: &TarEntry, _: Shared) -> Result<(), OpenError> {
        Ok(())
    }

    fn index(&mut self, _: &str, _: &[u8]) -> Result<(), OpenError> {
        Ok(())
    }
}
