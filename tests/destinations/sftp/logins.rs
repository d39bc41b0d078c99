//! Claims about who is let in, and about what is said to those who are not.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use holdfast::destination::{ErrorKind, open};
use holdfast::model::DestinationConfig;

use super::{listed, opened, put, refusal, set, with_environment};
use crate::servers::left_out_without_root;
use crate::servers::openssh::{OpenSsh, PASSPHRASE, PASSWORD, Setup, secrets};

fn with_key(ssh: &OpenSsh, key: &Path) -> DestinationConfig {
    let mut config = ssh.config();
    set(&mut config, "private_key", key.to_str().unwrap());
    config
}

fn without_key(ssh: &OpenSsh) -> DestinationConfig {
    let mut config = ssh.config();
    config.config.remove("private_key");
    config
}

#[test]
fn keys_of_every_usual_type_are_let_in() {
    let ssh = OpenSsh::start();
    for (kind, options) in [("rsa", ""), ("ecdsa", ""), ("ed25519", PASSPHRASE)] {
        let key = ssh.new_key(&format!("client/{kind}"), kind, options);
        ssh.authorize(&key);
        let place = open(
            &with_key(&ssh, &key),
            &secrets([("private_key_passphrase", options)]),
        );
        assert_eq!(listed(&*place.unwrap(), ""), [""; 0], "{kind}");
    }
}

#[test]
fn a_key_that_cannot_be_used_says_why() {
    let ssh = OpenSsh::start();
    let locked = ssh.new_key("client/locked", "ed25519", PASSPHRASE);
    let stranger = ssh.new_key("client/stranger", "ed25519", "");
    ssh.authorize(&locked);
    let open_to_all = ssh.new_key("client/open", "ed25519", "");
    fs::set_permissions(&open_to_all, Permissions::from_mode(0o640)).unwrap();
    let text = ssh.path("client/text");
    fs::write(&text, "not a key\n").unwrap();
    fs::set_permissions(&text, Permissions::from_mode(0o600)).unwrap();
    let absent = ssh.path("client/absent");
    let wrong = secrets([("private_key_passphrase", "wrong")]);
    let none = BTreeMap::new();
    let cases = [
        (&locked, &none, ErrorKind::Authentication, "is encrypted"),
        (&locked, &wrong, ErrorKind::Authentication, "does not open"),
        (
            &stranger,
            &none,
            ErrorKind::Authentication,
            "it refused the key",
        ),
        (&open_to_all, &none, ErrorKind::Config, "mode 640"),
        (&text, &none, ErrorKind::Config, "is no private key"),
        (&absent, &none, ErrorKind::Config, "cannot be read"),
    ];
    for (key, secrets, kind, said) in cases {
        let error = refusal(&with_key(&ssh, key), secrets);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.detail.contains(said), "{error}");
        assert!(!error.detail.contains("wrong"), "a secret is told: {error}");
    }
    let mut relative = ssh.config();
    set(&mut relative, "private_key", "client/id");
    assert_eq!(refusal(&relative, &none).kind, ErrorKind::Config);
}

#[test]
fn a_user_that_may_not_log_in_is_told_so() {
    let ssh = OpenSsh::with(Setup {
        lines: &["AllowUsers somebody-else"],
        ..Setup::default()
    });
    let error = refusal(&ssh.config(), &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
    assert!(error.detail.contains(&OpenSsh::username()), "{error}");
}

#[test]
fn a_password_is_let_in_and_a_wrong_one_is_not() {
    if left_out_without_root("an account whose password is known") {
        return;
    }
    let ssh = OpenSsh::start();
    let place = open(&without_key(&ssh), &secrets([("password", PASSWORD)])).unwrap();
    assert_eq!(listed(&*place, ""), [""; 0]);
    let error = refusal(&without_key(&ssh), &secrets([("password", "Secret-2")]));
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
    assert!(error.detail.contains("it refused the password"), "{error}");
    assert!(
        !error.detail.contains("Secret"),
        "a secret is told: {error}"
    );
    let mut nobody = without_key(&ssh);
    set(&mut nobody, "username", "nobody-of-this-name");
    let error = refusal(&nobody, &secrets([("password", PASSWORD)]));
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
}

#[test]
fn a_password_answers_a_server_that_asks_for_it() {
    if left_out_without_root("logins by PAM") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        asks: true,
        lines: &["PasswordAuthentication no"],
        ..Setup::default()
    });
    let place = open(&without_key(&ssh), &secrets([("password", PASSWORD)])).unwrap();
    assert_eq!(listed(&*place, ""), [""; 0]);
    let error = refusal(&without_key(&ssh), &secrets([("password", "Secret-2")]));
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
}

#[test]
fn a_server_may_want_a_key_and_a_password() {
    if left_out_without_root("an account whose password is known") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        lines: &["AuthenticationMethods publickey,password"],
        ..Setup::default()
    });
    let place = open(&ssh.config(), &secrets([("password", PASSWORD)])).unwrap();
    assert_eq!(listed(&*place, ""), [""; 0]);
    let error = refusal(&ssh.config(), &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
    assert!(error.detail.contains("it takes password"), "{error}");
}

#[test]
fn a_login_that_is_tried_too_often_for_the_server_is_no_lost_connection() {
    let ssh = OpenSsh::with(Setup {
        lines: &["MaxAuthTries 1"],
        ..Setup::default()
    });
    let stranger = ssh.new_key("client/stranger", "ed25519", "");
    let error = refusal(
        &with_key(&ssh, &stranger),
        &secrets([("password", "wrong")]),
    );
    assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
}

/// It ends when this goes.
struct Agent(Child);

impl Agent {
    fn start(socket: &Path) -> Self {
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !socket.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }

    fn add(socket: &Path, key: &Path) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", socket)
            .status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_agent_is_asked_where_there_is_neither_key_nor_password() {
    let name = "sftp::logins::the_agent_is_asked_where_there_is_neither_key_nor_password";
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    with_environment(name, &[("SSH_AUTH_SOCK", &socket)], || {
        let socket = std::env::var_os("SSH_AUTH_SOCK").unwrap();
        let socket = Path::new(&socket);
        let ssh = OpenSsh::start();
        let refused = |said: &str| {
            let error = refusal(&without_key(&ssh), &BTreeMap::new());
            assert_eq!(error.kind, ErrorKind::Authentication, "{error}");
            assert!(error.detail.contains(said), "{error}");
        };
        refused("cannot be asked");
        let _agent = Agent::start(socket);
        refused("holds no key");
        Agent::add(socket, &ssh.new_key("client/stranger", "ed25519", ""));
        refused("it refused the agent's key");
        for kind in ["rsa", "ed25519"] {
            let key = ssh.new_key(&format!("client/{kind}"), kind, "");
            ssh.authorize(&key);
            Agent::add(socket, &key);
            assert_eq!(listed(&*opened(&without_key(&ssh)), ""), [""; 0], "{kind}");
            let dropped = Command::new("ssh-add").arg("-qd").arg(&key).status();
            assert!(dropped.unwrap().success());
        }
    });
}

#[test]
fn without_any_proof_the_settings_are_what_is_wrong() {
    let name = "sftp::logins::without_any_proof_the_settings_are_what_is_wrong";
    with_environment(name, &[("SSH_AUTH_SOCK", Path::new(""))], || {
        let ssh = OpenSsh::start();
        let error = refusal(&without_key(&ssh), &BTreeMap::new());
        assert_eq!(error.kind, ErrorKind::Config, "{error}");
        assert!(error.detail.contains("SSH_AUTH_SOCK"), "{error}");
    });
}

#[test]
fn a_login_without_sftp_is_told_from_a_server_that_is_down() {
    let ssh = OpenSsh::with(Setup {
        subsystem: None,
        ..Setup::default()
    });
    let error = refusal(&ssh.config(), &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(error.detail.contains("no SFTP"), "{error}");

    let commands: [(&'static [&'static str], &str); 2] = [
        (
            &["ForceCommand echo Only for mail here"],
            "Only for mail here",
        ),
        (&["ForceCommand true"], "ends before it begins"),
    ];
    for (lines, said) in commands {
        let ssh = OpenSsh::with(Setup {
            lines,
            ..Setup::default()
        });
        let error = refusal(&ssh.config(), &BTreeMap::new());
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        assert!(error.detail.contains(said), "{error}");
    }
}

#[test]
fn an_account_that_is_closed_says_so() {
    if left_out_without_root("an account with another shell") {
        return;
    }
    let ssh = OpenSsh::with(Setup {
        shell: "/usr/sbin/nologin",
        subsystem: Some("/usr/lib/openssh/sftp-server"),
        ..Setup::default()
    });
    let error = refusal(&ssh.config(), &BTreeMap::new());
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert!(error.detail.contains("not available"), "{error}");
}

#[test]
fn a_login_that_may_only_read_is_forbidden_to_write() {
    let ssh = OpenSsh::with(Setup {
        subsystem: Some("internal-sftp -R"),
        ..Setup::default()
    });
    let place = opened(&ssh.config());
    assert_eq!(listed(&*place, ""), [""; 0]);
    let error = put(&*place, &super::key(1), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
}
