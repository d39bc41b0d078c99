//! What goes in comes out.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use holdfast::archive::{NewEntry, UnpackPolicy};
use holdfast::model::instance::ComponentKind;
use holdfast::model::manifest::EntryType;
use holdfast::model::{Cancel, Compression, NoObserver};
use proptest::prelude::*;

use super::packing::{Packing, Part, file, folder, noise, part, plain, records, symlink};

pub const TRUSTED: UnpackPolicy = UnpackPolicy {
    trusted: true,
    owners: false,
    with_metadata: true,
};

/// Packs, unpacks, and compares everything; also what `verify` says.
fn comes_back(packing: &Packing, parts: &[Part]) {
    let packed = packing.pack(parts);
    let archive = packing.open(&packed.out).unwrap();
    assert_eq!(archive.manifest, packed.manifest);
    assert_eq!(archive.manifest_sha256, packed.manifest_sha256);
    assert!(!archive.read_from_front);
    assert_eq!(
        archive.signed_by(std::slice::from_ref(&packing.keys.pk)),
        Some(0)
    );
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    let dir = tempfile::tempdir().unwrap();
    let unpacked = archive
        .unpack(&[], dir.path(), &TRUSTED, &Cancel::new(), &NoObserver)
        .unwrap();
    assert_eq!(unpacked.warnings, Vec::<String>::new());
    for part in parts {
        for (entry, content) in &part.entries {
            is_back(&dir.path().join(part.name), entry, content);
        }
    }
    assert!(dir.path().join("README.txt").exists());
    assert_eq!(
        std::fs::read(dir.path().join("config_export.json")).unwrap(),
        b"{\"a\":1}"
    );
}

fn is_back(folder: &Path, entry: &NewEntry, content: &[u8]) {
    let path = folder.join(std::ffi::OsStr::from_bytes(&entry.name));
    let metadata = path.symlink_metadata().unwrap();
    let modified = jiff::Timestamp::try_from(metadata.modified().unwrap()).unwrap();
    match entry.entry {
        EntryType::File => {
            assert!(
                std::fs::read(&path).unwrap() == content,
                "{}",
                path.display()
            );
            assert_eq!(
                metadata.permissions().mode() & 0o7777,
                entry.mode,
                "{}",
                path.display()
            );
            assert_eq!(modified, entry.mtime, "{}", path.display());
        }
        EntryType::Dir => {
            assert!(metadata.is_dir());
            assert_eq!(
                metadata.permissions().mode() & 0o7777,
                entry.mode,
                "{}",
                path.display()
            );
            assert_eq!(modified, entry.mtime, "{}", path.display());
        }
        EntryType::Symlink => {
            let target = std::fs::read_link(&path).unwrap();
            assert_eq!(
                target.as_os_str().as_bytes(),
                entry.link.as_deref().unwrap()
            );
            assert_eq!(modified, entry.mtime, "{}", path.display());
        }
        EntryType::Hardlink => {
            let target = std::ffi::OsStr::from_bytes(entry.link.as_deref().unwrap());
            let other = folder.join(target).symlink_metadata().unwrap();
            assert_eq!(metadata.ino(), other.ino(), "{}", path.display());
        }
    }
}

#[test]
fn contents_at_every_boundary_of_pieces_come_back() {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    let mut entries = Vec::new();
    for (i, size) in [
        0,
        1,
        511,
        512,
        513,
        256 * KIB - 1,
        256 * KIB,
        256 * KIB + 1,
        MIB - 512,
        MIB - 1,
        MIB,
        MIB + 1,
        2 * MIB,
        2 * MIB + 511,
    ]
    .into_iter()
    .enumerate()
    {
        entries.push(file(&format!("f{i:02}"), &noise(size, i as u64)));
    }
    for compression in [Compression::Gzip, Compression::Zstd] {
        for sealed in [false, true] {
            let again = entries
                .iter()
                .map(|(new, content)| file(std::str::from_utf8(&new.name).unwrap(), content));
            let parts = [part("tree", ComponentKind::Files, again.collect())];
            comes_back(&Packing::new(compression, sealed), &parts);
        }
    }
}

#[test]
fn folders_that_forbid_writing_are_filled_all_the_same() {
    let mut locked = folder("locked");
    locked.0.mode = 0o500;
    let mut below = folder("locked/below");
    below.0.mode = 0o000;
    let entries = vec![
        locked,
        below,
        file("locked/below/a", b"a"),
        file("locked/b", b"b"),
        // The folder is left and come back to.
        file("other", b"c"),
        file("locked/z", b"z"),
        folder("zz"),
    ];
    let packing = Packing::gzip();
    let packed = packing.pack(&[part("tree", ComponentKind::Files, entries)]);
    let archive = packing.open(&packed.out).unwrap();
    let dir = tempfile::tempdir().unwrap();
    archive
        .unpack(&[], dir.path(), &TRUSTED, &Cancel::new(), &NoObserver)
        .unwrap();
    let locked = dir.path().join("tree/locked");
    let metadata = locked.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o500);
    let modified = jiff::Timestamp::try_from(metadata.modified().unwrap()).unwrap();
    assert_eq!(modified, plain(b"", EntryType::Dir).mtime);
    assert_eq!(std::fs::read(locked.join("z")).unwrap(), b"z");
    let below = locked.join("below");
    assert_eq!(below.metadata().unwrap().permissions().mode() & 0o7777, 0);
    for path in [&below, &locked] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn a_content_that_became_shorter_is_filled_and_marked() {
    let packing = Packing::gzip();
    let mut entries = vec![];
    for (name, size) in [("small", 1000), ("big", 3 << 20)] {
        let (mut new, content) = file(name, &records(size, 5));
        new.size += 2 << 20;
        entries.push((new, content));
    }
    let packed = packing.pack(&[part("data", ComponentKind::Database, entries)]);
    let archive = packing.open(&packed.out).unwrap();
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    let damaged: Vec<_> = archive
        .manifest
        .contents
        .iter()
        .filter(|e| e.damaged)
        .collect();
    assert_eq!(damaged.len(), 2);
    let dir = tempfile::tempdir().unwrap();
    archive
        .unpack(&[], dir.path(), &TRUSTED, &Cancel::new(), &NoObserver)
        .unwrap();
    let big = std::fs::read(dir.path().join("data/big")).unwrap();
    assert!(big[..3 << 20] == records(3 << 20, 5));
    assert!(big[3 << 20..] == vec![0; 2 << 20]);
}

#[test]
fn equal_input_gives_equal_bytes_whatever_the_number_of_threads() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let mut packing = Packing::new(compression, false);
        let parts = [part(
            "data",
            ComponentKind::Database,
            vec![
                file("a.db", &records(5 << 20, 9)),
                file("b.db", &records(999, 8)),
            ],
        )];
        let one = packing.pack(&parts);
        packing.threads = 5;
        let other = packing.pack(&parts);
        let members: u64 = one.manifest.members.compressed.iter().sum();
        let members = usize::try_from(members).unwrap();
        assert!(one.out[..members] == other.out[..members]);
        assert_eq!(one.manifest_json, other.manifest_json);
    }
}

fn name_part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-zA-Z0-9 ._-]{1,12}".prop_map(String::into_bytes),
        2 => "\\PC{1,20}".prop_map(String::into_bytes),
        1 => "[a-z]{150,250}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(1u8..=255, 1..20),
    ]
    .prop_map(|mut bytes| {
        bytes.retain(|byte| *byte != b'/' && *byte != 0);
        bytes.truncate(250);
        bytes
    })
    .prop_filter("a name", |bytes| {
        !bytes.is_empty() && bytes != b"." && bytes != b".." && bytes != b".index.jsonl"
    })
}

#[derive(Clone, Debug)]
enum Kind {
    File(usize),
    Dir,
    Symlink(Vec<u8>),
    Hardlink,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => (0usize..3000).prop_map(Kind::File),
        1 => prop_oneof![Just(262_143usize), Just(262_144), Just(1_048_576), Just(1_500_000)]
            .prop_map(Kind::File),
        2 => Just(Kind::Dir),
        1 => proptest::collection::vec(1u8..=255, 1..180).prop_map(Kind::Symlink),
        1 => Just(Kind::Hardlink),
    ]
}

/// A tree as a walker would give it: folders before what is in them, names once, in order.
fn tree(raw: Vec<(Vec<Vec<u8>>, Kind)>) -> Vec<(NewEntry, Vec<u8>)> {
    let mut sorted = std::collections::BTreeMap::new();
    for (parts, kind) in raw {
        // What has something below it is a folder.
        for depth in 1..parts.len() {
            sorted.insert(parts[..depth].to_vec(), Kind::Dir);
        }
        sorted.entry(parts).or_insert(kind);
    }
    let mut first_file: Option<Vec<u8>> = None;
    let mut entries = Vec::new();
    for (seed, (parts, kind)) in sorted.into_iter().enumerate() {
        let name = parts.join(&b'/');
        let (mut new, content) = match kind {
            Kind::File(size) => {
                first_file.get_or_insert_with(|| name.clone());
                let content = noise(size, seed as u64);
                let mut new = plain(&name, EntryType::File);
                new.size = size as u64;
                (new, content)
            }
            Kind::Dir => (folder("x").0, vec![]),
            Kind::Symlink(target) => {
                let mut new = symlink("x", "y").0;
                new.link = Some(target);
                (new, vec![])
            }
            Kind::Hardlink => match &first_file {
                Some(target) => {
                    let mut new = plain(&name, EntryType::Hardlink);
                    new.link = Some(target.clone());
                    (new, vec![])
                }
                None => (plain(&name, EntryType::File), vec![]),
            },
        };
        new.name = name;
        entries.push((new, content));
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, .. ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back(
        raw in proptest::collection::vec(
            (proptest::collection::vec(name_part(), 1..4), kind()),
            0..30,
        ),
        zstd: bool,
        sealed: bool,
    ) {
        let compression = if zstd { Compression::Zstd } else { Compression::Gzip };
        let packing = Packing::new(compression, sealed);
        comes_back(&packing, &[part("tree", ComponentKind::Files, tree(raw))]);
    }
}
