//! An archive that was opened and judged: who signed it, and whether it is what it claims.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;

use crate::archive::{self, Archive, OpenError, OpenKeys, RangeRead, SignatureState};
use crate::model::{ArchiveName, Instance};
use crate::service::error::Refusal;
use crate::service::located::{Located, Place, open_error};
use crate::service::report::SignatureVerdict;
use crate::service::run::Run;
use crate::service::{Accept, Act, ArchiveRef, BackupService, Error, Result};

pub(crate) struct Opened {
    pub archive: Archive,
    pub verdict: SignatureVerdict,
    pub key_id: Option<String>,
    /// What does not hold of name, instance, sequence, manifest digest; sentences without a full stop.
    pub broken: Vec<String>,
    pub located: Located,
    pub(super) fetched: Arc<AtomicU64>,
    /// Where an archive of version 1.0 is at hand, for as long as it is open.
    pub(super) _workspace: Option<Run>,
}

impl Opened {
    /// Bytes read from its place so far.
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    /// This installation's or a known signer's.
    pub fn trusted(&self) -> bool {
        matches!(
            self.verdict,
            SignatureVerdict::ThisInstallation | SignatureVerdict::Known
        )
    }

    /// Before an act that changes an instance: `Refused` unless trusted and as claimed, or accepted.
    pub(crate) fn require_trust(&self, target: Option<&Instance>, accept: &Accept) -> Result<()> {
        let accepted = |key_id: &str| {
            let signer = accept.signer.as_ref();
            signer.is_some_and(|a| a.eq_ignore_ascii_case(key_id))
        };
        match (self.verdict, &self.key_id) {
            (SignatureVerdict::Unknown, Some(key_id)) if !accepted(key_id) => {
                let key_id = key_id.clone();
                return Err(Error::Refused(Refusal::UnknownSigner { key_id }));
            }
            (SignatureVerdict::None, _) if !accept.unsigned => {
                return Err(Error::Refused(Refusal::Unsigned));
            }
            _ => {}
        }
        let mut broken = self.broken.clone();
        let claimed = &self.archive.manifest.backup_metadata;
        // Ids of version 1.0 are the server's own.
        let bound = target.filter(|_| !self.archive.is_old());
        if let Some(target) = bound.filter(|t| t.id != claimed.instance_id) {
            broken.push(format!(
                "it is of instance {} ({}), not of {} ({})",
                claimed.instance_name, claimed.instance_id, target.name, target.id
            ));
        }
        if broken.is_empty() || accept.mismatch {
            Ok(())
        } else {
            Err(Error::Refused(Refusal::Claim(broken)))
        }
    }
}

impl BackupService {
    /// Finds it, reads its tail with every identity at hand, judges it.
    pub(crate) fn open_archive(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<Opened> {
        let located = self.locate(archive, act)?;
        let (source, fetched) = located.source(act)?;
        self.open_located(located, source, fetched, act)
    }

    /// `source`: of `Located::source`, whatever is around it.
    pub(crate) fn open_located(
        &self,
        located: Located,
        source: Arc<dyn RangeRead>,
        fetched: Arc<AtomicU64>,
        act: &Act<'_>,
    ) -> Result<Opened> {
        let form = located.old_form(&*source);
        let opened = match form.map_err(|e| open_error(e, act))? {
            Some(form) => self.open_old(located, form, &*source, fetched, act)?,
            None => self.open_ours(located, source, fetched, act)?,
        };
        // What cannot be written down now is read again the next time.
        let _ = self.remember(&opened);
        Ok(opened)
    }

    fn open_ours(
        &self,
        located: Located,
        source: Arc<dyn RangeRead>,
        fetched: Arc<AtomicU64>,
        act: &Act<'_>,
    ) -> Result<Opened> {
        let mut keys = OpenKeys::default();
        if located.is_sealed()? {
            keys.identities = self.identities()?;
            keys.passphrase = act.passphrase();
        }
        let archive = archive::open(source, &keys).map_err(|e| open_error(e, act))?;
        let (verdict, key_id) = self.judge(&archive)?;
        let broken = claims_broken(&archive, &located);
        Ok(Opened {
            archive,
            verdict,
            key_id,
            broken,
            located,
            fetched,
            _workspace: None,
        })
    }

    fn judge(&self, archive: &Archive) -> Result<(SignatureVerdict, Option<String>)> {
        let SignatureState::Present { key_id, .. } = &archive.signature else {
            return Ok((SignatureVerdict::None, None));
        };
        let own = self.public_keys()?.map(|k| k.verification_key);
        let signers = self
            .store
            .signers()?
            .into_iter()
            .map(|s| s.verification_key);
        let own_count = own.iter().count();
        // A key that does not parse can have signed nothing; it is kept as a place so that the numbers stay right.
        let texts: Vec<String> = own.into_iter().chain(signers).collect();
        let known: Vec<(usize, minisign::PublicKey)> = texts
            .iter()
            .enumerate()
            .filter_map(|(i, text)| Some((i, minisign::PublicKey::from_base64(text).ok()?)))
            .collect();
        let keys: Vec<minisign::PublicKey> = known.iter().map(|(_, key)| key.clone()).collect();
        let verdict = match archive.signed_by(&keys).and_then(|at| known.get(at)) {
            Some((place, _)) if *place < own_count => SignatureVerdict::ThisInstallation,
            Some(_) => SignatureVerdict::Known,
            None => SignatureVerdict::Unknown,
        };
        // Who claims a key that we know and did not sign with it is a forger, not a stranger.
        if verdict == SignatureVerdict::Unknown
            && keys.iter().any(|k| archive::key_id(k) == *key_id)
        {
            return Err(Error::Open(OpenError::Refused {
                entry: Some("manifest.json.minisig".to_owned()),
                reason: format!("the signature claims key {key_id} and was not made with it"),
                intact_bytes: None,
            }));
        }
        Ok((verdict, Some(key_id.clone())))
    }
}

/// The file name is part of the claim at a destination only; a file in the user's hands may be called anything.
pub(super) fn claims_broken(archive: &Archive, located: &Located) -> Vec<String> {
    let claimed = &archive.manifest.backup_metadata;
    let mut broken = Vec::new();
    // Version 1.0 claims nothing of the kind.
    if let Place::Destination { key, .. } = &located.place
        && !archive.is_old()
    {
        let here = located.name.parse::<ArchiveName>();
        let there = claimed.archive_name.parse::<ArchiveName>();
        if !matches!((&here, &there), (Ok(here), Ok(there)) if here.same_claim(there)) {
            broken.push(format!(
                "it is called {}, and was made as {}",
                located.name, claimed.archive_name
            ));
        }
        let folder = key.as_str().split('/').next().unwrap_or_default();
        if folder != format!("{}-{}", claimed.instance_name, claimed.instance_id) {
            broken.push(format!(
                "it lies in {folder}, and was made of {}-{}",
                claimed.instance_name, claimed.instance_id
            ));
        }
    }
    if let Some(record) = &located.execution {
        if record.sequence.is_some_and(|s| s != claimed.sequence) && !archive.is_old() {
            broken.push(format!(
                "it is backup number {}, our record says another",
                claimed.sequence
            ));
        }
        if record
            .manifest_sha256
            .as_ref()
            .is_some_and(|s| *s != archive.manifest_sha256)
        {
            broken.push("its manifest is not the one in our records".to_owned());
        }
    }
    broken
}

impl Act<'_> {
    /// For archives that were sealed to one.
    pub(super) fn passphrase(&self) -> Option<SecretString> {
        let of_environment = || std::env::var("HOLDFAST_PASSPHRASE").ok().map(Into::into);
        self.passphrase.clone().or_else(of_environment)
    }
}
