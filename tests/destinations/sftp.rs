//! Claims about `sftp`, beyond the contract.

mod cuts;
mod logins;
mod odd;
mod places;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Verification, open,
};
use holdfast::model::{Cancel, DestinationConfig, NoObserver};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::network::{Sample, bytes as noise, keeps_the_contract, key, with_call};
use crate::servers::openssh::OpenSsh;

const FOLDER: &str = "tacacs-0a1b2c3d/manual";

fn opened(config: &DestinationConfig) -> Arc<dyn Destination> {
    open(config, &BTreeMap::new()).unwrap()
}

fn set(config: &mut DestinationConfig, key: &str, value: &str) {
    config.config.insert(key.to_owned(), value.to_owned());
}

fn name(second: u32) -> String {
    format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age")
}

fn put(place: &dyn Destination, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    let sample = Sample::of(bytes);
    with_call(|call| place.put(key, &sample.body, call)).map(|stored| stored.verification)
}

fn read(place: &dyn Destination, key: &Key, range: Option<Range<u64>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| place.get(key, range, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn listed(place: &dyn Destination, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    with_call(|call| {
        place.list(prefix, call, &mut |listed| {
            names.push(listed.key.as_str().to_owned());
            Ok(())
        })
    })
    .unwrap();
    names.sort();
    names
}

fn everything(base: &str) -> Vec<String> {
    let below = walkdir::WalkDir::new(base).min_depth(1).sort_by_file_name();
    let shown = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(base).unwrap();
        path.display().to_string()
    };
    below.into_iter().map(|e| shown(e.unwrap())).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn openssh_keeps_every_promise_and_keeps_nothing_else() {
    let ssh = OpenSsh::start();
    keeps_the_contract(&*opened(&ssh.config()));
    assert_eq!(everything(&ssh.base()), [""; 0]);
}

#[test]
fn archives_and_their_folders_are_private_and_come_back_verified() {
    let ssh = OpenSsh::start();
    let place = opened(&ssh.config());
    let bytes = noise(3_000_000);
    assert_eq!(
        put(&*place, &key(1), &bytes).unwrap(),
        Verification::Verified
    );
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(
        read(&*place, &key(1), Some(300_000..2_000_000)),
        bytes[300_000..2_000_000]
    );
    let folder = Path::new(&ssh.base()).join(FOLDER);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.join(name(1))), 0o600);
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
    assert_eq!(
        put(&*place, &key(1), b"x").unwrap_err().kind,
        ErrorKind::Exists
    );
}

/// KiB of this process, by the name that the kernel has for it.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.unwrap()
        .trim_matches([':', ' ', '\t', 'k', 'B'])
        .parse()
        .unwrap()
}

#[test]
fn memory_does_not_follow_the_size_of_an_archive() {
    // A process of its own: others would be measured too.
    let name = "sftp::memory_does_not_follow_the_size_of_an_archive";
    with_environment(name, &[], || {
        let ssh = OpenSsh::start();
        let place = opened(&ssh.config());
        put(&*place, &key(0), b"so that it is connected").unwrap();
        let block = noise(1 << 20);
        let (mut file, mut digest) = (tempfile::NamedTempFile::new().unwrap(), Sha256::new());
        for _ in 0..80 {
            file.write_all(&block).unwrap();
            digest.update(&block);
        }
        let body = Body {
            read_back: None,
            path: file.path().to_owned(),
            length: 80 << 20,
            sha256: hex::encode(digest.finalize()),
        };
        let before = memory("VmRSS");
        with_call(|call| place.put(&key(1), &body, call)).unwrap();
        let mut reader = with_call(|call| place.get(&key(1), None, call)).unwrap();
        assert_eq!(
            std::io::copy(&mut reader, &mut std::io::sink()).unwrap(),
            80 << 20
        );
        let more = memory("VmHWM").saturating_sub(before);
        assert!(more < 40 << 10, "{more} KiB more were used");
    });
}

/// Starts the test `name` again with these in its environment; there `claim` is made.
fn with_environment(name: &str, variables: &[(&str, &Path)], claim: impl FnOnce()) {
    const INSIDE: &str = "HOLDFAST_TEST_ENVIRONMENT";
    if std::env::var_os(INSIDE).is_some() {
        return claim();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{err}");
    assert!(
        out.contains("1 passed"),
        "`{name}` is not this test's name: {out}"
    );
}

/// The error of a list: what a place says that cannot be used.
fn refusal(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
) -> DestinationError {
    let asked = open(config, secrets).and_then(|place| soon(|call| list(&*place, call)));
    asked.expect_err("it should have been refused")
}

fn list(place: &dyn Destination, call: &Call<'_>) -> Result<(), DestinationError> {
    place.list("", call, &mut |_| Ok(()))
}

/// With so little time that nothing is tried again for long.
fn soon<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call {
        deadline: Instant::now().checked_add(Duration::from_secs(5)),
        ..Call::new(&cancel, &NoObserver)
    })
}
