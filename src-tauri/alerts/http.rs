//! Webhook and ping: one POST each, within limits of time, and once more where that may help. An answer is not read; a redirect is not
//! followed: a token must not go elsewhere.

use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use super::{DeliveryError, Event, News};
use crate::model::web_address::{self, WebAddress};

/// How long a place may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From the first byte to the answer.
    pub all: Duration,
    /// Before the second try.
    pub again: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            all: Duration::from_secs(30),
            again: Duration::from_secs(5),
        }
    }
}

pub struct Http {
    agent: Agent,
    again: Duration,
}

impl Http {
    pub fn new(limits: Limits) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.all))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("Holdfast/", env!("CARGO_PKG_VERSION")))
            // Told rarely: no connection is kept in between.
            .max_idle_connections(0)
            .tls_config(
                TlsConfig::builder()
                    // The machine's own: a company's authority is among them.
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            )
            .build();
        Self {
            agent: config.into(),
            again: limits.again,
        }
    }

    pub fn post_news(&self, url: &SecretString, news: &News) -> Result<(), DeliveryError> {
        let address = address(url)?;
        // Texts, numbers and times: there is nothing in it that JSON cannot say.
        let body = serde_json::to_string(news).unwrap_or_default();
        self.post(&address, "application/json", &body)
    }

    /// The convention of dead-man monitors: the address alone is success, `/start` and `/fail` below it are the others. None: nothing is
    /// said of this.
    pub fn ping(&self, url: &SecretString, news: &News) -> Option<Result<(), DeliveryError>> {
        let below = match news.event {
            Event::Started => Some("start"),
            Event::Succeeded => None,
            event if event.is_trouble() => Some("fail"),
            _ => return None,
        };
        let pinged = address(url).and_then(|address| {
            let address = address.below(below, news.run_id.as_deref());
            self.post(&address, "text/plain; charset=utf-8", &summary(news))
        });
        Some(pinged)
    }

    fn post(&self, address: &WebAddress, kind: &str, body: &str) -> Result<(), DeliveryError> {
        match self.try_post(address, kind, body) {
            Err(
                DeliveryError::Unreachable
                | DeliveryError::Status(429 | 500..)
                | DeliveryError::NoSuchHost,
            ) => {
                thread::sleep(self.again);
                self.try_post(address, kind, body)
            }
            done => done,
        }
    }

    fn try_post(&self, address: &WebAddress, kind: &str, body: &str) -> Result<(), DeliveryError> {
        let sent = self
            .agent
            .post(address.as_str())
            .header("content-type", kind)
            .send(body);
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(DeliveryError::Status(answer.status().as_u16())),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn address(url: &SecretString) -> Result<WebAddress, DeliveryError> {
    web_address::parse(url.expose_secret()).map_err(|_| DeliveryError::Address)
}

/// Without the library's own words: they may repeat the address.
fn failed(error: &Error) -> DeliveryError {
    match error {
        Error::Timeout(_) => DeliveryError::Timeout,
        Error::HostNotFound => DeliveryError::NoSuchHost,
        Error::Io(cause) if cause.kind() == std::io::ErrorKind::TimedOut => DeliveryError::Timeout,
        // What the handshake says of a certificate comes as this.
        Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => DeliveryError::Tls,
        Error::Io(_) | Error::ConnectionFailed => DeliveryError::Unreachable,
        Error::Tls(_) | Error::Rustls(_) => DeliveryError::Tls,
        Error::BadUri(_) | Error::InvalidProxyUrl => DeliveryError::Address,
        Error::StatusCode(status) => DeliveryError::Status(*status),
        _ => DeliveryError::Request,
    }
}

/// For a person who reads the monitor's log.
fn summary(news: &News) -> String {
    let name = news.schedule.as_deref().unwrap_or("alarm");
    let event = serde_json::to_value(news.event).unwrap_or_default();
    let event = event.as_str().unwrap_or_default().to_owned();
    let why = news
        .problem
        .as_ref()
        .map_or(String::new(), |p| format!(": {}", p.message));
    format!("{name} ({}): {event}{why}\n", news.instance)
}
