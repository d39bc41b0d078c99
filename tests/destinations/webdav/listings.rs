//! Servers whose folders are not what they say.

use std::time::{Duration, Instant};

use holdfast::destination::{Call, ErrorKind};
use holdfast::model::{Cancel, NoObserver};

use super::pretender::{Act, BASE, Pretender, WHEN, path, told};
use super::{FOLDER, Sample, bytes, key, kind, list, opened, with_call};

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

/// Any word may be an instance of version 1.0: two folders are asked for in each, and nothing more for each that is not there.
#[test]
fn many_folders_of_others_cost_two_questions_each() {
    let server = Pretender::faithful();
    server.place(&path(1), b"7 bytes");
    for n in 0..300 {
        server.place(&format!("{BASE}/photos{n}/2026/a.jpg"), b"x");
    }
    let place = opened(&server.config(&[]));
    assert_eq!(list(&*place, "").unwrap().len(), 1);
    let listed = server.asked().len();
    // The base, ours, its folder, and the base once more: it is still there.
    assert_eq!(listed, 300 * 2 + 4);
    assert_eq!(
        with_call(|call| place.sweep(Duration::ZERO, call)).unwrap(),
        0
    );
    assert!(server.asked().len() - listed < 300 * 2 + 10);
}

#[test]
fn a_base_that_goes_away_while_it_is_listed_is_an_error() {
    let server = Pretender::new(|asked, server| {
        if asked.path.ends_with("photos/manual") {
            server.remove_folder(BASE);
        }
        Act::Usual
    });
    server.place(&format!("{BASE}/photos/a.jpg"), b"x");
    let listed = list(&*opened(&server.config(&[])), "");
    assert_eq!(kind(listed), ErrorKind::Unreachable);
}

#[test]
fn a_missing_base_is_an_error_of_every_call_and_nothing_is_made() {
    let server = Pretender::faithful();
    server.remove_folder(BASE);
    let place = opened(&server.config(&[]));
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &NoObserver);
    let sample = Sample::of(b"some");
    let began = Instant::now();
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
    // Waiting makes no folder: nothing is asked again.
    assert!(began.elapsed() < Duration::from_secs(5));
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
        let server = Pretender::new(|asked, server| {
            // So that something is left: nobody waits so long to read it back.
            if asked.is("GET") {
                let later = "Retry-After: 3600\r\n";
                Act::SayLater(server.say("503 Service Unavailable", later, b""))
            } else {
                Act::Usual
            }
        });
        let place = opened(&server.config(&[]));
        let sample = Sample::of(&bytes(1000));
        let mut left = None;
        with_call(|call| place.attempt(&key(1), &sample.body, &mut left, call)).unwrap_err();
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
