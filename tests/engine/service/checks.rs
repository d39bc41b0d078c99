//! Claims about `show`, `verify`, `drill`, `extract` and `download`.

use std::fs;

use holdfast::model::ExecutionStatus;
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
    house
        .service
        .extract(&archive, &out, &[], &house.act())
        .unwrap_err();
    assert!(!out.exists());
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
