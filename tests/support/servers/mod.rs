//! Real servers on ports of this machine, each in a scratch folder of its own, stopped when they go out of scope. Each kind has a file of
//! its own beside this one's users; here is what they share.

pub mod apache;
pub mod azurite;
pub mod moto;
pub mod openssh;
pub mod proxy;
pub mod pyftpdlib;
pub mod rclone;
pub mod s3;
pub mod s3s;
pub mod vsftpd;
pub mod webdav;
pub mod wsgidav;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{Destination, DestinationError, open};
use holdfast::model::{DestinationConfig, DestinationType};
use jiff::Timestamp;
use uuid::Uuid;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A destination with these settings, or others; an empty value takes one away.
pub fn destination(
    destination_type: DestinationType,
    settings: &[(&str, &str)],
    more: &[(&str, &str)],
) -> DestinationConfig {
    let settings = settings.iter().chain(more);
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut config: BTreeMap<_, _> = settings.collect();
    config.retain(|_, value| !value.is_empty());
    DestinationConfig {
        id: "9b2f6f0e-0000-4000-8000-000000000001".to_owned(),
        name: "there".to_owned(),
        destination_type,
        enabled: true,
        config,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "tests".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

/// A destination's configuration, piece by piece.
#[derive(Clone)]
pub struct Place {
    pub config: DestinationConfig,
    pub secrets: BTreeMap<String, String>,
}

impl Place {
    pub fn new(destination_type: DestinationType) -> Self {
        let config = DestinationConfig {
            id: Uuid::new_v4().simple().to_string(),
            ..destination(destination_type, &[], &[])
        };
        Self {
            config,
            secrets: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.config.config.insert(key.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn secret(mut self, name: &str, secret: &str) -> Self {
        self.secrets.insert(name.to_owned(), secret.to_owned());
        self
    }

    /// As the program opens it, with retries and all.
    pub fn open(&self) -> Result<Arc<dyn Destination>, DestinationError> {
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(name, secret)| (name.clone(), secret.clone().into()));
        open(&self.config, &secrets.collect())
    }
}

/// What a slow machine may take to start an interpreter.
const START: Duration = Duration::from_mins(1);

/// A server that runs as long as this lives.
pub struct Server {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts `command` and waits until it listens at `port`. Its output goes to `{name}.log` in `folder`.
    pub fn start(name: &str, command: &mut Command, port: u16, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            // A group of its own, so that what it starts ends with it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("{name} cannot be started: {e}"));
        let mut server = Self { child, port, log };
        server.wait_until_it_listens(name);
        server
    }

    fn wait_until_it_listens(&mut self, name: &str) {
        let end = Instant::now() + START;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < end,
                "{name} does not listen at {} (ended: {ended:?}):\n{}",
                self.port,
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Of the process that was started.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// It, and all that it has started: for STOP, CONT and KILL.
    pub fn signal(&self, signal: &str) {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while let Some(parent) = all.get(next) {
            all.extend(children(*parent));
            next += 1;
        }
        let group = format!("-{}", self.child.id());
        let each = all.iter().map(u32::to_string);
        let _ = Command::new("kill")
            .args([&format!("-{signal}"), "--", &group])
            .args(each)
            .stderr(Stdio::null())
            .status();
    }
}

/// Some leave the group of whoever started them.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let child = |process: fs::DirEntry| {
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        // Behind its name, which may be anything: its state, and whose child it is.
        let (_, fields) = stat.rsplit_once(')')?;
        let is_child = fields.split_whitespace().nth(1)? == parent.to_string();
        let id = process.file_name().to_str()?.parse().ok()?;
        is_child.then_some(id)
    };
    processes.filter_map(child).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("CONT");
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// A port that nobody listens at now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Where `.ci/servers` installs.
pub fn installed(path: &str) -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let found = tmp.parent().unwrap().join("servers").join(path);
    assert!(
        found.exists(),
        "{} is not there: run .ci/servers",
        found.display()
    );
    found
}

/// Of the folder with Python's interpreter and the programs of its packages.
pub fn python(program: &str) -> Command {
    Command::new(installed(&format!("python/bin/{program}")))
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// For a test that needs root: says that it is left out where there is none, on the real standard error. In CI nothing may be left out.
pub fn left_out_without_root(what: &str) -> bool {
    if is_root() {
        return false;
    }
    assert!(
        env::var_os("HOLDFAST_LEAVE_NOTHING_OUT").is_none(),
        "{what} needs root"
    );
    let _ = writeln!(std::io::stderr(), "left out, because it needs root: {what}");
    true
}

/// A certificate authority with a server's certificate for localhost, 127.0.0.1 and `::1`, as PEM files in a folder.
pub struct Authority {
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Certificate, then key, in one file: some servers want it so.
    pub both: PathBuf,
    /// Of the server's certificate: `SHA256:` and 64 digits.
    pub fingerprint: String,
}

impl Authority {
    /// `name` begins the names of its files: several may share a folder.
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name
            .push(rcgen::DnType::CommonName, format!("Test authority {name}"));
        let ca_key = KeyPair::generate().unwrap();
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca, ca_key);

        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let server_key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(hosts.to_vec())
            .unwrap()
            .signed_by(&server_key, &issuer)
            .unwrap();

        let write = |suffix: &str, text: String| {
            let path = folder.join(format!("{name}-{suffix}.pem"));
            fs::write(&path, text).unwrap();
            path
        };
        let digest = <sha2::Sha256 as sha2::Digest>::digest(server.der());
        Self {
            ca: write("ca", ca_certificate.pem()),
            certificate: write("server", server.pem()),
            key: write("key", server_key.serialize_pem()),
            both: write("both", server.pem() + &server_key.serialize_pem()),
            fingerprint: format!("SHA256:{}", hex::encode(digest)),
        }
    }
}
