//! OpenSSH's server. As root it runs in a mount namespace of its own, with one more account, whose password is known; nothing of that is
//! to be seen outside. As an ordinary user it serves that user alone, who logs in with a key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::{DestinationConfig, DestinationType};
use secrecy::SecretString;
use tempfile::TempDir;

use super::{Server, destination, free_port, is_root};

pub const PASSWORD: &str = "Secret-1 \u{fc}";
pub const PASSPHRASE: &str = "of the key";
/// SHA-512 of the password, as /etc/shadow has it.
const HASH: &str = "$6$holdfasttest$75RbrkB4jg/DWEtBh6r9pSLd.V1VlNfK8tNwaaF3vDr8Ag5SuYNCMf.sHsB5LMqEFnLYNnJLBkxspmsKK5kWP1";
const ACCOUNT: &str = "holdfast-test";
const ID: u32 = 61_234;

/// What differs from the usual server.
pub struct Setup {
    /// Types of its own keys.
    pub host_keys: &'static [&'static str],
    pub subsystem: Option<&'static str>,
    /// More of its configuration.
    pub lines: &'static [&'static str],
    /// KiB of a disk of its own below the base. Needs root.
    pub disk: Option<u32>,
    /// Options of that disk once it is there.
    pub remount: Option<&'static str>,
    pub shell: &'static str,
    /// Faults of `odd_sftp.py`, which then speaks SFTP instead of OpenSSH's own.
    pub odd: Option<&'static [&'static str]>,
    /// How logins are asked by PAM. Needs root.
    pub asks: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            host_keys: &["ed25519"],
            subsystem: Some("internal-sftp"),
            lines: &[],
            disk: None,
            remount: None,
            shell: "/bin/sh",
            odd: None,
            asks: false,
        }
    }
}

pub struct OpenSsh {
    server: Option<Server>,
    setup: Setup,
    pub port: u16,
    dir: TempDir,
}

impl OpenSsh {
    pub fn start() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut ssh = Self {
            server: None,
            setup,
            port: free_port(),
            dir,
        };
        ssh.prepare();
        ssh.start_again();
        ssh
    }

    fn prepare(&self) {
        mode(self.dir.path(), 0o711);
        for folder in ["etc", "client", "home", "home/store"] {
            fs::create_dir(self.path(folder)).unwrap();
        }
        for kind in self.setup.host_keys {
            self.new_key(&format!("etc/host_{kind}"), kind, "");
        }
        self.new_key("client/id", "ed25519", "");
        fs::copy(self.path("client/id.pub"), self.path("etc/authorized_keys")).unwrap();
        mode(&self.path("etc/authorized_keys"), 0o644);
        fs::write(self.path("client/known_hosts"), self.known_hosts()).unwrap();
        if is_root() {
            for folder in ["home", "home/store"] {
                chown(self.path(folder), Some(ID), Some(ID)).unwrap();
            }
            let home = self.path("home");
            let (home, shell) = (home.display(), self.setup.shell);
            let more = format!("{ACCOUNT}:x:{ID}:{ID}::{home}:{shell}\n");
            self.extended("passwd", 0o644, &more);
            self.extended(
                "shadow",
                0o600,
                &format!("{ACCOUNT}:{HASH}:20000:0:99999:7:::\n"),
            );
        }
        self.write_config();
    }

    /// A copy of a file of /etc, with one more line.
    fn extended(&self, name: &str, bits: u32, more: &str) {
        let etc = fs::read_to_string(Path::new("/etc").join(name)).unwrap();
        let copy = self.path("etc").join(name);
        fs::write(&copy, etc + more).unwrap();
        mode(&copy, bits);
    }

    fn write_config(&self) {
        let etc = self.path("etc");
        let mut text = format!(
            "Port {}\nListenAddress 127.0.0.1\nListenAddress ::1\nPidFile none\nStrictModes no\nMaxStartups 100\n\
             AuthorizedKeysFile {}/authorized_keys\n",
            self.port,
            etc.display()
        );
        for kind in self.setup.host_keys {
            writeln!(text, "HostKey {}/host_{kind}", etc.display()).unwrap();
        }
        let pam = if self.setup.asks { "yes" } else { "no" };
        writeln!(text, "UsePAM {pam}\nKbdInteractiveAuthentication {pam}").unwrap();
        if let Some(faults) = self.setup.odd {
            let program = self.path("etc/odd_sftp.py");
            fs::write(&program, include_str!("odd_sftp.py")).unwrap();
            let (program, log) = (program.display(), self.path("home/requests"));
            let faults = faults.join(" ");
            let python = "/usr/bin/python3 -I -B";
            writeln!(
                text,
                "Subsystem sftp {python} {program} {} {faults}",
                log.display()
            )
            .unwrap();
        } else if let Some(subsystem) = self.setup.subsystem {
            writeln!(text, "Subsystem sftp {subsystem}").unwrap();
        }
        for line in self.setup.lines {
            writeln!(text, "{line}").unwrap();
        }
        fs::write(etc.join("sshd_config"), text).unwrap();
    }

    /// With the keys and the files of before.
    pub fn start_again(&mut self) {
        let config = self.path("etc/sshd_config");
        let sshd = format!("/usr/sbin/sshd -D -e -f '{}'", config.display());
        let script = if is_root() {
            self.in_namespace(&sshd)
        } else {
            format!("exec {sshd}")
        };
        let mut command = if is_root() {
            Command::new("unshare")
        } else {
            Command::new("sh")
        };
        if is_root() {
            command.args(["--mount", "--propagation", "private", "sh"]);
        }
        command.args(["-e", "-c", &script]);
        self.server = Some(Server::start(
            "sshd",
            &mut command,
            self.port,
            &self.path("etc"),
        ));
    }

    fn in_namespace(&self, sshd: &str) -> String {
        let etc = self.path("etc");
        let etc = etc.display();
        let mut script = format!(
            "mount --bind '{etc}/passwd' /etc/passwd; mount --bind '{etc}/shadow' /etc/shadow\n\
             mount -t tmpfs -o mode=0755 tmpfs /run; mkdir -m 0755 /run/sshd\n"
        );
        let store = self.base();
        if self.setup.asks {
            let rules = self.path("etc/pam.d");
            fs::create_dir_all(&rules).unwrap();
            let text = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
            fs::write(rules.join("sshd"), text).unwrap();
            writeln!(script, "mount --bind '{}' /etc/pam.d", rules.display()).unwrap();
        }
        if let Some(kib) = self.setup.disk {
            writeln!(
                script,
                "mount -t tmpfs -o size={kib}k,uid={ID},gid={ID},mode=0700 tmpfs '{store}'"
            )
            .unwrap();
        }
        if let Some(options) = self.setup.remount {
            writeln!(script, "mount -o remount,{options} '{store}'").unwrap();
        }
        script + "exec " + sshd
    }

    /// It and every session of it, as a power cut would.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// To it and to every session of it.
    pub fn signal(&self, signal: &str) {
        if let Some(server) = &self.server {
            server.signal(signal);
        }
    }

    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }

    /// What was asked of `odd_sftp.py`, or of a `subsystem` that writes there, a line a request.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("home/requests")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Where archives are kept: `store` in the home folder of the login, as root.
    pub fn base(&self) -> String {
        self.path("home/store").to_str().unwrap().to_owned()
    }

    pub fn username() -> String {
        if is_root() {
            return ACCOUNT.to_owned();
        }
        let name = uzers::get_current_username().unwrap();
        name.to_str().unwrap().to_owned()
    }

    /// A pair of keys in the scratch folder; returns the secret one.
    pub fn new_key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-C", "test", "-N", passphrase, "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        path
    }

    /// Lets a key in, besides those that are let in.
    pub fn authorize(&self, key: &Path) {
        let list = self.path("etc/authorized_keys");
        let all = fs::read_to_string(&list).unwrap();
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        fs::write(&list, all + &public).unwrap();
    }

    /// Its own public key of a type, as in its file: type, then base64.
    pub fn host_key(&self, kind: &str) -> String {
        let text = fs::read_to_string(self.path(&format!("etc/host_{kind}.pub"))).unwrap();
        text.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// As `ssh-keygen -lf` shows it.
    pub fn fingerprint(&self, kind: &str) -> String {
        let shown = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.path(&format!("etc/host_{kind}.pub")))
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        shown.split(' ').nth(1).unwrap().to_owned()
    }

    pub fn known_hosts(&self) -> String {
        let lines = self.setup.host_keys.iter();
        let lines =
            lines.map(|kind| format!("[127.0.0.1]:{} {}\n", self.port, self.host_key(kind)));
        lines.collect()
    }

    /// A login with the key, at a server that is known.
    pub fn config(&self) -> DestinationConfig {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let settings = [
            ("host", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("username", Self::username()),
            ("base_path", self.base()),
            ("private_key", text(self.path("client/id"))),
            ("known_hosts", text(self.path("client/known_hosts"))),
        ];
        let settings = settings.each_ref().map(|(key, value)| (*key, &**value));
        destination(DestinationType::Sftp, &settings, &[])
    }
}

pub fn secrets<const N: usize>(secrets: [(&str, &str); N]) -> BTreeMap<String, SecretString> {
    let secret = |(name, value): (&str, &str)| (name.to_owned(), SecretString::from(value));
    secrets.map(secret).into()
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}
