//! Claims about `files`: what a walk gives, in which order, and what it leaves out.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast::model::Warning;
use holdfast::model::manifest::EntryType;
use holdfast::source::files::{WalkEntry, WalkError, WalkRules, walk};
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

fn root() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn put(root: &Path, name: &str, content: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn rules(exclude: &[&str], skip: &[PathBuf]) -> WalkRules {
    WalkRules {
        exclude: exclude.iter().map(ToString::to_string).collect(),
        skip: skip.to_vec(),
    }
}

fn walked(root: &Path, rules: &WalkRules) -> (Vec<WalkEntry>, Vec<Warning>) {
    walked_from(root, &[PathBuf::from(".")], rules).unwrap()
}

fn walked_from(
    root: &Path,
    sources: &[PathBuf],
    rules: &WalkRules,
) -> Result<(Vec<WalkEntry>, Vec<Warning>), WalkError> {
    let mut entries = Vec::new();
    let warnings = walk(root, sources, rules, &mut |entry| {
        entries.push(entry);
        Ok(())
    })?;
    Ok((entries, warnings))
}

fn names(entries: &[WalkEntry]) -> Vec<String> {
    let name = |e: &WalkEntry| String::from_utf8_lossy(&e.name).into_owned();
    entries.iter().map(name).collect()
}

#[test]
fn entries_come_in_byte_order_and_folders_before_what_is_in_them() {
    let (_keep, root) = root();
    for name in ["b/z", "b/a", "a", "B", "b-1", "ä/x"] {
        put(&root, name, "x");
    }
    fs::create_dir(root.join("empty")).unwrap();
    let (entries, warnings) = walked(&root, &rules(&[], &[]));
    let expected = ["B", "a", "b", "b/a", "b/z", "b-1", "empty", "ä", "ä/x"];
    assert_eq!(names(&entries), expected);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn an_entry_carries_mode_owner_time_and_size_of_its_file() {
    let (_keep, root) = root();
    put(&root, "f", "12345");
    fs::set_permissions(root.join("f"), fs::Permissions::from_mode(0o2640)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    File::options()
        .write(true)
        .open(root.join("f"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    let (entries, _) = walked(&root, &rules(&[], &[]));
    let entry = &entries[0];
    let found = fs::metadata(root.join("f")).unwrap();
    assert_eq!(entry.path, root.join("f"));
    assert_eq!(entry.entry, EntryType::File);
    assert_eq!((entry.size, entry.mode), (5, 0o2640));
    assert_eq!(
        (entry.uid, entry.gid),
        (u64::from(found.uid()), u64::from(found.gid()))
    );
    assert_eq!(entry.mtime.as_nanosecond(), 1_700_000_000_123_456_789);
}

#[test]
fn a_name_that_is_not_utf8_keeps_its_bytes() {
    let (_keep, root) = root();
    let name = OsStr::from_bytes(b"caf\xe9 \n");
    fs::write(root.join(name), "x").unwrap();
    let (entries, _) = walked(&root, &rules(&[], &[]));
    assert_eq!(entries[0].name, b"caf\xe9 \n");
    assert_eq!(entries[0].path, root.join(name));
}

#[test]
fn a_link_is_given_as_itself_and_never_followed() {
    let (_keep, root) = root();
    let (_other, outside) = crate::files::root();
    put(&outside, "secret", "x");
    symlink(&outside, root.join("out")).unwrap();
    symlink("gone", root.join("dangling")).unwrap();
    symlink(".", root.join("loop")).unwrap();
    let (entries, _) = walked(&root, &rules(&[], &[]));
    assert_eq!(names(&entries), ["dangling", "loop", "out"]);
    assert!(entries.iter().all(|e| e.entry == EntryType::Symlink));
    assert_eq!(entries[0].link.as_deref(), Some(&b"gone"[..]));
    assert_eq!(
        entries[2].link.as_deref(),
        Some(outside.as_os_str().as_bytes())
    );
}

#[test]
fn a_second_name_of_a_file_is_a_hard_link_to_the_first() {
    let (_keep, root) = root();
    put(&root, "a", "content");
    fs::hard_link(root.join("a"), root.join("b")).unwrap();
    fs::hard_link(root.join("a"), root.join("c")).unwrap();
    let (entries, _) = walked(&root, &rules(&[], &[]));
    let kinds: Vec<_> = entries
        .iter()
        .map(|e| (e.entry, e.link.clone(), e.size))
        .collect();
    let hard = (EntryType::Hardlink, Some(b"a".to_vec()), 0);
    assert_eq!(kinds, [(EntryType::File, None, 7), hard.clone(), hard]);
}

#[test]
fn sockets_fifos_and_devices_are_left_out_with_a_warning_and_nothing_hangs() {
    let (_keep, root) = root();
    let _socket = UnixListener::bind(root.join("sock")).unwrap();
    rustix::fs::mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    put(&root, "file", "x");
    let (entries, warnings) = walked(&root, &rules(&[], &[]));
    assert_eq!(names(&entries), ["file"]);
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|w| w.code == "special_file"));
    assert!(warnings[0].message.contains("fifo"), "{warnings:?}");
}

#[test]
fn caches_and_our_own_archives_are_left_out() {
    let (_keep, root) = root();
    put(&root, "app/__pycache__/m.pyc", "x");
    put(&root, ".cache/x", "x");
    put(
        &root,
        "tagged/CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n",
    );
    put(&root, "untagged/CACHEDIR.TAG", "not the signature");
    put(&root, "node_modules/m/index.js", "x");
    put(
        &root,
        "backup-web-20260101-000000-manual.tar.gz.age",
        "archive",
    );
    put(&root, "backup-of-mine.tar.gz", "theirs");
    let (entries, _) = walked(&root, &rules(&[], &[]));
    let expected = [
        "app",
        "backup-of-mine.tar.gz",
        "node_modules",
        "node_modules/m",
        "node_modules/m/index.js",
        "untagged",
        "untagged/CACHEDIR.TAG",
    ];
    assert_eq!(names(&entries), expected);
}

#[test]
fn globs_are_anchored_at_the_root_and_a_star_stops_at_a_slash() {
    let (_keep, root) = root();
    for name in ["x.log", "a/x.log", "a/keep", "tmp/y/z", "b/tmp/t", "[odd]"] {
        put(&root, name, "x");
    }
    let left = |globs: &[&str]| names(&walked(&root, &rules(globs, &[])).0);
    let all = [
        "[odd]", "a", "a/keep", "a/x.log", "b", "b/tmp", "b/tmp/t", "tmp", "tmp/y", "tmp/y/z",
        "x.log",
    ];
    let without = |gone: &[&str]| -> Vec<&str> {
        all.iter().filter(|n| !gone.contains(n)).copied().collect()
    };
    assert_eq!(left(&["*.log"]), without(&["x.log"]));
    assert_eq!(left(&["**/*.log"]), without(&["x.log", "a/x.log"]));
    assert_eq!(left(&["./tmp/"]), without(&["tmp", "tmp/y", "tmp/y/z"]));
    assert_eq!(left(&["/tmp"]), without(&["tmp", "tmp/y", "tmp/y/z"]));
    assert_eq!(left(&["tmp/**"]), without(&["tmp/y", "tmp/y/z"]));
    assert_eq!(left(&[r"\[odd\]"]), without(&["[odd]"]));
}

#[test]
fn a_bad_glob_is_an_error_that_names_it() {
    let (_keep, root) = root();
    for glob in ["a[", "../x", "/", ""] {
        let error = walked_from(&root, &[], &rules(&[glob], &[])).unwrap_err();
        let WalkError::Glob { glob: named, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(named, glob);
    }
}

#[test]
fn a_skipped_database_goes_with_its_side_files_and_its_other_names() {
    let (_keep, root) = root();
    for name in ["d.db", "d.db-wal", "d.db-shm", "d.db-journal", "d.db-notes"] {
        put(&root, name, "x");
    }
    fs::hard_link(root.join("d.db"), root.join("same.db")).unwrap();
    let (entries, warnings) = walked(&root, &rules(&[], &[root.join("d.db")]));
    assert_eq!(names(&entries), ["d.db-notes"]);
    let codes: Vec<_> = warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["other_name"]);
}

#[test]
fn extended_attributes_come_along() {
    let (_keep, root) = root();
    put(&root, "f", "x");
    if xattr::set(root.join("f"), "user.colour", b"blue").is_err() {
        eprintln!("this file system has no extended attributes");
        return;
    }
    let (entries, _) = walked(&root, &rules(&[], &[]));
    let expected = ("user.colour".to_owned(), b"blue".to_vec());
    assert!(
        entries[0].xattrs.contains(&expected),
        "{:?}",
        entries[0].xattrs
    );
}

#[test]
fn what_cannot_be_read_is_a_warning_with_its_path() {
    let (_keep, root) = root();
    put(&root, "closed/x", "x");
    put(&root, "denied", "x");
    put(&root, "open", "x");
    for name in ["closed", "denied"] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o0)).unwrap();
    }
    let allowed = File::open(root.join("denied")).is_ok();
    let (entries, warnings) = walked(&root, &rules(&[], &[]));
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    if allowed {
        eprintln!("this user may read everything");
        return;
    }
    assert_eq!(names(&entries), ["closed", "open"]);
    let text: Vec<_> = warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(text[0].contains("closed") && text[1].contains("denied"));
}

#[test]
fn a_source_that_is_gone_is_an_error() {
    let (_keep, root) = root();
    put(&root, "there", "x");
    let sources = ["there", "gone"].map(PathBuf::from);
    let error = walked_from(&root, &sources, &rules(&[], &[])).unwrap_err();
    assert!(matches!(error, WalkError::Missing(path) if path == root.join("gone")));
}

#[test]
fn single_files_and_sources_outside_the_root_have_names_of_their_own() {
    let (_keep, root) = root();
    let (_other, outside) = crate::files::root();
    put(&root, "a/one", "x");
    put(&outside, "two", "x");
    let sources = [PathBuf::from("a/one"), outside.clone()];
    let (entries, _) = walked_from(&root, &sources, &rules(&[], &[])).unwrap();
    let below = format!(".outside{}", outside.display());
    assert_eq!(
        names(&entries),
        ["a/one".to_owned(), below.clone(), format!("{below}/two")]
    );
}

#[test]
fn the_receivers_error_stops_the_walk() {
    let (_keep, root) = root();
    put(&root, "a", "x");
    put(&root, "b", "x");
    let mut seen = 0;
    let result = walk(&root, &[PathBuf::from(".")], &rules(&[], &[]), &mut |_| {
        seen += 1;
        Err(WalkError::Cancelled(holdfast::model::Cancelled))
    });
    assert!(matches!(result, Err(WalkError::Cancelled(_))));
    assert_eq!(seen, 1);
}

#[test]
fn a_tree_deeper_than_the_descriptors_allow_ends_in_a_warning() {
    let (_keep, root) = root();
    let mut path = root.clone();
    for _ in 0..450 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    let (entries, warnings) = walked(&root, &rules(&[], &[]));
    assert!(entries.len() >= 400, "{}", entries.len());
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "unreadable");
}
