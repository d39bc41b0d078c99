//! One request to a store, signed (AWS Signature Version 4), and its answer. It knows no operation.

use std::io::Read;

use ::http::{HeaderName, HeaderValue, Method};
use bytes::Bytes;
use reqsign_aws_v4::{Credential, EMPTY_STRING_SHA256, RequestSigner};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroize;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::refusal::Refusal;
use crate::destination::body::Outgoing;
use crate::destination::http::{self, Answer, Download, Http, Request};
use crate::destination::settings::Settings;
use crate::destination::{Call, DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// A bucket, and what it is asked with.
pub(super) struct Store {
    pub address: Address,
    http: Http,
    signer: RequestSigner,
    credential: Credential,
}

/// The signer wants plain texts: they are here alone, and overwritten at the end.
impl Drop for Store {
    fn drop(&mut self) {
        self.credential.access_key_id.zeroize();
        self.credential.secret_access_key.zeroize();
    }
}

/// What a store is asked.
#[must_use]
pub(super) struct Ask<'k> {
    method: Method,
    key: &'k str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// Of a body that is sent on its own; lower-case hex.
    sha256: Option<String>,
}

impl<'k> Ask<'k> {
    /// `key`: of an object; empty for the bucket.
    pub fn new(method: Method, key: &'k str) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            sha256: None,
        }
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub fn sha256(mut self, hex: impl Into<String>) -> Self {
        self.sha256 = Some(hex.into());
        self
    }

    /// For messages.
    fn what(&self) -> String {
        let operation = self.query.first().map(|(name, _)| *name);
        let operation = operation
            .map(|name| format!(" ?{name}"))
            .unwrap_or_default();
        if self.key.is_empty() {
            format!("{} the bucket{operation}", self.method)
        } else {
            format!("{} `{}`{operation}", self.method, self.key)
        }
    }
}

/// What was answered: success, or a refusal to look into.
pub(super) type Told<T> = std::result::Result<T, Box<Refusal>>;

impl Store {
    pub fn of(settings: &Settings<'_>) -> Result<Self> {
        let address = Address::of(settings)?;
        let secret = |name| {
            settings
                .require_secret(name)
                .map(ExposeSecret::expose_secret)
        };
        let (id, key) = (secret("access_key_id")?, secret("secret_access_key")?);
        if id.is_empty() || key.is_empty() {
            return Err(settings.bad("has an empty access_key_id or secret_access_key"));
        }
        Ok(Self {
            http: Http::new(settings, address.tls)?,
            signer: RequestSigner::new("s3", &address.region),
            credential: Credential {
                access_key_id: id.to_owned(),
                secret_access_key: key.to_owned(),
                session_token: None,
                expires_in: None,
            },
            address,
        })
    }

    /// Asks, and reads the answer.
    pub fn ask(&self, ask: Ask<'_>, call: &Call<'_>) -> Result<Told<Answer>> {
        let what = ask.what();
        let mut request = self.signed(&ask)?;
        *request.body_mut() = Some(ask.body.into());
        let answer = self.http.send(request, call)?;
        Ok(self.told(answer, &what))
    }

    /// Asks with `length` bytes of a body, whose digest the request has to name.
    pub fn send(
        &self,
        ask: &Ask<'_>,
        body: &mut dyn Outgoing,
        length: u64,
        call: &Call<'_>,
    ) -> Result<Told<Answer>> {
        let request = self.signed(ask)?;
        let answer = self.http.upload(request, body, length, call)?;
        Ok(self.told(answer, &ask.what()))
    }

    /// Asks for bytes: `length` of them, or as many as the answer says.
    pub fn fetch(
        &self,
        ask: &Ask<'_>,
        length: Option<u64>,
        call: &Call<'_>,
    ) -> Result<Told<impl Read + Send + use<>>> {
        let request = self.signed(ask)?;
        match self.http.download(request, length, call)? {
            Download::Refused(answer) => Ok(Err(self.refusal(&answer, &ask.what()))),
            Download::Content { reader, .. } => Ok(Ok(reader)),
        }
    }

    fn told(&self, answer: Answer, what: &str) -> Told<Answer> {
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(self.refusal(&answer, what))
        }
    }

    /// Of an answer that is none, whatever its status says.
    pub fn refusal(&self, answer: &Answer, what: &str) -> Box<Refusal> {
        let id = &self.credential.access_key_id;
        Box::new(Refusal::of(answer, what, &self.address, id))
    }

    fn signed(&self, ask: &Ask<'_>) -> Result<Request> {
        let mut request = http::request(ask.method.clone(), self.address.url(ask.key, &ask.query)?);
        let sha256 = match &ask.sha256 {
            Some(told) => told.clone(),
            None if ask.body.is_empty() => EMPTY_STRING_SHA256.to_owned(),
            None => hex::encode(Sha256::digest(&ask.body)),
        };
        let own = ask.headers.iter().map(|(name, value)| (*name, value));
        for (name, value) in own.chain([(CONTENT_SHA256, &sha256)]) {
            let value = HeaderValue::from_str(value).map_err(|_| {
                let detail = format!("{}: {name} has a value that it cannot have", ask.what());
                DestinationError::new(ErrorKind::Config, detail)
            })?;
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        http::sign(&mut request, &self.signer, &self.credential)?;
        Ok(request)
    }
}
