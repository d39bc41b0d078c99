//! Claims about archives as files: download, pin, delete, catalogue.

use std::fs;

use crate::scratch::{DESTINATION, Scratch, only, text};

#[test]
fn a_download_is_the_same_file_and_overwrites_nothing() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    let copy = scratch.path("copy.age");
    let download = ["download", &archive, "--to", &text(&copy)];
    scratch.json(&download);
    let original = fs::read(&scratch.stored(DESTINATION)[0]).unwrap();
    assert!(fs::read(&copy).unwrap() == original);
    fs::write(&copy, "mine").unwrap();
    scratch.error(1, &download);
    assert_eq!(fs::read(&copy).unwrap(), b"mine");
}

#[test]
fn a_path_to_a_file_is_an_archive_too() {
    let scratch = Scratch::with_instance();
    scratch.back_up();
    let path = text(&scratch.stored(DESTINATION)[0]);
    assert_eq!(
        scratch.json(&["show", &path])["signature"],
        "this-installation"
    );
    assert_eq!(scratch.json(&["drill", &path])["ok"], true);
}

#[test]
fn delete_wants_the_file_name_again() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    scratch.error(4, &["delete", &archive, "--confirm", "yes"]);
    scratch.error(4, &["delete", &archive]);
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    let name = archive.split_once(':').unwrap().1;
    scratch.json(&["delete", &archive, "--confirm", name]);
    assert!(scratch.stored(DESTINATION).is_empty());
    let archives = scratch.json(&["archives"]);
    assert_eq!(archives["archives"].as_array().unwrap().len(), 0);
}

#[test]
fn a_pin_is_seen_in_the_list_until_it_is_taken_away() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    for (verb, pinned) in [("pin", true), ("unpin", false)] {
        assert_eq!(scratch.json(&[verb, &archive])["pinned"], pinned);
        let archives = scratch.json(&["archives"]);
        assert_eq!(only(&archives["archives"])["pinned"], pinned);
    }
}

#[test]
fn a_lost_store_loses_no_archive() {
    let scratch = Scratch::with_instance();
    scratch.back_up();
    fs::remove_dir_all(scratch.data()).unwrap();
    scratch.json(&["init"]);
    let base = format!("base_path={}", text(&scratch.place(DESTINATION)));
    scratch.json(&[
        "destination",
        "add",
        "again",
        "--type",
        "local",
        "--set",
        &base,
    ]);
    let rebuilt = scratch.json(&["catalogue", "rebuild", "again"]);
    assert_eq!(rebuilt["destination"], "again");
    assert_eq!(rebuilt["found"], 1, "{rebuilt}");
    let archives = scratch.json(&["archives", "--destination", "again"]);
    assert_eq!(only(&archives["archives"])["destination"], "again");
}

#[test]
fn a_disabled_destination_takes_nothing_and_its_archives_stay_readable() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    scratch.json(&["destination", "disable", DESTINATION]);
    let ran = scratch.run(&[
        "--json",
        "backup",
        crate::scratch::INSTANCE,
        "--to",
        DESTINATION,
    ]);
    assert_eq!(ran.status, 1, "{ran}");
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    assert_eq!(scratch.json(&["verify", &archive])["ok"], true);
    scratch.json(&["destination", "enable", DESTINATION]);
    scratch.json(&["destination", "remove", DESTINATION]);
    assert_eq!(
        scratch.stored(DESTINATION).len(),
        1,
        "archives stay where they are"
    );
}
