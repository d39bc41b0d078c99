//! pyftpdlib, by a program of our own: plain FTP and explicit TLS, and promises that it breaks when it is told to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::DestinationType;
use tempfile::TempDir;

use super::{Authority, Place, Server, free_port, python};

const USER: &str = "ada";
pub const PASSWORD: &str = "correct horse ä#";

pub struct Pyftpdlib {
    pub server: Server,
    pub authority: Option<Authority>,
    arguments: Vec<String>,
    folder: TempDir,
}

impl Pyftpdlib {
    pub fn plain(faults: &[&str]) -> Self {
        Self::start(faults, None, tempfile::tempdir().unwrap())
    }

    pub fn with_tls(faults: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "ftp");
        Self::start(faults, Some(authority), folder)
    }

    fn start(faults: &[&str], authority: Option<Authority>, folder: TempDir) -> Self {
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let port = free_port();
        let mut arguments = vec![port.to_string(), root.display().to_string()];
        arguments.extend([USER, PASSWORD].map(str::to_owned));
        arguments.extend(faults.iter().map(|fault| (*fault).to_owned()));
        if let Some(authority) = &authority {
            arguments.push(format!("tls={}", authority.both.display()));
        }
        let server = Server::start("ftp", &mut command(&arguments), port, folder.path());
        Self {
            server,
            authority,
            arguments,
            folder,
        }
    }

    /// At the same port with the same files, and with these faults besides; what it has said until now is forgotten.
    pub fn start_again_with(&mut self, faults: &[&str]) {
        self.server.signal("KILL");
        let port = self.server.port;
        let faults = faults.iter().map(|fault| (*fault).to_owned());
        let arguments: Vec<_> = self.arguments.iter().cloned().chain(faults).collect();
        self.server = Server::start("ftp", &mut command(&arguments), port, self.folder.path());
    }

    pub fn has(&self, fault: &str) -> bool {
        self.arguments.iter().any(|argument| argument == fault)
    }

    /// What a login sees.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A place at `base`, which is made.
    pub fn place(&self, base: &str) -> Place {
        fs::create_dir_all(self.root().join(base)).unwrap();
        let place = Place::new(DestinationType::Ftp)
            .set("host", "127.0.0.1")
            .set("port", &self.server.port.to_string())
            .set("username", USER)
            .set("base_path", base)
            .secret("password", PASSWORD);
        match &self.authority {
            Some(authority) => place.set("ca_file", authority.ca.to_str().unwrap()),
            None => place.set("tls", "none"),
        }
    }

    /// Bytes of all transfers of this kind, `stored` or `sent`.
    pub fn bytes(&self, way: &str) -> u64 {
        let log = self.server.log();
        let lines = log.lines().filter_map(|line| line.strip_prefix(way));
        lines
            .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .sum()
    }

    pub fn logins(&self) -> usize {
        self.log_lines("login")
    }

    pub fn log_lines(&self, begin: &str) -> usize {
        let log = self.server.log();
        log.lines().filter(|line| line.starts_with(begin)).count()
    }
}

fn command(arguments: &[String]) -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/ftp.py");
    let mut command = python("python");
    command.arg(program).args(arguments);
    command
}
