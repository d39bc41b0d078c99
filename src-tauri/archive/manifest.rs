//! Holds a manifest against itself and against the file it came from, before anything of it is believed. Entries are checked when they are
//! read.

use std::collections::HashSet;

use crate::model::instance::ComponentKind;
use crate::model::manifest::{ComponentStatus, ContentType, EntryType, Manifest};

use super::{INDEX, MANIFEST, MAX_MEMBER, OpenError, SIGNATURE, names, padding};

/// The members as a reader needs them.
pub(super) struct Table {
    /// Where each begins in the compressed stream; one more for the end of the last.
    pub compressed: Vec<u64>,
    /// Likewise in the uncompressed stream.
    pub uncompressed: Vec<u64>,
    pub sha256: Vec<[u8; 32]>,
}

impl Table {
    pub(super) fn empty() -> Self {
        Self {
            compressed: vec![0],
            uncompressed: vec![0],
            sha256: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sha256.len()
    }

    /// The bytes of tar before the manifest.
    pub(super) fn tar_length(&self) -> u64 {
        self.uncompressed.last().copied().unwrap_or(0)
    }
}

/// Parses and checks. `offset`: of the manifest's member in the compressed stream.
pub(super) fn read(
    json: &[u8],
    offset: u64,
    algorithm: Option<&str>,
) -> Result<(Manifest, Table), OpenError> {
    let refused = |reason: String| OpenError::refused_entry(MANIFEST.as_bytes(), reason);
    let version = version(json).ok_or_else(|| refused("it is not JSON of this kind".to_owned()))?;
    if version != "2.0" {
        return Err(OpenError::UnknownVersion(version));
    }
    let manifest: Manifest =
        serde_json::from_slice(json).map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let table = table(&manifest).map_err(refused)?;
    let total = table.compressed.last().copied().unwrap_or(0);
    if total != offset {
        return Err(refused(format!(
            "its members take {total} bytes, it begins at {offset}"
        )));
    }
    if manifest.encryption_algorithm.as_deref() != algorithm
        || manifest.encrypted != algorithm.is_some()
    {
        return Err(refused("it is not sealed as it says".to_owned()));
    }
    check_contents(&manifest, table.tar_length())?;
    Ok((manifest, table))
}

/// Looked at first, so that a later version's manifest is not called damaged.
fn version(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Outer {
        backup_metadata: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        backup_version: String,
    }
    let outer: Outer = serde_json::from_slice(json).ok()?;
    Some(outer.backup_metadata.backup_version)
}

fn table(manifest: &Manifest) -> Result<Table, String> {
    let members = &manifest.members;
    let count = members.sha256.len();
    if members.compressed.len() != count || members.uncompressed.len() != count {
        return Err("its lists of members are of different lengths".to_owned());
    }
    let mut sha256 = Vec::with_capacity(count);
    for (i, digest) in members.sha256.iter().enumerate() {
        let mut bytes = [0; 32];
        let lower = digest.bytes().all(|byte| !byte.is_ascii_uppercase());
        if !lower || hex::decode_to_slice(digest, &mut bytes).is_err() {
            return Err(format!("the SHA-256 of member {i} is none"));
        }
        sha256.push(bytes);
    }
    let table = Table {
        compressed: sums(&members.compressed)?,
        uncompressed: sums(&members.uncompressed)?,
        sha256,
    };
    if !table.tar_length().is_multiple_of(512) {
        return Err("its members do not end with a tar block".to_owned());
    }
    Ok(table)
}

fn sums(sizes: &[u64]) -> Result<Vec<u64>, String> {
    let mut sums = Vec::with_capacity(sizes.len() + 1);
    let mut sum = 0u64;
    sums.push(0);
    for (i, size) in sizes.iter().enumerate() {
        // Incompressible members grow by a few bytes.
        if *size == 0 || *size > MAX_MEMBER + MAX_MEMBER / 64 {
            return Err(format!("member {i} is said to take {size} bytes"));
        }
        sum = sum
            .checked_add(*size)
            .ok_or("its members add up to more than can be")?;
        sums.push(sum);
    }
    Ok(sums)
}

fn check_contents(manifest: &Manifest, tar_length: u64) -> Result<(), OpenError> {
    let mut components = HashSet::new();
    for component in &manifest.components {
        let name = component.name.as_bytes();
        if !names::is_component(&component.name) || !components.insert(name) {
            return Err(OpenError::refused_entry(
                name,
                "no name of a component, or a second of it",
            ));
        }
    }
    let mut files = HashSet::new();
    for entry in &manifest.contents {
        let raw = names::from_text(&entry.file, entry.file_base64.as_deref());
        let Some(name) = raw.filter(|name| names::check(name).is_ok()) else {
            return Err(OpenError::refused_entry(
                entry.file.as_bytes(),
                "its name in the manifest cannot be one",
            ));
        };
        let refused = |reason: &str| Err(OpenError::refused_entry(&name, reason));
        let folder = name.split(|byte| *byte == b'/').next().unwrap_or_default();
        if [MANIFEST.as_bytes(), SIGNATURE.as_bytes()].contains(&name.as_slice()) {
            return refused("it comes before its place at the end");
        }
        if entry.component.is_empty() {
            if folder != name || components.contains(folder) {
                return refused("it is in no component");
            }
        } else if folder != entry.component.as_bytes() || !components.contains(folder) {
            return refused("it is not in the component it names");
        }
        let end = entry
            .tar_offset
            .checked_add(entry.size_bytes)
            .and_then(|end| end.checked_add(padding(entry.size_bytes)));
        if entry.tar_offset < 512 || end.is_none_or(|end| end > tar_length) {
            return refused("it lies outside the archive");
        }
        if !files.insert(name.clone()) {
            return refused("it is in the manifest twice");
        }
    }
    check_indexes(manifest)
}

/// A tree that is there has an index, listed with the digest that the component names.
fn check_indexes(manifest: &Manifest) -> Result<(), OpenError> {
    for component in &manifest.components {
        let name = format!("{}/{INDEX}", component.name);
        let listed = manifest.contents.iter().find(|entry| entry.file == name);
        let digest = listed.map(|entry| entry.checksum_sha256.as_str());
        let refused = |reason: &str| Err(OpenError::refused_entry(name.as_bytes(), reason));
        match component.kind {
            ComponentKind::Files => {
                if component.status != ComponentStatus::Missing && listed.is_none() {
                    return refused("the component has no index");
                }
                if digest != component.index_sha256.as_deref() {
                    return refused("it is not the index that the component names");
                }
                let own = |kind, entry| kind == ContentType::Metadata && entry == EntryType::File;
                if listed.is_some_and(|entry| !own(entry.content_type, entry.entry)) {
                    return refused("it is not an index");
                }
            }
            ComponentKind::Database | ComponentKind::Config => {
                if component.index_sha256.is_some() {
                    return refused("a component that is no tree has an index");
                }
            }
        }
    }
    Ok(())
}
