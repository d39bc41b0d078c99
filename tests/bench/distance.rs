//! One small component out of a large archive at the other end of a slow line: what goes over the wire for it, and how much faster it is than
//! fetching the archive.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use holdfast::model::{Compression, DestinationConfig};
use rusqlite::Connection;

use crate::Result;
use crate::program::{Secrets, Setup};
use crate::servers::apache::Apache;
use crate::servers::openssh::{self, OpenSsh};
use crate::servers::proxy::{Line, Proxy};
use crate::servers::rclone::Rclone;
use crate::servers::{s3, webdav};
use crate::table::{self, Targets};

const MIB: u32 = 1 << 20;
const LARGE_MB: u32 = 450;
/// 100 Mbit/s, 20 ms each way.
pub const SLOW: Line = Line {
    delay: Duration::from_millis(20),
    rate: Some(12_500_000),
};
const MOST_REQUESTS: f64 = 8.0;
const TIMES_FASTER: f64 = 20.0;

/// A server, and the way to it at a port.
struct Far {
    name: &'static str,
    port: u16,
    secrets: Secrets,
    config: Box<dyn Fn(u16) -> DestinationConfig>,
    /// How many requests it has served.
    requests: Requests,
}

enum Requests {
    /// The line sees them.
    OfHttp,
    /// Files that were opened, by the server's own log.
    Opened(Box<dyn Fn() -> usize>),
}

pub fn compare(program: &Path, scratch: &Path, targets: &mut Targets) -> Result<()> {
    let instance = scratch.join("instance");
    fs::create_dir_all(&instance)?;
    database(&instance.join("small.db"), 1)?;
    database(&instance.join("large.db"), LARGE_MB)?;
    println!(
        "\n{:<44} {:>9} {:>9} {:>9} {:>11} {:>9}",
        "one component of 1 MiB, 100 Mbit/s, 20 ms",
        "seconds",
        "of whole",
        "wire MB",
        "allowed MB",
        "requests"
    );
    for start in [sftp, s3, webdav] {
        let folder = scratch.join("far");
        fs::create_dir_all(&folder)?;
        let setup = Setup::new(program, &folder, &instance, Compression::Gzip)?;
        start().measure(&setup, &folder, targets)?;
        fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

impl Far {
    fn measure(&self, setup: &Setup, scratch: &Path, targets: &mut Targets) -> Result<()> {
        let named = |name: &str, port| DestinationConfig {
            name: name.to_owned(),
            ..(self.config)(port)
        };
        setup.add(&named("near", self.port), &self.secrets)?;
        setup.json(&["backup", "bench", "--to", "near"])?;
        let line = Proxy::to(self.port, SLOW);
        setup.add(&named("far", line.port), &self.secrets)?;
        setup.json(&["catalogue", "rebuild", "far"])?;
        let listed = setup.json(&["archives", "--destination", "far"])?.1;
        let name = listed["archives"][0]["name"].as_str().ok_or("no archive")?;
        let archive = format!("far:{name}");
        let shown = setup.json(&["show", &archive])?.1;
        let small = size_of_small(&shown["manifest"])?;

        let to = scratch.join("component");
        let to = to.to_str().ok_or("path")?;
        let (before, seen) = (line.sent() + line.received(), self.seen(&line));
        let component = ["extract", &archive, "--to", to, "--component", "small"];
        let cost = setup.json(&component)?.0;
        let wire = line.sent() + line.received() - before;
        let requests = self.seen(&line) - seen;

        let whole = scratch.join("whole");
        let download = ["download", &archive, "--to", whole.to_str().ok_or("path")?];
        let whole = setup.json(&download)?.0;

        let allowed = small + 2 * u64::from(MIB);
        println!(
            "  {:<42} {:>9.2} {:>9.3} {:>9.2} {:>11.2} {requests:>9}",
            self.name,
            cost.seconds,
            cost.seconds / whole.seconds,
            table::megabytes(wire),
            table::megabytes(allowed)
        );
        let name = self.name;
        targets.at_most(
            table::megabytes(allowed),
            table::megabytes(wire),
            format!("{name}: MB on the wire for a component of 1 MiB"),
        );
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        targets.at_most(
            MOST_REQUESTS,
            requests as f64,
            format!("{name}: requests for a component of 1 MiB"),
        );
        targets.at_most(
            1.0 / TIMES_FASTER,
            cost.seconds / whole.seconds,
            format!("{name}: time for a component, of the archive's"),
        );
        Ok(())
    }

    fn seen(&self, line: &Proxy) -> usize {
        match &self.requests {
            Requests::OfHttp => usize::try_from(line.http_requests()).unwrap_or(usize::MAX),
            Requests::Opened(count) => count(),
        }
    }
}

/// Of the small component, which is noise: compressed it is no smaller.
fn size_of_small(manifest: &serde_json::Value) -> Result<u64> {
    let contents = manifest["contents"].as_array().ok_or("no contents")?;
    let small = contents
        .iter()
        .find(|entry| entry["component"] == "small" && entry["type"] == "database");
    let size = small.and_then(|entry| entry["size_bytes"].as_u64());
    Ok(size.ok_or("no small component")?)
}

/// So many rows of a MiB of noise.
fn database(path: &Path, mebibytes: u32) -> Result<()> {
    let database = Connection::open(path)?;
    database.execute_batch("CREATE TABLE t (noise BLOB)")?;
    for _ in 0..mebibytes {
        database.execute("INSERT INTO t VALUES (randomblob(?1))", [MIB])?;
    }
    Ok(())
}

fn sftp() -> Far {
    let server = OpenSsh::with(openssh::Setup {
        subsystem: Some("/usr/lib/openssh/sftp-server -e -l INFO 2>>requests"),
        ..openssh::Setup::default()
    });
    let server = Rc::new(server);
    let asked = Rc::clone(&server);
    Far {
        name: "sftp",
        port: server.port,
        secrets: Secrets::new(),
        config: Box::new(move |port| at(&asked, "", port)),
        requests: Requests::Opened(Box::new(move || {
            let lines = server.requests();
            lines.iter().filter(|line| line.contains("open \"")).count()
        })),
    }
}

/// The server by this port.
pub fn at(server: &OpenSsh, name: &str, port: u16) -> DestinationConfig {
    let mut config = server.config();
    name.clone_into(&mut config.name);
    // The file of known hosts names the port.
    config.config.remove("known_hosts");
    set(&mut config, "fingerprint", &server.fingerprint("ed25519"));
    set(&mut config, "port", &port.to_string());
    config
}

fn s3() -> Far {
    let server = Rclone::start();
    let (port, config) = (server.server.port, server.config(&[]));
    Far {
        name: "s3",
        port,
        secrets: s3::secrets(),
        config: Box::new(move |port| {
            let _ = &server;
            let mut config = config.clone();
            set(&mut config, "endpoint", &format!("http://127.0.0.1:{port}"));
            config
        }),
        requests: Requests::OfHttp,
    }
}

fn webdav() -> Far {
    let server = Apache::start();
    let (url, config) = (server.url(), server.config(&[]));
    let port = server.port;
    Far {
        name: "webdav",
        port,
        secrets: webdav::secrets(),
        config: Box::new(move |other| {
            let _ = &server;
            let mut config = config.clone();
            let url = url.replace(&format!(":{port}"), &format!(":{other}"));
            set(&mut config, "url", &url);
            config
        }),
        requests: Requests::OfHttp,
    }
}

fn set(config: &mut DestinationConfig, key: &str, value: &str) {
    config.config.insert(key.to_owned(), value.to_owned());
}
