//! What an unpacked, verified archive asks for: each component's entries with their places, and the check of every copy before any
//! of it is used.

use std::fs::File;
use std::path::Path;

use super::error::RestoreError;
use super::owners::Owners;
use super::place::xattrs;
use super::prepare::{Desired, Wanted};
use super::target::Grounds;
use super::tree::{Extent, Tree, Trust, meta_of_entry};
use crate::model::manifest::{
    CheckResult, ComponentEntry, ComponentStatus, ContentEntry, ContentType, EntryType, Manifest,
};
use crate::model::{Cancel, CheckLevel, ComponentKind};
use crate::source::config;
use crate::source::database::{CaptureError, examine};
use crate::source::files::WalkRules;

type Result<T> = std::result::Result<T, RestoreError>;

/// Unpacked components and what they are checked against.
pub struct Unpacked<'a> {
    pub manifest: &'a Manifest,
    /// Holds `{component}/…`.
    pub dir: &'a Path,
    /// Holds `{component}.jsonl` of each tree.
    pub indexes: &'a Path,
    pub trust: Trust,
    /// What is no part of a tree.
    pub rules: &'a WalkRules,
}

/// The components of this name, in the order of the archive; all of them where none is named. A damaged or missing one is an error where
/// it is named, and left out where it is not.
pub fn chosen<'a>(manifest: &'a Manifest, names: &[String]) -> Result<Vec<&'a ComponentEntry>> {
    for name in names {
        let found = manifest.components.iter().find(|c| c.name == *name);
        let found = found.ok_or_else(|| RestoreError::NoComponent(name.clone()))?;
        if let Some(status) = unusable(found) {
            return Err(RestoreError::Unusable {
                component: name.clone(),
                status,
            });
        }
    }
    let wanted = |c: &&ComponentEntry| {
        if names.is_empty() {
            unusable(c).is_none()
        } else {
            names.contains(&c.name)
        }
    };
    Ok(manifest.components.iter().filter(wanted).collect())
}

/// Why a component cannot be restored. A tree with a file that changed while it was read still is a tree.
#[must_use]
pub fn unusable(component: &ComponentEntry) -> Option<&'static str> {
    match (component.status, component.kind) {
        (ComponentStatus::Missing, _) => Some("missing"),
        (ComponentStatus::Damaged, ComponentKind::Database | ComponentKind::Config) => {
            Some("damaged")
        }
        _ => None,
    }
}

/// The entries of a component that stand in the manifest, without its metadata.
pub fn entries<'a>(
    manifest: &'a Manifest,
    component: &'a str,
) -> impl Iterator<Item = &'a ContentEntry> {
    manifest
        .contents
        .iter()
        .filter(move |e| e.component == component && e.content_type != ContentType::Metadata)
}

/// Where everything of these components goes.
pub fn desired<'a>(
    from: &Unpacked<'a>,
    components: &[&'a ComponentEntry],
    grounds: &'a Grounds<'a>,
    owners: &Owners,
) -> Result<Vec<Desired<'a>>> {
    let mut all = Vec::with_capacity(components.len());
    for component in components {
        let wanted = match component.kind {
            ComponentKind::Files => vec![Wanted::Tree(Tree {
                grounds,
                component: &component.name,
                unpacked: from.dir,
                indexes: from.indexes,
                trust: from.trust,
                rules: from.rules,
                extent: Extent::of(component),
            })],
            ComponentKind::Database | ComponentKind::Config => {
                let entries = entries(from.manifest, &component.name);
                entries
                    .map(|entry| single(from, component.kind, entry, grounds, owners))
                    .collect::<Result<_>>()?
            }
        };
        all.push(Desired {
            component: component.name.clone(),
            kind: component.kind,
            wanted,
        });
    }
    Ok(all)
}

fn single<'a>(
    from: &Unpacked<'_>,
    kind: ComponentKind,
    entry: &ContentEntry,
    grounds: &Grounds<'_>,
    owners: &Owners,
) -> Result<Wanted<'a>> {
    if entry.entry != EntryType::File {
        return Err(RestoreError::Target {
            source_path: entry.source.clone(),
            reason: "it is no plain file",
        });
    }
    let copy = from.dir.join(entry.file_path());
    let attributes = File::open(&copy)
        .map(|file| xattrs(&file))
        .map_err(RestoreError::io(&copy))?;
    let spot = grounds.single(&entry.component, &entry.source_path())?;
    let meta = meta_of_entry(entry, attributes, owners, from.trust);
    Ok(match (kind, &entry.database) {
        (ComponentKind::Database, Some(facts)) => Wanted::Database {
            spot,
            copy,
            journal_mode: facts.journal_mode.clone(),
            meta,
        },
        (ComponentKind::Database, None) => Wanted::Plain { spot, copy, meta },
        _ => Wanted::File { spot, copy, meta },
    })
}

/// Opens and checks every database, and reads every configuration that can be read where it is now.
pub fn check(
    desired: &[Desired<'_>],
    manifest: &Manifest,
    dir: &Path,
    cancel: &Cancel,
) -> Result<()> {
    for one in desired {
        for entry in entries(manifest, &one.component) {
            let copy = dir.join(entry.file_path());
            if let Some(facts) = &entry.database {
                let (found, _) =
                    examine(&copy, CheckLevel::Quick, cancel).map_err(|e| capture(e, &copy))?;
                if found.check == CheckResult::Damaged {
                    return Err(failed(&copy, "it is damaged"));
                }
                if (found.schema_sha256 != facts.schema_sha256) || (found.tables != facts.tables) {
                    return Err(failed(&copy, "its tables are not what the manifest says"));
                }
            }
        }
        for wanted in &one.wanted {
            if let (Wanted::File { spot, copy, .. }, ComponentKind::Config) = (wanted, one.kind) {
                let name = spot
                    .path()
                    .file_name()
                    .map(|n| n.to_string_lossy().into_owned());
                let name = name.unwrap_or_default();
                let incoming = std::fs::read(copy).map_err(RestoreError::io(copy))?;
                // What the service runs on now could be read, so what comes in must be readable too.
                // A FIFO in its place would never end; it is refused later.
                let live = spot.path();
                let live = live.is_file().then(|| std::fs::read(live).ok()).flatten();
                let live = live.and_then(|live| config::settings(&name, &live));
                if live.is_some() && config::settings(&name, &incoming).is_none() {
                    return Err(failed(copy, "it cannot be parsed, and the live one can"));
                }
            }
        }
    }
    Ok(())
}

fn capture(cause: CaptureError, copy: &Path) -> RestoreError {
    match cause {
        CaptureError::Cancelled(cause) => cause.into(),
        CaptureError::Sqlite { path, cause } => RestoreError::Sqlite { path, cause },
        CaptureError::Io { path, cause } => RestoreError::Io { path, cause },
        other => failed(copy, &other.to_string()),
    }
}

fn failed(path: &Path, finding: &str) -> RestoreError {
    RestoreError::Check {
        path: path.to_path_buf(),
        finding: finding.to_owned(),
    }
}
