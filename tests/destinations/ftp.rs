//! Claims about `ftp`, beyond the contract.

mod cuts;
mod faults;
mod refusals;
mod trust;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{Call, Destination, DestinationError, Key, Verification};
use holdfast::model::{Cancel, NoObserver};
use sha2::{Digest, Sha256};

use crate::network::{self, ODD_BASE, Sample, bytes as noise, with_call};
use crate::servers::pyftpdlib::Pyftpdlib;
use crate::servers::vsftpd::{Tls, Vsftpd};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";

fn key(second: usize) -> Key {
    Key::new(&format!("{FOLDER}/{}", name(second))).unwrap()
}

fn name(second: usize) -> String {
    format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age")
}

fn put(place: &dyn Destination, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    with_call(|call| put_with(place, key, bytes, call))
}

fn put_with(
    place: &dyn Destination,
    key: &Key,
    bytes: &[u8],
    call: &Call<'_>,
) -> Result<Verification, DestinationError> {
    let sample = Sample::of(bytes);
    let stored = place.put(key, &sample.body, call)?;
    Ok(stored.verification)
}

fn read(place: &dyn Destination, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| place.get(key, None, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn listed(place: &dyn Destination) -> Result<BTreeSet<String>, DestinationError> {
    with_call(|call| listed_with(place, call))
}

fn listed_with(
    place: &dyn Destination,
    call: &Call<'_>,
) -> Result<BTreeSet<String>, DestinationError> {
    let mut names = BTreeSet::new();
    place.list("", call, &mut |listed| {
        names.insert(listed.key.file_name().to_owned());
        Ok(())
    })?;
    Ok(names)
}

/// With time for one try only.
fn with_one_try<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    with_time(Duration::from_secs(3), act)
}

fn with_time<T>(time: Duration, act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call {
        deadline: Some(Instant::now() + time),
        ..Call::new(&cancel, &NoObserver)
    })
}

/// The names of all files below a folder, those that begin with a dot too.
fn files(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name();
    let files = entries.into_iter().filter_map(Result::ok);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn vsftpd_keeps_every_promise_in_clear_and_over_tls() {
    for tls in [Tls::None, Tls::Explicit, Tls::Implicit] {
        let server = Vsftpd::start(tls);
        let place = server.place(ODD_BASE).open().unwrap();
        network::keeps_the_contract(&*place);
        assert_eq!(place.capabilities().in_clear, tls == Tls::None);
        let left = fs::read_dir(server.store().join(ODD_BASE)).unwrap();
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn pyftpdlib_keeps_every_promise_in_clear_and_over_tls() {
    for server in [
        Pyftpdlib::plain(&[]),
        Pyftpdlib::with_tls(&[]),
        Pyftpdlib::with_tls(&["tls12"]),
        Pyftpdlib::plain(&["without=MLSD+MLST"]),
        Pyftpdlib::plain(&["without=MLSD+MLST+SIZE+MDTM"]),
        Pyftpdlib::plain(&["no-features"]),
    ] {
        let place = server.place(ODD_BASE).open().unwrap();
        network::keeps_the_contract(&*place);
        let left = fs::read_dir(server.root().join(ODD_BASE)).unwrap();
        assert_eq!(left.count(), 0);
    }
}

/// vsftpd takes no data connection that does not resume its session, and forgets what was not picked up.
#[test]
fn every_data_connection_resumes_the_session() {
    for server in [
        Vsftpd::start(Tls::Explicit),
        Vsftpd::with_tls12(Tls::Explicit),
        Vsftpd::start(Tls::Implicit),
        Vsftpd::with_tls12(Tls::Implicit),
    ] {
        let place = server.place("").open().unwrap();
        for second in 0..12 {
            // Nothing is read on these but by the reading back, and of an empty one not even then.
            put(&*place, &key(second), &noise(second % 2)).unwrap();
        }
        assert_eq!(listed(&*place).unwrap().len(), 12);
        assert_eq!(server.logins(), 1, "{}", server.protocol());
    }
}

#[test]
fn an_absolute_base_path_is_the_servers() {
    let server = Pyftpdlib::plain(&[]);
    let place = server.place("a b/ä").set("base_path", "/a b/ä");
    put(&*place.open().unwrap(), &key(0), b"bytes").unwrap();
    assert_eq!(files(&server.root().join("a b/ä")), [name(0)]);
}

#[test]
fn archives_and_folders_are_the_logins_alone() {
    use std::os::unix::fs::MetadataExt;
    let server = Vsftpd::start(Tls::None);
    // Of an anonymous login vsftpd takes no modes; of others it does.
    let other = Pyftpdlib::plain(&[]);
    for (place, store) in [
        (server.place(""), None),
        (other.place(""), Some(other.root())),
    ] {
        put(&*place.open().unwrap(), &key(0), b"bytes").unwrap();
        if let Some(store) = store {
            let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
            let folder = store.join(FOLDER);
            assert_eq!((mode(&folder), mode(&folder.join(name(0)))), (0o700, 0o600));
        }
    }
}

/// Ranges in the middle leave the server unheard: the same sessions serve on, whatever it says and how often.
#[test]
fn ranges_need_one_login() {
    let bytes = noise(3 << 20);
    for server in [
        Pyftpdlib::plain(&[]),
        Pyftpdlib::plain(&["answers-twice"]),
        Pyftpdlib::with_tls(&[]),
    ] {
        let place = server.place("").open().unwrap();
        put(&*place, &key(0), &bytes).unwrap();
        let before = server.logins();
        for start in (0..20).map(|n| n * 100_000) {
            let range = start as u64..start as u64 + 10_000;
            let mut reader = with_call(|call| place.get(&key(0), Some(range), call)).unwrap();
            let mut part = Vec::new();
            reader.read_to_end(&mut part).unwrap();
            assert_eq!(part, bytes[start..start + 10_000]);
            assert_eq!(
                with_call(|call| place.stat(&key(0), call))
                    .unwrap()
                    .unwrap()
                    .size,
                3 << 20
            );
        }
        let needed = server.logins() - before;
        // One that answers twice costs a session each time.
        let most = if server.has("answers-twice") { 20 } else { 0 };
        assert!(needed <= most, "{needed} logins");
    }
}

#[test]
fn several_threads_share_one_place() {
    let server = Vsftpd::start(Tls::Explicit);
    let place = server.place("").open().unwrap();
    let bytes = noise(300_000);
    thread::scope(|scope| {
        for second in 0..6 {
            let (place, bytes) = (&place, &bytes);
            scope.spawn(move || {
                put(&**place, &key(second), bytes).unwrap();
                assert_eq!(read(&**place, &key(second)), *bytes);
                assert!(listed(&**place).unwrap().contains(&name(second)));
            });
        }
    });
    assert_eq!(listed(&*place).unwrap().len(), 6);
}

#[test]
fn a_reader_and_a_list_go_on_beside_each_other() {
    let server = Pyftpdlib::plain(&[]);
    let place = server.place("").open().unwrap();
    let bytes = noise(1 << 20);
    for second in 0..3 {
        put(&*place, &key(second), &bytes).unwrap();
    }
    let mut reader = with_call(|call| place.get(&key(0), None, call)).unwrap();
    let mut begin = [0; 1000];
    reader.read_exact(&mut begin).unwrap();
    with_call(|call| {
        place.list("", call, &mut |listed| {
            place.delete(&listed.key, call)?;
            Ok(())
        })
    })
    .unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!([&begin[..], &rest].concat(), bytes);
    assert_eq!(listed(&*place).unwrap(), BTreeSet::new());
}

/// Behind a router a server tells an address that nobody else has.
#[test]
fn the_address_that_a_server_believes_in_is_not_used() {
    let server = Pyftpdlib::plain(&["address=10.255.255.1"]);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), b"bytes").unwrap();
    assert_eq!(read(&*place, &key(0)), b"bytes");
}

#[test]
fn ipv6_works() {
    let server = Pyftpdlib::plain(&["host=::"]);
    let place = server.place("").set("host", "[::1]").open().unwrap();
    put(&*place, &key(0), b"bytes").unwrap();
    assert_eq!(read(&*place, &key(0)), b"bytes");
}

#[test]
fn a_clock_that_is_a_year_ahead_sweeps_nothing_that_is_young() {
    let own = |place: &crate::servers::Place, n: u8| {
        let owner = hex::encode(&Sha256::digest(place.config.id.as_bytes())[..6]);
        format!(".holdfast-{owner}-{}.upload", format!("{n:02x}").repeat(16))
    };
    let pyftpdlib = Pyftpdlib::plain(&["clock-ahead=31536000"]);
    let list_only = Pyftpdlib::plain(&["clock-ahead=31536000", "without=MLSD+MLST"]);
    let vsftpd = Vsftpd::start(Tls::None);
    for (place, root) in [
        (pyftpdlib.place(""), pyftpdlib.root()),
        (list_only.place(""), list_only.root()),
        (vsftpd.place(""), vsftpd.store()),
    ] {
        let opened = place.open().unwrap();
        put(&*opened, &key(0), b"bytes").unwrap();
        let folder = root.join(FOLDER);
        let others = own(
            &crate::servers::Place::new(place.config.destination_type),
            3,
        );
        let (young, old) = (own(&place, 1), own(&place, 2));
        for (name, hours) in [(&young, 0), (&old, 3), (&others, 3)] {
            let file = fs::File::create(folder.join(name)).unwrap();
            let at = std::time::SystemTime::now() - Duration::from_hours(hours);
            file.set_modified(at).unwrap();
            file.sync_all().unwrap();
            crate::servers::vsftpd::own(&folder.join(name));
        }
        let swept = with_call(|call| opened.sweep(Duration::from_hours(1), call));
        assert_eq!(swept.unwrap(), 1);
        let mut left = vec![young, others, name(0)];
        left.sort();
        assert_eq!(files(&root), left);
        assert_eq!(listed(&*opened).unwrap(), BTreeSet::from([name(0)]));
    }
}
