//! Packs captured databases: each is checked on one thread while another compresses it.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::Receiver;

use super::Findings;
use crate::archive::{NewEntry, Packer};
use crate::model::manifest::{
    CheckResult, ComponentEntry, ComponentStatus, ContentEntry, ContentType, EntryType,
};
use crate::model::{Cancel, CheckLevel, Component, ComponentKind, Instance};
use crate::service::Result;
use crate::service::error::at;
use crate::service::run::Run;
use crate::service::watched::Meter;
use crate::source::database::{Captured, Outcome, examine};

/// What packing captured databases works with.
pub(super) struct Packing<'a> {
    pub packer: &'a mut Packer<File>,
    pub instance: &'a Instance,
    /// The databases' components.
    pub components: &'a [&'a Component],
    pub findings: &'a mut Findings,
    pub run: &'a Run,
    pub meter: &'a Meter<'a>,
    pub stop: &'a Cancel,
}

impl Packing<'_> {
    /// Packs each component once all its databases are there. Ends when the capture does.
    pub fn pack(mut self, captured: &Receiver<Captured>) -> Result<()> {
        let mut waiting: HashMap<String, Vec<Captured>> = HashMap::new();
        for one in captured {
            self.stop.check()?;
            let name = one.source.component.clone();
            let Some(component) = self.components.iter().find(|c| c.name == name) else {
                continue; // captures only what was asked for
            };
            let here = waiting.entry(name.clone()).or_default();
            here.push(one);
            if here.len() == component.sources.len() {
                let all = waiting.remove(&name).unwrap_or_default();
                self.component(component, all)?;
            }
        }
        Ok(())
    }

    fn component(&mut self, component: &Component, databases: Vec<Captured>) -> Result<()> {
        let Self {
            packer,
            instance,
            findings,
            run,
            meter,
            stop,
            ..
        } = self;
        let (mut present, mut faults) = (0, 0);
        packer.begin_component(&component.name, component.kind)?;
        let names = entry_names(databases.iter().map(|c| c.source.path.as_path()));
        for (captured, name) in databases.into_iter().zip(names) {
            findings.warnings.extend(captured.warnings.iter().cloned());
            let add = Adding {
                instance,
                component,
                captured: &captured,
                name: &name,
                meter,
            };
            match &captured.outcome {
                Outcome::Database {
                    copy,
                    journal_mode,
                    writer_blocked,
                } => {
                    let (mut entry, mut facts, warnings) =
                        add.database(packer, copy, instance.settings.check, stop)?;
                    findings.warnings.extend(warnings);
                    journal_mode.clone_into(&mut facts.journal_mode);
                    facts.writer_blocked_ms =
                        u64::try_from(writer_blocked.as_millis()).unwrap_or(u64::MAX);
                    if facts.check == CheckResult::Damaged {
                        faults += 1;
                    }
                    entry.database = Some(facts);
                    findings.contents.push(entry);
                    present += 1;
                    if component.name == "overrides" {
                        findings.overrides_copy = Some(copy.clone());
                    } else {
                        run.discard(copy);
                    }
                }
                Outcome::Plain { copy } => {
                    findings
                        .contents
                        .push(add.file(packer, copy, "", ContentType::Data)?);
                    present += 1;
                    run.discard(copy);
                }
                Outcome::Damaged { copies } => {
                    faults += 1;
                    present += 1;
                    for copy in copies {
                        findings.contents.push(add.file(
                            packer,
                            copy,
                            side_suffix(copy),
                            ContentType::Data,
                        )?);
                        run.discard(copy);
                    }
                }
                Outcome::Missing { error } => {
                    faults += 1;
                    let problem = crate::service::sentences::capture(error);
                    findings.warn("component_missing", &component.name, problem.message);
                }
            }
        }
        packer.end_component()?;
        findings.components.push(ComponentEntry {
            name: component.name.clone(),
            kind: ComponentKind::Database,
            status: match (present, faults) {
                (0, _) => ComponentStatus::Missing,
                (_, 0) => ComponentStatus::Ok,
                _ => ComponentStatus::Damaged,
            },
            source: component
                .sources
                .first()
                .map_or(String::new(), |s| s.display().to_string()),
            index_sha256: None,
            counts: None,
        });
        Ok(())
    }
}

/// One captured database on its way into the archive.
struct Adding<'a> {
    instance: &'a Instance,
    component: &'a Component,
    captured: &'a Captured,
    name: &'a [u8],
    meter: &'a Meter<'a>,
}

type Added = (
    ContentEntry,
    crate::model::manifest::DatabaseFacts,
    Vec<crate::model::Warning>,
);

impl Adding<'_> {
    /// The check reads the copy beside the packer: the second reader finds it in the page cache.
    fn database(
        &self,
        packer: &mut Packer<File>,
        copy: &Path,
        level: CheckLevel,
        stop: &Cancel,
    ) -> Result<Added> {
        thread::scope(|scope| {
            let checking = scope.spawn(|| examine(copy, level, stop));
            let entry = self.file(packer, copy, "", ContentType::Database);
            let checked = match checking.join() {
                Ok(checked) => checked,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            let entry = entry?;
            let (facts, mut warnings) = checked?;
            for warning in &mut warnings {
                warning
                    .component
                    .get_or_insert_with(|| self.component.name.clone());
            }
            Ok((entry, facts, warnings))
        })
    }

    fn file(
        &self,
        packer: &mut Packer<File>,
        copy: &Path,
        suffix: &str,
        content_type: ContentType,
    ) -> Result<ContentEntry> {
        let file = File::open(copy).map_err(|e| at(copy, e))?;
        let size = file.metadata().map_err(|e| at(copy, e))?.len();
        let stat = &self.captured.stat;
        let mut source = source_bytes(&self.instance.path, &self.captured.source.path);
        source.extend_from_slice(suffix.as_bytes());
        let entry = NewEntry {
            name: [self.name, suffix.as_bytes()].concat(),
            source,
            content_type,
            entry: EntryType::File,
            link: None,
            size,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            user: stat.user.clone(),
            group: stat.group.clone(),
            mtime: stat.mtime,
            captured_at: self.captured.captured_at,
            xattrs: Vec::new(),
        };
        let mut content = self.meter.reader(file, &self.component.name);
        Ok(packer.add(&entry, &mut content)?.entry)
    }
}

/// The file name; a second of the same name gets its folder in front.
fn entry_names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for path in paths {
        let mut name = path.file_name().unwrap_or_default().as_bytes().to_vec();
        let mut folder = path.parent();
        while names.contains(&name) {
            let Some(part) = folder.and_then(Path::file_name) else {
                break;
            };
            name = [part.as_bytes(), b"/", &name].concat();
            folder = folder.and_then(Path::parent);
        }
        names.push(name);
    }
    names
}

/// Relative to the root, absolute where it lies outside.
pub(super) fn source_bytes(root: &Path, path: &Path) -> Vec<u8> {
    path.strip_prefix(root)
        .unwrap_or(path)
        .as_os_str()
        .as_bytes()
        .to_vec()
}

/// `-wal`, `-journal` or nothing, from a raw copy's name.
fn side_suffix(copy: &Path) -> &'static str {
    let name = copy.file_name().unwrap_or_default().as_bytes();
    ["-wal", "-shm", "-journal"]
        .into_iter()
        .find(|s| name.ends_with(s.as_bytes()))
        .unwrap_or("")
}

/// Databases and their side files: never read as ordinary files.
pub(super) fn with_side_files(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    ["", "-wal", "-shm", "-journal"]
        .into_iter()
        .map(move |suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        })
}
