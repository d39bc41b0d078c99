//! What a store says when it refuses, by what it means. It decides nothing about another try.

use std::time::Duration;

use http::StatusCode;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};

use super::address::Address;
use super::answers;
use crate::destination::http::{self as requests, Answer};
use crate::destination::{DestinationError, ErrorKind};
use crate::model::harmless;

const REGION: &str = "x-amz-bucket-region";
/// What of a store's own words is passed on.
const LONGEST_MESSAGE: usize = 300;
const LONGEST_CODE: usize = 80;
const AWAY: &str = "the store has put the archive away and has to bring it back first (a restore of its storage class)";

pub(super) struct Refusal {
    pub status: StatusCode,
    /// Empty where nothing was said: to a HEAD.
    pub code: String,
    message: String,
    what: String,
    bucket: String,
    /// Where the bucket is, if that is elsewhere.
    region: Option<String>,
    asked_region: String,
    /// By how much the store's clock is ahead.
    ahead: Option<SignedDuration>,
    retry_after: Option<Duration>,
    /// What the status alone means.
    by_status: ErrorKind,
}

impl Refusal {
    /// `secret`: what no message repeats.
    pub fn of(answer: &Answer, what: &str, address: &Address, secret: &str) -> Self {
        let said = answers::error(&answer.body).unwrap_or_default();
        let by_status = requests::refused(answer, what);
        let region = answer.header(REGION).map(str::to_owned).or(said.region);
        let message = said.message.replace(secret, "…");
        Self {
            status: answer.status,
            code: said.code.chars().take(LONGEST_CODE).collect(),
            message: message.chars().take(LONGEST_MESSAGE).collect(),
            what: what.to_owned(),
            bucket: address.bucket.clone(),
            region: region.filter(|found| *found != address.region),
            asked_region: address.region.clone(),
            ahead: date(answer).map(|there| there.duration_since(Timestamp::now())),
            retry_after: by_status.retry_after,
            by_status: by_status.kind,
        }
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// As to a HEAD, where others have words: a status, and sometimes a region, is all that is said.
    pub fn has_no_words(&self) -> bool {
        let has_reasons = matches!(self.status.as_u16(), 301 | 307 | 400 | 401 | 403 | 404);
        has_reasons && self.code.is_empty() && self.region.is_none()
    }

    /// Of what the store does not know how to do.
    pub fn is_unknown_there(&self) -> bool {
        matches!(self.status.as_u16(), 405 | 501) || self.is("NotImplemented")
    }

    /// It does not take this header.
    pub fn refuses_header(&self, name: &str) -> bool {
        let is_bad = matches!(self.status.as_u16(), 400 | 501);
        is_bad && self.message.to_ascii_lowercase().contains(name)
    }

    fn kind(&self) -> ErrorKind {
        match self.code.as_str() {
            _ if self.region.is_some() && self.is_elsewhere() => ErrorKind::Config,
            "AccessDenied" if self.message.to_ascii_lowercase().contains("signature") => {
                ErrorKind::Authentication
            }
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "ExpiredToken"
            | "InvalidSecurity"
            | "NotSignedUp"
            | "AuthorizationHeaderMalformed"
            | "TokenRefreshRequired"
            | "UnauthorizedAccess" => ErrorKind::Authentication,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "InvalidObjectState"
            | "MethodNotAllowed" | "InvalidPayer" => ErrorKind::Forbidden,
            "InvalidBucketName"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "KeyTooLongError"
            | "RequestTimeTooSkewed"
            | "RequestExpired"
            | "InvalidRegion" => ErrorKind::Config,
            "NoSuchBucket" | "NoSuchKey" | "NoSuchVersion" => ErrorKind::Missing,
            "PreconditionFailed" => ErrorKind::Exists,
            "EntityTooLarge"
            | "QuotaExceeded"
            | "InsufficientCapacity"
            | "InsufficientStorage"
            | "XMinioStorageFull"
            | "XMinioAdminBucketQuotaExceeded" => ErrorKind::Space,
            // Two at once: one of them is to come again.
            "SlowDown"
            | "SlowDownRead"
            | "SlowDownWrite"
            | "ServiceUnavailable"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "Busy"
            | "BandwidthLimitExceeded"
            | "OperationAborted"
            | "ConditionalRequestConflict" => ErrorKind::Throttled,
            "RequestTimeout" => ErrorKind::Timeout,
            "InternalError" => ErrorKind::Unreachable,
            // What arrived is not what was sent, or is gone: to be sent again.
            "IncompleteBody"
            | "BadDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch"
            | "NoSuchUpload"
            | "InvalidRange" => ErrorKind::Truncated,
            _ => self.by_status,
        }
    }

    /// A redirect, or a signature for a region that is not the bucket's.
    fn is_elsewhere(&self) -> bool {
        self.status.is_redirection() || self.status == StatusCode::BAD_REQUEST
    }

    fn reason(&self) -> Option<String> {
        Some(match (self.code.as_str(), &self.region) {
            (_, Some(region)) if self.is_elsewhere() => {
                let asked = &self.asked_region;
                format!("the bucket is in the region {region}, not {asked}")
            }
            ("NoSuchBucket", _) => format!("no bucket `{}`", self.bucket),
            ("RequestTimeTooSkewed" | "RequestExpired", _) => match self.ahead {
                Some(ahead) => {
                    let seconds = ahead.as_secs().abs();
                    format!("the clock here and the clock there differ by {seconds} s")
                }
                None => "the clock here and the clock there differ".to_owned(),
            },
            ("InvalidObjectState", _) => AWAY.to_owned(),
            _ if self.message.is_empty() => return None,
            _ => self.message.clone(),
        })
    }

    pub fn into_error(self) -> DestinationError {
        let kind = self.kind();
        let mut detail = format!("{}: it answered {}", self.what, self.status.as_u16());
        if !self.code.is_empty() {
            detail.push(' ');
            detail.push_str(&harmless(&self.code));
        }
        if let Some(reason) = self.reason() {
            detail.push_str(": ");
            detail.push_str(&harmless(&reason));
        }
        DestinationError {
            retry_after: self.retry_after,
            ..DestinationError::new(kind, detail)
        }
    }
}

/// The store's own clock.
pub(super) fn date(answer: &Answer) -> Option<Timestamp> {
    requests::date(answer.header(DATE.as_str())?)
}
