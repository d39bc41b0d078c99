//! Claims about `discover`: what is found in a folder, and what is said of the rest.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use holdfast::model::scan::{Scan, ScannedComponent};
use holdfast::model::{ComponentKind, Instance, InstanceId, InstanceSettings, Template};
use holdfast::service::sample::{SampleSize, create};
use holdfast::source::discover::{ScanError, rescan, scan, scan_with};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

fn root() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn put(root: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn database(root: &Path, name: &str) {
    put(root, name, "");
    let connection = Connection::open(root.join(name)).unwrap();
    connection
        .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
        .unwrap();
}

fn nowhere() -> PathBuf {
    PathBuf::from("/nonexistent/holdfast")
}

fn auto(root: &Path) -> Scan {
    scan(root, Some(Template::Auto), &[], &nowhere()).unwrap()
}

/// Without this process's own environment.
fn tacacs(root: &Path, environment: &[(&str, &str)]) -> Result<Scan, ScanError> {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let environment: BTreeMap<_, _> = environment.iter().map(own).collect();
    scan_with(root, Some(Template::Tacacs), &[], &nowhere(), &environment)
}

fn shape(scan: &Scan) -> Vec<(&str, ComponentKind, Vec<&str>)> {
    scan.components
        .iter()
        .map(|c| (c.name.as_str(), c.kind, paths(c)))
        .collect()
}

fn paths(component: &ScannedComponent) -> Vec<&str> {
    component
        .sources
        .iter()
        .map(|s| s.path.to_str().unwrap())
        .collect()
}

fn codes(scan: &Scan) -> Vec<&str> {
    scan.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn reasons(scan: &Scan) -> Vec<(&str, &str)> {
    scan.left_out
        .iter()
        .map(|l| (l.path.to_str().unwrap(), l.reason.as_str()))
        .collect()
}

fn instance(scan: &Scan) -> Instance {
    Instance {
        id: InstanceId::from_random(7),
        name: "sample".to_owned(),
        path: scan.path.clone(),
        template: scan.template,
        components: scan.components(),
        settings: InstanceSettings::default(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn sample() -> (TempDir, PathBuf) {
    let (keep, root) = root();
    create(&root, SampleSize::SMALL).unwrap();
    (keep, root)
}

use ComponentKind::{Config, Database, Files};

#[test]
fn a_tacacs_server_has_its_seven_components() {
    let (_keep, root) = sample();
    let scan = scan(&root, None, &[], &nowhere()).unwrap();
    assert_eq!(scan.template, Template::Tacacs);
    let expected = [
        ("config", Config, vec!["config/tacacs.conf"]),
        ("overrides", Database, vec!["data/config_overrides.db"]),
        ("devices", Database, vec!["data/devices.db"]),
        ("users", Database, vec!["data/local_auth.db"]),
        ("accounting", Database, vec!["data/tacacs_accounting.db"]),
        ("metrics", Database, vec!["data/metrics_history.db"]),
        ("audit", Database, vec!["data/audit_trail.db"]),
    ];
    assert_eq!(shape(&scan), expected);
    assert_eq!(reasons(&scan), [("logs", "not_in_template")]);
    assert!(scan.warnings.is_empty(), "{:?}", scan.warnings);
    for component in &scan.components {
        let size: u64 = component
            .sources
            .iter()
            .map(|s| fs::metadata(root.join(&s.path)).unwrap().len())
            .sum();
        assert_eq!(component.size_bytes, size, "{}", component.name);
        assert!(component.sources.iter().all(|s| s.readable && s.writable));
        assert!(!component.sources[0].owner.is_empty());
    }
}

#[test]
fn paths_come_through_the_servers_own_layers() {
    let (_keep, root) = sample();
    let (_other, outside) = crate::discover::root();
    let config = format!(
        "[auth]\nlocal_auth_db = ${{HERE}}/users.db\n[devices]\ndatabase = {}/dev.db\n[database]\naccounting_db = data/old.db\n",
        outside.display()
    );
    put(&root, "config/tacacs.conf", config);
    put(
        &root,
        ".env",
        "HERE=data\nTACACS_DEVICES_DATABASE=ignored.db\n",
    );
    for name in ["data/users.db", "sub/acct.db"] {
        database(&root, name);
    }
    database(&outside, "dev.db");
    let overrides = Connection::open(root.join("data/config_overrides.db")).unwrap();
    let sql = "INSERT INTO config_overrides (section, key, value, value_type, created_at, created_by, active)
        VALUES ('database', 'accounting_db', 'sub/../sub/acct.db', 'string', '', '', 1), ('database', 'audit_trail_db', 'no.db', 'string', '', '', 0)";
    overrides.execute_batch(sql).unwrap();
    let scan = tacacs(&root, &[]).unwrap();
    let source = |name: &str| {
        let found = scan.components.iter().find(|c| c.name == name).unwrap();
        paths(found)
    };
    assert_eq!(source("users"), ["data/users.db"]);
    assert_eq!(
        source("devices"),
        [outside.join("dev.db").to_str().unwrap()]
    );
    assert_eq!(source("accounting"), ["sub/acct.db"]);
    assert_eq!(source("audit"), ["data/audit_trail.db"]);
}

#[test]
fn the_environment_fills_only_what_the_file_does_not_say() {
    let (_keep, root) = sample();
    put(
        &root,
        "config/tacacs.conf",
        "[devices]\ndatabase = data/devices.db\n",
    );
    database(&root, "data/elsewhere.db");
    let given = [
        ("TACACS_DEVICES_DATABASE", "data/elsewhere.db"),
        ("TACACS_AUTH_LOCAL_AUTH_DB", "data/elsewhere.db"),
    ];
    let scan = tacacs(&root, &given).unwrap();
    let shape = shape(&scan);
    assert!(shape.contains(&("devices", Database, vec!["data/devices.db"])));
    assert!(shape.contains(&("users", Database, vec!["data/elsewhere.db"])));
}

#[test]
fn metrics_and_audit_are_where_the_server_writes_them_not_where_it_says() {
    let (_keep, root) = sample();
    let config = "[database]\nmetrics_history_db = data/m.db\naudit_trail_db = data/a.db\n";
    put(&root, "config/tacacs.conf", config);
    database(&root, "data/a.db");
    fs::remove_file(root.join("data/audit_trail.db")).unwrap();
    let scan = tacacs(&root, &[]).unwrap();
    let shape = shape(&scan);
    assert!(shape.contains(&("metrics", Database, vec!["data/metrics_history.db"])));
    assert!(shape.contains(&("audit", Database, vec!["data/a.db"])));
    assert_eq!(
        codes(&scan),
        ["path_ignored_by_server", "path_ignored_by_server"]
    );
}

#[test]
fn a_server_configured_by_url_has_its_cache_as_configuration() {
    let (_keep, root) = sample();
    let cache = "data/config_baseline_cache.conf";
    put(&root, cache, "[devices]\ndatabase = data/devices.db\n");
    let by_url = tacacs(&root, &[("TACACS_CONFIG", "https://example.com/t.conf")]).unwrap();
    assert_eq!(shape(&by_url)[0], ("config", Config, vec![cache]));
    fs::remove_file(root.join("config/tacacs.conf")).unwrap();
    let without_file = tacacs(&root, &[]).unwrap();
    assert_eq!(shape(&without_file)[0], ("config", Config, vec![cache]));
}

#[test]
fn overrides_are_read_whatever_state_their_database_is_in_and_nothing_is_left_beside_it() {
    let (_keep, root) = sample();
    let path = root.join("data/config_overrides.db");
    database(&root, "data/moved.db");
    let writer = Connection::open(&path).unwrap();
    let sql = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
        INSERT INTO config_overrides (section, key, value, value_type, created_at, created_by)
        VALUES ('devices', 'database', 'data/moved.db', 'string', '', '')";
    writer.execute_batch(sql).unwrap();
    let moved = |scan: &Scan| shape(scan).contains(&("devices", Database, vec!["data/moved.db"]));
    assert!(moved(&tacacs(&root, &[]).unwrap()), "with a live WAL");
    // As a killed writer leaves it: rows in the WAL only, and no shared memory.
    let bytes = ["", "-wal"].map(|end| fs::read(format!("{}{end}", path.display())).unwrap());
    drop(writer);
    fs::write(&path, &bytes[0]).unwrap();
    fs::write(root.join("data/config_overrides.db-wal"), &bytes[1]).unwrap();
    assert!(
        moved(&tacacs(&root, &[]).unwrap()),
        "with a WAL of a dead writer"
    );
    assert!(!root.join("data/config_overrides.db-shm").exists());
    assert_eq!(fs::read(&path).unwrap(), bytes[0]);
    fs::write(&path, "no database at all").unwrap();
    let scan = tacacs(&root, &[]).unwrap();
    assert_eq!(codes(&scan), ["overrides_unread"]);
}

#[test]
fn a_missing_database_is_a_warning_and_a_broken_configuration_an_error() {
    let (_keep, root) = sample();
    fs::remove_file(root.join("data/local_auth.db")).unwrap();
    let found = tacacs(&root, &[]).unwrap();
    assert_eq!(codes(&found), ["database_missing"]);
    assert!(shape(&found).iter().all(|c| c.0 != "users"));
    put(&root, "config/tacacs.conf", "this is no ini\n");
    let error = tacacs(&root, &[]).unwrap_err();
    assert!(matches!(error, ScanError::Config { reason, .. } if reason.contains("line 1")));
    fs::remove_file(root.join("config/tacacs.conf")).unwrap();
    assert!(matches!(tacacs(&root, &[]), Err(ScanError::Config { .. })));
}

#[test]
fn a_broken_configuration_does_not_stop_the_backup_of_a_known_instance() {
    let (_keep, root) = sample();
    let known = instance(&tacacs(&root, &[]).unwrap());
    put(&root, "config/tacacs.conf", "this is no ini\n");
    let (found, missing) = rescan(&known, &nowhere()).unwrap();
    assert_eq!(found.components(), known.components);
    assert_eq!(codes(&found), ["config_unread"]);
    assert!(missing.is_empty());
}

#[test]
fn any_folder_gives_databases_configuration_and_the_rest() {
    let (_keep, root) = root();
    database(&root, "data/app.db");
    database(&root, "data/App.sqlite");
    database(&root, "no-extension");
    database(&root, "config.db");
    database(&root, "data/Größe (2).db");
    put(&root, "app.toml", "a = 1");
    put(&root, "etc/app.yaml", "a: 1");
    put(&root, "a/b/c/deep.json", "{}");
    put(&root, "static/index.html", "x");
    put(&root, "fake.db", "SQLite format 2");
    put(&root, "big.json", vec![b' '; 2_000_000]);
    let scan = auto(&root);
    let expected = [
        ("config", Config, vec!["app.toml", "etc/app.yaml"]),
        ("config-2", Database, vec!["config.db"]),
        ("app", Database, vec!["data/App.sqlite"]),
        ("gr-e-2", Database, vec!["data/Größe (2).db"]),
        ("app-2", Database, vec!["data/app.db"]),
        ("no-extension", Database, vec!["no-extension"]),
        ("files", Files, vec!["."]),
    ];
    assert_eq!(shape(&scan), expected);
    let files = scan.components.last().unwrap();
    assert_eq!(files.size_bytes, 2_000_000 + 2 + 1 + 15);
}

#[test]
fn what_is_left_out_is_said() {
    let (_keep, root) = root();
    let connection = Connection::open(root.join("a.db")).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a);")
        .unwrap();
    put(&root, "a.db-notes", "x");
    put(&root, "own/store.db", "x");
    put(&root, "__pycache__/x", "x");
    put(&root, "tmp/x", "x");
    put(&root, "backup-web-20260101-000000-manual.tar.gz", "x");
    let fifo = root.join("fifo");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, fifo, kind, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("sock")).unwrap();
    let own = root.join("own");
    let scan = scan(&root, None, &["tmp".to_owned()], &own).unwrap();
    let expected = [
        ("__pycache__", "cache"),
        ("backup-web-20260101-000000-manual.tar.gz", "own_data"),
        ("fifo", "special"),
        ("own", "own_data"),
        ("sock", "socket"),
        ("tmp", "excluded"),
        ("a.db-shm", "side_file"),
        ("a.db-wal", "side_file"),
    ];
    assert_eq!(reasons(&scan), expected);
    let database = &scan.components[0];
    let wal = fs::metadata(root.join("a.db-wal")).unwrap().len();
    assert!(wal > 0);
    let main = fs::metadata(root.join("a.db")).unwrap().len();
    assert_eq!(database.size_bytes, main + wal);
}

#[test]
fn a_link_to_a_database_outside_is_a_warning() {
    let (_keep, root) = root();
    let (_other, outside) = crate::discover::root();
    database(&outside, "real.db");
    symlink(outside.join("real.db"), root.join("link.db")).unwrap();
    let scan = auto(&root);
    assert_eq!(shape(&scan), [("files", Files, vec!["."])]);
    assert_eq!(codes(&scan), ["linked_database"]);
}

#[test]
fn a_folder_without_anything_to_back_up_is_an_error_that_says_which() {
    let (_keep, root) = root();
    let scanned = |path: &Path| scan(path, None, &[], &nowhere()).unwrap_err();
    assert!(matches!(scanned(&root), ScanError::Nothing(_)));
    assert!(matches!(scanned(&root.join("gone")), ScanError::Missing(_)));
    put(&root, "file", "x");
    assert!(matches!(
        scanned(&root.join("file")),
        ScanError::NotAFolder(_)
    ));
    assert!(matches!(
        scanned(&root.join("file/below")),
        ScanError::NotAFolder(_)
    ));
    let excluded = scan(&root, None, &["**".to_owned()], &nowhere());
    assert!(matches!(excluded, Err(ScanError::Nothing(_))));
    let inside = scan(&root, None, &[], &root);
    assert!(matches!(inside, Err(ScanError::Nothing(_))));
    let glob = scan(&root, None, &["{".to_owned()], &nowhere());
    assert!(matches!(glob, Err(ScanError::Glob { glob, .. }) if glob == "{"));
}

#[test]
fn a_closed_folder_cannot_be_read_and_says_so() {
    let (_keep, root) = root();
    put(&root, "closed/x", "x");
    let closed = root.join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    let found = scan(&closed, None, &[], &nowhere());
    let allowed = fs::read_dir(&closed).is_ok();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    if allowed {
        eprintln!("this user may read everything");
        return;
    }
    assert!(matches!(found, Err(ScanError::Unreadable(path, _)) if path == closed));
}

#[test]
fn a_rescan_keeps_names_and_names_what_is_gone() {
    let (_keep, root) = root();
    database(&root, "b/app.db");
    database(&root, "c/other.db");
    put(&root, "x", "x");
    let known = instance(&auto(&root));
    // Sorts first, and would take the name.
    database(&root, "a/app.db");
    fs::remove_file(root.join("c/other.db")).unwrap();
    let (found, missing) = rescan(&known, &nowhere()).unwrap();
    let expected = [
        ("app-2", Database, vec!["a/app.db"]),
        ("app", Database, vec!["b/app.db"]),
        ("files", Files, vec!["."]),
        ("other", Database, vec!["c/other.db"]),
    ];
    assert_eq!(shape(&found), expected);
    assert_eq!(missing, ["other"]);
    assert!(!found.components[3].sources[0].readable);
}

#[test]
fn an_excluded_component_is_neither_found_nor_missing() {
    let (_keep, root) = root();
    database(&root, "a.db");
    database(&root, "b.db");
    let mut known = instance(&auto(&root));
    known.settings.exclude = vec!["b.db*".to_owned()];
    let (found, missing) = rescan(&known, &nowhere()).unwrap();
    assert_eq!(shape(&found), [("a", Database, vec!["a.db"])]);
    assert!(missing.is_empty());
}

#[test]
fn a_known_database_whose_header_is_destroyed_stays_a_database() {
    let (_keep, root) = root();
    database(&root, "a.db");
    database(&root, "b.db");
    let known = instance(&auto(&root));
    fs::write(root.join("b.db"), vec![0; 8192]).unwrap();
    let (found, missing) = rescan(&known, &nowhere()).unwrap();
    assert!(shape(&found).contains(&("b", Database, vec!["b.db"])));
    assert!(missing.is_empty());
}

#[test]
fn a_mount_that_is_gone_is_an_error_not_an_empty_backup() {
    let (_keep, root) = root();
    database(&root, "a.db");
    let known = instance(&auto(&root));
    fs::remove_file(root.join("a.db")).unwrap();
    assert!(matches!(
        rescan(&known, &nowhere()),
        Err(ScanError::Nothing(_))
    ));
}
