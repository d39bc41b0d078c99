//! What a store says, and what is made of it: refusals by their meaning, listings without what a hostile store puts into them.

use holdfast::destination::ErrorKind;

use super::shop::Object;
use super::shop::{Pretender, error};
use super::{FOLDER, listed, object, opened};
use crate::network::{Sample, key, put, read, refused, with_call};
use crate::pretender::{Given, Turn};
use crate::servers::s3::{ACCESS_KEY, BASE};

/// Refuses everything; without words where it is asked with HEAD.
fn refusing(given: Given) -> Pretender {
    Pretender::start(move |_, _| Turn::Say(given.clone()))
}

/// Status, code and more; what it means, and what is told of it.
const REFUSALS: &[(u16, &str, &str, ErrorKind, &str)] = &[
    (
        403,
        "InvalidAccessKeyId",
        "",
        ErrorKind::Authentication,
        "InvalidAccessKeyId",
    ),
    (
        403,
        "SignatureDoesNotMatch",
        "",
        ErrorKind::Authentication,
        "SignatureDoesNotMatch",
    ),
    (
        400,
        "ExpiredToken",
        "",
        ErrorKind::Authentication,
        "ExpiredToken",
    ),
    (
        403,
        "AccessDenied",
        "<Message>Invalid signature</Message>",
        ErrorKind::Authentication,
        "signature",
    ),
    (
        403,
        "AccessDenied",
        "<Message>not for you</Message>",
        ErrorKind::Forbidden,
        "not for you",
    ),
    (
        403,
        "InvalidObjectState",
        "",
        ErrorKind::Forbidden,
        "storage class",
    ),
    (
        404,
        "NoSuchBucket",
        "",
        ErrorKind::Missing,
        "no bucket `archives`",
    ),
    (
        301,
        "PermanentRedirect",
        REGION,
        ErrorKind::Config,
        "eu-west-3",
    ),
    (
        307,
        "TemporaryRedirect",
        REGION,
        ErrorKind::Config,
        "eu-west-3",
    ),
    (
        400,
        "AuthorizationHeaderMalformed",
        REGION,
        ErrorKind::Config,
        "eu-west-3",
    ),
    (
        403,
        "RequestTimeTooSkewed",
        "",
        ErrorKind::Config,
        "differ by",
    ),
    (
        400,
        "KeyTooLongError",
        "",
        ErrorKind::Config,
        "KeyTooLongError",
    ),
    (
        400,
        "EntityTooLarge",
        "",
        ErrorKind::Space,
        "EntityTooLarge",
    ),
    (403, "QuotaExceeded", "", ErrorKind::Space, "QuotaExceeded"),
    (507, "XMinioStorageFull", "", ErrorKind::Space, "507"),
    (503, "SlowDown", "", ErrorKind::Throttled, "503"),
    (
        400,
        "RequestTimeout",
        "",
        ErrorKind::Timeout,
        "RequestTimeout",
    ),
    (500, "InternalError", "", ErrorKind::Unreachable, "500"),
    (418, "Teapot", "", ErrorKind::Protocol, "418"),
];
const REGION: &str = "<Region>eu-west-3</Region>";

#[test]
fn every_refusal_ends_as_its_own_kind_and_says_what_was_answered() {
    for (status, code, more, kind, told) in REFUSALS {
        let (kind, told) = (*kind, *told);
        let store = refusing(error(*status, code, more));
        let place = opened(&store.config(&[]));
        let mut each = |_| Ok(());
        let details = [
            refused(with_call(|call| place.stat(&key(1), call)), kind),
            refused(with_call(|call| place.get(&key(1), None, call)), kind),
            refused(with_call(|call| place.list("", call, &mut each)), kind),
            refused(with_call(|call| place.delete(&key(1), call)), kind),
            refused(
                with_call(|call| place.put(&key(1), &Sample::new(9).body, call)),
                kind,
            ),
        ];
        for detail in details {
            assert!(detail.contains(told), "{code}: {detail}");
        }
    }
}

#[test]
fn a_region_is_told_by_a_header_too() {
    let store = refusing(Given::new(301, "").with("x-amz-bucket-region", "eu-west-3"));
    let place = opened(&store.config(&[]));
    let detail = refused(
        with_call(|call| place.stat(&key(1), call)),
        ErrorKind::Config,
    );
    assert!(detail.contains("eu-west-3, not us-east-1"), "{detail}");
}

#[test]
fn a_clock_that_is_a_year_off_is_named() {
    let store = refusing(error(403, "RequestTimeTooSkewed", ""));
    store.store.lock().unwrap().ahead = jiff::SignedDuration::from_hours(365 * 24);
    let place = opened(&store.config(&[]));
    let detail = refused(
        with_call(|call| place.stat(&key(1), call)),
        ErrorKind::Config,
    );
    let year = 365 * 24 * 3600;
    assert!(
        (year - 5..year + 5).any(|s| detail.contains(&format!("{s} s"))),
        "{detail}"
    );
}

#[test]
fn the_words_of_a_store_repeat_no_key_and_move_no_text() {
    let words = format!(
        "<Message>the key {ACCESS_KEY} \u{202e} is &#x1b;[2J bad {}</Message>",
        "x".repeat(5000)
    );
    let store = refusing(error(403, "AccessDenied", &words));
    let place = opened(&store.config(&[]));
    let detail = refused(
        with_call(|call| place.get(&key(1), None, call)),
        ErrorKind::Forbidden,
    );
    assert!(!detail.contains(ACCESS_KEY), "{detail}");
    assert!(!detail.contains(['\u{202e}', '\u{1b}']), "{detail}");
    assert!(detail.len() < 600, "{}", detail.len());
    let store = refusing(error(418, &"x".repeat(5000), ""));
    let place = opened(&store.config(&[]));
    let detail = refused(
        with_call(|call| place.get(&key(1), None, call)),
        ErrorKind::Protocol,
    );
    assert!(detail.len() < 600, "{}", detail.len());
}

#[test]
fn what_is_not_there_is_told_from_what_may_not_be_seen() {
    let store = Pretender::start(|asked, _| match asked.operation() {
        "head" => Turn::Say(Given::new(403, "")),
        _ => Turn::AsUsual,
    });
    let place = opened(&store.config(&[]));
    refused(
        with_call(|call| place.stat(&key(1), call)),
        ErrorKind::Forbidden,
    );
    let honest = Pretender::honest();
    let place = opened(&honest.config(&[]));
    assert_eq!(with_call(|call| place.stat(&key(1), call)).unwrap(), None);
}

fn pages(pages: &[&str]) -> Pretender {
    let pages: Vec<_> = pages.iter().map(|page| (*page).to_owned()).collect();
    let mut turn = 0;
    Pretender::start(move |asked, _| {
        if asked.operation() != "list" {
            return Turn::AsUsual;
        }
        let page = &pages[turn % pages.len()];
        turn += 1;
        Turn::Say(Given::new(
            200,
            format!("<ListBucketResult>{page}</ListBucketResult>"),
        ))
    })
}

fn entry(key: &str, size: &str, time: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{time}</LastModified></Contents>"
    )
}

#[test]
fn a_hostile_listing_shows_archives_alone_once_and_as_they_are() {
    let name = "backup-tacacs-20261101-103000-manual.tar.gz.age";
    let mut page = String::new();
    for path in [
        format!("{BASE}/{FOLDER}/../{name}"),
        format!("{BASE}/../../{FOLDER}/{name}"),
        format!("{BASE}/{FOLDER}/..%2F{name}"),
        format!("/{BASE}/{FOLDER}/{name}"),
        format!("{FOLDER}/{name}"),
        format!("{BASE}/{FOLDER}/{name}/"),
        format!("{BASE}/{FOLDER}/{name}&#x1b;[2J"),
        format!("{BASE}/{FOLDER}/&#0;"),
        format!("{BASE}/{FOLDER}/.holdfast-0123-0123.upload"),
        format!("{BASE}/{name}"),
        format!("{BASE}/{FOLDER}/deeper/{name}"),
        format!("{BASE}//{FOLDER}/{name}"),
        format!("{BASE}/.holdfast-test/{FOLDER}/{name}"),
        String::new(),
    ] {
        // Such a name is no XML at all.
        if !path.contains("&#0;") {
            page += &entry(&path, "1", "2026-11-25T10:00:00.000Z");
        }
    }
    let first = object(&key(1));
    let more = [
        (
            object(&key(2)),
            "18446744073709551615",
            "9999-12-30T20:00:00Z",
        ),
        (
            object(&key(3)),
            "18446744073709551616",
            "2026-11-25T10:00:00Z",
        ),
        (object(&key(4)), "-1", "2026-11-25T10:00:00Z"),
        (object(&key(5)), "7", "0000-00-00T00:00:00Z"),
        (object(&key(6)), "7", "in the morning"),
    ];
    let twice = entry(&first, "7", "2026-11-25T10:00:00.000Z");
    page += &twice;
    page += &twice;
    for (path, size, time) in &more {
        page += &entry(path, size, time);
    }
    let store = pages(&[&page]);
    let found = listed(&*opened(&store.config(&[])), "").unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|one| (one.key.clone(), one.size, one.modified.is_some()))
        .collect();
    assert_eq!(
        seen,
        [
            (key(1), 7, true),
            (key(2), u64::MAX, true),
            (key(5), 7, false),
            (key(6), 7, false)
        ]
    );
}

#[test]
fn names_are_read_however_a_store_writes_them() {
    let plain = format!("{BASE}/{}", key(1).as_str());
    let percent = plain
        .replace('%', "%25")
        .replace('#', "%23")
        .replace(' ', "%20")
        .replace('ä', "%C3%A4")
        .replace('+', "%2B");
    let form = percent.replace("%20", "+");
    for written in [plain, percent, form] {
        let store = pages(&[&entry(&written, "7", "2026-11-25T10:00:00.000Z")]);
        let found = listed(&*opened(&store.config(&[])), "").unwrap();
        assert_eq!(found.len(), 1, "{written}");
        assert_eq!(found[0].key, key(1));
    }
}

#[test]
fn a_listing_without_end_ends() {
    let more = "<IsTruncated>true</IsTruncated>";
    let cases = [
        vec![format!(
            "{more}<NextContinuationToken>same</NextContinuationToken>"
        )],
        vec![more.to_owned()],
        vec![
            format!("{more}<NextContinuationToken>a</NextContinuationToken>"),
            format!("{more}<NextContinuationToken>b</NextContinuationToken>"),
        ],
    ];
    for case in &cases {
        let case: Vec<_> = case.iter().map(String::as_str).collect();
        let store = pages(&case);
        let detail = refused(
            listed(&*opened(&store.config(&[])), ""),
            ErrorKind::Protocol,
        );
        assert!(detail.contains("does not end"), "{detail}");
    }
}

#[test]
fn what_is_no_listing_is_no_empty_place() {
    for body in [
        "",
        "<html><body>Welcome to the hotel's network</body></html>",
        "<ListBucketResult><Contents>",
        "<ListAllMyBucketsResult/>",
        "<!DOCTYPE a [<!ENTITY b \"b\">]><ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>",
    ] {
        let store = refusing(Given::new(200, body));
        let detail = refused(
            listed(&*opened(&store.config(&[])), ""),
            ErrorKind::Protocol,
        );
        assert!(detail.contains("ListBucket"), "{body}: {detail}");
    }
}

#[test]
fn what_lies_beside_the_archives_is_neither_shown_nor_touched() {
    let store = Pretender::honest();
    let theirs = Object {
        bytes: b"theirs".to_vec(),
        mark: None,
        sha256: None,
    };
    let names = [
        "a",
        "b ä+%#/notes.txt",
        "b ä+%#x/tacacs-0a1b2c3d/manual/backup-tacacs-20261101-103000-manual.tar.gz.age",
    ];
    for name in names {
        store
            .store
            .lock()
            .unwrap()
            .objects
            .insert(name.to_owned(), theirs.clone());
    }
    let place = opened(&store.config(&[]));
    put(&*place, &key(1), &Sample::new(10)).unwrap();
    let found: Vec<_> = listed(&*place, "")
        .unwrap()
        .into_iter()
        .map(|one| one.key)
        .collect();
    assert_eq!(found, [key(1)]);
    assert_eq!(listed(&*place, "tacacs-0a1b2c3d").unwrap().len(), 1);
    assert_eq!(listed(&*place, "tacacs-0a1b2c3e").unwrap().len(), 0);
    with_call(|call| place.delete(&key(1), call)).unwrap();
    assert_eq!(store.holds(), (3, 0));
    refused(read(&*place, &key(1), None), ErrorKind::Missing);
}
