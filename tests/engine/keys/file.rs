//! Claims about `keys.json`.

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::thread;

use holdfast::keys::{Backend, KeyError, SecretStore, open};
use secrecy::{ExposeSecret, SecretString};

fn store(dir: &tempfile::TempDir) -> Box<dyn SecretStore> {
    open(Backend::File, dir.path(), "scope")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn text(store: &dyn SecretStore, name: &str) -> Option<String> {
    let found = store.get(name).unwrap();
    found.map(|secret| secret.expose_secret().to_owned())
}

fn refusal(store: &dyn SecretStore) -> String {
    match store.get("identity") {
        Err(error @ KeyError::File(_)) => format!("{error}: {}", error.source().unwrap()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was read"),
    }
}

#[test]
fn secrets_are_set_replaced_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    assert_eq!(text(&*store, "identity"), None);
    store.set("identity", &secret("one")).unwrap();
    store
        .set("destination/d1/password", &secret("zwei \"\n\u{1f511}"))
        .unwrap();
    store.set("identity", &secret("two")).unwrap();
    let again = self::store(&dir);
    assert_eq!(text(&*again, "identity").unwrap(), "two");
    assert_eq!(
        text(&*again, "destination/d1/password").unwrap(),
        "zwei \"\n\u{1f511}"
    );
    again.delete("identity").unwrap();
    again.delete("identity").unwrap();
    assert_eq!(text(&*store, "identity"), None);
    store.unlock().unwrap();
}

#[test]
fn the_file_is_private_and_nothing_else_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    store.set("identity", &secret("one")).unwrap();
    store.set("identity", &secret("two")).unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600);
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["keys.json", "keys.lock"]);
}

#[test]
fn a_file_that_others_could_read_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    store.set("identity", &secret("one")).unwrap();
    let path = dir.path().join("keys.json");
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let reason = refusal(&*store);
        assert!(
            reason.contains("open to others") && reason.contains("chmod 600"),
            "{reason}"
        );
        assert!(matches!(
            store.set("identity", &secret("two")),
            Err(KeyError::File(_))
        ));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(&*store, "identity").unwrap(), "one");
}

#[test]
fn a_link_in_the_file_s_place_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, r#"{"version":1,"secrets":{}}"#).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, dir.path().join("keys.json")).unwrap();
    refusal(&*store(&dir));
}

#[test]
fn a_damaged_file_is_an_error_that_repeats_nothing_of_it_and_is_never_replaced() {
    let damaged = [
        "",
        "{",
        r#"{"version":1,"secrets":"AGE-SECRET-KEY-1"}"#,
        r#"{"version":1,"secrets":{"identity":["AGE-SECRET-KEY-1"]}}"#,
        r#"{"version":1,"secrets":{},"AGE-SECRET-KEY-1":1}"#,
        r#"{"version":2,"secrets":{}}"#,
        r#"["AGE-SECRET-KEY-1"]"#,
    ];
    for content in damaged {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let store = store(&dir);
        let reason = refusal(&*store);
        assert!(!reason.contains("AGE-SECRET"), "{reason}");
        assert!(store.set("identity", &secret("one")).is_err());
        assert!(store.delete("identity").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_data_folder_that_is_gone_does_not_read_as_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(Backend::File, &dir.path().join("unmounted"), "scope");
    assert!(matches!(store.get("identity"), Err(KeyError::File(_))));
    assert!(matches!(
        store.set("identity", &secret("one")),
        Err(KeyError::File(_))
    ));
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for n in 0..8 {
            let dir = &dir;
            scope.spawn(move || {
                store(dir)
                    .set(&format!("name{n}"), &secret(&format!("value{n}")))
                    .unwrap();
            });
        }
    });
    let store = store(&dir);
    for n in 0..8 {
        assert_eq!(
            text(&*store, &format!("name{n}")).unwrap(),
            format!("value{n}")
        );
    }
}
