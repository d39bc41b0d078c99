//! The servers, and how their stock clients are called.

use std::collections::BTreeMap;

use holdfast::model::DestinationConfig;

use super::Contender;
use crate::program::Secrets;
use crate::servers::apache::Apache;
use crate::servers::azurite::{self, ACCOUNT, Azurite, KEY};
use crate::servers::openssh::OpenSsh;
use crate::servers::rclone::Rclone;
use crate::servers::vsftpd::{self, Tls, Vsftpd};
use crate::servers::{installed, s3, webdav};

type Start = fn() -> Contender;

/// Apache takes a GiB where nobody says otherwise.
const LARGE_FILES: &str = "LimitRequestBody 0";

pub const ALL: &[Start] = &[
    webdav_plain,
    webdav_tls,
    s3_rclone,
    azure_rclone,
    ftp_plain,
    ftp_tls,
    sftp,
];

fn webdav_plain() -> Contender {
    let server = Apache::with(LARGE_FILES);
    let url = server.url();
    let config = server.config(&[]);
    of_webdav("webdav", server, config, &url, "")
}

fn webdav_tls() -> Contender {
    let server = Apache::with(LARGE_FILES);
    let url = server.tls_url();
    let authority = server.authority.ca.display().to_string();
    let config = server.tls_config(&[("ca_file", &authority)]);
    of_webdav("webdav, TLS", server, config, &url, "-k ")
}

fn of_webdav(
    name: &'static str,
    server: Apache,
    config: DestinationConfig,
    url: &str,
    options: &str,
) -> Contender {
    let user = format!("{}:{}", webdav::USER, webdav::PASSWORD);
    let curl = format!("curl -sSf {options}-u '{user}'");
    Contender {
        name,
        config,
        secrets: webdav::secrets(),
        client: "curl",
        at_least: 0.8,
        put: format!("{curl} -T \"$FILE\" '{url}/stock'"),
        get: format!("{curl} -o \"$FILE\" '{url}/stock'"),
        remove: format!("{curl} -X DELETE '{url}/stock'"),
        _server: Box::new(server),
    }
}

/// The same program serves and is the client: neither has an advantage that the other lacks.
fn s3_rclone() -> Contender {
    let server = Rclone::start();
    let config = server.config(&[]);
    let remote = format!(
        ":s3,provider=Other,endpoint='{}',access_key_id={},secret_access_key='{}',force_path_style=true:{}/stock",
        config.config["endpoint"],
        s3::ACCESS_KEY,
        s3::SECRET_KEY,
        s3::BUCKET
    );
    let options = "--s3-no-check-bucket --s3-chunk-size 8M";
    of_rclone("s3", config, s3::secrets(), &remote, options, server)
}

fn azure_rclone() -> Contender {
    let server = Azurite::start();
    let config = server.config(&[]);
    let remote = format!(
        ":azureblob,account={ACCOUNT},key='{KEY}',endpoint='{}':{}/stock",
        server.endpoint(),
        azurite::CONTAINER
    );
    // As many blocks at once as ours.
    let options = "--azureblob-chunk-size 16M --azureblob-upload-concurrency 4";
    of_rclone(
        "azure",
        config,
        azurite::secrets(),
        &remote,
        options,
        server,
    )
}

/// With parts of the size of ours.
fn of_rclone(
    name: &'static str,
    config: DestinationConfig,
    secrets: Secrets,
    remote: &str,
    options: &str,
    server: impl std::any::Any,
) -> Contender {
    let rclone = format!(
        "{} --config /dev/null --ignore-times {options}",
        installed("python/bin/rclone").display()
    );
    Contender {
        name,
        config,
        secrets,
        client: "rclone",
        at_least: 0.8,
        put: format!("{rclone} copyto \"$FILE\" \"{remote}\""),
        get: format!("{rclone} copyto \"{remote}\" \"$FILE\""),
        remove: format!("{rclone} deletefile \"{remote}\""),
        _server: Box::new(server),
    }
}

fn ftp_plain() -> Contender {
    of_ftp("ftp", Tls::None, "")
}

fn ftp_tls() -> Contender {
    of_ftp("ftp, TLS", Tls::Explicit, "--ssl-reqd -k ")
}

fn of_ftp(name: &'static str, tls: Tls, options: &str) -> Contender {
    let server = Vsftpd::start(tls);
    let place = server.place("");
    let url = format!("ftp://127.0.0.1:{}", server.server.port);
    let curl = format!("curl -sSf {options}-u 'ftp:{}'", vsftpd::PASSWORD);
    let secrets = place.secrets.into_iter();
    Contender {
        name,
        config: place.config,
        secrets: secrets
            .map(|(name, secret)| (name, secret.into()))
            .collect(),
        client: "curl",
        at_least: 0.8,
        put: format!("{curl} -T \"$FILE\" {url}/store/stock"),
        get: format!("{curl} -o \"$FILE\" {url}/store/stock"),
        remove: format!("{curl} -o /dev/null -Q 'DELE store/stock' {url}"),
        _server: Box::new(server),
    }
}

/// Our time has the reading back in it, which goes on beside the sending.
fn sftp() -> Contender {
    let server = OpenSsh::start();
    let config = server.config();
    let setting = |key: &str| config.config[key].as_str();
    let (key, known_hosts) = (setting("private_key"), setting("known_hosts"));
    let sftp = format!(
        "sftp -q -b - -F none -i '{key}' -o 'UserKnownHostsFile={known_hosts}' -P {} {}@127.0.0.1",
        setting("port"),
        setting("username")
    );
    let stock = format!("{}/stock", setting("base_path"));
    Contender {
        name: "sftp",
        secrets: BTreeMap::new(),
        client: "sftp",
        at_least: 0.7,
        put: format!("echo \"put $FILE {stock}\" | {sftp}"),
        get: format!("echo \"get {stock} $FILE\" | {sftp}"),
        remove: format!("echo \"rm {stock}\" | {sftp}"),
        config: config.clone(),
        _server: Box::new(server),
    }
}
