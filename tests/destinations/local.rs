//! Claims about `local`, beyond the contract.

mod paths;
mod writes;

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast::destination::local::Local;
use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Verification,
};
use holdfast::model::{Cancel, DestinationConfig, DestinationType, NoObserver};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";

/// A base path with an awkward name, and a place beside it that must never be touched.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b ä%")).unwrap();
        Self { dir }
    }

    pub fn base(&self) -> PathBuf {
        self.dir.path().join("b ä%")
    }

    pub fn open(&self) -> Local {
        Local::open(&config(&self.base())).unwrap()
    }

    /// Everything below the base, folders with a slash, in order.
    pub fn everything(&self) -> Vec<String> {
        let below = walkdir::WalkDir::new(self.base())
            .min_depth(1)
            .sort_by_file_name();
        let shown = |entry: walkdir::DirEntry| {
            let name = entry
                .path()
                .strip_prefix(self.base())
                .unwrap()
                .display()
                .to_string();
            if entry.file_type().is_dir() {
                name + "/"
            } else {
                name
            }
        };
        below
            .into_iter()
            .map(|entry| shown(entry.unwrap()))
            .collect()
    }
}

fn config(base: &Path) -> DestinationConfig {
    DestinationConfig {
        id: "d1".to_owned(),
        name: "nas".to_owned(),
        destination_type: DestinationType::Local,
        enabled: true,
        config: BTreeMap::from([("base_path".to_owned(), base.to_str().unwrap().to_owned())]),
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "ada".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

fn key(second: u32) -> Key {
    Key::new(&format!("{FOLDER}/{}", name(second))).unwrap()
}

fn name(second: u32) -> String {
    format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age")
}

fn with_call<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call::new(&cancel, &NoObserver))
}

fn body(path: &Path, bytes: &[u8]) -> Body {
    Body {
        read_back: None,
        path: path.to_owned(),
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

fn put(local: &Local, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let body = body(file.path(), bytes);
    with_call(|call| local.put(key, &body, call)).map(|stored| stored.verification)
}

fn read(local: &Local, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| local.get(key, None, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn listed(local: &Local, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    with_call(|call| {
        local.list(prefix, call, &mut |listed| {
            names.push(listed.key.as_str().to_owned());
            Ok(())
        })
    })
    .unwrap();
    names.sort();
    names
}

fn kind<T>(result: Result<T, DestinationError>) -> ErrorKind {
    result.err().expect("it should have failed").kind
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Ages a file without waiting.
fn age(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

const HOUR: Duration = Duration::from_hours(1);
