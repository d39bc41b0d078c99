//! The shape of what is written: pieces, headers, what comes first and last.

use std::process::Command;

use holdfast::model::instance::ComponentKind;
use holdfast::model::manifest::EntryType;
use holdfast::model::{Cancel, NoObserver};

use super::packing::{CREATED, Packing, at, file, noise, part, plain};
use super::round_trip::TRUSTED;

const MIB: u64 = 1 << 20;

/// Where members end in the uncompressed stream.
fn ends(sizes: &[u64]) -> Vec<u64> {
    sizes
        .iter()
        .scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        })
        .collect()
}

#[test]
fn pieces_end_where_the_format_says() {
    let packing = Packing::gzip();
    let small = |name| file(name, &noise(200_000, 1));
    let packed = packing.pack(&[
        part("config", ComponentKind::Config, vec![file("a.conf", b"a")]),
        part(
            "data",
            ComponentKind::Database,
            vec![
                file("before", b"b"),
                file("big", &noise(2_621_441, 2)),
                file("exact", &noise(1 << 20, 2)),
                small("s1"),
                small("s2"),
                small("s3"),
                small("s4"),
                small("s5"),
                small("s6"),
                small("s7"),
            ],
        ),
    ]);
    let contents = &packed.manifest.contents;
    let find = |name: &str| contents.iter().find(|entry| entry.file == name).unwrap();
    let end = |name: &str| {
        let entry = find(name);
        entry.tar_offset + entry.size_bytes.next_multiple_of(512)
    };
    let big = find("data/big").tar_offset;
    let exact = find("data/exact").tar_offset;
    assert_eq!(
        ends(&packed.manifest.members.uncompressed),
        [
            end("config/a.conf"),
            end("data/before"),
            big + MIB,
            big + 2 * MIB,
            end("data/big"),
            exact + MIB,
            end("data/s6"),
            end("data/s7"),
            end("config_export.json"),
        ]
    );
    assert_eq!(contents[0].file, "README.txt");
    assert_eq!(contents[0].mtime, at(CREATED));
}

#[test]
fn what_ustar_cannot_say_is_said_by_pax() {
    let mut odd = plain(&[b'n'; 101], EntryType::File);
    odd.uid = 3_000_000_000;
    odd.gid = 2_097_152;
    odd.user = "a-user-whose-name-is-longer-than-thirty-one-bytes".to_owned();
    odd.group = "größe".to_owned();
    odd.mtime = at("1969-12-31T23:59:58.5Z");
    odd.xattrs = vec![("user.k=v%".to_owned(), vec![0, 10, 255])];
    let mut raw = plain(b"latin-\xe9", EntryType::Symlink);
    raw.link = Some(vec![0xe9; 120]);
    let packing = Packing::gzip();
    let packed = packing.pack(&[part(
        "tree",
        ComponentKind::Files,
        vec![(raw, vec![]), (odd, vec![])],
    )]);
    let archive = packing.open(&packed.out).unwrap();
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    let dir = tempfile::tempdir().unwrap();
    archive
        .unpack(&[], dir.path(), &TRUSTED, &Cancel::new(), &NoObserver)
        .unwrap();
    let path = dir.path().join("tree").join("n".repeat(101));
    let modified = path.metadata().unwrap().modified().unwrap();
    assert_eq!(
        jiff::Timestamp::try_from(modified).unwrap(),
        at("1969-12-31T23:59:58.5Z")
    );
    let stored = xattr::get(&path, "user.k=v%");
    // A file system without such attributes has been told of by a warning.
    if let Ok(Some(value)) = stored {
        assert_eq!(value, [0, 10, 255]);
    }
    let file = dir.path().join("archive");
    std::fs::write(&file, &packed.out).unwrap();
    let listed = Command::new("tar")
        .args(["tvzf", file.to_str().unwrap(), "--numeric-owner"])
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("3000000000/2097152"), "{listed}");
}

#[test]
fn the_manifest_and_its_signature_have_plain_headers() {
    let packing = Packing::gzip();
    let packed = packing.pack(&[]);
    let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(packed.out.as_slice()));
    let mut names = Vec::new();
    for entry in tar.entries().unwrap().raw(true) {
        let entry = entry.unwrap();
        let name = entry.path_bytes().into_owned();
        names.push((
            String::from_utf8(name).unwrap(),
            entry.header().entry_type(),
        ));
    }
    let last: Vec<_> = names.iter().rev().take(2).collect();
    assert_eq!(last[0].0, "manifest.json.minisig");
    assert_eq!(last[1].0, "manifest.json");
    assert!(last.iter().all(|(_, kind)| kind.is_file()));
    assert_eq!(names[0].0, "README.txt");
    assert!(names.iter().any(|(name, _)| name == "config_export.json"));
}
