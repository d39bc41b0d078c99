//! Claims about `show`, `verify`, `drill`, `extract` and `download`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use holdfast::model::{ExecutionKind, ExecutionStatus};
use holdfast::service::report::SignatureVerdict;
use holdfast::service::{ArchiveRef, Error};

use super::fixture::{House, count, digest, files_below};

#[test]
fn an_untouched_archive_verifies_and_drills_and_the_record_says_since_when() {
    let house = House::new();
    let archive = house.archive();
    let verified = house.service.verify(&archive, &house.act()).unwrap();
    assert!(verified.ok, "{:?}", verified.problems);
    assert_eq!(verified.signature, Some(SignatureVerdict::ThisInstallation));
    let drilled = house.service.drill(&archive, &house.act()).unwrap();
    assert!(drilled.ok, "{:?}", drilled.problems);
    let row = house
        .service
        .archives(&holdfast::service::ArchiveFilter::default())
        .unwrap()
        .remove(0);
    assert!(row.drilled_at.is_some());
}

#[test]
fn one_flipped_byte_is_found_and_the_archive_counts_as_verified_no_more() {
    let house = House::new();
    let archive = house.archive();
    let path = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let verified = house.service.verify(&archive, &house.act()).unwrap();
    assert!(!verified.ok);
    let row = house
        .service
        .archives(&holdfast::service::ArchiveFilter::default())
        .unwrap()
        .remove(0);
    assert!(row.verified_at.is_none());
    assert_eq!(
        house.service.history(None).unwrap()[0].status,
        ExecutionStatus::Failed
    );
}

#[test]
fn without_the_identity_verify_compares_the_digest_with_our_record() {
    let house = House::new();
    let archive = house.archive();
    fs::remove_file(house.path("data/keys.json")).unwrap();
    let verified = house.service.verify(&archive, &house.act()).unwrap();
    assert!(verified.ok);
    assert_eq!(verified.signature, None);
    let path = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let elsewhere = house.path("copy.tar.gz.age");
    fs::copy(path, &elsewhere).unwrap();
    let nothing_to_go_by = house
        .service
        .verify(&ArchiveRef(elsewhere.display().to_string()), &house.act());
    assert!(
        matches!(nothing_to_go_by, Err(Error::Keys(_))),
        "{nothing_to_go_by:?}"
    );
}

/// Sealed anew: every hash of the manifest holds, and all the same it is not the file that was written.
#[test]
fn with_the_identity_verify_compares_the_digest_with_our_record_too() {
    let house = House::new();
    let archive = house.archive();
    let path = only_file(&house);
    let verify = |archive: &ArchiveRef| house.service.verify(archive, &house.act()).unwrap();
    let untouched = verify(&archive);
    assert!(untouched.ok, "{:?}", untouched.problems);
    let size = fs::metadata(&path).unwrap().len();
    assert!(
        untouched.fetched_bytes < 2 * size,
        "nothing is read twice for it: {} of {size}",
        untouched.fetched_bytes
    );
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    let keys = age::IdentityFile::from_file(kit.display().to_string()).unwrap();
    let keys = keys.into_identities().unwrap();
    let opened = age::Decryptor::new(fs::File::open(&path).unwrap()).unwrap();
    let mut opened = opened.decrypt(keys.iter().map(|key| &**key as _)).unwrap();
    let recipient: age::x25519::Recipient = house
        .service
        .public_keys()
        .unwrap()
        .unwrap()
        .recipient
        .parse()
        .unwrap();
    let sealer = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).unwrap();
    let mut sealed = sealer.wrap_output(Vec::new()).unwrap();
    std::io::copy(&mut opened, &mut sealed).unwrap();
    fs::write(&path, sealed.finish().unwrap()).unwrap();
    let changed = verify(&archive);
    let codes: Vec<&str> = changed.problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["digest_differs"]);
    let copy = house.path("copy.tar.gz.age");
    fs::copy(&path, &copy).unwrap();
    let without_record = verify(&ArchiveRef(copy.display().to_string()));
    assert!(without_record.ok, "its content is whole");
}

#[test]
fn a_check_that_could_not_be_carried_out_is_in_the_history_with_its_reason() {
    let house = House::new();
    let archive = house.archive();
    let vault = house.path("vault");
    fs::rename(&vault, house.path("unmounted")).unwrap();
    let newest = || house.service.history(None).unwrap().remove(0);
    for kind in [ExecutionKind::Drill, ExecutionKind::Verify] {
        let failed = match kind {
            ExecutionKind::Drill => house.service.drill(&archive, &house.act()),
            _ => house.service.verify(&archive, &house.act()),
        };
        let message = failed.unwrap_err().problem().message;
        let row = newest();
        assert_eq!((row.kind, row.status), (kind, ExecutionStatus::Failed));
        assert_eq!(row.error_message, Some(message));
        assert!(row.completed_at.is_some() && row.instance_id.is_some());
    }
    fs::rename(house.path("unmounted"), vault).unwrap();
    // A workspace that cannot be made: a file is in its place.
    fs::remove_dir_all(house.path("data/work")).unwrap();
    fs::write(house.path("data/work"), "").unwrap();
    let rows = house.service.history(None).unwrap().len();
    house.service.drill(&archive, &house.act()).unwrap_err();
    assert_eq!(house.service.history(None).unwrap().len(), rows + 1);
    assert_eq!(newest().status, ExecutionStatus::Failed);
    let listed = house
        .service
        .archives(&holdfast::service::ArchiveFilter::default())
        .unwrap();
    assert!(
        listed[0].verified_at.is_some(),
        "of the archive itself nothing bad is known"
    );
}

#[test]
fn show_reads_the_tail_only() {
    let house = House::new();
    house
        .service
        .set_instance(
            super::fixture::INSTANCE,
            &[("encryption".into(), "none".into())],
        )
        .unwrap();
    let archive = house.archive();
    let shown = house.service.show(&archive, &house.act()).unwrap();
    assert_eq!(shown.signature, SignatureVerdict::ThisInstallation);
    assert!(shown.claims_broken.is_empty(), "{:?}", shown.claims_broken);
    assert!(shown.manifest.capture.exact);
}

#[test]
fn a_renamed_archive_is_not_what_it_claims() {
    let house = House::new();
    let archive = house.archive();
    let shown = house.service.show(&archive, &house.act()).unwrap();
    let old = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let name = old.file_name().unwrap().to_str().unwrap().to_owned();
    let renamed = name.replace("-manual", "-scheduled");
    let folder = old.parent().unwrap().parent().unwrap().join("scheduled");
    fs::create_dir_all(&folder).unwrap();
    fs::rename(&old, folder.join(&renamed)).unwrap();
    assert!(shown.claims_broken.is_empty());
    let shown = house
        .service
        .show(&ArchiveRef(format!("vault:{renamed}")), &house.act())
        .unwrap();
    assert_eq!(shown.claims_broken.len(), 1, "{:?}", shown.claims_broken);
}

#[test]
fn extract_brings_one_component_or_all_and_needs_an_empty_folder() {
    let house = House::new();
    let archive = house.archive();
    let one = house.path("one");
    let report = house
        .service
        .extract(&archive, &one, &["devices".to_owned()], &house.act())
        .unwrap();
    assert_eq!(
        files_below(&one),
        [std::path::PathBuf::from("devices/devices.db")]
    );
    assert_eq!(report.files.len(), 1, "{:?}", report.files);
    assert_eq!(
        count(&one.join("devices/devices.db"), "devices"),
        count(&house.database("devices.db"), "devices")
    );
    let all = house.path("all");
    house
        .service
        .extract(&archive, &all, &[], &house.act())
        .unwrap();
    for name in [
        "README.txt",
        "config_export.json",
        "manifest.json",
        "manifest.json.minisig",
        "users/local_auth.db",
    ] {
        assert!(all.join(name).is_file(), "{name}");
    }
    let again = house
        .service
        .extract(&archive, &all, &[], &house.act())
        .unwrap_err();
    assert_eq!(again.problem().code, "not_empty");
}

#[test]
fn a_failed_extract_leaves_no_folder() {
    let house = House::new();
    let archive = house.archive();
    let path = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[5000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let out = house.path("out");
    let fails = || {
        house
            .service
            .extract(&archive, &out, &[], &house.act())
            .unwrap_err()
    };
    fails();
    assert!(!out.exists());
    // One that was there is the user's, with its mode and its time; whoever looks at it keeps looking at the same folder.
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o751)).unwrap();
    let before = fs::metadata(&out).unwrap();
    fails();
    let after = fs::metadata(&out).unwrap();
    assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    // Made with its parents, gone with them.
    let deep = house.path("not/there/yet");
    house
        .service
        .extract(&archive, &deep, &[], &house.act())
        .unwrap_err();
    assert!(!house.path("not").exists());
}

fn only_file(house: &House) -> PathBuf {
    house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0])
}

#[test]
fn a_component_that_the_archive_does_not_have_is_named() {
    let house = House::new();
    let archive = house.archive();
    let error = house
        .service
        .extract(
            &archive,
            &house.path("out"),
            &["device".to_owned()],
            &house.act(),
        )
        .unwrap_err();
    assert!(
        error.problem().message.contains("device"),
        "{:?}",
        error.problem()
    );
    assert!(!house.path("out").exists());
}

#[test]
fn download_gives_the_same_bytes_and_never_overwrites() {
    let house = House::new();
    let archive = house.archive();
    let original = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let copy = house.path("copy");
    house
        .service
        .download(&archive, &copy, &house.act())
        .unwrap();
    assert_eq!(digest(&copy), digest(&original));
    assert_eq!(
        house
            .service
            .download(&archive, &copy, &house.act())
            .unwrap_err()
            .problem()
            .code,
        "taken"
    );
    assert_eq!(
        files_below(house.root.path())
            .iter()
            .filter(|p| p.to_string_lossy().contains(".part"))
            .count(),
        0
    );
}
