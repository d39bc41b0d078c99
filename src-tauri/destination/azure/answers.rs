//! What the service answers: its XML, and what its errors mean. It sends nothing.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access::Access;
use crate::destination::http::{self, Answer};
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of `List Blobs`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(default)]
    pub blobs: Blobs,
    pub next_marker: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Blobs {
    #[serde(rename = "Blob")]
    pub blobs: Vec<Blob>,
    #[serde(rename = "BlobPrefix")]
    pub prefixes: Vec<Prefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Blob {
    pub name: String,
    pub properties: Properties,
}

#[derive(Deserialize)]
pub(super) struct Properties {
    #[serde(rename = "Content-Length")]
    pub length: u64,
    #[serde(rename = "Last-Modified", default)]
    pub modified: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prefix {
    pub name: String,
}

/// Of `Get Block List`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BlockList {
    #[serde(default)]
    pub uncommitted_blocks: Blocks,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Blocks {
    #[serde(rename = "Block")]
    pub blocks: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Block {
    pub name: String,
    pub size: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Failure {
    code: String,
    message: String,
}

pub(super) fn parsed<T: DeserializeOwned>(answer: &Answer, what: &str) -> Result<T> {
    let text = std::str::from_utf8(&answer.body).ok();
    let text = text.map(|text| text.trim_start_matches('\u{feff}'));
    text.and_then(|text| quick_xml::de::from_str(text).ok())
        .ok_or_else(|| {
            let detail = format!("{what}: the answer cannot be understood");
            DestinationError::new(ErrorKind::Protocol, detail)
        })
}

/// The code of a refusal: in a header, also where there is no body.
fn code(answer: &Answer) -> (String, String) {
    let told: Failure = parsed(answer, "").unwrap_or_default();
    let code = answer.header("x-ms-error-code").map(str::to_owned);
    (code.unwrap_or(told.code), told.message)
}

pub(super) fn says(answer: &Answer, wanted: &str) -> bool {
    code(answer).0 == wanted
}

pub(super) fn refused(answer: &Answer, what: &str, access: &Access) -> DestinationError {
    let (code, message) = code(answer);
    let usual = http::refused(answer, what);
    let is_over = access
        .valid_until()
        .is_some_and(|end| end < Timestamp::now());
    let (kind, why) = match code.as_str() {
        _ if is_over && matches!(usual.kind, ErrorKind::Authentication | ErrorKind::Forbidden) => (
            ErrorKind::Authentication,
            "the shared access signature has expired".to_owned(),
        ),
        "ContainerNotFound" | "ContainerBeingDeleted" | "ContainerDisabled" => (
            ErrorKind::Missing,
            format!("there is no container `{}`", access.container_name),
        ),
        "ResourceNotFound" | "BlobNotFound" => (ErrorKind::Missing, "it is not there".to_owned()),
        "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => {
            (ErrorKind::Authentication, authentication(answer, &message))
        }
        // Who has the key may do everything: it is another key, or the account's firewall.
        "AuthorizationFailure" if access.is_by_key() => (
            ErrorKind::Authentication,
            "the account key is not right, or the account keeps this machine out".to_owned(),
        ),
        "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "InsufficientAccountPermissions"
        | "AuthorizationProtocolMismatch"
        | "AuthorizationResourceTypeMismatch"
        | "AuthorizationServiceMismatch"
        | "AuthorizationSourceIPMismatch" => (
            ErrorKind::Forbidden,
            format!("the key or signature does not allow it ({code})"),
        ),
        "AccountIsDisabled" => (ErrorKind::Forbidden, "the account is disabled".to_owned()),
        "BlobAlreadyExists" | "UnauthorizedBlobOverwrite" => {
            (ErrorKind::Exists, "the name is taken".to_owned())
        }
        "BlobImmutableDueToPolicy" => (
            ErrorKind::Forbidden,
            "the container keeps what is in it from being changed for a time".to_owned(),
        ),
        "LeaseIdMissing" | "LeaseNotPresentWithBlobOperation" => (
            ErrorKind::Forbidden,
            "somebody holds a lease on it".to_owned(),
        ),
        "BlobArchived" | "BlobBeingRehydrated" => (
            ErrorKind::Forbidden,
            "the archive lies in cold storage and has to be thawed there first".to_owned(),
        ),
        "ServerBusy" => (
            ErrorKind::Throttled,
            "it wants to be asked less often".to_owned(),
        ),
        "OperationTimedOut" => (ErrorKind::Timeout, "it took too long there".to_owned()),
        "InternalError" => (
            ErrorKind::Unreachable,
            "it has trouble of its own".to_owned(),
        ),
        "Md5Mismatch" | "InvalidMd5" | "Crc64Mismatch" => (
            ErrorKind::Truncated,
            "other bytes came there than were sent".to_owned(),
        ),
        "InvalidBlockList" => (
            ErrorKind::Truncated,
            "it does not have all blocks any more".to_owned(),
        ),
        "RequestBodyTooLarge" => (ErrorKind::Space, "it is too large".to_owned()),
        "" => return usual,
        code => (usual.kind, code.to_owned()),
    };
    DestinationError {
        kind,
        detail: format!("{what}: {why}"),
        ..usual
    }
}

/// The service tells several things by one code.
fn authentication(answer: &Answer, message: &str) -> String {
    let now = Timestamp::now();
    let theirs = answer.header("date").and_then(http::date);
    let skew = theirs.map(|theirs| now.duration_since(theirs).abs().as_secs());
    let text = message.to_ascii_lowercase();
    if text.contains("signature not valid in the specified time frame") || text.contains("expir") {
        return "the signature is not valid at this time: it has expired, or is for later"
            .to_owned();
    }
    match skew {
        Some(seconds) if seconds > 15 * 60 => {
            format!("the clock of this machine differs by {seconds} s from its own")
        }
        _ => "the key or signature is not right".to_owned(),
    }
}
