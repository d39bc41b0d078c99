//! Whom a TLS connection trusts: the system's authorities, one of the user's own, or one certificate by its fingerprint.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use sha2::{Digest, Sha256};
use url::Url;

use super::settings::Settings;
use super::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// What a fingerprint begins with, here and in OpenSSH.
pub(super) const SHA256_PREFIX: &str = "SHA256:";

/// Whether a place cannot be spoken to but over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Always,
    /// Where it is spoken to in clear: only a proxy on the way may want it.
    AtMostOnTheWay,
}

impl Need {
    /// By its address.
    pub fn of(url: &Url) -> Self {
        if url.scheme() == "http" {
            Self::AtMostOnTheWay
        } else {
            Self::Always
        }
    }
}

/// From `ca_file` or `fingerprint`; else the system's authorities. A failure names the fingerprint of the certificate that was presented.
pub(super) fn client_config(settings: &Settings<'_>, need: Need) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let trust: Arc<dyn ServerCertVerifier> =
        match (settings.file("ca_file")?, settings.get("fingerprint")) {
            (Some(_), Some(_)) => {
                return Err(settings.bad("takes a `ca_file` or a `fingerprint`, not both"));
            }
            (Some(file), None) => authority(&file, &provider)?,
            (None, Some(text)) => Arc::new(Pinned {
                digest: fingerprint(text).ok_or_else(|| settings.bad(BAD_FINGERPRINT))?,
                provider: Arc::clone(&provider),
            }),
            (None, None) => match (Verifier::new(Arc::clone(&provider)), need) {
                (Ok(verifier), _) => Arc::new(verifier),
                // No certificate has this digest.
                (Err(_), Need::AtMostOnTheWay) => Arc::new(Pinned {
                    digest: [0; 32],
                    provider: Arc::clone(&provider),
                }),
                (Err(e), Need::Always) => return Err(without_authorities(&e)),
            },
        };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| untrusted("TLS cannot be used", &e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Telling(trust)))
        .with_no_client_auth();
    Ok(config)
}

/// On a machine that knows no authority.
fn without_authorities(why: &rustls::Error) -> DestinationError {
    let detail = format!(
        "this machine has no authorities to trust ({why}): install its package ca-certificates, or set `ca_file`"
    );
    DestinationError::new(ErrorKind::Config, detail)
}

const BAD_FINGERPRINT: &str = "takes a `fingerprint` such as SHA256: and 64 hexadecimal digits";

/// `SHA256:` and hexadecimal digits, in any case, with or without colons, as browsers and openssl show it.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(SHA256_PREFIX).unwrap_or(text);
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    hex::decode(digits).ok()?.try_into().ok()
}

fn authority(file: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let shown = file.display();
    let bad = |reason: &str| {
        let detail = format!("the `ca_file` {shown} {reason}");
        DestinationError::new(ErrorKind::Config, detail)
    };
    let text = std::fs::read(file).map_err(|e| {
        let detail = format!("the `ca_file` {shown} cannot be read");
        DestinationError::because(ErrorKind::Config, detail, e)
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| bad("is no PEM file"))?;
        roots
            .add(certificate)
            .map_err(|_| bad("holds a certificate that cannot be an authority"))?;
    }
    if roots.is_empty() {
        return Err(bad("holds no certificate"));
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|_| bad("cannot be used"))?;
    Ok(verifier)
}

fn untrusted(what: &str, cause: &rustls::Error) -> DestinationError {
    DestinationError::new(ErrorKind::Trust, format!("{what}: {cause}"))
}

/// The certificate was not trusted: which it was, and why.
#[derive(Debug)]
struct Refused {
    /// `SHA256:` and 64 digits.
    presented: String,
    why: rustls::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its certificate is not trusted: ")?;
        match &self.why {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                write!(f, "nobody known has signed it")
            }
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => write!(f, "it is for another host"),
            rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => write!(f, "it has expired"),
            rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
                write!(f, "it is not the one that was trusted")
            }
            why => write!(f, "{why}"),
        }
    }
}

impl StdError for Refused {}

/// What TLS says about a failed connection, wherever in the chain of causes; None where it was not about trust.
pub(super) fn refusal(error: &(dyn StdError + 'static)) -> Option<DestinationError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        next = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

fn of_tls(error: &rustls::Error) -> Option<DestinationError> {
    let refused = match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            other.downcast_ref::<Refused>()
        }
        _ => None,
    };
    match (refused, error) {
        (Some(refused), _) => Some(DestinationError {
            presented: Some(refused.presented.clone()),
            ..DestinationError::new(ErrorKind::Trust, refused.to_string())
        }),
        (None, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Some(untrusted("TLS failed", error))
        }
        // It will be no other the next time: no cipher in common, a certificate wanted of us.
        (None, rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_)) => Some(
            DestinationError::new(ErrorKind::Protocol, format!("TLS failed: {error}")),
        ),
        (None, rustls::Error::InvalidMessage(_)) => Some(DestinationError::new(
            ErrorKind::Protocol,
            "what answers there does not speak TLS",
        )),
        (None, _) => None,
    }
}

/// Passes a refusal on with the fingerprint of what was refused.
#[derive(Debug)]
struct Telling(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Telling {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|why| {
                let digest = hex::encode(Sha256::digest(end_entity));
                let presented = format!("{SHA256_PREFIX}{digest}");
                let refused = Refused { presented, why };
                CertificateError::Other(OtherError(Arc::new(refused))).into()
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// This certificate and no other, whatever it says of host and time: the user has seen it.
#[derive(Debug)]
struct Pinned {
    digest: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity).as_slice() == self.digest {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_taken_as_tools_show_it() {
        let hex = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        for text in [
            hex.clone(),
            format!("SHA256:{hex}"),
            format!("SHA256:{colons}"),
            colons,
        ] {
            assert_eq!(fingerprint(&text), Some([0xab; 32]), "{text}");
        }
        for text in ["", "SHA256:", "SHA256:abc", &"ab".repeat(33), "SHA1:00"] {
            assert_eq!(fingerprint(text), None, "{text}");
        }
    }
}
