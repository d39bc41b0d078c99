//! Uploads to servers that refuse, cut, lose what they should say, or store something else.

use std::time::{Duration, Instant};

use holdfast::destination::{Call, ErrorKind, Verification};
use holdfast::model::{Cancel, NoObserver};

use super::pretender::{Act, Asked, MIB, Pretender, path};
use super::{Sample, bytes, hurried, key, kind, opened, put, read, with_call};

/// Puts at a server that does so with each request, and requires that nothing is left.
fn failed_put(
    decide: impl Fn(&Asked, &Pretender) -> Act + Send + Sync + 'static,
) -> (ErrorKind, String) {
    let server = Pretender::new(decide);
    let sample = Sample::of(&bytes(8 * MIB));
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
        (
            "423 Locked\r\nRetry-After: 3600",
            ErrorKind::Throttled,
            "somebody else",
        ),
        (
            "201 Created",
            ErrorKind::Protocol,
            "before everything was sent",
        ),
    ];
    // Without a byte of the body being read, with a text, half of one, and one without an end.
    let rests = [
        "Content-Length: 2\r\n\r\nno",
        "Content-Length: 900\r\n\r\nsorry",
        "\r\n\r\n<p>no</p>",
    ];
    let refused = |status: &str, rest: &str, act: fn(Vec<u8>) -> Act| {
        let answer = format!("HTTP/1.1 {status}\r\n{rest}").into_bytes();
        failed_put(move |asked, _| {
            if asked.is("PUT") {
                act(answer.clone())
            } else {
                Act::Usual
            }
        })
    };
    std::thread::scope(|scope| {
        for (status, expected, says) in refusals {
            scope.spawn(move || {
                for rest in rests {
                    let (kind, detail) = refused(status, rest, Act::SayAndStay);
                    assert_eq!(kind, expected, "{status}: {detail}");
                    assert!(
                        detail.contains(says) && !detail.contains("s3cret"),
                        "{detail}"
                    );
                    // The line may break before the answer is heard: then it is tried again, in vain.
                    let (kind, detail) = refused(status, rest, Act::Say);
                    if kind != ErrorKind::Unreachable {
                        assert_eq!(kind, expected, "{status}: {detail}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_lost_acknowledgement_of_the_publishing_is_no_failure() {
    let server = Pretender::new(|asked, _| {
        if asked.is("MOVE") {
            Act::LoseAnswer
        } else {
            Act::Usual
        }
    });
    let content = bytes(MIB);
    let stored = put(&*opened(&server.config(&[])), &key(1), &content).unwrap();
    assert_eq!(stored, Verification::Verified);
    assert_eq!(server.files(), [path(1)]);
    assert_eq!(server.received(), MIB as u64);
}

#[test]
fn a_publishing_that_was_done_and_called_a_failure_is_no_failure() {
    for (status, asked_again) in [
        ("502 Bad Gateway", "412 Precondition Failed"),
        ("502 Bad Gateway", "404 Not Found"),
        ("400 Bad Request", "404 Not Found"),
        ("500 Internal Server Error", ""),
    ] {
        let server = Pretender::new(move |asked, server| match asked.earlier {
            0 if asked.is("MOVE") => Act::DoAndSay(status),
            1 if asked.is("MOVE") => Act::SayLater(server.say(asked_again, "", b"")),
            _ => Act::Usual,
        });
        let content = bytes(MIB);
        let stored = put(&*hurried(&server.config(&[])), &key(1), &content).unwrap();
        assert_eq!(stored, Verification::Verified);
        assert_eq!((server.files(), server.times("PUT")), (vec![path(1)], 1));
    }
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
        Act::Without("overwrite")
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
    let (kind, detail) = failed_put(|asked, server| {
        if asked.is("PUT") {
            Act::SayLater(server.say("201 Created", "", b""))
        } else {
            Act::Usual
        }
    });
    assert_eq!(kind, ErrorKind::Protocol, "{detail}");
}

#[test]
fn an_archive_that_is_refused_as_if_its_folder_were_missing_is_sent_once() {
    for status in ["404 Not Found", "409 Conflict"] {
        let server = Pretender::new(move |asked, server| {
            if asked.is("PUT") {
                Act::SayLater(server.say(status, "", b""))
            } else {
                Act::Usual
            }
        });
        let refused = kind(put(&*opened(&server.config(&[])), &key(1), &bytes(MIB)));
        assert_eq!(refused, ErrorKind::Protocol);
        assert_eq!(server.times("PUT"), 1);
    }
    // Where it is missing, it is made and all sent again.
    let server = Pretender::new(move |asked, server| {
        if asked.is("PUT") && asked.earlier == 0 {
            server.remove_folder(asked.path.rsplit_once('/').unwrap().0);
        }
        Act::Usual
    });
    put(&*opened(&server.config(&[])), &key(1), &bytes(MIB)).unwrap();
    assert_eq!((server.files(), server.times("PUT")), (vec![path(1)], 2));
}

/// After each of the requests that an upload is made of.
#[test]
fn rights_that_are_withdrawn_in_the_middle_are_told() {
    let mut granted = 1;
    loop {
        let server = Pretender::new(move |asked, server| {
            if server.asked().len() > granted && !asked.is("DELETE") {
                Act::SayLater(server.say("403 Forbidden", "", b""))
            } else {
                Act::Usual
            }
        });
        let Err(refused) = put(&*opened(&server.config(&[])), &key(1), b"some") else {
            break;
        };
        assert_eq!(refused.kind, ErrorKind::Forbidden, "{granted}: {refused}");
        assert_eq!(server.files(), [""; 0], "{granted}");
        granted += 1;
    }
    // At least: is the name free, the folders, the file, reading it back, the name.
    assert!(granted >= 7, "{granted}");
}

#[test]
fn a_server_that_cannot_rename_is_told_from_others() {
    for status in ["405 Method Not Allowed", "501 Not Implemented"] {
        let (kind, detail) = failed_put(move |asked, server| {
            if asked.is("MOVE") {
                Act::SayLater(server.say(status, "", b""))
            } else {
                Act::Usual
            }
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
        if elsewhere {
            Act::SayLater(server.say("502 Bad Gateway", "", b""))
        } else {
            Act::Usual
        }
    });
    put(&*opened(&server.config(&[])), &key(1), b"some").unwrap();
    assert_eq!(server.files(), [path(1)]);
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

/// However far each try comes.
#[test]
fn a_server_that_all_is_sent_to_anew_is_given_up_after_its_tries() {
    let server = Pretender::new(|asked, _| {
        if asked.is("PUT") {
            Act::ReadOnly((asked.earlier + 1) * 2 * MIB)
        } else {
            Act::Usual
        }
    });
    let refused = kind(put(
        &*hurried(&server.config(&[])),
        &key(1),
        &bytes(20 * MIB),
    ));
    assert_eq!(refused, ErrorKind::Unreachable);
    assert_eq!(server.times("PUT"), 1 + super::TRIES);
}

#[test]
fn an_archive_is_read_back_over_a_line_that_breaks_often() {
    let server = Pretender::new(|asked, _| {
        if asked.is("GET") {
            Act::AnswerOnly(MIB + 1000)
        } else {
            Act::Usual
        }
    });
    // With fewer tries than there are breaks.
    let place = hurried(&server.config(&[]));
    let sample = Sample::of(&bytes(8 * MIB));
    with_call(|call| place.put(&key(1), &sample.body, call)).unwrap();
    assert_eq!((server.times("PUT"), server.files()), (1, vec![path(1)]));
    assert_eq!(server.times("GET"), 8);
}

#[test]
fn an_archive_is_read_back_no_faster_than_it_may_be() {
    let server = Pretender::faithful();
    let place = opened(&server.config(&[("bandwidth_limit", "2M")]));
    let began = Instant::now();
    put(&*place, &key(1), &bytes(2 * MIB)).unwrap();
    // A second there, and one back; a tenth of one goes at once.
    assert!(began.elapsed() > Duration::from_millis(1700));
}

#[test]
fn an_upload_whose_acknowledgement_was_lost_is_not_sent_again() {
    let server = Pretender::new(|asked, _| {
        if asked.is("PUT") && asked.earlier == 0 {
            Act::LoseAnswer
        } else {
            Act::Usual
        }
    });
    put(&*opened(&server.config(&[])), &key(1), &bytes(MIB)).unwrap();
    assert_eq!(
        (server.files(), server.received()),
        (vec![path(1)], MIB as u64)
    );
}

#[test]
fn a_cancelled_upload_ends_at_once_and_leaves_nothing() {
    let cancel = Cancel::new();
    let cancelling = cancel.clone();
    let server = Pretender::new(move |asked, _| {
        if asked.is("PUT") {
            let cancelling = cancelling.clone();
            std::thread::spawn(move || {
                super::pretender::a_moment();
                cancelling.cancel();
            });
            Act::FallSilentAfter(0)
        } else {
            Act::Usual
        }
    });
    let place = opened(&server.config(&[("timeout", "60")]));
    let sample = Sample::of(&bytes(20 * MIB));
    let began = Instant::now();
    let call = Call::new(&cancel, &NoObserver);
    assert_eq!(
        kind(place.put(&key(1), &sample.body, &call)),
        ErrorKind::Cancelled
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(server.files(), [""; 0]);
}
