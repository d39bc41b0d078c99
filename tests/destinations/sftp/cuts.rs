//! Claims about lines that are cut, servers that go and come back, and servers that say nothing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::retry::Patience;
use holdfast::destination::{Call, ErrorKind, open_with};
use holdfast::model::{Cancel, DestinationConfig, Observer, Phase, Progress};

use super::{
    Sample, everything, key, list, listed, noise, opened, put, read, refusal, set, soon, with_call,
};
use crate::servers::free_port;
use crate::servers::openssh::{OpenSsh, Setup};
use crate::servers::proxy::{Line, Proxy};

/// Far more than any of it should take, and far less than for ever.
const BOUND: Duration = Duration::from_secs(90);
const MIB: u64 = 1 << 20;

fn through(ssh: &OpenSsh, port: u16) -> DestinationConfig {
    let mut config = ssh.config();
    set(&mut config, "port", &port.to_string());
    set(&mut config, "fingerprint", &ssh.fingerprint("ed25519"));
    config
}

#[test]
fn an_upload_that_is_cut_goes_on_where_it_was() {
    let ssh = OpenSsh::start();
    let proxy = Proxy::to(ssh.port, Line::default());
    let place = opened(&through(&ssh, proxy.port));
    proxy.cut_after_sending(20 * MIB);
    let bytes = noise(24 << 20);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(proxy.connections(), 2);
    // From the start again it would be 44 MiB.
    assert!(proxy.sent() < 34 * MIB, "{} bytes were sent", proxy.sent());
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(
        everything(&ssh.base()).len(),
        3,
        "{:?}",
        everything(&ssh.base())
    );
}

#[test]
fn an_upload_that_is_cut_while_it_is_read_back_is_not_sent_again() {
    let ssh = OpenSsh::start();
    let proxy = Proxy::to(ssh.port, Line::default());
    let place = opened(&through(&ssh, proxy.port));
    proxy.cut_after_receiving(5 * MIB);
    let bytes = noise(12 << 20);
    put(&*place, &key(1), &bytes).unwrap();
    assert!(proxy.connections() >= 2);
    assert!(proxy.sent() < 21 * MIB, "{} bytes were sent", proxy.sent());
    assert_eq!(
        everything(&ssh.base()).len(),
        3,
        "{:?}",
        everything(&ssh.base())
    );
}

/// Cuts the line again and again while an archive is read back.
struct Breaking<'a> {
    proxy: &'a Proxy,
    next: Mutex<u64>,
}

impl Observer for Breaking<'_> {
    fn progress(&self, progress: &Progress) {
        let mut next = self.next.lock().unwrap();
        if progress.phase == Phase::Verifying && progress.done_bytes >= *next {
            *next = progress.done_bytes + 4 * MIB;
            self.proxy.cut_after_receiving(2 * MIB);
        }
    }
}

#[test]
fn an_archive_is_read_back_over_a_line_that_breaks_more_often_than_there_are_tries() {
    let ssh = OpenSsh::start();
    let proxy = Proxy::to(ssh.port, Line::default());
    let patience = Patience {
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(10),
        tries: 2,
    };
    let place = open_with(&through(&ssh, proxy.port), &BTreeMap::new(), patience).unwrap();
    let breaking = Breaking {
        proxy: &proxy,
        next: Mutex::new(0),
    };
    let bytes = noise(32 << 20);
    proxy.cut_after_sending(20 * MIB);
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &breaking);
    place.put(&key(1), &Sample::of(&bytes).body, &call).unwrap();
    assert!(proxy.connections() > 4, "{}", proxy.connections());
    assert!(proxy.sent() < 46 * MIB, "{} bytes were sent", proxy.sent());
    assert_eq!(read(&*place, &key(1), None), bytes);
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_was() {
    let ssh = OpenSsh::start();
    let proxy = Proxy::to(ssh.port, Line::default());
    let place = opened(&through(&ssh, proxy.port));
    let bytes = noise(24 << 20);
    put(&*place, &key(1), &bytes).unwrap();
    let before = proxy.received();
    proxy.cut_after_receiving(20 * MIB);
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(proxy.connections(), 2);
    let came = proxy.received() - before;
    assert!(came < 36 * MIB, "{came} bytes came");
}

/// Does something once, when so many bytes have been sent.
struct At<F: Fn() + Send + Sync> {
    bytes: u64,
    done: Mutex<bool>,
    act: F,
}

impl<F: Fn() + Send + Sync> Observer for At<F> {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Uploading && progress.done_bytes >= self.bytes {
            let mut done = self.done.lock().unwrap();
            if !*done {
                *done = true;
                (self.act)();
            }
        }
    }
}

#[test]
fn a_server_that_dies_and_comes_back_gets_the_rest() {
    let ssh = Mutex::new(OpenSsh::start());
    let (proxy, config) = {
        let ssh = ssh.lock().unwrap();
        let proxy = Proxy::to(ssh.port, Line::default());
        let config = through(&ssh, proxy.port);
        (proxy, config)
    };
    let place = opened(&config);
    let bytes = noise(32 << 20);
    let observer = At {
        bytes: 24 * MIB,
        done: Mutex::new(false),
        act: || {
            let mut ssh = ssh.lock().unwrap();
            ssh.kill();
            ssh.start_again();
        },
    };
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &observer);
    place.put(&key(1), &Sample::of(&bytes).body, &call).unwrap();
    assert!(*observer.done.lock().unwrap());
    assert!(proxy.sent() < 46 * MIB, "{} bytes were sent", proxy.sent());
    assert_eq!(read(&*place, &key(1), None), bytes);

    // Between two calls, and in the middle of a download.
    let restart = || {
        let mut ssh = ssh.lock().unwrap();
        ssh.kill();
        ssh.start_again();
    };
    restart();
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
    let mut reader = with_call(|call| place.get(&key(1), None, call)).unwrap();
    let mut first = vec![0; 1000];
    reader.read_exact(&mut first).unwrap();
    restart();
    reader.read_to_end(&mut first).unwrap();
    assert!(first == bytes, "other bytes came");
}

#[test]
fn a_server_that_stops_ends_every_call_in_time() {
    let ssh = OpenSsh::start();
    let mut config = ssh.config();
    set(&mut config, "timeout", "1");
    let place = opened(&config);
    put(&*place, &key(1), &noise(30 << 20)).unwrap();
    let begun = Instant::now();
    let mut reader = soon(|call| place.get(&key(1), None, call)).unwrap();
    let mut bytes = vec![0; 100_000];
    reader.read_exact(&mut bytes).unwrap();
    let observer = At {
        bytes: 4 * MIB,
        done: Mutex::new(false),
        act: || ssh.signal("STOP"),
    };
    let cancel = Cancel::new();
    let call = Call {
        deadline: Instant::now().checked_add(Duration::from_secs(6)),
        ..Call::new(&cancel, &observer)
    };
    let uploaded = place.put(&key(2), &Sample::of(&noise(30 << 20)).body, &call);
    let error = uploaded.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(*observer.done.lock().unwrap());
    let error = reader.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    let error = soon(|call| list(&*place, call)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    ssh.signal("CONT");
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
}

#[test]
fn a_server_that_stops_between_calls_is_left_for_a_new_connection() {
    let ssh = OpenSsh::start();
    let mut config = ssh.config();
    set(&mut config, "timeout", "1");
    let place = opened(&config);
    put(&*place, &key(1), b"one").unwrap();
    ssh.signal("STOP");
    let error = soon(|call| list(&*place, call)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    ssh.signal("CONT");
    assert_eq!(listed(&*place, ""), [key(1).as_str()]);
}

#[test]
fn where_nobody_answers_rightly_the_error_says_how() {
    let ssh = OpenSsh::start();
    let refused = through(&ssh, free_port());
    let error = refusal(&refused, &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");

    let mut nowhere = ssh.config();
    set(&mut nowhere, "host", "nowhere.invalid");
    let error = refusal(&nowhere, &BTreeMap::new());
    assert!(
        matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout),
        "{error}"
    );

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut config = through(&ssh, silent.local_addr().unwrap().port());
    set(&mut config, "timeout", "1");
    let begun = Instant::now();
    let error = refusal(&config, &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < BOUND);

    for (greeting, kind) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", ErrorKind::Protocol),
        ("SSH-1.5-ancient\r\n", ErrorKind::Protocol),
        ("Exceeded MaxStartups\r\n", ErrorKind::Throttled),
    ] {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let config = through(&ssh, other.local_addr().unwrap().port());
        thread::spawn(move || {
            for client in other.incoming() {
                let mut client = client.unwrap();
                let _ = client.write_all(greeting.as_bytes());
                let _ = client.read(&mut [0; 100]);
            }
        });
        let error = refusal(&config, &BTreeMap::new());
        assert_eq!(error.kind, kind, "{greeting}: {error}");
    }
}

#[test]
fn keys_that_are_renewed_in_the_middle_do_no_harm() {
    let ssh = OpenSsh::with(Setup {
        lines: &["RekeyLimit 2M"],
        ..Setup::default()
    });
    let place = opened(&ssh.config());
    let bytes = noise(24 << 20);
    put(&*place, &key(1), &bytes).unwrap();
    assert!(read(&*place, &key(1), None) == bytes, "other bytes came");
}

#[test]
fn a_line_that_is_slow_and_long_is_only_slow() {
    let ssh = OpenSsh::start();
    let line = Line {
        delay: Duration::from_millis(100),
        rate: Some(MIB),
    };
    let proxy = Proxy::to(ssh.port, line);
    let mut config = through(&ssh, proxy.port);
    set(&mut config, "timeout", "3");
    let place = opened(&config);
    let bytes = noise(6 << 20);
    put(&*place, &key(1), &bytes).unwrap();
    assert_eq!(proxy.connections(), 1, "it was taken for a dead one");
    assert_eq!(read(&*place, &key(1), None), bytes);
    assert_eq!(proxy.connections(), 1, "it was taken for a dead one");

    let cancel = Cancel::new();
    let observer = At {
        bytes: 2 * MIB,
        done: Mutex::new(false),
        act: || cancel.cancel(),
    };
    let stopped = place.put(
        &key(2),
        &Sample::of(&bytes).body,
        &Call::new(&cancel, &observer),
    );
    assert_eq!(stopped.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(
        everything(&ssh.base()).len(),
        3,
        "{:?}",
        everything(&ssh.base())
    );
}
