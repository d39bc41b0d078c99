//! An instance, an unpacked archive of it, and a data folder, below one folder: everything that a restore works on.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use holdfast::model::instance::{
    Component, ComponentKind, Instance, InstanceId, InstanceSettings, Template,
};
use holdfast::model::manifest::{ContentEntry, ContentType, EntryType};
use holdfast::model::{Cancel, NoObserver, Observer};
use holdfast::service::restore::apply::{Applied, apply};
use holdfast::service::restore::change::Meta;
use holdfast::service::restore::database::Patience;
use holdfast::service::restore::error::RestoreError;
use holdfast::service::restore::journal::{Folder, Journal};
use holdfast::service::restore::prepare::{Desired, Wanted, prepare, prepare_undo};
use holdfast::service::restore::target::Grounds;
use holdfast::service::restore::tree::{Extent, Tree, Trust};
use holdfast::source::files::{WalkRules, walk};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

pub struct Site {
    pub root: PathBuf,
    pub data: PathBuf,
    pub unpacked: PathBuf,
    pub indexes: PathBuf,
    pub instance: Instance,
}

/// Gives up soon, so that a test of somebody who does not let go is short.
pub const SHORT: Patience = Patience {
    each_try: Duration::from_millis(100),
    pause: Duration::from_millis(100),
    total: Duration::from_millis(600),
};

impl Site {
    /// Makes what is not there yet.
    pub fn at(base: &Path) -> Self {
        let base = base.canonicalize().unwrap();
        let [root, data, unpacked, indexes] =
            ["srv", "data", "unpacked", "indexes"].map(|name| base.join(name));
        for dir in [&root, &data, &unpacked, &indexes] {
            fs::create_dir_all(dir).unwrap();
        }
        Self {
            instance: Instance {
                id: InstanceId::from_random(1),
                name: "box".to_owned(),
                path: root.clone(),
                template: Template::Auto,
                components: Vec::new(),
                settings: InstanceSettings::default(),
                created_at: jiff::Timestamp::UNIX_EPOCH,
            },
            root,
            data,
            unpacked,
            indexes,
        }
    }

    pub fn component(&mut self, name: &str, kind: ComponentKind, sources: &[&str]) {
        self.instance.components.push(Component {
            name: name.to_owned(),
            kind,
            sources: sources.iter().map(PathBuf::from).collect(),
        });
    }

    pub fn live(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A component of one database file, its live content and its archived one. None: there is none.
    pub fn database(&mut self, name: &str, mode: &str, live: Option<&Rows>, archived: &Rows) {
        let file = format!("{name}.db");
        self.component(name, ComponentKind::Database, &[&file]);
        if let Some(rows) = live {
            rows.write(&self.live(&file), mode);
        }
        let dir = self.unpacked.join(name);
        fs::create_dir_all(&dir).unwrap();
        archived.write(&dir.join(&file), "delete");
    }

    pub fn wanted_database(
        &self,
        grounds: &Grounds<'_>,
        name: &str,
        mode: &str,
    ) -> Desired<'static> {
        let file = format!("{name}.db");
        Desired {
            component: name.to_owned(),
            kind: ComponentKind::Database,
            wanted: vec![Wanted::Database {
                spot: grounds.single(name, Path::new(&file)).unwrap(),
                copy: self.unpacked.join(name).join(file),
                journal_mode: mode.to_owned(),
                meta: meta(0o640),
            }],
        }
    }

    pub fn wanted_config(
        &self,
        grounds: &Grounds<'_>,
        source: &str,
        content: &str,
    ) -> Desired<'static> {
        let copy = self.unpacked.join("config").join(source);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(&copy, content).unwrap();
        Desired {
            component: "config".to_owned(),
            kind: ComponentKind::Config,
            wanted: vec![Wanted::File {
                spot: grounds.single("config", Path::new(source)).unwrap(),
                copy,
                meta: meta(0o600),
            }],
        }
    }

    pub fn wanted_tree<'a>(
        &'a self,
        grounds: &'a Grounds<'a>,
        name: &'a str,
        rules: &'a WalkRules,
    ) -> Desired<'a> {
        Desired {
            component: name.to_owned(),
            kind: ComponentKind::Files,
            wanted: vec![Wanted::Tree(Tree {
                extent: Extent::Whole,
                grounds,
                component: name,
                unpacked: &self.unpacked,
                indexes: &self.indexes,
                rules,
                trust: Trust::Trusted,
            })],
        }
    }

    /// Archives a tree as it is now: its entries unpacked, its index beside them.
    pub fn archive_tree(&self, name: &str, rules: &WalkRules) {
        let dir = self.unpacked.join(name);
        let mut index = Vec::new();
        let component = self
            .instance
            .components
            .iter()
            .find(|c| c.name == name)
            .unwrap();
        fs::create_dir_all(&dir).unwrap();
        walk(&self.root, &component.sources, rules, &mut |entry| {
            let to = dir.join(OsStr::from_bytes(&entry.name));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let content = match entry.entry {
                EntryType::File => fs::read(&entry.path).unwrap(),
                _ => Vec::new(),
            };
            match (entry.entry, &entry.link) {
                (EntryType::Symlink, Some(link)) => {
                    std::os::unix::fs::symlink(OsStr::from_bytes(link), &to).unwrap();
                }
                (EntryType::Hardlink, Some(link)) => {
                    fs::hard_link(dir.join(OsStr::from_bytes(link)), &to).unwrap();
                }
                (EntryType::Dir, _) => fs::create_dir_all(&to).unwrap(),
                _ => fs::write(&to, &content).unwrap(),
            }
            for (attribute, value) in &entry.xattrs {
                xattr::set(&to, attribute, value).unwrap();
            }
            let text = |bytes: &[u8]| {
                let lossy = String::from_utf8_lossy(bytes).into_owned();
                let raw = (lossy.as_bytes() != bytes).then(|| STANDARD.encode(bytes));
                (lossy, raw)
            };
            let (file, file_base64) = text(&[name.as_bytes(), b"/", &entry.name].concat());
            let source = entry.path.strip_prefix(&self.root).unwrap_or(&entry.path);
            let (source, source_base64) = text(source.as_os_str().as_bytes());
            let points_to = entry.link.as_ref().map(|link| match entry.entry {
                EntryType::Hardlink => text(&[name.as_bytes(), b"/", link].concat()),
                _ => text(link),
            });
            let (link, link_base64) = points_to.map_or((None, None), |(l, raw)| (Some(l), raw));
            let listed = ContentEntry {
                file,
                file_base64,
                source,
                source_base64,
                component: name.to_owned(),
                content_type: ContentType::Data,
                entry: entry.entry,
                link,
                link_base64,
                size_bytes: content.len() as u64,
                checksum_sha256: hex::encode(Sha256::digest(&content)),
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
                user: entry.user.clone(),
                group: entry.group.clone(),
                mtime: entry.mtime,
                tar_offset: 0,
                captured_at: entry.mtime,
                damaged: false,
                database: None,
            };
            index.extend(serde_json::to_vec(&listed).unwrap());
            index.push(b'\n');
            Ok(())
        })
        .unwrap();
        fs::write(self.indexes.join(format!("{name}.jsonl")), index).unwrap();
    }

    pub fn grounds(&self) -> Grounds<'_> {
        Grounds::new(&self.instance, &self.data).unwrap()
    }

    pub fn folder(&self, execution: &str) -> PathBuf {
        self.data.join("preimages").join(execution)
    }

    /// Prepares and applies; the folder stays owned while the answer lives.
    pub fn restore(
        &self,
        execution: &str,
        desired: &[Desired<'_>],
    ) -> (Folder, Result<Applied, RestoreError>) {
        self.restore_observed(execution, desired, &NoObserver)
    }

    pub fn restore_observed(
        &self,
        execution: &str,
        desired: &[Desired<'_>],
        observer: &dyn Observer,
    ) -> (Folder, Result<Applied, RestoreError>) {
        self.restore_with(execution, desired, SHORT, observer)
    }

    pub fn restore_with(
        &self,
        execution: &str,
        desired: &[Desired<'_>],
        patience: Patience,
        observer: &dyn Observer,
    ) -> (Folder, Result<Applied, RestoreError>) {
        let cancel = Cancel::new();
        let folder = Folder::create(&self.folder(execution)).unwrap();
        let done = prepare(desired, &folder, &cancel, observer).and_then(|parts| {
            let mut journal = self.journal(execution, parts);
            folder.write(&journal)?;
            apply(&folder, &mut journal, patience, &cancel, observer)
        });
        (folder, done)
    }

    pub fn undo(&self, done: &Folder, execution: &str) -> Folder {
        let cancel = Cancel::new();
        let folder = Folder::create(&self.folder(execution)).unwrap();
        let parts = done.journal().unwrap().unwrap().parts;
        let parts = prepare_undo(&parts, &folder, &cancel, &NoObserver).unwrap();
        let mut journal = self.journal(execution, parts);
        folder.write(&journal).unwrap();
        apply(&folder, &mut journal, SHORT, &cancel, &NoObserver).unwrap();
        folder
    }

    fn journal(
        &self,
        execution: &str,
        parts: Vec<holdfast::service::restore::journal::Part>,
    ) -> Journal {
        Journal::prepared(
            execution,
            &self.instance.id,
            jiff::Timestamp::UNIX_EPOCH,
            parts,
        )
    }

    /// Every file, link and folder below the root: what it is, its mode, and its content. Side files of databases aside.
    pub fn picture(&self) -> BTreeMap<String, String> {
        let mut picture = BTreeMap::new();
        for entry in walkdir::WalkDir::new(&self.root).min_depth(1) {
            let entry = entry.unwrap();
            let name = entry
                .path()
                .strip_prefix(&self.root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if [".db-wal", ".db-shm", ".db-journal"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                continue;
            }
            let stat = entry.path().symlink_metadata().unwrap();
            let name = name.replace('\u{fffd}', "?");
            let what = if stat.is_symlink() {
                format!("-> {}", fs::read_link(entry.path()).unwrap().display())
            } else if stat.is_dir() {
                format!("{:o}/", stat.mode() & 0o7777)
            } else if entry.path().extension().is_some_and(|e| e == "db") {
                format!("{:o} {:?}", stat.mode() & 0o7777, rows(entry.path()))
            } else {
                let content =
                    String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
                format!("{:o} {content}", stat.mode() & 0o7777)
            };
            picture.insert(name, what);
        }
        picture
    }
}

pub fn meta(mode: u32) -> Meta {
    let own = fs::metadata("/proc/self").unwrap();
    Meta {
        mode,
        uid: own.uid(),
        gid: own.gid(),
        mtime: (1_000_000, 5),
        xattrs: BTreeMap::new(),
    }
}

/// The content of a test's database.
pub struct Rows {
    pub label: &'static str,
    pub count: u32,
    /// Bytes of ballast a row.
    pub ballast: u32,
    pub page_size: u32,
}

impl Rows {
    pub fn few(label: &'static str, count: u32) -> Self {
        Self {
            label,
            count,
            ballast: 100,
            page_size: 4096,
        }
    }

    pub fn write(&self, path: &Path, mode: &str) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(&format!(
            "PRAGMA page_size={}; PRAGMA journal_mode={mode}; BEGIN;
             CREATE TABLE t(id INTEGER PRIMARY KEY, label TEXT, ballast BLOB);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {})
             INSERT INTO t SELECT i, '{}', randomblob({}) FROM n; COMMIT",
            self.page_size, self.count, self.label, self.ballast
        ))
        .unwrap();
    }
}

/// Labels and how often each is there, the mode, and whether the pages hold.
pub fn rows(path: &Path) -> String {
    let db = Connection::open(path).unwrap();
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    let mode: String = db
        .query_row("PRAGMA journal_mode", [], |r| r.get(0))
        .unwrap();
    let query = "SELECT coalesce(group_concat(label || ' ' || n || ' ' || ids), 'none') FROM \
                 (SELECT label, count(*) AS n, total(id) AS ids FROM t GROUP BY label ORDER BY label)";
    let rows: String = db.query_row(query, [], |r| r.get(0)).unwrap();
    format!("{rows} {mode} {check}")
}
