//! On Azurite, which checks signatures and rights, keeps files, and can be killed.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast::destination::{Call, Destination, ErrorKind, open};
use holdfast::model::{Cancel, Observer, Progress};
use jiff::SignedDuration;

use super::{LARGE, listed, opened_with};
use crate::network::{
    Sample, failure, keeps_the_contract, key, opened, put, read, refused, verified, with_call,
};
use crate::servers::azurite::{
    ACCOUNT, Azurite, CONTAINER, KEY, container_signature, secret, secrets, signature,
};
use crate::servers::proxy::{Line, Proxy};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// With a base path of this test alone.
fn at(azurite: &Azurite, base: &str) -> Arc<dyn Destination> {
    opened(&azurite.config(&[("base_path", base)]), &secrets())
}

#[test]
fn azurite_keeps_every_promise_by_key_signature_and_connection_string() {
    let azurite = Azurite::shared();
    let place = opened(&azurite.config(&[]), &secrets());
    assert!(place.capabilities().in_clear);
    keeps_the_contract(&*place);

    let bare = azurite.config(&[("account_name", ""), ("base_path", "")]);
    for token in [signature("rwdlac", HOUR), container_signature("rwld", HOUR)] {
        keeps_the_contract(&*opened(&bare, &secret("sas_token", &token)));
    }

    let endpoint = azurite.endpoint();
    let bare = azurite.config(&[("account_name", ""), ("endpoint", "")]);
    let beside = azurite.config(&[]);
    let all = signature("rwdlac", HOUR);
    for (n, config, text) in [
        (
            1,
            &bare,
            format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}/;"),
        ),
        (
            2,
            &bare,
            format!("BlobEndpoint={endpoint};SharedAccessSignature={all}"),
        ),
        (3, &beside, "UseDevelopmentStorage=true".to_owned()),
        (
            4,
            &beside,
            format!("AccountName={ACCOUNT};AccountKey={KEY}"),
        ),
    ] {
        let sample = Sample::new(1000 + n as usize);
        let connected = opened(config, &secret("connection_string", &text));
        verified(put(&*connected, &key(n), &sample));
        assert!(
            sample.is_at(&*place, &key(n)),
            "the same account and base path"
        );
    }
}

#[test]
fn azurite_keeps_every_promise_over_tls_to_who_trusts_it() {
    let azurite = Azurite::start_with_tls();
    let place = opened(&azurite.config(&[]), &secrets());
    assert!(!place.capabilities().in_clear);
    keeps_the_contract(&*place);

    let error = failure(&azurite.config(&[("ca_file", "")]), &secrets());
    assert_eq!(error.kind, ErrorKind::Trust, "{error}");
    let presented = error.presented.unwrap();
    assert_eq!(presented, azurite.authority.as_ref().unwrap().fingerprint);
    let pinned = azurite.config(&[("ca_file", ""), ("fingerprint", &presented)]);
    let place = opened(&pinned, &secrets());
    with_call(|call| place.stat(&key(0), call)).unwrap();
}

#[test]
fn every_refusal_has_its_kind_and_tells_no_secret() {
    let azurite = Azurite::shared();
    let config = |more: &[(&str, &str)]| azurite.config(more);
    let wrong = secret("account_key", "d3Jvbmc=");
    let by = |token: String| secret("sas_token", &token);
    let forged = signature("rwdlac", HOUR).replace("sp=rwdlac", "sp=rwdlact");
    let elsewhere = config(&[("container_name", "elsewhere")]);
    for (config, secrets, kind, word) in [
        (config(&[]), wrong, ErrorKind::Authentication, "key"),
        (elsewhere, secrets(), ErrorKind::Missing, "`elsewhere`"),
        (
            config(&[]),
            by(signature("rwdlac", -HOUR)),
            ErrorKind::Authentication,
            "expired",
        ),
        (
            config(&[]),
            by(container_signature("rwld", -HOUR)),
            ErrorKind::Authentication,
            "expired",
        ),
        (
            config(&[]),
            by(forged),
            ErrorKind::Authentication,
            "not right",
        ),
        (
            config(&[]),
            by(signature("rw", HOUR)),
            ErrorKind::Forbidden,
            "list (l)",
        ),
        (
            config(&[]),
            by(container_signature("rw", HOUR)),
            ErrorKind::Forbidden,
            "list (l)",
        ),
    ] {
        let error = failure(&config, &secrets);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.detail.contains(word), "{error}");
        let told = format!("{error} {error:?}");
        assert!(
            !told.contains("sig=") && !told.contains("d3Jvbmc"),
            "{told}"
        );
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused_before_anything_is_asked() {
    // Nobody answers there.
    let config = |more: &[(&str, &str)]| {
        crate::servers::azurite::config("http://127.0.0.1:1/devstoreaccount1", more)
    };
    let both = secrets()
        .into_iter()
        .chain(secret("sas_token", "sig=x"))
        .collect();
    let string = |text: &str| secret("connection_string", text);
    let other = string(&format!("AccountName=other;AccountKey={KEY}"));
    let no_key = string("AccountName=devstoreaccount1");
    let two = string(&format!(
        "AccountName={ACCOUNT};AccountKey={KEY};SharedAccessSignature=sig=x"
    ));
    let away = string(&format!(
        "AccountKey={KEY};BlobEndpoint=https://other.example"
    ));
    let far = string(&format!(
        "AccountName={ACCOUNT};AccountKey={KEY};EndpointSuffix=core.example"
    ));
    let token = |text: &str| secret("sas_token", text);
    let none = BTreeMap::new();
    for (more, secrets) in [
        (&[][..], &both),
        (&[], &other),
        (&[("endpoint", "")], &other),
        (&[], &no_key),
        (&[], &two),
        (&[], &away),
        (&[], &far),
        (&[], &none),
        (&[], &secret("account_key", "no base64 !")),
        (&[], &token("sv=2022-11-02")),
        (&[], &token("https://x.blob.core.windows.net/c?sig=x")),
        (&[], &token("sig=x y")),
        (&[("account_name", "")], &secrets()),
        (&[("account_name", ""), ("endpoint", "")], &token("sig=x")),
        (&[("container_name", "No/Container")], &secrets()),
        (&[("container_name", "x--y")], &secrets()),
        (&[("endpoint", "ftp://host")], &secrets()),
        (&[("endpoint", "http://user:word@host")], &secrets()),
        (&[("base_path", "../up")], &secrets()),
        (&[("bucket", "x")], &secrets()),
    ] {
        let error = open(&config(more), secrets).map(drop).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config, "{more:?}: {error}");
    }
}

#[test]
fn a_signature_that_may_only_write_keeps_archives_and_loses_none() {
    let azurite = Azurite::shared();
    let config = azurite.config(&[("base_path", "only")]);
    let place = opened(
        &config,
        &secret("sas_token", &container_signature("w", HOUR)),
    );
    let sample = Sample::new(LARGE);
    verified(put(&*place, &key(1), &sample));
    assert!(sample.is_at(&*opened(&config, &secrets()), &key(1)));
    refused(put(&*place, &key(1), &Sample::new(10)), ErrorKind::Exists);
    let detail = refused(read(&*place, &key(1), None), ErrorKind::Forbidden);
    assert!(detail.contains("read (r)"), "{detail}");
    let deleted = with_call(|call| place.delete(&key(1), call));
    let detail = refused(deleted, ErrorKind::Forbidden);
    assert!(detail.contains("delete (d)"), "{detail}");
}

#[test]
fn what_others_hold_on_to_is_not_deleted() {
    let azurite = Azurite::shared();
    let place = at(&azurite, "held");
    let name = |n| format!("{CONTAINER}/held/{}", key(n).as_str());
    for n in [1, 2] {
        verified(put(&*place, &key(n), &Sample::new(10)));
    }
    let lease = ["x-ms-lease-action: acquire", "x-ms-lease-duration: -1"];
    azurite.ask("PUT", &format!("{}?comp=lease", name(1)), &lease);
    azurite.ask("PUT", &format!("{}?comp=snapshot", name(2)), &[]);
    for (n, word) in [(1, "lease"), (2, "snapshots")] {
        let deleted = with_call(|call| place.delete(&key(n), call));
        let detail = refused(deleted, ErrorKind::Forbidden);
        assert!(detail.contains(word), "{detail}");
        assert!(
            with_call(|call| place.stat(&key(n), call))
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn azurite_tells_what_came_there_and_nothing_is_read_back() {
    let azurite = Azurite::shared();
    let line = Proxy::to(azurite.port(), Line::default());
    let through = format!("http://127.0.0.1:{}/{ACCOUNT}", line.port);
    let config = azurite.config(&[("endpoint", &through), ("base_path", "told")]);
    verified(put(
        &*opened(&config, &secrets()),
        &key(1),
        &Sample::new(LARGE),
    ));
    assert!(line.received() < 100_000, "{}", line.received());
}

#[test]
fn an_upload_that_is_cut_goes_on_with_the_blocks_that_arrived() {
    let azurite = Azurite::shared();
    let line = Proxy::to(azurite.port(), Line::default());
    let through = format!("http://127.0.0.1:{}/{ACCOUNT}", line.port);
    let config = azurite.config(&[("endpoint", &through), ("base_path", "cut")]);
    let sample = Sample::new(64 << 20);
    // Eight blocks of 8 MiB, not more than four of them on their way.
    line.cut_after_sending(50 << 20);
    verified(put(&*opened(&config, &secrets()), &key(1), &sample));
    assert!(sample.is_at(&*at(&azurite, "cut"), &key(1)));
    let again = line.sent().saturating_sub(sample.body.length);
    assert!(again < 34 << 20, "{again} bytes were sent again");
}

#[test]
fn one_of_two_writers_of_a_name_wins() {
    let azurite = Azurite::shared();
    let place = at(&azurite, "race");
    let samples = [Sample::new(20 << 20), Sample::new(21 << 20)];
    let results: Vec<_> = std::thread::scope(|scope| {
        let writers = samples.each_ref().map(|sample| {
            let place = &place;
            scope.spawn(move || put(&**place, &key(1), sample))
        });
        writers.map(|writer| writer.join().unwrap()).into()
    });
    let won: Vec<_> = (0..2).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    assert!(samples[won[0]].is_at(&*place, &key(1)));
    let lost = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(lost.kind, ErrorKind::Exists, "{lost}");
}

/// Does something once, in the middle.
struct Midway<'a>(AtomicBool, u64, &'a (dyn Fn() + Sync));

impl Observer for Midway<'_> {
    fn progress(&self, progress: &Progress) {
        if progress.done_bytes >= self.1 && !self.0.swap(true, Ordering::Relaxed) {
            (self.2)();
        }
    }
}

#[test]
fn an_upload_that_is_cancelled_cannot_be_seen() {
    let azurite = Azurite::shared();
    let place = at(&azurite, "cancelled");
    let cancel = Cancel::new();
    let midway = Midway(AtomicBool::default(), 9 << 20, &|| cancel.cancel());
    let sample = Sample::new(LARGE);
    let stored = place.put(&key(1), &sample.body, &Call::new(&cancel, &midway));
    refused(stored, ErrorKind::Cancelled);
    assert_eq!(listed(&*place, "").unwrap(), []);
    assert_eq!(with_call(|call| place.stat(&key(1), call)).unwrap(), None);
    refused(read(&*place, &key(1), None), ErrorKind::Missing);
    // What it left is in nobody's way.
    verified(put(&*place, &key(1), &sample));
    assert!(sample.is_at(&*place, &key(1)));
}

#[test]
fn a_service_that_is_killed_and_comes_back_gets_what_it_lacks() {
    let azurite = Azurite::start();
    azurite.wait_until_it_remembers(CONTAINER);
    let config = azurite.config(&[]);
    let azurite = std::sync::Mutex::new(azurite);
    let place = opened(&config, &secrets());
    let sample = Sample::new(64 << 20);
    let again = || azurite.lock().unwrap().start_again();
    let midway = Midway(AtomicBool::default(), 30 << 20, &again);
    let cancel = Cancel::new();
    verified(place.put(&key(1), &sample.body, &Call::new(&cancel, &midway)));
    assert!(sample.is_at(&*place, &key(1)));
}

#[test]
fn a_service_that_falls_silent_is_given_up_on() {
    let azurite = Azurite::start();
    let config = azurite.config(&[("timeout", "3")]);
    let place = opened_with(&config, &secrets(), 0);
    let sample = Sample::new(LARGE);
    verified(put(&*place, &key(1), &sample));

    let mut reader = with_call(|call| place.get(&key(1), None, call)).unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 1000]).unwrap();
    let stop = || azurite.signal("STOP");
    let midway = Midway(AtomicBool::default(), 9 << 20, &stop);
    let cancel = Cancel::new();
    let stored = place.put(&key(2), &sample.body, &Call::new(&cancel, &midway));
    refused(stored, ErrorKind::Timeout);
    let rest = std::io::copy(&mut reader, &mut std::io::sink());
    assert_eq!(rest.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    refused(listed(&*place, ""), ErrorKind::Timeout);
    refused(
        with_call(|call| place.stat(&key(1), call)),
        ErrorKind::Timeout,
    );

    azurite.signal("CONT");
    let place = opened(&azurite.config(&[]), &secrets());
    assert_eq!(listed(&*place, "").unwrap().len(), 1);
    verified(put(&*place, &key(2), &sample));
}

#[test]
fn an_address_where_nobody_is_is_told() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for (endpoint, kind) in [
        ("http://127.0.0.1:1", ErrorKind::Unreachable),
        (
            "https://account.blob.nowhere.invalid",
            ErrorKind::Unreachable,
        ),
        (silent.as_str(), ErrorKind::Timeout),
    ] {
        let config = crate::servers::azurite::config(endpoint, &[("timeout", "1")]);
        let place = opened_with(&config, &secrets(), 0);
        refused(listed(&*place, ""), kind);
    }
    // It speaks TLS, and is asked without; and the other way round.
    let azurite = Azurite::shared();
    let secure = azurite.endpoint().replace("http:", "https:");
    let place = opened_with(&azurite.config(&[("endpoint", &secure)]), &secrets(), 0);
    refused(listed(&*place, ""), ErrorKind::Protocol);
}
