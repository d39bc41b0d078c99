//! What the service's refusals mean, by their codes. Nothing that was signed is repeated.

use jiff::{SignedDuration, Timestamp};

use super::access::Access;
use super::answers::{Failure, failure};
use crate::destination::http::{self, Answer};
use crate::destination::{DestinationError, ErrorKind};
use crate::model::harmless;

/// By which the service takes a signed request, or one too old.
const SKEW: SignedDuration = SignedDuration::from_mins(15);
/// Of a code that nobody knows.
const LONGEST_CODE: usize = 80;

/// What a signature has to allow for a request.
#[derive(Clone, Copy)]
pub(super) enum Right {
    Read,
    List,
    Write,
    Delete,
}

impl Right {
    fn told(self) -> &'static str {
        match self {
            Self::Read => "read (r)",
            Self::List => "list (l)",
            Self::Write => "write (w)",
            Self::Delete => "delete (d)",
        }
    }
}

/// The code of a refusal: in a header, also where there is no body.
pub(super) fn code(answer: &Answer) -> String {
    let code = answer.header("x-ms-error-code").map(str::to_owned);
    code.unwrap_or_else(|| failure(answer).code)
}

/// `what`: what was done; `right`: what had to be allowed for it.
pub(super) fn refused(
    answer: &Answer,
    what: &str,
    right: Right,
    access: &Access,
) -> DestinationError {
    let code = code(answer);
    let usual = http::refused(answer, what);
    if code.is_empty() {
        return usual;
    }
    let known = rights(&code, answer, right, access)
        .or_else(|| state(&code, access))
        .or_else(|| trouble(&code));
    let (kind, why) = known.unwrap_or_else(|| {
        let code = harmless(&code).chars().take(LONGEST_CODE).collect();
        (usual.kind, code)
    });
    DestinationError {
        kind,
        detail: format!("{what}: {why}"),
        ..usual
    }
}

type Meaning = (ErrorKind, String);

fn rights(code: &str, answer: &Answer, right: Right, access: &Access) -> Option<Meaning> {
    let told = failure(answer);
    let theirs = answer.header("date").and_then(http::date);
    let now = theirs.unwrap_or_else(Timestamp::now);
    let (kind, why) = match code {
        "AuthenticationFailed"
        | "AuthorizationFailure"
        | "InvalidAuthenticationInfo"
        | "NoAuthenticationInformation"
            if access.ends().is_some_and(|end| end < now) =>
        {
            (ErrorKind::Authentication, "the signature has expired")
        }
        "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => {
            return Some((ErrorKind::Authentication, unproven(&told, theirs, access)));
        }
        "AuthorizationFailure" if says(&told, "failed to authenticate") => {
            return Some((ErrorKind::Authentication, unproven(&told, theirs, access)));
        }
        // Who has the key may do everything. An answer without text does not tell a wrong key from a closed account.
        "AuthorizationFailure" if access.is_by_key() && told.message.is_empty() => (
            ErrorKind::Authentication,
            "the account key is not right, or the account keeps this machine out",
        ),
        "AuthorizationFailure" => (
            ErrorKind::Forbidden,
            "the account keeps this machine out, or the signature is not for this",
        ),
        "KeyBasedAuthenticationNotPermitted" => (
            ErrorKind::Authentication,
            "the account takes no keys and no signatures made with them",
        ),
        "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" => {
            let why = format!("the signature lacks the right to {}", right.told());
            return Some((ErrorKind::Forbidden, why));
        }
        "AuthorizationProtocolMismatch" => {
            (ErrorKind::Forbidden, "the signature is for https alone")
        }
        "AuthorizationResourceTypeMismatch" => (
            ErrorKind::Forbidden,
            "the signature is not for containers and objects (srt=co)",
        ),
        "AuthorizationServiceMismatch" => (
            ErrorKind::Forbidden,
            "the signature is not for blobs (ss=b)",
        ),
        "AuthorizationSourceIPMismatch" => (
            ErrorKind::Forbidden,
            "the signature is for another machine's address",
        ),
        "AccountIsDisabled" => (ErrorKind::Forbidden, "the account is disabled"),
        _ => return None,
    };
    Some((kind, why.to_owned()))
}

/// What is there, or is not, or must stay as it is.
fn state(code: &str, access: &Access) -> Option<Meaning> {
    let (kind, why) = match code {
        "ContainerNotFound" | "ContainerBeingDeleted" | "ContainerDisabled" => {
            let why = format!("there is no container `{}`", access.container_name);
            return Some((ErrorKind::Missing, why));
        }
        "BlobNotFound" => (ErrorKind::Missing, "it is not there"),
        "ResourceNotFound" => (ErrorKind::Missing, "there is no such account"),
        "BlobAlreadyExists" | "ConditionNotMet" | "UnauthorizedBlobOverwrite" => {
            (ErrorKind::Exists, "the name is taken")
        }
        "InvalidBlobType" => (
            ErrorKind::Exists,
            "the name is taken by another kind of blob",
        ),
        "InvalidBlobOrBlock" => (
            ErrorKind::Exists,
            "another program has begun to write under this name",
        ),
        "SnapshotsPresent" => (
            ErrorKind::Forbidden,
            "it has snapshots, which were made elsewhere and stay",
        ),
        "BlobArchived" | "BlobBeingRehydrated" => (
            ErrorKind::Forbidden,
            "the archive lies in cold storage and has to be thawed there first",
        ),
        code if code.starts_with("BlobImmutable") => (
            ErrorKind::Forbidden,
            "a policy keeps what is in the container from being changed or deleted",
        ),
        code if code.starts_with("Lease") => (ErrorKind::Forbidden, "somebody holds a lease on it"),
        "InvalidResourceName" | "InvalidUri" | "OutOfRangeInput" => (
            ErrorKind::Config,
            "the service takes no such name: look at the container and the base path",
        ),
        "InvalidRange" => (ErrorKind::Truncated, "it is shorter"),
        _ => return None,
    };
    Some((kind, why.to_owned()))
}

fn trouble(code: &str) -> Option<Meaning> {
    let (kind, why) = match code {
        "ServerBusy" => (ErrorKind::Throttled, "it wants to be asked less often"),
        "OperationTimedOut" => (ErrorKind::Timeout, "it took too long there"),
        "InternalError" => (ErrorKind::Unreachable, "it has trouble of its own"),
        "Md5Mismatch" | "Crc64Mismatch" => (
            ErrorKind::Truncated,
            "other bytes came there than were sent",
        ),
        "InvalidBlockList" => (ErrorKind::Truncated, "it does not have all blocks any more"),
        "RequestBodyTooLarge" | "BlockCountExceedsLimit" => {
            (ErrorKind::Space, "it takes no archive of this size")
        }
        _ => return None,
    };
    Some((kind, why.to_owned()))
}

fn says(told: &Failure, words: &str) -> bool {
    let texts = [&told.message, &told.authentication_error_detail];
    texts
        .iter()
        .any(|text| text.to_ascii_lowercase().contains(words))
}

/// The service tells several things by one code.
fn unproven(told: &Failure, theirs: Option<Timestamp>, access: &Access) -> String {
    if !access.is_by_key() {
        let why = if says(told, "in the specified time frame") {
            "the signature is not valid at this time"
        } else {
            "the signature is not right"
        };
        return why.to_owned();
    }
    let apart = theirs.map(|theirs| Timestamp::now().duration_since(theirs).abs());
    match apart {
        Some(apart) if apart > SKEW => format!(
            "its clock and this machine's are {} minutes apart: it takes {}",
            apart.as_mins(),
            SKEW.as_mins()
        ),
        _ if says(told, "date header too old") => {
            "it finds the request too old: the clock of this machine is not right".to_owned()
        }
        _ => "the account key is not right".to_owned(),
    }
}
