//! What a reader does with links, and with what is there already: nothing is written through, nothing over.

use std::os::unix::fs::PermissionsExt;

use holdfast::archive::{OpenError, UnpackPolicy};
use holdfast::model::{Cancel, NoObserver};

use super::forge::{FOLDER, HARDLINK, SYMLINK, link, raw};
use super::hostile::{WARY, good, is_refused, opened, tree, unpacked};

#[test]
fn nothing_is_written_through_a_link() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    let trusted = UnpackPolicy {
        trusted: true,
        ..WARY
    };
    let entries = [link("t/a", SYMLINK, target), raw("t/a/x", b"evil")];
    for policy in [WARY, trusted] {
        let archive = opened(tree(&entries)).unwrap();
        let (_, result) = unpacked(&archive, policy);
        if policy.trusted {
            let Err(OpenError::Refused { entry, reason, .. }) = result else {
                panic!("{result:?}");
            };
            assert_eq!(entry.as_deref(), Some("t/a/x"));
            assert!(
                reason.contains("no folder") || reason.contains("already"),
                "{reason}"
            );
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }
    // A hard link to a symbolic one, then a write to it, is the same trick.
    let entries = [link("t/a", SYMLINK, target), link("t/b", HARDLINK, "t/a")];
    is_refused(tree(&entries), Some("t/b"), "no earlier file");
}

#[test]
fn hard_links_stay_in_their_component() {
    let mut forge = good();
    forge.tree("t", &[link("t/x", HARDLINK, "db/a.db")], |_| {});
    is_refused(forge.build(|_| {}), Some("t/x"), "no earlier file");
    for target in ["t/later", "/etc/passwd", "t/../../x", ""] {
        is_refused(
            tree(&[link("t/x", HARDLINK, target), raw("t/z", b"z")]),
            Some("t/x"),
            "no earlier file",
        );
    }
}

#[test]
fn only_trusted_archives_bring_outward_links_and_set_id_bits() {
    let mut program = raw("t/program", b"#!/bin/sh\n");
    program.mode = 0o6755;
    let mut sub = link("t/sub/", FOLDER, "");
    sub.mode = 0o700;
    let entries = [
        link("t/abs", SYMLINK, "/etc/passwd"),
        link("t/in", SYMLINK, "program"),
        link("t/out", SYMLINK, "../../x"),
        program,
        sub,
        link("t/sub/in", SYMLINK, "../program"),
        link("t/sub/tricky", SYMLINK, "x/../../.."),
    ];
    let archive = opened(tree(&entries)).unwrap();
    let there =
        |dir: &tempfile::TempDir, name: &str| dir.path().join("t").join(name).symlink_metadata();
    let (dir, warnings) = unpacked(&archive, WARY);
    assert_eq!(warnings.unwrap().len(), 4);
    for name in ["abs", "out", "sub/tricky"] {
        assert!(there(&dir, name).is_err(), "{name}");
    }
    for name in ["in", "sub/in"] {
        assert!(there(&dir, name).is_ok(), "{name}");
    }
    let mode = there(&dir, "program").unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    let trusted = UnpackPolicy {
        trusted: true,
        ..WARY
    };
    let (dir, warnings) = unpacked(&archive, trusted);
    assert_eq!(warnings.unwrap(), Vec::<String>::new());
    assert!(there(&dir, "abs").unwrap().is_symlink());
    let mode = there(&dir, "program").unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o6755);
}

#[test]
fn what_is_there_is_never_written_over() {
    let archive = opened(good().build(|_| {})).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("db")).unwrap();
    std::fs::write(dir.path().join("db/mine"), b"mine").unwrap();
    let result = archive.unpack(&[], dir.path(), &WARY, &Cancel::new(), &NoObserver);
    assert!(result.is_err());
    assert_eq!(std::fs::read(dir.path().join("db/mine")).unwrap(), b"mine");
}

#[test]
fn an_own_file_in_the_way_stays() {
    let mut forge = good();
    forge.append(&raw("README.txt", b"theirs"));
    forge.component("z", "config");
    forge.listed("z", &raw("z/z", b"z"));
    let archive = opened(forge.build(|_| {})).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("README.txt"), b"mine").unwrap();
    let policy = UnpackPolicy {
        with_metadata: true,
        ..WARY
    };
    let result = archive.unpack(&[], dir.path(), &policy, &Cancel::new(), &NoObserver);
    assert!(matches!(result.err(), Some(OpenError::Refused { .. })));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(
        std::fs::read(dir.path().join("README.txt")).unwrap(),
        b"mine"
    );
}
