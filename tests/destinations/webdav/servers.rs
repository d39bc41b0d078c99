//! Real servers.

use super::require_every_promise;
use crate::servers::apache::Apache;
use crate::servers::wsgidav::{Over, Wsgidav};

#[test]
fn apache_keeps_every_promise() {
    let apache = Apache::start();
    require_every_promise(&apache.config(&[]), &apache.base);
    let ca = apache.authority.ca.to_str().unwrap().to_owned();
    require_every_promise(&apache.tls_config(&[("ca_file", &ca)]), &apache.base);
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
