//! Claims about the OS keyring, against a real GNOME Keyring on a bus of its own. Each test starts itself again below
//! `dbus-run-session` and does its work there; the daemon is a child of it.

use std::env;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::session::{INSIDE, in_session};
use holdfast::keys::{Backend, KeyError, SecretStore, create, identity, open, signing_key};
use secrecy::{ExposeSecret, SecretString};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;

/// Only so that a hanging service ends the test at all.
const PATIENCE: Duration = Duration::from_mins(1);

/// A keyring daemon; it ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start(password: Option<&str>) -> Self {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--components=secrets", "--foreground"]);
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is needed");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(password.unwrap_or("").as_bytes()).unwrap();
        drop(stdin);
        let daemon = Self(child);
        wait_until(has_service);
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        wait_until(|| !has_service());
    }
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(
            started.elapsed() < PATIENCE,
            "the keyring daemon does not do as it was told"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

fn has_service() -> bool {
    let bus = zbus::blocking::Connection::session().unwrap();
    let bus = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
    bus.name_has_owner("org.freedesktop.secrets".try_into().unwrap())
        .unwrap()
}

/// As the user does it in the desktop's own keyring application.
fn lock_default() {
    let service = SecretService::connect(EncryptionType::Dh).unwrap();
    service.get_default_collection().unwrap().lock().unwrap();
}

fn keyring(scope: &str) -> Box<dyn SecretStore> {
    open(Backend::Keyring, "/nowhere".as_ref(), scope)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn text(store: &dyn SecretStore, name: &str) -> Option<String> {
    let found = store.get(name).unwrap();
    found.map(|secret| secret.expose_secret().to_owned())
}

fn all_locked(store: &dyn SecretStore) {
    assert!(matches!(store.get("identity"), Err(KeyError::Locked)));
    assert!(matches!(store.get("never stored"), Err(KeyError::Locked)));
    assert!(matches!(
        store.set("identity", &secret("new")),
        Err(KeyError::Locked)
    ));
    assert!(matches!(store.delete("identity"), Err(KeyError::Locked)));
    // Nobody can be asked here.
    assert!(matches!(store.unlock(), Err(KeyError::Locked)));
    assert!(matches!(create(store), Err(KeyError::Locked)));
}

#[test]
fn secrets_are_kept_by_an_open_keyring_and_scopes_do_not_meet() {
    in_session(
        "keys::keyring::secrets_are_kept_by_an_open_keyring_and_scopes_do_not_meet",
        || {
            let _daemon = Daemon::start(Some("test"));
            let (one, two) = (keyring("one"), keyring("two"));
            assert_eq!(text(&*one, "identity"), None);
            one.set("identity", &secret("first")).unwrap();
            one.set("identity", &secret("zwei \"\n\u{1f511}")).unwrap();
            assert_eq!(
                text(&*keyring("one"), "identity").unwrap(),
                "zwei \"\n\u{1f511}"
            );
            assert_eq!(text(&*two, "identity"), None);
            two.delete("identity").unwrap();
            assert!(text(&*one, "identity").is_some());
            one.delete("identity").unwrap();
            one.delete("identity").unwrap();
            assert_eq!(text(&*one, "identity"), None);
            one.unlock().unwrap();
        },
    );
}

#[test]
fn missing_and_wrong_keys_are_told_apart_in_an_open_keyring() {
    in_session(
        "keys::keyring::missing_and_wrong_keys_are_told_apart_in_an_open_keyring",
        || {
            let _daemon = Daemon::start(Some("test"));
            let store = keyring("one");
            let keys = create(&*store).unwrap();
            identity(&*store, &keys).unwrap();
            signing_key(&*store, &keys).unwrap();
            let other = keyring("two");
            assert!(matches!(
                identity(&*other, &keys),
                Err(KeyError::Missing(_))
            ));
            create(&*other).unwrap();
            assert!(matches!(identity(&*other, &keys), Err(KeyError::Wrong(_))));
            assert!(matches!(
                signing_key(&*other, &keys),
                Err(KeyError::Wrong(_))
            ));
        },
    );
}

#[test]
fn a_locked_keyring_never_reads_as_an_empty_one() {
    in_session(
        "keys::keyring::a_locked_keyring_never_reads_as_an_empty_one",
        || {
            let store = keyring("one");
            {
                let _daemon = Daemon::start(Some("test"));
                store.set("identity", &secret("first")).unwrap();
                lock_default();
                all_locked(&*store);
            }
            {
                let _daemon = Daemon::start(None);
                all_locked(&*store);
            }
            let _daemon = Daemon::start(Some("test"));
            assert_eq!(text(&*store, "identity").unwrap(), "first");
        },
    );
}

#[test]
fn a_keyring_that_nobody_has_opened_yet_is_locked() {
    in_session(
        "keys::keyring::a_keyring_that_nobody_has_opened_yet_is_locked",
        || {
            let _daemon = Daemon::start(None);
            all_locked(&*keyring("one"));
        },
    );
}

#[test]
fn a_service_that_starts_later_is_found() {
    in_session(
        "keys::keyring::a_service_that_starts_later_is_found",
        || {
            let store = keyring("one");
            assert!(matches!(
                store.get("identity"),
                Err(KeyError::NoService(Some(_)))
            ));
            assert!(matches!(
                store.set("identity", &secret("x")),
                Err(KeyError::NoService(_))
            ));
            assert!(matches!(
                store.delete("identity"),
                Err(KeyError::NoService(_))
            ));
            assert!(matches!(store.unlock(), Err(KeyError::NoService(_))));
            {
                let _daemon = Daemon::start(Some("test"));
                store.set("identity", &secret("x")).unwrap();
            }
            assert!(matches!(store.get("identity"), Err(KeyError::NoService(_))));
            let _daemon = Daemon::start(Some("test"));
            assert_eq!(text(&*store, "identity").unwrap(), "x");
        },
    );
}

#[test]
fn no_session_at_all_is_no_service() {
    if env::var_os(INSIDE).is_some() {
        let store = keyring("one");
        assert!(matches!(store.get("identity"), Err(KeyError::NoService(_))));
        return;
    }
    let name = "keys::keyring::no_session_at_all_is_no_service";
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name])
        .env(INSIDE, "1")
        .env("XDG_RUNTIME_DIR", empty.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
