//! Real servers: what they keep, and what happens when they end, fill up or fall silent.

use std::fs;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{Call, ErrorKind, Key, Verification};
use holdfast::model::{Cancel, NoObserver};

use super::pretender::MIB;
use super::{
    FOLDER, Sample, bytes, everything, key, kind, list, opened, put, read, read_range,
    require_every_promise, with_call,
};
use crate::network::keeps_the_contract;
use crate::servers::apache::Apache;
use crate::servers::proxy::{Line, Proxy};
use crate::servers::webdav::{PATH, config};
use crate::servers::wsgidav::{Over, Wsgidav};
use crate::small_disk::with_small_disk;

#[test]
fn apache_keeps_every_promise() {
    let apache = Apache::start();
    require_every_promise(&apache.config(&[]), &apache.base);
}

#[test]
fn apache_keeps_every_promise_over_tls() {
    let apache = Apache::start();
    let ca = apache.authority.ca.to_str().unwrap();
    require_every_promise(&apache.tls_config(&[("ca_file", ca)]), &apache.base);
}

#[test]
fn wsgidav_keeps_every_promise() {
    let wsgidav = Wsgidav::start(Over::Http);
    require_every_promise(&wsgidav.config(&[]), &wsgidav.base);
}

#[test]
fn wsgidav_keeps_every_promise_over_tls() {
    let wsgidav = Wsgidav::start(Over::Https);
    let pin = wsgidav.authority.fingerprint.clone();
    require_every_promise(&wsgidav.config(&[("fingerprint", &pin)]), &wsgidav.base);
}

#[test]
fn two_tests_of_one_server_do_not_meet() {
    let apache = Apache::start();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                keeps_the_contract(&*opened(&apache.config(&[])));
            });
        }
    });
}

#[test]
fn an_archive_lies_where_it_should_and_nothing_else_does() {
    let apache = Apache::start();
    let place = opened(&apache.config(&[]));
    assert_eq!(put(&*place, &key(1), b"").unwrap(), Verification::Verified);
    put(&*place, &key(2), &bytes(MIB)).unwrap();
    let folder = apache.base.join(FOLDER);
    assert_eq!(
        everything(&folder),
        [key(1).file_name(), key(2).file_name()]
    );
    assert!(fs::read(folder.join(key(2).file_name())).unwrap() == bytes(MIB));
    // Other things that lie there are none of ours.
    fs::write(folder.join("notes.txt"), "x").unwrap();
    fs::create_dir(folder.join(key(3).file_name())).unwrap();
    fs::create_dir_all(apache.base.join("photos/manual")).unwrap();
    let mut found = list(&*place, "").unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let found: Vec<_> = found.into_iter().map(|l| (l.key, l.size)).collect();
    assert_eq!(found, [(key(1), 0), (key(2), MIB as u64)]);
}

#[test]
fn one_place_is_used_by_many_at_once() {
    let wsgidav = Wsgidav::start(Over::Http);
    let place = opened(&wsgidav.config(&[]));
    let content = bytes(MIB);
    put(&*place, &key(0), &content).unwrap();
    thread::scope(|scope| {
        for n in 1..=4_u32 {
            let (place, content) = (&*place, &content);
            scope.spawn(move || {
                put(place, &key(n), content).unwrap();
                let start = u64::from(n) * 1000;
                let part = read_range(place, &key(0), start..start + 5000).unwrap();
                assert!(part == content[n as usize * 1000..][..5000]);
                assert!(!list(place, "").unwrap().is_empty());
            });
        }
    });
    assert_eq!(list(&*place, "").unwrap().len(), 5);
}

#[test]
fn of_many_writers_of_one_name_one_is_heard_and_none_is_mixed() {
    let apache = Apache::start();
    let place = opened(&apache.config(&[]));
    let contents = [bytes(MIB), bytes(MIB + 1), bytes(MIB + 2)];
    let won: Vec<usize> = thread::scope(|scope| {
        let writers: Vec<_> = contents
            .iter()
            .map(|content| scope.spawn(|| put(&*place, &key(1), content)))
            .collect();
        let ends = writers.into_iter().map(|writer| writer.join().unwrap());
        let won = ends.enumerate().filter_map(|(n, end)| match end {
            Ok(_) => Some(n),
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Exists, "{e}");
                None
            }
        });
        won.collect()
    });
    // More than one only where they came between the server's look and its renaming; it says so itself.
    assert!(!won.is_empty() && !place.capabilities().atomic_create);
    let there = read(&*place, &key(1));
    assert!(won.iter().any(|n| there == contents[*n]));
    assert_eq!(everything(&apache.base.join(FOLDER)), [key(1).file_name()]);
}

#[test]
fn a_wrong_password_is_told_by_every_call() {
    let apache = Apache::start();
    let wsgidav = Wsgidav::start(Over::Http);
    for config in [apache.config(&[]), wsgidav.config(&[])] {
        let place = super::opened_with(&config, "wrong").unwrap();
        let sample = Sample::of(&bytes(MIB));
        with_call(|call| {
            let kinds = [
                kind(place.list("", call, &mut |_| Ok(()))),
                kind(place.stat(&key(1), call)),
                kind(place.get(&key(1), None, call).map(drop)),
                kind(place.put(&key(1), &sample.body, call)),
                kind(place.delete(&key(1), call)),
                kind(place.free_space(call)),
            ];
            assert_eq!(kinds, [ErrorKind::Authentication; 6]);
        });
    }
}

#[test]
fn a_server_that_wants_digest_is_told_from_a_wrong_password() {
    let digest = "AuthType Digest\nAuthDigestProvider file\nAuthUserFile OWN/digests";
    let apache = Apache::with(digest);
    let wsgidav = Wsgidav::start(Over::Digest);
    for config in [apache.config(&[]), wsgidav.config(&[])] {
        let error = list(&*opened(&config), "").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Authentication);
        assert!(
            error
                .detail
                .contains("digest authentication, and only basic"),
            "{error}"
        );
    }
}

#[test]
fn what_may_not_be_written_can_be_read() {
    let mut apache = Apache::start();
    put(&*opened(&apache.config(&[])), &key(1), b"kept").unwrap();
    apache.start_with(
        "<If \"! %{REQUEST_METHOD} in {'GET', 'HEAD', 'OPTIONS', 'PROPFIND'}\">\nRequire all denied\n</If>",
    );
    let place = opened(&apache.config(&[]));
    assert_eq!(
        kind(put(&*place, &key(2), &bytes(MIB))),
        ErrorKind::Forbidden
    );
    let new = Key::new(&key(1).as_str().replace("manual", "scheduled")).unwrap();
    assert_eq!(kind(put(&*place, &new, b"x")), ErrorKind::Forbidden);
    assert_eq!(
        kind(with_call(|call| place.delete(&key(1), call))),
        ErrorKind::Forbidden
    );
    assert_eq!(read(&*place, &key(1)), b"kept");
    assert_eq!(list(&*place, "").unwrap().len(), 1);
    assert_eq!(everything(&apache.base.join(FOLDER)), [key(1).file_name()]);
}

#[test]
fn a_file_that_came_to_be_where_a_folder_was_is_told() {
    let wsgidav = Wsgidav::start(Over::Http);
    let place = opened(&wsgidav.config(&[]));
    put(&*place, &key(1), b"x").unwrap();
    fs::remove_dir_all(wsgidav.base.join(FOLDER)).unwrap();
    fs::write(wsgidav.base.join(FOLDER), "x").unwrap();
    let refused = kind(put(&*place, &key(2), b"x"));
    assert_eq!(refused, ErrorKind::Forbidden);
}

#[test]
fn a_file_that_is_too_large_for_the_server_is_told() {
    let apache = Apache::with("LimitRequestBody 1000000");
    let place = opened(&apache.config(&[]));
    let error = put(&*place, &key(1), &bytes(4 * MIB)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Space, "{error}");
    put(&*place, &key(1), &bytes(900_000)).unwrap();
}

#[test]
fn a_full_disk_is_told_and_nothing_is_left() {
    let name = "webdav::servers::a_full_disk_is_told_and_nothing_is_left";
    with_small_disk(name, 4 << 10, |disk| {
        let mut wsgidav = Wsgidav::at(disk, Over::Http);
        let place = opened(&wsgidav.config(&[]));
        let free = with_call(|call| place.free_space(call)).unwrap().unwrap();
        assert!((1..=4 << 20).contains(&free), "{free}");
        assert!(place.capabilities().free_space);
        put(&*place, &key(1), &bytes(MIB)).unwrap();
        let error = put(&*place, &key(2), &bytes(6 * MIB)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Space, "{error}");
        assert_eq!(everything(&wsgidav.base.join(FOLDER)), [key(1).file_name()]);
        // And there is room again, once the server lets go of what it could not write.
        wsgidav.start_again();
        put(&*place, &key(2), &bytes(MIB)).unwrap();
    });
}

#[test]
fn a_cut_line_is_gone_on_from_or_begun_anew() {
    let apache = Apache::start();
    let proxy = Proxy::to(apache.port, Line::default());
    let url = format!("http://127.0.0.1:{}/{PATH}", proxy.port);
    let place = opened(&config(&url, &[]));
    let content = bytes(8 * MIB);
    // Apache keeps nothing of a file that did not come whole.
    proxy.cut_after_sending(5 << 20);
    put(&*place, &key(1), &content).unwrap();
    let sent = proxy.sent();
    assert!((13 << 20..15 << 20).contains(&sent), "{sent}");

    // While it is read back: it is not sent again for that.
    proxy.cut_after_receiving(5 << 20);
    put(&*place, &key(2), &content).unwrap();
    let sent = proxy.sent() - sent;
    assert!((8 << 20..9 << 20).contains(&sent), "{sent}");

    let received = proxy.received();
    proxy.cut_after_receiving(5 << 20);
    assert!(read(&*place, &key(1)) == content);
    let received = proxy.received() - received;
    assert!((8 << 20..9 << 20).contains(&received), "{received}");

    proxy.cut_after_receiving(100);
    assert_eq!(list(&*place, "").unwrap().len(), 2);
    assert_eq!(everything(&apache.base.join(FOLDER)).len(), 2);
}

#[test]
fn a_server_that_is_started_again_is_gone_on_with() {
    let mut apache = Apache::start();
    let place = opened(&apache.config(&[]));
    let content = bytes(8 * MIB);
    put(&*place, &key(1), &content).unwrap();
    let mut reader = with_call(|call| place.get(&key(1), None, call)).unwrap();
    let mut read = vec![0; MIB];
    reader.read_exact(&mut read).unwrap();
    apache.kill();
    thread::scope(|scope| {
        let putting = scope.spawn(|| put(&*place, &key(2), &content));
        thread::sleep(Duration::from_millis(200));
        apache.start_again();
        reader.read_to_end(&mut read).unwrap();
        putting.join().unwrap().unwrap();
    });
    assert!(read == content);
    assert_eq!(list(&*place, "").unwrap().len(), 2);
}

#[test]
fn a_server_that_is_stopped_in_the_middle_is_left_in_time() {
    let apache = Apache::start();
    let proxy = Proxy::to(
        apache.port,
        Line {
            rate: Some(4 << 20),
            ..Line::default()
        },
    );
    let url = format!("http://127.0.0.1:{}/{PATH}", proxy.port);
    let place = opened(&config(&url, &[("timeout", "1")]));
    let sample = Sample::of(&bytes(16 * MIB));
    put(&*opened(&apache.config(&[])), &key(1), &bytes(16 * MIB)).unwrap();
    let began = Instant::now();
    let cancel = Cancel::new();
    let call = Call {
        deadline: began.checked_add(Duration::from_secs(20)),
        ..Call::new(&cancel, &NoObserver)
    };
    let mut reader = place.get(&key(1), None, &call).unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    thread::scope(|scope| {
        let putting = scope.spawn(|| place.attempt(&key(2), &sample.body, &mut None, &call));
        thread::sleep(Duration::from_millis(500));
        apache.signal("STOP");
        let read = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(read.kind(), std::io::ErrorKind::TimedOut, "{read}");
        assert_eq!(
            kind(place.list("", &call, &mut |_| Ok(()))),
            ErrorKind::Timeout
        );
        assert_eq!(kind(putting.join().unwrap()), ErrorKind::Timeout);
    });
    assert!(began.elapsed() < Duration::from_secs(90));
}
