//! A service that answers what none should.

use holdfast::destination::ErrorKind;
use jiff::SignedDuration;

use super::container::{Pretender, entry, page};
use super::{listed, place};
use crate::network::{Sample, keeps_the_contract, key, put, read, refused, verified, with_call};
use crate::pretender::{Given, Turn};
use crate::servers::azurite::BASE;

const WHEN: &str = "Thu, 26 Nov 2026 10:00:00 GMT";

fn saying(operation: &'static str, given: impl Fn() -> Given + Send + 'static) -> Pretender {
    Pretender::first(operation, usize::MAX, move || Turn::Say(given()))
}

#[test]
fn an_honest_service_in_memory_keeps_every_promise() {
    let service = Pretender::honest();
    service.store.lock().unwrap().page = 3;
    keeps_the_contract(&*place(&service));
    assert_eq!(service.holds().0, [""; 0]);
}

#[test]
fn names_that_nobody_could_have_written_are_not_shown() {
    let service = saying("list", || {
        let good = key(1);
        let good = good.as_str();
        let name = good.rsplit_once('/').unwrap().1;
        let mut list = String::new();
        for (name, size, when) in [
            (format!("{BASE}/{good}"), "7", WHEN),
            (format!("{BASE}/{good}"), "7", WHEN),
            (
                format!("{BASE}/{}", key(2).as_str()),
                "8",
                "Fri, 31 Dec 9999 23:59:60 GMT",
            ),
            (format!("{BASE}/{}", key(3).as_str()), "9", "year 0"),
            (format!("{BASE}/{}", key(4).as_str()), "-1", WHEN),
            (
                format!("{BASE}/{}", key(5).as_str()),
                "99999999999999999999",
                WHEN,
            ),
            (format!("{BASE}/../{good}"), "7", WHEN),
            (format!("{BASE}/./{good}"), "7", WHEN),
            (format!("{BASE}//{good}"), "7", WHEN),
            (format!("elsewhere/{good}"), "7", WHEN),
            (good.to_owned(), "7", WHEN),
            (
                format!("{BASE}/tacacs-0a1b2c3d/manual/a\u{202e}{name}"),
                "7",
                WHEN,
            ),
            (
                format!("{BASE}/tacacs-0a1b2c3d/manual/\u{7f}{name}"),
                "7",
                WHEN,
            ),
            (
                format!("{BASE}/tacacs-0a1b2c3d/manual/..\\{name}"),
                "7",
                WHEN,
            ),
            (format!("{BASE}/tacacs-0a1b2c3d/other/{name}"), "7", WHEN),
            (
                format!("{BASE}/tacacs-0a1b2c3d/manual/deeper/{name}"),
                "7",
                WHEN,
            ),
            (format!("{BASE}/.holdfast-test/{good}"), "7", WHEN),
            (format!("{BASE}/"), "7", WHEN),
            (String::new(), "7", WHEN),
        ] {
            list.push_str(&entry(&name, size, when));
        }
        page(&list, "")
    });
    let mut names = listed(&*place(&service), "").unwrap();
    names.sort();
    let wanted = [(1, 7), (2, 8), (3, 9)].map(|(n, size)| (key(n).as_str().to_owned(), size));
    assert_eq!(names, wanted);
    let hidden = listed(&*place(&service), ".holdfast-test").unwrap();
    assert_eq!(hidden, [(format!(".holdfast-test/{}", key(1).as_str()), 7)]);
}

#[test]
fn a_listing_without_end_is_an_error() {
    let circle = Pretender::first("list", usize::MAX, {
        let turns = std::sync::atomic::AtomicUsize::new(0);
        move || {
            let turn = turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Turn::Say(page("", ["a", "b", "c"][turn % 3]))
        }
    });
    let detail = refused(listed(&*place(&circle), ""), ErrorKind::Protocol);
    assert!(detail.contains("does not end"), "{detail}");
    assert_eq!(circle.count("list"), 4);
}

#[test]
fn a_listing_comes_page_by_page() {
    let service = Pretender::honest();
    {
        let mut container = service.store.lock().unwrap();
        container.page = 7;
        for n in 0..50 {
            container.insert(&format!("{BASE}/{}", key(n).as_str()), b"x");
        }
        container.insert("before", b"x");
    }
    let names = listed(&*place(&service), "tacacs-0a1b2c3d").unwrap();
    assert_eq!(names.len(), 50);
    assert_eq!(service.count("list"), 8);
    assert_eq!(listed(&*place(&service), "other-0a1b2c3d").unwrap(), []);
}

#[test]
fn answers_that_are_no_xml_of_the_service_are_errors() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    let rest = "<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>";
    for text in [
        format!("{bomb}{rest}"),
        rest.replace("<Blobs />", "<Blobs>&a;</Blobs>"),
        rest[..30].to_owned(),
        "<html><body>Log in here</body></html>".to_owned(),
        String::new(),
        "{}".to_owned(),
    ] {
        let given = Given::new(200, &*text);
        let service = saying("list", move || given.clone());
        let error = listed(&*place(&service), "").expect_err(&text);
        assert_eq!(error.kind, ErrorKind::Protocol, "{text}: {error}");
    }
    let deep = Given::new(200, "<a>".repeat(1 << 20));
    let service = saying("list", move || deep.clone());
    refused(listed(&*place(&service), ""), ErrorKind::Protocol);
}

#[test]
fn what_a_gate_in_front_says_is_not_taken_for_the_service() {
    // A 404 of somebody else does not mean that an archive is gone.
    let service = Pretender::first("head", usize::MAX, || {
        Turn::Say(Given::new(404, "<html>no such page</html>"))
    });
    let place = place(&service);
    refused(
        with_call(|call| place.stat(&key(1), call)),
        ErrorKind::Missing,
    );
    let service = Pretender::first("delete", usize::MAX, || Turn::Say(Given::new(404, "")));
    let place = super::place(&service);
    refused(
        with_call(|call| place.delete(&key(1), call)),
        ErrorKind::Missing,
    );
    let service = saying("list", || {
        Given::new(302, "").with("Location", "https://login.example/?sig=secret")
    });
    let detail = refused(listed(&*super::place(&service), ""), ErrorKind::Protocol);
    assert!(!detail.contains("secret"), "{detail}");
}

#[test]
fn another_part_than_the_one_asked_for_is_an_error() {
    let whole = saying("get", || Given::new(200, [0; 100]));
    verified(put(&*place(&whole), &key(1), &Sample::new(100)));
    let got = read(&*place(&whole), &key(1), Some(10..20));
    refused(got, ErrorKind::Protocol);
    for change in [
        (|given: &mut Given| given.headers.retain(|(name, _)| name != "Content-Range"))
            as fn(&mut Given),
        |given| {
            for (name, value) in &mut given.headers {
                if name == "Content-Range" {
                    *value = "bytes 11-20/100".to_owned();
                }
            }
        },
    ] {
        let service = Pretender::first("get", usize::MAX, move || Turn::Change(change));
        let place = place(&service);
        verified(put(&*place, &key(1), &Sample::new(100)));
        let got = read(&*place, &key(1), Some(10..20));
        assert!(got.is_err(), "{got:?}");
    }
}

#[test]
fn a_clock_that_is_a_year_ahead_spoils_nothing() {
    let service = Pretender::honest();
    service.store.lock().unwrap().ahead = SignedDuration::from_hours(24 * 365);
    let place = place(&service);
    let sample = Sample::new(1000);
    verified(put(&*place, &key(1), &sample));
    assert_eq!(listed(&*place, "").unwrap().len(), 1);
    let swept = with_call(|call| place.sweep(std::time::Duration::from_secs(1), call));
    assert_eq!(swept.unwrap(), 0);
    assert!(sample.is_at(&*place, &key(1)));
}
