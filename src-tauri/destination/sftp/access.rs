//! The settings of a place, as what a connection needs. It reads no file and asks nobody.

use std::path::PathBuf;
use std::time::Duration;

use russh::keys::ssh_key::Fingerprint;
use secrecy::SecretString;

use super::super::DestinationError;
use super::super::settings::Settings;

type Result<T> = std::result::Result<T, DestinationError>;

const KNOWN: &[&str] = &[
    "host",
    "port",
    "username",
    "base_path",
    "private_key",
    "known_hosts",
    "fingerprint",
];
const PORT: u16 = 22;
/// A server that has not even taken the connection by then is not there.
const CONNECT: Duration = Duration::from_secs(15);

pub(super) struct Access {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub proof: Proof,
    pub trust: Trust,
    /// As the server takes it: absolute, or from the folder of the login.
    pub base: String,
    pub idle: Duration,
    pub connect: Duration,
}

/// What is shown to be let in. Where there is neither key nor password, the agent is asked.
pub(super) struct Proof {
    pub key: Option<PathBuf>,
    pub passphrase: Option<SecretString>,
    pub password: Option<SecretString>,
}

/// How the server proves who it is.
pub(super) enum Trust {
    /// One key and no other.
    Pinned(Fingerprint),
    /// A file as OpenSSH keeps it; None: the user's own.
    KnownHosts(Option<PathBuf>),
}

impl Access {
    pub fn new(settings: &Settings<'_>) -> Result<Self> {
        settings.allow(KNOWN)?;
        let idle = settings.timeout()?;
        Ok(Self {
            host: host(settings)?,
            port: settings.port(PORT)?,
            username: settings.require("username")?.to_owned(),
            proof: Proof {
                key: settings.file("private_key")?,
                passphrase: settings.secret("private_key_passphrase").cloned(),
                password: settings.secret("password").cloned(),
            },
            trust: trust(settings)?,
            base: base(settings)?,
            idle,
            connect: CONNECT.min(idle),
        })
    }

    /// For messages.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A name or an address; an IPv6 address with or without brackets.
fn host(settings: &Settings<'_>) -> Result<String> {
    let text = settings.require("host")?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let host = bare.unwrap_or(text);
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/@[]".contains(c);
    if host.is_empty() || host.contains(is_odd) {
        return Err(settings.bad(format!(
            "takes a name or an address as `host`, not `{text}`"
        )));
    }
    Ok(host.to_owned())
}

fn trust(settings: &Settings<'_>) -> Result<Trust> {
    let Some(text) = settings.get("fingerprint") else {
        return Ok(Trust::KnownHosts(settings.file("known_hosts")?));
    };
    // Some print the padding that OpenSSH leaves away.
    let pinned = text.trim_end_matches('=').parse().ok();
    match pinned.filter(|found| matches!(found, Fingerprint::Sha256(_))) {
        Some(pinned) => Ok(Trust::Pinned(pinned)),
        None => Err(settings.bad(format!(
            "takes a `fingerprint` as `ssh-keygen -lf` prints it (SHA256: and 43 characters), not `{text}`"
        ))),
    }
}

/// A leading slash is the server's root; without one it begins at the folder of the login, as `~/` says too.
fn base(settings: &Settings<'_>) -> Result<String> {
    let text = settings.get("base_path").unwrap_or_default();
    if text == "~" {
        return Ok(".".to_owned());
    }
    let below = settings.base_folders()?.join("/");
    if text.starts_with('/') {
        return Ok(format!("/{below}"));
    }
    let below = below.strip_prefix("~/").unwrap_or(&below);
    Ok(if below.is_empty() { "." } else { below }.to_owned())
}
