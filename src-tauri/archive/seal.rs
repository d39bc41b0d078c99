//! Sealing while writing: age around the compressed stream, and the digest of the file around that. Reading sealed files is `unseal`'s.

use std::io::{self, Write};

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::PackError;

/// Who can open an archive.
pub enum Seal {
    None,
    /// At least one.
    Recipients(Vec<age::x25519::Recipient>),
    Passphrase(SecretString),
}

impl Seal {
    /// As the manifest calls it.
    pub(super) fn algorithm(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Recipients(_) => Some("age-x25519"),
            Self::Passphrase(_) => Some("age-scrypt"),
        }
    }

    /// Writes the envelope's head and returns what takes the content.
    pub(super) fn begin<W: Write + Send + 'static>(
        &self,
        out: W,
    ) -> Result<Box<dyn Sealed<W>>, PackError> {
        let out = Digested::new(out);
        let encryptor = match self {
            Self::None => return Ok(Box::new(out)),
            Self::Recipients(recipients) => {
                if recipients.is_empty() {
                    return Err(PackError::NoRecipient);
                }
                let each = recipients.iter().map(|one| one as &dyn age::Recipient);
                age::Encryptor::with_recipients(each)
                    .map_err(|e| PackError::Recipients(e.to_string()))?
            }
            Self::Passphrase(passphrase) => {
                age::Encryptor::with_user_passphrase(passphrase.clone())
            }
        };
        let writer = encryptor.wrap_output(out).map_err(PackError::Write)?;
        Ok(Box::new(writer))
    }
}

/// The file, written and digested.
pub(super) struct Written<W> {
    pub out: W,
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// A stream that a `Seal` began. Another way of sealing is another implementation.
pub(super) trait Sealed<W>: Write + Send {
    /// Ends the envelope; without this the file does not open.
    fn finish(self: Box<Self>) -> io::Result<Written<W>>;
}

impl<W: Write + Send> Sealed<W> for Digested<W> {
    fn finish(mut self: Box<Self>) -> io::Result<Written<W>> {
        self.out.flush()?;
        Ok(Written {
            out: self.out,
            size: self.size,
            sha256: hex::encode(self.hash.finalize()),
        })
    }
}

impl<W: Write + Send> Sealed<W> for age::stream::StreamWriter<Digested<W>> {
    fn finish(self: Box<Self>) -> io::Result<Written<W>> {
        let out = age::stream::StreamWriter::finish(*self)?;
        Sealed::finish(Box::new(out))
    }
}

/// Counts and hashes what is written through it.
pub(super) struct Digested<W> {
    out: W,
    size: u64,
    hash: Sha256,
}

impl<W> Digested<W> {
    fn new(out: W) -> Self {
        Self {
            out,
            size: 0,
            hash: Sha256::new(),
        }
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
