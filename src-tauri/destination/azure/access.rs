//! Where a container is and what proves who asks: an account's key, a shared access signature, or a connection string that holds either.

use std::collections::BTreeMap;

use http::HeaderValue;
use jiff::Timestamp;
use reqsign_azure_storage::{Credential, RequestSigner};
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::destination::http::{checked_address, sign};
use crate::destination::settings::Settings;
use crate::destination::{DestinationError, ErrorKind};

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
/// Of the service's interface.
const VERSION: HeaderValue = HeaderValue::from_static("2023-11-03");

pub(super) struct Access {
    /// Its address; with a signature in its query, where one is what proves who asks.
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
    /// It is in the address.
    Signature,
}

/// What the settings, or a connection string, say.
#[derive(Default)]
struct Parts {
    endpoint: Option<String>,
    account: Option<String>,
    key: Option<SecretString>,
    signature: Option<SecretString>,
}

impl Access {
    pub fn new(settings: &Settings<'_>) -> Result<Self> {
        settings.allow(KNOWN)?;
        let container_name = settings.require("container_name")?.to_owned();
        let is_odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if container_name.len() < 3 || container_name.contains(is_odd) {
            return Err(settings.bad(format!(
                "takes a container's name of 3 and more lower-case letters, digits and `-`, not `{container_name}`"
            )));
        }
        let parts = Parts::of(settings)?;
        let endpoint = match (&parts.endpoint, &parts.account) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, Some(account)) => format!("https://{account}.blob.core.windows.net"),
            (None, None) => {
                return Err(settings.bad("needs an `account_name`, or an `endpoint`"));
            }
        };
        let mut container = checked_address(settings, "endpoint", &endpoint)?;
        if let Ok(mut path) = container.path_segments_mut() {
            path.pop_if_empty().push(&container_name);
        }
        let proof = match (parts.key, parts.signature) {
            (Some(key), None) => Proof::Key {
                signer: Box::new(RequestSigner::new()),
                account: parts
                    .account
                    .ok_or_else(|| settings.bad("needs an `account_name` with its key"))?,
                key,
            },
            (None, Some(signature)) => {
                let signature = signature.expose_secret().trim_start_matches('?');
                if !signature.contains("sig=") {
                    return Err(settings.bad("has a `sas_token` that is none: it has no `sig=`"));
                }
                container.set_query(Some(signature));
                Proof::Signature
            }
            _ => {
                return Err(settings
                    .bad("needs one secret: `account_key`, `sas_token` or `connection_string`"));
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

    /// When a signature ends, where it says so.
    pub fn valid_until(&self) -> Option<Timestamp> {
        let mut pairs = self.container.query_pairs();
        let (_, end) = pairs.find(|(name, _)| name == "se")?;
        end.parse().ok()
    }

    /// After all headers are there.
    pub fn prove(&self, request: &mut Request) -> Result<()> {
        request.headers_mut().insert("x-ms-version", VERSION);
        match &self.proof {
            Proof::Signature => Ok(()),
            Proof::Key {
                signer,
                account,
                key,
            } => {
                let credential = Credential::SharedKey {
                    account_name: account.clone(),
                    account_key: key.expose_secret().to_owned(),
                };
                sign(request, &**signer, &credential).map_err(|e| DestinationError {
                    detail: "the account key is none: it is no base64".to_owned(),
                    kind: ErrorKind::Config,
                    ..e
                })
            }
        }
    }
}

impl Parts {
    fn of(settings: &Settings<'_>) -> Result<Self> {
        let given: Vec<_> = SECRETS
            .iter()
            .filter(|name| {
                settings
                    .secret(name)
                    .is_some_and(|s| !s.expose_secret().is_empty())
            })
            .collect();
        if given.len() > 1 {
            return Err(settings.bad(format!(
                "takes one secret, and has `{}` and `{}`",
                given[0], given[1]
            )));
        }
        let text = |key| settings.get(key).map(str::to_owned);
        let mut parts = Self {
            endpoint: text("endpoint"),
            account: text("account_name"),
            key: settings.secret("account_key").cloned(),
            signature: settings.secret("sas_token").cloned(),
        };
        if let Some(connection) = settings.secret("connection_string") {
            parts.join(connection.expose_secret(), settings)?;
        }
        Ok(parts)
    }

    /// What a connection string says; what the settings say beside it must be the same.
    fn join(&mut self, text: &str, settings: &Settings<'_>) -> Result<()> {
        let pairs: BTreeMap<String, &str> = text
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let get = |key: &str| pairs.get(key).copied().filter(|value| !value.is_empty());
        let account = get("accountname").map(str::to_owned);
        if let (Some(one), Some(other)) = (&self.account, &account)
            && one != other
        {
            return Err(settings.bad(format!(
                "has the account `{one}`, and a connection string for `{other}`"
            )));
        }
        let endpoint = get("blobendpoint").map(str::to_owned).or_else(|| {
            let protocol = get("defaultendpointsprotocol").unwrap_or("https");
            let suffix = get("endpointsuffix").unwrap_or("core.windows.net");
            let account = account.as_ref()?;
            Some(format!("{protocol}://{account}.blob.{suffix}"))
        });
        if let (Some(one), Some(other)) = (&self.endpoint, &endpoint)
            && one.trim_end_matches('/') != other.trim_end_matches('/')
        {
            return Err(settings.bad("has an `endpoint`, and a connection string for another"));
        }
        self.account = self.account.take().or(account);
        self.endpoint = self.endpoint.take().or(endpoint);
        self.key = get("accountkey").map(SecretString::from);
        self.signature = get("sharedaccesssignature").map(SecretString::from);
        if self.key.is_none() && self.signature.is_none() {
            return Err(settings
                .bad("has a connection string with neither AccountKey nor SharedAccessSignature"));
        }
        Ok(())
    }
}
