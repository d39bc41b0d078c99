//! Claims about `webdav`, beyond the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, TestCheck, Verification, open, test,
};
use holdfast::model::{Cancel, DestinationConfig, NoObserver};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::servers::apache::Apache;
use crate::servers::webdav::secrets;
use crate::servers::wsgidav::{Over, Wsgidav};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";

fn opened(config: &DestinationConfig) -> Arc<dyn Destination> {
    opened_with(config, &secrets()).unwrap()
}

fn opened_with(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
) -> Result<Arc<dyn Destination>, DestinationError> {
    open(config, secrets)
}

fn with_call<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call::new(&cancel, &NoObserver))
}

fn key(second: u32) -> Key {
    let name = format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age");
    Key::new(&format!("{FOLDER}/{name}")).unwrap()
}

/// A file with these bytes.
struct Sample {
    _file: tempfile::NamedTempFile,
    body: Body,
}

fn sample(bytes: &[u8]) -> Sample {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let body = Body {
        read_back: None,
        path: file.path().to_owned(),
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    };
    Sample { _file: file, body }
}

fn put(place: &dyn Destination, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    let sample = sample(bytes);
    with_call(|call| place.put(key, &sample.body, call)).map(|stored| stored.verification)
}

fn read(place: &dyn Destination, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| place.get(key, None, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn everything(base: &Path) -> Vec<String> {
    let below = walkdir::WalkDir::new(base).min_depth(1).sort_by_file_name();
    let shown = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(base).unwrap();
        path.display().to_string()
    };
    below.into_iter().map(|e| shown(e.unwrap())).collect()
}

fn run(place: &dyn Destination) -> Vec<TestCheck> {
    with_call(|call| test(place, call))
}

fn require_every_promise(config: &DestinationConfig, base: &Path) {
    let checks = run(&*opened(config));
    let failed: BTreeSet<_> = checks.iter().filter(|check| !check.ok).collect_names();
    assert_eq!(failed, BTreeSet::new(), "{checks:#?}");

    assert_eq!(everything(base), [""; 0]);
}

trait Names<'a> {
    fn collect_names(self) -> BTreeSet<&'a str>;
}

impl<'a, I: Iterator<Item = &'a TestCheck>> Names<'a> for I {
    fn collect_names(self) -> BTreeSet<&'a str> {
        self.map(|check| check.name.as_str()).collect()
    }
}

#[test]
fn apache_keeps_every_promise() {
    let apache = Apache::start();
    require_every_promise(&apache.config(&[]), &apache.base);
    let ca = apache.authority.ca.to_str().unwrap().to_owned();
    require_every_promise(&apache.tls_config(&[("ca_file", &ca)]), &apache.base);
    eprintln!("{}", apache.log());
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
