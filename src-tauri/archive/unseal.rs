//! The content of the envelope: the compressed stream, by ranges, whether it is sealed or not. Keys are used once, to find the file's own key.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use age::DecryptError;
use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};

use super::window::{Fetched, Window};
use super::{KIB, OpenError, OpenKeys, RangeRead};

/// The payload's chunks (C2SP age v1): plain, and as they stand in the file.
const CHUNK: u64 = 64 * KIB;
const SEALED_CHUNK: u64 = CHUNK + 16;
/// A longer header is nobody's.
const MAX_HEADER: u64 = 64 * KIB;

/// An opened envelope. Every span is read on its own.
pub(super) struct Content {
    file: Arc<Fetched>,
    seal: Option<Envelope>,
    /// Of the content. Exact where the end was authenticated (or is nobody's to change), else an upper bound.
    pub size: u64,
    pub algorithm: Option<&'static str>,
}

struct Envelope {
    key: FileKey,
    /// Where the payload begins in the file.
    start: u64,
}

/// Why the end could not be relied on; the content may still be read from the front.
pub(super) struct BadEnd(pub OpenError);

impl Content {
    pub(super) fn open(
        source: Arc<dyn RangeRead>,
        keys: &OpenKeys,
    ) -> Result<(Self, Option<BadEnd>), OpenError> {
        let mut file = Arc::new(Fetched::new(source)?);
        let head = file.head();
        if head.starts_with(b"age-encryption.org/") {
            let (key, start, algorithm) = unlock(&file, keys)?;
            // The window of the header is gone, so this is the only owner.
            if let Some(file) = Arc::get_mut(&mut file) {
                file.widen_head(start)?;
            }
            let size = file.size - start;
            let mut content = Self {
                file,
                seal: Some(Envelope { key, start }),
                size,
                algorithm: Some(algorithm),
            };
            let bad_end = content.authenticate_end().err().map(BadEnd);
            return Ok((content, bad_end));
        }
        if head.starts_with(&super::codec::GZIP_HEADER[..2])
            || head.starts_with(&super::codec::ZSTD_MAGIC)
        {
            let size = file.size;
            let content = Self {
                file,
                seal: None,
                size,
                algorithm: None,
            };
            return Ok((content, None));
        }
        let reason = if head.is_empty() {
            "the file is empty".to_owned()
        } else if head.starts_with(b"-----BEGIN AGE") {
            "it is armored: `age -d` opens it".to_owned()
        } else {
            format!("it begins with {}", hex::encode(&head[..head.len().min(8)]))
        };
        Err(OpenError::NotAnArchive(reason))
    }

    /// Content from `start` to `end`, fetched by one request where it is not at hand.
    pub(super) fn span(&self, start: u64, end: u64) -> Result<Box<dyn Read + Send>, OpenError> {
        let (first, last) = self.file_range(start, end);
        let mut window = Window::new(Arc::clone(&self.file), last);
        let length = end.saturating_sub(start);
        let Some(seal) = &self.seal else {
            window
                .seek(SeekFrom::Start(first))
                .map_err(OpenError::from_io)?;
            return Ok(Box::new(window.take(length)));
        };
        let mut reader = decryptor(window)?
            .decrypt(std::iter::once(&Known(&seal.key) as &dyn age::Identity))
            .map_err(damaged_header)?;
        // A seek to a chunk's first byte would look at the file's end, which may be the part that is damaged.
        if start > 0 && start.is_multiple_of(CHUNK) {
            reader
                .seek(SeekFrom::Start(start - 1))
                .and_then(|_| reader.read_exact(&mut [0]))
                .map_err(OpenError::from_io)?;
        } else if start > 0 {
            reader
                .seek(SeekFrom::Start(start))
                .map_err(OpenError::from_io)?;
        }
        Ok(Box::new(reader.take(length)))
    }

    /// Bytes of the file that a span costs.
    pub(super) fn cost(&self, start: u64, end: u64) -> u64 {
        let (first, last) = self.file_range(start, end);
        self.file.missing(first, last)
    }

    /// The file's byte that holds this byte of content.
    pub(super) fn file_position(&self, position: u64) -> u64 {
        let at = self.seal.as_ref().map_or(position, |seal| {
            let chunks = (position / CHUNK).saturating_mul(SEALED_CHUNK);
            (seal.start + position % CHUNK).saturating_add(chunks)
        });
        at.min(self.file.size)
    }

    fn file_range(&self, start: u64, end: u64) -> (u64, u64) {
        match &self.seal {
            None => (start, end),
            Some(seal) => {
                let at = |chunk: u64| {
                    chunk
                        .saturating_mul(SEALED_CHUNK)
                        .saturating_add(seal.start)
                };
                let before = start.saturating_sub(u64::from(start.is_multiple_of(CHUNK)));
                (
                    at(before / CHUNK).min(self.file.size),
                    at(end.div_ceil(CHUNK)).min(self.file.size),
                )
            }
        }
    }

    /// age proves a file's length by its last chunk.
    fn authenticate_end(&mut self) -> Result<(), OpenError> {
        let Some(seal) = &self.seal else {
            return Ok(());
        };
        let window = Window::new(Arc::clone(&self.file), self.file.size);
        let mut reader = decryptor(window)?
            .decrypt(std::iter::once(&Known(&seal.key) as &dyn age::Identity))
            .map_err(damaged_header)?;
        self.size = reader.seek(SeekFrom::End(0)).map_err(OpenError::from_io)?;
        Ok(())
    }
}

fn unlock(file: &Arc<Fetched>, keys: &OpenKeys) -> Result<(FileKey, u64, &'static str), OpenError> {
    let window = Window::new(Arc::clone(file), MAX_HEADER);
    let reached = window.reached();
    let decryptor = decryptor(window)?;
    let start = reached.load(Ordering::Relaxed);
    let scrypt;
    let (identities, algorithm): (Vec<&dyn age::Identity>, _) = if decryptor.is_scrypt() {
        let passphrase = keys.passphrase.clone().ok_or(OpenError::NoPassphrase)?;
        scrypt = age::scrypt::Identity::new(passphrase);
        (vec![&scrypt], "age-scrypt")
    } else {
        let all = keys.identities.iter();
        (
            all.map(|one| one as &dyn age::Identity).collect(),
            "age-x25519",
        )
    };
    if identities.is_empty() {
        return Err(OpenError::NoKey);
    }
    let keeping: Vec<Keeping<'_>> = identities.into_iter().map(Keeping::new).collect();
    decryptor
        .decrypt(keeping.iter().map(|one| one as &dyn age::Identity))
        .map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => OpenError::WrongKey,
            other => damaged_header(other),
        })?;
    let key = keeping.into_iter().find_map(|one| one.kept.into_inner());
    Ok((key.ok_or(OpenError::WrongKey)?, start, algorithm))
}

fn decryptor(window: Window) -> Result<age::Decryptor<Window>, OpenError> {
    age::Decryptor::new(window).map_err(damaged_header)
}

fn damaged_header(error: DecryptError) -> OpenError {
    let reason = match error {
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "it is cut off",
        DecryptError::Io(error) => return OpenError::from_io(error),
        DecryptError::ExcessiveWork { required, .. } => {
            return OpenError::refused(format!(
                "its passphrase takes work of 2^{required}, more than this machine should do"
            ));
        }
        DecryptError::InvalidMac => "its authentication code is wrong",
        DecryptError::UnknownFormat => "its version is not known",
        _ => "it cannot be read",
    };
    OpenError::refused(format!("the age header is damaged: {reason}"))
}

/// An identity that remembers the key it found.
struct Keeping<'a> {
    inner: &'a dyn age::Identity,
    kept: RefCell<Option<FileKey>>,
}

impl<'a> Keeping<'a> {
    fn new(inner: &'a dyn age::Identity) -> Self {
        Self {
            inner,
            kept: RefCell::new(None),
        }
    }

    fn keep(
        &self,
        found: Option<Result<FileKey, DecryptError>>,
    ) -> Option<Result<FileKey, DecryptError>> {
        if let Some(Ok(key)) = &found {
            self.kept.replace(Some(copy(key)));
        }
        found
    }
}

impl age::Identity for Keeping<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.keep(self.inner.unwrap_stanza(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        self.keep(self.inner.unwrap_stanzas(stanzas))
    }
}

/// The key of a file as its identity.
struct Known<'a>(&'a FileKey);

impl age::Identity for Known<'_> {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(copy(self.0)))
    }
}

fn copy(key: &FileKey) -> FileKey {
    FileKey::init_with_mut(|bytes| bytes.copy_from_slice(key.expose_secret()))
}
