//! The minisign signature of the manifest, and what its trusted comment claims. Whom to trust is the caller's to say.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign::{PublicKey, SecretKey, SignatureBox};

use crate::model::manifest::Manifest;

use super::PackError;

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

impl SignatureState {
    /// None where the text is no signature of the kind that this format has.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let signature = signature_box(text)?;
        let key_id: [u8; 8] = signature.keynum().try_into().ok()?;
        Some(Self::Present {
            text: text.to_owned(),
            key_id: hex_id(key_id),
            trusted_comment: signature.trusted_comment().ok()?,
        })
    }
}

/// Minisign's 16 upper-case hex digits of a key.
#[must_use]
pub fn key_id(key: &PublicKey) -> String {
    // Eight bytes by the format; a shorter one would be no key that parsed.
    hex_id(key.keynum().try_into().unwrap_or_default())
}

fn hex_id(keynum: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(keynum))
}

/// The text of `manifest.json.minisig`.
pub(super) fn sign(manifest: &Manifest, json: &[u8], key: &SecretKey) -> Result<String, PackError> {
    let signature = minisign::sign(
        None,
        key,
        Cursor::new(json),
        Some(&claims(manifest)),
        Some("signature of a Holdfast manifest"),
    )
    .map_err(PackError::Sign)?;
    Ok(signature.into_string())
}

/// Whether `key` signed these bytes as this very backup.
pub(super) fn signed_by(text: &str, manifest: &Manifest, json: &[u8], key: &PublicKey) -> bool {
    let Some(signature) = signature_box(text) else {
        return false;
    };
    let claimed = signature
        .trusted_comment()
        .is_ok_and(|comment| comment == claims(manifest));
    claimed && minisign::verify(key, &signature, Cursor::new(json), true, false, false).is_ok()
}

/// The trusted comment: what the archive claims to be.
fn claims(manifest: &Manifest) -> String {
    let of = &manifest.backup_metadata;
    format!(
        "holdfast 2 instance={} run={} sequence={} archive={} created={}",
        of.instance_id, of.run_id, of.sequence, of.archive_name, of.timestamp_utc
    )
}

/// Four lines; the lengths are checked first because the library takes them for granted.
fn signature_box(text: &str) -> Option<SignatureBox> {
    const SIGNATURE: usize = 2 + 8 + 64;
    const GLOBAL: usize = 64;
    let lines: Vec<&str> = text.lines().collect();
    let [_, signature, comment, global] = lines[..] else {
        return None;
    };
    let length = |line: &str| STANDARD.decode(line.trim()).map_or(0, |bytes| bytes.len());
    if length(signature) != SIGNATURE || length(global) != GLOBAL || !comment.is_ascii() {
        return None;
    }
    SignatureBox::from_string(text).ok()
}
