//! An archive that was found, opened and judged: where it came from, who signed it, and whether it is what it claims.

use crate::archive::Archive;
use crate::model::{Execution, Instance};
use crate::service::report::SignatureVerdict;
use crate::service::{Accept, Act, ArchiveRef, BackupService, Result};

pub(crate) struct Opened {
    pub archive: Archive,
    pub verdict: SignatureVerdict,
    pub key_id: Option<String>,
    /// What does not hold of name, instance, sequence, manifest digest; sentences without a full stop.
    pub broken: Vec<String>,
    /// How the user named it, made whole: `DEST:NAME`, or a path.
    pub label: String,
    /// The file's size.
    pub size: u64,
    /// Our record of it, where there is one.
    pub execution: Option<Execution>,
    fetched: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Opened {
    /// Bytes read from its place so far.
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// This installation's or a known signer's.
    pub fn trusted(&self) -> bool {
        matches!(
            self.verdict,
            SignatureVerdict::ThisInstallation | SignatureVerdict::Known
        )
    }
}

impl BackupService {
    /// Finds it, reads its tail with every identity at hand, judges it.
    pub(crate) fn open_archive(&self, _archive: &ArchiveRef, _act: &Act<'_>) -> Result<Opened> {
        todo!()
    }

    /// Before an act that changes an instance: `Refused` unless trusted and as claimed, or accepted.
    pub(crate) fn require_trust(
        &self,
        _opened: &Opened,
        _target: Option<&Instance>,
        _accept: &Accept,
    ) -> Result<()> {
        todo!()
    }
}
