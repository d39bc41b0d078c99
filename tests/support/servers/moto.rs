//! moto, which speaks S3, keeps everything in memory, and checks neither signatures nor checksums.

use std::time::Duration;

use holdfast::model::DestinationConfig;
use tempfile::TempDir;
use ureq::Agent;
use ureq::tls::TlsConfig;

use super::{Authority, Server, free_port, python, s3};

pub struct Moto {
    pub server: Server,
    pub endpoint: String,
    /// Whom to trust, with TLS.
    pub authority: Option<Authority>,
    _folder: TempDir,
}

impl Moto {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    pub fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "moto");
        Self::start_in(folder, Some(authority))
    }

    fn start_with(authority: Option<Authority>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), authority)
    }

    fn start_in(folder: TempDir, authority: Option<Authority>) -> Self {
        let port = free_port();
        let mut command = python("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let mut scheme = "http";
        if let Some(authority) = &authority {
            command.arg("-c").arg(&authority.certificate);
            command.arg("-k").arg(&authority.key);
            scheme = "https";
        }
        let server = Server::start("moto", &mut command, port, folder.path());
        let moto = Self {
            server,
            endpoint: format!("{scheme}://127.0.0.1:{port}"),
            authority,
            _folder: folder,
        };
        moto.make_bucket();
        moto
    }

    /// Nobody else does: a destination is given one.
    pub fn make_bucket(&self) {
        let tls = TlsConfig::builder().disable_verification(true).build();
        let agent: Agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let url = format!("{}/{}", self.endpoint, s3::BUCKET);
        agent.put(&url).send_empty().unwrap();
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        let authority = self.authority.iter();
        let trusted = authority.map(|authority| ("ca_file", authority.ca.to_str().unwrap()));
        let settings: Vec<_> = trusted.chain(more.iter().copied()).collect();
        s3::config(&self.endpoint, &settings)
    }
}
