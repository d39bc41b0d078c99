//! `rclone serve s3`, which checks signatures, ignores conditions and keeps files on disk.

use std::fs;
use std::path::PathBuf;

use holdfast::model::DestinationConfig;
use tempfile::TempDir;

use super::{Server, free_port, python, s3};

pub struct Rclone {
    pub server: Server,
    folder: TempDir,
}

impl Rclone {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join(s3::BUCKET)).unwrap();
        let port = free_port();
        let mut command = python("rclone");
        command
            .args(["serve", "s3", "--config", "/dev/null", "--addr"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("--auth-key")
            .arg(format!("{},{}", s3::ACCESS_KEY, s3::SECRET_KEY))
            .arg(&root);
        let server = Server::start("rclone", &mut command, port, folder.path());
        Self { server, folder }
    }

    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join("root").join(s3::BUCKET)
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        s3::config(&format!("http://127.0.0.1:{}", self.server.port), more)
    }
}
