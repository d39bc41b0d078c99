//! What answers and failures of HTTP mean: by kind, in words, and how long what comes is. It asks nothing.

use std::error::Error as StdError;
use std::ops::Range;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_RANGE, HeaderMap, LOCATION, RANGE, RETRY_AFTER};
use reqwest::{Request, Response};
use url::Url;

use super::{Answer, Result};
use crate::destination::{DestinationError, ErrorKind, tls};

/// What `Range` asks for: `bytes=FIRST-LAST`, as the types write it.
pub(super) fn asked_range(request: &Request) -> Option<Range<u64>> {
    let text = request.headers().get(RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

/// How many bytes an answer brings. A part has to be a part of what was asked for, from its beginning.
pub(super) fn told_length(response: &Response, asked: Option<Range<u64>>) -> Result<u64> {
    let unclear = |detail: &str| Err(DestinationError::new(ErrorKind::Protocol, detail));
    let told = response.content_length();
    let length = match (response.status(), asked) {
        (StatusCode::PARTIAL_CONTENT, Some(asked)) => {
            let Some(part) = content_range(response.headers()) else {
                return unclear("the answer does not say which part it is");
            };
            if part.start != asked.start {
                return unclear("another part came than was asked for");
            }
            let length = part.end - part.start;
            if told.is_some_and(|told| told != length) {
                return unclear("the answer says two things about its length");
            }
            Some(length)
        }
        (StatusCode::PARTIAL_CONTENT, None) => {
            return unclear("a part came where the whole was asked for");
        }
        _ => told,
    };
    match length {
        Some(length) => Ok(length),
        None => unclear("the answer does not say how long it is"),
    }
}

/// `bytes FIRST-LAST/…`.
fn content_range(headers: &HeaderMap) -> Option<Range<u64>> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (part, _) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.trim().split_once('-')?;
    let (first, end) = (
        first.parse().ok()?,
        last.parse::<u64>().ok()?.checked_add(1)?,
    );
    (first < end).then_some(first..end)
}

/// A failure of the connection, by what it means.
pub(super) fn failed(error: &reqwest::Error) -> DestinationError {
    if let Some(trust) = tls::refusal(error) {
        return trust;
    }
    let text = causes(error);
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_builder() {
        ErrorKind::Config
    } else if speaks_no_http(error) {
        ErrorKind::Protocol
    } else if text.ends_with(PROXY_WANTS_LOGIN) {
        ErrorKind::Authentication
    } else if error.is_body() || error.is_decode() {
        ErrorKind::Truncated
    } else {
        ErrorKind::Unreachable
    };
    DestinationError::new(kind, text)
}

/// The text of a private error: nothing else tells it from a proxy that is not there.
const PROXY_WANTS_LOGIN: &str = "proxy authorization required";

fn speaks_no_http(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(told) = cause.downcast_ref::<hyper::Error>() {
            return told.is_parse();
        }
        next = cause.source();
    }
    false
}

/// What led to it, innermost last, without the address: it may hold a signature.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() {
        return "the connection failed".to_owned();
    }
    texts.join(": ")
}

/// What a status means where a type knows nothing more particular. `what`: what was done.
pub(in crate::destination) fn refused(answer: &Answer, what: &str) -> DestinationError {
    let kind = match answer.status.as_u16() {
        401 | 407 => ErrorKind::Authentication,
        403 | 405 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::Missing,
        408 | 504 => ErrorKind::Timeout,
        412 => ErrorKind::Exists,
        413 | 507 => ErrorKind::Space,
        416 => ErrorKind::Truncated,
        429 | 503 => ErrorKind::Throttled,
        500 | 502 => ErrorKind::Unreachable,
        _ => ErrorKind::Protocol,
    };
    let mut detail = format!("{what}: it answered {}", answer.status);
    if answer.status.is_redirection() {
        detail.push_str(" and points elsewhere");
        if let Some(place) = target(answer) {
            detail.push_str(": to ");
            detail.push_str(&place);
        }
    }
    DestinationError {
        retry_after: retry_after(answer),
        ..DestinationError::new(kind, detail)
    }
}

/// Where a redirect points, without what may be secret in it.
fn target(answer: &Answer) -> Option<String> {
    let url = Url::parse(answer.headers.get(LOCATION)?.to_str().ok()?).ok()?;
    let origin = url.origin();
    origin
        .is_tuple()
        .then(|| format!("{}{}", origin.ascii_serialization(), url.path()))
}

/// In seconds; a date is not looked at, the usual wait will do.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}
