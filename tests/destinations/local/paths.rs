//! Claims about where `local` looks, and where it never does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

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
