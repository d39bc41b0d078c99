//! The TACACS+ server: where its files are is in its own configuration, found through its own layers. What else lies in its folder is
//! not part of this template, and said so.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::model::scan::{LeftOut, Scan, ScannedComponent};
use crate::model::{ComponentKind, Template, Warning};
use crate::source::config::environment::{self, Environment};
use crate::source::config::layers::Layers;
use crate::source::config::{URL_CACHE, merge, overrides, read_ini};
use crate::source::files::rules::{Rules, SIDE_FILES, with_suffix};

use super::probe::Probe;
use super::{Place, ScanError};

pub(super) const CONFIG: &str = "config/tacacs.conf";
const OVERRIDES: &str = "data/config_overrides.db";

struct Database {
    component: &'static str,
    section: &'static str,
    key: &'static str,
    default: &'static str,
    writer: Writer,
}

/// Which path the part of the server that writes the database goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Configured,
    /// It takes the default, whatever the configuration says.
    Default,
}

const DATABASES: [Database; 5] = [
    Database {
        component: "devices",
        section: "devices",
        key: "database",
        default: "data/devices.db",
        writer: Writer::Configured,
    },
    Database {
        component: "users",
        section: "auth",
        key: "local_auth_db",
        default: "data/local_auth.db",
        writer: Writer::Configured,
    },
    Database {
        component: "accounting",
        section: "database",
        key: "accounting_db",
        default: "data/tacacs_accounting.db",
        writer: Writer::Configured,
    },
    Database {
        component: "metrics",
        section: "database",
        key: "metrics_history_db",
        default: "data/metrics_history.db",
        writer: Writer::Default,
    },
    Database {
        component: "audit",
        section: "database",
        key: "audit_trail_db",
        default: "data/audit_trail.db",
        writer: Writer::Default,
    },
];

pub(super) fn scan(place: &Place<'_>) -> Result<Scan, ScanError> {
    let rules = Rules::new(place.root, place.exclude)?;
    let environment = environment::of_server(place.root, place.environment);
    let config = baseline(place.root, &environment);
    let unread = |reason| ScanError::Config {
        path: place.root.join(&config),
        reason,
    };
    let ini = read_ini(&place.root.join(&config)).map_err(unread)?;
    let mut found = Finder {
        place,
        rules,
        probe: Probe::new(place.root),
        components: Vec::new(),
        left_out: Vec::new(),
        warnings: ini.warnings(&config),
    };
    let rows = match overrides::from_live(&place.root.join(OVERRIDES)) {
        Ok(rows) => rows.unwrap_or_default(),
        Err(error) => {
            let message =
                format!("the overrides cannot be read, paths in them are not known: {error}");
            found.warn("overrides_unread", "overrides", message);
            Vec::new()
        }
    };
    let layers = merge(ini, &environment, rows);
    found.add("config", ComponentKind::Config, vec![config]);
    found.add_database("overrides", vec![PathBuf::from(OVERRIDES)]);
    for database in &DATABASES {
        let sources = found.sources(database, &layers, &environment);
        found.add_database(database.component, sources);
    }
    found.leave_out_the_rest();
    Ok(Scan {
        path: place.root.to_path_buf(),
        template: Template::Tacacs,
        components: found.components,
        left_out: found.left_out,
        warnings: found.warnings,
    })
}

/// The file that the configuration comes from, or the cache of the URL that it came from.
fn baseline(root: &Path, environment: &Environment) -> PathBuf {
    let named = environment
        .get("TACACS_CONFIG")
        .filter(|text| !text.is_empty());
    let schemes = ["http:", "https:", "file:"];
    match named {
        Some(text)
            if schemes
                .iter()
                .any(|s| text.to_ascii_lowercase().starts_with(s)) =>
        {
            URL_CACHE.into()
        }
        Some(path) => relative(root, path),
        None if !there(&root.join(CONFIG)) && there(&root.join(URL_CACHE)) => URL_CACHE.into(),
        None => CONFIG.into(),
    }
}

fn there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// As a component keeps it: relative to the root where it lies inside. `..` is resolved by the file system, because links may be there.
fn relative(root: &Path, path: &str) -> PathBuf {
    let whole = root.join(path);
    let climbs = whole.components().any(|part| part == Component::ParentDir);
    let whole: PathBuf = match (climbs, whole.parent(), whole.file_name()) {
        (true, Some(parent), Some(name)) => parent
            .canonicalize()
            .map_or_else(|_| whole.clone(), |parent| parent.join(name)),
        _ => whole.components().collect(),
    };
    match whole.strip_prefix(root) {
        Ok(inside) => inside.to_path_buf(),
        Err(_) => whole,
    }
}

struct Finder<'a> {
    place: &'a Place<'a>,
    rules: Rules,
    probe: Probe,
    components: Vec<ScannedComponent>,
    left_out: Vec<LeftOut>,
    warnings: Vec<Warning>,
}

impl Finder<'_> {
    /// Where a database is, or would be.
    fn sources(
        &mut self,
        database: &Database,
        layers: &Layers,
        environment: &Environment,
    ) -> Vec<PathBuf> {
        let default = PathBuf::from(database.default);
        let Some(text) = layers
            .get(database.section, database.key)
            .filter(|t| !t.is_empty())
        else {
            return vec![default];
        };
        // The server expands this one only.
        let text = match database.key {
            "local_auth_db" => environment::expand(text, environment),
            _ => text.to_owned(),
        };
        let configured = relative(self.place.root, &text);
        if database.writer == Writer::Configured || configured == default {
            return vec![configured];
        }
        let exists = |path: &Path| there(&self.place.root.join(path));
        let kept: Vec<PathBuf> = [default.clone(), configured.clone()]
            .into_iter()
            .filter(|path| exists(path))
            .collect();
        let (section, key) = (database.section, database.key);
        let message = format!(
            "`{section}.{key}` says `{}`, but the server writes `{}`; backed up is what is there",
            configured.display(),
            default.display(),
        );
        self.warn("path_ignored_by_server", database.component, message);
        if kept.is_empty() { vec![default] } else { kept }
    }

    fn add_database(&mut self, name: &str, mut sources: Vec<PathBuf>) {
        let (root, mut wrong) = (self.place.root, Vec::new());
        sources.retain(|source| match fs::metadata(root.join(source)) {
            Ok(found) if found.is_file() => true,
            Ok(_) => {
                wrong.push(format!("`{}` is not a regular file", source.display()));
                false
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                wrong.push(format!("`{}` is not there", source.display()));
                false
            }
            // Something is there that this user may not see: a component that cannot be read, not one that does not exist.
            Err(_) => true,
        });
        for message in wrong {
            self.warn("database_missing", name, message);
        }
        self.add(name, ComponentKind::Database, sources);
    }

    fn add(&mut self, name: &str, kind: ComponentKind, mut sources: Vec<PathBuf>) {
        let (root, rules) = (self.place.root, &self.rules);
        let left_out = &mut self.left_out;
        sources.retain(|source| {
            let excluded = rules.excluded(&root.join(source));
            if excluded {
                left_out.push(LeftOut {
                    path: source.clone(),
                    reason: "excluded".to_owned(),
                });
            }
            !excluded
        });
        if !sources.is_empty() {
            let component = self.probe.component(name.to_owned(), kind, &sources);
            self.components.push(component);
        }
    }

    fn warn(&mut self, code: &str, component: &str, message: String) {
        self.warnings
            .push(Warning::new(code, Some(component), message));
    }

    /// What lies in the root, and beside what is backed up, one line each: nobody should believe that it is in the archive.
    fn leave_out_the_rest(&mut self) {
        let kept: Vec<PathBuf> = self
            .components
            .iter()
            .flat_map(|c| &c.sources)
            .map(|s| s.path.clone())
            .collect();
        let mut folders: Vec<&Path> = kept.iter().filter_map(|p| p.parent()).collect();
        folders.retain(|folder| folder.is_relative());
        folders.push(Path::new(""));
        folders.sort_unstable();
        folders.dedup();
        for folder in &folders {
            let Ok(entries) = fs::read_dir(self.place.root.join(folder)) else {
                continue;
            };
            let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
            names.sort_unstable();
            for path in names.into_iter().map(|name| folder.join(name)) {
                let known = kept.iter().any(|kept| kept.starts_with(&path));
                let listed = self.left_out.iter().any(|l| l.path == path);
                if !known && !listed {
                    let reason = self.reason(&path, &kept).to_owned();
                    self.left_out.push(LeftOut { path, reason });
                }
            }
        }
    }

    fn reason(&self, path: &Path, kept: &[PathBuf]) -> &'static str {
        let whole = self.place.root.join(path);
        let side = |database: &PathBuf| {
            SIDE_FILES
                .iter()
                .any(|end| with_suffix(database, end) == path)
        };
        if kept.iter().any(side) {
            "side_file"
        } else if self.rules.excluded(&whole) {
            "excluded"
        } else if self
            .place
            .own_data
            .canonicalize()
            .is_ok_and(|own| own == whole)
        {
            "own_data"
        } else {
            "not_in_template"
        }
    }
}
