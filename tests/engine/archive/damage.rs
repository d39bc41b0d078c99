//! Damage of every byte is found, and no wrong byte ever comes out.

use std::io::Read as _;
use std::sync::Arc;

use holdfast::archive::{OpenError, OpenKeys, PackError, Packer, RangeRead, Seal, open};
use holdfast::model::instance::ComponentKind;
use holdfast::model::{Cancel, Compression, NoObserver};
use proptest::prelude::*;

use super::packing::{Memory, Packing, Part, file, folder, noise, part, records, symlink};
use super::round_trip::TRUSTED;

fn small() -> Vec<Part> {
    vec![
        part(
            "db",
            ComponentKind::Database,
            vec![file("a.db", &records(900, 1))],
        ),
        part(
            "tree",
            ComponentKind::Files,
            vec![
                folder("d"),
                file("d/x", &records(300, 2)),
                symlink("l", "d/x"),
            ],
        ),
    ]
}

/// Whether damage was found. Where it was not, what comes out is what went in.
fn found(packing: &Packing, bytes: &[u8], parts: &[Part]) -> bool {
    let Ok(archive) = packing.open(bytes) else {
        return true;
    };
    let problems = archive.verify(&Cancel::new(), &NoObserver).unwrap();
    let dir = tempfile::tempdir().unwrap();
    if archive
        .unpack(&[], dir.path(), &TRUSTED, &Cancel::new(), &NoObserver)
        .is_ok()
    {
        for part in parts {
            for (entry, content) in part.entries.iter().filter(|(new, _)| new.size > 0) {
                let name = std::str::from_utf8(&entry.name).unwrap();
                let path = dir.path().join(part.name).join(name);
                assert!(std::fs::read(path).unwrap() == *content, "{name}");
            }
        }
    }
    !problems.is_empty()
}

/// A compressed stream may say one thing in two ways: within a run of one byte any distance copies the same. What is hashed and signed
/// is what it says. Read here by the stock decoders, so that damage cannot hide in ours.
fn says_the_same(compression: Compression, bytes: &[u8], good: &[u8]) -> bool {
    let expand = |bytes: &[u8]| {
        let mut out = Vec::new();
        let read = match compression {
            Compression::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out),
            Compression::Zstd => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut out),
        };
        read.map(|_| out).ok()
    };
    let said = expand(good);
    said.is_some() && expand(bytes) == said
}

#[test]
fn every_byte_that_is_turned_over_is_found() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        for sealed in [false, true] {
            let packing = Packing::new(compression, sealed);
            let parts = small();
            let packed = packing.pack(&parts);
            assert!(!found(&packing, &packed.out, &parts));
            let mut bytes = packed.out;
            let good = bytes.clone();
            // Whole bytes: a last byte of packed bits may have some that mean nothing, never all eight.
            for at in 0..bytes.len() {
                bytes[at] ^= 0xff;
                assert!(
                    found(&packing, &bytes, &parts)
                        || (!sealed && says_the_same(compression, &bytes, &good)),
                    "byte {at} of {}, {compression:?}, sealed: {sealed}",
                    bytes.len()
                );
                bytes[at] ^= 0xff;
            }
        }
    }
}

#[test]
fn every_truncation_is_found() {
    for sealed in [false, true] {
        let packing = Packing::new(Compression::Gzip, sealed);
        let parts = small();
        let packed = packing.pack(&parts);
        for length in (0..packed.out.len()).step_by(7) {
            assert!(found(&packing, &packed.out[..length], &parts), "{length}");
        }
    }
}

#[test]
fn a_sealed_archive_cut_at_a_chunk_is_refused_and_says_how_far_it_is_intact() {
    let packing = Packing::new(Compression::Gzip, true);
    let content = noise(3 << 20, 4);
    let packed = packing.pack(&[part(
        "db",
        ComponentKind::Database,
        vec![file("a.db", &content)],
    )]);
    let payload = packed.out.len() % (64 * 1024 + 16);
    let cut = packed.out.len() - payload - 64 * 1024;
    match packing.open(&packed.out[..cut]).err() {
        Some(OpenError::Refused { intact_bytes, .. }) => {
            let intact = intact_bytes.unwrap();
            assert!(intact > 2 << 20 && intact < cut as u64, "{intact} of {cut}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn damage_in_a_member_names_what_it_touches_and_spares_the_rest() {
    for sealed in [false, true] {
        let packing = Packing::new(Compression::Zstd, sealed);
        let parts = [
            part(
                "one",
                ComponentKind::Database,
                vec![file("a.db", &noise(3 << 20, 4))],
            ),
            part(
                "two",
                ComponentKind::Database,
                vec![file("b.db", &noise(3 << 20, 5))],
            ),
        ];
        let packed = packing.pack(&parts);
        let mut bytes = packed.out;
        bytes[4 << 20] ^= 1;
        let archive = packing.open(&bytes).unwrap();
        let problems = archive.verify(&Cancel::new(), &NoObserver).unwrap();
        assert!(!problems.is_empty());
        for problem in &problems {
            let entry = problem.entry.as_deref().unwrap();
            assert!(entry.contains("two/b.db"), "{problem:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let mut policy = TRUSTED;
        policy.with_metadata = false;
        let unpack = |name: &str| {
            let components = [name.to_owned()];
            archive.unpack(
                &components,
                dir.path(),
                &policy,
                &Cancel::new(),
                &NoObserver,
            )
        };
        unpack("one").unwrap();
        assert!(unpack("two").is_err());
        assert!(!dir.path().join("two").exists(), "nothing half-done");
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_from_no_key() {
    let packing = Packing::new(Compression::Gzip, true);
    let packed = packing.pack(&small());
    let source: Arc<dyn RangeRead> = Arc::new(Memory::new(packed.out));
    let none = open(Arc::clone(&source), &OpenKeys::default()).err();
    assert!(matches!(none, Some(OpenError::NoKey)), "{none:?}");
    let other = Packing::gzip().open_keys();
    let wrong = open(source, &other).err();
    assert!(matches!(wrong, Some(OpenError::WrongKey)), "{wrong:?}");
}

#[test]
fn another_key_and_another_manifest_are_not_signed() {
    let packing = Packing::gzip();
    let packed = packing.pack(&small());
    let mut archive = packing.open(&packed.out).unwrap();
    let stranger = Packing::gzip().keys.pk;
    assert_eq!(archive.signed_by(std::slice::from_ref(&stranger)), None);
    let known = [stranger, packing.keys.pk.clone()];
    assert_eq!(archive.signed_by(&known), Some(1));
    archive.manifest.backup_metadata.sequence += 1;
    assert_eq!(archive.signed_by(&known), None);
}

#[test]
fn a_cancelled_reading_stops_and_leaves_nothing() {
    let packing = Packing::gzip();
    let packed = packing.pack(&small());
    let archive = packing.open(&packed.out).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let dir = tempfile::tempdir().unwrap();
    let result = archive.unpack(&[], dir.path(), &TRUSTED, &cancel, &NoObserver);
    assert!(matches!(result.err(), Some(OpenError::Cancelled(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(archive.verify(&cancel, &NoObserver).is_err());
}

/// Fails like a full disk.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_packing_with_its_own_words() {
    let packing = Packing::gzip();
    let mut packer = Packer::create(Full(1 << 20), &packing.options()).unwrap();
    packer
        .begin_component("db", ComponentKind::Database)
        .unwrap();
    let (new, content) = file("a.db", &noise(30 << 20, 1));
    let error = packer
        .add(&new, &mut content.as_slice())
        .map(drop)
        .and_then(|()| packer.end_component().map(drop))
        .unwrap_err();
    let PackError::Write(cause) = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn a_name_that_cannot_be_and_a_content_that_cannot_be_read_leave_the_packer_usable() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("bad sector"))
        }
    }
    let packing = Packing::gzip();
    let mut packer = Packer::create(Vec::new(), &packing.options()).unwrap();
    packer
        .begin_component("tree", ComponentKind::Files)
        .unwrap();
    let (good, content) = file("b", b"good");
    packer.add(&good, &mut content.as_slice()).unwrap();
    for name in ["..", "/x", "a//b", ".index.jsonl", "b", "a/../b", ""] {
        let (new, content) = file(name, b"x");
        let error = packer.add(&new, &mut content.as_slice()).err();
        assert!(
            matches!(error, Some(PackError::Name(_))),
            "{name}: {error:?}"
        );
    }
    // Out of order, so that only the whole list of names can tell.
    let (early, content) = file("a", b"early");
    packer.add(&early, &mut content.as_slice()).unwrap();
    let error = packer.add(&good, &mut &b"good"[..]).err();
    assert!(matches!(error, Some(PackError::Name(_))), "{error:?}");
    for size in [1_000, 300_000] {
        let (new, _) = file("c", &vec![1; size]);
        let error = packer.add(&new, &mut Broken).err();
        assert!(matches!(error, Some(PackError::Read { .. })), "{error:?}");
    }
    let ended = packer.end_component().unwrap();
    let counts = ended.index.clone().unwrap().1;
    assert_eq!((counts.files, counts.size_bytes), (2, 9));
    let components = vec![super::packing::component(
        "tree",
        ComponentKind::Files,
        ended.index,
    )];
    let export = packer.add_config_export(b"{}").unwrap();
    let made = packer
        .finish(
            |members| super::packing::manifest(members, vec![], components, export),
            &packing.keys.sk,
        )
        .unwrap();
    let archive = packing.open(&made.out).unwrap();
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let packing = Packing::gzip();
    let mut options = packing.options();
    options.seal = Seal::Passphrase("correct horse".to_owned().into());
    let packer = Packer::create(Vec::new(), &options).unwrap();
    let manifest = |members| {
        let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        super::packing::manifest(members, vec![], vec![], empty.to_owned())
    };
    let made = packer.finish(manifest, &packing.keys.sk).unwrap();
    let source: Arc<dyn RangeRead> = Arc::new(Memory::new(made.out));
    let with = |text: Option<&str>| {
        let passphrase = text.map(|text| text.to_owned().into());
        let keys = OpenKeys {
            identities: vec![],
            passphrase,
        };
        open(Arc::clone(&source), &keys)
    };
    let archive = with(Some("correct horse")).unwrap();
    assert_eq!(
        archive.manifest.encryption_algorithm.as_deref(),
        Some("age-scrypt")
    );
    assert_eq!(archive.verify(&Cancel::new(), &NoObserver).unwrap(), []);
    assert!(matches!(
        with(Some("wrong")).err(),
        Some(OpenError::WrongKey)
    ));
    assert!(matches!(with(None).err(), Some(OpenError::NoPassphrase)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, .. ProptestConfig::default() })]

    #[test]
    fn no_damage_of_any_kind_panics_or_lets_a_wrong_byte_out(
        zstd: bool,
        sealed: bool,
        spots in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        swap in any::<Option<(prop::sample::Index, prop::sample::Index)>>(),
    ) {
        let compression = if zstd { Compression::Zstd } else { Compression::Gzip };
        let packing = Packing::new(compression, sealed);
        let parts = small();
        let mut bytes = packing.pack(&parts).out;
        for (at, value) in spots {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some((a, b)) = swap {
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            bytes.swap(a, b);
        }
        found(&packing, &bytes, &parts);
    }
}
