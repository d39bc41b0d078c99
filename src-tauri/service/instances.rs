//! Instances: what is backed up, and how.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::archive::OpenError;
use crate::model::instance::is_instance_name;
use crate::model::manifest::ContentEntry;
use crate::model::scan::Scan;
use crate::model::{
    CheckLevel, Component, Compression, Encryption, Instance, InstanceId, InstanceSettings,
    Manifest, Template, WhenBusy,
};
use crate::service::error::at;
use crate::service::{Accept, Act, BackupService, Error, NewInstance, Result};
use crate::source::discover;

impl BackupService {
    pub fn scan(&self, dir: &Path, template: Option<Template>, exclude: &[String]) -> Result<Scan> {
        Ok(discover::scan(dir, template, exclude, &self.data_dir)?)
    }

    pub fn add_instance(
        &self,
        new: &NewInstance,
        accept: &Accept,
        act: &Act<'_>,
    ) -> Result<Instance> {
        if !is_instance_name(&new.name) {
            return Err(Error::BadValue {
                what: "name of an instance",
                value: new.name.clone(),
                reason: "it takes 1 to 64 letters, digits, `-` and `_`".to_owned(),
            });
        }
        if self.store.instance(&new.name)?.is_some() {
            return Err(Error::Taken {
                what: "instance",
                name: new.name.clone(),
            });
        }
        let instance = match &new.from {
            Some(_) => self.instance_from_archive(new, accept, act)?,
            None => self.instance_from_folder(new)?,
        };
        self.store.insert_instance(&instance)?;
        Ok(instance)
    }

    fn instance_from_folder(&self, new: &NewInstance) -> Result<Instance> {
        let scan = self.scan(&new.path, new.template, &new.exclude)?;
        Ok(Instance {
            id: InstanceId::from_random(rand::random()),
            name: new.name.clone(),
            components: scan.components(),
            path: scan.path,
            template: scan.template,
            settings: InstanceSettings {
                exclude: new.exclude.clone(),
                ..InstanceSettings::default()
            },
            created_at: Timestamp::now(),
        })
    }

    /// A replacement for a lost machine: the archive's instance id goes on, its files are not there yet.
    fn instance_from_archive(
        &self,
        new: &NewInstance,
        accept: &Accept,
        act: &Act<'_>,
    ) -> Result<Instance> {
        let Some(archive) = &new.from else {
            return self.instance_from_folder(new);
        };
        let opened = self.open_archive(archive, act)?;
        opened.require_trust(None, accept)?;
        let manifest = &opened.archive.manifest;
        let id = if opened.archive.is_old() {
            // The server's own id is nobody's here: what is made from its archive is a new instance.
            InstanceId::from_random(rand::random())
        } else {
            manifest.backup_metadata.instance_id.clone()
        };
        if let Some(other) = self.store.instance_by_id(&id)? {
            return Err(Error::Taken {
                what: "instance id",
                name: format!("{id} (instance {})", other.name),
            });
        }
        let components = components_of(manifest);
        if !opened.trusted() || !opened.broken.is_empty() {
            stays_inside(&components)?;
        }
        std::fs::create_dir_all(&new.path).map_err(|e| at(&new.path, e))?;
        self.store
            .raise_sequence(&id, manifest.backup_metadata.sequence)?;
        Ok(Instance {
            id,
            name: new.name.clone(),
            path: new.path.canonicalize().map_err(|e| at(&new.path, e))?,
            template: new.template.unwrap_or_else(|| template_of(manifest)),
            components,
            settings: InstanceSettings {
                exclude: new.exclude.clone(),
                ..InstanceSettings::default()
            },
            created_at: Timestamp::now(),
        })
    }

    pub fn instances(&self) -> Result<Vec<Instance>> {
        Ok(self.store.instances()?)
    }

    pub fn instance(&self, name: &str) -> Result<Instance> {
        self.store.instance(name)?.ok_or_else(|| Error::Unknown {
            what: "instance",
            name: name.to_owned(),
        })
    }

    /// The instance as `scan` sees it now.
    pub fn instance_scan(&self, name: &str) -> Result<Scan> {
        let instance = self.instance(name)?;
        Ok(discover::rescan(&instance, &self.data_dir)?.0)
    }

    /// `K=V`, in order; `exclude` repeated makes the whole list. All or nothing. What is missing since the last accepted scan is
    /// accepted as gone by this: the instance's components become what a scan finds now.
    pub fn set_instance(&self, name: &str, changes: &[(String, String)]) -> Result<Instance> {
        let mut instance = self.instance(name)?;
        let excludes = changes.iter().filter(|(key, _)| key == "exclude");
        if excludes.clone().next().is_some() {
            instance.settings.exclude = excludes
                .map(|(_, glob)| glob.clone())
                .filter(|glob| !glob.is_empty())
                .collect();
        }
        for (key, value) in changes.iter().filter(|(key, _)| key != "exclude") {
            set_one(&mut instance.settings, key, value)?;
        }
        // A glob that cannot be parsed is found here, before it is kept. A folder that is gone just now is no reason to refuse.
        match discover::scan(
            &instance.path,
            Some(instance.template),
            &instance.settings.exclude,
            &self.data_dir,
        ) {
            Ok(scan) => instance.components = merge(&instance.components, &scan),
            Err(discover::ScanError::Glob { glob, reason }) => {
                return Err(Error::BadValue {
                    what: "exclude",
                    value: glob,
                    reason,
                });
            }
            Err(_) => {}
        }
        self.store.update_instance(&instance)?;
        Ok(instance)
    }

    /// Its archives stay where they are.
    pub fn remove_instance(&self, name: &str) -> Result<()> {
        let instance = self.instance(name)?;
        let _lock = self.lock_instance(&instance, "removal")?;
        Ok(self.store.remove_instance(&instance.id)?)
    }
}

/// What a scan finds now, under the names that the instance's components have already.
fn merge(known: &[Component], scan: &Scan) -> Vec<Component> {
    let mut found = scan.components();
    for component in &mut found {
        let same = |k: &&Component| k.kind == component.kind && k.sources == component.sources;
        if let Some(old) = known.iter().find(same) {
            component.name.clone_from(&old.name);
        }
    }
    found
}

fn set_one(settings: &mut InstanceSettings, key: &str, value: &str) -> Result<()> {
    let bad = |takes: &str| Error::BadValue {
        what: "value of this setting",
        value: format!("{key}={value}"),
        reason: format!("it takes {takes}"),
    };
    match key {
        "compression" => {
            settings.compression = match value {
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                _ => return Err(bad("gzip or zstd")),
            }
        }
        "encryption" => {
            settings.encryption = match value {
                "recipients" => Encryption::Recipients,
                "none" => Encryption::None,
                _ => return Err(bad("recipients or none")),
            }
        }
        "check" => {
            settings.check = match value {
                "quick" => CheckLevel::Quick,
                "full" => CheckLevel::Full,
                _ => return Err(bad("quick or full")),
            }
        }
        "when_busy" => {
            settings.when_busy = match value {
                "fail" => WhenBusy::Fail,
                "wait" => WhenBusy::Wait,
                _ => return Err(bad("fail or wait")),
            }
        }
        "max_block_ms" => {
            let takes = "a number of milliseconds from 10 to 600000";
            let ms: u64 = value.parse().map_err(|_| bad(takes))?;
            if !(10..=600_000).contains(&ms) {
                return Err(bad(takes));
            }
            settings.max_block_ms = ms;
        }
        "before_hook" => value.clone_into(&mut settings.hooks.before),
        "after_hook" => value.clone_into(&mut settings.hooks.after),
        "stop_hook" => value.clone_into(&mut settings.hooks.stop),
        "start_hook" => value.clone_into(&mut settings.hooks.start),
        _ => {
            return Err(Error::NoSuchSetting {
                what: "setting of an instance",
                name: key.to_owned(),
            });
        }
    }
    Ok(())
}

fn components_of(manifest: &Manifest) -> Vec<Component> {
    let sources = |name: &str, first: &str| {
        let listed = manifest
            .contents
            .iter()
            .filter(|c| c.component == name && !c.source.is_empty());
        let mut sources: Vec<PathBuf> = listed.map(ContentEntry::source_path).collect();
        if sources.is_empty() {
            sources.push(PathBuf::from(first));
        }
        sources.dedup();
        sources
    };
    manifest
        .components
        .iter()
        .map(|c| Component {
            name: c.name.clone(),
            kind: c.kind,
            sources: sources(&c.name, &c.source),
        })
        .collect()
}

/// Places outside its folder become an instance's only on the word of this installation or a known signer: a restore writes there.
fn stays_inside(components: &[Component]) -> Result<()> {
    let inside = |source: &Path| {
        let mut parts = source.components();
        parts.all(|part| {
            matches!(
                part,
                std::path::Component::Normal(_) | std::path::Component::CurDir
            )
        })
    };
    let outside = components
        .iter()
        .flat_map(|c| &c.sources)
        .find(|source| !inside(source));
    outside.map_or(Ok(()), |source| {
        Err(Error::Open(OpenError::Refused {
            entry: Some(source.display().to_string()),
            reason: "it lies outside the instance's folder, and no known signer says so".to_owned(),
            intact_bytes: None,
        }))
    })
}

/// The manifest names no template: a configuration where the TACACS+ server keeps its own tells. Only that server wrote version 1.0.
fn template_of(manifest: &Manifest) -> Template {
    let old = manifest.backup_metadata.backup_version == "1.0";
    let configured = |c: &ContentEntry| c.source == "config/tacacs.conf";
    if old || manifest.contents.iter().any(configured) {
        Template::Tacacs
    } else {
        Template::Auto
    }
}
