//! What reading a part of an archive costs, and that a part is what the whole would give.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast::archive::open;
use holdfast::model::instance::ComponentKind;
use holdfast::model::{Cancel, Compression, NoObserver};

use super::packing::{Memory, Packing, Part, file, noise, part};
use super::round_trip::TRUSTED;

fn large() -> Vec<Part> {
    let tree = (0..400)
        .map(|i| file(&format!("f{i:04}"), &noise(5_000, i)))
        .collect();
    vec![
        part(
            "config",
            ComponentKind::Config,
            vec![file("a.conf", b"[x]\n")],
        ),
        part(
            "devices",
            ComponentKind::Database,
            vec![file("d.db", &noise(300_000, 1))],
        ),
        part(
            "accounting",
            ComponentKind::Database,
            vec![file("a.db", &noise(6 << 20, 2))],
        ),
        part("files", ComponentKind::Files, tree),
        part(
            "metrics",
            ComponentKind::Database,
            vec![file("m.db", &noise(3 << 20, 3))],
        ),
    ]
}

#[test]
fn one_component_costs_at_most_six_requests_and_its_own_size_and_two_mebibytes() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        for sealed in [false, true] {
            let packing = Packing::new(compression, sealed);
            let packed = packing.pack(&large());
            for (name, size) in [
                ("config", 4),
                ("devices", 300_000),
                ("files", 400 * 5_000 + 400 * 1_600),
                ("metrics", 3 << 20),
            ] {
                let source = Arc::new(Memory::new(packed.out.clone()));
                let archive = open(source.clone(), &packing.open_keys()).unwrap();
                let opened = source.fetched.load(Ordering::Relaxed);
                let components = [name.to_owned()];
                let announced = archive.bytes_of(&components);
                let dir = tempfile::tempdir().unwrap();
                let mut policy = TRUSTED;
                policy.with_metadata = false;
                archive
                    .unpack(
                        &components,
                        dir.path(),
                        &policy,
                        &Cancel::new(),
                        &NoObserver,
                    )
                    .unwrap();
                let requests = source.requests.load(Ordering::Relaxed);
                let fetched = source.fetched.load(Ordering::Relaxed);
                assert!(requests <= 6, "{name}: {requests} requests");
                assert!(fetched <= size + (2 << 20), "{name}: {fetched} bytes");
                assert_eq!(fetched - opened, announced, "{name}");
            }
        }
    }
}

#[test]
fn a_small_archive_is_read_by_one_request() {
    let packing = Packing::new(Compression::Gzip, true);
    let packed = packing.pack(&[part(
        "config",
        ComponentKind::Config,
        vec![file("a.conf", b"[x]\n")],
    )]);
    let source = Arc::new(Memory::new(packed.out));
    let archive = open(source.clone(), &packing.open_keys()).unwrap();
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    assert_eq!(source.requests.load(Ordering::Relaxed), 1);
}

#[test]
fn a_component_alone_is_what_it_is_in_the_whole() {
    let packing = Packing::new(Compression::Gzip, true);
    let parts = large();
    let packed = packing.pack(&parts);
    let archive = packing.open(&packed.out).unwrap();
    for one in &parts {
        let dir = tempfile::tempdir().unwrap();
        let mut policy = TRUSTED;
        policy.with_metadata = false;
        let components = [one.name.to_owned()];
        archive
            .unpack(
                &components,
                dir.path(),
                &policy,
                &Cancel::new(),
                &NoObserver,
            )
            .unwrap();
        let there: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(there.len(), 1, "{}", one.name);
        for (entry, content) in &one.entries {
            let name = std::str::from_utf8(&entry.name).unwrap();
            let path = dir.path().join(one.name).join(name);
            assert!(std::fs::read(path).unwrap() == *content, "{name}");
        }
    }
}
