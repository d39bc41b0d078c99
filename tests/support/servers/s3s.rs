//! s3s-fs, which speaks S3, checks signatures and digests, and keeps files on disk. It runs in this process.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use holdfast::model::DestinationConfig;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{free_port, s3};

pub struct S3s {
    pub port: u16,
    folder: TempDir,
    runtime: Option<Runtime>,
}

impl S3s {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(s3::BUCKET)).unwrap();
        let mut server = Self {
            port: free_port(),
            folder,
            runtime: None,
        };
        server.start_again();
        server
    }

    /// Every connection ends at once.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }

    pub fn start_again(&mut self) {
        let files = FileSystem::new(self.folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(s3::ACCESS_KEY, s3::SECRET_KEY));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let address = (Ipv4Addr::LOCALHOST, self.port);
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        runtime.spawn(serve(listener, builder.build()));
        self.runtime = Some(runtime);
    }

    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(s3::BUCKET)
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        s3::config(&format!("http://127.0.0.1:{}", self.port), more)
    }
}

impl Drop for S3s {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((connection, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let _ = server
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}
