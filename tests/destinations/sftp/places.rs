//! Claims about where archives lie: paths, links, rights, disks, and several who write there at once.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use holdfast::destination::{Call, Destination, ErrorKind};
use holdfast::model::{Cancel, DestinationConfig, NoObserver, Observer, Phase, Progress};

use super::{
    FOLDER, Sample, everything, keeps_the_contract, key, list, listed, name, noise, opened, put,
    read, refusal, set, with_call,
};
use crate::servers::left_out_without_root;
use crate::servers::openssh::{OpenSsh, Setup};

fn at(ssh: &OpenSsh, base: &str) -> DestinationConfig {
    let mut config = ssh.config();
    set(&mut config, "base_path", base);
    config
}

/// A folder that the login owns.
fn make(ssh: &OpenSsh, below: &str) -> String {
    let path = ssh.path(below);
    fs::create_dir_all(&path).unwrap();
    let store = fs::metadata(ssh.base()).unwrap();
    let (user, group) = {
        use std::os::unix::fs::MetadataExt;
        (store.uid(), store.gid())
    };
    chown(&path, Some(user), Some(group)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn base_paths_with_odd_names_are_paths() {
    let ssh = OpenSsh::start();
    let base = make(&ssh, "home/a b \u{fc} %41 #1 +x '\"$(id) *");
    keeps_the_contract(&*opened(&at(&ssh, &(base.clone() + "/"))));
    let place = opened(&at(&ssh, &base));
    put(&*place, &key(1), b"one").unwrap();
    assert_eq!(everything(&base).len(), 3);
    assert_eq!(everything(&ssh.base()), [""; 0]);
}

#[test]
fn a_path_without_a_slash_begins_at_the_folder_of_the_login() {
    if left_out_without_root("a login with a home of its own") {
        return;
    }
    let ssh = OpenSsh::start();
    for (n, base) in ["store", "~/store", "./store", "store/"].iter().enumerate() {
        if *base == "./store" {
            assert_eq!(
                refusal(&at(&ssh, base), &BTreeMap::new()).kind,
                ErrorKind::Config
            );
            continue;
        }
        let second = u32::try_from(n).unwrap();
        put(&*opened(&at(&ssh, base)), &key(second), b"x").unwrap();
        assert!(
            Path::new(&ssh.base())
                .join(FOLDER)
                .join(name(second))
                .exists(),
            "{base}"
        );
    }
    let mut home = ssh.config();
    home.config.remove("base_path");
    put(&*opened(&home), &key(9), b"x").unwrap();
    assert!(ssh.path("home").join(FOLDER).join(name(9)).exists());
}

#[test]
fn a_root_that_the_server_gives_its_logins_is_a_base() {
    if left_out_without_root("logins that are kept in a folder") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        lines: &["ChrootDirectory %h", "ForceCommand internal-sftp"],
        ..Setup::default()
    });
    // Such a folder must be root's, all the way up; below a scratch folder it is.
    chown(ssh.path("home"), Some(0), Some(0)).unwrap();
    let error = list_error_of_chroot(&ssh);
    if let Some(error) = error {
        assert!(
            ssh.log().contains("bad ownership or modes for chroot"),
            "{error}\n{}",
            ssh.log()
        );
        return;
    }
    put(&*opened(&at(&ssh, "/store")), &key(1), b"x").unwrap();
    assert!(Path::new(&ssh.base()).join(FOLDER).join(name(1)).exists());
}

fn list_error_of_chroot(ssh: &OpenSsh) -> Option<String> {
    let place = opened(&at(ssh, "/store"));
    let asked = super::soon(|call| list(&*place, call));
    asked.err().map(|e| e.to_string())
}

#[test]
fn a_base_that_is_not_there_is_an_error_of_every_call() {
    let ssh = OpenSsh::start();
    let place = opened(&at(&ssh, &(ssh.base() + "/absent")));
    let file = ssh.path("home/store/file");
    fs::write(&file, "x").unwrap();
    let calls = |place: &dyn Destination| {
        with_call(|call| {
            [
                place.list("", call, &mut |_| Ok(())).unwrap_err(),
                place.stat(&key(1), call).unwrap_err(),
                place.get(&key(1), None, call).map(drop).unwrap_err(),
                place.delete(&key(1), call).unwrap_err(),
                place.sweep(std::time::Duration::ZERO, call).unwrap_err(),
                place
                    .put(&key(1), &Sample::of(b"x").body, call)
                    .unwrap_err(),
            ]
        })
    };
    for error in calls(&*place) {
        assert_eq!(error.kind, ErrorKind::Missing, "{error}");
        assert!(error.detail.contains("absent` is not there"), "{error}");
    }
    for error in calls(&*opened(&at(&ssh, file.to_str().unwrap()))) {
        assert!(
            matches!(error.kind, ErrorKind::Missing | ErrorKind::Forbidden),
            "{error}"
        );
    }
    assert_eq!(everything(&ssh.base()), ["file"], "something was made");
}

#[test]
fn a_folder_that_is_closed_to_the_login_is_forbidden() {
    let ssh = OpenSsh::start();
    let place = opened(&ssh.config());
    fs::set_permissions(ssh.base(), Permissions::from_mode(0o500)).unwrap();
    let error = put(&*place, &key(1), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    fs::set_permissions(ssh.base(), Permissions::from_mode(0o000)).unwrap();
    let error = with_call(|call| list(&*place, call)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    fs::set_permissions(ssh.base(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn links_lead_nowhere_but_the_base_may_be_one() {
    let ssh = OpenSsh::start();
    let outside = make(&ssh, "home/outside");
    let inside = make(&ssh, "home/outside/manual");
    fs::write(Path::new(&inside).join(name(1)), "theirs").unwrap();
    let base = Path::new(&ssh.base()).to_owned();
    symlink(&outside, base.join("tacacs-0a1b2c3d")).unwrap();
    let place = opened(&ssh.config());
    assert_eq!(listed(&*place, ""), [""; 0]);
    let refused = with_call(|call| {
        [
            place.get(&key(1), None, call).map(drop).unwrap_err(),
            place.stat(&key(1), call).map(drop).unwrap_err(),
            place.delete(&key(1), call).unwrap_err(),
            place
                .put(&key(2), &Sample::of(b"x").body, call)
                .map(drop)
                .unwrap_err(),
        ]
    });
    for error in refused {
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
        assert!(error.detail.contains("links are not followed"), "{error}");
    }
    assert_eq!(everything(&inside), [name(1)]);

    fs::remove_file(base.join("tacacs-0a1b2c3d")).unwrap();
    put(&*place, &key(2), b"ours").unwrap();
    symlink(
        Path::new(&inside).join(name(1)),
        base.join(FOLDER).join(name(1)),
    )
    .unwrap();
    assert_eq!(listed(&*place, ""), [key(2).as_str()]);
    let error = with_call(|call| place.get(&key(1), None, call))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");

    let link = ssh.path("home/link");
    symlink(&base, &link).unwrap();
    let place = opened(&at(&ssh, link.to_str().unwrap()));
    assert_eq!(listed(&*place, ""), [key(2).as_str()]);
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    if left_out_without_root("a small disk") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        disk: Some(3 << 10),
        ..Setup::default()
    });
    let place = opened(&ssh.config());
    put(&*place, &key(1), &noise(100_000)).unwrap();
    let error = put(&*place, &key(2), &noise(6 << 20)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Space, "{error}");
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
    let free = with_call(|call| place.free_space(call)).unwrap().unwrap();
    assert!(
        (2 << 20..3 << 20).contains(&free),
        "something was left: {free} bytes are free"
    );
    assert_eq!(read(&*place, &key(1), None), noise(100_000));
}

#[test]
fn a_disk_that_is_read_only_is_forbidden() {
    if left_out_without_root("a disk of its own") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        disk: Some(3 << 10),
        remount: Some("ro"),
        ..Setup::default()
    });
    let place = opened(&ssh.config());
    let error = put(&*place, &key(1), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(error.detail.contains("read-only"), "{error}");
}

#[test]
fn addresses_of_version_6_are_hosts() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("left out: this machine has no IPv6");
        return;
    }
    let ssh = OpenSsh::start();
    fs::write(
        ssh.path("client/known_hosts"),
        format!("[::1]:{} {}\n", ssh.port, ssh.host_key("ed25519")),
    )
    .unwrap();
    for host in ["::1", "[::1]"] {
        let mut config = ssh.config();
        set(&mut config, "host", host);
        assert_eq!(listed(&*opened(&config), ""), [""; 0], "{host}");
    }
}

#[test]
fn only_one_of_many_writers_of_a_name_is_told_that_it_wrote() {
    let ssh = OpenSsh::start();
    let contents: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 100_000]).collect();
    let one_connection = opened(&ssh.config());
    let told: Vec<bool> = thread::scope(|scope| {
        let writers: Vec<_> = contents
            .iter()
            .enumerate()
            .map(|(n, bytes)| {
                let (ssh, one) = (&ssh, &one_connection);
                scope.spawn(move || match n % 2 {
                    0 => put(&**one, &key(1), bytes),
                    _ => put(&*opened(&ssh.config()), &key(1), bytes),
                })
            })
            .collect();
        let results = writers.into_iter().map(|writer| writer.join().unwrap());
        results
            .map(|r| r.map_err(|e| assert_eq!(e.kind, ErrorKind::Exists)).is_ok())
            .collect()
    });
    let winners: Vec<usize> = (0..4).filter(|n| told[*n]).collect();
    assert_eq!(winners.len(), 1, "{told:?}");
    assert_eq!(read(&*one_connection, &key(1), None), contents[winners[0]]);
    assert_eq!(
        everything(&ssh.base()).len(),
        3,
        "{:?}",
        everything(&ssh.base())
    );
}

#[test]
fn one_place_serves_several_threads_at_once() {
    let ssh = OpenSsh::start();
    let place = opened(&ssh.config());
    let bytes = noise(4_000_000);
    put(&*place, &key(0), &bytes).unwrap();
    thread::scope(|scope| {
        for n in 1_u32..4 {
            let (place, bytes) = (&place, &bytes);
            scope.spawn(move || put(&**place, &key(n), &bytes[n as usize..]).unwrap());
            scope.spawn(move || {
                let start = u64::from(n) * 1_000_000 - 7;
                let end = start + 900_000;
                let wanted = &bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
                assert_eq!(read(&**place, &key(0), Some(start..end)), wanted);
            });
            scope
                .spawn(move || assert!(listed(&**place, "").contains(&key(0).as_str().to_owned())));
        }
    });
    assert_eq!(listed(&*place, "").len(), 4);
    assert_eq!(read(&*place, &key(3), None), bytes[3..]);
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
    let ssh = OpenSsh::start();
    let place = opened(&ssh.config());
    let sample = Sample::of(&noise(20 << 20));
    for phase in [Phase::Uploading, Phase::Verifying] {
        let cancel = Cancel::new();
        let observer = CancelAt {
            phase,
            cancel: cancel.clone(),
            seen: AtomicU64::new(0),
        };
        let stopped = place.put(&key(1), &sample.body, &Call::new(&cancel, &observer));
        assert_eq!(stopped.unwrap_err().kind, ErrorKind::Cancelled, "{phase:?}");
        assert!(observer.seen.load(Ordering::Relaxed) > 0, "{phase:?}");
        let left = everything(&ssh.base());
        assert!(left.len() < 3, "a file is left: {left:?}");
    }
    let cancel = Cancel::new();
    put(&*place, &key(1), &noise(5 << 20)).unwrap();
    let mut reader = place
        .get(&key(1), None, &Call::new(&cancel, &NoObserver))
        .unwrap();
    cancel.cancel();
    let mut bytes = Vec::new();
    let ended = std::io::Read::read_to_end(&mut reader, &mut bytes);
    assert!(ended.is_err(), "{} bytes", bytes.len());
}
