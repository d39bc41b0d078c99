//! The settings and secrets of a destination, read with the errors a person can act on. Which there are is each type's own business.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::{DestinationError, ErrorKind, Key};
use crate::model::{DestinationConfig, DestinationType};

type Result<T> = std::result::Result<T, DestinationError>;

/// Every type takes these.
const COMMON: &[&str] = &["bandwidth_limit"];
/// And those on a network.
const ON_NETWORK: &[&str] = &["timeout"];
const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) struct Settings<'a> {
    config: &'a DestinationConfig,
    secrets: &'a BTreeMap<String, SecretString>,
}

impl<'a> Settings<'a> {
    pub fn new(config: &'a DestinationConfig, secrets: &'a BTreeMap<String, SecretString>) -> Self {
        Self { config, secrets }
    }

    /// The destination's name, for progress and messages.
    pub fn name(&self) -> &'a str {
        &self.config.name
    }

    pub fn id(&self) -> &'a str {
        &self.config.id
    }

    /// An error where there is a setting that is neither one of these nor common to all types.
    pub fn allow(&self, known: &[&str]) -> Result<()> {
        let on_network = match self.config.destination_type {
            DestinationType::Local => &[],
            _ => ON_NETWORK,
        };
        let is_known = |key: &str| {
            [known, COMMON, on_network]
                .iter()
                .any(|all| all.contains(&key))
        };
        match self.config.config.keys().find(|key| !is_known(key)) {
            Some(unknown) => Err(self.bad(format!("has no setting `{unknown}`"))),
            None => Ok(()),
        }
    }

    /// None where it is not set, or empty.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let value = self.config.config.get(key)?;
        (!value.is_empty()).then_some(value)
    }

    pub fn require(&self, key: &str) -> Result<&'a str> {
        self.get(key)
            .ok_or_else(|| self.bad(format!("needs a `{key}`")))
    }

    pub fn secret(&self, name: &str) -> Option<&'a SecretString> {
        self.secrets.get(name)
    }

    pub fn require_secret(&self, name: &str) -> Result<&'a SecretString> {
        self.secret(name).ok_or_else(|| {
            self.bad(format!(
                "needs the secret `{name}` (--secret {name}=env:VARIABLE)"
            ))
        })
    }

    pub fn port(&self, default: u16) -> Result<u16> {
        let Some(text) = self.get("port") else {
            return Ok(default);
        };
        let port = text.parse().ok().filter(|port| *port != 0);
        port.ok_or_else(|| self.bad(format!("takes a `port` from 1 to 65535, not `{text}`")))
    }

    /// `yes` and `true`, `no` and `false`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some("yes" | "true") => Ok(true),
            Some("no" | "false") => Ok(false),
            Some(other) => Err(self.bad(format!("takes yes or no as `{key}`, not `{other}`"))),
        }
    }

    /// A file or folder of this machine: absolute.
    pub fn file(&self, key: &str) -> Result<Option<PathBuf>> {
        let set = self.get(key).map(|_| self.require_file(key));
        set.transpose()
    }

    pub fn require_file(&self, key: &str) -> Result<PathBuf> {
        let text = self.require(key)?;
        let path = PathBuf::from(text);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(self.bad(format!("needs an absolute path as `{key}`, not `{text}`")))
        }
    }

    /// The names of the folders from the place's own root, or of a login, to where archives are kept. Empty: right there.
    pub fn base_folders(&self) -> Result<Vec<String>> {
        let Some(path) = self.get("base_path") else {
            return Ok(Vec::new());
        };
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Ok(Vec::new());
        }
        let key =
            Key::new(path).map_err(|e| self.bad(format!("has a bad `base_path`: {}", e.detail)))?;
        Ok(key.as_str().split('/').map(str::to_owned).collect())
    }

    /// How long the place may be silent before it counts as gone. Seconds, 1 to 3600.
    pub fn timeout(&self) -> Result<Duration> {
        let Some(text) = self.get("timeout") else {
            return Ok(TIMEOUT);
        };
        let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u64>();
        match seconds {
            Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
            _ => Err(self.bad(format!(
                "takes a `timeout` of 1 to 3600 seconds, not `{text}`"
            ))),
        }
    }

    /// Bytes a second: `500k`, `10M`, `1G`, in powers of 1024; at least `8k`.
    pub fn bandwidth_limit(&self) -> Result<Option<NonZeroU32>> {
        let Some(text) = self.get("bandwidth_limit") else {
            return Ok(None);
        };
        let (digits, shift) = match text.as_bytes().last() {
            Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
            Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
            Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        let bytes = digits.parse::<u32>().ok();
        let bytes = bytes.and_then(|n| n.checked_mul(1 << shift));
        match bytes.filter(|n| *n >= 8 << 10).and_then(NonZeroU32::new) {
            Some(limit) => Ok(Some(limit)),
            None => Err(self.bad(format!(
                "takes a `bandwidth_limit` in bytes a second such as 500k or 10M, from 8k to 3G, not `{text}`"
            ))),
        }
    }

    pub fn bad(&self, what: impl AsRef<str>) -> DestinationError {
        let kind = self.config.destination_type.as_str();
        DestinationError::new(ErrorKind::Config, format!("`{kind}` {}", what.as_ref()))
    }
}
