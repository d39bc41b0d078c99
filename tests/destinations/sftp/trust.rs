//! Claims about the keys of servers: nothing is ever trusted silently.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use holdfast::destination::{DestinationError, ErrorKind};
use holdfast::model::DestinationConfig;

use super::{listed, opened, refusal, set, with_environment};
use crate::servers::openssh::{OpenSsh, Setup};

const TYPES: &[&str] = &["ed25519", "ecdsa", "rsa"];

fn with_all_types() -> OpenSsh {
    OpenSsh::with(Setup {
        host_keys: TYPES,
        ..Setup::default()
    })
}

fn knowing(ssh: &OpenSsh, lines: &str) -> DestinationConfig {
    fs::write(ssh.path("client/known_hosts"), lines).unwrap();
    ssh.config()
}

fn distrusted(config: &DestinationConfig) -> DestinationError {
    let error = refusal(config, &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Trust, "{error}");
    error
}

fn another_key(ssh: &OpenSsh) -> String {
    ssh.new_key("client/other", "ed25519", "");
    let text = fs::read_to_string(ssh.path("client/other.pub")).unwrap();
    text.split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn an_unknown_server_is_not_trusted_until_its_fingerprint_is_set() {
    let ssh = OpenSsh::start();
    let before = "elsewhere.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ\n";
    let mut config = knowing(&ssh, before);
    let error = distrusted(&config);
    assert!(error.detail.contains("is not known yet"), "{error}");
    let presented = error.presented.unwrap();
    assert_eq!(presented, ssh.fingerprint("ed25519"));
    let kept = fs::read_to_string(ssh.path("client/known_hosts")).unwrap();
    assert_eq!(kept, before, "a file of the user's was changed");
    set(&mut config, "fingerprint", &presented);
    assert_eq!(listed(&*opened(&config), ""), [""; 0]);
}

#[test]
fn a_key_that_changed_is_said_to_have_changed() {
    let ssh = OpenSsh::start();
    let other = another_key(&ssh);
    let error = distrusted(&knowing(
        &ssh,
        &format!("[127.0.0.1]:{} {other}\n", ssh.port),
    ));
    assert!(error.detail.contains("it has changed"), "{error}");
    assert_eq!(error.presented.unwrap(), ssh.fingerprint("ed25519"));

    let mut pinned = ssh.config();
    let wrong = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    set(&mut pinned, "fingerprint", wrong);
    let error = distrusted(&pinned);
    assert!(
        error.detail.contains("it has changed") && error.detail.contains(wrong),
        "{error}"
    );
    assert_eq!(error.presented.unwrap(), ssh.fingerprint("ed25519"));

    let of_another_type = OpenSsh::with(Setup {
        host_keys: &["ecdsa"],
        ..Setup::default()
    });
    let lines = format!("[127.0.0.1]:{} {other}\n", of_another_type.port);
    let error = distrusted(&knowing(&of_another_type, &lines));
    assert!(error.detail.contains("it has changed its type"), "{error}");
}

#[test]
fn any_of_the_servers_keys_can_be_the_one_that_is_trusted() {
    let ssh = with_all_types();
    for kind in TYPES {
        let mut pinned = ssh.config();
        set(&mut pinned, "fingerprint", &ssh.fingerprint(kind));
        assert_eq!(listed(&*opened(&pinned), ""), [""; 0], "{kind} pinned");
        let known = format!("[127.0.0.1]:{} {}\n", ssh.port, ssh.host_key(kind));
        assert_eq!(
            listed(&*opened(&knowing(&ssh, &known)), ""),
            [""; 0],
            "{kind} known"
        );
    }
    let mut pinned = ssh.config();
    set(
        &mut pinned,
        "fingerprint",
        "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    assert_eq!(
        distrusted(&pinned).presented.unwrap(),
        ssh.fingerprint("ed25519")
    );
}

#[test]
fn known_hosts_is_read_as_openssh_reads_it() {
    let ssh = OpenSsh::start();
    let (port, key) = (ssh.port, ssh.host_key("ed25519"));
    let other = another_key(&ssh);
    let trusted = [
        format!("# a remark\n\nbad line\n[127.0.0.1]:{port}\t {key} with a remark # or two\n"),
        format!("nas,[127.0.0.1]:{port},[::1]:22 {key}\n"),
        format!("[127.0.0.*]:{port} {key}\n"),
        format!("[127.?.0.1]:* {key}\n"),
        format!("[127.0.0.1]:{port} {other}\n[127.0.0.1]:{port} {key}\n"),
        format!("@revoked * {other}\n[127.0.0.1]:{port} {key}\n"),
    ];
    for lines in trusted {
        assert_eq!(
            listed(&*opened(&knowing(&ssh, &lines)), ""),
            [""; 0],
            "{lines}"
        );
    }
    let distrusted_lines = [
        format!("#[127.0.0.1]:{port} {key}\n"),
        format!("127.0.0.1 {key}\n"),
        format!("[127.0.0.1]:{} {key}\n", port ^ 1),
        format!("[127.0.0.*]:{port},!*1]:{port} {key}\n"),
        format!("@cert-authority [127.0.0.1]:{port} {key}\n"),
        format!("[127.0.0.1]:{port} {key}\n@revoked [127.0.0.1]:{port} {key}\n"),
    ];
    for lines in distrusted_lines {
        let error = distrusted(&knowing(&ssh, &lines));
        assert!(error.presented.is_some(), "{lines}");
    }
}

#[test]
fn hashed_names_are_known_too() {
    let ssh = OpenSsh::start();
    let config = ssh.config();
    let hashed = Command::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(ssh.path("client/known_hosts"))
        .output();
    assert!(hashed.unwrap().status.success());
    let text = fs::read_to_string(ssh.path("client/known_hosts")).unwrap();
    assert!(text.starts_with("|1|"), "{text}");
    assert_eq!(listed(&*opened(&config), ""), [""; 0]);
}

#[test]
fn settings_that_trust_nothing_are_bad_settings() {
    let ssh = OpenSsh::start();
    for wrong in [
        "SHA256:short",
        "MD5:16:27:ac",
        &"ab".repeat(32),
        "SHA512:AAAA",
    ] {
        let mut config = ssh.config();
        set(&mut config, "fingerprint", wrong);
        assert_eq!(
            refusal(&config, &BTreeMap::new()).kind,
            ErrorKind::Config,
            "{wrong}"
        );
    }
    let mut config = ssh.config();
    set(&mut config, "known_hosts", "/nowhere/known_hosts");
    let error = refusal(&config, &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Config, "{error}");
}

#[test]
fn without_settings_the_users_own_file_decides() {
    let name = "sftp::trust::without_settings_the_users_own_file_decides";
    let home = tempfile::tempdir().unwrap();
    with_environment(name, &[("HOME", home.path())], || {
        let home = std::env::home_dir().unwrap();
        let ssh = OpenSsh::start();
        let mut config = ssh.config();
        config.config.remove("known_hosts");
        let own = Path::new(&home).join(".ssh/known_hosts");
        let error = distrusted(&config);
        assert!(error.detail.contains("is not known yet"), "{error}");
        assert!(!own.exists(), "a key was learnt");
        fs::create_dir(own.parent().unwrap()).unwrap();
        fs::write(&own, ssh.known_hosts()).unwrap();
        assert_eq!(listed(&*opened(&config), ""), [""; 0]);
    });
}
