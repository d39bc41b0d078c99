//! The archive format, version 2: one file that stock `age`, `tar` and `minisign` open, of which any part can be read alone.
//! It knows nothing of destinations, stores or instances: it writes to a `Write` and reads from a `RangeRead`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::instance::ComponentKind;
use crate::model::manifest::{ContentEntry, ContentType, EntryType, Manifest, Members, TreeCounts};
use crate::model::problem::ArchiveProblem;
use crate::model::{Cancel, Compression, Observer};

/// How an archive is written.
pub struct PackOptions {
    pub compression: Compression,
    /// Compressing threads; the caller gives the number of cores.
    pub threads: usize,
    pub seal: Seal,
    pub scratch: PathBuf,
}

/// Who can open it.
pub enum Seal {
    None,
    /// At least one.
    Recipients(Vec<age::x25519::Recipient>),
    Passphrase(SecretString),
}

/// An entry to be packed. Names and links are raw bytes, relative, `/`-separated.
pub struct NewEntry {
    /// Below the component's folder: `{component}/` is put in front.
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
pub struct Packer<W: Write + Send + 'static>(std::marker::PhantomData<W>);

/// What became of an entry.
pub struct PackedEntry {
    /// Its manifest or index line; `database` facts are the caller's to add.
    pub entry: ContentEntry,
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

impl<W: Write + Send + 'static> Packer<W> {
    /// Starts with `README.txt`.
    pub fn create(_out: W, _options: &PackOptions) -> Result<Self, PackError> {
        todo!()
    }

    /// Entries follow in a row; `files` components get an index.
    pub fn begin_component(&mut self, _name: &str, _kind: ComponentKind) -> Result<(), PackError> {
        todo!()
    }

    /// Reads exactly `entry.size` bytes: a shorter content is filled with zeros and marked damaged, a longer one cut.
    pub fn add(
        &mut self,
        _entry: &NewEntry,
        _content: &mut dyn Read,
    ) -> Result<PackedEntry, PackError> {
        todo!()
    }

    pub fn end_component(&mut self) -> Result<PackedComponent, PackError> {
        todo!()
    }

    /// `config_export.json`, outside any component. Returns its digest.
    pub fn add_config_export(&mut self, _json: &[u8]) -> Result<String, PackError> {
        todo!()
    }

    /// The caller gets the members and returns the manifest (its `contents` holds what `add` returned for databases, configuration
    /// and single files; the packer adds its own metadata entries), which is signed and written last.
    pub fn finish(
        self,
        _manifest: impl FnOnce(Members) -> Manifest,
        _signing_key: &minisign::SecretKey,
    ) -> Result<Packed<W>, PackError> {
        todo!()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("writing the archive failed")]
    Write(#[source] io::Error),
    #[error("reading `{entry}` failed")]
    Read {
        entry: String,
        #[source]
        cause: io::Error,
    },
    #[error("`{0}` cannot be an entry's name")]
    Name(String),
}

/// A place of bytes that can be read by ranges. One call of `read_range` is one request where requests cost.
pub trait RangeRead: Send + Sync {
    fn size(&self) -> u64;
    /// Exactly `length` bytes from `start`, or an error.
    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>>;
}

/// What may open an archive.
#[derive(Default)]
pub struct OpenKeys {
    pub identities: Vec<age::x25519::Identity>,
    pub passphrase: Option<SecretString>,
}

/// An opened archive: its tail was read, its manifest holds together.
pub struct Archive {
    pub manifest: Manifest,
    pub manifest_json: Vec<u8>,
    pub manifest_sha256: String,
    pub signature: SignatureState,
    /// The footer or the tail was damaged and the manifest was found from the front.
    pub read_from_front: bool,
}

/// The signature as it stands in the archive, checked against nobody's key yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureState {
    None,
    /// The text of `manifest.json.minisig`. KEYID: minisign's 16 upper-case hex digits.
    Present {
        text: String,
        key_id: String,
        trusted_comment: String,
    },
}

/// Opens by the tail, falls back to the front.
pub fn open(_source: Arc<dyn RangeRead>, _keys: &OpenKeys) -> Result<Archive, OpenError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("reading the archive failed")]
    Read(#[source] io::Error),
    /// It is sealed and no key was given.
    #[error("the archive is encrypted and no identity is at hand")]
    NoKey,
    /// Keys were given; none opens it.
    #[error("none of the identities opens the archive")]
    WrongKey,
    #[error("not an archive of this format: {0}")]
    NotAnArchive(String),
    /// `entry` names the entry or the member; `intact_bytes` how far the file could be read from the front.
    #[error("damaged or hostile: {reason}")]
    Refused {
        entry: Option<String>,
        reason: String,
        intact_bytes: Option<u64>,
    },
    #[error("backup version `{0}` is not known")]
    UnknownVersion(String),
}

impl Archive {
    /// The key among `known` that signed the manifest, by its place; None where none did, or the signature is missing.
    /// The trusted comment is checked against the manifest too.
    #[must_use]
    pub fn signed_by(&self, _known: &[minisign::PublicKey]) -> Option<usize> {
        todo!()
    }

    /// Bytes of the file that must be read for these components.
    #[must_use]
    pub fn bytes_of(&self, _components: &[String]) -> u64 {
        todo!()
    }

    /// Reads the members of these components (one span a run of neighbours), checks every hash and every line of every index,
    /// and writes the entries below `dir` as `{component}/…`. Nothing is followed, nothing outside `dir` is touched.
    pub fn unpack(
        &self,
        _components: &[String],
        _dir: &Path,
        _policy: &UnpackPolicy,
        _cancel: &Cancel,
        _observer: &dyn Observer,
    ) -> Result<Unpacked, OpenError> {
        todo!()
    }

    /// Reads every byte: hashes, tar headers, manifest and index against each other, the end. Problems are returned, not errors.
    pub fn verify(
        &self,
        _cancel: &Cancel,
        _observer: &dyn Observer,
    ) -> Result<Vec<ArchiveProblem>, OpenError> {
        todo!()
    }
}

/// What an unpacked tree may hold.
#[derive(Clone, Copy, Debug)]
pub struct UnpackPolicy {
    /// Links out of the component and set-user-id bits: only from this installation or a known signer.
    pub trusted: bool,
    /// Set owner and group (needs the right to; failures are warnings).
    pub owners: bool,
    /// Also README.txt, config_export.json, manifest.json and its signature.
    pub with_metadata: bool,
}

pub struct Unpacked {
    /// Below `dir`, in the order of the archive. Trees give their folder only.
    pub paths: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// First bytes of every age file.
pub const AGE_MAGIC: [u8; 21] = *b"age-encryption.org/v1";

pub struct FileSource(());
impl FileSource {
    pub fn open(_path: &Path) -> io::Result<Self> {
        todo!()
    }
}
impl RangeRead for FileSource {
    fn size(&self) -> u64 {
        todo!()
    }
    fn read_range(&self, _start: u64, _length: u64) -> io::Result<Box<dyn Read + Send>> {
        todo!()
    }
}

/// Minisign's 16 hex digits.
#[must_use]
pub fn key_id(_key: &minisign::PublicKey) -> String {
    todo!()
}
