//! Servers that die, stop answering, or are no longer wanted in the middle.

use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{Call, ErrorKind, Verification};
use holdfast::model::{Cancel, NoObserver};

use super::{Sample, files, key, listed, listed_with, name, noise, put, read, with_time};
use crate::network::{Canceller, with_call};
use crate::servers::pyftpdlib::Pyftpdlib;
use crate::servers::vsftpd::{Tls, Vsftpd};

/// Waits until so many bytes lie in one file below the folder.
fn wait_for(folder: &Path, bytes: u64) {
    let end = Instant::now() + Duration::from_mins(1);
    let length = |entry: walkdir::DirEntry| entry.metadata().map_or(0, |found| found.len());
    loop {
        let entries = walkdir::WalkDir::new(folder).into_iter();
        let files = entries
            .filter_map(Result::ok)
            .filter(|e| e.file_type().is_file());
        if files.map(length).any(|length| length >= bytes) {
            return;
        }
        assert!(Instant::now() < end, "nothing arrives");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_dies_during_an_upload_gets_only_the_rest_of_it() {
    let bytes = noise(8 << 20);
    for tls in [Tls::None, Tls::Explicit] {
        let mut server = Vsftpd::start(tls);
        let place = server
            .place("")
            .set("bandwidth_limit", "8M")
            .open()
            .unwrap();
        thread::scope(|scope| {
            let putting = scope.spawn(|| put(&*place, &key(0), &bytes));
            wait_for(&server.store(), 2 << 20);
            server.start_again();
            assert_eq!(putting.join().unwrap().unwrap(), Verification::Verified);
        });
        assert_eq!(files(&server.store()), [name(0)]);
        // Only what is complete is told of.
        let rest = server.uploaded();
        assert!(rest > 0 && rest <= 6 << 20, "{rest}: {}", server.protocol());
        let place = server.place("").open().unwrap();
        assert_eq!(read(&*place, &key(0)), bytes);
    }
}

#[test]
fn a_server_that_dies_during_a_download_or_between_calls_is_not_noticed() {
    let bytes = noise(8 << 20);
    let mut server = Vsftpd::start(Tls::Explicit);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), &bytes).unwrap();
    server.start_again();
    assert_eq!(listed(&*place).unwrap().len(), 1);
    let mut reader = with_call(|call| place.get(&key(0), None, call)).unwrap();
    let mut found = vec![0; 1 << 20];
    reader.read_exact(&mut found).unwrap();
    server.start_again();
    reader.read_to_end(&mut found).unwrap();
    assert!(found == bytes);
}

#[test]
fn a_server_that_stops_ends_every_call_in_time_and_serves_again() {
    let bytes = noise(12 << 20);
    for tls in [Tls::None, Tls::Explicit] {
        let server = Vsftpd::start(tls);
        let slow = server.place("").set("timeout", "1");
        let place = slow.clone().set("bandwidth_limit", "8M").open().unwrap();
        let time = Duration::from_secs(2);
        // An upload that gets nowhere.
        thread::scope(|scope| {
            let putting = scope.spawn(|| {
                let started = Instant::now();
                let sample = Sample::of(&bytes);
                let put = with_time(time, |call| place.put(&key(0), &sample.body, call));
                (put.unwrap_err(), started.elapsed())
            });
            wait_for(&server.store(), 1 << 20);
            server.server.signal("STOP");
            // When its time is over, what arrived is cleared away: that needs an answer.
            thread::sleep(time);
            server.server.signal("CONT");
            let (error, took) = putting.join().unwrap();
            assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
            assert!(took < Duration::from_mins(1), "{took:?}");
            assert_eq!(files(&server.store()), [""; 0]);
        });
        server.server.signal("STOP");
        // A call that is not answered.
        let fresh = slow.open().unwrap();
        let error = with_time(time, |call| listed_with(&*fresh, call)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
        server.server.signal("CONT");
        assert_eq!(listed(&*place).unwrap().len(), 0);
        // A download.
        put(&*fresh, &key(1), &bytes).unwrap();
        let error = with_time(time, |call| {
            let mut reader = fresh.get(&key(1), None, call).unwrap();
            reader.read_exact(&mut [0; 1000]).unwrap();
            server.server.signal("STOP");
            reader.read_to_end(&mut Vec::new()).unwrap_err()
        });
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
        server.server.signal("CONT");
        assert!(read(&*fresh, &key(1)) == bytes);
    }
}

#[test]
fn a_cancelled_upload_leaves_nothing() {
    let bytes = noise(4 << 20);
    for (server, tls) in [
        (Vsftpd::start(Tls::None), false),
        (Vsftpd::start(Tls::Explicit), true),
    ] {
        let place = server.place("").open().unwrap();
        // While it is sent, and while it is read back.
        for at in [1 << 20, 4 << 20] {
            let cancel = Cancel::new();
            let observer = Canceller(cancel.clone(), at);
            let sample = Sample::of(&bytes);
            let put = place.put(&key(0), &sample.body, &Call::new(&cancel, &observer));
            assert_eq!(put.unwrap_err().kind, ErrorKind::Cancelled, "tls: {tls}");
            assert_eq!(files(&server.store()), [""; 0], "tls: {tls}, at {at}");
        }
        put(&*place, &key(0), &bytes).unwrap();
    }
}

/// However long the server may be silent.
#[test]
fn whoever_cancels_does_not_wait_for_a_silent_server() {
    let server = Pyftpdlib::plain(&[]);
    let place = server.place("").set("timeout", "3600").open().unwrap();
    put(&*place, &key(0), &noise(1000)).unwrap();
    server.server.signal("STOP");
    let cancel = Cancel::new();
    let ended = Mutex::new(None);
    thread::scope(|scope| {
        scope.spawn(|| {
            let listed = listed_with(&*place, &Call::new(&cancel, &NoObserver));
            *ended.lock().unwrap() = Some(listed.unwrap_err().kind);
        });
        thread::sleep(Duration::from_millis(300));
        assert_eq!(*ended.lock().unwrap(), None);
        cancel.cancel();
    });
    assert_eq!(*ended.lock().unwrap(), Some(ErrorKind::Cancelled));
    server.server.signal("CONT");
}
