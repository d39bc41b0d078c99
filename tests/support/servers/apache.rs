//! Apache with `mod_dav`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::DestinationConfig;
use tempfile::TempDir;

use super::webdav::{BASE, FOLDER, PATH, USER, config};
use super::{Authority, Server, free_port, is_root};

const MODULES: &str = "/usr/lib/apache2/modules";
const LOADED: &[&str] = &[
    "mpm_event",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "auth_digest",
    "dav",
    "dav_fs",
    "reqtimeout",
    "ssl",
];
/// Of `webdav::PASSWORD`, as htpasswd -s writes it.
const PASSWORD_SHA1: &str = "{SHA}CujKNJZL3JIzVGHn0IAAekFSclg=";
/// Of `webdav::PASSWORD` in the realm `dav`, as htdigest writes it.
const PASSWORD_DIGEST: &str = "cfa7ed6436c506d6fc7103c2018920ab";

/// Serves a folder over HTTP and over HTTPS until it goes out of scope.
pub struct Apache {
    server: Option<Server>,
    pub port: u16,
    pub tls_port: u16,
    pub authority: Authority,
    folder: PathBuf,
    served: PathBuf,
    /// Where archives are.
    pub base: PathBuf,
    _dir: TempDir,
}

impl Apache {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more directives for the folder that is served.
    pub fn with(directives: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().to_owned();
        let served = own.join("served");
        let base = served.join(FOLDER).join(BASE);
        fs::create_dir_all(&base).unwrap();
        fs::create_dir_all(own.join("run")).unwrap();
        let authority = Authority::new(&own, "apache");
        fs::write(own.join("users"), format!("{USER}:{PASSWORD_SHA1}\n")).unwrap();
        let digest = format!("{USER}:dav:{PASSWORD_DIGEST}\n");
        fs::write(own.join("digests"), digest).unwrap();
        let (port, tls_port) = (free_port(), free_port());
        if is_root() {
            give_away(&own);
        }
        let mut apache = Self {
            server: None,
            port,
            tls_port,
            authority,
            folder: own,
            served,
            base,
            _dir: dir,
        };
        apache.start_with(directives);
        apache
    }

    /// With other directives than before. `OWN` in them is the folder of its users.
    pub fn start_with(&mut self, directives: &str) {
        let directives = directives.replace("OWN", self.folder.to_str().unwrap());
        let text = configuration(self, &directives);
        fs::write(self.folder.join("httpd.conf"), text).unwrap();
        self.start_again();
    }

    pub fn start_again(&mut self) {
        let mut command = Command::new("/usr/sbin/apache2");
        command
            .arg("-DFOREGROUND")
            .arg("-f")
            .arg(self.folder.join("httpd.conf"));
        self.server = None;
        let server = Server::start("apache", &mut command, self.port, &self.folder);
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
        format!("http://127.0.0.1:{}/{PATH}", self.port)
    }

    pub fn tls_url(&self) -> String {
        format!("https://localhost:{}/{PATH}/", self.tls_port)
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        config(&self.url(), more)
    }

    pub fn tls_config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        config(&self.tls_url(), more)
    }

    /// A line a request, and what went wrong.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        read("access.log") + &read("error.log")
    }
}

fn configuration(apache: &Apache, directives: &str) -> String {
    let (port, tls_port) = (apache.port, apache.tls_port);
    let mut loaded = String::new();
    for name in LOADED {
        writeln!(loaded, "LoadModule {name}_module {MODULES}/mod_{name}.so").unwrap();
    }
    let user = if is_root() {
        "User www-data\nGroup www-data"
    } else {
        ""
    };
    let (own, served) = (apache.folder.display(), apache.served.display());
    let certificate = apache.authority.certificate.display();
    let key = apache.authority.key.display();
    format!(
        r#"ServerRoot "{own}"
ServerName localhost
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls_port}
Listen 127.0.0.2:{tls_port}
Listen [::1]:{tls_port}
PidFile "{own}/run/pid"
DefaultRuntimeDir "{own}/run"
ErrorLog "{own}/error.log"
LogFormat "%t \"%r\" %>s in=%I ka=%k took=%D" short
{loaded}
CustomLog "{own}/access.log" short
{user}
DocumentRoot "{served}"
DavLockDB "{own}/run/locks"
# One slow machine, several tests: few processes, quickly gone.
StartServers 1
GracefulShutdownTimeout 1
<Directory "{served}">
  Dav On
  AuthType Basic
  AuthName dav
  AuthUserFile "{own}/users"
  Require valid-user
  {directives}
</Directory>
<VirtualHost *:{tls_port}>
  SSLEngine on
  SSLCertificateFile "{certificate}"
  SSLCertificateKeyFile "{key}"
</VirtualHost>
"#
    )
}

/// To the user that Apache becomes when root starts it: it takes no root.
fn give_away(own: &Path) {
    let user = uzers::get_user_by_name("www-data").expect("Debian makes this user");
    let (uid, gid) = (user.uid(), user.primary_group_id());
    for entry in walkdir::WalkDir::new(own) {
        std::os::unix::fs::chown(entry.unwrap().path(), Some(uid), Some(gid)).unwrap();
    }
}
