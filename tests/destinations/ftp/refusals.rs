//! What a server, or nobody, answers: each its own kind, at once or soon.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::retry::Patience;
use holdfast::destination::{DestinationError, ErrorKind, open_with};
use holdfast::model::DestinationType;

use super::{files, key, listed, listed_with, noise, put, read, with_one_try};
use crate::network::{fails, with_call};
use crate::servers::pyftpdlib::Pyftpdlib;
use crate::servers::vsftpd::{Tls, Vsftpd};
use crate::servers::{Place, free_port};

/// How a listing fails that has time for one try.
fn fails_soon(place: &Place) -> DestinationError {
    let opened = place.open().unwrap();
    let started = Instant::now();
    let error = with_one_try(|call| listed_with(&*opened, call)).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(30));
    error
}

fn kind<T: std::fmt::Debug>(result: Result<T, DestinationError>) -> ErrorKind {
    result.unwrap_err().kind
}

#[test]
fn a_setting_that_can_be_nothing_is_refused_before_anything_is_asked() {
    let place = Place::new(DestinationType::Ftp)
        .set("host", "localhost")
        .set("username", "ada")
        .secret("password", "secret");
    assert!(place.open().is_ok());
    for (key, value) in [
        ("host", ""),
        ("host", "ftp://localhost"),
        ("host", "local\r\nhost"),
        ("port", "0"),
        ("username", ""),
        ("username", "ada\r\nDELE x"),
        ("base_path", "a/../b"),
        ("base_path", "a\nDELE b"),
        ("tls", "yes"),
        ("fingerprint", "short"),
        ("passive", "yes"),
    ] {
        let refused = place.clone().set(key, value).open().map(drop);
        assert_eq!(kind(refused), ErrorKind::Config, "{key}={value:?}");
    }
    let pinned = place.clone().set("fingerprint", &"ab".repeat(32));
    assert!(pinned.open().is_ok());
    assert_eq!(
        kind(pinned.set("tls", "none").open().map(drop)),
        ErrorKind::Config
    );
    let smuggled = place
        .secret("password", "secret\r\nDELE x")
        .open()
        .map(drop);
    let error = smuggled.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_wrong_login_is_told_from_all_else() {
    let vsftpd = Vsftpd::start(Tls::Explicit);
    let pyftpdlib = Pyftpdlib::plain(&[]);
    let repeating = Pyftpdlib::plain(&["repeats-what-is-wrong"]);
    for place in [
        vsftpd.place("").secret("password", "wrong"),
        repeating.place("").secret("password", "wrong"),
        pyftpdlib.place("").secret("password", "wrong"),
        pyftpdlib.place("").set("username", "bob"),
    ] {
        let error = fails(&place);
        assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

#[test]
fn nobody_there_is_unreachable_and_silence_a_timeout() {
    let place = |host: &str, port: u16, tls: &str| {
        Place::new(DestinationType::Ftp)
            .set("host", host)
            .set("port", &port.to_string())
            .set("username", "ada")
            .set("tls", tls)
            .set("timeout", "1")
            .secret("password", "secret")
    };
    for host in ["127.0.0.1", "no-such-host.invalid"] {
        let error = fails_soon(&place(host, free_port(), "explicit"));
        assert_eq!(error.kind, ErrorKind::Unreachable, "{host}: {error}");
    }
    // It takes connections, as the kernel does for it, and never says a word.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    for tls in ["explicit", "implicit", "none"] {
        let error = fails_soon(&place("127.0.0.1", port, tls));
        assert_eq!(error.kind, ErrorKind::Timeout, "{tls}: {error}");
    }
}

/// It is never silent, and never comes to an end.
#[test]
fn an_answer_that_drips_for_ever_is_a_timeout() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            thread::spawn(move || {
                let mut client = client.unwrap();
                while std::io::Write::write_all(&mut client, b"2").is_ok() {
                    thread::sleep(Duration::from_millis(200));
                }
            });
        }
    });
    let place = Place::new(DestinationType::Ftp)
        .set("host", "127.0.0.1")
        .set("port", &port.to_string())
        .set("username", "ada")
        .set("tls", "none")
        .set("timeout", "1");
    let secrets = [("password".to_owned(), "secret".into())].into();
    let once = Patience {
        tries: 0,
        ..Patience::default()
    };
    let place = open_with(&place.config, &secrets, once).unwrap();
    let error = listed(&*place).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(error.detail.contains("came to no end"), "{error}");
}

#[test]
fn another_service_is_a_protocol_of_its_own() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let _ = std::io::Write::write_all(&mut client.unwrap(), b"SSH-2.0-OpenSSH_9.2\r\n");
        }
    });
    let place = Place::new(DestinationType::Ftp)
        .set("host", "127.0.0.1")
        .set("port", &port.to_string())
        .set("username", "ada")
        .secret("password", "secret");
    for tls in ["explicit", "implicit", "none"] {
        let error = fails(&place.clone().set("tls", tls));
        assert_eq!(error.kind, ErrorKind::Protocol, "{tls}: {error}");
    }
}

/// Never an empty list, never a None.
#[test]
fn a_base_path_that_is_not_there_is_missed_by_every_call() {
    let vsftpd = Vsftpd::start(Tls::None);
    let pyftpdlib = Pyftpdlib::plain(&[]);
    for (place, store) in [
        (vsftpd.place("here"), vsftpd.store()),
        (pyftpdlib.place("here"), pyftpdlib.root()),
    ] {
        let opened = place.open().unwrap();
        assert_eq!(listed(&*opened).unwrap().len(), 0);
        fs::remove_dir(store.join("here")).unwrap();
        assert_eq!(kind(listed(&*opened)), ErrorKind::Missing);
        assert_eq!(kind(put(&*opened, &key(0), b"x")), ErrorKind::Missing);
        let stat = with_call(|call| opened.stat(&key(0), call));
        assert_eq!(kind(stat), ErrorKind::Missing);
        let deleted = with_call(|call| opened.delete(&key(0), call));
        assert_eq!(kind(deleted), ErrorKind::Missing);
        assert!(!store.join("here").exists());
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_forbidden() {
    let vsftpd = Vsftpd::start(Tls::None);
    let vsftpd_place = vsftpd.place("");
    let modes = |mode| fs::set_permissions(vsftpd.store(), fs::Permissions::from_mode(mode));
    modes(0o555).unwrap();
    let read_only = Pyftpdlib::plain(&["rights=elr"]);
    let no_upload = Pyftpdlib::plain(&["stores-nothing"]);
    for place in [vsftpd_place, read_only.place(""), no_upload.place("")] {
        let opened = place.open().unwrap();
        assert_eq!(listed(&*opened).unwrap().len(), 0);
        assert_eq!(kind(put(&*opened, &key(0), b"x")), ErrorKind::Forbidden);
    }
    // vsftpd calls the listing of such a folder a success.
    let opened = vsftpd.place("").open().unwrap();
    assert_eq!(listed(&*opened).unwrap().len(), 0);
    modes(0o311).unwrap();
    assert_eq!(kind(listed(&*opened)), ErrorKind::Forbidden);
    modes(0o755).unwrap();
}

/// Any word may be the folder of an instance of old: a few names are asked for in it.
#[test]
fn a_folder_of_somebody_else_is_not_listed_however_large() {
    for faults in [&[][..], &["without=MLSD+MLST"]] {
        let server = Pyftpdlib::plain(faults);
        let place = server.place("").open().unwrap();
        put(&*place, &key(0), b"bytes").unwrap();
        fs::create_dir(server.root().join("photos")).unwrap();
        assert_eq!(listed(&*place).unwrap().len(), 1);
        let log = server.server.log();
        let lists = |folder: &str| {
            let mut lines = log.lines().filter(|line| line.starts_with("list "));
            lines.any(|line| line.ends_with(folder))
        };
        assert!(lists(super::FOLDER) && !lists("photos"), "{log}");
    }
}

#[test]
fn a_folder_that_is_closed_is_not_taken_for_missing_where_it_is_ours() {
    let server = Vsftpd::start(Tls::None);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), b"bytes").unwrap();
    let close = |folder: &str, mode| {
        let path = server.store().join(folder);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    close("photos", 0o000);
    assert_eq!(listed(&*place).unwrap().len(), 1);
    close("tacacs-0a1b2c3d", 0o000);
    assert_eq!(kind(listed(&*place)), ErrorKind::Forbidden);
    close("tacacs-0a1b2c3d", 0o700);
    close("photos", 0o700);
}

#[test]
fn what_may_not_be_deleted_is_not_taken_for_missing() {
    let server = Pyftpdlib::plain(&["deletes-nothing"]);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), b"bytes").unwrap();
    let delete = |second| with_call(|call| place.delete(&key(second), call));
    assert_eq!(kind(delete(0)), ErrorKind::Forbidden);
    delete(1).unwrap();
    assert_eq!(read(&*place, &key(0)), b"bytes");
}

#[test]
fn a_place_that_is_full_says_so_and_keeps_nothing() {
    let bytes = noise(6 << 20);
    let server = Pyftpdlib::plain(&["quota=1000000"]);
    let place = server.place("").open().unwrap();
    let error = put(&*place, &key(0), &bytes).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Space, "{error}");
    assert_eq!(files(&server.root()), [""; 0]);
    put(&*place, &key(1), b"there is room for little").unwrap();
}

#[test]
fn a_disk_that_is_full_is_told_by_vsftpd() {
    let name = "ftp::refusals::a_disk_that_is_full_is_told_by_vsftpd";
    crate::small_disk::with_small_disk(name, 4096, |disk| {
        for tls in [Tls::None, Tls::Explicit] {
            let server = Vsftpd::on(disk, tls);
            let place = server.place("").open().unwrap();
            let error = put(&*place, &key(0), &noise(6 << 20)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Space, "{error}");
            assert_eq!(files(&server.store()), [""; 0]);
            put(&*place, &key(1), b"there is room for little").unwrap();
        }
    });
}

#[test]
fn a_server_with_no_connection_to_spare_is_asked_again() {
    let server = Vsftpd::with(Tls::None, "max_per_ip=1\n");
    let place = server.place("").open().unwrap();
    let bytes = noise(1 << 20);
    put(&*place, &key(0), &bytes).unwrap();
    let mut reader = with_call(|call| place.get(&key(0), None, call)).unwrap();
    let mut begin = [0; 10];
    std::io::Read::read_exact(&mut reader, &mut begin).unwrap();
    let refused = with_one_try(|call| listed_with(&*place, call)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Throttled, "{refused}");
    drop(reader);
    assert_eq!(listed(&*place).unwrap().len(), 1);
}

#[test]
fn two_writers_of_one_name_do_not_both_win_where_the_server_keeps_what_is_there() {
    let server = Pyftpdlib::plain(&["keeps-what-is-there"]);
    let place = server.place("").open().unwrap();
    let bodies = [noise(200_000), noise(300_000)];
    let results: Vec<_> = thread::scope(|scope| {
        let writers = bodies.each_ref().map(|bytes| {
            let place = &place;
            scope.spawn(move || put(&**place, &key(0), bytes))
        });
        writers.map(|writer| writer.join().unwrap()).into()
    });
    let winners: Vec<_> = (0..2).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(read(&*place, &key(0)), bodies[winners[0]]);
    assert_eq!(
        results[1 - winners[0]].as_ref().unwrap_err().kind,
        ErrorKind::Exists
    );
    assert_eq!(files(&server.root()).len(), 1);
}

#[test]
fn a_hostile_listing_harms_nothing() {
    let names = [
        "type=cdir;modify=20260101000000; .",
        "type=dir;modify=20260101000000; ..",
        "type=dir; ../../etc",
        "type=dir; tacacs-0a1b2c3d",
        "type=dir; manual",
        "type=file;size=99999999999999999999; backup-tacacs-20260101-000001-manual.tar.gz",
        "type=file;size=-1; backup-tacacs-20260101-000002-manual.tar.gz",
        "type=file;size=18446744073709551615;modify=99991231235959; backup-tacacs-20260101-000003-manual.tar.gz",
        "type=file;size=5;modify=00000000000000; backup-tacacs-20260101-000004-manual.tar.gz",
        "type=file;size=5;modify=20261399999999; ../backup-tacacs-20260101-000005-manual.tar.gz",
        "type=file;size=5; /etc/passwd",
        "type=file;size=5; backup-tacacs-20260101-000006-manual.tar.gz\\x1b[2J",
        "type=OS.unix=slink:/etc;size=5; backup-tacacs-20260101-000007-manual.tar.gz",
        "no listing at all",
    ];
    let fault = format!("hostile-names={}\\r\\n", names.join("\\r\\n"));
    let server = Pyftpdlib::plain(&[&fault]);
    let opened = server.place("").open().unwrap();
    fs::create_dir_all(server.root().join(super::FOLDER)).unwrap();
    let seen = listed(&*opened).unwrap();
    let third_and_fourth: Vec<_> = (3..=4)
        .map(|n| format!("backup-tacacs-20260101-00000{n}-manual.tar.gz"))
        .collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), third_and_fourth);
}

#[test]
fn a_listing_that_cannot_be_understood_is_not_an_empty_one() {
    let server = Pyftpdlib::plain(&["hostile-names=%PDF-1.7\\r\\n"]);
    assert_eq!(fails(&server.place("")).kind, ErrorKind::Protocol);
    let endless = Pyftpdlib::plain(&["endless-line"]);
    assert_eq!(fails(&endless.place("")).kind, ErrorKind::Protocol);
}

#[test]
fn what_the_test_says_of_a_place_in_clear_is_said_to_people() {
    let server = Pyftpdlib::plain(&[]);
    let place = server.place("").open().unwrap();
    let checks = with_call(|call| holdfast::destination::test(&*place, call)).checks;
    assert!(
        checks[0].ok && checks[0].message.contains("can be read on the way"),
        "{checks:#?}"
    );
}
