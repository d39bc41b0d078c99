//! Opening an archive: the tail first, the front where the tail is damaged, and the manifest checked before anything of it is believed.
//! Contents are `unpack`'s and `verify`'s.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::model::Compression;
use crate::model::manifest::{ContentEntry, Manifest};

use super::footer::{self, Footer};
use super::layout::{Layout, Selection};
use super::manifest::Table;
use super::old::Unpacked;
use super::sign::SignatureState;
use super::tar_read::TarReader;
use super::unseal::Content;
use super::{
    MANIFEST, MAX_MANIFEST, MAX_MANIFEST_COMPRESSED, OpenError, SIGNATURE, codec, front, manifest,
    padding, sign,
};

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
    pub(super) content: Content,
    pub(super) compression: Compression,
    pub(super) table: Table,
    pub(super) layout: Layout,
    /// What was wrong with the tail, where the manifest was found from the front.
    pub(super) tail_fault: Option<String>,
    /// Of version 1.0: it has no members, everything of it is at hand.
    pub(super) unpacked: Option<Unpacked>,
}

/// Opens by the tail, falls back to the front.
pub fn open(source: Arc<dyn RangeRead>, keys: &OpenKeys) -> Result<Archive, OpenError> {
    let (content, bad_end) = Content::open(source, keys)?;
    let by_tail = match bad_end {
        Some(bad_end) => Err(bad_end.0),
        None => by_tail(&content),
    };
    let (found, tail_fault) = match by_tail {
        Ok(found) => (found, None),
        Err(OpenError::Refused { reason, .. }) => (front::find(&content, &reason)?, Some(reason)),
        Err(other) => return Err(other),
    };
    let (manifest, table) = manifest::read(&found.json, found.offset, content.algorithm)?;
    if let Some(observed) = &found.observed {
        front::check(&table, observed)?;
    }
    let signature = match &found.signature {
        None => SignatureState::None,
        Some(text) => SignatureState::parse(text).ok_or_else(|| {
            OpenError::refused_entry(SIGNATURE.as_bytes(), "it is no signature by minisign")
        })?,
    };
    Ok(Archive {
        layout: Layout::new(&manifest)?,
        manifest,
        manifest_sha256: hex::encode(Sha256::digest(&found.json)),
        manifest_json: found.json,
        signature,
        read_from_front: tail_fault.is_some(),
        compression: found.compression,
        table,
        content,
        tail_fault,
        unpacked: None,
    })
}

impl Archive {
    /// The key among `known` that signed the manifest, by its place; None where none did, or the signature is missing.
    /// The trusted comment is checked against the manifest too.
    #[must_use]
    pub fn signed_by(&self, known: &[minisign::PublicKey]) -> Option<usize> {
        let SignatureState::Present { text, .. } = &self.signature else {
            return None;
        };
        known
            .iter()
            .position(|key| sign::signed_by(text, &self.manifest, &self.manifest_json, key))
    }

    /// Of version 1.0.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.unpacked.is_some()
    }

    /// Where an entry of an archive of version 1.0 lies at hand, to be looked at.
    #[must_use]
    pub fn at_hand(&self, entry: &ContentEntry) -> Option<PathBuf> {
        Some(self.unpacked.as_ref()?.path(entry))
    }

    /// Bytes of the file that must still be read for these components (none named: all).
    #[must_use]
    pub fn bytes_of(&self, components: &[String]) -> u64 {
        let selection = Selection {
            components,
            metadata: false,
        };
        self.layout
            .runs(&self.table, selection)
            .iter()
            .map(|run| {
                let at = &self.table.compressed;
                self.content.cost(at[run.start], at[run.end])
            })
            .sum()
    }
}

/// What was found at the end of the stream, or from its front.
pub(super) struct Found {
    pub json: Vec<u8>,
    pub signature: Option<Vec<u8>>,
    pub compression: Compression,
    /// Of the manifest's member in the compressed stream.
    pub offset: u64,
    /// The members that were read on the way, where it was read from the front.
    pub observed: Option<front::Observed>,
}

fn by_tail(content: &Content) -> Result<Found, OpenError> {
    let length = content.size.min(footer::GZIP_LENGTH as u64);
    let tail = read_span(content, content.size - length, content.size)?;
    let (footer, compression) = Footer::find(&tail, content.size)
        .ok_or_else(|| OpenError::refused("the footer is missing or damaged"))?;
    if footer.length > MAX_MANIFEST_COMPRESSED {
        return Err(OpenError::refused(format!(
            "the manifest is said to take {} bytes",
            footer.length
        )));
    }
    let end = footer.offset + footer.length;
    let member = read_span(content, footer.offset, end)?;
    let tar = codec::expand_last(compression, &member, MAX_MANIFEST).map_err(|reason| {
        OpenError::refused(format!("the manifest's member is damaged: {reason}"))
    })?;
    let (json, signature) = last_entries(&mut TarReader::new(tar.as_slice(), 0))?;
    Ok(Found {
        json,
        signature,
        compression,
        offset: footer.offset,
        observed: None,
    })
}

fn read_span(content: &Content, start: u64, end: u64) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    content
        .span(start, end)?
        .read_to_end(&mut bytes)
        .map_err(OpenError::from_io)?;
    if bytes.len() as u64 != end - start {
        return Err(OpenError::refused("the stream ends before its end"));
    }
    Ok(bytes)
}

/// `manifest.json`, its signature where there is one, and nothing else up to the end of the tar stream.
fn last_entries<R: io::BufRead>(
    tar: &mut TarReader<R>,
) -> Result<(Vec<u8>, Option<Vec<u8>>), OpenError> {
    let mut json = None;
    let mut signature = None;
    while let Some(entry) = tar.next_entry()? {
        let place = match entry.name.as_slice() {
            name if name == MANIFEST.as_bytes() && json.is_none() => &mut json,
            name if name == SIGNATURE.as_bytes() && json.is_some() && signature.is_none() => {
                &mut signature
            }
            name => {
                let reason = "it stands where only the manifest and its signature may";
                return Err(OpenError::refused_entry(name, reason));
            }
        };
        *place = Some(read_content(tar, entry.size)?);
    }
    end_of_tar(tar)?;
    let json =
        json.ok_or_else(|| OpenError::refused("there is no manifest where the footer says"))?;
    Ok((json, signature))
}

/// Content and padding of an entry that is small enough to be held.
pub(super) fn read_content<R: io::BufRead>(
    tar: &mut TarReader<R>,
    size: u64,
) -> Result<Vec<u8>, OpenError> {
    if size > MAX_MANIFEST {
        return Err(OpenError::refused(format!("a manifest of {size} bytes")));
    }
    let mut bytes = Vec::new();
    (&mut tar.inner)
        .take(size)
        .read_to_end(&mut bytes)
        .map_err(OpenError::from_io)?;
    if bytes.len() as u64 != size {
        return Err(OpenError::refused("the stream ends inside an entry"));
    }
    tar.position += size;
    tar.skip(padding(size))?;
    Ok(bytes)
}

/// After one block of zeros another, and nothing but zeros.
pub(super) fn end_of_tar<R: io::BufRead>(tar: &mut TarReader<R>) -> Result<(), OpenError> {
    let mut zeros = 0;
    while tar.ended {
        let bytes = tar.inner.fill_buf().map_err(OpenError::from_io)?;
        if bytes.is_empty() {
            break;
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(OpenError::refused(
                "something follows the end of the tar stream",
            ));
        }
        let count = bytes.len();
        zeros += count;
        tar.consume(count);
    }
    if zeros < 512 {
        return Err(OpenError::refused("the tar stream has no end"));
    }
    Ok(())
}
