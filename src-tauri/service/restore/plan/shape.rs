//! The small pieces of a plan: an empty one, a blocked one, its warnings, and what differs between two sets of settings.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::Warning;
use crate::model::manifest::ComponentEntry;
use crate::model::plan::{ComponentPlan, PlanAction, SettingChange};
use crate::service::restore::error::RestoreError;

pub(super) fn changed(
    live: &BTreeMap<String, String>,
    archive: &BTreeMap<String, String>,
) -> Vec<SettingChange> {
    let mut names: Vec<&String> = live.keys().chain(archive.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|n| live.get(*n) != archive.get(*n));
    differ
        .map(|name| SettingChange {
            setting: name.clone(),
            live: live.get(name).cloned(),
            archive: archive.get(name).cloned(),
        })
        .collect()
}

/// Root may always; others need the file and, for side files, its folder.
pub(super) fn writable(path: &Path) -> std::result::Result<(), RestoreError> {
    let folder = path.parent().unwrap_or(path);
    for place in [path, folder] {
        if rustix::fs::access(place, rustix::fs::Access::WRITE_OK).is_err() {
            return Err(RestoreError::NotWritable(place.to_path_buf()));
        }
    }
    Ok(())
}

pub(super) fn empty(component: &ComponentEntry, action: PlanAction) -> ComponentPlan {
    ComponentPlan {
        name: component.name.clone(),
        kind: component.kind,
        action,
        targets: Vec::new(),
        tables: BTreeMap::new(),
        settings: Vec::new(),
        files: None,
        warnings: Vec::new(),
    }
}

pub(super) fn blocked(component: &ComponentEntry, why: &str) -> ComponentPlan {
    let mut plan = empty(component, PlanAction::Blocked);
    plan.warn("unusable", why);
    plan
}

pub(super) trait Warn {
    fn warn(&mut self, code: &str, message: impl Into<String>);
}

impl Warn for ComponentPlan {
    fn warn(&mut self, code: &str, message: impl Into<String>) {
        let warning = Warning::new(code, Some(&self.name), message);
        self.warnings.push(warning);
    }
}
