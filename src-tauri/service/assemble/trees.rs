//! Packs configuration and file trees, after the databases: by then no connection of this process is left that a plain open could harm.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Findings;
use super::databases::{source_bytes, with_side_files};
use crate::archive::{NewEntry, PackError, Packer};
use crate::model::manifest::{ComponentEntry, ComponentStatus, ContentType, EntryType};
use crate::model::{Component, ComponentKind, Instance, Warning};
use crate::service::watched::Meter;
use crate::service::{Error, Result};
use crate::source::files::{self, WalkEntry, WalkError, WalkRules};
use crate::source::guard;

/// What a tree never takes in: databases and configuration, which have components of their own, and Holdfast's own folders.
pub(super) fn live_paths(
    instance: &Instance,
    components: &[Component],
    own_data: &[PathBuf],
) -> Vec<PathBuf> {
    let mut paths = own_data.to_vec();
    for component in components {
        for source in &component.sources {
            let path = instance.path.join(source);
            match component.kind {
                ComponentKind::Database => paths.extend(with_side_files(&path)),
                ComponentKind::Config => paths.push(path),
                ComponentKind::Files => {}
            }
        }
    }
    paths
}

pub(super) fn pack(
    packer: &mut Packer<File>,
    instance: &Instance,
    component: &Component,
    skip: &[PathBuf],
    findings: &mut Findings,
    meter: &Meter<'_>,
) -> Result<()> {
    packer.begin_component(&component.name, component.kind)?;
    let config = component.kind == ComponentKind::Config;
    let rules = WalkRules {
        exclude: instance.settings.exclude.clone(),
        skip: if config { Vec::new() } else { skip.to_vec() },
    };
    let mut state = Packing {
        packer,
        instance,
        component,
        meter,
        findings,
        damaged: false,
        stopped: None,
    };
    let walked = files::walk(&instance.path, &component.sources, &rules, &mut |entry| {
        state.add(&entry).map_err(|error| {
            state.stopped = Some(error);
            WalkError::Stopped("packing failed".into())
        })
    });
    let Packing {
        damaged, stopped, ..
    } = state;
    if let Some(error) = stopped {
        return Err(error);
    }
    let mut status = if damaged {
        ComponentStatus::Damaged
    } else {
        ComponentStatus::Ok
    };
    match walked {
        Ok(warnings) => {
            for mut warning in warnings {
                warning
                    .component
                    .get_or_insert_with(|| component.name.clone());
                if warning.code == "unreadable" {
                    status = ComponentStatus::Damaged;
                }
                findings.warnings.push(warning);
            }
        }
        Err(WalkError::Missing(path)) => {
            findings.warn(
                "component_missing",
                &component.name,
                format!("`{}` is not there", path.display()),
            );
            status = ComponentStatus::Missing;
        }
        Err(error) => return Err(error.into()),
    }
    let packed = packer.end_component()?;
    let (index_sha256, counts) = packed.index.unzip();
    findings.components.push(ComponentEntry {
        name: component.name.clone(),
        kind: component.kind,
        status,
        source: component
            .sources
            .first()
            .map_or(String::new(), |s| s.display().to_string()),
        index_sha256,
        counts,
    });
    Ok(())
}

struct Packing<'a> {
    packer: &'a mut Packer<File>,
    instance: &'a Instance,
    component: &'a Component,
    meter: &'a Meter<'a>,
    findings: &'a mut Findings,
    damaged: bool,
    /// The walker passes on that it was stopped, not why.
    stopped: Option<Error>,
}

impl Packing<'_> {
    fn add(&mut self, entry: &WalkEntry) -> Result<()> {
        let config = self.component.kind == ComponentKind::Config;
        let new = self.new_entry(entry);
        let packed = if entry.entry == EntryType::File {
            let file = match guard::open_plain(&entry.path) {
                Ok(file) => file,
                Err(error) => {
                    self.cannot_open(entry, &error);
                    return Ok(());
                }
            };
            self.packer
                .add(&new, &mut self.meter.reader(file, &self.component.name))
        } else {
            self.packer.add(&new, &mut io::empty())
        };
        let packed = match packed {
            Ok(packed) => packed,
            // Nothing of it is in the archive: a hole, and no reason to have nothing of all the others.
            Err(
                error
                @ (PackError::Read { .. } | PackError::Name(_) | PackError::Attributes { .. }),
            ) => {
                self.leave_out(entry, error);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if packed.entry.damaged {
            self.damaged = true;
            let message = format!("`{}` shrank while it was read", entry.path.display());
            self.findings
                .warn("changed_while_read", &self.component.name, message);
        }
        if config {
            self.findings.contents.push(packed.entry);
        }
        Ok(())
    }

    /// Gone since the walk saw it is how live folders are; not readable is a hole in the backup.
    fn cannot_open(&mut self, entry: &WalkEntry, error: &io::Error) {
        let (path, name) = (entry.path.display(), Some(self.component.name.as_str()));
        let gone = error.kind() == io::ErrorKind::NotFound;
        self.damaged |= !gone || self.component.kind == ComponentKind::Config;
        self.findings.warnings.push(if gone {
            Warning::new(
                "vanished",
                name,
                format!("`{path}` went away while the folder was read"),
            )
        } else {
            Warning::new(
                "unreadable",
                name,
                format!("`{path}` cannot be read: {error}"),
            )
        });
    }

    fn leave_out(&mut self, entry: &WalkEntry, error: PackError) {
        self.damaged = true;
        let cause = match error {
            PackError::Read { cause, .. } => cause.to_string(),
            other => other.to_string(),
        };
        let message = format!("`{}` is left out: {cause}", entry.path.display());
        let name = Some(self.component.name.as_str());
        self.findings
            .warnings
            .push(Warning::new("left_out", name, message));
    }

    fn new_entry(&self, entry: &WalkEntry) -> NewEntry {
        let source = source_bytes(&self.instance.path, &entry.path);
        let name = match self.component.kind {
            ComponentKind::Config if self.component.sources.len() == 1 => entry
                .path
                .file_name()
                .unwrap_or_default()
                .as_bytes()
                .to_vec(),
            ComponentKind::Config => source.strip_prefix(b"/").unwrap_or(&source).to_vec(),
            _ => entry.name.clone(),
        };
        NewEntry {
            name,
            source,
            content_type: if self.component.kind == ComponentKind::Config {
                ContentType::Config
            } else {
                ContentType::Data
            },
            entry: entry.entry,
            link: entry.link.clone(),
            size: entry.size,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            user: entry.user.clone(),
            group: entry.group.clone(),
            mtime: entry.mtime,
            captured_at: Timestamp::now(),
            xattrs: entry.xattrs.clone(),
        }
    }
}
