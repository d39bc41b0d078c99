//! The archive format, version 2: one file that stock `age`, `tar` and `minisign` open, of which any part can be read alone.
//! It knows nothing of destinations, stores or instances: it writes to a `Write` and reads from a `RangeRead`.

mod codec;
mod error;
mod file_source;
mod footer;
mod front;
mod index;
mod index_check;
mod inspect;
mod layout;
mod manifest;
mod names;
mod old;
mod open;
mod pack;
mod pipeline;
mod place;
mod seal;
mod sign;
mod stream;
mod tar_read;
mod tar_write;
mod unpack;
mod unseal;
mod verify;
mod window;

pub use error::{OpenError, PackError};
pub use file_source::FileSource;
use inspect::Sink;
pub use old::{OLD_HEAD, OldForm, OldSurvey, survey, unseal};
pub use open::{Archive, OpenKeys, RangeRead, open};
pub use pack::{NewEntry, PackOptions, Packed, PackedComponent, PackedEntry, Packer};
pub use place::remove_tree;
pub use seal::Seal;
pub use sign::{SignatureState, key_id};
pub use unpack::{UnpackPolicy, Unpacked};

/// The first bytes of every age file.
pub const AGE_MAGIC: &[u8; 21] = b"age-encryption.org/v1";
/// Entries of the archive itself, in no component.
const README: &str = "README.txt";
const CONFIG_EXPORT: &str = "config_export.json";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.json.minisig";
/// The last entry of a `files` component, below its folder.
const INDEX: &str = ".index.jsonl";

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Content of this size has members of its own.
const BIG_CONTENT: u64 = 256 * KIB;
/// Where big content is cut, and where a piece of small entries is long enough.
const PIECE: u64 = MIB;
/// The pax records of one entry. Linux lets a file carry far more attributes in theory, none does.
const MAX_PAX: u64 = 8 * MIB;
/// A member, uncompressed: above a piece, a small entry and the largest pax header together. Nothing is allocated for more.
const MAX_MEMBER: u64 = 16 * MIB;
const MAX_MANIFEST_COMPRESSED: u64 = 64 * MIB;
/// Hex digests and numbers compress to about half; four times the compressed bound refuses bombs only.
const MAX_MANIFEST: u64 = 256 * MIB;

/// Of a number that was bounded before. On a machine with a small word it saturates, and the allocation fails.
fn as_usize(bounded: u64) -> usize {
    usize::try_from(bounded).unwrap_or(usize::MAX)
}

/// Bytes that fill an entry's content up to a whole tar block.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}
