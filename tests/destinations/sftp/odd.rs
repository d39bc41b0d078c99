//! Claims about servers that are not OpenSSH: that offer less, or do what they should not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast::destination::ErrorKind;
use sha2::{Digest, Sha256};

use super::{
    FOLDER, everything, keeps_the_contract, key, list, listed, name, noise, opened, put, read,
    soon, with_call,
};
use crate::servers::openssh::{OpenSsh, Setup};

const HOUR: Duration = Duration::from_hours(1);

fn with(faults: &'static [&'static str]) -> OpenSsh {
    OpenSsh::with(Setup {
        odd: Some(faults),
        ..Setup::default()
    })
}

fn files(ssh: &OpenSsh) -> Vec<String> {
    let all = everything(&ssh.base()).into_iter();
    all.filter(|path| Path::new(&ssh.base()).join(path).is_file())
        .collect()
}

#[test]
fn a_server_without_extensions_keeps_the_promises_and_claims_no_more() {
    let ssh = with(&[]);
    let place = opened(&ssh.config());
    keeps_the_contract(&*place);
    let facts = place.capabilities();
    assert!(!facts.atomic_create && !facts.free_space, "{facts:?}");
    assert_eq!(everything(&ssh.base()), [""; 0]);
    let openssh = OpenSsh::start();
    let place = opened(&openssh.config());
    listed(&*place, "");
    let facts = place.capabilities();
    assert!(facts.atomic_create && facts.free_space, "{facts:?}");
}

#[test]
fn a_range_is_one_open_and_reads_of_just_the_span() {
    let ssh = with(&[]);
    let place = opened(&ssh.config());
    let bytes = noise(2_000_000);
    put(&*place, &key(1), &bytes).unwrap();
    let before = ssh.requests().len();
    assert_eq!(
        read(&*place, &key(1), Some(1_000_000..1_500_001)),
        bytes[1_000_000..1_500_001]
    );
    let asked = ssh.requests().split_off(before);
    let opens = asked.iter().filter(|one| one.starts_with("open")).count();
    assert_eq!(opens, 1, "{asked:?}");
    let spans = asked.iter().filter_map(|one| one.strip_prefix("read "));
    let spans = spans.map(|span| {
        let (offset, length) = span.split_once(' ').unwrap();
        let offset: u64 = offset.parse().unwrap();
        (offset, offset + length.parse::<u64>().unwrap())
    });
    let mut spans: Vec<(u64, u64)> = spans.collect();
    spans.sort_unstable();
    assert_eq!(spans.first().unwrap().0, 1_000_000, "{asked:?}");
    assert_eq!(spans.last().unwrap().1, 1_500_001, "{asked:?}");
    assert!(
        spans.windows(2).all(|two| two[0].1 == two[1].0),
        "{asked:?}"
    );
    let looks = asked.iter().filter(|one| *one == "look").count();
    assert!(looks <= 3, "{asked:?}");
}

#[test]
fn what_a_server_stores_wrongly_is_noticed_and_removed() {
    let ssh = with(&["flips-a-bit"]);
    let place = opened(&ssh.config());
    let error = put(&*place, &key(1), &noise(600_000)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert!(error.detail.contains("is not what was written"), "{error}");
    assert_eq!(files(&ssh), [""; 0]);
}

#[test]
fn a_write_or_a_close_that_fails_ends_the_upload_and_leaves_nothing() {
    for fault in [
        &["writes-fail"] as &'static [&'static str],
        &["close-fails"],
    ] {
        let ssh = with(fault);
        let place = opened(&ssh.config());
        let error = put(&*place, &key(1), &noise(600_000)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        assert!(!error.detail.contains('\u{1b}'), "{error}");
        assert_eq!(files(&ssh), [""; 0], "{fault:?}");
    }
}

#[test]
fn a_server_may_answer_with_less_but_not_with_more() {
    let bytes = noise(100_000);
    let ssh = with(&["short-reads"]);
    let place = opened(&ssh.config());
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(
        read(&*place, &key(1), Some(999..50_001)),
        bytes[999..50_001]
    );
    let ssh = with(&["long-reads"]);
    let error = put(&*opened(&ssh.config()), &key(1), &bytes).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert_eq!(files(&ssh), [""; 0]);
}

#[test]
fn a_file_that_is_hidden_until_it_is_closed_is_read_back_afterwards() {
    let ssh = with(&["hidden"]);
    let place = opened(&ssh.config());
    let bytes = noise(600_000);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(files(&ssh).len(), 1);
}

#[test]
fn a_lost_acknowledgement_is_no_second_archive() {
    let ssh = with(&["loses-acknowledgement"]);
    let place = opened(&ssh.config());
    let bytes = noise(600_000);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(files(&ssh), [key(1).as_str()]);
    let sent = ssh
        .requests()
        .iter()
        .filter(|one| one.starts_with("write"))
        .count();
    assert_eq!(sent, 600_000_usize.div_ceil(32 << 10), "it was sent twice");
}

#[test]
fn an_archive_that_has_its_name_is_stored_though_nothing_can_be_deleted() {
    let ssh = with(&["hardlink", "deletes-nothing"]);
    let place = opened(&ssh.config());
    let bytes = noise(100_000);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
    assert!(place.capabilities().atomic_create);
}

#[test]
fn what_an_interrupted_upload_left_damaged_is_sent_anew() {
    let ssh = with(&["loses-power"]);
    let place = opened(&ssh.config());
    let bytes = noise(600_000);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(files(&ssh), [key(1).as_str()]);
    let asked = ssh.requests();
    let begun = asked.iter().filter(|one| one.starts_with("write 0 "));
    assert_eq!(begun.count(), 2, "{asked:?}");
}

#[test]
fn a_hostile_listing_harms_nothing() {
    let ssh = with(&["hostile-names"]);
    let place = opened(&ssh.config());
    put(&*place, &key(1), b"one").unwrap();
    fs::write(Path::new(&ssh.base()).join(FOLDER).join("y\n"), "").unwrap();
    let before = everything(&ssh.base());
    assert_eq!(
        listed(&*place, "")
            .iter()
            .filter(|one| *one == key(1).as_str())
            .count(),
        1
    );
    assert_eq!(listed(&*place, FOLDER), [key(1).as_str()]);
    assert_eq!(
        with_call(|call| place.sweep(Duration::ZERO, call)).unwrap(),
        0
    );
    assert_eq!(everything(&ssh.base()), before);
}

#[test]
fn a_listing_that_never_ends_ends_with_the_call() {
    let ssh = with(&["endless"]);
    let place = opened(&ssh.config());
    put(&*place, &key(1), b"one").unwrap();
    let error = soon(|call| list(&*place, call)).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Timeout | ErrorKind::Protocol),
        "{error}"
    );
}

/// It works on several requests at once.
#[test]
fn names_that_come_after_the_end_are_listed() {
    let ssh = with(&["end-first"]);
    let place = opened(&ssh.config());
    put(&*place, &key(1), b"one").unwrap();
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
}

#[test]
fn a_server_that_lists_names_alone_is_asked_for_the_rest() {
    let ssh = with(&["bare-names"]);
    let place = opened(&ssh.config());
    put(&*place, &key(1), b"one").unwrap();
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
}

/// A temporary name of the destination with this id, as a writer that died left it.
fn leftover(ssh: &OpenSsh, id: &str, n: u8) -> PathBuf {
    let owner = hex::encode(&Sha256::digest(id.as_bytes())[..6]);
    let folder = Path::new(&ssh.base()).join(FOLDER);
    let path = folder.join(format!(".holdfast-{owner}-{n:032x}.upload"));
    fs::write(&path, "half").unwrap();
    path
}

fn age(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

#[test]
fn a_sweep_takes_its_own_old_leftovers_whatever_year_the_server_has() {
    for faults in [&[] as &'static [&'static str], &["clock-ahead"]] {
        let ssh = with(faults);
        let place = opened(&ssh.config());
        put(&*place, &key(1), b"an archive").unwrap();
        age(&Path::new(&ssh.base()).join(FOLDER).join(name(1)), 3 * HOUR);
        let own = ssh.config().id;
        let (young, old) = (leftover(&ssh, &own, 1), leftover(&ssh, &own, 2));
        let theirs = leftover(&ssh, "another", 3);
        let lookalike = theirs.with_file_name(".holdfast-notes.upload");
        fs::write(&lookalike, "notes").unwrap();
        for path in [&old, &theirs, &lookalike] {
            age(path, 2 * HOUR);
        }
        assert_eq!(
            with_call(|call| place.sweep(HOUR, call)).unwrap(),
            1,
            "{faults:?}"
        );
        assert!(!old.exists());
        for kept in [&young, &theirs, &lookalike] {
            assert!(kept.exists(), "{}", kept.display());
        }
        assert_eq!(read(&*place, &key(1), None), b"an archive");
        assert_eq!(files(&ssh).len(), 4, "{:?}", files(&ssh));
    }
}
