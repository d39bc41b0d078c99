//! What a reader refuses, each with the entry and the reason.

use std::sync::Arc;

use holdfast::archive::{Archive, OpenError, OpenKeys, SignatureState, UnpackPolicy, open};
use holdfast::model::{Cancel, NoObserver};
use serde_json::{Value, json};

use super::forge::{CHARACTER_DEVICE, Forge, PIPE, Raw, assemble, footer, gzip, link, raw, sha256};
use super::packing::Memory;

pub(super) const WARY: UnpackPolicy = UnpackPolicy {
    trusted: false,
    owners: false,
    with_metadata: false,
};

pub(super) fn opened(bytes: Vec<u8>) -> Result<Archive, OpenError> {
    open(Arc::new(Memory::new(bytes)), &OpenKeys::default())
}

/// What unpacking everything ends with. On failure nothing is left.
pub(super) fn unpacked(
    archive: &Archive,
    policy: UnpackPolicy,
) -> (tempfile::TempDir, Result<Vec<String>, OpenError>) {
    let dir = tempfile::tempdir().unwrap();
    let result = archive.unpack(&[], dir.path(), &policy, &Cancel::new(), &NoObserver);
    if result.is_err() {
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "nothing half-done"
        );
    }
    (dir, result.map(|unpacked| unpacked.warnings))
}

/// Opening or unpacking names this entry and this reason, and verifying finds it too.
pub(super) fn is_refused(bytes: Vec<u8>, entry: Option<&str>, words: &str) {
    let error = match opened(bytes) {
        Err(error) => error,
        Ok(archive) => {
            let problems = archive.verify(&Cancel::new(), &NoObserver).unwrap();
            assert!(
                problems.iter().any(|one| one.message.contains(words)),
                "{words}: {problems:?}"
            );
            unpacked(&archive, WARY).1.unwrap_err()
        }
    };
    let OpenError::Refused {
        entry: found,
        reason,
        ..
    } = &error
    else {
        panic!("{words}: {error:?}");
    };
    assert!(reason.contains(words), "{words}: {reason}");
    assert_eq!(found.as_deref(), entry, "{reason}");
}

/// A database component of one good file.
pub(super) fn good() -> Forge {
    let mut forge = Forge::default();
    forge.component("db", "database");
    forge.listed("db", &raw("db/a.db", b"content"));
    forge
}

pub(super) fn tree(entries: &[Raw<'_>]) -> Vec<u8> {
    tree_with(entries, |_| {})
}

pub(super) fn tree_with(entries: &[Raw<'_>], edit: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    let mut forge = Forge::default();
    forge.tree("t", entries, edit);
    forge.build(|_| {})
}

#[test]
fn an_honest_forgery_is_read() {
    let archive = opened(good().build(|_| {})).unwrap();
    assert_eq!(archive.signature, SignatureState::None);
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    let (dir, result) = unpacked(&archive, WARY);
    result.unwrap();
    assert_eq!(
        std::fs::read(dir.path().join("db/a.db")).unwrap(),
        b"content"
    );
    let archive = opened(tree(&[raw("t/a", b"1"), raw("t/b", b"2")])).unwrap();
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
}

#[test]
fn names_that_leave_their_folder_are_refused() {
    for (name, words) in [
        ("t/../../x", "a part `..`"),
        ("/t/x", "absolute"),
        ("t//x", "empty part"),
        ("t/./x", "a part `.`"),
    ] {
        is_refused(tree(&[raw(name, b"x")]), Some(name), words);
        let mut forge = good();
        forge.listed("db", &raw(name, b"x"));
        is_refused(forge.build(|_| {}), Some(name), "cannot be one");
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    is_refused(
        tree(&[raw("t/a", b"1"), raw("t/a", b"2")]),
        Some("t/a"),
        "twice",
    );
    let mut forge = good();
    forge.append(&raw("db/a.db", b"content"));
    let all = forge.tar.len();
    forge.listed("db", &raw("db/b.db", b"2"));
    assert!(all < forge.tar.len());
    is_refused(forge.build(|_| {}), Some("db/a.db"), "twice");
    let mut forge = good();
    let line = forge.contents[0].clone();
    forge.contents.push(line);
    is_refused(forge.build(|_| {}), Some("db/a.db"), "twice");
}

#[test]
fn device_nodes_and_pipes_are_refused() {
    for (kind, words) in [
        (CHARACTER_DEVICE, "device node"),
        (PIPE, "named pipe"),
        (b'L', "type 'L'"),
    ] {
        is_refused(tree(&[link("t/x", kind, "")]), Some("t/x"), words);
    }
}

#[test]
fn entries_in_neither_manifest_nor_index_are_refused() {
    let mut forge = good();
    forge.append(&raw("db/extra", b"x"));
    forge.listed("db", &raw("db/z.db", b"z"));
    is_refused(forge.build(|_| {}), Some("db/extra"), "not in the manifest");
    let mut forge = good();
    forge.append(&raw("foreign/x", b"x"));
    forge.component("other", "config");
    forge.listed("other", &raw("other/x", b"x"));
    is_refused(
        forge.build(|_| {}),
        Some("foreign/x"),
        "neither manifest nor index",
    );
    let two = [raw("t/a", b"1"), raw("t/b", b"2")];
    is_refused(
        tree_with(&two, |lines| drop(lines.pop())),
        Some("t/b"),
        "not in the index",
    );
}

#[test]
fn listed_entries_that_are_not_there_are_refused() {
    let mut forge = good();
    let mut line = Forge::line("db", &raw("db/gone", b""), forge.tar.len());
    line["tar_offset"] = json!(forge.tar.len());
    forge.contents.push(line);
    is_refused(forge.build(|_| {}), Some("db/gone"), "not in the archive");
    let extra = |lines: &mut Vec<Value>| {
        let mut line = lines[0].clone();
        line["file"] = json!("t/z");
        lines.push(line);
    };
    is_refused(
        tree_with(&[raw("t/a", b"1")], extra),
        Some("t/z"),
        "not in the archive",
    );
}

#[test]
fn an_index_must_tell_what_is_there() {
    for (field, value, words) in [
        ("size_bytes", json!(9), "its size is"),
        ("checksum_sha256", json!(sha256(b"x")), "SHA-256"),
        ("mode", json!(0o4755), "its mode is"),
        ("uid", json!(7), "its owner is"),
        ("user", json!("root"), "name"),
        ("mtime", json!("2024-01-01T00:00:00Z"), "its time is"),
        ("entry", json!("dir"), "type"),
        ("tar_offset", json!(0), "place"),
        ("link", json!("x"), "links"),
    ] {
        let edit = |lines: &mut Vec<Value>| lines[0][field] = value;
        is_refused(tree_with(&[raw("t/a", b"1")], edit), Some("t/a"), words);
    }
    let two = [raw("t/a", b"1"), raw("t/b", b"2")];
    let swap = |lines: &mut Vec<Value>| lines.swap(0, 1);
    is_refused(tree_with(&two, swap), Some("t/a"), "in its place");
    let broken = |lines: &mut Vec<Value>| lines[0] = json!({"file": "t/a"});
    is_refused(tree_with(&two, broken), None, "broken");
}

#[test]
fn a_manifest_must_tell_what_is_there() {
    for (field, value, words) in [
        ("size_bytes", json!(6), "its size is"),
        ("checksum_sha256", json!(sha256(b"x")), "SHA-256"),
        ("mode", json!(0o4755), "its mode is"),
        ("tar_offset", json!(600), "outside"),
        ("component", json!("other"), "component"),
        ("size_bytes", json!(u64::MAX), "outside"),
    ] {
        let bytes = good().build(|manifest| manifest["contents"][0][field] = value);
        is_refused(bytes, Some("db/a.db"), words);
    }
    let mut forge = good();
    forge.append(&raw("config_export.json", b"{\"x\":1}"));
    forge.component("z", "config");
    forge.listed("z", &raw("z/z", b"z"));
    is_refused(forge.build(|_| {}), Some("config_export.json"), "SHA-256");
}

#[test]
fn components_come_in_a_row_and_trees_end_with_their_index() {
    let mut forge = good();
    forge.component("other", "config");
    forge.listed("other", &raw("other/x", b"x"));
    forge.listed("db", &raw("db/b.db", b"x"));
    is_refused(forge.build(|_| {}), Some("db/b.db"), "not in a row");
    let mut forge = Forge::default();
    forge.tree("t", &[raw("t/a", b"1")], |_| {});
    forge.append(&raw("t/late", b"1"));
    forge.component("z", "config");
    forge.listed("z", &raw("z/z", b"z"));
    is_refused(
        forge.build(|_| {}),
        Some("t/late"),
        "after its tree's index",
    );
    let mut forge = good();
    forge.component("t", "files");
    is_refused(forge.build(|_| {}), Some("t/.index.jsonl"), "no index");
}

#[test]
fn sums_that_do_not_agree_are_refused() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 7] = [
        (|m| m["members"]["compressed"][0] = json!(1), "it begins at"),
        (
            |m| m["members"]["compressed"][0] = json!(u64::MAX),
            "is said to take",
        ),
        (
            |m| m["members"]["uncompressed"][0] = json!(u64::MAX),
            "is said to take",
        ),
        (
            |m| m["members"]["uncompressed"][0] = json!(513),
            "tar block",
        ),
        (
            |m| m["members"]["uncompressed"] = json!([]),
            "different lengths",
        ),
        (|m| m["members"]["sha256"][0] = json!("zz"), "SHA-256"),
        (|m| m["encrypted"] = json!(true), "not sealed"),
    ];
    for (edit, words) in cases {
        is_refused(good().build(edit), Some("manifest.json"), words);
    }
}

#[test]
fn members_that_hold_something_else_are_refused() {
    let wrong_hash = good().build(|m| m["members"]["sha256"][0] = json!(sha256(b"x")));
    is_refused(wrong_hash, Some("member 0 (db/a.db)"), "SHA-256");
    // A bomb: a member of 4 MiB that is announced as 1 KiB.
    let mut forge = good();
    let honest = forge.tar.len();
    forge.tar.resize(4 << 20, 0);
    let bomb = forge.build(|m| m["members"]["uncompressed"][0] = json!(honest));
    is_refused(bomb, Some("member 0 (db/a.db)"), "more than announced");
    let short = good().build(|m| m["members"]["uncompressed"][0] = json!(2048));
    is_refused(short, Some("member 0 (db/a.db)"), "not as long");
    let mut zeros = good();
    zeros.tar.resize(zeros.tar.len() + 512, 0);
    is_refused(zeros.build(|_| {}), None, "ends before its manifest");
}

#[test]
fn a_manifest_that_is_a_bomb_is_refused() {
    let members = gzip(&good().tar);
    let bomb = gzip(&vec![0; 257 << 20]);
    let mut bytes = members.clone();
    bytes.extend_from_slice(&bomb);
    bytes.extend_from_slice(&footer(members.len() as u64, bomb.len() as u64));
    is_refused(bytes, None, "more than");
}

#[test]
fn a_footer_that_points_elsewhere_does_not_lead_astray() {
    let honest = good().build(|_| {});
    let at = honest.len() - 42;
    for (offset, length) in [(0, u64::MAX), (u64::MAX, u64::MAX), (0, 0), (1 << 40, 5)] {
        let mut bytes = honest[..at].to_vec();
        bytes.extend_from_slice(&footer(offset, length));
        let archive = opened(bytes).unwrap();
        assert!(archive.read_from_front);
        let problems = archive.verify(&Cancel::new(), &NoObserver).unwrap();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, "tail_damaged");
        unpacked(&archive, WARY).1.unwrap();
    }
}

#[test]
fn what_follows_the_footer_is_found() {
    let mut bytes = good().build(|_| {});
    bytes.push(0);
    let archive = opened(bytes).unwrap();
    assert!(archive.read_from_front);
    assert_ne!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
}

#[test]
fn without_a_manifest_it_says_how_far_the_file_is_intact() {
    let whole = good().build(|_| {});
    let member = gzip(&good().tar).len();
    match opened(whole[..member + 20].to_vec()).err() {
        Some(OpenError::Refused { intact_bytes, .. }) => {
            assert_eq!(intact_bytes, Some(member as u64));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_later_version_is_named_not_called_damaged() {
    let bytes = assemble(
        b"",
        &json!({"backup_metadata": {"backup_version": "3.1"}}).to_string(),
    );
    match opened(bytes).err() {
        Some(OpenError::UnknownVersion(version)) => assert_eq!(version, "3.1"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_manifest_is_refused() {
    let mut forge = Forge::default();
    forge.listed("", &raw("manifest.json", b"{}"));
    is_refused(
        forge.build(|_| {}),
        Some("manifest.json"),
        "before its place",
    );
}

#[test]
fn a_component_that_is_not_there_is_named() {
    let archive = opened(good().build(|_| {})).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let components = ["nope".to_owned()];
    match archive.unpack(&components, dir.path(), &WARY, &Cancel::new(), &NoObserver) {
        Err(OpenError::NoComponent(name)) => assert_eq!(name, "nope"),
        _ => panic!("unpacked"),
    }
}

#[test]
fn files_of_another_kind_are_no_archives() {
    for bytes in [
        &b""[..],
        b"PK\x03\x04",
        b"-----BEGIN AGE ENCRYPTED FILE-----\n",
    ] {
        let error = opened(bytes.to_vec()).err().unwrap();
        assert!(matches!(error, OpenError::NotAnArchive(_)), "{error:?}");
    }
    let error = opened(gzip(b"just text")).err().unwrap();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
}
