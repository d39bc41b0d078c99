//! Archives of version 1.0, written byte by byte from the layout of the TACACS+ server's own backup, with none of the reader's code. What
//! is to be wrong with one is changed before it is written.

use std::fs;
use std::io::Write;
use std::path::Path;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, MAIN_DB};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// As the server names them, and where it keeps them.
pub const DATABASES: [(&str, &str); 6] = [
    ("audit_trail.db", "data/audit_trail.db"),
    ("config_overrides.db", "data/config_overrides.db"),
    ("devices.db", "data/devices.db"),
    ("local_auth.db", "data/local_auth.db"),
    ("metrics_history.db", "data/metrics_history.db"),
    ("tacacs_accounting.db", "data/tacacs_accounting.db"),
];
pub const SERVER_NAME: &str = "instance_4f3c2b1a";
pub const SALT: &[u8; 16] = b"0123456789abcdef";

/// One entry of the tar stream.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    /// The type of its header.
    pub kind: u8,
    pub link: String,
    pub content: Vec<u8>,
}

#[derive(Clone)]
pub struct OldArchive {
    /// Without the root and the manifest.
    pub entries: Vec<Entry>,
    pub manifest: Value,
}

pub fn file(name: &str, content: &[u8]) -> Entry {
    Entry {
        name: name.to_owned(),
        kind: b'0',
        link: String::new(),
        content: content.to_vec(),
    }
}

impl OldArchive {
    /// What the server would back up of the instance in this folder: copies by SQLite's backup, its configuration and an export of it.
    pub fn of_server(dir: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (name, source) in DATABASES {
            let copy = scratch.path().join(name);
            let live = Connection::open(dir.join(source)).unwrap();
            live.backup(MAIN_DB, &copy, None::<fn(rusqlite::backup::Progress)>)
                .unwrap();
            files.push((name, fs::read(&copy).unwrap()));
        }
        files.push((
            "tacacs.conf",
            fs::read(dir.join("config/tacacs.conf")).unwrap(),
        ));
        files.push((
            "config_export.json",
            b"{\"server\": {\"port\": 49}}".to_vec(),
        ));
        Self::of_files(&files)
    }

    pub fn of_files(files: &[(&str, Vec<u8>)]) -> Self {
        let contents: Vec<Value> = files.iter().map(|(name, c)| listed(name, c)).collect();
        let total: usize = files.iter().map(|(_, content)| content.len()).sum();
        Self {
            entries: files
                .iter()
                .map(|(name, content)| file(&format!("./{name}"), content))
                .collect(),
            manifest: json!({
                "backup_metadata": {
                    "instance_id": "4f3c2b1a-0d9e-4c7b-8a6f-112233445566",
                    "instance_name": SERVER_NAME,
                    "hostname": "tacacs",
                    "backup_type": "manual",
                    "timestamp_utc": "2024-05-06T07:08:09.123456+00:00",
                    "triggered_by": "manual:admin",
                    "backup_version": "1.0",
                },
                "system_info": {
                    "server_version": "2.3.1",
                    "python_version": "3.13.0",
                    "platform": "Linux",
                },
                "config_info": {
                    "config_source": "file",
                    "config_hash": "0".repeat(64),
                    "has_overrides": true,
                },
                "contents": contents,
                "total_size_bytes": total,
                "encrypted": false,
                "encryption_algorithm": null,
                "encryption_metadata": null,
            }),
        }
    }

    pub fn content(&self, name: &str) -> &[u8] {
        let name = format!("./{name}");
        &self
            .entries
            .iter()
            .find(|e| e.name == name)
            .unwrap()
            .content
    }

    /// A file's content, as if the server had found it so.
    pub fn replace(&mut self, name: &str, content: &[u8]) {
        let path = format!("./{name}");
        let entry = self.entries.iter_mut().find(|e| e.name == path);
        entry.unwrap().content = content.to_vec();
        let contents = self.manifest["contents"].as_array_mut().unwrap();
        let old = contents.iter_mut().find(|c| c["file"] == name);
        *old.unwrap() = listed(name, content);
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        let root = Entry {
            kind: b'5',
            ..file("./", b"")
        };
        append(&mut tar, &root);
        let manifest = serde_json::to_vec_pretty(&self.manifest).unwrap();
        let mut entries = self.entries.clone();
        // Where the alphabet puts it.
        let at = entries
            .iter()
            .position(|e| e.name.as_str() > "./manifest.json");
        entries.insert(
            at.unwrap_or(entries.len()),
            file("./manifest.json", &manifest),
        );
        for entry in &entries {
            append(&mut tar, entry);
        }
        tar.resize((tar.len() + 1024).next_multiple_of(10240), 0);
        tar
    }

    /// The plain form: a `.tar.gz`.
    pub fn plain(&self) -> Vec<u8> {
        gzip(&self.tar())
    }

    /// The encrypted form: a `.tar.gz.enc`.
    pub fn sealed(&self, passphrase: &str) -> Vec<u8> {
        seal(&self.plain(), passphrase)
    }
}

/// What a manifest says of a file.
pub fn listed(name: &str, content: &[u8]) -> Value {
    let (kind, records) = match name.rsplit_once('.') {
        Some((_, "db")) => ("database", json!(7)),
        Some((_, "conf")) => ("config", Value::Null),
        _ => ("metadata", Value::Null),
    };
    let mut listed = json!({
        "file": name,
        "size_bytes": content.len(),
        "checksum_sha256": hex::encode(Sha256::digest(content)),
        "type": kind,
    });
    if !records.is_null() {
        listed["records"] = records;
    }
    listed
}

pub fn gzip(tar: &[u8]) -> Vec<u8> {
    let builder = flate2::GzBuilder::new()
        .filename("backup.tar")
        .mtime(1_715_000_000);
    let mut gzip = builder.write(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

pub fn seal(plain: &[u8], passphrase: &str) -> Vec<u8> {
    let mut key = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(passphrase.as_bytes(), SALT, 100_000, &mut key);
    let mut sealed = b"TCBK\x01".to_vec();
    sealed.extend_from_slice(SALT);
    sealed.extend_from_slice(token(plain, &key).as_bytes());
    sealed
}

/// One Fernet token (github.com/fernet/spec).
pub fn token(plain: &[u8], key: &[u8; 32]) -> String {
    let iv: [u8; 16] = std::array::from_fn(|n| u8::try_from(n).unwrap());
    let mut raw = vec![0x80];
    raw.extend_from_slice(&499_162_800_u64.to_be_bytes());
    raw.extend_from_slice(&iv);
    let encryptor = cbc::Encryptor::<aes::Aes128>::new_from_slices(&key[16..], &iv).unwrap();
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + 16, 0);
    let sealed = encryptor.encrypt_padded::<Pkcs7>(&mut buffer, plain.len());
    raw.extend_from_slice(sealed.unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key[..16]).unwrap();
    mac.update(&raw);
    raw.extend_from_slice(&mac.finalize().into_bytes());
    URL_SAFE.encode(raw)
}

/// With a pax header for the fraction of its time, as Python writes one.
fn append(tar: &mut Vec<u8>, entry: &Entry) {
    let record = b"28 mtime=1715000000.1234567\n";
    block(tar, "././@PaxHeader", b'x', "", record);
    block(tar, &entry.name, entry.kind, &entry.link, &entry.content);
}

fn block(tar: &mut Vec<u8>, name: &str, kind: u8, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    let ustar = header.as_ustar_mut().unwrap();
    ustar.name[..name.len()].copy_from_slice(name.as_bytes());
    ustar.linkname[..link.len()].copy_from_slice(link.as_bytes());
    ustar.typeflag = [kind];
    ustar.uname[..4].copy_from_slice(b"root");
    ustar.gname[..4].copy_from_slice(b"root");
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_715_000_000);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.extend_from_slice(header.as_bytes());
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}
