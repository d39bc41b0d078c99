//! Azurite, which speaks Azure Blob Storage.

use std::collections::BTreeMap;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use holdfast::model::{DestinationConfig, DestinationType};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sha2::Sha256;
use tempfile::TempDir;
use url::form_urlencoded::Serializer;

use super::{Authority, Server, free_port, installed};

/// Everybody's: the emulator comes with it.
pub const ACCOUNT: &str = "devstoreaccount1";
pub const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub const CONTAINER: &str = "archives";

pub struct Azurite {
    server: Server,
    pub authority: Option<Authority>,
    folder: TempDir,
}

impl Azurite {
    pub fn start() -> Self {
        Self::with(None)
    }

    pub fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "azurite");
        Self::with(Some((folder, authority)))
    }

    fn with(tls: Option<(TempDir, Authority)>) -> Self {
        let (folder, authority) = match tls {
            Some((folder, authority)) => (folder, Some(authority)),
            None => (tempfile::tempdir().unwrap(), None),
        };
        let server = launch(&folder, authority.as_ref(), free_port());
        let azurite = Self {
            server,
            authority,
            folder,
        };
        let address = format!(
            "{}/{CONTAINER}?restype=container&{}",
            azurite.endpoint(),
            signature("rwdlac", SignedDuration::from_hours(1))
        );
        let made = Command::new("curl")
            .args([
                "-skf",
                "--max-time",
                "30",
                "-X",
                "PUT",
                "-H",
                "content-length: 0",
            ])
            .arg(address)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?} {}", azurite.server.log());
        azurite
    }

    /// What it held is still there.
    pub fn start_again(&mut self) {
        let port = self.server.port;
        self.server.signal("KILL");
        self.server = launch(&self.folder, self.authority.as_ref(), port);
    }

    pub fn signal(&self, signal: &str) {
        self.server.signal(signal);
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn endpoint(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://127.0.0.1:{}/{ACCOUNT}", self.server.port)
    }

    /// An empty value takes a setting away.
    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        let endpoint = self.endpoint();
        let ca = self.authority.as_ref();
        let ca = ca.map_or("", |authority| authority.ca.to_str().unwrap());
        let common = [
            ("account_name", ACCOUNT),
            ("base_path", "b ä%+#&/in it"),
            ("ca_file", ca),
            ("container_name", CONTAINER),
            ("endpoint", &endpoint),
        ];
        let settings = common.iter().chain(more);
        let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut settings: BTreeMap<_, _> = settings.collect();
        settings.retain(|_, value| !value.is_empty());
        DestinationConfig {
            id: "9b2f6f0e-0000-4000-8000-000000000005".to_owned(),
            name: "cloud".to_owned(),
            destination_type: DestinationType::Azure,
            enabled: true,
            config: settings,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "tests".to_owned(),
            last_backup_at: None,
            last_backup_status: None,
        }
    }
}

fn launch(folder: &TempDir, authority: Option<&Authority>, port: u16) -> Server {
    let mut command = Command::new("node");
    command
        .arg(installed("node/node_modules/azurite/dist/src/blob/main.js"))
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
        .args(["--disableProductStyleUrl", "--skipApiVersionCheck"])
        .args(["--disableTelemetry", "--silent", "-l"])
        .arg(folder.path().join("store"));
    if let Some(authority) = authority {
        command.arg("--cert").arg(&authority.certificate);
        command.arg("--key").arg(&authority.key);
    }
    Server::start("azurite", &mut command, port, folder.path())
}

pub fn secrets() -> BTreeMap<String, SecretString> {
    secret("account_key", KEY)
}

pub fn secret(name: &str, secret: &str) -> BTreeMap<String, SecretString> {
    BTreeMap::from([(name.to_owned(), SecretString::from(secret))])
}

/// A signature of the account for blobs: its rights (of `rwdlac`), and how long it is valid from now.
pub fn signature(rights: &str, valid: SignedDuration) -> String {
    let end = Timestamp::now().checked_add(valid).unwrap();
    let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (version, service, resources, protocol) = ("2022-11-02", "b", "sco", "https,http");
    let text = format!(
        "{ACCOUNT}\n{rights}\n{service}\n{resources}\n\n{end}\n\n{protocol}\n{version}\n\n"
    );
    let key = BASE64_STANDARD.decode(KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    Serializer::new(String::new())
        .extend_pairs([
            ("sv", version),
            ("ss", service),
            ("srt", resources),
            ("sp", rights),
            ("se", &end),
            ("spr", protocol),
            ("sig", &signature),
        ])
        .finish()
}
