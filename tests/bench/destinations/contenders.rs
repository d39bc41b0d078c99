//! The servers, and how their stock clients are called. Those that need root or a program that is not here are left out, and named.

use std::path::Path;

use super::Contender;
use crate::Result;
use crate::servers::apache::Apache;
use crate::servers::webdav;

type Start = fn(&Path) -> Result<Option<Contender>>;

pub const ALL: &[Start] = &[webdav_plain, webdav_tls];

fn webdav_plain(_: &Path) -> Result<Option<Contender>> {
    let server = Apache::start();
    let url = server.url();
    let config = server.config(&[]);
    Ok(Some(of_webdav("webdav", server, config, &url, "")))
}

fn webdav_tls(_: &Path) -> Result<Option<Contender>> {
    let server = Apache::start();
    let url = server.tls_url();
    let config = server.tls_config(&[]);
    Ok(Some(of_webdav("webdav, TLS", server, config, &url, "-k ")))
}

fn of_webdav(
    name: &'static str,
    server: Apache,
    config: holdfast::model::DestinationConfig,
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
