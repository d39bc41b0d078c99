//! Servers that lie, cut, refuse, or lose what they should say.

use holdfast::destination::{Call, ErrorKind, Verification};
use holdfast::model::{Cancel, NoObserver};
use std::io::Read;
use std::time::{Duration, Instant};

use super::pretender::{Act, Asked, BASE, Pretender, told};
use super::{FOLDER, bytes, key, kind, list, opened, put, read, read_range, sample, with_call};

const MIB: usize = 1 << 20;
const WHEN: &str = "Mon, 12 Jan 2026 09:25:56 GMT";

fn path(second: u32) -> String {
    format!("{BASE}/{}", key(second).as_str())
}

/// Puts at a server that does so with each request, and requires that nothing is left.
fn failed_put(
    decide: impl Fn(&Asked, &Pretender) -> Act + Send + Sync + 'static,
) -> (ErrorKind, String) {
    let server = Pretender::new(decide);
    let sample = sample(&bytes(8 * MIB));
    let cancel = Cancel::new();
    let call = Call {
        deadline: Instant::now().checked_add(Duration::from_secs(5)),
        ..Call::new(&cancel, &NoObserver)
    };
    let error = opened(&server.config(&[]))
        .put(&key(1), &sample.body, &call)
        .unwrap_err();
    assert_eq!(server.files(), [""; 0], "{error}");
    (error.kind, error.detail)
}

#[test]
fn a_refusal_in_the_middle_of_an_upload_is_told_as_what_it_is() {
    let refusals = [
        ("507 Insufficient Storage", ErrorKind::Space, "507"),
        ("413 Too Large", ErrorKind::Space, "no file of this size"),
        ("403 Forbidden", ErrorKind::Forbidden, "403"),
        ("401 Unauthorized", ErrorKind::Authentication, "401"),
        (
            "302 Found\r\nLocation: https://other.example/x?token=s3cret",
            ErrorKind::Protocol,
            "https://other.example/x",
        ),
        ("423 Locked", ErrorKind::Throttled, "somebody else"),
        (
            "201 Created",
            ErrorKind::Protocol,
            "before everything was sent",
        ),
    ];
    // Without a byte of the body being read, with and without a text; then the connection ends.
    let rests = [
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 900\r\n\r\nsorry",
        "\r\n\r\n<p>no</p>",
    ];
    std::thread::scope(|scope| {
        for (status, expected, says) in refusals {
            scope.spawn(move || {
                for rest in rests {
                    let (kind, detail) = failed_put(move |asked, _| match asked.is("PUT") {
                        true => Act::Say(format!("HTTP/1.1 {status}\r\n{rest}").into_bytes()),
                        false => Act::Usual,
                    });
                    // The line may break before the answer is heard: then it is tried again, in vain.
                    if kind != ErrorKind::Unreachable {
                        assert_eq!(kind, expected, "{status}: {detail}");
                        assert!(
                            detail.contains(says) && !detail.contains("s3cret"),
                            "{detail}"
                        );
                    }
                }
            });
        }
    });
}

#[test]
fn a_lost_acknowledgement_of_the_publishing_is_no_failure() {
    let server = Pretender::new(|asked, _| match asked.is("MOVE") {
        true => Act::LoseAnswer,
        false => Act::Usual,
    });
    let content = bytes(MIB);
    let stored = put(&*opened(&server.config(&[])), &key(1), &content).unwrap();
    assert_eq!(stored, Verification::Verified);
    assert_eq!(server.files(), [path(1)]);
    assert_eq!(server.received(), MIB as u64);
}

#[test]
fn nothing_is_overwritten_where_the_server_would() {
    let server = Pretender::new(|_, _| Act::Without("overwrite"));
    let place = opened(&server.config(&[]));
    put(&*place, &key(1), b"first").unwrap();
    assert_eq!(kind(put(&*place, &key(1), b"second")), ErrorKind::Exists);
    assert_eq!(read(&*place, &key(1)), b"first");
    assert!(!place.capabilities().atomic_create);

    // It comes to be there while ours is sent.
    let server = Pretender::new(|asked, server| {
        if asked.is("GET") {
            server.place(&path(2), b"of somebody else");
        }
        Act::Usual
    });
    let place = opened(&server.config(&[]));
    assert_eq!(kind(put(&*place, &key(2), b"ours")), ErrorKind::Exists);
    assert_eq!(server.file(&path(2)).unwrap(), b"of somebody else");
    assert_eq!(server.files(), [path(2)]);
    // In the last moment.
    let server = Pretender::new(|asked, server| {
        if asked.is("MOVE") {
            server.place(&path(2), b"of somebody else");
        }
        Act::Usual
    });
    let place = opened(&server.config(&[]));
    assert_eq!(kind(put(&*place, &key(2), b"ours")), ErrorKind::Exists);
    assert_eq!(server.files(), [path(2)]);
}

#[test]
fn what_was_stored_otherwise_is_not_published() {
    let alter = |change: fn(&mut Vec<u8>)| {
        failed_put(move |asked, server| {
            if asked.is("GET")
                && let Some(mut stored) = server.file(&asked.path)
            {
                change(&mut stored);
                server.place(&asked.path, &stored);
            }
            Act::Usual
        })
    };
    let (kind, detail) = alter(|stored| stored[7 * MIB] ^= 1);
    assert_eq!(
        (kind, detail.contains("SHA-256")),
        (ErrorKind::Protocol, true),
        "{detail}"
    );
    let (kind, detail) = alter(|stored| stored.truncate(9));
    assert_eq!(
        (kind, detail.contains("9 bytes are there")),
        (ErrorKind::Protocol, true),
        "{detail}"
    );
    // It says it has it, and has nothing.
    let (kind, detail) = failed_put(|asked, server| match asked.is("PUT") {
        true => Act::SayLater(server.say("201 Created", "", b"")),
        false => Act::Usual,
    });
    assert_eq!(kind, ErrorKind::Protocol, "{detail}");
}

#[test]
fn a_server_that_cannot_rename_is_told_from_others() {
    for status in ["405 Method Not Allowed", "501 Not Implemented"] {
        let (kind, detail) = failed_put(move |asked, server| match asked.is("MOVE") {
            true => Act::SayLater(server.say(status, "", b"")),
            false => Act::Usual,
        });
        assert_eq!(
            (kind, detail.contains("MOVE")),
            (ErrorKind::Protocol, true),
            "{detail}"
        );
    }
}

#[test]
fn a_server_that_does_not_know_its_own_address_can_rename() {
    let server = Pretender::new(|asked, server| {
        let elsewhere = asked
            .header("destination")
            .is_some_and(|to| to.starts_with("http"));
        match elsewhere {
            true => Act::SayLater(server.say("502 Bad Gateway", "", b"")),
            false => Act::Usual,
        }
    });
    put(&*opened(&server.config(&[])), &key(1), b"some").unwrap();
    assert_eq!(server.files(), [path(1)]);
}

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

#[test]
fn another_part_than_was_asked_for_is_refused() {
    for (head, expected) in [
        ("Content-Range: bytes 0-9/100\r\n", ErrorKind::Protocol),
        ("Content-Range: bytes 10-15/16\r\n", ErrorKind::Truncated),
        ("Content-Range: bytes 10-25/100\r\n", ErrorKind::Protocol),
        ("Content-Range: nonsense\r\n", ErrorKind::Protocol),
        ("", ErrorKind::Protocol),
    ] {
        let server = Pretender::new(move |asked, server| match asked.is("GET") {
            true => {
                let length = if head.contains("15/16") {
                    6
                } else if head.contains("25") {
                    16
                } else {
                    10
                };
                Act::SayLater(server.say("206 Partial Content", head, &vec![0; length]))
            }
            false => Act::Usual,
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
    let server = Pretender::new(|asked, _| match asked.is("GET") {
        true => Act::AnswerOnly(MIB),
        false => Act::Usual,
    });
    let content = bytes(3 * MIB);
    server.place(&path(1), &content);
    assert!(read(&*opened(&server.config(&[])), &key(1)) == content);
    assert_eq!(server.times("GET"), 4);
}

#[test]
fn an_answer_without_a_length_is_refused() {
    let server = Pretender::new(|asked, _| match asked.is("GET") {
        true => Act::Say(b"HTTP/1.1 200 OK\r\n\r\nwho knows".to_vec()),
        false => Act::Usual,
    });
    server.place(&path(1), b"who knows");
    let place = opened(&server.config(&[]));
    let got = with_call(|call| place.get(&key(1), None, call).map(drop));
    assert_eq!(kind(got), ErrorKind::Protocol);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let server = Pretender::new(|asked, server| match asked.is("PUT") && asked.earlier < 2 {
        true => Act::SayLater(server.say("503 Service Unavailable", "Retry-After: 1\r\n", b"")),
        false => Act::Usual,
    });
    put(&*opened(&server.config(&[])), &key(1), b"some").unwrap();
    assert_eq!((server.times("PUT"), server.files()), (3, vec![path(1)]));

    let server = Pretender::new(|asked, server| match asked.is("PUT") {
        true => Act::SayLater(server.say("503 Service Unavailable", "Retry-After: 3600\r\n", b"")),
        false => Act::Usual,
    });
    let error = put(&*opened(&server.config(&[])), &key(1), b"some").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3600)));
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
fn a_hostile_listing_harms_nothing() {
    let folder = format!("{BASE}/{FOLDER}");
    let name = key(1).file_name().to_owned();
    let server = Pretender::new(move |asked, server| {
        if !asked.is("PROPFIND") || asked.path != folder {
            return Act::Usual;
        }
        let mut said = told(&folder, None, "");
        for (href, size, modified) in [
            (
                format!("{folder}/{name}"),
                "7",
                "Mon, 12 Jan 0000 09:25:56 GMT",
            ),
            (format!("{folder}/../../{name}"), "7", WHEN),
            (format!("{folder}/%2e%2e/{name}"), "7", WHEN),
            (format!("{folder}/..%2F..%2F{name}"), "7", WHEN),
            (format!("{folder}/a%2F{name}"), "7", WHEN),
            (format!("{folder}/deeper/{name}"), "7", WHEN),
            (format!("{folder}/%00{name}"), "7", WHEN),
            (format!("{folder}/%0A{name}"), "7", WHEN),
            (format!("{folder}/%FF{name}"), "7", WHEN),
            (format!("/etc/{name}"), "7", WHEN),
            (format!("http://other.example/etc/{name}"), "7", WHEN),
            (
                format!(
                    "http://other.example{folder}/{}",
                    name.replace("01-m", "02-m")
                ),
                "18446744073709551615",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
            (format!("{folder}/.holdfast-x"), "7", WHEN),
            (format!("{folder}/{}", "x".repeat(3000)), "7", WHEN),
        ] {
            said += &told(&href, Some(size), modified);
        }
        // A folder that has an archive's name is none.
        said += &told(
            &format!("{folder}/{}", name.replace("01-m", "03-m")),
            None,
            "",
        );
        Act::SayLater(server.multistatus(&said))
    });
    server.place(&path(1), b"7 bytes");
    let found = list(&*opened(&server.config(&[])), "").unwrap();
    let found: Vec<_> = found.iter().map(|l| (l.key.clone(), l.size)).collect();
    assert_eq!(found, [(key(1), 7), (key(2), u64::MAX)]);
}

#[test]
fn the_listing_of_another_folder_is_no_empty_one() {
    for said in [
        "",
        "/somewhere/else/",
        "/dav/base/tacacs-0a1b2c3d/",
        "/dav/base/tacacs-0a1b2c3d/manual/only-a-child",
    ] {
        let server = Pretender::new(move |asked, server| {
            if !asked.is("PROPFIND") || !asked.path.ends_with("/manual") {
                return Act::Usual;
            }
            let said = if said.is_empty() {
                String::new()
            } else {
                told(said, Some("1"), WHEN)
            };
            Act::SayLater(server.multistatus(&said))
        });
        server.place(&path(1), b"7 bytes");
        let listed = list(&*opened(&server.config(&[])), "");
        assert_eq!(kind(listed), ErrorKind::Protocol, "{said}");
    }
}

#[test]
fn a_proxy_in_front_of_the_server_may_change_the_beginning_of_its_paths() {
    for (prefix, host) in [
        ("", ""),
        ("/behind/it/dav", ""),
        ("/behind/dav", "https://inner.example:8443"),
    ] {
        let server = Pretender::new(move |asked, server| {
            if !asked.is("PROPFIND") || asked.header("depth") != Some("1") {
                return Act::Usual;
            }
            let inner = |path: &str| format!("{host}{prefix}{}", path.trim_start_matches("/dav"));
            let mut said = told(&inner(&asked.path), None, "");
            for below in ["tacacs-0a1b2c3d", "manual"] {
                said += &told(&inner(&format!("{}/{below}", asked.path)), None, "");
            }
            said += &told(&inner(&path(1)), Some("7"), WHEN);
            Act::SayLater(server.multistatus(&said))
        });
        server.place(&path(1), b"7 bytes");
        let found = list(&*opened(&server.config(&[])), "").unwrap();
        assert_eq!(found.len(), 1, "{prefix}");
        assert_eq!(found[0].key, key(1));
    }
}

#[test]
fn a_folder_of_ten_thousand_archives_is_listed() {
    let server = Pretender::faithful();
    for n in 0..10_000 {
        let (minute, second) = (n / 60, n % 60);
        let (hour, minute) = (minute / 60, minute % 60);
        let (day, hour) = (1 + hour / 24, hour % 24);
        let name = format!(
            "backup-tacacs-202601{day:02}-{hour:02}{minute:02}{second:02}-manual.tar.gz.age"
        );
        server.place(&format!("{BASE}/{FOLDER}/{name}"), b"x");
    }
    assert_eq!(
        list(&*opened(&server.config(&[])), "").unwrap().len(),
        10_000
    );
}

#[test]
fn a_missing_base_is_an_error_of_every_call_and_nothing_is_made() {
    let server = Pretender::faithful();
    server.remove_folder(BASE);
    let place = opened(&server.config(&[]));
    let cancel = Cancel::new();
    let call = Call {
        deadline: Instant::now().checked_add(Duration::from_secs(1)),
        ..Call::new(&cancel, &NoObserver)
    };
    let sample = sample(b"some");
    let kinds = [
        kind(place.list("", &call, &mut |_| Ok(()))),
        kind(place.list(FOLDER, &call, &mut |_| Ok(()))),
        kind(place.stat(&key(1), &call)),
        kind(place.get(&key(1), None, &call).map(drop)),
        kind(place.get(&key(1), Some(0..0), &call).map(drop)),
        kind(place.put(&key(1), &sample.body, &call)),
        kind(place.delete(&key(1), &call)),
        kind(place.sweep(Duration::ZERO, &call)),
        kind(place.free_space(&call)),
    ];
    assert_eq!(kinds, [ErrorKind::Unreachable; 9]);
    assert_eq!(server.times("MKCOL") + server.times("PUT"), 0);
}

#[test]
fn a_folder_is_never_deleted_for_an_archive() {
    let server = Pretender::faithful();
    server.place(&format!("{}/precious", path(1)), b"x");
    let place = opened(&server.config(&[]));
    assert_eq!(
        kind(with_call(|call| place.delete(&key(1), call))),
        ErrorKind::Forbidden
    );
    assert_eq!(with_call(|call| place.stat(&key(1), call)).unwrap(), None);
    assert_eq!(server.files().len(), 1);
}

#[test]
fn the_age_of_what_is_left_is_told_by_the_servers_own_clock() {
    let hour = Duration::from_hours(1);
    let year_ahead = "Tue, 12 Jan 2038 09:25:56 GMT";
    for (modified, date, swept) in [
        (WHEN, Some(WHEN), 0),
        ("Mon, 12 Jan 2026 08:25:57 GMT", Some(WHEN), 0),
        ("Mon, 12 Jan 2026 08:25:56 GMT", Some(WHEN), 1),
        (year_ahead, Some(year_ahead), 0),
        (year_ahead, Some(WHEN), 0),
        ("nonsense", Some(WHEN), 0),
        // Nobody knows what is old then.
        ("Mon, 12 Jan 2026 08:25:56 GMT", None, 0),
    ] {
        let server = Pretender::new(|asked, _| match asked.is("GET") {
            // So that something is left: the read-back never ends.
            true => Act::FallSilentAfter(100),
            false => Act::Usual,
        });
        let place = opened(&server.config(&[("timeout", "1")]));
        let cancel = Cancel::new();
        let call = Call {
            deadline: Instant::now().checked_add(Duration::from_millis(1500)),
            ..Call::new(&cancel, &NoObserver)
        };
        let sample = sample(&bytes(1000));
        let mut left = None;
        place
            .attempt(&key(1), &sample.body, &mut left, &call)
            .unwrap_err();
        assert_eq!((left.is_some(), server.files().len()), (true, 1));
        // And of somebody else.
        let other = server.files()[0].replace(".holdfast-", ".holdfast-0");
        server.place(&other, b"x");
        server.set_times(modified, date);
        let swept_now = with_call(|call| place.sweep(hour, call)).unwrap();
        assert_eq!(swept_now, swept, "{modified} {date:?}");
        assert_eq!(server.files().len(), 2 - swept as usize);
    }
}

#[test]
fn a_cut_upload_goes_on_where_the_server_can_write_on() {
    let cut = |asked: &Asked| asked.is("PUT") && asked.earlier == 0;
    let content = bytes(8 * MIB);

    let server = Pretender::new(move |asked, _| {
        if cut(asked) {
            Act::ReadOnly(5 * MIB)
        } else {
            Act::Usual
        }
    });
    server.write_on();
    let place = opened(&server.config(&[]));
    assert!(!place.capabilities().resume);
    put(&*place, &key(1), &content).unwrap();
    assert!(place.capabilities().resume);
    assert!(server.file(&path(1)).unwrap() == content);
    assert_eq!(
        (server.files().len(), server.received()),
        (1, 8 * MIB as u64)
    );

    // Not where it cannot: all is sent anew, under another name, and the old one goes.
    let server = Pretender::new(move |asked, _| {
        if cut(asked) {
            Act::ReadOnly(5 * MIB)
        } else {
            Act::Usual
        }
    });
    let place = opened(&server.config(&[]));
    put(&*place, &key(1), &content).unwrap();
    assert!(!place.capabilities().resume);
    assert!(server.file(&path(1)).unwrap() == content);
    assert_eq!(
        (server.files().len(), server.received()),
        (1, 13 * MIB as u64)
    );

    // Nor where it says it can and then puts the pieces together wrongly.
    let server = Pretender::new(move |asked, server| {
        if asked.is("PATCH") {
            let mut stored = server.file(&asked.path).unwrap();
            stored[0] ^= 1;
            server.place(&asked.path, &stored);
        }
        if cut(asked) {
            Act::ReadOnly(5 * MIB)
        } else {
            Act::Usual
        }
    });
    server.write_on();
    put(&*opened(&server.config(&[])), &key(1), &content).unwrap();
    assert!(server.file(&path(1)).unwrap() == content);
    assert_eq!(server.files().len(), 1);
}

#[test]
fn an_upload_whose_acknowledgement_was_lost_is_not_sent_again() {
    let server = Pretender::new(|asked, _| match asked.is("PUT") && asked.earlier == 0 {
        true => Act::LoseAnswer,
        false => Act::Usual,
    });
    put(&*opened(&server.config(&[])), &key(1), &bytes(MIB)).unwrap();
    assert_eq!(
        (server.files(), server.received()),
        (vec![path(1)], MIB as u64)
    );
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
    let sample = sample(&bytes(MIB));
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
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_cancelled_upload_ends_at_once_and_leaves_nothing() {
    let cancel = Cancel::new();
    let cancelling = cancel.clone();
    let server = Pretender::new(move |asked, _| match asked.is("PUT") {
        true => {
            let cancelling = cancelling.clone();
            std::thread::spawn(move || {
                super::pretender::a_moment();
                cancelling.cancel();
            });
            Act::FallSilentAfter(0)
        }
        false => Act::Usual,
    });
    let place = opened(&server.config(&[("timeout", "60")]));
    let sample = sample(&bytes(20 * MIB));
    let began = Instant::now();
    let call = Call::new(&cancel, &NoObserver);
    assert_eq!(
        kind(place.put(&key(1), &sample.body, &call)),
        ErrorKind::Cancelled
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(server.files(), [""; 0]);
}
