//! Servers that break their word, once or always.

use std::io::Read;
use std::time::Duration;

use holdfast::destination::{ErrorKind, Verification};

use super::{
    files, key, listed, listed_with, name, noise, put, put_with, read, with_one_try, with_time,
};
use crate::network::with_call;
use crate::servers::pyftpdlib::Pyftpdlib;

/// With a 226 as if it were all, or with a 426.
#[test]
fn a_download_that_ends_early_is_gone_on_from_there() {
    let bytes = noise(5 << 20);
    for (fault, tls) in [
        ("ends-early", false),
        ("fails-at", false),
        ("ends-early", true),
    ] {
        let fault = format!("{fault}={}", 2 << 20);
        let mut server = if tls {
            Pyftpdlib::with_tls(&[])
        } else {
            Pyftpdlib::plain(&[])
        };
        let place = server.place("").open().unwrap();
        put(&*place, &key(0), &bytes).unwrap();
        server.start_again_with(&[&fault]);
        assert_eq!(read(&*place, &key(0)), bytes);
        // No byte twice, but for what was on its way at a cut.
        let sent = server.bytes("sent");
        assert_eq!(sent, bytes.len() as u64, "{}", server.server.log());
    }
}

#[test]
fn a_download_that_goes_nowhere_is_truncated() {
    let mut server = Pyftpdlib::plain(&[]);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), &noise(1000)).unwrap();
    for fault in ["ends-early=0", "fails-at=0"] {
        server.start_again_with(&[fault]);
        let mut bytes = Vec::new();
        let error = with_one_try(|call| {
            let mut reader = place.get(&key(0), None, call).unwrap();
            reader.read_to_end(&mut bytes).unwrap_err()
        });
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
        assert!(bytes.is_empty());
    }
}

#[test]
fn what_a_server_changes_or_loses_is_noticed_and_nothing_of_it_stays() {
    for (fault, kind) in [
        ("flips-a-bit", ErrorKind::Protocol),
        ("loses-the-end", ErrorKind::Truncated),
    ] {
        let server = Pyftpdlib::plain(&[fault]);
        let place = server.place("").open().unwrap();
        let error = with_one_try(|call| put_with(&*place, &key(0), &noise(100_000), call));
        let error = error.unwrap_err();
        assert_eq!(error.kind, kind, "{fault}: {error}");
        assert_eq!(listed(&*place).unwrap().len(), 0);
        assert_eq!(files(&server.root()), [""; 0], "{fault}");
    }
}

#[test]
fn an_acknowledgement_that_was_lost_is_found_out() {
    let server = Pyftpdlib::plain(&["loses-the-answer"]);
    let place = server.place("").open().unwrap();
    let bytes = noise(100_000);
    assert_eq!(
        put(&*place, &key(0), &bytes).unwrap(),
        Verification::Verified
    );
    assert_eq!(read(&*place, &key(0)), bytes);
    assert_eq!(files(&server.root()), [name(0)]);
    assert_eq!(server.bytes("stored"), bytes.len() as u64);
}

#[test]
fn an_upload_that_was_cut_is_gone_on_from_what_arrived() {
    let bytes = noise(8 << 20);
    let cut = format!("cuts-upload={}", 3 << 20);
    for faults in [&[cut.as_str()][..], &[&cut, "without=MLSD+MLST"]] {
        let server = Pyftpdlib::plain(faults);
        let place = server.place("").open().unwrap();
        assert_eq!(
            put(&*place, &key(0), &bytes).unwrap(),
            Verification::Verified
        );
        assert_eq!(read(&*place, &key(0)), bytes);
        assert_eq!(files(&server.root()), [name(0)]);
        assert_eq!(
            server.bytes("stored"),
            bytes.len() as u64,
            "{}",
            server.server.log()
        );
        assert_eq!(server.log_lines("stored"), 2);
    }
}

/// One that cannot go on begins again.
#[test]
fn an_upload_that_was_cut_is_begun_anew_where_the_server_cannot_go_on() {
    let bytes = noise(4 << 20);
    let server = Pyftpdlib::plain(&["cuts-upload=1000000", "without=REST"]);
    let place = server.place("").open().unwrap();
    put(&*place, &key(0), &bytes).unwrap();
    assert_eq!(read(&*place, &key(0)), bytes);
    assert_eq!(files(&server.root()), [name(0)]);
}

/// `ProFTPD` by its defaults: it offers REST, refuses it to uploads as if they might be tried again, and overwrites nothing.
#[test]
fn an_upload_that_was_cut_is_begun_anew_where_the_server_only_says_that_it_goes_on() {
    let bytes = noise(4 << 20);
    let server = Pyftpdlib::plain(&[
        "cuts-upload=1000000",
        "without-store-restart",
        "overwrites-nothing",
    ]);
    let place = server.place("").open().unwrap();
    let stored = with_time(Duration::from_secs(30), |call| {
        put_with(&*place, &key(0), &bytes, call)
    });
    assert_eq!(stored.unwrap(), Verification::Verified);
    assert_eq!(read(&*place, &key(0)), bytes);
    assert_eq!(files(&server.root()), [name(0)]);
}

#[test]
fn what_arrived_before_a_cut_is_not_believed() {
    let bytes = noise(4 << 20);
    let server = Pyftpdlib::plain(&["cuts-upload=1000000", "flips-a-bit-once"]);
    let place = server.place("").open().unwrap();
    assert_eq!(
        put(&*place, &key(0), &bytes).unwrap(),
        Verification::Verified
    );
    assert_eq!(read(&*place, &key(0)), bytes);
    assert_eq!(files(&server.root()), [name(0)]);
    with_call(|call| place.delete(&key(0), call)).unwrap();
}

/// vsftpd does, where one half of it is killed.
#[test]
fn a_last_word_past_the_tls_is_the_end_of_a_connection_and_no_more() {
    let mut server = Pyftpdlib::with_tls(&["dies-in-clear"]);
    let place = server.place("").open().unwrap();
    let error = with_one_try(|call| listed_with(&*place, call)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    server.start_again_with(&[]);
    assert_eq!(listed(&*place).unwrap().len(), 0);
}
