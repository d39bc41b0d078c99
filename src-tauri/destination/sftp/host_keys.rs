//! Which keys of a server are trusted: one that is pinned, or those of a file as OpenSSH keeps it. Nothing is ever added to such a file.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use sha1::Sha1;

use super::super::{DestinationError, ErrorKind};
use super::access::{Access, Trust};

type Result<T> = std::result::Result<T, DestinationError>;

const PORT_THAT_IS_NOT_WRITTEN: u16 = 22;

/// What is known of one server.
pub(super) struct HostKeys {
    address: String,
    known: Known,
}

enum Known {
    Pinned(Fingerprint),
    Listed {
        path: PathBuf,
        keys: Vec<PublicKey>,
        revoked: Vec<PublicKey>,
    },
}

impl HostKeys {
    pub fn of(access: &Access) -> Result<Self> {
        let known = match &access.trust {
            Trust::Pinned(fingerprint) => Known::Pinned(*fingerprint),
            Trust::KnownHosts(given) => listed(given.as_deref(), access)?,
        };
        Ok(Self {
            address: access.address(),
            known,
        })
    }

    /// Types of keys to ask the server for, those of known keys first: a server has several, and only one of them may be known.
    pub fn preferred(&self) -> Vec<Algorithm> {
        let (mut first, rest): (Vec<_>, Vec<_>) =
            algorithms().into_iter().partition(|one| match &self.known {
                Known::Pinned(_) => true,
                Known::Listed { keys, .. } => {
                    keys.iter().any(|key| is_same_type(&key.algorithm(), one))
                }
            });
        first.extend(rest);
        first
    }

    /// Whether another type of key is worth asking for, where the first was not the trusted one: a fingerprint does not say its type.
    pub fn may_be_another_type(&self) -> bool {
        matches!(self.known, Known::Pinned(_))
    }

    pub fn judge(&self, presented: &PublicKey) -> Result<()> {
        let fingerprint = presented.fingerprint(HashAlg::Sha256);
        let what = format!("{} presents the key {fingerprint}", self.address);
        let kind = presented.algorithm();
        let why = match &self.known {
            Known::Pinned(pinned) if *pinned == fingerprint => return Ok(()),
            Known::Pinned(pinned) => {
                format!("{what}; it has changed: {pinned} is the one that is trusted")
            }
            Known::Listed {
                path,
                keys,
                revoked,
            } => {
                let path = path.display();
                let is_it = |key: &PublicKey| key.key_data() == presented.key_data();
                if revoked.iter().any(is_it) {
                    format!("{what}, which `{path}` says is revoked")
                } else if keys.iter().any(is_it) {
                    return Ok(());
                } else if let Some(known) = keys
                    .iter()
                    .find(|key| is_same_type(&key.algorithm(), &kind))
                {
                    let known = known.fingerprint(HashAlg::Sha256);
                    format!("{what}; it has changed: `{path}` has {known}")
                } else if keys.is_empty() {
                    format!("{what} ({kind}), which is not known yet: `{path}` has none of it")
                } else {
                    format!("{what}; it has changed its type to {kind}: `{path}` has others of it")
                }
            }
        };
        Err(DestinationError {
            presented: Some(fingerprint.to_string()),
            ..DestinationError::new(ErrorKind::Trust, why)
        })
    }
}

/// What this program understands, best first. RSA with SHA-1 is left out: it can be forged.
fn algorithms() -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ]
}

/// The hash that an RSA key signs with is not the key's.
pub(super) fn is_same_type(one: &Algorithm, other: &Algorithm) -> bool {
    match (one, other) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        _ => one == other,
    }
}

/// A file that was asked for has to be there; the user's own need not.
fn listed(given: Option<&Path>, access: &Access) -> Result<Known> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => env::home_dir().unwrap_or_default().join(".ssh/known_hosts"),
    };
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) if given.is_none() && e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => {
            let detail = format!(
                "the file of known hosts `{}` cannot be read",
                path.display()
            );
            return Err(DestinationError::because(ErrorKind::Config, detail, e));
        }
    };
    let entries = entries(&text);
    let of = |name: &str, marker: Option<Marker>| {
        let named = entries.iter().filter(move |entry| {
            entry.marker() == marker.as_ref() && is_named(entry.host_patterns(), name)
        });
        named.map(|e| e.public_key().clone()).collect::<Vec<_>>()
    };
    let name = name_of(access);
    Ok(Known::Listed {
        keys: of(&name, None),
        revoked: of(&name, Some(Marker::Revoked)),
        path,
    })
}

/// Lines that cannot be understood are passed over, as OpenSSH does.
fn entries(text: &str) -> Vec<Entry> {
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.starts_with('#'));
    let single_spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines
        .filter_map(|line| single_spaced(line).parse().ok())
        .collect()
}

/// As it stands in such a file.
fn name_of(access: &Access) -> Cow<'_, str> {
    let host = access.host.to_lowercase();
    if access.port == PORT_THAT_IS_NOT_WRITTEN {
        return host.into();
    }
    format!("[{host}]:{}", access.port).into()
}

fn is_named(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let digest = Hmac::<Sha1>::new_from_slice(salt);
            digest.is_ok_and(|digest| digest.chain_update(name).verify_slice(hash).is_ok())
        }
        HostPatterns::Patterns(patterns) => {
            let fits = |pattern: &str| is_like(pattern.to_lowercase().as_bytes(), name.as_bytes());
            let refused = patterns
                .iter()
                .filter_map(|p| p.strip_prefix('!'))
                .any(fits);
            !refused && patterns.iter().any(|pattern| fits(pattern))
        }
    }
}

/// `*` is any number of characters, `?` is one.
fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', pattern @ ..], _) => (0..=name.len()).any(|n| is_like(pattern, &name[n..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => is_like(pattern, name),
        ([p, pattern @ ..], [n, name @ ..]) => p == n && is_like(pattern, name),
        _ => false,
    }
}
