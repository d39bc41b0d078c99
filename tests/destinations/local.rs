//! Claims about `local`, beyond the contract.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use holdfast::destination::local::{Local, create_staged};
use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Verification, open,
};
use holdfast::model::{
    Cancel, DestinationConfig, DestinationType, NoObserver, Observer, Phase, Progress,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::small_disk::{make_read_only, with_small_disk};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";

/// A base path with an awkward name, and a place beside it that must never be touched.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b ä%")).unwrap();
        Self { dir }
    }

    pub fn base(&self) -> PathBuf {
        self.dir.path().join("b ä%")
    }

    pub fn open(&self) -> Local {
        Local::open(&config(&self.base())).unwrap()
    }

    /// Everything below the base, folders with a slash, in order.
    pub fn everything(&self) -> Vec<String> {
        let below = walkdir::WalkDir::new(self.base())
            .min_depth(1)
            .sort_by_file_name();
        let shown = |entry: walkdir::DirEntry| {
            let name = entry
                .path()
                .strip_prefix(self.base())
                .unwrap()
                .display()
                .to_string();
            if entry.file_type().is_dir() {
                name + "/"
            } else {
                name
            }
        };
        below
            .into_iter()
            .map(|entry| shown(entry.unwrap()))
            .collect()
    }
}

fn config(base: &Path) -> DestinationConfig {
    DestinationConfig {
        id: "d1".to_owned(),
        name: "nas".to_owned(),
        destination_type: DestinationType::Local,
        enabled: true,
        config: BTreeMap::from([("base_path".to_owned(), base.to_str().unwrap().to_owned())]),
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "ada".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

fn key(second: u32) -> Key {
    Key::new(&format!("{FOLDER}/{}", name(second))).unwrap()
}

fn name(second: u32) -> String {
    format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age")
}

fn with_call<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call {
        cancel: &cancel,
        observer: &NoObserver,
        deadline: None,
    })
}

fn body(path: &Path, bytes: &[u8]) -> Body {
    Body {
        path: path.to_owned(),
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

fn put(local: &Local, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let body = body(file.path(), bytes);
    with_call(|call| local.put(key, &body, call)).map(|stored| stored.verification)
}

fn read(local: &Local, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| local.get(key, None, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn listed(local: &Local, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    with_call(|call| {
        local.list(prefix, call, &mut |listed| {
            names.push(listed.key.as_str().to_owned());
            Ok(())
        })
    })
    .unwrap();
    names.sort();
    names
}

fn kind<T>(result: Result<T, DestinationError>) -> ErrorKind {
    result.err().expect("it should have failed").kind
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

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
        sha256: hex::encode(Sha256::digest(b"SEALED")),
        ..body(&staged, b"sealed")
    };
    let failed = with_call(|call| local.put(&key(1), &lying, call));
    assert_eq!(kind(failed), ErrorKind::Protocol);
    fs::write(&staged, b"seale").unwrap();
    let failed = with_call(|call| local.put(&key(1), &body(&staged, b"sealed"), call));
    assert_eq!(kind(failed), ErrorKind::Truncated);
    assert!(
        !place.everything().iter().any(|name| !name.ends_with('/')),
        "{:?}",
        place.everything()
    );
}

#[test]
fn a_disk_that_is_too_small_says_so_and_keeps_nothing_of_it() {
    let name = "local::a_disk_that_is_too_small_says_so_and_keeps_nothing_of_it";
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
        let call = Call {
            cancel: &cancel,
            observer: &observer,
            deadline: None,
        };
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
        cancel: &cancel,
        observer: &NoObserver,
        deadline,
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
    let call = Call {
        cancel: &cancel,
        observer: &NoObserver,
        deadline: None,
    };
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
    assert!(second.read(&mut [0; 10]).is_err());
}

#[test]
fn nothing_is_read_written_or_deleted_through_a_link() {
    let place = Place::new();
    let local = place.open();
    let outside = place.dir.path().join("outside");
    fs::create_dir_all(outside.join("manual")).unwrap();
    fs::write(outside.join("manual").join(name(1)), b"theirs").unwrap();
    symlink(&outside, place.base().join("tacacs-0a1b2c3d")).unwrap();
    assert_eq!(kind(put(&local, &key(2), b"ours")), ErrorKind::Forbidden);
    assert_eq!(kind(local.staging(&key(2))), ErrorKind::Forbidden);
    with_call(|call| {
        assert_eq!(kind(local.get(&key(1), None, call)), ErrorKind::Forbidden);
        assert_eq!(kind(local.stat(&key(1), call)), ErrorKind::Forbidden);
        assert_eq!(kind(local.delete(&key(1), call)), ErrorKind::Forbidden);
    });
    assert_eq!(listed(&local, ""), [""; 0]);
    // The file itself as a link, dangling or not.
    fs::remove_file(place.base().join("tacacs-0a1b2c3d")).unwrap();
    fs::create_dir_all(place.base().join(FOLDER)).unwrap();
    for (second, target) in [(1, "manual"), (2, "nowhere")] {
        let link = place.base().join(FOLDER).join(name(second));
        symlink(outside.join(target).join(name(1)), link).unwrap();
        assert_eq!(kind(put(&local, &key(second), b"ours")), ErrorKind::Exists);
        with_call(|call| {
            assert_eq!(
                kind(local.get(&key(second), None, call)),
                ErrorKind::Forbidden
            );
            assert_eq!(kind(local.stat(&key(second), call)), ErrorKind::Forbidden);
        });
    }
    assert_eq!(listed(&local, ""), [""; 0]);
    assert_eq!(
        fs::read(outside.join("manual").join(name(1))).unwrap(),
        b"theirs"
    );
    assert_eq!(fs::read_dir(outside.join("manual")).unwrap().count(), 1);
}

#[test]
fn a_base_path_behind_a_link_is_resolved_once() {
    let place = Place::new();
    let link = place.dir.path().join("link");
    symlink(place.base(), &link).unwrap();
    let local = Local::open(&config(&link)).unwrap();
    put(&local, &key(1), b"x").unwrap();
    assert_eq!(listed(&place.open(), ""), [key(1).as_str()]);
    let staged = local.staging(&key(2)).unwrap().unwrap();
    fs::write(&staged, b"y").unwrap();
    with_call(|call| local.put(&key(2), &body(&staged, b"y"), call)).unwrap();
    assert!(!staged.exists());
}

#[test]
fn a_list_shows_archives_and_nothing_else() {
    let place = Place::new();
    let local = place.open();
    let base = place.base();
    put(&local, &key(1), b"x").unwrap();
    let second = Key::new(&format!("tacacs-0a1b2c3d/scheduled/{}", name(2))).unwrap();
    put(&local, &second, b"x").unwrap();
    let hidden = Key::new(&format!(
        "{}/a-00000001/manual/{}",
        Key::CONTRACT_FOLDER,
        name(3)
    ));
    put(&local, &hidden.unwrap(), b"x").unwrap();
    fs::write(local.staging(&key(4)).unwrap().unwrap(), b"unfinished").unwrap();
    fs::write(base.join(FOLDER).join("notes.txt"), b"theirs").unwrap();
    fs::write(base.join(name(5)), b"theirs").unwrap();
    fs::create_dir(base.join(FOLDER).join(name(6))).unwrap();
    fs::create_dir_all(base.join("photos/manual")).unwrap();
    fs::write(base.join("photos/manual").join(name(7)), b"theirs").unwrap();
    assert_eq!(listed(&local, ""), [key(1).as_str(), second.as_str()]);
    assert_eq!(
        listed(&local, "tacacs-0a1b2c3d"),
        [key(1).as_str(), second.as_str()]
    );
    assert_eq!(
        listed(&local, "tacacs-0a1b2c3d/scheduled/"),
        [second.as_str()]
    );
    assert_eq!(listed(&local, "tacacs-0a1b2c3d/safety"), [""; 0]);
    assert_eq!(listed(&local, "photos"), [""; 0]);
    assert_eq!(listed(&local, Key::CONTRACT_FOLDER).len(), 1);
    let climbs = with_call(|call| local.list("../x", call, &mut |_| Ok(())));
    assert_eq!(kind(climbs), ErrorKind::Config);
}

#[test]
fn a_list_ends_with_its_receiver_s_error() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"x").unwrap();
    put(&local, &key(2), b"x").unwrap();
    let mut seen = 0;
    let stopped = with_call(|call| {
        local.list("", call, &mut |_| {
            seen += 1;
            Err(DestinationError::new(ErrorKind::Throttled, "enough"))
        })
    });
    assert_eq!((kind(stopped), seen), (ErrorKind::Throttled, 1));
}

/// Ages a file without waiting.
fn age(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

const HOUR: Duration = Duration::from_hours(1);

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
    let lookalike = dead.with_file_name(".holdfast-notes.part");
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

#[test]
fn a_base_path_that_is_gone_is_unreachable_and_never_empty() {
    let place = Place::new();
    let local = place.open();
    put(&local, &key(1), b"x").unwrap();
    fs::rename(place.base(), place.dir.path().join("unmounted")).unwrap();
    with_call(|call| {
        assert_eq!(
            kind(local.list("", call, &mut |_| Ok(()))),
            ErrorKind::Unreachable
        );
        assert_eq!(kind(local.stat(&key(1), call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.get(&key(1), None, call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.delete(&key(1), call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.sweep(HOUR, call)), ErrorKind::Unreachable);
        assert_eq!(kind(local.free_space(call)), ErrorKind::Unreachable);
    });
    assert_eq!(kind(put(&local, &key(2), b"x")), ErrorKind::Unreachable);
    assert!(
        !place.base().exists(),
        "it was made anew, on the wrong disk"
    );
    let refused = Local::open(&config(&place.base())).err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Unreachable);
    assert!(refused.detail.contains("mounted"), "{refused}");
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_the_reason() {
    let place = Place::new();
    let file = place.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = |settings: &[(&str, &str)]| {
        let config = DestinationConfig {
            config: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..config(&place.base())
        };
        let error = open(&config, &BTreeMap::new()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Config);
        error.detail
    };
    assert!(refused(&[]).contains("base_path"));
    assert!(refused(&[("base_path", "")]).contains("base_path"));
    assert!(refused(&[("base_path", "backups")]).contains("absolute"));
    assert!(refused(&[("base_path", file.to_str().unwrap())]).contains("not a folder"));
    let base = place.base();
    let typo = [("base_path", base.to_str().unwrap()), ("host", "nas")];
    assert!(refused(&typo).contains("`host`"));
}

#[test]
fn types_that_come_later_say_so() {
    let place = Place::new();
    for later in [
        DestinationType::Sftp,
        DestinationType::Ftp,
        DestinationType::S3,
        DestinationType::Azure,
        DestinationType::Webdav,
    ] {
        let config = DestinationConfig {
            destination_type: later,
            ..config(&place.base())
        };
        let error = open(&config, &BTreeMap::new()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.detail.contains(later.as_str()), "{error}");
    }
}
