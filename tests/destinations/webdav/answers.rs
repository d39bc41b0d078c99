//! Answers that lie about themselves, or never come.

use std::io::Read;
use std::time::{Duration, Instant};

use holdfast::destination::retry::Patience;
use holdfast::destination::{Call, DestinationError, ErrorKind};
use holdfast::model::{Cancel, NoObserver};

use super::pretender::{Act, BASE, MIB, Pretender, path};
use super::{FOLDER, Sample, bytes, hurried, key, kind, opened, put, read, read_range, with_call};

#[test]
fn a_whole_answer_is_never_taken_for_a_part() {
    let server = Pretender::new(|_, _| Act::Without("range"));
    let content = bytes(9 * MIB);
    server.place(&path(1), &content);
    let place = opened(&server.config(&[]));
    assert!(place.capabilities().ranges);
    let near = read_range(&*place, &key(1), 1000..3_000_000).unwrap();
    assert!(near == content[1000..3_000_000]);
    assert!(!place.capabilities().ranges);
    let end = content.len() as u64;
    assert_eq!(
        read_range(&*place, &key(1), end - 5..end),
        Err(ErrorKind::Protocol)
    );
    assert_eq!(
        read_range(&*place, &key(1), 5..end + 1),
        Err(ErrorKind::Truncated)
    );
}

/// A byte now and then, each in time.
#[test]
fn a_server_that_answers_drop_by_drop_is_left_in_time() {
    for method in ["PROPFIND", "GET"] {
        let server = Pretender::new(move |asked, _| {
            if asked.is(method) {
                Act::DripAfterHead
            } else {
                Act::Usual
            }
        });
        server.place(&path(1), &bytes(1000));
        let place = opened(&server.config(&[("timeout", "1")]));
        let began = Instant::now();
        let cancel = Cancel::new();
        let call = Call {
            patience: Some(Patience::NONE),
            ..Call::new(&cancel, &NoObserver)
        };
        let failed = if method == "GET" {
            let mut reader = place.get(&key(1), None, &call).unwrap();
            let cut = reader.read_to_end(&mut Vec::new()).unwrap_err();
            DestinationError::of_read(&cut).unwrap().kind
        } else {
            kind(place.stat(&key(1), &call))
        };
        assert_eq!(failed, ErrorKind::Timeout, "{method}");
        assert!(began.elapsed() < Duration::from_secs(5), "{method}");
    }
}

/// At a server that gives no parts: what is cut on the way to one is no range past the end.
#[test]
fn a_part_that_is_cut_before_it_begins_is_asked_for_again() {
    let content = bytes(2 * MIB);
    let whole = content.clone();
    let server = Pretender::new(move |asked, server| match asked.earlier {
        0 if asked.is("GET") => {
            let mut answer = server.say("200 OK", "", &whole);
            answer.truncate(MIB);
            Act::Say(answer)
        }
        _ => Act::Without("range"),
    });
    server.place(&path(1), &content);
    let end = content.len();
    let part = read_range(
        &*hurried(&server.config(&[])),
        &key(1),
        end as u64 - 9..end as u64,
    );
    assert!(part.unwrap() == content[end - 9..]);
    assert_eq!(server.times("GET"), 2);
}

#[test]
fn another_part_than_was_asked_for_is_refused() {
    for (head, expected) in [
        ("Content-Range: bytes 0-9/100\r\n", ErrorKind::Protocol),
        ("Content-Range: bytes 10-15/16\r\n", ErrorKind::Truncated),
        ("Content-Range: bytes 10-25/100\r\n", ErrorKind::Protocol),
        ("Content-Range: nonsense\r\n", ErrorKind::Protocol),
        ("", ErrorKind::Protocol),
    ] {
        let server = Pretender::new(move |asked, server| {
            if asked.is("GET") {
                let length = if head.contains("15/16") {
                    6
                } else if head.contains("25") {
                    16
                } else {
                    10
                };
                Act::SayLater(server.say("206 Partial Content", head, &vec![0; length]))
            } else {
                Act::Usual
            }
        });
        server.place(&path(1), &bytes(100));
        let place = opened(&server.config(&[]));
        assert_eq!(
            read_range(&*place, &key(1), 10..20),
            Err(expected),
            "{head}"
        );
    }
}

#[test]
fn an_answer_that_is_shorter_than_it_says_is_gone_on_from() {
    // Each answer ends after a megabyte, whatever it has said.
    let server = Pretender::new(|asked, _| {
        if asked.is("GET") {
            Act::AnswerOnly(MIB)
        } else {
            Act::Usual
        }
    });
    let content = bytes(3 * MIB);
    server.place(&path(1), &content);
    assert!(read(&*opened(&server.config(&[])), &key(1)) == content);
    assert_eq!(server.times("GET"), 4);
}

#[test]
fn an_answer_without_a_length_is_refused() {
    let server = Pretender::new(|asked, _| {
        if asked.is("GET") {
            Act::Say(b"HTTP/1.1 200 OK\r\n\r\nwho knows".to_vec())
        } else {
            Act::Usual
        }
    });
    server.place(&path(1), b"who knows");
    let place = opened(&server.config(&[]));
    let got = with_call(|call| place.get(&key(1), None, call).map(drop));
    assert_eq!(kind(got), ErrorKind::Protocol);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let server = Pretender::new(|asked, server| {
        if asked.is("PUT") && asked.earlier < 2 {
            Act::SayLater(server.say("503 Service Unavailable", "Retry-After: 1\r\n", b""))
        } else {
            Act::Usual
        }
    });
    put(&*opened(&server.config(&[])), &key(1), b"some").unwrap();
    assert_eq!((server.times("PUT"), server.files()), (3, vec![path(1)]));

    let server = Pretender::new(|asked, server| {
        if asked.is("PUT") {
            Act::SayLater(server.say("503 Service Unavailable", "Retry-After: 3600\r\n", b""))
        } else {
            Act::Usual
        }
    });
    let error = put(&*opened(&server.config(&[])), &key(1), b"some").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_hours(1)));
    assert_eq!(server.files(), [""; 0]);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Pretender::faithful();
    let target = elsewhere.url();
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let target = target.clone();
        let server = Pretender::new(move |_, server| {
            Act::SayLater(server.say(
                status,
                &format!("Location: {target}/x?token=s3cret\r\n"),
                b"",
            ))
        });
        let place = opened(&server.config(&[]));
        let error = with_call(|call| place.list("", call, &mut |_| Ok(()))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(
            error.detail.contains(&elsewhere.url()) && !error.detail.contains("s3cret"),
            "{error}"
        );
    }
    assert_eq!(elsewhere.asked(), [""; 0]);
}

#[test]
fn what_speaks_no_webdav_is_told_so() {
    type Say = fn(&Pretender) -> Vec<u8>;
    let answers: [(Say, &str); 4] = [
        (
            |server| server.say("405 Method Not Allowed", "", b""),
            "no WebDAV",
        ),
        (
            |server| server.say("200 OK", "", b"<html>hello</html>"),
            "no WebDAV",
        ),
        (
            |server| server.say("207 Multi-Status", "", b"<html>hello</html>"),
            "no multistatus",
        ),
        (|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "HTTP"),
    ];
    for (answer, says) in answers {
        let server = Pretender::new(move |_, server| Act::SayLater(answer(server)));
        let place = opened(&server.config(&[]));
        let error = with_call(|call| place.list("", call, &mut |_| Ok(()))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        assert!(error.detail.contains(says), "{error}");
    }
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let silent = |method: &'static str, after: Option<usize>| {
        let server = Pretender::new(move |asked, _| match (asked.is(method), after) {
            (true, Some(after)) => Act::FallSilentAfter(after),
            (true, None) => Act::Ignore,
            (false, _) => Act::Usual,
        });
        server.place(&path(1), &bytes(MIB));
        server
    };
    let cancel = Cancel::new();
    let began = Instant::now();
    let call = Call {
        deadline: Instant::now().checked_add(Duration::from_secs(20)),
        ..Call::new(&cancel, &NoObserver)
    };
    let sample = Sample::of(&bytes(MIB));
    std::thread::scope(|scope| {
        for (method, after) in [
            ("PUT", None),
            ("GET", None),
            ("GET", Some(5000)),
            ("MOVE", None),
            ("MKCOL", None),
            ("PROPFIND", None),
        ] {
            let (sample, call) = (&sample, &call);
            scope.spawn(move || {
                let server = silent(method, after);
                if method == "MKCOL" {
                    server.remove_folder(&format!("{BASE}/{FOLDER}"));
                }
                let place = opened(&server.config(&[("timeout", "1")]));
                let error = place
                    .attempt(&key(2), &sample.body, &mut None, call)
                    .unwrap_err();
                assert_eq!(
                    error.kind,
                    ErrorKind::Timeout,
                    "{method} {after:?}: {error}"
                );
            });
        }
        for after in [None, Some(0), Some(10), Some(200), Some(400)] {
            let call = &call;
            scope.spawn(move || {
                let server = silent("PROPFIND", after);
                let place = opened(&server.config(&[("timeout", "1")]));
                let error = place.list("", call, &mut |_| Ok(())).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Timeout, "{after:?}: {error}");
            });
        }
        let call = &call;
        scope.spawn(move || {
            let server = silent("GET", Some(5000));
            let place = opened(&server.config(&[("timeout", "1")]));
            let mut reader = place.get(&key(1), None, call).unwrap();
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
        });
    });
    assert!(began.elapsed() < Duration::from_mins(1));
}
