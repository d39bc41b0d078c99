//! On real servers: every promise, and what goes wrong on the way to them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use holdfast::destination::contract::CASES;
use holdfast::destination::{Call, Destination, ErrorKind, open, test};
use holdfast::model::{Cancel, DestinationConfig, NoObserver};

use super::{FOLDER, LARGE, MIB, listed, opened};
use crate::network::{Sample, key, put, read, refused, verified, with_call};
use crate::servers::moto::Moto;
use crate::servers::proxy::{Line, Proxy};
use crate::servers::rclone::Rclone;
use crate::servers::s3::{ACCESS_KEY, config, keys};
use crate::servers::s3s::S3s;
use crate::servers::{Authority, free_port};

fn keeps_every_promise(config: &DestinationConfig) -> std::sync::Arc<dyn Destination> {
    let place = opened(config);
    let cancel = Cancel::new();
    let checks = test(&*place, &Call::new(&cancel, &NoObserver)).checks;
    let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(checks.len(), CASES.len());
    place
}

fn files(folder: &Path) -> usize {
    let all = walkdir::WalkDir::new(folder).into_iter().flatten();
    all.filter(|entry| entry.file_type().is_file()).count()
}

/// In parts, read whole and in parts, listed, deleted.
fn keeps_a_large_archive(place: &dyn Destination) {
    let sample = Sample::new(LARGE);
    verified(put(place, &key(1), &sample));
    assert!(read(place, &key(1), None).unwrap() == sample.bytes());
    let middle = 16 * MIB - 5..16 * MIB + 5;
    let range = Some(middle.start as u64..middle.end as u64);
    assert!(read(place, &key(1), range).unwrap() == sample.bytes()[middle]);
    refused(put(place, &key(1), &sample), ErrorKind::Exists);
    let found = listed(place, "").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].key, found[0].size), (&key(1), LARGE as u64));
    with_call(|call| place.delete(&key(1), call)).unwrap();
    assert!(listed(place, FOLDER).unwrap().is_empty());
}

#[test]
fn moto_keeps_every_promise() {
    let server = Moto::start();
    let place = keeps_every_promise(&server.config(&[]));
    assert!(place.capabilities().atomic_create);
    keeps_a_large_archive(&*place);
}

#[test]
fn moto_keeps_every_promise_with_tls() {
    let server = Moto::start_with_tls();
    let place = keeps_every_promise(&server.config(&[]));
    keeps_a_large_archive(&*place);

    let folder = tempfile::tempdir().unwrap();
    let other = Authority::new(folder.path(), "other");
    let place = opened(&server.config(&[("ca_file", other.ca.to_str().unwrap())]));
    let untrusted = with_call(|call| place.stat(&key(1), call)).unwrap_err();
    assert_eq!(untrusted.kind, ErrorKind::Trust, "{untrusted}");
    let presented = server.authority.as_ref().unwrap().fingerprint.clone();
    assert_eq!(untrusted.presented.as_ref(), Some(&presented));
    refused(
        with_call(|call| place.put(&key(1), &Sample::new(9).body, call)),
        ErrorKind::Trust,
    );

    // As it is told, so it is set.
    let trusted = opened(&server.config(&[
        ("ca_file", ""),
        ("fingerprint", &untrusted.presented.unwrap()),
    ]));
    verified(put(&*trusted, &key(2), &Sample::new(9)));

    let plain = config(&server.endpoint.replace("https", "http"), &[]);
    assert!(with_call(|call| opened(&plain).stat(&key(1), call)).is_err());
}

#[test]
fn s3s_keeps_every_promise_and_nothing_else_in_its_bucket() {
    let server = S3s::start();
    let place = keeps_every_promise(&server.config(&[]));
    assert!(place.capabilities().atomic_create);
    keeps_a_large_archive(&*place);
    assert_eq!(files(&server.bucket()), 0);
}

#[test]
fn rclone_keeps_every_promise_and_is_known_to_ignore_conditions() {
    let server = Rclone::start();
    let place = keeps_every_promise(&server.config(&[]));
    assert!(!place.capabilities().atomic_create);
    keeps_a_large_archive(&*place);
    assert_eq!(files(&server.bucket()), 0);
}

#[test]
fn without_a_base_path_archives_lie_in_the_bucket_itself() {
    let server = S3s::start();
    let place = opened(&server.config(&[("base_path", "")]));
    put(&*place, &key(1), &Sample::new(100)).unwrap();
    assert!(server.bucket().join(key(1).as_str()).exists());
    assert_eq!(listed(&*place, "").unwrap().len(), 1);
}

#[test]
fn keys_that_are_wrong_are_told_from_everything_else() {
    let (s3s, rclone) = (S3s::start(), Rclone::start());
    for config in [s3s.config(&[]), rclone.config(&[])] {
        for (id, secret) in [(ACCESS_KEY, "wrong"), ("AKUNKNOWN", "wrong")] {
            let place = open(&config, &keys(id, secret)).unwrap();
            let mut each = |_| Ok(());
            for refusal in [
                with_call(|call| place.stat(&key(1), call)).map(drop),
                with_call(|call| place.get(&key(1), None, call)).map(drop),
                with_call(|call| place.list("", call, &mut each)),
                with_call(|call| place.put(&key(1), &Sample::new(9).body, call)).map(drop),
                with_call(|call| place.put(&key(1), &Sample::new(LARGE).body, call)).map(drop),
            ] {
                let detail = refused(refusal, ErrorKind::Authentication);
                assert!(
                    !detail.contains("wrong") && !detail.contains(id),
                    "{detail}"
                );
            }
        }
    }
}

#[test]
fn a_bucket_that_is_missing_is_named_and_no_empty_place() {
    let (moto, s3s, rclone) = (Moto::start(), S3s::start(), Rclone::start());
    for config in [
        moto.config(&[("bucket", "nothing")]),
        s3s.config(&[("bucket", "nothing")]),
        rclone.config(&[("bucket", "nothing")]),
    ] {
        let place = opened(&config);
        let mut each = |_| Ok(());
        for refusal in [
            with_call(|call| place.stat(&key(1), call)).map(drop),
            with_call(|call| place.list("", call, &mut each)),
            with_call(|call| place.put(&key(1), &Sample::new(9).body, call)).map(drop),
        ] {
            let detail = refused(refusal, ErrorKind::Missing);
            assert!(detail.contains("no bucket `nothing`"), "{detail}");
        }
    }
}

#[test]
fn settings_that_are_wrong_are_refused_before_anything_is_asked() {
    for more in [
        ("endpoint", "localhost:9000"),
        ("bucket", ""),
        ("bucket", "a/b"),
        ("region", "a b"),
        ("path_style", "maybe"),
        ("base_path", "../up"),
        ("ca_file", "relative.pem"),
        ("username", "me"),
    ] {
        let config = config("http://127.0.0.1:1", &[more]);
        refused(open(&config, &keys("id", "key")), ErrorKind::Config);
    }
    let config = config("http://127.0.0.1:1", &[]);
    let detail = refused(
        open(&config, &std::collections::BTreeMap::new()),
        ErrorKind::Config,
    );
    assert!(detail.contains("access_key_id"), "{detail}");
}

#[test]
fn a_server_that_is_not_there_or_silent_ends_the_call() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let cases = [
        (
            format!("http://127.0.0.1:{}", free_port()),
            ErrorKind::Unreachable,
        ),
        ("http://nobody.invalid".to_owned(), ErrorKind::Unreachable),
        (format!("http://127.0.0.1:{port}"), ErrorKind::Timeout),
        (format!("https://127.0.0.1:{port}"), ErrorKind::Timeout),
    ];
    for (endpoint, kind) in cases {
        let place = opened(&config(&endpoint, &[("timeout", "1")]));
        let mut each = |_| Ok(());
        for result in [
            with_call(|call| place.stat(&key(1), call)).map(drop),
            with_call(|call| place.list("", call, &mut each)),
            with_call(|call| place.put(&key(1), &Sample::new(9).body, call)).map(drop),
        ] {
            refused(result, kind);
        }
    }
}

#[test]
fn an_upload_that_was_cut_goes_on_and_sends_no_part_twice() {
    let server = S3s::start();
    let proxy = Proxy::to(server.port, Line::default());
    let place = opened(&config(
        &format!("http://127.0.0.1:{}", proxy.port),
        &[("timeout", "5")],
    ));
    let sample = Sample::new(100 * MIB);
    proxy.cut_after_sending(90 * MIB as u64);
    verified(put(&*place, &key(1), &sample));
    // At most what was on its way on four connections comes again, and something does.
    let again = proxy.sent() - 100 * MIB as u64;
    assert!((20_000..68 * MIB as u64).contains(&again), "{again}");
    assert!(read(&*place, &key(1), None).unwrap() == sample.bytes());
}

#[test]
fn a_server_that_dies_and_comes_back_gets_the_rest() {
    let mut server = S3s::start();
    let proxy = Proxy::to(
        server.port,
        Line {
            rate: Some(30 << 20),
            ..Line::default()
        },
    );
    let place = opened(&config(
        &format!("http://127.0.0.1:{}", proxy.port),
        &[("timeout", "5")],
    ));
    let sample = Sample::new(LARGE);
    thread::scope(|scope| {
        let put = scope.spawn(|| put(&*place, &key(1), &sample));
        while proxy.sent() < 10 * MIB as u64 {
            thread::sleep(Duration::from_millis(5));
        }
        server.kill();
        server.start_again();
        verified(put.join().unwrap());
    });
    assert!(read(&*place, &key(1), None).unwrap() == sample.bytes());
}

#[test]
fn a_server_that_is_stopped_ends_each_call_as_a_timeout() {
    let server = Moto::start();
    let place = opened(&server.config(&[("timeout", "1")]));
    put(&*place, &key(1), &Sample::new(LARGE)).unwrap();
    let mut reader = with_call(|call| place.get(&key(1), None, call)).unwrap();
    server.server.signal("STOP");
    let mut each = |_| Ok(());
    refused(
        with_call(|call| place.list("", call, &mut each)),
        ErrorKind::Timeout,
    );
    let large = Sample::new(LARGE + 1);
    refused(
        with_call(|call| place.put(&key(2), &large.body, call)),
        ErrorKind::Timeout,
    );
    server.server.signal("CONT");
    // The reader waits for the server, and goes on.
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
    assert_eq!(bytes.len(), LARGE);
    assert_eq!(listed(&*place, "").unwrap().len(), 1);
}

#[test]
fn one_opened_place_serves_several_threads() {
    let server = S3s::start();
    let place = opened(&server.config(&[]));
    let sample = Sample::new(4 * MIB);
    put(&*place, &key(1), &sample).unwrap();
    thread::scope(|scope| {
        for n in 0..4_u64 {
            let (place, sample) = (&place, &sample);
            scope.spawn(move || {
                let range = n * MIB as u64..(n + 1) * MIB as u64;
                let start = usize::try_from(range.start).unwrap();
                let found = read(&**place, &key(1), Some(range)).unwrap();
                assert!(found == sample.bytes()[start..start + MIB]);
            });
            let day = u8::try_from(n).unwrap() + 2;
            scope.spawn(move || verified(put(&**place, &key(day.into()), sample)));
            scope.spawn(move || assert!(!listed(&**place, "").unwrap().is_empty()));
        }
    });
    assert_eq!(listed(&*place, "").unwrap().len(), 5);
}
