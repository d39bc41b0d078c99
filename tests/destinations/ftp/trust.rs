//! Whom `ftp` trusts, and what it tells whom.

use holdfast::destination::ErrorKind;

use crate::network::{fails, is_not_trusted};
use crate::servers::Authority;
use crate::servers::pyftpdlib::Pyftpdlib;
use crate::servers::vsftpd::{Tls, Vsftpd};

use super::{key, put};

#[test]
fn a_certificate_of_nobody_known_is_shown_and_can_be_trusted() {
    for tls in [Tls::Explicit, Tls::Implicit] {
        let server = Vsftpd::start(tls);
        let dir = tempfile::tempdir().unwrap();
        let other = Authority::new(dir.path(), "other");
        let place = server.place("");
        let stranger = place.clone().set("ca_file", other.ca.to_str().unwrap());
        let unknown = place.clone().set("ca_file", "");
        let wrong = unknown.clone().set("fingerprint", &other.fingerprint);
        for refused in [&stranger, &unknown, &wrong] {
            assert_eq!(is_not_trusted(refused), server.authority.fingerprint);
        }
        // Nothing was told to whom nobody trusts.
        assert!(!server.protocol().contains("USER"), "{}", server.protocol());
        let trusted = unknown.set("fingerprint", &server.authority.fingerprint);
        put(&*trusted.open().unwrap(), &key(0), b"bytes").unwrap();
    }
}

#[test]
fn a_password_is_told_to_no_server_without_tls() {
    let server = Vsftpd::start(Tls::None);
    let error = fails(&server.place("").set("tls", "explicit"));
    assert_eq!(error.kind, ErrorKind::Config, "{error}");
    assert!(error.detail.contains("does not protect"), "{error}");
    let error = fails(&server.place("").set("tls", "implicit"));
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert!(
        !server.protocol().contains("<password>"),
        "{}",
        server.protocol()
    );
}

/// Whatever it says instead, it did not say that it protects what comes.
#[test]
fn a_password_is_told_to_no_server_that_does_not_understand_how_to_protect_it() {
    for fault in ["odd-answer-to=PBSZ", "odd-answer-to=PROT"] {
        let server = Pyftpdlib::with_tls(&["implicit", fault]);
        let error = fails(&server.place("").set("tls", "implicit"));
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        assert_eq!(server.logins(), 0, "{fault}");
    }
    let server = Pyftpdlib::with_tls(&["implicit"]);
    let place = server.place("").set("tls", "implicit");
    put(&*place.open().unwrap(), &key(0), b"bytes").unwrap();
}

#[test]
fn a_server_that_wants_tls_is_understood() {
    let vsftpd = Vsftpd::start(Tls::Explicit);
    let pyftpdlib = Pyftpdlib::with_tls(&[]);
    for place in [vsftpd.place(""), pyftpdlib.place("")] {
        let error = fails(&place.set("tls", "none").set("ca_file", ""));
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
    }
}
