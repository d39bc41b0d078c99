//! Any folder: databases by their header, configuration by the names of files, the rest as one tree. A link is kept as a link, what it
//! points at is not looked at.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::scan::{LeftOut, Scan, ScannedComponent};
use crate::model::{ComponentKind, Template, Warning};
use crate::source::config::{MAX_BYTES, parse};
use crate::source::files::rules::{Rules, SIDE_FILES};
use crate::source::files::tree::{self, Event, Found, Seen};
use crate::source::files::warnings::Warnings;

use super::names::{Names, from_stem};
use super::probe::{Header, Probe, header};
use super::{Place, ScanError};

/// Folders below the root in which files count as configuration. Deeper ones are data: a tree of a million JSON documents is not a
/// configuration of a million files. They are not lost, they are in `files`.
const CONFIG_DEPTH: usize = 2;
const CONFIG_FILES: usize = 256;
/// Lines of `left_out`; what is beyond is counted in a warning.
const LEFT_OUT: usize = 500;

pub(super) fn scan(place: &Place<'_>) -> Result<Scan, ScanError> {
    let mut rules = Rules::new(place.root, place.exclude)?;
    if let Ok(own) = place.own_data.canonicalize() {
        if place.root.starts_with(&own) {
            return Err(ScanError::Nothing(place.root.to_path_buf()));
        }
        rules.skip(&own, Some("own_data"));
    }
    let mut sorter = Sorter {
        root: place.root,
        databases: BTreeSet::new(),
        configs: Vec::new(),
        others: 0,
        others_bytes: 0,
        side_files: Vec::new(),
        left_out: Vec::new(),
        left_out_more: 0,
        warnings: Warnings::default(),
    };
    tree::traverse(place.root, &rules, &mut |event| {
        sorter.take(event);
        Ok::<(), ScanError>(())
    })?;
    Ok(sorter.into_scan())
}

struct Sorter<'a> {
    root: &'a Path,
    /// All relative to the root.
    databases: BTreeSet<PathBuf>,
    configs: Vec<PathBuf>,
    /// Entries of the tree that are worth a component: files, links and empty folders.
    others: u64,
    others_bytes: u64,
    /// Of databases.
    side_files: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
    left_out_more: u64,
    warnings: Warnings,
}

impl Sorter<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Seen(seen) => self.seen(&seen),
            Event::LeftOut { path, reason } => self.leave_out(path, reason),
            Event::Unreadable { path, cause } => {
                let message = format!("`{}` cannot be read: {cause}", path.display());
                self.warnings.add("unreadable", message);
            }
        }
    }

    fn seen(&mut self, seen: &Seen<'_>) {
        match seen.found {
            Found::Dir { empty } => {
                if empty && seen.path != self.root {
                    self.others += 1;
                }
            }
            Found::Symlink => {
                self.others += 1;
                self.warn_of_linked_database(seen.path);
            }
            Found::File => self.file(seen),
        }
    }

    fn file(&mut self, seen: &Seen<'_>) {
        let size = u64::try_from(seen.stat.st_size).unwrap_or(0);
        let relative = self.relative(seen.path);
        if self.is_side_file(&relative) {
            self.side_files.push(relative);
            return;
        }
        if may_be_database(seen.path, size) {
            match header(seen.path) {
                Header::Sqlite => {
                    self.databases.insert(relative);
                    return;
                }
                // A name that promises a database, and no way to look: rather a component that cannot be read than one nobody misses.
                Header::Unknown if has_database_name(seen.path) => {
                    self.databases.insert(relative);
                    return;
                }
                Header::Other | Header::Unknown => {}
            }
        }
        if self.is_config(&relative, size) {
            self.configs.push(relative);
        } else {
            self.others += 1;
            self.others_bytes += size;
        }
    }

    fn is_config(&self, relative: &Path, size: u64) -> bool {
        relative.components().count() <= CONFIG_DEPTH + 1
            && size <= MAX_BYTES
            && self.configs.len() < CONFIG_FILES
            && relative
                .file_name()
                .and_then(OsStr::to_str)
                .is_some_and(|name| parse::syntax(name).is_some())
    }

    /// A database sorts before what is beside it, so it is known by then.
    fn is_side_file(&self, relative: &Path) -> bool {
        let name = relative.as_os_str().as_bytes();
        SIDE_FILES.iter().any(|end| {
            name.strip_suffix(end.as_bytes()).is_some_and(|database| {
                self.databases
                    .contains(Path::new(OsStr::from_bytes(database)))
            })
        })
    }

    fn warn_of_linked_database(&mut self, path: &Path) {
        let Ok(target) = path.canonicalize() else {
            return;
        };
        let is_file = fs::metadata(&target).is_ok_and(|found| found.is_file());
        if is_file && !target.starts_with(self.root) && matches!(header(&target), Header::Sqlite) {
            let message = format!(
                "`{}` is a link to the database `{}`, which lies outside and is not backed up",
                self.relative(path).display(),
                target.display(),
            );
            self.warnings.add("linked_database", message);
        }
    }

    fn leave_out(&mut self, path: &Path, reason: &str) {
        if self.left_out.len() < LEFT_OUT {
            self.left_out.push(LeftOut {
                path: self.relative(path),
                reason: reason.to_owned(),
            });
        } else {
            self.left_out_more += 1;
        }
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).unwrap_or(path).to_path_buf()
    }

    fn into_scan(mut self) -> Scan {
        for path in std::mem::take(&mut self.side_files) {
            self.leave_out(&self.root.join(path), "side_file");
        }
        let mut probe = Probe::new(self.root);
        let mut components = Vec::new();
        if !self.configs.is_empty() {
            components.push(probe.component(
                "config".to_owned(),
                ComponentKind::Config,
                &self.configs,
            ));
        }
        let mut names = Names::new(["config", "files"]);
        for path in &self.databases {
            let name = names.unique(&from_stem(path.file_stem().unwrap_or_default()));
            let sources = std::slice::from_ref(path);
            components.push(probe.component(name, ComponentKind::Database, sources));
        }
        if self.others > 0 {
            components.push(ScannedComponent {
                name: "files".to_owned(),
                kind: ComponentKind::Files,
                sources: vec![probe.source(Path::new("."))],
                size_bytes: self.others_bytes,
            });
        }
        let mut warnings = self.warnings.into_vec();
        if self.left_out_more > 0 {
            let message = format!("{} more are left out and not listed", self.left_out_more);
            warnings.push(Warning::new("left_out_truncated", None, message));
        }
        Scan {
            path: self.root.to_path_buf(),
            template: Template::Auto,
            components,
            left_out: self.left_out,
            warnings,
        }
    }
}

/// A database's length is a multiple of its page size, and pages are multiples of 512 bytes: a cheap no to most of a million files.
/// One whose end was cut off still has its name.
fn may_be_database(path: &Path, size: u64) -> bool {
    (size >= 512 && size.is_multiple_of(512)) || has_database_name(path)
}

fn has_database_name(path: &Path) -> bool {
    let names = ["db", "db3", "sqlite", "sqlite3", "s3db", "sl3"];
    path.extension()
        .is_some_and(|found| names.iter().any(|name| found.eq_ignore_ascii_case(name)))
}
