//! Finds what an instance is made of. It opens no database but one: a TACACS+ server's overrides say where the others are. For the
//! rest the header's bytes tell.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::scan::{Scan, ScannedComponent};
use crate::model::{Component, ComponentKind, Instance, Template, Warning};

use super::config::environment::{Environment, this_process};
use super::files::WalkError;
use super::files::rules::Rules;

mod auto;
mod names;
mod probe;
mod tacacs;

use names::Names;
use probe::Probe;

/// What would be backed up in a folder. `template` None: `tacacs` where `config/tacacs.conf` is found, else `auto`.
/// `own_data` (Holdfast's data folder) is left out.
pub fn scan(
    root: &Path,
    template: Option<Template>,
    exclude: &[String],
    own_data: &Path,
) -> Result<Scan, ScanError> {
    scan_with(root, template, exclude, own_data, &this_process())
}

/// As `scan`, with the environment that the service runs in. A `.env` in the root is read besides; what is given here wins over it.
pub fn scan_with(
    root: &Path,
    template: Option<Template>,
    exclude: &[String],
    own_data: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Scan, ScanError> {
    let root = resolve(root)?;
    let template = template.unwrap_or_else(|| {
        if root.join(tacacs::CONFIG).is_file() {
            Template::Tacacs
        } else {
            Template::Auto
        }
    });
    let place = Place {
        root: &root,
        exclude,
        own_data,
        environment,
    };
    let mut scan = match template {
        Template::Tacacs => tacacs::scan(&place)?,
        Template::Auto => auto::scan(&place)?,
    };
    if scan.components.is_empty() {
        return Err(ScanError::Nothing(root));
    }
    warn_of_unreadable(&mut scan);
    Ok(scan)
}

/// The scan of an instance as it is now, with every component it is known to have: those not found any more are named in `missing`,
/// and are in the scan with sources that cannot be read. What was known keeps its name as long as its source is the same.
pub fn rescan(instance: &Instance, own_data: &Path) -> Result<(Scan, Vec<String>), ScanError> {
    let exclude = &instance.settings.exclude;
    let scanned = scan(&instance.path, Some(instance.template), exclude, own_data);
    let mut scan = match scanned {
        // A service whose configuration broke still has its databases: the known places are looked at.
        Err(ScanError::Config { path, reason }) => {
            let message = format!("`{}`: {reason}; the known places are used", path.display());
            Scan {
                path: resolve(&instance.path)?,
                template: instance.template,
                components: Vec::new(),
                left_out: Vec::new(),
                warnings: vec![Warning::new("config_unread", Some("config"), message)],
            }
        }
        other => other?,
    };
    keep_names(&mut scan.components, &instance.components);
    let rules = Rules::new(&scan.path, exclude)?;
    let mut probe = Probe::new(&scan.path);
    let mut missing = Vec::new();
    for known in &instance.components {
        if scan.components.iter().any(|found| found.name == known.name) {
            continue;
        }
        let excluded = |source: &PathBuf| rules.excluded(&scan.path.join(source));
        if known.sources.iter().all(excluded) {
            continue;
        }
        let found = probe.component(known.name.clone(), known.kind, &known.sources);
        if !known.sources.iter().any(|source| probe.exists(source)) {
            missing.push(known.name.clone());
        }
        scan.components.push(found);
    }
    Ok((scan, missing))
}

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("`{0}` is not there")]
    Missing(PathBuf),
    #[error("`{0}` is not a folder")]
    NotAFolder(PathBuf),
    #[error("`{0}` cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Empty, or not mounted.
    #[error("`{0}` holds nothing to back up")]
    Nothing(PathBuf),
    #[error("the configuration `{path}` cannot be read: {reason}")]
    Config { path: PathBuf, reason: String },
    #[error("`{glob}` is not a glob: {reason}")]
    Glob { glob: String, reason: String },
}

impl From<WalkError> for ScanError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Missing(path) => Self::Missing(path),
            WalkError::Io { path, cause } => Self::Unreadable(path, cause),
            WalkError::Glob { glob, reason } => Self::Glob { glob, reason },
            // No scan stops itself; the words would be the receiver's.
            error @ (WalkError::Stopped(_) | WalkError::Cancelled(_)) => {
                Self::Unreadable(PathBuf::new(), io::Error::other(error))
            }
        }
    }
}

/// Where a template looks.
struct Place<'a> {
    /// Absolute, links resolved.
    root: &'a Path,
    exclude: &'a [String],
    own_data: &'a Path,
    environment: &'a Environment,
}

fn resolve(root: &Path) -> Result<PathBuf, ScanError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => ScanError::Missing(root.to_path_buf()),
        io::ErrorKind::NotADirectory => ScanError::NotAFolder(root.to_path_buf()),
        _ => ScanError::Unreadable(root.to_path_buf(), cause),
    };
    let resolved = root.canonicalize().map_err(failed)?;
    if !resolved.metadata().map_err(failed)?.is_dir() {
        return Err(ScanError::NotAFolder(root.to_path_buf()));
    }
    let mut entries = std::fs::read_dir(&resolved).map_err(failed)?;
    match entries.next() {
        Some(first) => first.map_err(failed).map(|_| resolved),
        None => Err(ScanError::Nothing(root.to_path_buf())),
    }
}

fn warn_of_unreadable(scan: &mut Scan) {
    for component in &scan.components {
        for source in component.sources.iter().filter(|s| !s.readable) {
            let (path, owner) = (source.path.display(), &source.owner);
            let message = format!("`{path}` cannot be read by this user; it belongs to {owner}");
            let warning = Warning::new("source_unreadable", Some(&component.name), message);
            scan.warnings.push(warning);
        }
    }
}

/// Found components take over the names that the instance knows them by; new ones step aside.
fn keep_names(found: &mut [ScannedComponent], known: &[Component]) {
    let mut free: BTreeSet<usize> = (0..known.len()).collect();
    let mut taken = Names::new(known.iter().map(|c| c.name.as_str()));
    let mut new = Vec::new();
    for (at, component) in found.iter_mut().enumerate() {
        let same = |known: &Component| {
            known.kind == component.kind
                && (known.kind != ComponentKind::Database
                    || component
                        .sources
                        .iter()
                        .any(|s| known.sources.contains(&s.path)))
        };
        match free.iter().copied().find(|at| same(&known[*at])) {
            Some(known_at) => {
                free.remove(&known_at);
                component.name.clone_from(&known[known_at].name);
            }
            None => new.push(at),
        }
    }
    for at in new {
        found[at].name = taken.unique(&found[at].name);
    }
}
