//! Claims about where `local` looks, and where it never does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use holdfast::destination::local::Local;
use holdfast::destination::{Destination, DestinationError, ErrorKind, Key, open};
use holdfast::model::{DestinationConfig, DestinationType};

use super::{FOLDER, HOUR, Place, body, config, key, kind, listed, name, put, with_call};

#[test]
fn nothing_is_read_written_or_deleted_through_a_link() {
    let place = Place::new();
    let local = place.open();
    let outside = place.dir.path().join("outside");
    fs::create_dir_all(outside.join("manual")).unwrap();
    fs::write(outside.join("manual").join(name(1)), b"theirs").unwrap();
    symlink(&outside, place.base().join("tacacs-0a1b2c3d")).unwrap();
    assert_eq!(kind(put(&local, &key(2), b"ours")), ErrorKind::Forbidden);
    assert_eq!(kind(local.staging(&key(2))), ErrorKind::Forbidden);
    with_call(|call| {
        assert_eq!(kind(local.get(&key(1), None, call)), ErrorKind::Forbidden);
        assert_eq!(kind(local.stat(&key(1), call)), ErrorKind::Forbidden);
        assert_eq!(kind(local.delete(&key(1), call)), ErrorKind::Forbidden);
    });
    assert_eq!(listed(&local, ""), [""; 0]);
    // The file itself as a link, dangling or not.
    fs::remove_file(place.base().join("tacacs-0a1b2c3d")).unwrap();
    fs::create_dir_all(place.base().join(FOLDER)).unwrap();
    for (second, target) in [(1, "manual"), (2, "nowhere")] {
        let link = place.base().join(FOLDER).join(name(second));
        symlink(outside.join(target).join(name(1)), link).unwrap();
        assert_eq!(kind(put(&local, &key(second), b"ours")), ErrorKind::Exists);
        with_call(|call| {
            assert_eq!(
                kind(local.get(&key(second), None, call)),
                ErrorKind::Forbidden
            );
            assert_eq!(kind(local.stat(&key(second), call)), ErrorKind::Forbidden);
        });
    }
    assert_eq!(listed(&local, ""), [""; 0]);
    assert_eq!(
        fs::read(outside.join("manual").join(name(1))).unwrap(),
        b"theirs"
    );
    assert_eq!(fs::read_dir(outside.join("manual")).unwrap().count(), 1);
}

#[test]
fn a_base_path_behind_a_link_is_resolved_once() {
    let place = Place::new();
    let link = place.dir.path().join("link");
    symlink(place.base(), &link).unwrap();
    let local = Local::open(&config(&link)).unwrap();
    put(&local, &key(1), b"x").unwrap();
    assert_eq!(listed(&place.open(), ""), [key(1).as_str()]);
    let staged = local.staging(&key(2)).unwrap().unwrap();
    fs::write(&staged, b"y").unwrap();
    with_call(|call| local.put(&key(2), &body(&staged, b"y"), call)).unwrap();
    assert!(!staged.exists());
}

#[test]
fn a_list_shows_archives_and_nothing_else() {
    let place = Place::new();
    let local = place.open();
    let base = place.base();
    put(&local, &key(1), b"x").unwrap();
    let second = Key::new(&format!("tacacs-0a1b2c3d/scheduled/{}", name(2))).unwrap();
    put(&local, &second, b"x").unwrap();
    let hidden = Key::new(&format!(
        "{}/a-00000001/manual/{}",
        Key::CONTRACT_FOLDER,
        name(3)
    ));
    put(&local, &hidden.unwrap(), b"x").unwrap();
    fs::write(local.staging(&key(4)).unwrap().unwrap(), b"unfinished").unwrap();
    fs::write(base.join(FOLDER).join("notes.txt"), b"theirs").unwrap();
    fs::write(base.join(name(5)), b"theirs").unwrap();
    fs::create_dir(base.join(FOLDER).join(name(6))).unwrap();
    fs::create_dir_all(base.join("photos/manual")).unwrap();
    fs::write(base.join("photos/manual").join(name(7)), b"theirs").unwrap();
    assert_eq!(listed(&local, ""), [key(1).as_str(), second.as_str()]);
    assert_eq!(
        listed(&local, "tacacs-0a1b2c3d"),
        [key(1).as_str(), second.as_str()]
    );
    assert_eq!(
        listed(&local, "tacacs-0a1b2c3d/scheduled/"),
        [second.as_str()]
    );
    assert_eq!(listed(&local, "tacacs-0a1b2c3d/safety"), [""; 0]);
    assert_eq!(listed(&local, "photos"), [""; 0]);
    assert_eq!(listed(&local, Key::CONTRACT_FOLDER).len(), 1);
    let climbs = with_call(|call| local.list("../x", call, &mut |_| Ok(())));
    assert_eq!(kind(climbs), ErrorKind::Config);
}

#[test]
fn a_list_ends_with_its_receiver_s_error() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"x").unwrap();
    put(&local, &key(2), b"x").unwrap();
    let mut seen = 0;
    let stopped = with_call(|call| {
        local.list("", call, &mut |_| {
            seen += 1;
            Err(DestinationError::new(ErrorKind::Throttled, "enough"))
        })
    });
    assert_eq!((kind(stopped), seen), (ErrorKind::Throttled, 1));
}

#[test]
fn a_base_path_that_is_gone_is_unreachable_and_never_empty() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"x").unwrap();
    fs::rename(place.base(), place.dir.path().join("unmounted")).unwrap();
    with_call(|call| {
        assert_eq!(
            kind(local.list("", call, &mut |_| Ok(()))),
            ErrorKind::Unreachable
        );
        assert_eq!(kind(local.stat(&key(1), call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.get(&key(1), None, call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.delete(&key(1), call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.sweep(HOUR, call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.free_space(call)), ErrorKind::Unreachable);
    });
    assert_eq!(kind(put(&local, &key(2), b"x")), ErrorKind::Unreachable);
    assert!(
        !place.base().exists(),
        "it was made anew, on the wrong disk"
    );
    let refused = Local::open(&config(&place.base())).err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Unreachable);
    assert!(refused.detail.contains("mounted"), "{refused}");
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_the_reason() {
    let place = Place::new();
    let file = place.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let refused_as = |kind: ErrorKind, settings: &[(&str, &str)]| {
        let config = DestinationConfig {
            config: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..config(&place.base())
        };
        let error = open(&config, &BTreeMap::new()).err().unwrap();
        assert_eq!(error.kind, kind);
        error.detail
    };
    let refused = |settings: &[(&str, &str)]| refused_as(ErrorKind::Config, settings);
    assert!(refused(&[]).contains("base_path"));
    assert!(refused(&[("base_path", "")]).contains("base_path"));
    assert!(refused(&[("base_path", "backups")]).contains("absolute"));
    // Right as a setting: what stands there is the world's doing.
    let at_a_file = [("base_path", file.to_str().unwrap())];
    assert!(refused_as(ErrorKind::Unreachable, &at_a_file).contains("not a folder"));
    let base = place.base();
    let typo = [("base_path", base.to_str().unwrap()), ("host", "nas")];
    assert!(refused(&typo).contains("`host`"));
    // Nothing here is ever silent in the way that a network is.
    let patient = [("base_path", base.to_str().unwrap()), ("timeout", "60")];
    assert!(refused(&patient).contains("`timeout`"));
}

#[test]
fn types_that_come_later_say_so() {
    let place = Place::new();
    for later in [
        DestinationType::Sftp,
        DestinationType::Ftp,
        DestinationType::S3,
        DestinationType::Azure,
        DestinationType::Webdav,
    ] {
        let config = DestinationConfig {
            destination_type: later,
            ..config(&place.base())
        };
        let error = open(&config, &BTreeMap::new()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.detail.contains(later.as_str()), "{error}");
    }
}

#[test]
fn what_the_servers_own_backup_left_is_listed_where_it_put_it() {
    let place = Place::new();
    let local = place.open();
    let base = place.base();
    let named = |instance: &str, end: &str| format!("backup-{instance}-20240506-070809-{end}");
    let archives = [
        format!("web/manual/{}", named("web", "manual.tar.gz")),
        format!("web/manual/{}", named("web", "manual.tar.gz.enc")),
        format!("web/emergency/{}", named("web", "emergency.tar.gz")),
        // Its instance may be called as a folder of ours is.
        format!(
            "web-0a1b2c3d/manual/{}",
            named("web-0a1b2c3d", "manual.tar.gz.enc")
        ),
    ];
    let others = [
        format!("web/manual/{}", named("other", "manual.tar.gz")),
        format!("web/manual/{}", named("web", "emergency.tar.gz")),
        format!("web/emergency/{}", named("web", "manual.tar.gz")),
        format!("web/scheduled/{}", named("web", "scheduled.tar.gz")),
        format!("web/{}", named("web", "manual.tar.gz")),
        format!("web/manual/{}", named("web", "manual.tar.gz.gpg")),
        format!("a b/manual/{}", named("a b", "manual.tar.gz")),
        format!(
            "web-0a1b2c3d/scheduled/{}",
            named("web", "manual.tar.gz.enc")
        ),
        format!("web/manual/{}", "backup-web-20241306-070809-manual.tar.gz"),
    ];
    for path in archives.iter().chain(&others) {
        fs::create_dir_all(base.join(path).parent().unwrap()).unwrap();
        fs::write(base.join(path), b"x").unwrap();
    }
    // A file and a link in the place of a folder of types are nobody's archives.
    for folder in ["photos", "videos"] {
        fs::create_dir(base.join(folder)).unwrap();
    }
    fs::write(base.join("photos/manual"), b"how to use the camera").unwrap();
    symlink(base.join("web/manual"), base.join("videos/manual")).unwrap();
    let mut expected = archives.clone();
    expected.sort();
    assert_eq!(listed(&local, ""), expected);
    assert_eq!(listed(&local, "web/emergency"), [archives[2].as_str()]);
}

const CLOSED: &str = "HOLDFAST_TEST_CLOSED";
const NOBODY: u32 = 65_534;

/// Any word can be the name of an instance of the server's, so a list looks into folders that have nothing to do with us. Nothing is
/// closed to root, so the list is made by a child of this test program that has given root up.
#[test]
fn a_folder_that_is_closed_to_us_is_no_reason_to_show_nothing() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    put(&place.open(), &key(1), b"x").unwrap();
    let base = place.base();
    fs::create_dir(base.join("photos")).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "local::paths::child_that_lists"])
        .env(CLOSED, &base);
    if rustix::process::geteuid().is_root() {
        let open = |path: &Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        open(place.dir.path());
        for path in [
            base.clone(),
            base.join("tacacs-0a1b2c3d"),
            base.join(FOLDER),
        ] {
            open(&path);
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        child.uid(NOBODY).gid(NOBODY);
    }
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(base.join("photos"), closed).unwrap();
    let output = child.output().unwrap();
    fs::set_permissions(base.join("photos"), fs::Permissions::from_mode(0o700)).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// What the test above starts as another user; run like any test it has no place, and nothing to do.
#[test]
fn child_that_lists() {
    let Some(base) = std::env::var_os(CLOSED) else {
        return;
    };
    let base = Path::new(&base);
    assert!(fs::read_dir(base.join("photos")).is_err(), "it is closed");
    let local = Local::open(&config(base)).unwrap();
    assert_eq!(listed(&local, ""), [key(1).as_str()]);
}
