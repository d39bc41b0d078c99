//! vsftpd: plain FTP, explicit and implicit TLS. It is given a password without an account of this machine: of its anonymous login, which takes
//! no other. As root it serves in a jail, else as whoever starts it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::DestinationType;
use tempfile::TempDir;

use super::{Authority, Place, Server, free_port, is_root};

pub const PASSWORD: &str = "correct horse ä#";
const STORE: &str = "store";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    None,
    Explicit,
    Implicit,
}

pub struct Vsftpd {
    pub server: Server,
    pub authority: Authority,
    tls: Tls,
    openssl: Option<PathBuf>,
    folder: TempDir,
}

impl Vsftpd {
    pub fn start(tls: Tls) -> Self {
        Self::with(tls, "")
    }

    /// With more lines in its settings.
    pub fn with(tls: Tls, settings: &str) -> Self {
        Self::begin(tempfile::tempdir().unwrap(), tls, settings, None)
    }

    /// Everything on this disk.
    pub fn on(disk: &Path, tls: Tls) -> Self {
        Self::begin(tempfile::tempdir_in(disk).unwrap(), tls, "", None)
    }

    /// Without TLS 1.3.
    pub fn with_tls12(tls: Tls) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = folder.path().join("openssl.cnf");
        let text = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = old\n\
                    [old]\nMaxProtocol = TLSv1.2\n";
        fs::write(&openssl, text).unwrap();
        Self::begin(folder, tls, "", Some(openssl))
    }

    fn begin(folder: TempDir, tls: Tls, settings: &str, openssl: Option<PathBuf>) -> Self {
        let authority = Authority::new(folder.path(), "vsftpd");
        for made in ["root", "root/store", "empty"] {
            fs::create_dir(folder.path().join(made)).unwrap();
        }
        let account = if own(&folder.path().join("root").join(STORE)) {
            ""
        } else {
            "run_as_launching_user=YES\n"
        };
        fs::write(folder.path().join("passwords"), PASSWORD).unwrap();
        let port = free_port();
        let text = text(folder.path(), &authority, port, tls) + account + settings;
        let config = folder.path().join("vsftpd.conf");
        fs::write(&config, text).unwrap();
        // It reads none that others may write.
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = command(folder.path(), openssl.as_deref());
        let server = Server::start("vsftpd", &mut command, port, folder.path());
        Self {
            server,
            authority,
            tls,
            openssl,
            folder,
        }
    }

    /// At the same port with the same files.
    pub fn start_again(&mut self) {
        self.server.signal("KILL");
        let mut command = command(self.folder.path(), self.openssl.as_deref());
        let port = self.server.port;
        self.server = Server::start("vsftpd", &mut command, port, self.folder.path());
    }

    /// Where the places are.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("root").join(STORE)
    }

    /// A place at `base`, which is made.
    pub fn place(&self, base: &str) -> Place {
        let mut made = self.store();
        for segment in base.split('/').filter(|segment| !segment.is_empty()) {
            made.push(segment);
            if !made.exists() {
                fs::create_dir(&made).unwrap();
                own(&made);
            }
        }
        let place = Place::new(DestinationType::Ftp)
            .set("host", "127.0.0.1")
            .set("port", &self.server.port.to_string())
            .set("username", "ftp")
            .set("base_path", &format!("{STORE}/{base}"))
            .secret("password", PASSWORD);
        let ca = self.authority.ca.to_str().unwrap();
        match self.tls {
            Tls::None => place.set("tls", "none"),
            Tls::Explicit => place.set("ca_file", ca),
            Tls::Implicit => place.set("ca_file", ca).set("tls", "implicit"),
        }
    }

    /// Every command and answer.
    pub fn protocol(&self) -> String {
        fs::read_to_string(self.folder.path().join("protocol")).unwrap_or_default()
    }

    pub fn logins(&self) -> usize {
        self.protocol().matches("OK LOGIN").count()
    }

    /// Bytes of the uploads that came to an end.
    pub fn uploaded(&self) -> u64 {
        let protocol = self.protocol();
        let lines = protocol.lines().filter(|line| line.contains("OK UPLOAD"));
        lines
            .filter_map(|line| {
                let (before, _) = line.split_once(" bytes")?;
                before.rsplit(' ').next()?.parse::<u64>().ok()
            })
            .sum()
    }
}

fn command(folder: &Path, openssl: Option<&Path>) -> Command {
    let mut command = Command::new("/usr/sbin/vsftpd");
    command.arg(folder.join("vsftpd.conf"));
    if let Some(openssl) = openssl {
        command.env("OPENSSL_CONF", openssl);
    }
    command
}

fn text(folder: &Path, authority: &Authority, port: u16, tls: Tls) -> String {
    let folder = folder.display();
    let mut text = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n\
         anonymous_enable=YES\nlocal_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n\
         anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\n\
         anon_umask=022\nanon_root={folder}/root\nsecure_email_list_enable=YES\n\
         email_password_file={folder}/passwords\nsecure_chroot_dir={folder}/empty\n\
         seccomp_sandbox=NO\nchmod_enable=YES\nvsftpd_log_file={folder}/protocol\n\
         log_ftp_protocol=YES\nxferlog_enable=YES\nxferlog_std_format=NO\n"
    );
    if tls != Tls::None {
        let (certificate, key) = (authority.certificate.display(), authority.key.display());
        let lines = format!(
            "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\n\
             force_anon_data_ssl=YES\nrequire_ssl_reuse=YES\nssl_ciphers=HIGH\n\
             rsa_cert_file={certificate}\nrsa_private_key_file={key}\n"
        );
        text.push_str(&lines);
    }
    if tls == Tls::Implicit {
        text += "implicit_ssl=YES\n";
    }
    text
}

/// Gives it to the account as which vsftpd serves in its jail. False where that cannot be: then it serves as whoever starts it.
pub fn own(path: &Path) -> bool {
    let account = is_root().then(|| uzers::get_user_by_name("ftp")).flatten();
    account.is_some_and(|account| {
        chown(path, Some(account.uid()), Some(account.primary_group_id())).is_ok()
    })
}
