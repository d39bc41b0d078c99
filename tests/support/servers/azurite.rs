//! Azurite, which speaks Azure Blob Storage.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use holdfast::model::{DestinationConfig, DestinationType};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sha2::Sha256;
use tempfile::TempDir;
use url::form_urlencoded::Serializer;

use super::{Authority, Server, destination, free_port, installed};

/// Everybody's: the emulator comes with it.
pub const ACCOUNT: &str = "devstoreaccount1";
pub const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub const CONTAINER: &str = "archives";
/// It has to be quoted wherever it goes.
pub const BASE: &str = "b ä%+#&/in it";

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
        azurite.ask("PUT", &format!("{CONTAINER}?restype=container"), &[]);
        azurite
    }

    /// One that other tests use, too: with a base path of one's own.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Azurite>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let azurite = Arc::new(Self::start());
            *shared = Arc::downgrade(&azurite);
            azurite
        })
    }

    /// Asks for what no destination does. `what`: the path and the query behind the account.
    pub fn ask(&self, method: &str, what: &str, headers: &[&str]) {
        let all = signature("rwdlac", SignedDuration::from_hours(1));
        let joint = if what.contains('?') { '&' } else { '?' };
        let mut curl = Command::new("curl");
        curl.args(["-skf", "--max-time", "30", "-X", method, "-d", ""]);
        for header in headers {
            curl.args(["-H", header]);
        }
        let asked = curl
            .arg(format!("{}/{what}{joint}{all}", self.endpoint()))
            .output();
        let asked = asked.unwrap();
        assert!(asked.status.success(), "{asked:?} {}", self.server.log());
    }

    /// It writes down what it has a while later.
    pub fn wait_until_it_remembers(&self, name: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        let database = self.folder.path().join("store/__azurite_db_blob__.json");
        while !fs::read_to_string(&database).is_ok_and(|text| text.contains(name)) {
            assert!(Instant::now() < end, "{name} was never written down");
            thread::sleep(Duration::from_millis(100));
        }
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
        let ca = self.authority.as_ref();
        let ca = ca.map_or("", |authority| authority.ca.to_str().unwrap());
        let more: Vec<_> = [("ca_file", ca)].iter().chain(more).copied().collect();
        config(&self.endpoint(), &more)
    }
}

/// Of the emulator's account, wherever it is.
pub fn config(endpoint: &str, more: &[(&str, &str)]) -> DestinationConfig {
    let settings = [
        ("account_name", ACCOUNT),
        ("base_path", BASE),
        ("container_name", CONTAINER),
        ("endpoint", endpoint),
    ];
    destination(DestinationType::Azure, &settings, more)
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
    let end = end(valid);
    let (service, resources) = ("b", "sco");
    let text = format!(
        "{ACCOUNT}\n{rights}\n{service}\n{resources}\n\n{end}\n\n{PROTOCOL}\n{VERSION}\n\n"
    );
    signed(&text, rights, &end, &[("ss", service), ("srt", resources)])
}

/// The same of the container alone.
pub fn container_signature(rights: &str, valid: SignedDuration) -> String {
    let end = end(valid);
    let text = format!(
        "{rights}\n\n{end}\n/blob/{ACCOUNT}/{CONTAINER}\n\n\n{PROTOCOL}\n{VERSION}\nc\n\n\n\n\n\n\n"
    );
    signed(&text, rights, &end, &[("sr", "c")])
}

const VERSION: &str = "2022-11-02";
const PROTOCOL: &str = "https,http";

fn end(valid: SignedDuration) -> String {
    let end = Timestamp::now().checked_add(valid).unwrap();
    end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn signed(text: &str, rights: &str, end: &str, more: &[(&str, &str)]) -> String {
    let key = BASE64_STANDARD.decode(KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    Serializer::new(String::new())
        .extend_pairs([
            ("sv", VERSION),
            ("sp", rights),
            ("se", end),
            ("spr", PROTOCOL),
        ])
        .extend_pairs(more)
        .append_pair("sig", &signature)
        .finish()
}
