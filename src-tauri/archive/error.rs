//! Every way in which an archive cannot be written or read. Sentences for people are made elsewhere.

use std::io;
use std::path::PathBuf;

use crate::model::Cancelled;

use super::names;

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The destination of the bytes, or the scratch folder. The packer is of no use afterwards.
    #[error("writing the archive failed")]
    Write(#[source] io::Error),
    /// Nothing of the entry is in the archive; the packer goes on.
    #[error("reading `{entry}` failed")]
    Read {
        entry: String,
        #[source]
        cause: io::Error,
    },
    /// Nothing of the entry is in the archive; the packer goes on.
    #[error("`{0}` cannot be an entry's name")]
    Name(String),
    /// Nothing of the entry is in the archive; the packer goes on.
    #[error("the attributes of `{entry}` take {size} bytes, {limit} at most")]
    Attributes {
        entry: String,
        size: u64,
        limit: u64,
    },
    #[error("sealing needs a recipient")]
    NoRecipient,
    #[error("the recipients cannot be sealed to together: {0}")]
    Recipients(String),
    /// A call out of its order.
    #[error("{0}")]
    Order(&'static str),
    /// What the caller made of the manifest does not describe this archive.
    #[error("the manifest cannot be written: {0}")]
    Manifest(String),
    #[error("signing the manifest failed")]
    Sign(#[source] minisign::PError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
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
    /// It is sealed to a passphrase and none was given.
    #[error("the archive is encrypted with a passphrase")]
    NoPassphrase,
    /// Its authentication fails: another passphrase, or changed bytes. Nothing can tell the two apart.
    #[error("the passphrase is wrong, or the file was changed")]
    WrongPassphrase,
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
    #[error("the archive has no component `{0}`")]
    NoComponent(String),
    /// On this machine, not in the archive.
    #[error("writing `{path}` failed")]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl OpenError {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            entry: None,
            reason: names::one_line(reason.into()),
            intact_bytes: None,
        }
    }

    /// `entry`: raw bytes as they stand in the archive.
    pub(super) fn refused_entry(entry: &[u8], reason: impl Into<String>) -> Self {
        Self::Refused {
            entry: Some(names::show(entry)),
            reason: names::one_line(reason.into()),
            intact_bytes: None,
        }
    }

    /// Carries itself through readers of `std::io`; `from_io` takes it out again.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// What a reader of the archive's own layers failed with: one of ours, or the words of a decoder that found damage.
    pub(super) fn from_io(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(other) => Self::refused(other.to_string()),
        }
    }
}
