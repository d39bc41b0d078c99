//! The manifest of version 1.0: what it must be, and what it says in the words of version 2. It holds no word about where things go back
//! to: that is the server's own layout, which every reader of version 1.0 knows.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::archive::tar_read::TarEntry;
use crate::archive::{CONFIG_EXPORT, MANIFEST, OpenError};
use crate::model::manifest::{
    BackupMetadata, CaptureInfo, ComponentEntry, ComponentStatus, ConfigInfo, ConfigSource,
    ContentEntry, ContentType, EntryType, Manifest, Members, SystemInfo,
};
use crate::model::{ArchiveType, ComponentKind, InstanceId};

/// A file that an archive of version 1.0 may hold.
pub(super) struct Known {
    pub file: &'static str,
    /// None: the archive's own.
    pub part: Option<Part>,
}

pub(super) struct Part {
    pub component: &'static str,
    pub kind: ComponentKind,
    /// Where the server has it, relative to its root.
    pub source: &'static str,
}

const fn database(file: &'static str, component: &'static str, source: &'static str) -> Known {
    let kind = ComponentKind::Database;
    Known {
        file,
        part: Some(Part {
            component,
            kind,
            source,
        }),
    }
}

const KNOWN: [Known; 8] = [
    Known {
        file: "tacacs.conf",
        part: Some(Part {
            component: "config",
            kind: ComponentKind::Config,
            source: "config/tacacs.conf",
        }),
    },
    database(
        "config_overrides.db",
        "overrides",
        "data/config_overrides.db",
    ),
    database("devices.db", "devices", "data/devices.db"),
    database("local_auth.db", "users", "data/local_auth.db"),
    database(
        "tacacs_accounting.db",
        "accounting",
        "data/tacacs_accounting.db",
    ),
    database("metrics_history.db", "metrics", "data/metrics_history.db"),
    database("audit_trail.db", "audit", "data/audit_trail.db"),
    Known {
        file: CONFIG_EXPORT,
        part: None,
    },
];

pub(super) fn known(file: &[u8]) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.file.as_bytes() == file)
}

/// As it stands in the archive. Only what is used must be there.
#[derive(Deserialize)]
struct OldManifest {
    backup_metadata: OldMetadata,
    #[serde(default)]
    system_info: OldSystem,
    #[serde(default)]
    config_info: OldConfig,
    contents: Vec<OldContent>,
}

#[derive(Deserialize)]
struct OldMetadata {
    #[serde(default)]
    instance_id: Option<String>,
    instance_name: String,
    #[serde(default)]
    hostname: Option<String>,
    backup_type: String,
    timestamp_utc: String,
    #[serde(default)]
    triggered_by: Option<String>,
    backup_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldSystem {
    server_version: Option<String>,
    platform: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldConfig {
    config_source: Option<String>,
    has_overrides: bool,
}

#[derive(Deserialize)]
struct OldContent {
    file: String,
    size_bytes: u64,
    checksum_sha256: String,
}

/// Holds the manifest against what is in the archive (`manifest.json` aside), and says it in the words of version 2.
pub(super) fn read(
    json: &[u8],
    entries: &HashMap<Vec<u8>, TarEntry>,
    algorithm: Option<&str>,
) -> Result<Manifest, OpenError> {
    let refused = |reason: String| OpenError::refused_entry(MANIFEST.as_bytes(), reason);
    let old: OldManifest =
        serde_json::from_slice(json).map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let metadata = &old.backup_metadata;
    if metadata.backup_version != "1.0" {
        return Err(OpenError::UnknownVersion(metadata.backup_version.clone()));
    }
    let backup_type = match metadata.backup_type.as_str() {
        "manual" => ArchiveType::Manual,
        "emergency" => ArchiveType::Emergency,
        other => return Err(refused(format!("`{other}` is no type of backup"))),
    };
    let made_at = time(&metadata.timestamp_utc)
        .ok_or_else(|| refused(format!("`{}` is no time", metadata.timestamp_utc)))?;
    let contents = contents(&old.contents, entries, made_at)?;
    let components = contents.iter().filter(|c| !c.component.is_empty());
    let config = contents.iter().find(|c| c.file == CONFIG_EXPORT);
    Ok(Manifest {
        backup_metadata: BackupMetadata {
            instance_id: instance_id(metadata),
            instance_name: metadata.instance_name.clone(),
            hostname: metadata.hostname.clone().unwrap_or_default(),
            backup_type,
            timestamp_utc: made_at,
            triggered_by: metadata.triggered_by.clone().unwrap_or_default(),
            comment: String::new(),
            backup_version: metadata.backup_version.clone(),
            archive_name: String::new(),
            run_id: String::new(),
            sequence: 0,
        },
        system_info: SystemInfo {
            app_version: old.system_info.server_version.unwrap_or_default(),
            platform: old.system_info.platform.unwrap_or_default(),
            sqlite_version: String::new(),
        },
        config_info: ConfigInfo {
            config_source: match old.config_info.config_source.as_deref() {
                Some("url") => ConfigSource::Url,
                _ => ConfigSource::File,
            },
            config_hash: config.map_or(String::new(), |c| c.checksum_sha256.clone()),
            has_overrides: old.config_info.has_overrides,
        },
        components: components.map(component).collect(),
        capture: CaptureInfo {
            started_at: made_at,
            window_ms: 0.0,
            exact: false,
        },
        total_size_bytes: contents
            .iter()
            .fold(0, |sum, c| c.size_bytes.saturating_add(sum)),
        contents,
        encrypted: algorithm.is_some(),
        encryption_algorithm: algorithm.map(str::to_owned),
        members: Members::default(),
        warnings: Vec::new(),
    })
}

fn contents(
    listed: &[OldContent],
    entries: &HashMap<Vec<u8>, TarEntry>,
    made_at: Timestamp,
) -> Result<Vec<ContentEntry>, OpenError> {
    let mut contents: Vec<ContentEntry> = Vec::with_capacity(KNOWN.len());
    for old in listed {
        let name = old.file.as_bytes();
        let refused = |reason: &str| Err(OpenError::refused_entry(name, reason));
        let Some(known) = known(name) else {
            return refused("it is no file of an archive of version 1.0");
        };
        let Some(entry) = entries.get(name) else {
            return refused("it is in the manifest and not in the archive");
        };
        if old.size_bytes != entry.size {
            return refused("its size is not the one listed");
        }
        let mut digest = [0; 32];
        if hex::decode_to_slice(&old.checksum_sha256, &mut digest).is_err() {
            return refused("its SHA-256 in the manifest is none");
        }
        let content = content(known, entry, hex::encode(digest), made_at);
        if contents.iter().any(|other| other.file == content.file) {
            return refused("it is in the manifest twice");
        }
        contents.push(content);
    }
    let unlisted = entries
        .keys()
        .filter(|name| !listed.iter().any(|old| old.file.as_bytes() == **name));
    if let Some(name) = unlisted.min() {
        let reason = "it is in the archive and not in the manifest";
        return Err(OpenError::refused_entry(name, reason));
    }
    if contents.iter().all(|content| content.component.is_empty()) {
        let reason = "it lists nothing that could be restored";
        return Err(OpenError::refused_entry(MANIFEST.as_bytes(), reason));
    }
    Ok(contents)
}

fn content(
    known: &Known,
    entry: &TarEntry,
    checksum_sha256: String,
    made_at: Timestamp,
) -> ContentEntry {
    let (file, content_type) = match &known.part {
        None => (known.file.to_owned(), ContentType::Metadata),
        Some(part) => (
            format!("{}/{}", part.component, known.file),
            match part.kind {
                ComponentKind::Database => ContentType::Database,
                ComponentKind::Config | ComponentKind::Files => ContentType::Config,
            },
        ),
    };
    let part = known.part.as_ref();
    ContentEntry {
        file,
        file_base64: None,
        source: part.map_or("", |part| part.source).to_owned(),
        source_base64: None,
        component: part.map_or("", |part| part.component).to_owned(),
        content_type,
        entry: EntryType::File,
        link: None,
        link_base64: None,
        size_bytes: entry.size,
        checksum_sha256,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        user: entry.user.clone(),
        group: entry.group.clone(),
        mtime: entry.mtime,
        tar_offset: entry.offset,
        captured_at: made_at,
        damaged: false,
        database: None,
    }
}

fn component(content: &ContentEntry) -> ComponentEntry {
    ComponentEntry {
        name: content.component.clone(),
        kind: match content.content_type {
            ContentType::Database => ComponentKind::Database,
            _ => ComponentKind::Config,
        },
        status: ComponentStatus::Ok,
        source: content.source.clone(),
        index_sha256: None,
        counts: None,
    }
}

/// The server's ids are UUIDs, of which it shows eight digits itself. Anything else becomes eight digits too, the same ones each time.
fn instance_id(metadata: &OldMetadata) -> InstanceId {
    let text = metadata.instance_id.as_deref().unwrap_or_default();
    let head = text.get(..8).unwrap_or_default().to_ascii_lowercase();
    head.parse().unwrap_or_else(|_| {
        let digest = Sha256::digest(text);
        InstanceId::from_random(u32::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3],
        ]))
    })
}

/// Python's `isoformat`, with the offset or without.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}
