//! Archives for tests: packed by the real packer from values, into memory, and read back from there.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use holdfast::archive::{
    Archive, NewEntry, OpenError, OpenKeys, PackOptions, Packed, Packer, RangeRead, Seal, open,
};
use holdfast::model::instance::ComponentKind;
use holdfast::model::manifest::{
    BackupMetadata, CaptureInfo, ComponentEntry, ComponentStatus, ConfigInfo, ConfigSource,
    ContentEntry, ContentType, EntryType, Manifest, Members, SystemInfo,
};
use holdfast::model::{ArchiveType, Compression};
use jiff::Timestamp;
use minisign::KeyPair;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub const CREATED: &str = "2026-03-01T04:05:06Z";

/// A regular file of mode 0640.
pub fn file(name: &str, content: &[u8]) -> (NewEntry, Vec<u8>) {
    let mut new = plain(name.as_bytes(), EntryType::File);
    new.size = content.len() as u64;
    (new, content.to_vec())
}

pub fn folder(name: &str) -> (NewEntry, Vec<u8>) {
    let mut new = plain(name.as_bytes(), EntryType::Dir);
    new.mode = 0o750;
    (new, Vec::new())
}

pub fn symlink(name: &str, target: &str) -> (NewEntry, Vec<u8>) {
    let mut new = plain(name.as_bytes(), EntryType::Symlink);
    new.link = Some(target.as_bytes().to_vec());
    (new, Vec::new())
}

pub fn hardlink(name: &str, target: &str) -> (NewEntry, Vec<u8>) {
    let mut new = plain(name.as_bytes(), EntryType::Hardlink);
    new.link = Some(target.as_bytes().to_vec());
    (new, Vec::new())
}

pub fn plain(name: &[u8], entry: EntryType) -> NewEntry {
    NewEntry {
        name: name.to_vec(),
        source: name.to_vec(),
        content_type: ContentType::Data,
        entry,
        link: None,
        size: 0,
        mode: 0o640,
        uid: u64::from(rustix::process::getuid().as_raw()),
        gid: u64::from(rustix::process::getgid().as_raw()),
        user: "someone".to_owned(),
        group: "some".to_owned(),
        mtime: at("2025-12-24T18:00:00.123456789Z"),
        captured_at: at(CREATED),
        xattrs: Vec::new(),
    }
}

/// Bytes that compress about as accounting records do, different for each seed.
pub fn records(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 120);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let line = format!(
            "2026-03-01T04:{:02}:{:02}Z\tuser{}\t10.{}.{}.{}\tshell\tstart\ttask_id={state}\tcmd=show interface {}\n",
            state % 60,
            state / 60 % 60,
            state % 997,
            state / 7 % 256,
            state / 11 % 256,
            state / 13 % 256,
            state / 17 % 48
        );
        out.extend_from_slice(line.as_bytes());
    }
    out.truncate(length);
    out
}

/// Bytes that do not compress.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    out.truncate(length);
    out
}

pub struct Part {
    pub name: &'static str,
    pub kind: ComponentKind,
    pub entries: Vec<(NewEntry, Vec<u8>)>,
}

pub fn part(name: &'static str, kind: ComponentKind, entries: Vec<(NewEntry, Vec<u8>)>) -> Part {
    Part {
        name,
        kind,
        entries,
    }
}

/// How a test packs. Each has keys and a scratch folder of its own.
pub struct Packing {
    pub compression: Compression,
    pub sealed: bool,
    pub identity: age::x25519::Identity,
    pub keys: KeyPair,
    pub scratch: tempfile::TempDir,
    pub threads: usize,
}

impl Packing {
    pub fn new(compression: Compression, sealed: bool) -> Self {
        Self {
            compression,
            sealed,
            identity: age::x25519::Identity::generate(),
            keys: KeyPair::generate_unencrypted_keypair().unwrap(),
            scratch: tempfile::tempdir().unwrap(),
            threads: 2,
        }
    }

    pub fn gzip() -> Self {
        Self::new(Compression::Gzip, false)
    }

    pub fn options(&self) -> PackOptions {
        PackOptions {
            compression: self.compression,
            threads: self.threads,
            seal: if self.sealed {
                Seal::Recipients(vec![self.identity.to_public()])
            } else {
                Seal::None
            },
            scratch: self.scratch.path().to_owned(),
            created_at: at(CREATED),
        }
    }

    pub fn pack(&self, parts: &[Part]) -> Packed<Vec<u8>> {
        let mut packer = Packer::create(Vec::new(), &self.options()).unwrap();
        let mut contents = Vec::new();
        let mut components = Vec::new();
        for part in parts {
            packer.begin_component(part.name, part.kind).unwrap();
            for (new, content) in &part.entries {
                let added = packer.add(new, &mut content.as_slice()).unwrap();
                if part.kind != ComponentKind::Files {
                    contents.push(added.entry);
                }
            }
            let ended = packer.end_component().unwrap();
            components.push(component(part.name, part.kind, ended.index));
        }
        let export = packer.add_config_export(b"{\"a\":1}").unwrap();
        let make = |members| manifest(members, contents, components, export);
        packer.finish(make, &self.keys.sk).unwrap()
    }

    pub fn open_keys(&self) -> OpenKeys {
        OpenKeys {
            identities: vec![self.identity.clone()],
            passphrase: None,
        }
    }

    pub fn open(&self, bytes: &[u8]) -> Result<Archive, OpenError> {
        open(Arc::new(Memory::new(bytes.to_vec())), &self.open_keys())
    }

    /// `age-keygen`'s form, for the stock tool.
    pub fn identity_file(&self) -> PathBuf {
        use age::secrecy::ExposeSecret;
        let path = self.scratch.path().join("key.txt");
        let text = self.identity.to_string();
        std::fs::write(&path, format!("{}\n", text.expose_secret())).unwrap();
        path
    }
}

pub fn component(
    name: &str,
    kind: ComponentKind,
    index: Option<(String, holdfast::model::manifest::TreeCounts)>,
) -> ComponentEntry {
    let (index_sha256, counts) = index.unzip();
    ComponentEntry {
        name: name.to_owned(),
        kind,
        status: ComponentStatus::Ok,
        source: name.to_owned(),
        index_sha256,
        counts,
    }
}

pub fn manifest(
    members: Members,
    contents: Vec<ContentEntry>,
    components: Vec<ComponentEntry>,
    config_hash: String,
) -> Manifest {
    Manifest {
        backup_metadata: BackupMetadata {
            instance_id: "0badcafe".parse().unwrap(),
            instance_name: "lab".to_owned(),
            hostname: "host".to_owned(),
            backup_type: ArchiveType::Manual,
            timestamp_utc: at(CREATED),
            triggered_by: "cli".to_owned(),
            comment: String::new(),
            backup_version: "2.0".to_owned(),
            archive_name: "backup-lab-20260301-040506-manual.tar.gz".to_owned(),
            run_id: "run-1".to_owned(),
            sequence: 7,
        },
        system_info: SystemInfo {
            app_version: "0.1.0".to_owned(),
            platform: "linux".to_owned(),
            sqlite_version: "3".to_owned(),
        },
        config_info: ConfigInfo {
            config_source: ConfigSource::File,
            config_hash,
            has_overrides: false,
        },
        components,
        contents,
        capture: CaptureInfo {
            started_at: at(CREATED),
            window_ms: 0.5,
            exact: true,
        },
        total_size_bytes: 0,
        encrypted: false,
        encryption_algorithm: None,
        members,
        warnings: Vec::new(),
    }
}

/// A place of bytes in memory that counts what is asked of it.
pub struct Memory {
    bytes: Arc<Vec<u8>>,
    pub requests: AtomicUsize,
    pub fetched: AtomicU64,
}

impl Memory {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(bytes),
            requests: AtomicUsize::new(0),
            fetched: AtomicU64::new(0),
        }
    }
}

impl RangeRead for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.fetched.fetch_add(length, Ordering::Relaxed);
        assert!(start + length <= self.size(), "beyond the end");
        let mut cursor = Cursor::new(Shared(Arc::clone(&self.bytes)));
        cursor.set_position(start);
        Ok(Box::new(cursor.take(length)))
    }
}

struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
