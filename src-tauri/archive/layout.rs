//! Where each component lies in the stream, derived from the manifest, and which members hold it. It reads nothing.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::manifest::Manifest;

use super::manifest::Table;
use super::{OpenError, padding};

/// What lies between two places of the uncompressed stream.
#[derive(Debug)]
struct Segment {
    owner: Owner,
    bytes: Range<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Component(String),
    /// An entry of the archive's own.
    Metadata(String),
}

/// The segments in the order of the stream. A tree's first entry is in no manifest: it begins where what is before it ends.
#[derive(Debug)]
pub(super) struct Layout(Vec<Segment>);

/// What of an archive is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection<'a> {
    /// Empty: all of them.
    pub components: &'a [String],
    pub metadata: bool,
}

impl Selection<'_> {
    pub(super) fn wants(&self, component: &str) -> bool {
        self.components.is_empty() || self.components.iter().any(|one| one == component)
    }
}

impl Layout {
    pub(super) fn empty() -> Self {
        Self(Vec::new())
    }

    pub(super) fn new(manifest: &Manifest) -> Result<Self, OpenError> {
        let mut entries: Vec<_> = manifest.contents.iter().collect();
        entries.sort_by_key(|entry| entry.tar_offset);
        let mut segments: Vec<Segment> = Vec::new();
        let mut owners = HashSet::new();
        for entry in entries {
            let owner = if entry.component.is_empty() {
                Owner::Metadata(entry.file.clone())
            } else {
                Owner::Component(entry.component.clone())
            };
            // Both were checked to be inside the stream.
            let end = entry.tar_offset + entry.size_bytes + padding(entry.size_bytes);
            let start = segments.last().map_or(0, |last| last.bytes.end);
            if entry.tar_offset < start {
                let reason = "it overlaps what is before it";
                return Err(OpenError::refused_entry(entry.file.as_bytes(), reason));
            }
            if let Some(last) = segments.last_mut().filter(|last| last.owner == owner) {
                last.bytes.end = end;
                continue;
            }
            if !owners.insert(owner.clone()) {
                let reason = "the entries of its component are not in a row";
                return Err(OpenError::refused_entry(entry.file.as_bytes(), reason));
            }
            segments.push(Segment {
                owner,
                bytes: start..end,
            });
        }
        Ok(Self(segments))
    }

    /// Whether anything of the component is in the stream.
    pub(super) fn holds(&self, component: &str) -> bool {
        self.0
            .iter()
            .any(|segment| matches!(&segment.owner, Owner::Component(name) if name == component))
    }

    /// The members to read, neighbours together, in order.
    pub(super) fn runs(&self, table: &Table, selection: Selection<'_>) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for segment in &self.0 {
            let wanted = match &segment.owner {
                Owner::Component(name) => selection.wants(name),
                Owner::Metadata(_) => selection.metadata,
            };
            if !wanted {
                continue;
            }
            let starts = &table.uncompressed;
            // The last that begins at or before the first byte; the first that begins at or after the end.
            let first = starts.partition_point(|at| *at <= segment.bytes.start) - 1;
            let end = starts.partition_point(|at| *at < segment.bytes.end);
            match runs.last_mut() {
                Some(run) if run.end >= first => run.end = run.end.max(end),
                _ => runs.push(first..end),
            }
        }
        runs
    }
}
