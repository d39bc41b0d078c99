//! How a server is reached, and whom it is trusted to be.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{Call, DestinationError, ErrorKind};
use holdfast::model::{Cancel, DestinationConfig, NoObserver};

use super::{key, list, opened, opened_with, put, read};
use crate::servers::apache::Apache;
use crate::servers::webdav::{PASSWORD, PATH, USER, config};
use crate::servers::{Authority, free_port};

/// Lists with little patience.
fn failure(config: &DestinationConfig) -> DestinationError {
    let cancel = Cancel::new();
    let call = Call {
        deadline: Instant::now().checked_add(Duration::from_secs(5)),
        ..Call::new(&cancel, &NoObserver)
    };
    opened(config).list("", &call, &mut |_| Ok(())).unwrap_err()
}

#[test]
fn a_server_that_is_not_trusted_says_which_it_is() {
    let apache = Apache::start();
    let other = Authority::new(apache.base.parent().unwrap(), "other");
    let (ca, other_ca) = (
        apache.authority.ca.to_str().unwrap(),
        other.ca.to_str().unwrap(),
    );
    let by_name = format!("https://localhost:{}/{PATH}", apache.tls_port);
    let other_name = format!("https://127.0.0.2:{}/{PATH}", apache.tls_port);
    for (url, more, says) in [
        (&by_name, vec![], "nobody known has signed it"),
        (
            &by_name,
            vec![("ca_file", other_ca)],
            "nobody known has signed it",
        ),
        (
            &by_name,
            vec![("fingerprint", other.fingerprint.as_str())],
            "not the one that was trusted",
        ),
        (&other_name, vec![("ca_file", ca)], "another host"),
    ] {
        let error = failure(&config(url, &more));
        assert_eq!(error.kind, ErrorKind::Trust, "{error}");
        assert!(error.detail.contains(says), "{error}");
        assert_eq!(
            error.presented.as_ref(),
            Some(&apache.authority.fingerprint),
            "{error}"
        );
    }
    // What was presented can be trusted, whatever it is called.
    for url in [&by_name, &other_name] {
        list(
            &*opened(&config(
                url,
                &[("fingerprint", &apache.authority.fingerprint)],
            )),
            "",
        )
        .unwrap();
    }
}

#[test]
fn an_address_of_version_6_is_one() {
    if let Err(e) = TcpListener::bind(("::1", 0)) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no IPv6: {e}");
        eprintln!("not tried: this machine has no IPv6 ({e})");
        return;
    }
    let apache = Apache::start();
    let url = format!("https://[::1]:{}/{PATH}", apache.tls_port);
    let ca = apache.authority.ca.to_str().unwrap();
    let place = opened(&config(&url, &[("ca_file", ca)]));
    put(&*place, &key(1), b"some").unwrap();
    assert_eq!(read(&*place, &key(1)), b"some");
}

#[test]
fn what_cannot_be_reached_is_told_by_what_it_is() {
    let apache = Apache::start();
    let plain = apache.url().replace("http:", "https:");
    for (url, expected, says) in [
        (
            format!("http://127.0.0.1:{}/", free_port()),
            ErrorKind::Unreachable,
            "refused",
        ),
        (
            "http://nobody.invalid/".to_owned(),
            ErrorKind::Unreachable,
            "lookup",
        ),
        (plain, ErrorKind::Protocol, "does not speak TLS"),
    ] {
        let error = failure(&config(&url, &[("timeout", "1")]));
        assert_eq!(error.kind, expected, "{url}: {error}");
        assert!(error.detail.contains(says), "{url}: {error}");
    }
}

/// As the command does it: with the retries that a place has else, this would take a minute.
#[test]
fn the_test_of_a_place_that_cannot_be_reached_is_over_at_once() {
    let began = Instant::now();
    let said = tested(&format!("http://127.0.0.1:{}/", free_port()), None, &[]);
    assert!(said.contains("unreachable:"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(8), "{said}");
}

#[test]
fn a_black_hole_is_left_in_time() {
    // Accepts and says nothing, with and without TLS.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    for scheme in ["http", "https"] {
        let began = Instant::now();
        let error = failure(&config(
            &format!("{scheme}://127.0.0.1:{port}/"),
            &[("timeout", "1")],
        ));
        assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn bad_settings_are_refused_and_secrets_in_them_not_repeated() {
    for (url, more) in [
        ("https://ada:s3cret@nas/", &[][..]),
        ("https://s3cret@nas/", &[]),
        ("ftp://nas/s3cret", &[]),
        ("nas/s3cret", &[]),
        ("https:///", &[]),
        ("https://nas/?token=s3cret", &[]),
        ("https://nas/#s3cret", &[]),
        ("", &[]),
        ("https://nas/", &[("username", "")]),
        ("https://nas/", &[("username", "a:b")]),
        ("https://nas/", &[("username", "a\nb")]),
        ("https://nas/", &[("base_path", "a/../b")]),
        ("https://nas/", &[("port", "1")]),
        ("https://nas/", &[("timeout", "0")]),
        ("https://nas/", &[("fingerprint", "SHA256:00")]),
        ("https://nas/", &[("ca_file", "relative.pem")]),
        ("http://nas/", &[("ca_file", "/etc/hosts")]),
        ("http://nas/", &[("fingerprint", "SHA256:00")]),
    ] {
        let error = opened_with(&config(url, more), PASSWORD).err();
        let error = error.unwrap_or_else(|| panic!("{url} {more:?} was taken"));
        assert_eq!(error.kind, ErrorKind::Config, "{url} {more:?}: {error}");
        assert!(
            !error.detail.contains("s3cret") && !error.detail.contains(PASSWORD),
            "{error}"
        );
    }
}

#[test]
fn what_is_sent_in_clear_is_known() {
    let is_in_clear = |url: &str| opened(&config(url, &[])).capabilities().in_clear;
    assert!(is_in_clear("http://nas/"));
    assert!(!is_in_clear("https://nas/"));
}

/// A proxy that remembers what it was asked for: requests, and tunnels.
struct ForwardProxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    /// `credentials`: what is asked for, in base 64.
    fn start(credentials: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let remembered = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let remembered = Arc::clone(&remembered);
                thread::spawn(move || forward(client, credentials, &remembered));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn forward(
    mut client: TcpStream,
    credentials: Option<&str>,
    asked: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let line = text.lines().next()?.to_owned();
    asked.lock().unwrap().push(line.clone());
    let words: Vec<_> = line.split(' ').collect();
    if credentials.is_some_and(|wanted| !text.contains(&format!("Basic {wanted}"))) {
        client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
        return None;
    }
    let server = if words[0] == "CONNECT" {
        let server = TcpStream::connect(words[1]).ok()?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
        server
    } else {
        // One request a connection, with the path alone, as for the server itself.
        let rest = words[1].strip_prefix("http://")?;
        let (host, path) = rest.split_at(rest.find('/')?);
        let mut server = TcpStream::connect(host).ok()?;
        let head =
            text.replacen(words[1], path, 1)
                .replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(head.as_bytes()).ok()?;
        server
    };
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
    Some(())
}

/// The built program, with a destination and an environment of its own: what it says of a test.
fn tested(url: &str, ca: Option<&str>, environment: &[(&str, String)]) -> String {
    let data = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command
                .env_remove(variable)
                .env_remove(variable.to_lowercase());
        }
        command
            .args(["--data-dir", data.path().to_str().unwrap()])
            .args(arguments)
            .env("HOLDFAST_KEYRING", "file")
            .env("THE_PASSWORD", PASSWORD)
            .envs(
                environment
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            );
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    let (url, user) = (format!("url={url}"), format!("username={USER}"));
    let mut arguments = vec!["destination", "add", "cloud", "--type", "webdav"];
    arguments.extend([
        "--set",
        &url,
        "--set",
        &user,
        "--secret",
        "password=env:THE_PASSWORD",
    ]);
    let ca = ca.map(|ca| format!("ca_file={ca}"));
    if let Some(ca) = &ca {
        arguments.extend(["--set", ca]);
    }
    let added = run(&arguments);
    added + &run(&["--json", "destination", "test", "cloud"])
}

#[test]
fn a_machine_that_knows_no_authority_can_use_what_needs_none_and_says_what_is_missing() {
    let apache = Apache::start();
    let nothing = [
        ("SSL_CERT_FILE", "/nowhere/certificates".to_owned()),
        ("SSL_CERT_DIR", "/nowhere".to_owned()),
    ];
    let said = tested(&apache.url(), None, &nothing);
    assert!(
        said.contains(r#""ok": true"#) && !said.contains(r#""ok": false"#),
        "{said}"
    );
    let said = tested(&apache.tls_url(), None, &nothing);
    assert!(
        said.contains("ca-certificates") && said.contains("ca_file"),
        "{said}"
    );
    let ca = apache.authority.ca.to_str();
    let said = tested(&apache.tls_url(), ca, &nothing);
    assert!(!said.contains(r#""ok": false"#), "{said}");
}

#[test]
fn the_proxies_of_the_environment_are_used() {
    let apache = Apache::start();
    let ca = apache.authority.ca.to_str().unwrap();
    let (plain, tls) = (apache.url(), apache.tls_url());
    let proxy = ForwardProxy::start(None);
    let address = format!("http://127.0.0.1:{}", proxy.port);

    let said = tested(&plain, None, &[("HTTP_PROXY", address.clone())]);
    assert!(
        said.contains(r#""ok": true"#) && !said.contains(r#""ok": false"#),
        "{said}"
    );
    let asked = proxy.asked();
    assert!(
        asked
            .iter()
            .any(|line| line.starts_with(&format!("PROPFIND http://127.0.0.1:{}/", apache.port))),
        "{asked:?}"
    );

    let before = proxy.asked().len();
    let said = tested(&tls, Some(ca), &[("HTTPS_PROXY", address.clone())]);
    assert!(
        said.contains(r#""ok": true"#) && !said.contains(r#""ok": false"#),
        "{said}"
    );
    let tunnel = format!("CONNECT localhost:{} HTTP/1.1", apache.tls_port);
    assert!(proxy.asked()[before..].iter().all(|line| *line == tunnel));
    assert!(proxy.asked().len() > before);

    let before = proxy.asked().len();
    let around = [
        ("HTTP_PROXY", address.clone()),
        ("HTTPS_PROXY", address),
        ("NO_PROXY", "localhost,127.0.0.0/8".to_owned()),
    ];
    for (url, ca) in [(&plain, None), (&tls, Some(ca))] {
        let said = tested(url, ca, &around);
        assert!(!said.contains(r#""ok": false"#), "{said}");
    }
    assert_eq!(proxy.asked().len(), before);
}

#[test]
fn a_proxy_that_wants_a_login_gets_it_or_is_told() {
    let apache = Apache::start();
    let ca = apache.authority.ca.to_str().unwrap();
    // ada:s3cret
    let proxy = ForwardProxy::start(Some("YWRhOnMzY3JldA=="));
    let plain = apache.url();
    let tls = apache.tls_url();
    for (url, ca, variable) in [
        (&plain, None, "HTTP_PROXY"),
        (&tls, Some(ca), "HTTPS_PROXY"),
    ] {
        let right = format!("http://ada:s3cret@127.0.0.1:{}", proxy.port);
        let said = tested(url, ca, &[(variable, right)]);
        assert!(
            said.contains(r#""ok": true"#) && !said.contains(r#""ok": false"#),
            "{said}"
        );
        let wrong = format!("http://ada:wr0ng@127.0.0.1:{}", proxy.port);
        let said = tested(url, ca, &[(variable, wrong)]);
        assert!(
            said.contains("authentication:") && !said.contains("wr0ng"),
            "{said}"
        );
    }
}
