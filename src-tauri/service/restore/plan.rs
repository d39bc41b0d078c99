//! The verb `plan`: what a restore would change, as a value. It reads live databases as a reader does, and changes nothing.

use std::fs::Metadata;

mod live;
mod shape;

use live::{LiveFacts, live_facts};
use shape::{Warn, blocked, changed, empty, writable};

use super::act::{Fetched, content_bytes, fetch, trust_in, with_holes};
use super::error::RestoreError;
use super::from_archive::{chosen, entries, unusable};
use super::owners::Owners;
use super::pre_image::{PreImage, look};
use super::target::Grounds;
use super::tree::{Extent, Kind, Tree, differences};
use crate::model::manifest::{ComponentEntry, ContentEntry, DatabaseFacts};
use crate::model::plan::{ComponentPlan, FileChanges, PlanAction, RowCounts};
use crate::model::{ComponentKind, Instance, Manifest, RestorePlan};
use crate::service::opened::Opened;
use crate::service::{Act, ArchiveRef, BackupService, Result, space};
use crate::source::config;
use crate::source::files::WalkRules;

/// So many names of each kind are told.
const NAMED: usize = 100;

impl BackupService {
    /// `components` empty: all of them; one that cannot be restored is `Blocked`.
    pub fn plan(
        &self,
        archive: &ArchiveRef,
        instance: &str,
        components: &[String],
        act: &Act<'_>,
    ) -> Result<RestorePlan> {
        let instance = self.instance(instance)?;
        let mut opened = self.open_archive(archive, act)?;
        opened.aim_at(&instance);
        let manifest = &opened.archive.manifest;
        // A name that is not there is an error; one that cannot be restored is shown.
        let known = |name: &&String| manifest.components.iter().any(|c| c.name == **name);
        if let Some(unknown) = components.iter().find(|name| !known(name)) {
            return Err(RestoreError::NoComponent(unknown.clone()).into());
        }
        let shown = |c: &&ComponentEntry| components.is_empty() || components.contains(&c.name);
        let usable: Vec<String> = chosen(manifest, &[])?
            .iter()
            .filter(|c| shown(c))
            .map(|c| c.name.clone())
            .collect();
        // A restore opens the archive anew.
        let fetch_bytes = opened.fetched_bytes() + opened.archive.bytes_of(&usable);
        let rules = self.tree_rules(&instance)?;
        let mut planner = Planner {
            manifest,
            instance: &instance,
            opened: &opened,
            owners: Owners::default(),
            rules: &rules,
            live_bytes: 0,
            extra_bytes: 0,
            act,
        };
        let fetched = self.fetch_for_plan(&opened, &usable, act)?;
        let mut plans = Vec::new();
        // An empty machine has no folder yet: everything is made.
        let grounds = match Grounds::new(&instance, &self.data_dir) {
            Ok(grounds) => Some(grounds),
            Err(RestoreError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
                None
            }
            Err(cause) => return Err(cause.into()),
        };
        for component in manifest.components.iter().filter(shown) {
            plans.push(match (unusable(component), &grounds) {
                (Some(status), _) => blocked(component, &format!("it is {status} in the archive")),
                (None, None) => planner.made(component),
                (None, Some(grounds)) => planner.component(component, grounds, &fetched.0)?,
            });
        }
        let content = content_bytes(manifest, &usable);
        Ok(RestorePlan {
            components: plans,
            fetch_bytes,
            // The workspace, the pre-images and the safety backup, and what the live databases need meanwhile.
            space_needed_bytes: content + 2 * planner.live_bytes + planner.extra_bytes,
        })
    }

    /// Configuration and trees are compared by content and index; of databases the manifest knows enough.
    fn fetch_for_plan(
        &self,
        opened: &Opened,
        usable: &[String],
        act: &Act<'_>,
    ) -> Result<(Fetched, crate::service::run::Run)> {
        let manifest = &opened.archive.manifest;
        let read =
            |c: &&ComponentEntry| usable.contains(&c.name) && c.kind != ComponentKind::Database;
        let names: Vec<String> = manifest
            .components
            .iter()
            .filter(read)
            .map(|c| c.name.clone())
            .collect();
        let run = self.begin_run(act)?;
        space::require(run.workspace(), content_bytes(manifest, &names))?;
        let fetched = if names.is_empty() {
            let none = run.workspace().to_path_buf();
            Fetched {
                dir: none.clone(),
                indexes: none,
            }
        } else {
            fetch(opened, &names, &run, act)?.0
        };
        Ok((fetched, run))
    }
}

struct Planner<'a> {
    manifest: &'a Manifest,
    instance: &'a Instance,
    opened: &'a Opened,
    owners: Owners,
    rules: &'a WalkRules,
    live_bytes: u64,
    extra_bytes: u64,
    act: &'a Act<'a>,
}

impl Planner<'_> {
    fn component(
        &mut self,
        component: &ComponentEntry,
        grounds: &Grounds<'_>,
        fetched: &Fetched,
    ) -> Result<ComponentPlan> {
        let mut plan = empty(component, PlanAction::Replace);
        let known = self
            .instance
            .components
            .iter()
            .any(|c| c.name == component.name);
        if !known {
            plan.warn(
                "unknown_component",
                "the instance has no such component until now",
            );
        }
        let planned = match component.kind {
            ComponentKind::Files => self.tree(component, grounds, fetched, &mut plan),
            ComponentKind::Config => self.config(component, grounds, fetched, &mut plan),
            ComponentKind::Database => self.databases(component, grounds, &mut plan),
        };
        match planned {
            Ok(()) => {}
            Err(
                cause @ (RestoreError::Target { .. }
                | RestoreError::NotWritable(_)
                | RestoreError::InUse { .. }),
            ) => {
                plan.action = PlanAction::Blocked;
                let problem = crate::service::Error::Restore(cause).problem();
                plan.warn(&problem.code, problem.message);
            }
            Err(cause) => return Err(cause.into()),
        }
        Ok(plan)
    }

    /// On a machine where nothing is yet.
    fn made(&self, component: &ComponentEntry) -> ComponentPlan {
        let mut plan = empty(component, PlanAction::Create);
        for entry in entries(self.manifest, &component.name) {
            plan.targets
                .push(self.instance.path.join(entry.source_path()));
            self.owner(entry, &mut plan);
            if let Some(facts) = &entry.database {
                self.rows(component, entry, facts, None, &mut plan);
            }
        }
        if let Some(counts) = component.counts {
            plan.files = Some(FileChanges {
                appear: counts.files + counts.dirs + counts.links,
                ..FileChanges::default()
            });
        }
        plan
    }

    fn databases(
        &mut self,
        component: &ComponentEntry,
        grounds: &Grounds<'_>,
        plan: &mut ComponentPlan,
    ) -> std::result::Result<(), RestoreError> {
        plan.action = PlanAction::Create;
        for entry in entries(self.manifest, &component.name) {
            let path = grounds
                .single(&component.name, &entry.source_path())?
                .path();
            plan.targets.push(path.clone());
            let live = std::fs::metadata(&path).ok();
            self.count(live.as_ref(), entry.size_bytes, plan);
            if live.is_none() {
                self.owner(entry, plan);
            } else {
                writable(&path)?;
            }
            let usable = match &live {
                None => None,
                Some(_) => Some(look(&path)?),
            };
            if usable == Some(PreImage::Unusable) {
                plan.warn(
                    "replaced_as_file",
                    format!(
                        "`{}` cannot be read: it is replaced as a file, stop the service before",
                        path.display()
                    ),
                );
            }
            let Some(facts) = &entry.database else {
                plan.warn(
                    "plain_file",
                    format!("`{}` was no readable database when it was backed up: it is replaced as a file", entry.source),
                );
                continue;
            };
            let counted = match usable {
                Some(PreImage::Copied { journal_mode }) => Some(live_facts(&path, &journal_mode)?),
                _ => None,
            };
            self.rows(component, entry, facts, counted.as_ref(), plan);
            if let Some(now) = counted {
                now.compare(facts, &path, plan);
            }
        }
        Ok(())
    }

    fn rows(
        &self,
        component: &ComponentEntry,
        entry: &ContentEntry,
        facts: &DatabaseFacts,
        live: Option<&LiveFacts>,
        plan: &mut ComponentPlan,
    ) {
        let several = entries(self.manifest, &component.name).count() > 1;
        let name = |table: &str| {
            if several {
                let source = entry.source_path();
                let file = source.file_name().unwrap_or_default();
                format!("{}: {table}", file.to_string_lossy())
            } else {
                table.to_owned()
            }
        };
        let none = RowCounts {
            live: None,
            archive: None,
        };
        for (table, rows) in &facts.tables {
            plan.tables.entry(name(table)).or_insert(none).archive = *rows;
        }
        for (table, rows) in live.iter().flat_map(|l| &l.tables) {
            plan.tables.entry(name(table)).or_insert(none).live = *rows;
        }
    }

    fn config(
        &mut self,
        component: &ComponentEntry,
        grounds: &Grounds<'_>,
        fetched: &Fetched,
        plan: &mut ComponentPlan,
    ) -> std::result::Result<(), RestoreError> {
        plan.action = PlanAction::Create;
        let mut differs = false;
        for entry in entries(self.manifest, &component.name) {
            let path = grounds
                .single(&component.name, &entry.source_path())?
                .path();
            plan.targets.push(path.clone());
            let stat = std::fs::metadata(&path).ok();
            self.count(stat.as_ref(), entry.size_bytes, plan);
            if stat.is_none() {
                self.owner(entry, plan);
            }
            let copy = fetched.dir.join(entry.file_path());
            let incoming = std::fs::read(&copy).map_err(RestoreError::io(&copy))?;
            let now = match &stat {
                None => None,
                Some(stat) if !stat.is_file() => {
                    return Err(RestoreError::Target {
                        source_path: entry.source.clone(),
                        reason: "it is no regular file",
                    });
                }
                Some(_) => Some(std::fs::read(&path).map_err(RestoreError::io(&path))?),
            };
            differs |= now.as_ref() != Some(&incoming);
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let settings = |bytes: &[u8]| config::settings(&name, bytes);
            match (now.as_deref().map(settings), settings(&incoming)) {
                (now, Some(incoming)) => {
                    plan.settings
                        .extend(changed(&now.flatten().unwrap_or_default(), &incoming));
                }
                (Some(Some(_)), None) => {
                    return Err(RestoreError::Target {
                        source_path: entry.source.clone(),
                        reason: "what the archive has cannot be parsed, what is there can",
                    });
                }
                _ => plan.warn(
                    "not_parsed",
                    format!("`{name}` cannot be compared by settings"),
                ),
            }
        }
        if !differs {
            plan.action = PlanAction::Unchanged;
        }
        Ok(())
    }

    fn tree(
        &mut self,
        component: &ComponentEntry,
        grounds: &Grounds<'_>,
        fetched: &Fetched,
        plan: &mut ComponentPlan,
    ) -> std::result::Result<(), RestoreError> {
        let tree = Tree {
            grounds,
            component: &component.name,
            unpacked: &fetched.dir,
            indexes: &fetched.indexes,
            rules: self.rules,
            trust: trust_in(self.opened),
            extent: Extent::of(component),
        };
        if tree.extent == Extent::WithHoles {
            plan.warn("tree_with_holes", with_holes(&component.name));
        }
        let own = self.instance.components.iter();
        let own = own
            .filter(|c| c.name == component.name)
            .flat_map(|c| &c.sources);
        plan.targets.extend(own.map(|s| grounds.root.join(s)));
        let mut there = plan.targets.iter().any(|t| t.symlink_metadata().is_ok());
        let mut files = FileChanges::default();
        let mut replaced = 0;
        differences(&tree, &self.owners, self.act.cancel, &mut |difference| {
            let (count, names) = match difference.kind {
                Kind::Appears => (&mut files.appear, &mut files.appearing),
                Kind::Changes => (&mut files.change, &mut files.changing),
                Kind::Goes => (&mut files.go, &mut files.going),
                Kind::Stays => {
                    there = true;
                    return Ok(());
                }
            };
            *count += 1;
            if names.len() < NAMED {
                names.push(difference.name.to_string_lossy().into_owned());
            }
            if difference.kind != Kind::Appears {
                let path = difference.spot.path();
                replaced += path.symlink_metadata().map_or(0, |m| m.len());
            }
            Ok(())
        })?;
        self.live_bytes += replaced;
        self.extra_bytes += component.counts.map_or(0, |c| c.size_bytes);
        plan.action = match (&files, there) {
            (_, false) => PlanAction::Create,
            (f, true) if f.appear + f.change + f.go == 0 => PlanAction::Unchanged,
            _ => PlanAction::Replace,
        };
        plan.files = Some(files);
        Ok(())
    }

    /// Space, and what it is: something is there, so that it is replaced.
    fn count(&mut self, live: Option<&Metadata>, incoming: u64, plan: &mut ComponentPlan) {
        let now = live.map_or(0, Metadata::len);
        self.live_bytes += now;
        // In WAL the new pages go to the log first, else the old ones to the journal.
        self.extra_bytes += incoming.max(now);
        if live.is_some() {
            plan.action = PlanAction::Replace;
        }
    }

    fn owner(&self, entry: &ContentEntry, plan: &mut ComponentPlan) {
        if !self.owners.can_set(entry) {
            let (user, group) = (&entry.user, &entry.group);
            plan.warn(
                "owner_not_set",
                format!(
                    "`{}` cannot be given to {user}:{group} by this user",
                    entry.source
                ),
            );
        }
    }
}
