//! Where a container is and what proves who asks: an account's key, a shared access signature, or a connection string that holds either.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use reqsign_azure_storage::{Credential, RequestSigner};
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url, form_urlencoded};

use crate::destination::DestinationError;
use crate::destination::http::{checked_address, sign};
use crate::destination::settings::Settings;

type Result<T> = std::result::Result<T, DestinationError>;

const KNOWN: &[&str] = &[
    "account_name",
    "base_path",
    "ca_file",
    "container_name",
    "endpoint",
    "fingerprint",
];
const SECRETS: [&str; 3] = ["account_key", "sas_token", "connection_string"];
/// What everybody's emulator has.
const EMULATED: &str = "devstoreaccount1";
const EMULATED_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATED_AT: &str = "http://127.0.0.1:10000/devstoreaccount1";
/// Of the service's interface.
const VERSION: HeaderValue = HeaderValue::from_static("2023-11-03");

pub(super) struct Access {
    /// Its address.
    pub container: Url,
    pub container_name: String,
    proof: Proof,
}

enum Proof {
    Key {
        // Large: it has a memory for other ways to prove.
        signer: Box<RequestSigner>,
        account: String,
        key: SecretString,
    },
    /// A query, which every address gets behind its own.
    Signature(SecretString),
}

/// What the settings, or a connection string, say.
#[derive(Default)]
struct Said {
    endpoint: Option<String>,
    account: Option<String>,
    key: Option<SecretString>,
    signature: Option<SecretString>,
}

impl Access {
    pub fn new(settings: &Settings<'_>) -> Result<Self> {
        settings.allow(KNOWN)?;
        let container_name = container_name(settings)?;
        let said = Said::of(settings)?;
        let address = address(&said, settings)?;
        let account = said.account.or_else(|| account_of(&address));
        let mut container = address;
        if let Ok(mut path) = container.path_segments_mut() {
            path.pop_if_empty().push(&container_name);
        }
        let proof = match (said.key, said.signature) {
            (Some(key), None) => {
                if BASE64_STANDARD.decode(key.expose_secret()).is_err() {
                    return Err(settings.bad("has an `account_key` that is none: it is no base64"));
                }
                Proof::Key {
                    signer: Box::new(RequestSigner::new()),
                    account: account
                        .ok_or_else(|| settings.bad("needs an `account_name` with its key"))?,
                    key,
                }
            }
            (None, Some(signature)) => Proof::Signature(checked(&signature, settings)?.into()),
            (Some(_), Some(_)) => {
                return Err(settings.bad("has a connection string with a key and a signature"));
            }
            (None, None) => {
                return Err(settings
                    .bad("needs a secret: `account_key`, `sas_token` or `connection_string`"));
            }
        };
        Ok(Self {
            container,
            container_name,
            proof,
        })
    }

    /// Of the account, which may do everything.
    pub fn is_by_key(&self) -> bool {
        matches!(self.proof, Proof::Key { .. })
    }

    /// When a signature ends, where it says so: a time, or the beginning of a day.
    pub fn ends(&self) -> Option<Timestamp> {
        let Proof::Signature(signature) = &self.proof else {
            return None;
        };
        let mut pairs = form_urlencoded::parse(signature.expose_secret().as_bytes());
        let (_, end) = pairs.find(|(name, _)| name == "se")?;
        let day = || {
            let start = end.parse::<Date>().ok()?.at(0, 0, 0, 0);
            TimeZone::UTC.to_timestamp(start).ok()
        };
        end.parse().ok().or_else(day)
    }

    /// Once, after all headers are there.
    pub fn prove(&self, request: &mut Request) -> Result<()> {
        request.headers_mut().insert("x-ms-version", VERSION);
        match &self.proof {
            Proof::Signature(signature) => {
                let url = request.url_mut();
                let signed = match url.query() {
                    Some(own) => SecretString::from(format!("{own}&{}", signature.expose_secret())),
                    None => signature.clone(),
                };
                url.set_query(Some(signed.expose_secret()));
                Ok(())
            }
            Proof::Key {
                signer,
                account,
                key,
            } => {
                let credential = Credential::with_shared_key(account, key.expose_secret());
                sign(request, &**signer, &credential)
            }
        }
    }
}

fn container_name(settings: &Settings<'_>) -> Result<String> {
    let name = settings.require("container_name")?;
    let is_odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let is_one = (3..=63).contains(&name.len())
        && !name.contains(is_odd)
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_one {
        return Ok(name.to_owned());
    }
    Err(settings.bad(format!(
        "takes as `container_name` 3 to 63 lower-case letters, digits and single `-` between them, not `{name}`"
    )))
}

/// Where the account's containers are.
fn address(said: &Said, settings: &Settings<'_>) -> Result<Url> {
    let endpoint = match (&said.endpoint, &said.account) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(account)) => format!("https://{account}.blob.core.windows.net"),
        (None, None) => return Err(settings.bad("needs an `account_name`, or an `endpoint`")),
    };
    let mut url = checked_address(settings, "endpoint", &endpoint)?;
    // A machine without a name of its own, as an emulator: the account is the first part of the path there.
    let has_no_name = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        _ => true,
    };
    if let Some(account) = &said.account
        && has_no_name
        && url.path() == "/"
    {
        url.set_path(account);
    }
    Ok(url)
}

/// `ACCOUNT.blob.…`
fn account_of(address: &Url) -> Option<String> {
    let (account, rest) = address.domain()?.split_once('.')?;
    rest.starts_with("blob.").then(|| account.to_owned())
}

fn checked<'s>(signature: &'s SecretString, settings: &Settings<'_>) -> Result<&'s str> {
    let text = signature.expose_secret().trim_start_matches('?');
    let mut pairs = text.split('&');
    let is_one = pairs.any(|pair| pair.starts_with("sig=")) && !text.contains(['?', '#']);
    if is_one && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(settings.bad(
        "has a `sas_token` that is none: it is what comes after the `?` of an address, with a `sig=` in it",
    ))
}

impl Said {
    fn of(settings: &Settings<'_>) -> Result<Self> {
        let secret = |name| {
            let given = settings.secret(name);
            given.filter(|secret| !secret.expose_secret().is_empty())
        };
        let given: Vec<_> = SECRETS
            .into_iter()
            .filter(|name| secret(name).is_some())
            .collect();
        if let [one, other, ..] = given[..] {
            return Err(settings.bad(format!("takes one secret, and has `{one}` and `{other}`")));
        }
        let text = |key| settings.get(key).map(str::to_owned);
        let mut said = Self {
            endpoint: text("endpoint"),
            account: text("account_name"),
            key: secret("account_key").cloned(),
            signature: secret("sas_token").cloned(),
        };
        if let Some(connection) = secret("connection_string") {
            said.join(connection.expose_secret(), settings)?;
        }
        Ok(said)
    }

    /// What a connection string says; what the settings say beside it must be the same.
    fn join(&mut self, text: &str, settings: &Settings<'_>) -> Result<()> {
        let pairs: BTreeMap<String, &str> = text
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let get = |key: &str| pairs.get(key).copied().filter(|value| !value.is_empty());
        let is_emulated =
            get("usedevelopmentstorage").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let emulated = |value| is_emulated.then_some(value);

        let account = get("accountname").or(emulated(EMULATED));
        if let (Some(one), Some(other)) = (&self.account, account)
            && one != other
        {
            return Err(settings.bad(format!(
                "has the account `{one}`, and a connection string for `{other}`"
            )));
        }
        let (protocol, suffix) = (get("defaultendpointsprotocol"), get("endpointsuffix"));
        let is_built = protocol.is_some() || suffix.is_some();
        let built = account.filter(|_| is_built && !is_emulated).map(|account| {
            let suffix = suffix.unwrap_or("core.windows.net");
            format!("{}://{account}.blob.{suffix}", protocol.unwrap_or("https"))
        });
        let told = get("blobendpoint").map(str::to_owned).or(built);
        // An emulator may be anywhere.
        if let (Some(one), Some(other)) = (&self.endpoint, &told)
            && one.trim_end_matches('/') != other.trim_end_matches('/')
        {
            return Err(settings.bad("has an `endpoint`, and a connection string for another"));
        }
        let usual = || emulated(EMULATED_AT).map(str::to_owned);
        self.endpoint = self.endpoint.take().or(told).or_else(usual);
        self.account = self.account.take().or(account.map(str::to_owned));
        self.key = get("accountkey")
            .or(emulated(EMULATED_KEY))
            .map(SecretString::from);
        self.signature = get("sharedaccesssignature").map(SecretString::from);
        if self.key.is_none() && self.signature.is_none() {
            return Err(settings
                .bad("has a connection string with neither AccountKey nor SharedAccessSignature"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DestinationConfig, DestinationType};

    #[test]
    fn a_signature_is_in_no_address_but_that_of_a_request() {
        let config = DestinationConfig {
            id: "id".to_owned(),
            name: "name".to_owned(),
            destination_type: DestinationType::Azure,
            enabled: true,
            config: [("account_name", "ada"), ("container_name", "archives")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "me".to_owned(),
            last_backup_at: None,
            last_backup_status: None,
        };
        let token = "?se=2027-01-02&sig=a%2Bb%3D";
        let secrets = [("sas_token".to_owned(), SecretString::from(token))].into();
        let access = Access::new(&Settings::new(&config, &secrets)).unwrap();
        let container = "https://ada.blob.core.windows.net/archives";
        assert_eq!(access.container.as_str(), container);
        assert_eq!(access.ends(), "2027-01-02T00:00:00Z".parse().ok());
        for (asked, proven) in [
            ("", "?se=2027-01-02&sig=a%2Bb%3D"),
            ("?comp=list", "?comp=list&se=2027-01-02&sig=a%2Bb%3D"),
        ] {
            let url = Url::parse(&format!("{container}{asked}")).unwrap();
            let mut request = Request::new(http::Method::GET, url);
            access.prove(&mut request).unwrap();
            assert_eq!(request.url().as_str(), format!("{container}{proven}"));
        }
    }
}
