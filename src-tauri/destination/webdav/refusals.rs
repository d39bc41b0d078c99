//! What a WebDAV server's refusals mean, where they mean something more particular than HTTP's.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use super::Result;
use crate::destination::http::{Answer, refused as usual};
use crate::destination::{DestinationError, ErrorKind};

pub(super) fn is_missing(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 404 | 410)
}

pub(super) fn done(answer: &Answer, what: &str) -> Result<()> {
    if answer.status.is_success() {
        return Ok(());
    }
    Err(refused(answer, what))
}

pub(super) fn speaks_no_webdav(what: &str, status: StatusCode) -> DestinationError {
    let detail = format!("{what}: it answered {status}, as a server does that speaks no WebDAV");
    DestinationError::new(ErrorKind::Protocol, detail)
}

pub(super) fn refused(answer: &Answer, what: &str) -> DestinationError {
    let error = usual(answer, what);
    let (kind, more) = match answer.status.as_u16() {
        401 => (ErrorKind::Authentication, other_schemes(answer)),
        // Of a folder that is not there (RFC 4918, 9.7.1).
        409 => (ErrorKind::Missing, None),
        413 => {
            let more = "it takes no file of this size";
            (ErrorKind::Space, Some(more.to_owned()))
        }
        // Nextcloud locks for a moment what it works on.
        423 => {
            let more = "somebody else is working with it";
            (ErrorKind::Throttled, Some(more.to_owned()))
        }
        _ => (error.kind, None),
    };
    let detail = match more {
        Some(more) => format!("{}: {more}", error.detail),
        None => error.detail,
    };
    DestinationError {
        kind,
        detail,
        ..error
    }
}

/// What a server wants that does not want what it is sent.
fn other_schemes(answer: &Answer) -> Option<String> {
    let offers = answer.headers.get_all(WWW_AUTHENTICATE);
    let offers = offers.iter().filter_map(|offer| offer.to_str().ok());
    // A scheme is the first word of an offer, and an offer may follow another after a comma.
    let mut schemes: Vec<String> = offers
        .flat_map(|offer| offer.split(','))
        .filter_map(|part| part.split_whitespace().next())
        .filter(|word| !word.contains('='))
        .map(str::to_ascii_lowercase)
        .collect();
    schemes.dedup();
    if schemes.is_empty() || schemes.iter().any(|scheme| scheme == "basic") {
        return None;
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-';
    schemes.retain(|scheme| scheme.len() < 20 && scheme.chars().all(safe));
    Some(format!(
        "it wants {} authentication, and only basic is supported",
        schemes.join(" or ")
    ))
}
