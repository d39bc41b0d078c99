//! Archives forged by hand, byte by byte, with none of the packer's care: for claims about what a reader refuses.

use std::io::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A tar header's type.
pub const FILE: u8 = b'0';
pub const HARDLINK: u8 = b'1';
pub const SYMLINK: u8 = b'2';
pub const CHARACTER_DEVICE: u8 = b'3';
pub const FOLDER: u8 = b'5';
pub const PIPE: u8 = b'6';

/// An archive in the making: a tar stream, and what its manifest will say.
#[derive(Default)]
pub struct Forge {
    pub tar: Vec<u8>,
    pub contents: Vec<Value>,
    pub components: Vec<Value>,
}

/// One entry.
#[derive(Clone)]
pub struct Raw<'a> {
    pub name: &'a str,
    pub kind: u8,
    pub link: &'a str,
    pub content: &'a [u8],
    pub mode: u32,
}

pub fn raw<'a>(name: &'a str, content: &'a [u8]) -> Raw<'a> {
    Raw {
        name,
        kind: FILE,
        link: "",
        content,
        mode: 0o600,
    }
}

pub fn link<'a>(name: &'a str, kind: u8, link: &'a str) -> Raw<'a> {
    Raw {
        kind,
        link,
        ..raw(name, b"")
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Forge {
    /// Appends an entry. Returns the offset of its content.
    pub fn append(&mut self, raw: &Raw<'_>) -> usize {
        let mut header = tar::Header::new_ustar();
        let ustar = header.as_ustar_mut().unwrap();
        ustar.name[..raw.name.len()].copy_from_slice(raw.name.as_bytes());
        ustar.linkname[..raw.link.len()].copy_from_slice(raw.link.as_bytes());
        ustar.typeflag = [raw.kind];
        header.set_mode(raw.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(raw.content.len() as u64);
        header.set_cksum();
        self.tar.extend_from_slice(header.as_bytes());
        let offset = self.tar.len();
        self.tar.extend_from_slice(raw.content);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
        offset
    }

    /// What a manifest or an index says of an entry that lies at `offset`.
    pub fn line(component: &str, raw: &Raw<'_>, offset: usize) -> Value {
        let mut line = json!({
            "file": raw.name.trim_end_matches('/'),
            "source": "s",
            "component": component,
            "type": "data",
            "entry": match raw.kind {
                FOLDER => "dir",
                SYMLINK => "symlink",
                HARDLINK => "hardlink",
                _ => "file",
            },
            "size_bytes": raw.content.len(),
            "checksum_sha256": sha256(raw.content),
            "mode": raw.mode,
            "uid": 0,
            "gid": 0,
            "user": "",
            "group": "",
            "mtime": "2023-11-14T22:13:20Z",
            "tar_offset": offset,
            "captured_at": "2023-11-14T22:13:20Z",
        });
        if !raw.link.is_empty() {
            line["link"] = json!(raw.link);
        }
        line
    }

    /// An entry that the manifest lists.
    pub fn listed(&mut self, component: &str, raw: &Raw<'_>) {
        let offset = self.append(raw);
        self.contents.push(Self::line(component, raw, offset));
    }

    pub fn component(&mut self, name: &str, kind: &str) {
        self.components
            .push(json!({"name": name, "kind": kind, "status": "ok", "source": name}));
    }

    /// A tree whose index may be changed before it is written.
    pub fn tree(&mut self, name: &str, entries: &[Raw<'_>], edit: impl FnOnce(&mut Vec<Value>)) {
        let mut lines = Vec::new();
        for raw in entries {
            let offset = self.append(raw);
            lines.push(Self::line(name, raw, offset));
        }
        edit(&mut lines);
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        let index = format!("{name}/.index.jsonl");
        let raw = raw(&index, text.as_bytes());
        let offset = self.append(&raw);
        let mut line = Self::line(name, &raw, offset);
        line["type"] = json!("metadata");
        self.contents.push(line);
        self.components.push(json!({
            "name": name, "kind": "files", "status": "ok", "source": name,
            "index_sha256": sha256(text.as_bytes()),
        }));
    }

    /// The file: the tar stream as one member, the manifest, no signature, the footer. `edit` has the last word on the manifest.
    pub fn build(&self, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
        let member = gzip(&self.tar);
        let mut manifest = json!({
            "backup_metadata": {
                "instance_id": "0badcafe", "instance_name": "lab", "hostname": "h",
                "backup_type": "manual", "timestamp_utc": "2026-03-01T04:05:06Z",
                "triggered_by": "cli", "comment": "", "backup_version": "2.0",
                "archive_name": "backup-lab-20260301-040506-manual.tar.gz",
                "run_id": "run-1", "sequence": 1,
            },
            "system_info": {"app_version": "0", "platform": "linux", "sqlite_version": "3"},
            "config_info": {"config_source": "file", "config_hash": sha256(b"{}"), "has_overrides": false},
            "components": self.components,
            "contents": self.contents,
            "capture": {"started_at": "2026-03-01T04:05:06Z", "window_ms": 0.0, "exact": true},
            "total_size_bytes": 0,
            "encrypted": false,
            "encryption_algorithm": null,
            "members": {
                "compressed": [member.len()],
                "uncompressed": [self.tar.len()],
                "sha256": [sha256(&self.tar)],
            },
            "warnings": [],
        });
        edit(&mut manifest);
        assemble(&member, &manifest.to_string())
    }
}

/// Members, a manifest and a footer in a row.
pub fn assemble(members: &[u8], manifest: &str) -> Vec<u8> {
    let mut last = Forge::default();
    last.append(&raw("manifest.json", manifest.as_bytes()));
    last.tar.resize(last.tar.len() + 1024, 0);
    let tail = gzip(&last.tar);
    let mut out = members.to_vec();
    out.extend_from_slice(&tail);
    out.extend_from_slice(&footer(members.len() as u64, tail.len() as u64));
    out
}

pub fn footer(offset: u64, length: u64) -> Vec<u8> {
    let mut out = vec![
        0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, b'H', b'F', 16, 0,
    ];
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
