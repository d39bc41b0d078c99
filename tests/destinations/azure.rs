//! Claims about `azure`, beyond the contract.

use holdfast::destination::{ErrorKind, open};
use jiff::SignedDuration;

use crate::network::{Sample, failure, keeps_the_contract, key, opened, with_call};
use crate::servers::azurite::{ACCOUNT, Azurite, KEY, secret, secrets, signature};
use crate::servers::proxy::{Line, Proxy};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn azurite_keeps_every_promise_by_key_signature_and_connection_string() {
    let azurite = Azurite::start();
    let place = opened(&azurite.config(&[]), &secrets());
    assert!(place.capabilities().in_clear);
    keeps_the_contract(&*place);

    let bare = azurite.config(&[("account_name", ""), ("base_path", "")]);
    let signed = opened(&bare, &secret("sas_token", &signature("rwdlac", HOUR)));
    keeps_the_contract(&*signed);

    let bare = azurite.config(&[("account_name", ""), ("endpoint", "")]);
    let text = format!(
        "AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={};",
        azurite.endpoint()
    );
    let sample = Sample::new(1000);
    let connected = opened(&bare, &secret("connection_string", &text));
    with_call(|call| connected.put(&key(1), &sample.body, call)).unwrap();
    assert!(
        sample.is_at(&*place, &key(1)),
        "the same account and base path"
    );
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
    let azurite = Azurite::start();
    let config = |more: &[(&str, &str)]| azurite.config(more);
    let wrong = secret("account_key", "d3Jvbmc=");
    let cases = [
        (config(&[]), wrong, ErrorKind::Authentication),
        (
            config(&[]),
            secret("account_key", "no base64 !"),
            ErrorKind::Config,
        ),
        (
            config(&[("container_name", "elsewhere")]),
            secrets(),
            ErrorKind::Missing,
        ),
        (
            config(&[("account_name", "")]),
            secret("sas_token", &signature("rwdlac", -HOUR)),
            ErrorKind::Authentication,
        ),
        (
            config(&[("account_name", "")]),
            secret("sas_token", &signature("r", HOUR)),
            ErrorKind::Forbidden,
        ),
    ];
    for (config, secrets, kind) in cases {
        let error = failure(&config, &secrets);
        assert_eq!(error.kind, kind, "{error}");
        let told = format!("{error} {error:?}");
        assert!(
            !told.contains("sig=") && !told.contains("d3Jvbmc"),
            "{told}"
        );
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused_before_anything_is_asked() {
    let azurite = Azurite::start();
    let both = secrets()
        .into_iter()
        .chain(secret("sas_token", &signature("r", HOUR)))
        .collect();
    let other = secret(
        "connection_string",
        &format!("AccountName=other;AccountKey={KEY}"),
    );
    let no_key = secret("connection_string", "AccountName=devstoreaccount1");
    let none = std::collections::BTreeMap::new();
    for (more, secrets) in [
        (&[][..], &both),
        (&[], &other),
        (&[("endpoint", "")], &other),
        (&[], &no_key),
        (&[], &none),
        (&[("container_name", "No/Container")], &secrets()),
        (&[("endpoint", "ftp://host")], &secrets()),
        (&[("endpoint", "http://user:word@host")], &secrets()),
        (&[("bucket", "x")], &secrets()),
    ] {
        let error = open(&azurite.config(more), secrets).map(drop).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config, "{more:?}: {error}");
    }
}

#[test]
fn an_upload_that_is_cut_goes_on_with_the_blocks_that_arrived() {
    let azurite = Azurite::start();
    let line = Proxy::to(azurite.port(), Line::default());
    let through = format!("http://127.0.0.1:{}/{ACCOUNT}", line.port);
    let place = opened(&azurite.config(&[("endpoint", &through)]), &secrets());
    let sample = Sample::new(100 << 20);
    // Six blocks arrive at least, and not all seven.
    line.cut_after_sending(70 << 20);
    with_call(|call| place.put(&key(1), &sample.body, call)).unwrap();
    assert!(sample.is_at(&*place, &key(1)));
    let again = line.sent().saturating_sub(sample.body.length);
    assert!(again < 66 << 20, "{again} bytes were sent again");
}

#[test]
fn one_of_two_writers_of_a_name_wins() {
    let azurite = Azurite::start();
    let place = opened(&azurite.config(&[]), &secrets());
    let samples = [Sample::new(20 << 20), Sample::new(21 << 20)];
    let results: Vec<_> = std::thread::scope(|scope| {
        let writers = samples.each_ref().map(|sample| {
            let place = &place;
            scope.spawn(move || with_call(|call| place.put(&key(1), &sample.body, call)))
        });
        writers.map(|writer| writer.join().unwrap()).into()
    });
    let won: Vec<_> = (0..2).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    assert!(samples[won[0]].is_at(&*place, &key(1)));
    let lost = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(lost.kind, ErrorKind::Exists, "{lost}");
}

#[test]
fn a_silent_service_is_given_up_on() {
    let azurite = Azurite::start();
    azurite.signal("STOP");
    let config = azurite.config(&[("timeout", "1")]);
    let place = holdfast::destination::open(&config, &secrets()).unwrap();
    let cancel = holdfast::model::Cancel::new();
    let call = holdfast::destination::Call {
        deadline: std::time::Instant::now().checked_add(std::time::Duration::from_secs(4)),
        ..holdfast::destination::Call::new(&cancel, &holdfast::model::NoObserver)
    };
    let error = place.stat(&key(0), &call).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
}
