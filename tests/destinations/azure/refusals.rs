//! Every refusal of the service has its kind, says what can be done about it, and repeats nothing that was signed.

use holdfast::destination::{DestinationError, ErrorKind};
use jiff::SignedDuration;

use super::container::{Pretender, error, error_with};
use super::{Result, listed, opened_with, place, secrets};
use crate::network::{Sample, key, put, read, refused, with_call};
use crate::pretender::{Given, Turn};
use crate::servers::azurite::{secret, signature};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// As the service tells what it has signed.
const SIGNED: &str = "<Message>Server failed to authenticate the request. Make sure the value of Authorization header is formed \
    correctly including the signature.\nRequestId:1\nTime:2</Message><AuthenticationErrorDetail>Signature did not match. String to \
    sign used was secret-words sig=secret</AuthenticationErrorDetail>";

/// How each call fails where everything is refused so.
fn failures(given: &Given, by: &str) -> Vec<(&'static str, DestinationError)> {
    let given = given.clone();
    let service = Pretender::start(move |_, _| Turn::Say(given.clone()));
    let secrets = match by {
        "key" => secrets(),
        token => secret("sas_token", token),
    };
    let place = opened_with(&service.config(&[]), &secrets, 0);
    let of = |result: Result<()>| result.expect_err("it should have failed");
    vec![
        ("put", of(put(&*place, &key(1), &Sample::new(10)).map(drop))),
        ("get", of(read(&*place, &key(1), None).map(drop))),
        ("list", of(listed(&*place, "").map(drop))),
        (
            "stat",
            of(with_call(|call| place.stat(&key(1), call)).map(drop)),
        ),
        ("delete", of(with_call(|call| place.delete(&key(1), call)))),
    ]
}

#[test]
fn every_code_has_its_kind() {
    use ErrorKind::{
        Authentication, Config, Forbidden, Missing, Space, Throttled, Timeout, Unreachable,
    };
    for (status, code, kind, word) in [
        (
            403,
            "AuthenticationFailed",
            Authentication,
            "account key is not right",
        ),
        (
            403,
            "AuthorizationFailure",
            Authentication,
            "keeps this machine out",
        ),
        (
            400,
            "InvalidAuthenticationInfo",
            Authentication,
            "account key",
        ),
        (
            403,
            "KeyBasedAuthenticationNotPermitted",
            Authentication,
            "takes no keys",
        ),
        (403, "AccountIsDisabled", Forbidden, "disabled"),
        (404, "ContainerNotFound", Missing, "no container `archives`"),
        (
            409,
            "ContainerBeingDeleted",
            Missing,
            "no container `archives`",
        ),
        (404, "ResourceNotFound", Missing, "no such account"),
        (503, "ServerBusy", Throttled, "less often"),
        (500, "OperationTimedOut", Timeout, "too long"),
        (500, "InternalError", Unreachable, "trouble of its own"),
        (400, "InvalidResourceName", Config, "base path"),
        (400, "OutOfRangeInput", Config, "base path"),
        (413, "RequestBodyTooLarge", Space, "of this size"),
        (409, "BlobImmutableDueToPolicy", Forbidden, "policy"),
        (412, "LeaseIdMissing", Forbidden, "lease"),
        (409, "SnapshotsPresent", Forbidden, "snapshots"),
        (409, "BlobArchived", Forbidden, "thawed"),
        (418, "SomethingNew", ErrorKind::Protocol, "SomethingNew"),
    ] {
        for (call, error) in failures(&error_with(status, code, ""), "key") {
            assert_eq!(error.kind, kind, "{call}, {code}: {error}");
            assert!(error.detail.contains(word), "{call}, {code}: {error}");
        }
    }
}

#[test]
fn a_right_that_a_signature_lacks_is_named() {
    let token = signature("r", HOUR);
    let told = failures(&error(403, "AuthorizationPermissionMismatch"), &token);
    for ((call, error), right) in told.iter().zip(["(w)", "(r)", "(l)", "(r)", "(d)"]) {
        assert_eq!(error.kind, ErrorKind::Forbidden, "{call}: {error}");
        assert!(error.detail.contains(right), "{call}: {error}");
    }
    for (code, word) in [
        ("AuthorizationProtocolMismatch", "https"),
        ("AuthorizationResourceTypeMismatch", "srt"),
        ("AuthorizationServiceMismatch", "ss=b"),
        ("AuthorizationSourceIPMismatch", "address"),
        ("AuthorizationFailure", "keeps this machine out"),
    ] {
        for (call, error) in failures(&error(403, code), &token) {
            assert_eq!(error.kind, ErrorKind::Forbidden, "{call}: {error}");
            assert!(error.detail.contains(word), "{call}: {error}");
        }
    }
}

#[test]
fn a_signature_that_is_over_is_told_from_one_that_is_wrong() {
    let said = error_with(403, "AuthenticationFailed", SIGNED);
    let early = SIGNED.replace(
        "Signature did not match.",
        "Signature not valid in the specified time frame: Start [1] - Expiry [2] - Current [3]",
    );
    let early = error_with(403, "AuthenticationFailed", &early);
    let fresh = signature("rwdl", HOUR);
    let day = fresh.replace("se=", "se=2020-01-01&was=");
    for (given, token, word) in [
        (&said, signature("rwdl", -HOUR), "has expired"),
        (&said, day, "has expired"),
        (&said, fresh.clone(), "is not right"),
        (&early, fresh, "not valid at this time"),
    ] {
        for (call, error) in failures(given, &token) {
            assert_eq!(error.kind, ErrorKind::Authentication, "{call}: {error}");
            // An answer to HEAD has no text that could tell more.
            let told = error.detail.contains(word) || matches!(call, "put" | "stat");
            assert!(told, "{call}: {error}");
        }
    }
}

#[test]
fn nothing_that_was_signed_is_repeated() {
    let token = signature("rwdl", HOUR);
    let (_, mine) = token.rsplit_once("sig=").unwrap();
    for by in ["key", &token] {
        for code in [
            "AuthenticationFailed",
            "AuthorizationFailure",
            "SomethingNew",
        ] {
            for (call, error) in failures(&error_with(403, code, SIGNED), by) {
                let told = format!("{error} {error:?}");
                let secrets = ["secret", "sig=", mine, "SharedKey"];
                let leaked = secrets.iter().find(|secret| told.contains(**secret));
                assert_eq!(leaked, None, "{call}: {told}");
            }
        }
    }
    // Nor where nobody answers.
    let nobody = Pretender::honest().config(&[("endpoint", "http://127.0.0.1:1/devstoreaccount1")]);
    let place = opened_with(&nobody, &secret("sas_token", &token), 0);
    let error = listed(&*place, "").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(!format!("{error:?}").contains(mine), "{error:?}");
}

#[test]
fn odd_codes_harm_nobody() {
    let odd = format!("\u{202e}\u{1b}[31m{}", "x".repeat(5000));
    let text = format!("<Error><Code>{odd}</Code></Error>");
    let service = Pretender::first("list", 1, move || Turn::Say(Given::new(400, &*text)));
    let detail = refused(listed(&*place(&service), ""), ErrorKind::Protocol);
    assert!(
        detail.len() < 200 && !detail.contains(['\u{202e}', '\u{1b}']),
        "{detail}"
    );
}

#[test]
fn clocks_that_are_apart_are_told_from_a_wrong_key() {
    let service = Pretender::first("list", 1, || {
        Turn::Say(error_with(403, "AuthenticationFailed", SIGNED))
    });
    service.store.lock().unwrap().ahead = SignedDuration::from_hours(24);
    let detail = refused(listed(&*place(&service), ""), ErrorKind::Authentication);
    assert!(detail.contains("minutes apart"), "{detail}");
}

#[test]
fn a_service_says_when_it_wants_to_be_asked_again() {
    let busy = error(503, "ServerBusy").with("Retry-After", "7");
    let told = failures(&busy, "key");
    assert!(
        told.iter().all(|(_, error)| error.retry_after.is_some()),
        "{told:?}"
    );
}
