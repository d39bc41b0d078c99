//! Being let in: with a key, a password, or what the SSH agent holds. It opens no connection, and says nothing of a secret.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;

use super::super::{DestinationError, ErrorKind};
use super::access::{Access, Proof};
use super::handshake::Gate;
use super::trouble;

type Result<T> = std::result::Result<T, DestinationError>;

/// Where OpenSSH's agent listens.
const AGENT: &str = "SSH_AUTH_SOCK";
/// A server cuts off who shows more keys than it likes; most like six.
const MOST_AGENT_KEYS: usize = 5;
/// Questions that a server may ask one after the other.
const MOST_QUESTIONS: usize = 5;
const READABLE_BY_OTHERS: u32 = 0o077;

pub(super) async fn log_in(ssh: &mut Handle<Gate>, access: &Access) -> Result<()> {
    let mut login = Login {
        ssh,
        username: &access.username,
        refused: Vec::new(),
        ways: None,
    };
    let Proof {
        key,
        passphrase,
        password,
    } = &access.proof;
    if let Some(path) = key
        && login.with_key(path, passphrase.as_ref()).await?
    {
        return Ok(());
    }
    if let Some(password) = password
        && login.with_password(password).await?
    {
        return Ok(());
    }
    if key.is_none() && password.is_none() && login.with_agent().await? {
        return Ok(());
    }
    Err(login.not_let_in())
}

struct Login<'a> {
    ssh: &'a mut Handle<Gate>,
    username: &'a str,
    /// What was shown in vain.
    refused: Vec<String>,
    /// What the server says it would take.
    ways: Option<MethodSet>,
}

impl Login<'_> {
    async fn with_key(&mut self, path: &Path, passphrase: Option<&SecretString>) -> Result<bool> {
        let key = read_key(path, passphrase)?;
        let hash = self.hash_for(&key.algorithm()).await?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        let answer = self.ssh.authenticate_publickey(self.username, key).await;
        self.is_in(answer, || format!("the key `{}`", path.display()))
    }

    async fn with_password(&mut self, password: &SecretString) -> Result<bool> {
        let shown = password.expose_secret();
        let answer = self.ssh.authenticate_password(self.username, shown).await;
        if self.is_in(answer, || "the password".to_owned())? {
            return Ok(true);
        }
        if !self.takes(MethodKind::KeyboardInteractive) || self.ssh.is_closed() {
            return Ok(false);
        }
        self.by_questions(shown).await
    }

    /// Servers that ask (PAM) rather than take a password: what is not echoed is the password.
    async fn by_questions(&mut self, password: &str) -> Result<bool> {
        let begun = self
            .ssh
            .authenticate_keyboard_interactive_start(self.username, None);
        let mut answer = begun.await.map_err(|e| trouble::of_ssh(&e))?;
        for _ in 0..MOST_QUESTIONS {
            match answer {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => break,
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let reply = |echo: bool| if echo { "" } else { password }.to_owned();
                    let replies = prompts.iter().map(|prompt| reply(prompt.echo)).collect();
                    let told = self.ssh.authenticate_keyboard_interactive_respond(replies);
                    answer = told.await.map_err(|e| trouble::of_ssh(&e))?;
                }
            }
        }
        self.refused
            .push("the password as an answer to its questions".to_owned());
        Ok(false)
    }

    async fn with_agent(&mut self) -> Result<bool> {
        let mut agent = agent().await?;
        let unusable =
            |e: &dyn std::fmt::Display| auth(format!("the SSH agent does not answer rightly: {e}"));
        let held = agent.request_identities().await.map_err(|e| unusable(&e))?;
        if held.is_empty() {
            return Err(auth("the SSH agent holds no key: `ssh-add` gives it one"));
        }
        for identity in held.into_iter().take(MOST_AGENT_KEYS) {
            let kind = identity.public_key().algorithm();
            let hash = self.hash_for(&kind).await?;
            let name = self.username;
            let answer = match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    let asked = self
                        .ssh
                        .authenticate_publickey_with(name, key, hash, &mut agent);
                    asked.await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    let asked =
                        self.ssh
                            .authenticate_certificate_with(name, certificate, hash, &mut agent);
                    asked.await
                }
            };
            // A key that the agent does not sign with (it asks its owner, say) is no reason to leave out the others.
            let Ok(answer) = answer else {
                self.refused
                    .push(format!("a key that the agent does not sign with ({kind})"));
                continue;
            };
            if self.is_in(Ok(answer), || format!("the agent's key ({kind})"))? {
                return Ok(true);
            }
            if self.ssh.is_closed() {
                break;
            }
        }
        Ok(false)
    }

    /// Which hash an RSA key is to sign with.
    async fn hash_for(&self, kind: &Algorithm) -> Result<Option<HashAlg>> {
        if !matches!(kind, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        let told = self.ssh.best_supported_rsa_hash().await;
        Ok(told
            .map_err(|e| trouble::of_ssh(&e))?
            .unwrap_or(Some(HashAlg::Sha256)))
    }

    fn is_in(
        &mut self,
        answer: std::result::Result<AuthResult, russh::Error>,
        what: impl FnOnce() -> String,
    ) -> Result<bool> {
        match answer.map_err(|e| trouble::of_ssh(&e))? {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                if !partial_success {
                    self.refused.push(what());
                }
                self.ways = Some(remaining_methods);
                Ok(false)
            }
        }
    }

    fn takes(&self, way: MethodKind) -> bool {
        self.ways.as_ref().is_some_and(|ways| ways.contains(&way))
    }

    fn not_let_in(&self) -> DestinationError {
        let refused = match self.refused.as_slice() {
            [] => "it wants more than was shown".to_owned(),
            refused => format!("it refused {}", refused.join(" and ")),
        };
        let ways = self.ways.iter().flat_map(|ways| ways.iter());
        let ways: Vec<&str> = ways.map(Into::into).collect();
        let takes = match ways.as_slice() {
            [] => String::new(),
            ways => format!("; it takes {}", ways.join(", ")),
        };
        auth(format!(
            "the server did not let `{}` in: {refused}{takes}",
            self.username
        ))
    }
}

fn auth(detail: impl Into<String>) -> DestinationError {
    DestinationError::new(ErrorKind::Authentication, detail)
}

async fn agent() -> Result<AgentClient<UnixStream>> {
    let Some(socket) = env::var_os(AGENT).filter(|socket| !socket.is_empty()) else {
        let detail = format!(
            "`sftp` needs a `private_key`, the secret `password`, or an SSH agent; {AGENT} names none"
        );
        return Err(DestinationError::new(ErrorKind::Config, detail));
    };
    let connected = AgentClient::connect_uds(&socket).await;
    connected.map_err(|e| {
        let socket = Path::new(&socket).display();
        auth(format!("the SSH agent at `{socket}` cannot be asked: {e}"))
    })
}

fn read_key(path: &Path, passphrase: Option<&SecretString>) -> Result<PrivateKey> {
    let shown = path.display();
    let config = |detail: String| DestinationError::new(ErrorKind::Config, detail);
    let unreadable = |e| {
        let detail = format!("the private key `{shown}` cannot be read");
        DestinationError::because(ErrorKind::Config, detail, e)
    };
    let found = fs::metadata(path).map_err(unreadable)?;
    let mine = found.uid() == rustix::process::geteuid().as_raw();
    if mine && found.mode() & READABLE_BY_OTHERS != 0 {
        // OpenSSH does not use such a key either.
        let mode = found.mode() & 0o777;
        return Err(config(format!(
            "the private key `{shown}` can be read by others (mode {mode:o}): make it 600"
        )));
    }
    let text = SecretString::from(fs::read_to_string(path).map_err(unreadable)?);
    let phrase = passphrase.map(ExposeSecret::expose_secret);
    match (decode_secret_key(text.expose_secret(), phrase), phrase) {
        (Ok(key), _) => Ok(key),
        (Err(russh::keys::Error::KeyIsEncrypted), None) => Err(auth(format!(
            "the private key `{shown}` is encrypted: it needs the secret `private_key_passphrase`"
        ))),
        (Err(_), Some(_)) if looks_like_a_key(text.expose_secret()) => Err(auth(format!(
            "the private key `{shown}` does not open with the secret `private_key_passphrase`"
        ))),
        (Err(e), _) => Err(config(format!(
            "`{shown}` is no private key of a kind that is known here: {e}"
        ))),
    }
}

fn looks_like_a_key(text: &str) -> bool {
    text.contains("PRIVATE KEY-----") || text.trim_start().starts_with("PuTTY-User-Key-File-")
}
