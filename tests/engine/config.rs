//! Claims about `config`: what is exported, and above all what is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use holdfast::model::manifest::ConfigSource;
use holdfast::model::{Component, ComponentKind, Instance, InstanceId, InstanceSettings, Template};
use holdfast::service::sample::{SampleSize, create};
use holdfast::source::config::{compare, export, settings};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn instance(root: &Path, template: Template, sources: &[&str]) -> Instance {
    Instance {
        id: InstanceId::from_random(1),
        name: "sample".to_owned(),
        path: root.to_path_buf(),
        template,
        components: vec![Component {
            name: "config".to_owned(),
            kind: ComponentKind::Config,
            sources: sources.iter().map(PathBuf::from).collect(),
        }],
        settings: InstanceSettings::default(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn exported(instance: &Instance, overrides: Option<&Path>) -> Value {
    serde_json::from_slice(&export(instance, overrides).json).unwrap()
}

fn one(file_name: &str, content: &str) -> BTreeMap<String, String> {
    settings(file_name, content.as_bytes()).unwrap()
}

#[test]
fn an_override_wins_over_the_file_and_secrets_are_redacted() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tacacs");
    create(&root, SampleSize::SMALL).unwrap();
    let instance = instance(&root, Template::Tacacs, &["config/tacacs.conf"]);
    let overrides = root.join("data/config_overrides.db");
    let found = export(&instance, Some(&overrides));
    assert!(found.has_overrides);
    assert_eq!(found.config_source, ConfigSource::File);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    let value: Value = serde_json::from_slice(&found.json).unwrap();
    assert_eq!(value["server"]["log_level"], "WARNING");
    assert_eq!(value["server"]["tcp_keepalive"], "true");
    assert_eq!(value["security"]["max_auth_attempts"], "5");
    assert_eq!(value["auth"]["backends"], "local, ldap");
    assert_eq!(
        value["security"]["allowed_clients"],
        "\n192.0.2.0/24\n198.51.100.0/24"
    );
    let text = String::from_utf8(found.json).unwrap();
    assert!(!text.contains("made-up"), "{text}");
}

#[test]
fn without_overrides_the_file_stands_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.conf"), "[server]\nport = 49\n").unwrap();
    let instance = instance(dir.path(), Template::Tacacs, &["t.conf"]);
    let found = export(&instance, None);
    assert!(!found.has_overrides);
    assert_eq!(
        found.json,
        b"{\n  \"server\": {\n    \"port\": \"49\"\n  }\n}\n"
    );
}

#[test]
fn the_environment_file_fills_only_what_is_missing_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.conf"), "[server]\nport = 49\n").unwrap();
    let env = "TACACS_SERVER_PORT=50\nexport TACACS_RADIUS_AUTH_PORT='1812'\nTACACS_LDAP_BIND_PASSWORD=hunter2\nTACACS_SERVER_HOST=::1 # all\n";
    fs::write(dir.path().join(".env"), env).unwrap();
    let value = exported(&instance(dir.path(), Template::Tacacs, &["t.conf"]), None);
    let expected =
        json!({"radius": {"auth_port": "1812"}, "server": {"host": "::1", "port": "49"}});
    assert_eq!(value, expected);
}

#[test]
fn no_configuration_is_an_empty_object() {
    let dir = tempfile::tempdir().unwrap();
    for template in [Template::Tacacs, Template::Auto] {
        let found = export(&instance(dir.path(), template, &[]), None);
        assert_eq!(found.json, b"{}\n");
    }
}

#[test]
fn a_configuration_by_url_is_read_from_its_cache() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    let cache = "data/config_baseline_cache.conf";
    fs::write(dir.path().join(cache), "[server]\nport = 4949\n").unwrap();
    let found = export(&instance(dir.path(), Template::Tacacs, &[cache]), None);
    assert_eq!(found.config_source, ConfigSource::Url);
    assert!(String::from_utf8(found.json).unwrap().contains("4949"));
}

#[test]
fn files_of_any_folder_are_exported_by_name_and_unknown_syntax_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put(
        "a.toml",
        "[db]\nurl = \"postgres://u:p@h/d\"\nn = 1\nat = 2026-01-01\n",
    );
    put("b.yaml", "list: [1, two]\n---\nmore: true\n");
    put(
        "c.json",
        "{\"api_key\": \"x\", \"nested\": {\"token\": [\"t\"]}}",
    );
    put(".env", "A=1\nDB_PASSWORD=hunter2\n");
    put("nginx.conf", "server {\n  listen 80;\n}\n");
    fs::write(dir.path().join("z.ini"), [0xff, 0xfe, 0x00]).unwrap();
    let names = [".env", "a.toml", "b.yaml", "c.json", "nginx.conf", "z.ini"];
    let instance = instance(dir.path(), Template::Auto, &names);
    let found = export(&instance, None);
    let value: Value = serde_json::from_slice(&found.json).unwrap();
    let expected = json!({
        ".env": {"A": "1", "DB_PASSWORD": "[redacted]"},
        "a.toml": {"db": {"at": "2026-01-01", "n": 1, "url": "postgres://[redacted]@h/d"}},
        "b.yaml": [{"list": [1, "two"]}, {"more": true}],
        "c.json": {"api_key": "[redacted]", "nested": {"token": ["[redacted]"]}},
        "nginx.conf": {"unparsed": true},
        "z.ini": {"unparsed": true},
    });
    assert_eq!(value, expected);
    assert_eq!(found.warnings.len(), 2);
}

#[test]
fn a_file_that_is_too_large_gone_or_a_fifo_is_named_and_nothing_hangs() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("big.json"), vec![b' '; 2_000_000]).unwrap();
    let fifo = dir.path().join("fifo.conf");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, fifo, kind, mode, 0).unwrap();
    let names = ["big.json", "fifo.conf", "gone.conf"];
    let found = export(&instance(dir.path(), Template::Auto, &names), None);
    assert_eq!(found.warnings.len(), 3);
    assert!(found.warnings.iter().all(|w| w.code == "config_unparsed"));
}

#[test]
fn ini_is_read_as_the_server_reads_it() {
    let text = "\u{feff}# comment\n[DEFAULT]\nall: everywhere\n[Server]\r\nHost = a = b : c\n  ; comment\n  [goes on]\n\n  last\nempty =\nPort:49\r[ a]b]c ] trailing\nx=1";
    let found = one("t.conf", text);
    let expected = [
        ("DEFAULT.all", "everywhere"),
        ("Server.empty", ""),
        ("Server.host", "a = b : c\n[goes on]\n\nlast"),
        ("Server.port", "49"),
        (" a]b]c .x", "1"),
    ];
    let expected: BTreeMap<_, _> = expected
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    assert_eq!(found, expected);
    for bad in ["[s]\nno delimiter\n", "[s]\n= no name\n", "[]\n", "[s\n"] {
        assert_eq!(settings("t.conf", bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn a_key_given_twice_is_a_warning_and_the_last_one_counts() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[server]\nport = 1\nPORT = 2\n[server]\nhost = h\n";
    fs::write(dir.path().join("t.conf"), text).unwrap();
    let found = export(&instance(dir.path(), Template::Tacacs, &["t.conf"]), None);
    let lines: Vec<_> = found.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("line 3") && lines[1].contains("line 4"));
    assert!(
        String::from_utf8(found.json)
            .unwrap()
            .contains("\"port\": \"2\"")
    );
}

#[test]
fn names_and_values_that_look_secret_are_redacted_and_others_are_not() {
    let secret = [
        ("bind_password", "x"),
        ("ldapBindPassword", "x"),
        ("PASSWD", "x"),
        ("radius.secret", "x"),
        ("api-key", "x"),
        ("apikey", "x"),
        ("ssh_key", "x"),
        ("client_private_key", "x"),
        ("token", "123456"),
        ("admin_password_hash", "x"),
        ("salt", "x"),
        ("passphrase", "x"),
        ("aws_credentials", "x"),
        ("connection_string", "x"),
        ("connectionString", "x"),
        ("dsn", "x"),
        ("snmp_community", "x"),
        ("note", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END"),
        ("note", "-----BEGIN RSA PRIVATE KEY-----"),
        ("note", "$argon2id$v=19$m=1,t=1,p=1$abc$def"),
        ("note", "Bearer abc.def"),
        ("note", "DefaultEndpointsProtocol=https;AccountKey=abc==;"),
        ("note", "host=db password=abc"),
        ("note", "https://h/x?sig=abc&a=b"),
        ("note", "AGE-SECRET-KEY-1ABC"),
        ("_auth", "dXNlcjpwYXNz"),
        ("urls", "https://hooks.example.com/services/T0/B0/x"),
    ];
    for (key, value) in secret {
        let text = serde_json::to_string(&json!({key: value})).unwrap();
        let found = one("t.json", &text);
        assert_eq!(found[key], "[redacted]", "{key} = {value}");
    }
    let plain = [
        ("monkey_business", "no"),
        ("keyboard", "de"),
        ("tcp_keepalive", "1"),
        ("author", "ann"),
        ("hashtable", "big"),
        ("backends", "local"),
        ("path", "data/x.db"),
        ("use_password", "true"),
        ("cert", "-----BEGIN CERTIFICATE-----"),
        ("url", "https://host/path@x"),
        ("filter", "(uid=%s)"),
        ("clients", "a=b, c=d"),
    ];
    for (key, value) in plain {
        let text = serde_json::to_string(&json!({key: value})).unwrap();
        assert_eq!(one("t.json", &text)[key], value, "{key}");
    }
    let urls = one("t.json", r#"{"u": "a://x:y@h b://z@h/p"}"#);
    assert_eq!(urls["u"], "a://[redacted]@h b://[redacted]@h/p");
    let headers = one("t.json", r#"{"h": "{\"Authorization\": \"x\", \"A\": 1}"}"#);
    assert_eq!(headers["h"], r#"{"A":1,"Authorization":"[redacted]"}"#);
}

#[test]
fn a_changed_secret_is_seen_but_not_shown() {
    let live = b"[s]\npassword = one\nport = 1\nsame = x\n";
    let archive = b"[s]\npassword = two\nsame = x\nnew = y\n";
    let changes = compare("t.conf", live, archive).unwrap();
    let shown: Vec<_> = changes
        .iter()
        .map(|c| (c.setting.as_str(), c.live.as_deref(), c.archive.as_deref()))
        .collect();
    let expected = [
        ("s.new", None, Some("y")),
        ("s.password", Some("[redacted]"), Some("[redacted]")),
        ("s.port", Some("1"), None),
    ];
    assert_eq!(shown, expected);
    assert_eq!(compare("t.conf", b"[", archive), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.conf", "a.toml", "a.yaml", "a.json", ".env"] {
            let _ = settings(name, &bytes);
        }
    }

    #[test]
    fn no_text_of_the_syntaxes_own_letters_makes_it_panic(text in r#"[ \t\r\n\[\]{}=:;#&*!|>"'$%@,.\-+a-c0-1_é]{0,120}"#) {
        for name in ["a.conf", "a.toml", "a.yaml", "a.json", ".env"] {
            let _ = settings(name, text.as_bytes());
        }
    }

    #[test]
    fn a_secret_under_a_secret_name_never_comes_out(secret in "[a-zA-Z0-9]{9,20}", name in "(db|my|x)[_.-]?(password|secret|token|passphrase)") {
        let text = format!("[s]\n{name} = {secret}\n  {secret}\n");
        let found = settings("a.ini", text.as_bytes()).unwrap();
        prop_assert!(found.values().all(|v| !v.contains(&secret)));
    }
}
