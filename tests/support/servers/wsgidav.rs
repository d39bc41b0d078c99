//! wsgidav, which speaks WebDAV.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast::model::DestinationConfig;
use tempfile::TempDir;

use super::webdav::{BASE, FOLDER, PASSWORD, PATH, USER, config};
use super::{Authority, Server, free_port, python};

/// Serves a folder over HTTP or over HTTPS until it goes out of scope.
pub struct Wsgidav {
    server: Option<Server>,
    pub port: u16,
    pub authority: Authority,
    scheme: &'static str,
    folder: PathBuf,
    /// Where archives are.
    pub base: PathBuf,
    _dir: TempDir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Http,
    Https,
    /// HTTP, where only digest authentication is taken.
    Digest,
}

impl Wsgidav {
    pub fn start(over: Over) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let served = dir.path().join("served");
        Self::serving(&served, dir, over)
    }

    /// What it serves lies in a folder that may be a disk of its own.
    pub fn at(served: &Path, over: Over) -> Self {
        Self::serving(served, tempfile::tempdir().unwrap(), over)
    }

    fn serving(served: &Path, dir: TempDir, over: Over) -> Self {
        let folder = dir.path().to_owned();
        let base = served.join(FOLDER).join(BASE);
        fs::create_dir_all(&base).unwrap();
        let authority = Authority::new(&folder, "wsgidav");
        let port = free_port();
        let tls = if over == Over::Https {
            format!(
                "ssl_certificate: '{}'\nssl_private_key: '{}'\nssl_adapter: builtin\n",
                authority.certificate.display(),
                authority.key.display()
            )
        } else {
            String::new()
        };
        let (basic, digest) = (over != Over::Digest, over == Over::Digest);
        let text = format!(
            r#"host: 127.0.0.1
port: {port}
server: cheroot
{tls}provider_mapping:
  "/": '{}'
http_authenticator:
  domain_controller: null
  accept_basic: {basic}
  accept_digest: {digest}
  default_to_digest: {digest}
simple_dc:
  user_mapping:
    "*":
      "{USER}":
        password: "{PASSWORD}"
logging:
  enable: true
verbose: 3
lock_storage: true
property_manager: null
"#,
            served.display()
        );
        fs::write(folder.join("wsgidav.yaml"), text).unwrap();
        let mut wsgidav = Self {
            server: None,
            port,
            authority,
            scheme: if over == Over::Https { "https" } else { "http" },
            folder,
            base,
            _dir: dir,
        };
        wsgidav.start_again();
        wsgidav
    }

    pub fn start_again(&mut self) {
        let mut command = python("wsgidav");
        command.arg("-c").arg(self.folder.join("wsgidav.yaml"));
        self.server = None;
        let server = Server::start("wsgidav", &mut command, self.port, &self.folder);
        self.server = Some(server);
    }

    pub fn kill(&mut self) {
        self.server = None;
    }

    /// For STOP and CONT.
    pub fn signal(&self, signal: &str) {
        self.server.as_ref().unwrap().signal(signal);
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/{PATH}", self.scheme, self.port)
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        config(&self.url(), more)
    }

    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }
}
