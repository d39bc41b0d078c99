//! Writing an archive: entries into pieces by the format's rule, pieces into members, the manifest last. Compressing and sealing are done
//! elsewhere; where entries come from, and what the manifest says of them, is the caller's.

mod pieces;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::Compression;
use crate::model::instance::ComponentKind;
use crate::model::manifest::{ContentEntry, ContentType, EntryType, Manifest, Members, TreeCounts};

use super::codec::Compress;
use super::footer::Footer;
use super::index::IndexWriter;
use super::names::{self, Distinct, Fresh};
use super::pipeline::Pipeline;
use super::seal::Seal;
use super::{
    CONFIG_EXPORT, INDEX, MANIFEST, MAX_MANIFEST, MAX_MANIFEST_COMPRESSED, PackError, README,
    SIGNATURE, sign, tar_write,
};
use pieces::Pieces;

/// How an archive is written.
pub struct PackOptions {
    pub compression: Compression,
    /// Compressing threads; the caller gives the number of cores.
    pub threads: usize,
    pub seal: Seal,
    /// A folder for unnamed temporary files: the index of a tree is about 350 bytes an entry.
    pub scratch: PathBuf,
    /// The time that the archive's own entries bear.
    pub created_at: Timestamp,
}

/// An entry to be packed. Names and links are raw bytes, relative, `/`-separated.
pub struct NewEntry {
    /// Below the component's folder: `{component}/` is put in front. Empty for that folder itself.
    pub name: Vec<u8>,
    /// Where it goes back to.
    pub source: Vec<u8>,
    pub content_type: ContentType,
    pub entry: EntryType,
    /// Symbolic: as stored. Hard: the `name` of an earlier entry of the same component.
    pub link: Option<Vec<u8>>,
    pub size: u64,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
    pub captured_at: Timestamp,
    /// Extended attributes, ACLs among them, by their full name.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// Writes one archive. Compresses on several threads; holds no entry, no component and no index in memory.
pub struct Packer<W: Write + Send + 'static> {
    pieces: Pieces<W>,
    compression: Compression,
    algorithm: Option<&'static str>,
    scratch: PathBuf,
    created_at: Timestamp,
    component: Option<OpenComponent>,
    /// Names of the components so far.
    components: Vec<String>,
    /// The archive's own entries.
    metadata: Vec<ContentEntry>,
}

struct OpenComponent {
    name: String,
    names: Distinct,
    index: Option<IndexWriter>,
}

/// What became of an entry.
pub struct PackedEntry {
    /// Its manifest or index line; `database` facts are the caller's to add.
    pub entry: ContentEntry,
    /// Why the content ended early, where reading it failed: the rest is zeros, the entry is damaged.
    pub fault: Option<io::Error>,
}

/// What became of a component: for `files` the digest of its index and the counts.
pub struct PackedComponent {
    pub index: Option<(String, TreeCounts)>,
}

/// A finished archive.
pub struct Packed<W> {
    pub out: W,
    pub size: u64,
    /// SHA-256 of the whole file, lower-case hex, computed while writing.
    pub sha256: String,
    pub manifest: Manifest,
    pub manifest_json: Vec<u8>,
    pub manifest_sha256: String,
}

const README_TEXT: &str = "\
This is a backup made by Holdfast. Stock tools open it:

    age -d -i key.txt backup-....tar.gz.age | tar xz            encrypted
    tar xzf backup-....tar.gz                                   not encrypted
    age -d -i key.txt backup-....tar.zst.age | tar x --zstd     the fast variant

Each component has a folder of its own. manifest.json lists what is here, with sizes, owners and SHA-256 digests;
in file trees .index.jsonl does. To see that nobody changed it:

    minisign -V -m manifest.json -P VERIFICATION-KEY

config_export.json is the merged configuration for reading and comparing, with its secrets removed.
";

impl<W: Write + Send + 'static> Packer<W> {
    /// Starts with `README.txt`.
    pub fn create(out: W, options: &PackOptions) -> Result<Self, PackError> {
        let sealed = options.seal.begin(out)?;
        let pipeline = Pipeline::start(sealed, options.compression, options.threads)
            .map_err(PackError::Write)?;
        let mut packer = Self {
            pieces: Pieces::new(pipeline),
            compression: options.compression,
            algorithm: options.seal.algorithm(),
            scratch: options.scratch.clone(),
            created_at: options.created_at,
            component: None,
            components: Vec::new(),
            metadata: Vec::new(),
        };
        packer.add_metadata(
            "",
            README,
            README_TEXT.len() as u64,
            &mut README_TEXT.as_bytes(),
        )?;
        Ok(packer)
    }

    /// Entries follow in a row; `files` components get an index.
    pub fn begin_component(&mut self, name: &str, kind: ComponentKind) -> Result<(), PackError> {
        if self.component.is_some() {
            return Err(PackError::Order(
                "a component is begun before the last has ended",
            ));
        }
        if !names::is_component(name) || self.components.iter().any(|other| other == name) {
            return Err(PackError::Name(names::show(name.as_bytes())));
        }
        let (index, names) = match kind {
            ComponentKind::Files => (
                Some(IndexWriter::create(&self.scratch).map_err(PackError::Write)?),
                Distinct::default(),
            ),
            ComponentKind::Database | ComponentKind::Config => (None, Distinct::exact()),
        };
        self.components.push(name.to_owned());
        self.component = Some(OpenComponent {
            name: name.to_owned(),
            names,
            index,
        });
        Ok(())
    }

    /// Reads exactly `entry.size` bytes: a shorter content is filled with zeros and marked damaged, a longer one cut. Where reading fails
    /// before a member was made of it the entry is taken back (`Read`), after that it is filled like a short one.
    pub fn add(
        &mut self,
        entry: &NewEntry,
        content: &mut dyn Read,
    ) -> Result<PackedEntry, PackError> {
        let Some(mut component) = self.component.take() else {
            return Err(PackError::Order("an entry is added outside a component"));
        };
        let added = self.add_to(&mut component, entry, content);
        self.component = Some(component);
        added
    }

    pub fn end_component(&mut self) -> Result<PackedComponent, PackError> {
        let Some(component) = self.component.take() else {
            return Err(PackError::Order("a component is ended that was not begun"));
        };
        let index = match component.index {
            None => None,
            Some(index) => {
                let (mut lines, size, counts) = index.finish().map_err(PackError::Write)?;
                let name = format!("{}/{INDEX}", component.name);
                let digest = self.add_metadata(&component.name, &name, size, &mut lines)?;
                Some((digest, counts))
            }
        };
        self.pieces.cut()?;
        Ok(PackedComponent { index })
    }

    /// `config_export.json`, outside any component. Returns its digest. Where it is never called, `finish` adds `{}`.
    pub fn add_config_export(&mut self, json: &[u8]) -> Result<String, PackError> {
        if self.component.is_some() || self.has_config_export() {
            return Err(PackError::Order(
                "the configuration's export is out of its place",
            ));
        }
        self.add_metadata("", CONFIG_EXPORT, json.len() as u64, &mut &*json)
    }

    /// The caller gets the members and returns the manifest (its `contents` holds what `add` returned for databases, configuration
    /// and single files; the packer adds its own metadata entries and says how it is sealed), which is signed and written last.
    pub fn finish(
        mut self,
        manifest: impl FnOnce(Members) -> Manifest,
        signing_key: &minisign::SecretKey,
    ) -> Result<Packed<W>, PackError> {
        if self.component.is_some() {
            return Err(PackError::Order(
                "the archive is finished inside a component",
            ));
        }
        if !self.has_config_export() {
            self.add_config_export(b"{}")?;
        }
        self.pieces.cut()?;
        let members = self.pieces.members()?;
        let offset = members.compressed.iter().sum();
        let count = members.compressed.len();
        let mut manifest = manifest(members);
        if manifest.members.compressed.len() != count
            || manifest.members.compressed.iter().sum::<u64>() != offset
        {
            return Err(PackError::Manifest(
                "its members are not the archive's".to_owned(),
            ));
        }
        manifest.encrypted = self.algorithm.is_some();
        manifest.encryption_algorithm = self.algorithm.map(str::to_owned);
        manifest.contents.append(&mut self.metadata);
        manifest.contents.sort_by_key(|entry| entry.tar_offset);
        let json = serde_json::to_vec(&manifest).map_err(|e| PackError::Manifest(e.to_string()))?;
        let signature = sign::sign(&manifest, &json, signing_key)?;
        let last = last_member(self.compression, &manifest, &json, &signature, offset)?;
        let written = self.pieces.finish(last)?;
        Ok(Packed {
            out: written.out,
            size: written.size,
            sha256: written.sha256,
            manifest,
            manifest_sha256: hex::encode(Sha256::digest(&json)),
            manifest_json: json,
        })
    }

    fn has_config_export(&self) -> bool {
        self.metadata
            .iter()
            .any(|entry| entry.file == CONFIG_EXPORT)
    }

    fn add_to(
        &mut self,
        component: &mut OpenComponent,
        new: &NewEntry,
        content: &mut dyn Read,
    ) -> Result<PackedEntry, PackError> {
        let name = full_name(component, new)?;
        if let (Fresh::Unknown, Some(index)) = (component.names.ask(&name), &mut component.index) {
            let earlier = index.names().map_err(PackError::Write)?;
            component.names.remember(earlier);
        }
        if component.names.ask(&name) == Fresh::No {
            return Err(PackError::Name(format!(
                "{} (a second time)",
                names::show(&name)
            )));
        }
        let packed = self.pieces.entry(&component.name, &name, new, content)?;
        component.names.add(&name);
        if let Some(index) = &mut component.index {
            index.add(&packed.entry).map_err(PackError::Write)?;
        }
        Ok(packed)
    }

    /// An entry of the archive's own. Returns its digest.
    fn add_metadata(
        &mut self,
        component: &str,
        name: &str,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<String, PackError> {
        let new = NewEntry {
            name: Vec::new(),
            source: Vec::new(),
            content_type: ContentType::Metadata,
            entry: EntryType::File,
            link: None,
            size,
            mode: 0o600,
            uid: 0,
            gid: 0,
            user: String::new(),
            group: String::new(),
            mtime: self.created_at,
            captured_at: self.created_at,
            xattrs: Vec::new(),
        };
        let packed = self
            .pieces
            .entry(component, name.as_bytes(), &new, content)?;
        if let Some(fault) = packed.fault {
            return Err(PackError::Write(fault));
        }
        let digest = packed.entry.checksum_sha256.clone();
        self.metadata.push(packed.entry);
        Ok(digest)
    }
}

fn full_name(component: &OpenComponent, new: &NewEntry) -> Result<Vec<u8>, PackError> {
    let bad = || PackError::Name(names::show(&new.name));
    let mut name = component.name.clone().into_bytes();
    if new.name.is_empty() && new.entry == EntryType::Dir {
        return Ok(name);
    }
    if names::check(&new.name).is_err() || new.name == INDEX.as_bytes() {
        return Err(bad());
    }
    name.push(b'/');
    name.extend_from_slice(&new.name);
    Ok(name)
}

/// The manifest's member and the footer.
fn last_member(
    compression: Compression,
    manifest: &Manifest,
    json: &[u8],
    signature: &str,
    offset: u64,
) -> Result<Vec<u8>, PackError> {
    // Plain ustar has whole seconds only, and ends in the year 2242.
    let second = manifest.backup_metadata.timestamp_utc.as_second();
    let mtime = Timestamp::from_second(second.clamp(0, 0o777_7777_7777))
        .map_err(|e| PackError::Manifest(e.to_string()))?;
    let mut piece = Vec::with_capacity(json.len() + 4096);
    for (name, content) in [(MANIFEST, json), (SIGNATURE, signature.as_bytes())] {
        tar_write::append(
            &mut piece,
            &tar_write::Facts {
                name: name.as_bytes(),
                entry: EntryType::File,
                link: None,
                size: content.len() as u64,
                mode: 0o600,
                uid: 0,
                gid: 0,
                user: "",
                group: "",
                mtime,
                xattrs: &[],
            },
        );
        piece.extend_from_slice(content);
        tar_write::pad(&mut piece, content.len() as u64);
    }
    // Two blocks of zeros end a tar stream.
    piece.resize(piece.len() + 1024, 0);
    let mut last = Vec::new();
    Compress::new(compression)
        .and_then(|mut compress| compress.member(&piece, &mut last))
        .map_err(PackError::Write)?;
    let length = last.len() as u64;
    if length > MAX_MANIFEST_COMPRESSED || piece.len() as u64 > MAX_MANIFEST {
        let limit = MAX_MANIFEST_COMPRESSED;
        return Err(PackError::Manifest(format!(
            "it takes {length} bytes compressed, {limit} at most"
        )));
    }
    last.extend_from_slice(&Footer { offset, length }.to_bytes(compression));
    Ok(last)
}
