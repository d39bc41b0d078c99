//! Claims about how `local` writes, and what it leaves when it cannot.

use std::fs;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use holdfast::destination::local::{Local, create_staged};
use holdfast::destination::retry::{Patience, Retry};
use holdfast::destination::time::Time;
use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Verification,
};
use holdfast::model::{Cancel, DestinationConfig, NoObserver, Observer, Phase, Progress};
use sha2::{Digest, Sha256};

use crate::small_disk::{make_read_only, with_small_disk};

use super::{FOLDER, HOUR, Place, age, body, config, key, kind, mode, name, put, read, with_call};

#[test]
fn archives_and_their_folders_are_private() {
    let place = Place::new();
    let local = place.open();
    assert_eq!(
        put(&local, &key(1), b"sealed").unwrap(),
        Verification::Verified
    );
    let path = place.base().join(FOLDER);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path.join(name(1))), 0o600);
}

#[test]
fn an_archive_that_was_staged_readable_is_published_private() {
    let place = Place::new();
    let local = place.open();
    let staged = local.staging(&key(1)).unwrap().unwrap();
    fs::write(&staged, b"sealed").unwrap();
    let inode = fs::metadata(&staged).unwrap().ino();
    with_call(|call| local.put(&key(1), &body(&staged, b"sealed"), call)).unwrap();
    let published = place.base().join(FOLDER).join(name(1));
    assert_eq!(mode(&published), 0o600);
    assert_eq!(
        fs::metadata(&published).unwrap().ino(),
        inode,
        "it was copied"
    );
}

#[test]
fn a_staged_archive_whose_name_is_taken_can_have_the_next_name() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"first").unwrap();
    let staged = local.staging(&key(1)).unwrap().unwrap();
    fs::write(&staged, b"second").unwrap();
    let body = body(&staged, b"second");
    assert_eq!(
        kind(with_call(|call| local.put(&key(1), &body, call))),
        ErrorKind::Exists
    );
    assert_eq!(read(&local, &key(1)), b"first");
    with_call(|call| local.put(&key(2), &body, call)).unwrap();
    assert_eq!(read(&local, &key(2)), b"second");
    assert!(!staged.exists());
}

#[test]
fn only_one_of_many_writers_of_a_name_is_told_that_it_wrote() {
    let place = Place::new();
    let local = place.open();
    let contents: Vec<Vec<u8>> = (0..8).map(|n| vec![n; 100_000]).collect();
    let told: Vec<bool> = std::thread::scope(|scope| {
        let writers: Vec<_> = contents
            .iter()
            .map(|bytes| scope.spawn(|| put(&local, &key(1), bytes)))
            .collect();
        let results = writers.into_iter().map(|writer| writer.join().unwrap());
        results
            .map(|r| r.map_err(|e| assert_eq!(e.kind, ErrorKind::Exists)).is_ok())
            .collect()
    });
    let winners: Vec<usize> = (0..8).filter(|n| told[*n]).collect();
    assert_eq!(winners.len(), 1, "{told:?}");
    assert_eq!(read(&local, &key(1)), contents[winners[0]]);
    assert_eq!(place.everything().len(), 3, "{:?}", place.everything());
}

#[test]
fn an_archive_that_was_changed_on_its_way_is_refused_and_gone() {
    let place = Place::new();
    let local = place.open();
    let staged = local.staging(&key(1)).unwrap().unwrap();
    fs::write(&staged, b"sealed").unwrap();
    let lying = Body {
        read_back: None,
        sha256: hex::encode(Sha256::digest(b"SEALED")),
        ..body(&staged, b"sealed")
    };
    let failed = with_call(|call| local.put(&key(1), &lying, call));
    assert_eq!(kind(failed), ErrorKind::Protocol);
    fs::write(&staged, b"sealed").unwrap();
    let read_wrongly = Body {
        read_back: Some(hex::encode(Sha256::digest(b"SEALED"))),
        ..body(&staged, b"sealed")
    };
    let failed = with_call(|call| local.put(&key(1), &read_wrongly, call));
    assert_eq!(kind(failed), ErrorKind::Protocol);
    fs::write(&staged, b"seale").unwrap();
    let failed = with_call(|call| local.put(&key(1), &body(&staged, b"sealed"), call));
    assert_eq!(kind(failed), ErrorKind::Protocol);
    assert!(
        !place.everything().iter().any(|name| !name.ends_with('/')),
        "{:?}",
        place.everything()
    );
}

/// A disk that loses the end of a file while it is read back, once, and has it again when somebody has waited.
#[derive(Debug)]
struct Flickering {
    staged: PathBuf,
    bytes: Vec<u8>,
    flickered: AtomicBool,
}

impl Observer for Flickering {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Verifying && !self.flickered.swap(true, Ordering::Relaxed) {
            let file = File::options().write(true).open(&self.staged).unwrap();
            file.set_len(self.bytes.len() as u64 / 2).unwrap();
        }
    }
}

impl Time for Flickering {
    fn now(&self) -> Duration {
        std::time::UNIX_EPOCH.elapsed().unwrap()
    }

    fn wait(&self, time: Duration) {
        // Where it is gone, it stays so.
        if let Ok(mut file) = File::options().write(true).open(&self.staged) {
            file.write_all(&self.bytes).unwrap();
        }
        std::thread::sleep(time);
    }
}

#[test]
fn a_staged_archive_stays_for_the_next_try_and_no_longer() {
    let place = Place::new();
    let local = Arc::new(place.open());
    let bytes = vec![7; 16 << 20];
    for tries in [1, 0] {
        let patience = Patience {
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(5),
            tries,
        };
        let staged = local.staging(&key(1)).unwrap().unwrap();
        fs::write(&staged, &bytes).unwrap();
        let disk = Arc::new(Flickering {
            staged: staged.clone(),
            bytes: bytes.clone(),
            flickered: AtomicBool::new(false),
        });
        let retry = Retry::timed(Arc::clone(&local) as _, patience, Arc::clone(&disk) as _);
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &*disk);
        let put = retry.put(&key(1), &body(&staged, &bytes), &call);
        assert!(!staged.exists() && disk.flickered.load(Ordering::Relaxed));
        if tries > 0 {
            put.unwrap();
            assert!(read(&local, &key(1)) == bytes);
            with_call(|call| local.delete(&key(1), call)).unwrap();
        } else {
            assert_eq!(kind(put), ErrorKind::Truncated);
        }
    }
}

#[test]
fn a_disk_that_is_too_small_says_so_and_keeps_nothing_of_it() {
    let name = "local::writes::a_disk_that_is_too_small_says_so_and_keeps_nothing_of_it";
    with_small_disk(name, 2048, |disk| {
        let local = Local::open(&config(disk)).unwrap();
        put(&local, &key(1), &[1; 1000]).unwrap();
        assert_eq!(
            kind(put(&local, &key(2), &vec![2; 3 << 20])),
            ErrorKind::Space
        );
        let left = fs::read_dir(disk.join(FOLDER)).unwrap().count();
        assert_eq!(left, 1);
        let free = with_call(|call| local.free_space(call)).unwrap().unwrap();
        assert!((1 << 20..2 << 20).contains(&free), "{free}");
        make_read_only(disk);
        assert_eq!(kind(put(&local, &key(3), b"x")), ErrorKind::Forbidden);
        assert_eq!(kind(local.staging(&other_instance())), ErrorKind::Forbidden);
        let deleted = with_call(|call| local.delete(&key(1), call));
        assert_eq!(kind(deleted), ErrorKind::Forbidden);
        assert_eq!(read(&local, &key(1)), [1; 1000]);
    });
}

fn other_instance() -> Key {
    Key::new(&format!("new-00000001/manual/{}", name(1))).unwrap()
}

/// Cancels once so many bytes of a phase have been reported.
struct CancelAt {
    phase: Phase,
    cancel: Cancel,
    seen: AtomicU64,
}

impl Observer for CancelAt {
    fn progress(&self, progress: &Progress) {
        if progress.phase == self.phase {
            self.seen.store(progress.done_bytes, Ordering::Relaxed);
            self.cancel.cancel();
        }
    }
}

#[test]
fn a_write_that_is_cancelled_halfway_leaves_nothing() {
    for phase in [Phase::Uploading, Phase::Verifying] {
        let place = Place::new();
        let local = place.open();
        let bytes = vec![7; 3 << 20];
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let cancel = Cancel::new();
        let observer = CancelAt {
            phase,
            cancel: cancel.clone(),
            seen: AtomicU64::new(0),
        };
        let call = Call::new(&cancel, &observer);
        let stopped = local.put(&key(1), &body(file.path(), &bytes), &call);
        assert_eq!(kind(stopped), ErrorKind::Cancelled);
        let seen = observer.seen.load(Ordering::Relaxed);
        assert!(
            0 < seen && seen < bytes.len() as u64,
            "{phase:?} was told of {seen}"
        );
        assert!(
            !place.everything().iter().any(|name| !name.ends_with('/')),
            "{phase:?}"
        );
    }
}

#[test]
fn a_call_whose_time_is_over_ends() {
    let place = Place::new();
    let local = place.open();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), b"x").unwrap();
    let cancel = Cancel::new();
    let deadline = Some(std::time::Instant::now());
    let call = Call {
        deadline,
        ..Call::new(&cancel, &NoObserver)
    };
    assert_eq!(
        kind(local.put(&key(1), &body(file.path(), b"x"), &call)),
        ErrorKind::Timeout
    );
}

#[test]
fn a_reader_stops_when_it_is_cancelled_and_says_so_when_the_archive_shrinks() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), &[1; 1000]).unwrap();
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &NoObserver);
    let mut first = local.get(&key(1), None, &call).unwrap();
    let path = place.base().join(FOLDER).join(name(1));
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(400)
        .unwrap();
    let short = first.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(short.kind(), std::io::ErrorKind::UnexpectedEof, "{short}");
    let mut second = local.get(&key(1), None, &call).unwrap();
    cancel.cancel();
    let cancelled = second.read(&mut [0; 10]).unwrap_err();
    let told = DestinationError::of_read(&cancelled).unwrap();
    assert_eq!(told.kind, ErrorKind::Cancelled);
}

#[test]
fn a_sweep_takes_what_dead_writers_of_its_own_left_and_nothing_else() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"an archive").unwrap();
    age(&place.base().join(FOLDER).join(name(1)), 3 * HOUR);
    let stage = |local: &Local| local.staging(&key(2)).unwrap().unwrap();
    let dead = stage(&local);
    drop(create_staged(&dead).unwrap());
    age(&dead, 2 * HOUR);
    let young = stage(&local);
    drop(create_staged(&young).unwrap());
    let alive = stage(&local);
    let writer = create_staged(&alive).unwrap();
    age(&alive, 2 * HOUR);
    let other = Local::open(&DestinationConfig {
        id: "d2".to_owned(),
        ..config(&place.base())
    });
    let theirs = stage(&other.unwrap());
    drop(create_staged(&theirs).unwrap());
    age(&theirs, 2 * HOUR);
    let lookalike = dead.with_file_name(".holdfast-notes.upload");
    fs::write(&lookalike, b"theirs").unwrap();
    age(&lookalike, 2 * HOUR);

    assert_eq!(with_call(|call| local.sweep(HOUR, call)).unwrap(), 1);
    assert!(!dead.exists());
    for kept in [&young, &alive, &theirs, &lookalike] {
        assert!(kept.exists(), "{}", kept.display());
    }
    assert_eq!(read(&local, &key(1)), b"an archive");
    drop(writer);
    age(&alive, 2 * HOUR);
    assert_eq!(with_call(|call| local.sweep(HOUR, call)).unwrap(), 1);
}

#[test]
fn a_staged_file_is_new_private_and_no_link() {
    let place = Place::new();
    let local = place.open();
    let staged = local.staging(&key(1)).unwrap().unwrap();
    drop(create_staged(&staged).unwrap());
    assert_eq!(mode(&staged), 0o600);
    assert!(create_staged(&staged).is_err());
    let link = staged.with_extension("link");
    symlink(place.dir.path().join("target"), &link).unwrap();
    assert!(create_staged(&link).is_err());
    assert!(!place.dir.path().join("target").exists());
}
